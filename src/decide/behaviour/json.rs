//! Differences of behaviour as versioned JSON.

use serde::Serialize;

use crate::words::answer;

use super::change::BehaviourDifference;

#[derive(Serialize)]
struct DifferencesJson<'a> {
    behaviour: &'a [BehaviourDifference],
}

/// `differences` as JSON, with a final line break.
pub fn render(differences: &[BehaviourDifference]) -> String {
    answer::json(&DifferencesJson { behaviour: differences })
}
