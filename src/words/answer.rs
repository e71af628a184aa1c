//! The JSON form of answers (gate, diff, merge and others): the schema version first, then the answer's fields.

use serde::Serialize;

/// Schema version of answers. Increases with every change that an older reader would misunderstand.
pub const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Envelope<'a, T> {
    schema: u32,
    #[serde(flatten)]
    answer: &'a T,
}

/// `answer` as pretty JSON: the schema first, then its fields in order. Ends with a newline.
///
/// # Panics
/// Never for a struct with string keys and finite numbers, which is what answers are.
pub fn json(answer: &impl Serialize) -> String {
    #[expect(clippy::expect_used, reason = "answers are structs with string keys")]
    let text = serde_json::to_string_pretty(&Envelope { schema: SCHEMA, answer }).expect("plain data serializes");
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_comes_first() {
        #[derive(Serialize)]
        struct Answer {
            word: &'static str,
        }
        assert_eq!(json(&Answer { word: "open" }), "{\n  \"schema\": 1,\n  \"word\": \"open\"\n}\n");
    }
}
