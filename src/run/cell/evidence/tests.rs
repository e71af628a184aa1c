//! Evidence from the lines of agents.

use super::*;
use crate::model::{ClientError, ClientPhase, ClientRun, Closed, Exchange, Flow, OVERDUE};

#[test]
fn a_capture_that_lost_packets_has_no_summary() {
    let mut gathered = Gathered::default();
    let wire = |lost| Line::Wire { trial: "t".into(), flows: vec![Flow::default()], pcapng: String::new(), lost };
    gathered.add(Agent::Cell, wire(0));
    assert_eq!(summary_lines(&gathered.trials["t"]), ["wire: begin not seen, 0 bytes to the origin, still open"]);
    gathered.add(Agent::Cell, wire(7));
    assert_eq!(summary_lines(&gathered.trials["t"]), ["wire: capture incomplete"]);
}

#[test]
fn a_trial_is_complete_when_every_started_agent_has_finished() {
    use Agent::{Cell, Origin};
    const NGINX: Agent = Agent::Beside(OriginProgram::Nginx);
    let all: [&[Agent]; 3] = [&[Cell], &[Cell, Origin], &[Cell, Origin, NGINX]];
    for started in all {
        // Each agent dies in one round, and none in the last.
        for dies in started.iter().copied().map(Some).chain([None]) {
            let mut gathered = Gathered::default();
            for agent in started {
                gathered.started(*agent);
            }
            let (run, ats) = (ClientRun::default(), crate::model::AtsLife::Alive);
            gathered.add(Cell, Line::Client { trial: "t".into(), run, ats });
            gathered.add(Cell, Line::Wire { trial: "t".into(), flows: Vec::new(), pcapng: String::new(), lost: 0 });
            for agent in started.iter().filter(|agent| Some(**agent) != dies) {
                assert!(!gathered.complete("t"));
                // Two last lines of one agent do not stand for two agents.
                gathered.add(*agent, Line::End);
                gathered.add(*agent, Line::End);
            }
            assert_eq!(gathered.complete("t"), dies.is_none(), "{started:?} {dies:?}");
            assert!(!gathered.complete("another"));
            gathered.report_unfinished();
            let faults: Vec<&str> = gathered.faults.iter().map(|(_, text)| text.as_str()).collect();
            let expected = dies.map(|agent| format!("no last line came from: {}", agent.name()));
            assert_eq!(faults, Vec::from_iter(expected.as_deref()));
        }
    }
}

#[test]
fn who_closes_first_at_the_deadline_is_random_and_left_out() {
    let observation = |text: &str, by, at_us| Observation {
        client: Some(ClientRun {
            exchanges: vec![Exchange {
                error: Some(ClientError { phase: ClientPhase::Exchange, text: text.into() }),
                total_us: 3_000_000,
                ..Exchange::default()
            }],
            ..ClientRun::default()
        }),
        origin: vec![OriginConnection { closed: Some(Closed { by, at_us }), ..OriginConnection::default() }],
        ..Observation::default()
    };
    let overdue = |by, at_us| summary_lines(&observation(&format!("{OVERDUE} of 3 s"), by, at_us));
    assert_eq!(overdue(ClosedBy::Origin, 2_990_000), overdue(ClosedBy::Peer, 3_001_000));
    assert_ne!(overdue(ClosedBy::Origin, 100_000), overdue(ClosedBy::Peer, 100_000), "long before it");
    let closed = |by| summary_lines(&observation("connection closed", by, 2_990_000));
    assert_ne!(closed(ClosedBy::Origin), closed(ClosedBy::Peer));
}

#[test]
fn the_seed_failure_is_summarised_without_times_and_addresses() {
    let mut gathered = Gathered::default();
    let exchange = Exchange { status: Some(502), reason: "Invalid argument".into(), ..Exchange::default() };
    gathered.add(
        Agent::Cell,
        Line::Client {
            trial: "t".into(),
            run: ClientRun { exchanges: vec![exchange], ..ClientRun::default() },
            ats: crate::model::AtsLife::Alive,
        },
    );
    for accepted_us in [2, 1] {
        gathered.add(
            Agent::Origin,
            Line::Connection(Box::new(OriginConnection {
                trial: "t".into(),
                accepted_us,
                closed: Some(Closed { by: ClosedBy::Peer, at_us: 3 }),
                ..OriginConnection::default()
            })),
        );
    }
    gathered.sort();
    assert_eq!(gathered.trials["t"].origin[0].accepted_us, 1);
    assert_eq!(
        summary_lines(&gathered.trials["t"]),
        [
            "client: 502 Invalid argument",
            "origin: accepted, no byte received, no ClientHello, no request, closed by the peer (FIN) (2 times)",
        ]
    );
}
