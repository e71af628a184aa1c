//! The result of a workaround that was tried on a cell, in one line.

use crate::model::{CellResult, Outcome, WorkaroundTried};

/// `tcp-fast-open worked: 8 of 8 trials passed with it`, or which trials did not pass.
pub fn outcome(tried: &WorkaroundTried) -> String {
    let all = tried.passed.len() + tried.not_passed.len();
    let WorkaroundTried { name, passed, not_passed, .. } = tried;
    let count = format!("{} of {all} trials passed with it", passed.len());
    match (tried.worked, passed.is_empty()) {
        (true, _) => format!("{name} worked: {count}"),
        (false, true) => format!("{name} did not work: {}", not_passed.join(", ")),
        (false, false) => format!("{name} partly worked: {count}, not {}", not_passed.join(", ")),
    }
}

/// The full line: its result on this cell, its settings and its cost.
pub fn line(tried: &WorkaroundTried) -> String {
    format!("tried here: {} ({}); cost: {}", outcome(tried), tried.settings.join(", "), tried.cost)
}

/// Failing trials of a cell that no known issue explains.
pub fn unexplained(cell: &CellResult) -> Vec<&str> {
    let explained = |id: &str| cell.known_issues.iter().any(|issue| issue.trials.iter().any(|trial| trial == id));
    let failing = cell.trials.iter().filter(|trial| matches!(trial.outcome, Outcome::Fail | Outcome::Flaky));
    failing.filter(|trial| !explained(&trial.id)).map(|trial| trial.id.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::fixture;

    fn tried(passed: &[&str], not_passed: &[&str]) -> WorkaroundTried {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        WorkaroundTried {
            name: "tcp-fast-open".into(),
            settings: vec!["proxy.config.net.sock_option_flag_out INT 9".into()],
            worked: not_passed.is_empty(),
            passed: names(passed),
            not_passed: names(not_passed),
            cost: "data in the SYN".into(),
        }
    }

    #[test]
    fn a_result_is_one_line() {
        assert_eq!(
            line(&tried(&["a", "b"], &[])),
            "tried here: tcp-fast-open worked: 2 of 2 trials passed with it \
             (proxy.config.net.sock_option_flag_out INT 9); cost: data in the SYN"
        );
        assert_eq!(outcome(&tried(&[], &["a (fail)"])), "tcp-fast-open did not work: a (fail)");
        let part = outcome(&tried(&["b"], &["a (fail)"]));
        assert_eq!(part, "tcp-fast-open partly worked: 1 of 2 trials passed with it, not a (fail)");
    }

    #[test]
    fn trials_without_a_known_issue_are_unexplained() {
        let mut cell = fixture::failing("debian-13/9.2.5", "3.5.7");
        assert!(unexplained(&cell).is_empty());
        cell.known_issues[0].trials.retain(|trial| trial != "tls12-only");
        assert_eq!(unexplained(&cell), ["tls12-only"]);
        cell.known_issues.clear();
        assert_eq!(unexplained(&cell).len(), 3);
    }
}
