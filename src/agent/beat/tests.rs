use super::super::origin::tests::Told;
use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn only_the_cell_and_its_own_container_come_through_the_door() {
    let told = Told::default();
    let door = Door::new("secret", &Emitter::to(told.clone()));
    let (here, cell, other) = (ip("172.18.0.2"), ip("172.18.0.3"), ip("172.18.0.9"));
    assert!(
        door.admits(ip("127.0.0.1"), here, "t") && door.admits(ip("::1"), here, "t") && door.admits(here, here, "t")
    );
    assert!(!door.admits(cell, here, "t"), "it has not said who it is");
    assert!(!door.beat(b"guessed\0\x01", other) && !door.beat(b"", other));
    assert!(door.beat(b"secret\0\x01", cell) && door.admits(cell, here, "t"));
    assert!(!door.admits(other, here, "u") && !door.admits(other, here, "v"));
    let stranger = |peer: IpAddr, trial: &str| Line::Stranger { peer: peer.to_string(), trial: trial.into() };
    assert_eq!(told.lines(), [stranger(cell, "t"), stranger(other, "u")], "each is told once");
}

#[test]
fn a_door_without_a_token_opens_for_nobody() {
    let door = Door::new("", &Emitter::to(Vec::new()));
    assert!(!door.beat(b"", ip("172.18.0.9")) && !door.beat(b"\0\x01", ip("172.18.0.9")));
}

#[test]
fn a_cell_whose_address_changes_is_told() {
    let told = Told::default();
    let door = Door::new("secret", &Emitter::to(told.clone()));
    door.beat(b"secret\0\x01", ip("172.18.0.3"));
    door.beat(b"secret\0\x02", ip("172.18.0.3"));
    assert!(told.lines().is_empty());
    door.beat(b"secret\0\x03", ip("172.18.0.4"));
    let lines = told.lines();
    let [Line::Trouble { of: None, to_us: None, text, .. }] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(text.contains("172.18.0.4 instead of 172.18.0.3"), "{text}");
}

/// Beats of a peer that answers where `answers` says so, each look on time or so much late; what was found.
fn looks(answers: impl Fn(u16) -> bool, late: impl Fn(u16) -> Duration, count: u16) -> Vec<(Duration, Found)> {
    let begin = Instant::now();
    let (mut now, mut seen, mut found) = (begin, Seen::new(begin), Vec::new());
    for number in 1..=count {
        seen.sent(number);
        if answers(number) {
            seen.answered(number, now);
        }
        now += BEAT + late(number);
        found.extend(seen.look(now, late(number)).map(|(from, to, what)| (to - from, what)));
    }
    found
}

const ON_TIME: fn(u16) -> Duration = |_| Duration::ZERO;

#[test]
fn a_peer_that_answers_is_there() {
    assert_eq!(looks(|_| true, ON_TIME, 200), []);
    // One in ten is lost, then none of many.
    assert_eq!(looks(|number| number % 10 != 0, ON_TIME, 200), []);
}

#[test]
fn silence_is_told_from_its_begin_while_it_lasts() {
    let found = looks(|number| number <= 10 || number > 20, ON_TIME, 40);
    let times: Vec<u128> = found.iter().map(|(long, _)| long.as_millis()).collect();
    assert!(found.iter().all(|(_, what)| *what == Found::Silence), "{found:?}");
    assert_eq!(times, [1750, 2000, 2250, 2500, 2750], "from the last answer on");
}

#[test]
fn losses_are_told_once_and_from_where_they_began() {
    let found = looks(|number| number % 4 != 0, ON_TIME, 40);
    assert!(
        !found.is_empty()
            && found.iter().all(|(long, what)| { matches!(what, Found::Losses(4)) && long.as_millis() == 6500 }),
        "{found:?}"
    );
}

#[test]
fn whoever_was_not_woken_in_time_does_not_blame_others() {
    // Each beat takes two seconds longer than it should: whatever is late here is our own.
    assert_eq!(looks(|_| true, |_| Duration::from_secs(2), 50), []);
    let stuck = looks(|number| number % 3 != 0, |_| Duration::from_secs(2), 9);
    assert!(!stuck.iter().any(|(_, what)| *what == Found::Silence), "{stuck:?}");
}
