//! What the evidence of a cell comes to.

use super::evidence::Agent;
use super::*;
use crate::model::{Line, OriginProgram};

fn record(name: &str, value: &str) -> Record {
    Record { name: name.into(), kind: "INT".into(), value: value.into() }
}

#[test]
fn a_declared_range_takes_what_is_in_it_and_nothing_else() {
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
        let told = other_version(declared, &reporting(reported));
        assert_eq!(told.is_none(), fits, "{declared} {reported}: {told:?}");
    }
}

#[test]
fn what_asks_for_nginx_is_unsupported_without_it_and_in_error_where_it_could_not_be_made() {
    let trial = crate::catalogue::trials::by_id("nginx-get").unwrap();
    let with = |nginx: Option<Beside>| Job {
        beside: nginx.map(|it| (Place::Beside(OriginProgram::Nginx), it)).into_iter().collect(),
        ..job(trial)
    };
    let outcome = |nginx| {
        let job = with(nginx);
        assert_eq!(
            plans(&job).is_empty(),
            !matches!(job.beside.get(&Place::Beside(OriginProgram::Nginx)), Some(Beside::Image(_)))
        );
        let judgement = judge(trial, &job, &Gathered::default()).judgement;
        (judgement.outcome, judgement.summary)
    };
    assert_eq!(outcome(None).0, Outcome::Unsupported);
    let (outcome_of_missing, summary) = outcome(Some(Beside::Missing("no mirror".into())));
    assert_eq!((outcome_of_missing, summary.as_str()), (Outcome::Error, "no nginx origin: no mirror"));
    assert_eq!(outcome(Some(Beside::Image("x".into()))).0, Outcome::Skipped);
}

#[test]
fn a_workaround_wins_over_a_trials_own_setting_and_leaves_direct_controls_alone() {
    let trial = crate::catalogue::trials::CATALOGUE.iter().find(|trial| (trial.spec)().route == Route::Ats).unwrap();
    let mut spec = (trial.spec)();
    spec.records = vec![record("a", "1"), record("b", "1")];
    lay_over(&mut spec, &[record("b", "2"), record("c", "2")]);
    assert_eq!(spec.records, [record("a", "1"), record("b", "2"), record("c", "2")]);

    let direct = crate::catalogue::trials::CATALOGUE.iter().find(|trial| (trial.spec)().route != Route::Ats).unwrap();
    let mut spec = (direct.spec)();
    lay_over(&mut spec, &[record("c", "2")]);
    assert_eq!(spec, (direct.spec)());
}

fn job(trial: &'static Trial) -> Job {
    Job {
        id: "d/a".parse().unwrap(),
        version: "9.2.9".into(),
        os: None,
        declared: "9.2.9".into(),
        binary: None,
        image: String::new(),
        origin_image: String::new(),
        beside: std::collections::BTreeMap::new(),
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
        over: Vec::new(),
        keep: false,
        swap: None,
        sysctls: std::collections::BTreeMap::new(),
        patience: std::sync::Arc::default(),
        neighbours: std::sync::Arc::default(),
    }
}

#[test]
fn a_fault_of_the_cell_takes_nothing_from_what_is_known_whole() {
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
    assert_eq!(outcome(&gathered), Outcome::Error, "its packets are not known");
    let wire = Line::Wire { trial: trial.id.into(), flows: Vec::new(), pcapng: String::new(), lost: 0 };
    gathered.add(Agent::Cell, wire);
    assert_eq!(outcome(&gathered), Outcome::Pass);
    gathered.started(Agent::Beside(OriginProgram::Nginx));
    assert_eq!(outcome(&gathered), Outcome::Error, "an agent that was started has not said all");
    gathered.add(Agent::Beside(OriginProgram::Nginx), Line::End);
    assert_eq!(outcome(&gathered), Outcome::Pass);
    gathered.add(Agent::Cell, Line::Fault { trial: Some(trial.id.into()), text: "late".into() });
    assert_eq!(outcome(&gathered), Outcome::Error);
}

#[test]
fn a_foreseen_failure_whose_packets_were_lost_is_trouble_of_ours_and_another_failure_is_not() {
    let ran = Provenance {
        ats: Some(crate::model::AtsBuild { reported: "9.2.9".into(), ..Default::default() }),
        ..Provenance::default()
    };
    let row = |id: &str, wire_lost| {
        let exchange = crate::model::Exchange { status: Some(502), ..Default::default() };
        let client = Some(crate::model::ClientRun { exchanges: vec![exchange], ..Default::default() });
        let row = seen_whole(
            crate::catalogue::trials::by_id(id).unwrap(),
            &Observation { client, wire_lost, ..Observation::default() },
            &ran,
        );
        (row.judgement.outcome, row.troubled)
    };
    assert_eq!(row("net-v6-dead-v4-alive", 0), (Outcome::Fail, false));
    assert_eq!(row("net-v6-dead-v4-alive", 35), (Outcome::Error, true));
    assert_eq!(row("tls-remote-origin", 35), (Outcome::Fail, false), "nothing is foreseen of it");
}
