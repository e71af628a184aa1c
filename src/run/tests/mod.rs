//! Runs on the scripted engine: scale, order, faults, and that nothing is left behind.

mod faults;
mod images;
mod order;
mod own_recipes;
mod rig;

use std::time::Duration;

use rig::{count, dies, engine, fails, hangs, owner, passes, passing, ready, recorded, request, run_as};

use super::*;
use crate::engine::fake::{Behaviour, FakeOp};
use crate::engine::labels::{self, ResourceKind};
use crate::engine::{NetworkSpec, sweep};

/// The index of a container's cell, row by row, from its name.
fn number(name: &str, columns: usize) -> usize {
    let digits = |mark: &str| name.split(mark).nth(1).and_then(|rest| rest.get(..2)?.parse::<usize>().ok());
    digits("d-").unwrap() * columns + digits("-a-").unwrap()
}

#[tokio::test(start_paused = true)]
async fn results_are_in_the_plans_order_whichever_cell_ends_first() {
    let engine = engine(4, |spec| {
        let later = u64::try_from(12 - number(&spec.name, 4)).unwrap();
        Some(Behaviour { pace: Duration::from_secs(later), ..passes(rig::VERSION) })
    });
    let ran = run_as("r1", &engine, &RunRequest { jobs: 12, ..request(&ready(3, 4)) }).await;
    let planned: Vec<String> = ran.verdicts().into_iter().map(|(id, _)| id).collect();
    assert!(planned.is_sorted() && planned.len() == 12, "{planned:?}");
    let mut backwards = planned.clone();
    backwards.reverse();
    assert_eq!(ran.ended, backwards, "the script ends them in this request");
    assert!(engine.left().is_empty());
}

#[tokio::test(start_paused = true)]
async fn five_hundred_cells_run_sixteen_at_a_time() {
    let engine = passing(20);
    let ran = run_as("r1", &engine, &RunRequest { jobs: 16, ..request(&ready(25, 20)) }).await;
    assert_eq!(count(&ran.verdicts()), [("Pass".to_owned(), 500)].into());
    // A cell has two containers.
    assert_eq!(engine.most_running(), 32);
    assert!(engine.left().is_empty());
    let made = |op: &FakeOp| matches!(op, FakeOp::CreateNetwork(_));
    assert_eq!(engine.log().iter().filter(|op| made(op)).count(), 1, "one network per run");
}

#[tokio::test(start_paused = true)]
async fn one_job_runs_one_cell_at_a_time() {
    let engine = passing(5);
    let ran = run_as("r1", &engine, &RunRequest { jobs: 1, ..request(&ready(1, 5)) }).await;
    assert_eq!((ran.verdicts().len(), engine.most_running()), (5, 2));
}

#[tokio::test(start_paused = true)]
async fn fail_fast_starts_no_further_cell_and_without_it_all_run() {
    let script = |spec: &crate::engine::ContainerSpec| (number(&spec.name, 6) == 1).then(fails);
    let wanted = RunRequest { jobs: 1, fail_fast: true, ..request(&ready(1, 6)) };
    let engine = engine(6, script);
    let ran = run_as("r1", &engine, &wanted).await;
    let verdicts = ran.verdicts();
    assert_eq!(verdicts.iter().map(|(_, verdict)| *verdict).collect::<Vec<_>>(), [Verdict::Pass, Verdict::Fail]);
    assert!(engine.left().is_empty());

    let ran = run_as("r2", &rig::engine(6, script), &RunRequest { fail_fast: false, ..wanted }).await;
    assert_eq!(count(&ran.verdicts()), [("Pass".to_owned(), 5), ("Fail".to_owned(), 1)].into());
}

/// Such a cell does not make the exit code red either.
#[tokio::test(start_paused = true)]
async fn fail_fast_goes_on_after_a_newly_tested_cell() {
    let script = |spec: &crate::engine::ContainerSpec| (number(&spec.name, 3) == 0).then(fails);
    let yaml = ready(1, 3).replace("r.test/d-00,", "r.test/d-00, optional: true,");
    let wanted = RunRequest { jobs: 1, fail_fast: true, ..request(&yaml) };
    let unanswered = BTreeSet::from(["d-00/a-00".parse().unwrap()]);
    let ran = run_as("r1", &engine(3, script), &RunRequest { unanswered, ..wanted }).await;
    assert_eq!(count(&ran.verdicts()), [("Pass".to_owned(), 2), ("Fail".to_owned(), 1)].into());

    // With an earlier answer the same failure is unexpected.
    let wanted = RunRequest { jobs: 1, fail_fast: true, ..request(&yaml) };
    let ran = run_as("r2", &engine(3, script), &wanted).await;
    assert_eq!(ran.verdicts(), [("d-00/a-00".to_owned(), Verdict::Fail)]);
}

#[tokio::test(start_paused = true)]
async fn fail_fast_stops_running_cells_and_gives_no_partial_results() {
    let script =
        |spec: &crate::engine::ContainerSpec| if number(&spec.name, 2) == 0 { Some(fails()) } else { Some(hangs()) };
    let engine = engine(2, script);
    let ran = run_as("r1", &engine, &RunRequest { fail_fast: true, ..request(&ready(1, 2)) }).await;
    assert_eq!(ran.verdicts(), [("d-00/a-00".to_owned(), Verdict::Fail)]);
    assert!(engine.left().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_run_keeps_finished_cells_and_removes_its_containers() {
    let engine = engine(3, |spec| (number(&spec.name, 3) > 0).then(hangs));
    let stop = CancellationToken::new();
    let at_cell = {
        let stop = stop.clone();
        move |_: &str| {
            let stop = stop.clone();
            // Some time after the first cell, while another one runs.
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(5)).await;
                stop.cancel();
            });
        }
    };
    let ran = recorded("r1", &engine, &RunRequest { jobs: 1, ..request(&ready(1, 3)) }, at_cell, stop).await;
    assert_eq!(ran.verdicts(), [("d-00/a-00".to_owned(), Verdict::Pass)]);
    assert!(ran.done.unwrap().interrupted);
    assert!(engine.left().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_stopped_before_its_cells_does_nothing() {
    let engine = passing(1);
    let stop = CancellationToken::new();
    stop.cancel();
    let ran = recorded("r1", &engine, &request(&ready(1, 1)), |_| (), stop).await;
    assert_eq!((ran.verdicts(), engine.log()), (vec![], vec![]));
    assert!(ran.done.unwrap().interrupted);
    assert_eq!(ran.events.last(), Some(&Event::Finished { interrupted: true }));
}

#[tokio::test(start_paused = true)]
async fn two_runs_at_once_do_not_disturb_each_other() {
    let engine = passing(3);
    let wanted = request(&ready(4, 3));
    let (one, two) = tokio::join!(run_as("r1", &engine, &wanted), run_as("r2", &engine, &wanted));
    for ran in [&one, &two] {
        assert_eq!(count(&ran.verdicts()), [("Pass".to_owned(), 12)].into());
        assert!(!ran.events.iter().any(|event| matches!(event, Event::Swept { .. })), "neither swept the other");
    }
    assert!(engine.most_running() > 4, "they ran in parallel");
    assert!(engine.left().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_run_sweeps_what_a_dead_run_left_but_not_a_live_run() {
    let engine = passing(1);
    let live = owner("live");
    let dead = Owner { started: live.started + 1, run: "dead".parse().unwrap(), ..live.clone() };
    for owner in [&dead, &live] {
        let name = format!("{}-net", owner.run);
        engine
            .create_network(&NetworkSpec { name, labels: owner.labels(ResourceKind::Network), internal: true })
            .await
            .unwrap();
    }
    let ran = run_as("r1", &engine, &request(&ready(1, 1))).await;
    assert!(ran.events.contains(&Event::Swept { containers: 0, networks: 1 }), "{:?}", ran.events);
    assert_eq!(engine.left(), ["live-net"]);
}

#[tokio::test(start_paused = true)]
async fn kept_containers_stay_and_are_labelled() {
    let engine = passing(1);
    run_as("r1", &engine, &RunRequest { keep: true, ..request(&ready(1, 1)) }).await;
    assert_eq!(engine.left(), ["atsmatrix-r1", "atsmatrix-r1-d-00-a-00-1-cell", "atsmatrix-r1-d-00-a-00-1-origin"]);
    let kept = engine.containers().await.unwrap();
    assert!(kept.iter().all(|container| container.labels.contains_key(labels::KEEP)), "{kept:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reported_version_other_than_declared_is_an_error_unless_the_source_says_so() {
    let engine = engine(1, |_| Some(passes("9.2.7")));
    let yaml = ready(1, 1);
    let ran = run_as("r1", &engine, &request(&yaml)).await;
    assert_eq!(ran.verdicts(), [("d-00/a-00".to_owned(), Verdict::Error)]);
    let reason = ran.reason("d-00");
    assert!(reason.contains("declares ATS 9.2.9") && reason.contains("reports 9.2.7"), "{reason}");
    assert!(reason.contains("`reports: \"9.2.7\"`"), "{reason}");

    let excused = yaml.replace("- on: [\"*\"]", "- on: [\"*\"]\n        reports: \"9.2.7\"");
    let ran = run_as("r2", &engine, &request(&excused)).await;
    assert_eq!(ran.verdicts(), [("d-00/a-00".to_owned(), Verdict::Pass)]);

    // `reports` with a version that is not reported is an error as well.
    let excused = yaml.replace("- on: [\"*\"]", "- on: [\"*\"]\n        reports: \"9.2.6\"");
    let ran = run_as("r3", &engine, &request(&excused)).await;
    assert_eq!(ran.verdicts(), [("d-00/a-00".to_owned(), Verdict::Error)]);
}

#[tokio::test(start_paused = true)]
async fn a_cell_that_ran_on_another_distro_than_its_row_is_an_error_with_a_fix() {
    let yaml = ready(2, 1).replacen("version: \"12\"", "version: \"13\"", 1);
    let ran = run_as("r1", &passing(1), &request(&yaml)).await;
    assert_eq!(
        ran.verdicts(),
        [("d-00/a-00".to_owned(), Verdict::Error), ("d-01/a-00".to_owned(), Verdict::Pass)],
        "one image in two rows has one distro"
    );
    let reason = ran.reason("d-00");
    assert!(reason.contains("the row d-00 is debian 13") && reason.contains("says debian 12 bookworm"), "{reason}");
    assert!(reason.contains("an image of its own (`on: [d-00]`)") && reason.contains("correct `os`"), "{reason}");

    // An image without a release cannot be compared.
    let silent = engine(1, |_| {
        let mut behaviour = passes(rig::VERSION);
        let release = serde_json::to_string(&rig::bookworm()).unwrap();
        assert!(behaviour.lines[0].contains(&release));
        behaviour.lines[0] = behaviour.lines[0].replace(&release, "null");
        Some(behaviour)
    });
    let ran = run_as("r2", &silent, &request(&ready(1, 1))).await;
    assert_eq!(ran.verdicts(), [("d-00/a-00".to_owned(), Verdict::Error)]);
    assert!(ran.reason("d-00").contains("/etc/os-release in the cell is missing"), "{}", ran.reason("d-00"));
}

#[tokio::test(start_paused = true)]
async fn a_forged_line_is_an_error_at_any_position() {
    let end = "\"end\"".to_owned();
    let lines = [
        (0, format!("!{end}")),
        (1, "!{\"began\":{\"trial\":\"tls-remote-origin\"}}".to_owned()),
        (2, "!hello".to_owned()),
        (3, "!".to_owned()),
        (4, format!("!0 {} {end}", "0".repeat(64))),
        (5, "{\"forged\":{\"by\":\"traffic_server\",\"text\":\"x\"}}".to_owned()),
    ];
    for (at, line) in lines {
        let forged = engine(1, {
            let line = line.clone();
            move |_| {
                let mut behaviour = passes(rig::VERSION);
                behaviour.lines.insert(at, line.clone());
                Some(behaviour)
            }
        });
        let ran = run_as("r1", &forged, &request(&ready(1, 1))).await;
        assert_eq!(ran.verdicts(), [("d-00/a-00".to_owned(), Verdict::Error)], "{line}");
        let reason = ran.reason("d-00");
        assert!(reason.starts_with("evidence was tampered with in the cell container"), "{line}: {reason}");
        let cells = &ran.done.as_ref().unwrap().cells;
        assert!(cells[0].trials.iter().all(|trial| trial.outcome == Outcome::Error), "{line}: {cells:#?}");
        let starts = forged.log().iter().filter(|op| matches!(op, FakeOp::Start(_))).count();
        assert_eq!(starts, 2, "there is no second attempt: {line}");
        assert!(forged.left().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn lines_that_are_missing_in_the_middle_are_an_error() {
    let gap = engine(1, |_| {
        let mut behaviour = passes(rig::VERSION);
        // The line is numbered, then lost.
        behaviour.lines[2].insert(0, '?');
        Some(behaviour)
    });
    let ran = run_as("r1", &gap, &request(&ready(1, 1))).await;
    assert_eq!(ran.verdicts(), [("d-00/a-00".to_owned(), Verdict::Error)]);
    assert!(ran.reason("d-00").contains("before its evidence was complete"), "{}", ran.reason("d-00"));
}

#[tokio::test(start_paused = true)]
async fn a_cell_that_dies_or_hangs_does_not_affect_others() {
    let engine = engine(4, |spec| match number(&spec.name, 4) {
        0 => Some(dies(139, false)),
        1 => Some(dies(137, true)),
        2 => Some(hangs()),
        _ => None,
    });
    let ran = run_as("r1", &engine, &request(&ready(1, 4))).await;
    let verdicts: Vec<Verdict> = ran.verdicts().into_iter().map(|(_, verdict)| verdict).collect();
    assert_eq!(verdicts, [Verdict::Error, Verdict::Error, Verdict::Error, Verdict::Pass]);
    assert!(ran.reason("d-00/a-00").contains("code 139"), "{}", ran.reason("d-00/a-00"));
    assert!(ran.reason("d-00/a-01").contains("out of memory"), "{}", ran.reason("d-00/a-01"));
    assert!(ran.reason("d-00/a-02").contains("did not end within"), "{}", ran.reason("d-00/a-02"));
    assert!(engine.left().is_empty());
}

#[tokio::test(start_paused = true)]
async fn cells_after_the_runs_deadline_are_errors_with_a_reason() {
    let engine = engine(3, |_| Some(hangs()));
    let yaml = format!("{}defaults:\n  deadlines: {{ trial: 20s, cell: 30s, run: 40s }}\n", ready(1, 3));
    let ran = run_as("r1", &engine, &RunRequest { jobs: 1, ..request(&yaml) }).await;
    assert_eq!(count(&ran.verdicts()), [("Error".to_owned(), 3)].into());
    for cell in ["d-00/a-00", "d-00/a-02"] {
        assert!(ran.reason(cell).contains("deadline of 40 s"), "{}", ran.reason(cell));
    }
    assert!(!ran.done.unwrap().interrupted);
    assert!(engine.left().is_empty());
}
