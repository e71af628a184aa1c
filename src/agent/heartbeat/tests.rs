use super::*;
use crate::agent::origin::tests::Collected;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn only_the_cell_and_programs_in_the_same_container_are_admitted() {
    let evidence = Collected::default();
    let guard = OriginGuard::new(&["secret"], &Emitter::to(evidence.clone()));
    let (here, cell, other) = (ip("172.18.0.2"), ip("172.18.0.3"), ip("172.18.0.9"));
    assert!(
        guard.admits(ip("127.0.0.1"), here, "t") && guard.admits(ip("::1"), here, "t") && guard.admits(here, here, "t")
    );
    assert!(!guard.admits(cell, here, "t"), "it has sent no heartbeat");
    assert!(!guard.accept_beat(b"guessed\0\x01", other) && !guard.accept_beat(b"", other));
    assert!(guard.accept_beat(b"secret\0\x01", cell) && guard.admits(cell, here, "t"));
    assert!(!guard.admits(other, here, "u") && !guard.admits(other, here, "v"));
    let stranger = |peer: IpAddr, trial: &str| Line::Stranger { peer: peer.to_string(), trial: trial.into() };
    assert_eq!(evidence.lines(), [stranger(cell, "t"), stranger(other, "u")], "each is reported once");
}

#[test]
fn without_a_token_no_other_container_is_admitted() {
    let guard = OriginGuard::new(&[], &Emitter::to(Vec::new()));
    assert!(!guard.accept_beat(b"", ip("172.18.0.9")) && !guard.accept_beat(b"\0\x01", ip("172.18.0.9")));
}

#[test]
fn a_changed_address_of_the_cell_is_reported() {
    let evidence = Collected::default();
    let guard = OriginGuard::new(&["secret"], &Emitter::to(evidence.clone()));
    guard.accept_beat(b"secret\0\x01", ip("172.18.0.3"));
    guard.accept_beat(b"secret\0\x02", ip("172.18.0.3"));
    assert!(evidence.lines().is_empty());
    guard.accept_beat(b"secret\0\x03", ip("172.18.0.4"));
    let lines = evidence.lines();
    let [Line::Trouble { of: None, to_us: None, text, .. }] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(text.contains("172.18.0.4 instead of 172.18.0.3"), "{text}");
}

/// The outages found over `count` intervals with a peer that echoes the heartbeats of `answers`, each check delayed by
/// `late`.
fn outages(answers: impl Fn(u16) -> bool, late: impl Fn(u16) -> Duration, count: u16) -> Vec<(Duration, Outage)> {
    let begin = Instant::now();
    let (mut now, mut window, mut found) = (begin, BeatWindow::new(begin), Vec::new());
    for number in 1..=count {
        window.sent(number);
        if answers(number) {
            window.echoed(number, now);
        }
        now += INTERVAL + late(number);
        found.extend(window.check(now, late(number)).map(|(from, to, what)| (to - from, what)));
    }
    found
}

const ON_TIME: fn(u16) -> Duration = |_| Duration::ZERO;

#[test]
fn a_peer_that_answers_has_no_outage() {
    assert_eq!(outages(|_| true, ON_TIME, 200), []);
    // One in ten is lost.
    assert_eq!(outages(|number| number % 10 != 0, ON_TIME, 200), []);
}

#[test]
fn silence_is_reported_from_its_start_while_it_lasts() {
    let found = outages(|number| number <= 10 || number > 20, ON_TIME, 40);
    let times: Vec<u128> = found.iter().map(|(long, _)| long.as_millis()).collect();
    assert!(found.iter().all(|(_, what)| *what == Outage::Silence), "{found:?}");
    assert_eq!(times, [1750, 2000, 2250, 2500, 2750], "from the last echo on");
}

#[test]
fn losses_are_reported_once_with_their_start() {
    let found = outages(|number| number % 4 != 0, ON_TIME, 40);
    assert!(
        !found.is_empty()
            && found.iter().all(|(long, what)| { matches!(what, Outage::Losses(4)) && long.as_millis() == 6500 }),
        "{found:?}"
    );
}

#[test]
fn a_peer_is_not_blamed_when_this_task_was_woken_late() {
    // Each interval takes two seconds longer than it should, so what is late is late because of this task.
    assert_eq!(outages(|_| true, |_| Duration::from_secs(2), 50), []);
    let stuck = outages(|number| number % 3 != 0, |_| Duration::from_secs(2), 9);
    assert!(!stuck.iter().any(|(_, what)| *what == Outage::Silence), "{stuck:?}");
}
