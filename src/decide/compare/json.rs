//! Differences as versioned JSON.

use serde::Serialize;

use crate::words::answer;

use super::difference::Difference;

#[derive(Serialize)]
struct DifferenceJson<'a> {
    before: &'a str,
    after: &'a str,
    same: bool,
    #[serde(flatten)]
    difference: &'a Difference,
}

/// `difference` as JSON, with a final line break. `before` and `after` name the two results.
pub fn render(difference: &Difference, before: &str, after: &str) -> String {
    answer::json(&DifferenceJson { before, after, same: difference.is_empty(), difference })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::compare::{fixture, results};
    use crate::model::Verdict;

    #[test]
    fn the_shape_is_as_documented() {
        let before = fixture::matrix(&[("debian-13/9.2.5", Verdict::Pass)]);
        let after = fixture::matrix(&[("debian-13/9.2.5", Verdict::Fail)]);
        let json = render(&results(&before, &after), "a", "b");
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["schema"], 1);
        assert_eq!(value["same"], false);
        assert_eq!(value["tally"]["regressed"], 1);
        let cell = &value["cells"][0];
        assert_eq!(cell["id"], "debian-13/9.2.5");
        assert_eq!(cell["change"], "regressed");
        assert_eq!(cell["verdict"], serde_json::json!({"before": "pass", "after": "fail"}));
        assert_eq!(cell["trials"][0]["outcome"]["after"], "fail");
        assert_eq!(cell["known_issues"]["gained"][0], "ATS-11465");
    }
}
