//! Judgements of evidence.

use super::evidence::Agent;
use super::*;
use crate::model::{Line, OriginProgram, RecordType};

fn record(name: &str, value: &str) -> Record {
    Record { name: name.into(), kind: RecordType::Int, value: value.into() }
}

#[test]
fn a_declared_range_accepts_only_versions_in_it() {
    let reporting = |version: &str| Provenance {
        ats: Some(crate::model::AtsBuild { reported: version.to_owned(), ..Default::default() }),
        ..Provenance::default()
    };
    for (declared, reported, fits) in [
        ("9.2.9", "9.2.9", true),
        ("9.2.9", "9.2.13", false),
        (">=9.2.9,<9.3", "9.2.9", true),
        (">=9.2.9,<9.3", "9.2.13", true),
        (">=9.2.9,<9.3", "9.2.5", false),
        (">=9.2.9,<9.3", "10.1.2", false),
        (">=9.2.9,<9.3", "", false),
    ] {
        let error = version_mismatch(declared, &reporting(reported));
        assert_eq!(error.is_none(), fits, "{declared} {reported}: {error:?}");
    }
}

#[test]
fn a_trial_with_nginx_is_unsupported_without_it_and_an_error_if_its_image_failed() {
    let trial = crate::catalogue::trials::by_id("nginx-get").unwrap();
    let with = |nginx: Option<OriginImage>| Job {
        origins: nginx.map(|it| (Place::Beside(OriginProgram::Nginx), it)).into_iter().collect(),
        ..job(trial)
    };
    let outcome = |nginx| {
        let job = with(nginx);
        assert_eq!(
            plans(&job).is_empty(),
            !matches!(job.origins.get(&Place::Beside(OriginProgram::Nginx)), Some(OriginImage::Image(_)))
        );
        let judgement = judge(trial, &job, &Gathered::default()).judgement;
        (judgement.outcome, judgement.summary)
    };
    assert_eq!(outcome(None).0, Outcome::Unsupported);
    let (outcome_of_missing, summary) = outcome(Some(OriginImage::Missing("no mirror".into())));
    assert_eq!((outcome_of_missing, summary.as_str()), (Outcome::Error, "no nginx origin: no mirror"));
    assert_eq!(outcome(Some(OriginImage::Image("x".into()))).0, Outcome::Skipped);
}

#[test]
fn a_workaround_overrides_settings_of_trials_but_not_of_direct_controls() {
    let trial = crate::catalogue::trials::CATALOGUE.iter().find(|trial| trial.spec().route == Route::Ats).unwrap();
    let mut spec = trial.spec();
    spec.records = vec![record("a", "1"), record("b", "1")];
    override_settings(&mut spec, &[record("b", "2"), record("c", "2")]);
    assert_eq!(spec.records, [record("a", "1"), record("b", "2"), record("c", "2")]);

    let direct = crate::catalogue::trials::CATALOGUE.iter().find(|trial| trial.spec().route != Route::Ats).unwrap();
    let mut spec = direct.spec();
    override_settings(&mut spec, &[record("c", "2")]);
    assert_eq!(spec, direct.spec());
}

fn job(trial: &'static Trial) -> Job {
    Job {
        id: "d/a".parse().unwrap(),
        child: "d/a".parse().unwrap(),
        parent: None,
        version: "9.2.9".into(),
        os: None,
        declared: "9.2.9".into(),
        upgraded: false,
        binary: None,
        delivered: None,
        image: String::new(),
        origin_image: String::new(),
        origins: std::collections::BTreeMap::new(),
        network: String::new(),
        name: String::new(),
        labels: crate::engine::Labels::new(),
        trials: vec![trial],
        limits: crate::run::cell::Limits {
            cell: std::time::Duration::ZERO,
            trial: std::time::Duration::ZERO,
            memory: 0,
            pids: 0,
        },
        config: None,
        overrides: Vec::new(),
        keep: false,
        swap: None,
        sysctls: std::collections::BTreeMap::new(),
        patience: std::sync::Arc::default(),
        neighbours: std::sync::Arc::default(),
    }
}

#[test]
fn a_fault_of_the_cell_does_not_affect_complete_evidence() {
    let trial = crate::catalogue::trials::by_id("ctl-unmapped").unwrap();
    let mut gathered = Gathered::default();
    let exchange = crate::model::Exchange { status: Some(404), ..Default::default() };
    let run = crate::model::ClientRun { exchanges: vec![exchange], ..Default::default() };
    let agents = [Agent::Cell, Agent::Origin];
    for agent in agents {
        gathered.started(agent);
    }
    let client = Line::Client { trial: trial.id.into(), run, ats: crate::model::AtsLife::Alive };
    gathered.add(Agent::Cell, client);
    for agent in agents {
        gathered.add(agent, Line::End);
    }
    gathered.add(Agent::Cell, Line::Fault { trial: None, text: "no traffic_server".into() });
    let outcome = |gathered: &Gathered| judge(trial, &job(trial), gathered).judgement.outcome;
    assert_eq!(outcome(&gathered), Outcome::Error, "its packets are missing");
    let wire = Line::Wire { trial: trial.id.into(), flows: Vec::new(), pcapng: String::new(), lost: 0 };
    gathered.add(Agent::Cell, wire);
    assert_eq!(outcome(&gathered), Outcome::Pass);
    gathered.started(Agent::Beside(OriginProgram::Nginx));
    assert_eq!(outcome(&gathered), Outcome::Error, "a started agent has not sent its last line");
    gathered.add(Agent::Beside(OriginProgram::Nginx), Line::End);
    assert_eq!(outcome(&gathered), Outcome::Pass);
    gathered.add(Agent::Cell, Line::Fault { trial: Some(trial.id.into()), text: "late".into() });
    assert_eq!(outcome(&gathered), Outcome::Error);
}

#[test]
fn a_declared_failure_with_lost_packets_is_an_error_and_another_failure_is_not() {
    let ran = Provenance {
        ats: Some(crate::model::AtsBuild { reported: "9.2.9".into(), ..Default::default() }),
        ..Provenance::default()
    };
    let row = |id: &str, wire_lost| {
        let exchange = crate::model::Exchange { status: Some(502), ..Default::default() };
        let client = Some(crate::model::ClientRun { exchanges: vec![exchange], ..Default::default() });
        let row = judge_complete(
            crate::catalogue::trials::by_id(id).unwrap(),
            &Observation { client, wire_lost, ..Observation::default() },
            &ran,
        );
        (row.judgement.outcome, row.disturbed)
    };
    assert_eq!(row("net-v6-dead-v4-alive", 0), (Outcome::Fail, false));
    assert_eq!(row("net-v6-dead-v4-alive", 35), (Outcome::Error, true));
    assert_eq!(row("tls-remote-origin", 35), (Outcome::Fail, false), "no failure is declared");
}

#[test]
fn an_ats_that_does_not_start_is_broken_by_the_upgrade_and_elsewhere_fails() {
    let trials = ["tls-remote-origin", "http-post-1m"].map(|id| crate::catalogue::trials::by_id(id).unwrap());
    let attempt = |dead: &[&str]| {
        let mut gathered = Gathered::default();
        for agent in [Agent::Cell, Agent::Origin] {
            gathered.started(agent);
        }
        for trial in &trials {
            let id = trial.id.to_owned();
            let never = crate::model::AtsLife::NeverReady("FATAL: no /run/trafficserver".into());
            let ats = if dead.contains(&trial.id) { never } else { crate::model::AtsLife::Alive };
            let run = crate::model::ClientRun::default();
            gathered.add(Agent::Cell, Line::Client { trial: id.clone(), run, ats });
            gathered.add(Agent::Cell, Line::Wire { trial: id, flows: Vec::new(), pcapng: String::new(), lost: 0 });
        }
        for agent in [Agent::Cell, Agent::Origin] {
            gathered.add(agent, Line::End);
        }
        gathered
    };
    let run = |upgraded, dead: &[&str]| {
        let job = Job { upgraded, trials: trials.to_vec(), ..job(trials[0]) };
        let attempts = [1, 2].map(|_| CellAttempt { requested: None, gathered: attempt(dead) });
        conclude(&job, attempts.into(), &crate::run::cell::NoProgress)
    };
    let all = ["tls-remote-origin", "http-post-1m"];
    let broken = run(true, &all);
    assert_eq!((broken.verdict, broken.trials.len()), (Verdict::Broken, 0));
    assert_eq!(broken.reason.as_deref(), Some("after the upgrade ATS does not start: FATAL: no /run/trafficserver"));
    assert!(!broken.evidence.is_empty(), "its evidence is kept");
    assert_eq!(run(false, &all).verdict, Verdict::Fail);
    assert_eq!(run(true, &all[..1]).verdict, Verdict::Fail, "it started for another trial");
}

/// The judgement of an attempt under strain.
fn strained(outcome: Outcome) -> AttemptJudgement {
    AttemptJudgement { strained: true, ..AttemptJudgement::undisturbed(not_judged(outcome, "502 in place of 413")) }
}

#[test]
fn a_failure_on_an_overloaded_machine_is_never_flaky() {
    let (pass, fail) = (|| strained(Outcome::Pass), || strained(Outcome::Fail));
    assert!(needs_repetition(&[fail(), pass()], false));
    assert!(!needs_repetition(&[fail(), pass(), pass()], false));
    assert_eq!(settle(vec![fail(), pass(), pass()]).outcome, Outcome::Pass);
    assert!(needs_repetition(&[fail(), fail()], false));
    assert_eq!(settle(vec![fail(), fail(), fail()]).outcome, Outcome::Fail);
    for rows in [vec![fail(), pass()], vec![fail(), pass(), fail()], vec![fail(), fail(), pass()]] {
        let settled = settle(rows);
        assert_eq!(settled.outcome, Outcome::Error);
        assert!(settled.summary.contains("overloaded") && settled.summary.ends_with(": 502 in place of 413"));
    }
    let firm = || AttemptJudgement::undisturbed(not_judged(Outcome::Fail, "502"));
    assert!(!needs_repetition(&[firm(), pass()], false));
    assert_eq!(settle(vec![firm(), pass()]).outcome, Outcome::Flaky, "the machine had time to spare");
    assert_eq!(settle(vec![fail(), firm()]).outcome, Outcome::Fail);
}
