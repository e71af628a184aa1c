//! Whether this container is given what it needs to tell the time: CPU, and one address. A timer that measures how
//! late it is woken, in a thread of its own, so that nothing of the agent itself can be late.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::emit::Emitter;
use super::now_us;
use crate::model::Line;

/// How often it is to be woken.
const TICK: Duration = Duration::from_millis(100);

/// How late it may be. Beside two busy loops for each CPU it is late by milliseconds; the shortest timeout that a trial
/// sets is a second.
const LATE: Duration = Duration::from_secs(1);

/// Watches until dropped.
pub(super) struct Pulse {
    stop: Arc<AtomicBool>,
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Begins to watch, and tells what it finds.
pub(super) fn start(emitter: &Emitter) -> Pulse {
    let stop = Arc::new(AtomicBool::new(false));
    let (stopped, emitter) = (Arc::clone(&stop), emitter.clone());
    std::thread::spawn(move || {
        let mut addresses = addresses();
        while !stopped.load(Ordering::Relaxed) {
            let due = Instant::now() + TICK;
            std::thread::sleep(TICK);
            let late = Instant::now().saturating_duration_since(due);
            let found = self::addresses();
            if !stopped.load(Ordering::Relaxed) {
                stood_still(late, now_us()).into_iter().chain(moved(&addresses, &found, now_us())).for_each(|line| {
                    emitter.emit(&line);
                });
            }
            addresses = found;
        }
    });
    Pulse { stop }
}

/// What is told of a timer that was woken so `late`, just now.
fn stood_still(late: Duration, now_us: u64) -> Option<Line> {
    if late <= LATE {
        return None;
    }
    let text = format!("was not given the CPU for {:.1} s{}", late.as_secs_f64(), pressure());
    let from_us = now_us.saturating_sub(u64::try_from(late.as_micros()).unwrap_or(u64::MAX));
    Some(Line::Trouble { of: None, from_us, to_us: Some(now_us), text })
}

/// What the kernel says of all that waits for a CPU, where it does.
fn pressure() -> String {
    let text = std::fs::read_to_string("/proc/pressure/cpu").unwrap_or_default();
    let average = text.split_whitespace().find_map(|word| word.strip_prefix("avg10="));
    average.map(|percent| format!(" (others waited for it {percent:.8} % of the last 10 s)")).unwrap_or_default()
}

/// What is told when this container has other addresses than a moment ago.
fn moved(before: &BTreeSet<IpAddr>, after: &BTreeSet<IpAddr>, now_us: u64) -> Option<Line> {
    if before == after {
        return None;
    }
    let list = |set: &BTreeSet<IpAddr>| {
        let all: Vec<String> = set.iter().map(ToString::to_string).collect();
        if all.is_empty() { "none".to_owned() } else { all.join(", ") }
    };
    let text = format!("has another address than before: {} instead of {}", list(after), list(before));
    let from_us = now_us.saturating_sub(u64::try_from(TICK.as_micros()).unwrap_or(0));
    Some(Line::Trouble { of: None, from_us, to_us: None, text })
}

/// The IPv4 addresses of this container on networks.
fn addresses() -> BTreeSet<IpAddr> {
    let found = nix::ifaddrs::getifaddrs().into_iter().flatten();
    let addresses = found.filter_map(|interface| Some(IpAddr::V4(interface.address?.as_sockaddr_in()?.ip())));
    addresses.filter(|address| !address.is_loopback()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_second_without_cpu_is_told() {
        assert_eq!(stood_still(Duration::from_millis(900), 5_000_000), None);
        let Some(Line::Trouble { of: None, from_us, to_us, text }) = stood_still(Duration::from_secs(2), 5_000_000)
        else {
            panic!("nothing is told")
        };
        assert_eq!((from_us, to_us), (3_000_000, Some(5_000_000)));
        assert!(text.starts_with("was not given the CPU for 2.0 s"), "{text}");
    }

    #[test]
    fn an_address_that_is_gone_or_new_is_told_and_lasts() {
        let set = |all: &[&str]| all.iter().map(|text| text.parse().unwrap()).collect::<BTreeSet<IpAddr>>();
        assert_eq!(moved(&set(&["172.18.0.3"]), &set(&["172.18.0.3"]), 1), None);
        for (after, told) in [(set(&[]), "none instead"), (set(&["172.18.0.4"]), "172.18.0.4 instead")] {
            let line = moved(&set(&["172.18.0.3"]), &after, 9_000_000);
            let Some(Line::Trouble { to_us: None, text, .. }) = line else { panic!("{line:?}") };
            assert!(text.contains(told), "{text}");
        }
    }

    #[test]
    fn this_machine_stands_still_for_nobody() {
        // A thread that cannot be woken is seen for real when its process is stopped; here it must be silent.
        let told = super::super::origin::tests::Told::default();
        let pulse = start(&Emitter::to(told.clone()));
        std::thread::sleep(TICK * 3);
        drop(pulse);
        assert_eq!(told.lines(), []);
    }
}
