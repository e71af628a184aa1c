//! What was seen of a configuration of the user's own.

use std::fmt::Write as _;

use super::Check;
use crate::ats::log;
use crate::model::{Load, Observation, OwnSeen, RuleMiss, RulesSeen, RulesUntried};

/// Complaints, problems and rules that a sentence names; the others are counted.
const NAMED: usize = 3;
const NAMED_RULES: usize = 5;

fn seen_of(observation: &Observation) -> OwnSeen {
    observation.own.clone().unwrap_or_default()
}

/// The first ones, and how many there are besides.
fn few(sentences: &[String], most: usize) -> String {
    let mut text = sentences.iter().take(most).map(String::as_str).collect::<Vec<_>>().join(" | ");
    if let Some(more @ 1..) = sentences.len().checked_sub(most) {
        // Writing to a String cannot fail.
        let _ = write!(text, " | and {more} more");
    }
    text
}

/// ATS started with the user's configuration, answered, and logged no error about it.
pub(in crate::catalogue::trials) fn started_as_configured(observation: &Observation) -> Vec<Check> {
    let answered = load(observation).whole > 0;
    let own = seen_of(observation);
    let mut complaints: Vec<String> = Vec::new();
    for complaint in observation.logs.iter().filter_map(|line| log::complaint(&line.text)) {
        if !complaints.contains(&complaint) {
            complaints.push(complaint);
        }
    }
    // ATS says which file it means only after the errors of OpenSSL.
    complaints.sort_by_key(|complaint| complaint.starts_with("SSL::"));
    let mut answer = if answered { "an answer of ATS" } else { "no answer" }.to_owned();
    if !own.notes.is_empty() {
        let _ = write!(answer, " ({})", few(&own.notes, NAMED));
    }
    let problems = if own.problems.is_empty() { "files that can be used".into() } else { few(&own.problems, NAMED) };
    let logged = if complaints.is_empty() { "no complaint of ATS".into() } else { few(&complaints, NAMED) };
    vec![
        Check::new(own.problems.is_empty(), "files that can be used", problems),
        Check::new(complaints.is_empty(), "no complaint of ATS about your configuration", logged),
        Check::new(answered, "an answer of ATS", answer),
    ]
}

fn load(observation: &Observation) -> Load {
    observation.client.as_ref().and_then(|run| run.load.clone()).unwrap_or_default()
}

/// Every rule that was asked led where it says.
pub(in crate::catalogue::trials) fn rules_reached(observation: &Observation) -> Vec<Check> {
    let Some(seen) = seen_of(observation).rules else {
        return vec![Check::new(false, "every rule to lead where it says", "no rule asked")];
    };
    let (all, reached) = (seen.rules, seen.reached);
    let untried: u32 = seen.untried.iter().map(|untried| untried.count).sum();
    let accounted = reached + seen.missed_count + untried == all && load(observation).whole == reached;
    let mut checks =
        vec![Check::new(seen.missed_count == 0, "every rule to lead where it says", where_they_lead(&seen))];
    if !accounted {
        checks.push(Check::new(false, "all rules accounted for", "rules without an answer"));
    }
    if reached + seen.missed_count == 0 {
        checks.push(Check::new(false, "a rule that can be asked", "no rule that can be asked"));
    }
    checks
}

fn where_they_lead(seen: &RulesSeen) -> String {
    let RulesSeen { rules, reached, missed, missed_count, untried, samples: _, behaviour: _ } = seen;
    let mut text = if *missed_count == 0 {
        format!("{reached} of {rules} rules lead where they say")
    } else {
        let sentence =
            |miss: &RuleMiss| format!("{}: {} should reach {}, and {}", miss.at, miss.asked, miss.expected, miss.seen);
        let sentences: Vec<String> = missed.iter().take(NAMED_RULES).map(sentence).collect();
        let more = usize::try_from(*missed_count).unwrap_or(usize::MAX).saturating_sub(sentences.len());
        let more = if more > 0 { format!(" | and {more} more") } else { String::new() };
        format!("{missed_count} of {rules} rules lead elsewhere: {}{more}", sentences.join(" | "))
    };
    for RulesUntried { reason, count, at } in untried.iter().take(NAMED) {
        let _ = write!(text, "; {count} not asked ({}): {reason}", at.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ClientRun, LogFile, LogLine};

    fn client(whole: u32) -> ClientRun {
        ClientRun { load: Some(Load { sent: 1, whole, same_process: None }), ..ClientRun::default() }
    }

    fn started(own: OwnSeen, lines: &[&str]) -> Vec<Check> {
        let line = |text: &&str| LogLine { trial: None, file: LogFile::Diags, text: (*text).to_owned() };
        started_as_configured(&Observation {
            client: Some(client(1)),
            own: Some(own),
            logs: lines.iter().map(line).collect(),
            ..Observation::default()
        })
    }

    fn broken(checks: &[Check]) -> Vec<String> {
        checks.iter().filter(|check| !check.held).map(|check| check.seen.clone()).collect()
    }

    #[test]
    fn an_ats_that_runs_is_not_enough() {
        assert!(broken(&started(OwnSeen::default(), &[])).is_empty());
        let unknown =
            "[Nov 29 03:04:30.022] traffic_server WARNING: Unrecognized configuration value 'proxy.config.foo'";
        let said = "ATS does not know the setting proxy.config.foo and ignores it";
        assert_eq!(broken(&started(OwnSeen::default(), &[unknown, unknown])), [said]);
        let of_openssl =
            "[Nov 29 03:04:30.022] traffic_server ERROR: SSL::1:error:0480006C:PEM routines::no start line";
        let of_file =
            "[Nov 29 03:04:30.023] traffic_server ERROR: failed to load certificate: /etc/trafficserver/www.pem";
        assert!(broken(&started(OwnSeen::default(), &[of_openssl, of_file]))[0].starts_with("failed to load"));
        let problems = OwnSeen { problems: vec!["a".into(), "b".into(), "c".into(), "d".into()], ..OwnSeen::default() };
        assert_eq!(broken(&started(problems, &[])), ["a | b | c | and 1 more"]);
        assert_eq!(broken(&started_as_configured(&Observation::default())), ["no answer"]);
    }

    #[test]
    fn a_rule_that_was_neither_asked_nor_named_is_no_pass() {
        let of = |rules: RulesSeen| {
            let reached = rules.reached;
            let own = Some(OwnSeen { rules: Some(rules), ..OwnSeen::default() });
            broken(&rules_reached(&Observation { own, client: Some(client(reached)), ..Observation::default() })).len()
        };
        let seen = |rules, reached, missed_count| RulesSeen { rules, reached, missed_count, ..RulesSeen::default() };
        assert_eq!((of(seen(2, 2, 0)), of(seen(2, 1, 1)), of(seen(2, 1, 0)), of(seen(0, 0, 0))), (0, 1, 1, 1));
        assert_eq!(broken(&rules_reached(&Observation::default())), ["no rule asked"]);
    }
}
