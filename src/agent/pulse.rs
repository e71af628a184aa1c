//! Whether this container gets the CPU and keeps its address: how late a timer is woken, how long threads with work wait.
//! It has its own thread, so that the tasks of the agent cannot delay it.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::emit::Emitter;
use super::now_us;
use super::waits::Waits;
use crate::model::Line;

/// How often the timer is due.
const TICK: Duration = Duration::from_millis(100);

/// Number of ticks after which waits for a CPU are measured. Finding all threads takes about a millisecond.
const TICKS_OF_WAITS: u64 = 2;

/// How late it may be woken. Beside two busy loops per CPU it is late by milliseconds; the shortest timeout that a
/// trial sets is one second.
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

/// Starts to watch; what it finds goes to `emitter`.
pub(super) fn start(emitter: &Emitter) -> Pulse {
    let stop = Arc::new(AtomicBool::new(false));
    let (stopped, emitter) = (Arc::clone(&stop), emitter.clone());
    std::thread::spawn(move || {
        let (mut addresses, mut waits) = (addresses(), Waits::new(now_us()));
        for tick in 1_u64.. {
            let due = Instant::now() + TICK;
            std::thread::sleep(TICK);
            let late = Instant::now().saturating_duration_since(due);
            if stopped.load(Ordering::Relaxed) {
                return;
            }
            let found = self::addresses();
            let waited = tick.is_multiple_of(TICKS_OF_WAITS).then(|| waits.tick(now_us())).flatten();
            let troubles = stall(late, now_us()).into_iter().chain(address_change(&addresses, &found, now_us()));
            for line in troubles.chain(waited) {
                emitter.emit(&line);
            }
            addresses = found;
        }
    });
    Pulse { stop }
}

/// The report of a timer that was woken just now, so `late`.
fn stall(late: Duration, now_us: u64) -> Option<Line> {
    if late <= LATE {
        return None;
    }
    let text = format!("was not given the CPU for {:.1} s{}", late.as_secs_f64(), pressure());
    let from_us = now_us.saturating_sub(u64::try_from(late.as_micros()).unwrap_or(u64::MAX));
    Some(Line::Trouble { of: None, from_us, to_us: Some(now_us), text })
}

/// How long other processes waited for the CPU, if the kernel measures it (PSI).
fn pressure() -> String {
    let text = std::fs::read_to_string("/proc/pressure/cpu").unwrap_or_default();
    let average = text.split_whitespace().find_map(|word| word.strip_prefix("avg10="));
    average.map(|percent| format!(" (processes waited for it {percent:.8} % of the last 10 s)")).unwrap_or_default()
}

/// The report when the addresses of this container changed since the last tick.
fn address_change(before: &BTreeSet<IpAddr>, after: &BTreeSet<IpAddr>, now_us: u64) -> Option<Line> {
    if before == after {
        return None;
    }
    let list = |set: &BTreeSet<IpAddr>| {
        let all: Vec<String> = set.iter().map(ToString::to_string).collect();
        if all.is_empty() { "none".to_owned() } else { all.join(", ") }
    };
    let text = format!("changed its address: {} instead of {}", list(after), list(before));
    let from_us = now_us.saturating_sub(u64::try_from(TICK.as_micros()).unwrap_or(0));
    Some(Line::Trouble { of: None, from_us, to_us: None, text })
}

/// The IPv4 addresses of this container, without loopback.
fn addresses() -> BTreeSet<IpAddr> {
    let found = nix::ifaddrs::getifaddrs().into_iter().flatten();
    let addresses = found.filter_map(|interface| Some(IpAddr::V4(interface.address?.as_sockaddr_in()?.ip())));
    addresses.filter(|address| !address.is_loopback()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_more_than_a_second_without_cpu_is_reported() {
        assert_eq!(stall(Duration::from_millis(900), 5_000_000), None);
        let Some(Line::Trouble { of: None, from_us, to_us, text }) = stall(Duration::from_secs(2), 5_000_000) else {
            panic!("nothing is reported")
        };
        assert_eq!((from_us, to_us), (3_000_000, Some(5_000_000)));
        assert!(text.starts_with("was not given the CPU for 2.0 s"), "{text}");
    }

    #[test]
    fn a_changed_address_is_reported_as_lasting() {
        let set = |all: &[&str]| all.iter().map(|text| text.parse().unwrap()).collect::<BTreeSet<IpAddr>>();
        assert_eq!(address_change(&set(&["172.18.0.3"]), &set(&["172.18.0.3"]), 1), None);
        for (after, expected) in [(set(&[]), "none instead"), (set(&["172.18.0.4"]), "172.18.0.4 instead")] {
            let line = address_change(&set(&["172.18.0.3"]), &after, 9_000_000);
            let Some(Line::Trouble { to_us: None, text, .. }) = line else { panic!("{line:?}") };
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn a_machine_that_runs_reports_nothing() {
        // tests/trouble.rs stops a process for real. Here nothing may be reported.
        let evidence = crate::agent::origin::tests::Collected::default();
        let pulse = start(&Emitter::to(evidence.clone()));
        std::thread::sleep(TICK * 3);
        drop(pulse);
        // The machine may well be busy with other tests.
        let lines = evidence.lines().into_iter().filter(|line| !matches!(line, Line::Waited { .. }));
        assert_eq!(lines.collect::<Vec<_>>(), []);
    }
}
