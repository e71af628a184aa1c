//! Answers (of the gate, of comparisons, of merges) as JSON, for machines. Knows their version and
//! their layout, not what they say.

use serde::Serialize;

/// Version of the shape of answers. Rises with every change that an older reader would
/// misunderstand.
pub const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Document<'a, T> {
    schema: u32,
    #[serde(flatten)]
    answer: &'a T,
}

/// `answer` as pretty JSON with its schema first, keys in the order of its fields; ends with a line
/// end.
///
/// # Panics
/// Never for a struct with string keys and finite numbers, which is what answers are.
pub fn json(answer: &impl Serialize) -> String {
    #[expect(clippy::expect_used, reason = "answers are structs with string keys, and a String takes all")]
    let text = serde_json::to_string_pretty(&Document { schema: SCHEMA, answer }).expect("plain data serializes");
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
