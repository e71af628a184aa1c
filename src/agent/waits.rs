//! How long threads of this container waited for a CPU although they had work: the scheduler's run delay.
//!
//! A timer that is woken in time (see `agent::pulse`) does not show it: schedulers prefer what sleeps much over what works,
//! and ATS works.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use crate::model::Line;

/// The least wait within a tick that is reported. Below it, machines with a trial per CPU are ordinary.
const LEAST: Duration = Duration::from_millis(20);

/// The run delay of each thread, nanoseconds since its start.
type Delays = HashMap<(u32, u32), u64>;

/// Compares the run delays of all threads from tick to tick.
pub(super) struct Waits {
    before: Delays,
    from_us: u64,
}

impl Waits {
    /// Starts to compare at `now_us`.
    pub(super) fn new(now_us: u64) -> Self {
        Self { before: delays(Path::new("/proc")), from_us: now_us }
    }

    /// The report of the longest wait since the last tick, if it was long. A thread's wait shows when it is over.
    pub(super) fn tick(&mut self, now_us: u64) -> Option<Line> {
        let found = delays(Path::new("/proc"));
        let longest = longest(&self.before, &found);
        let from_us = std::mem::replace(&mut self.from_us, now_us);
        self.before = found;
        (longest >= LEAST).then(|| Line::Waited {
            from_us,
            to_us: now_us,
            longest_us: u64::try_from(longest.as_micros()).unwrap_or(u64::MAX),
        })
    }
}

/// The longest time that any thread waited between two readings. Threads that are new have waited since their start.
fn longest(before: &Delays, after: &Delays) -> Duration {
    let waited = after.iter().map(|(thread, ns)| ns.saturating_sub(before.get(thread).copied().unwrap_or_default()));
    Duration::from_nanos(waited.max().unwrap_or_default())
}

/// The run delays of all threads below `proc`; empty where the kernel does not count them.
fn delays(proc: &Path) -> Delays {
    let mut found = Delays::new();
    for process in numbered(proc) {
        let tasks = proc.join(process.to_string()).join("task");
        for thread in numbered(&tasks) {
            let text = std::fs::read_to_string(tasks.join(thread.to_string()).join("schedstat"));
            if let Some(ns) = text.ok().as_deref().and_then(run_delay) {
                found.insert((process, thread), ns);
            }
        }
    }
    found
}

/// The entries of a folder of /proc that are numbers.
fn numbered(folder: &Path) -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The second number of `schedstat`: time spent waiting on a run queue, nanoseconds (Documentation/scheduler/sched-stats.rst).
fn run_delay(schedstat: &str) -> Option<u64> {
    schedstat.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_number_is_the_run_delay() {
        assert_eq!(run_delay("1274250424 991157980 100787\n"), Some(991_157_980));
        assert_eq!(run_delay("0\n"), None);
    }

    #[test]
    fn the_longest_wait_is_that_of_one_thread() {
        let all = |list: &[(u32, u64)]| list.iter().map(|(thread, ns)| ((1, *thread), *ns)).collect::<Delays>();
        let before = all(&[(1, 5_000_000), (2, 900_000_000), (4, 7)]);
        let after = all(&[(1, 65_000_000), (2, 910_000_000), (3, 40_000_000)]);
        assert_eq!(longest(&before, &after), Duration::from_millis(60));
        assert_eq!(longest(&before, &all(&[])), Duration::ZERO);
    }

    #[test]
    fn the_threads_of_this_process_are_found() {
        // A kernel without CONFIG_SCHED_INFO has no such file, and then nothing is claimed.
        let counted = Path::new("/proc/self/task").join(std::process::id().to_string()).join("schedstat").exists();
        assert_eq!(delays(Path::new("/proc")).keys().any(|(process, _)| *process == std::process::id()), counted);
    }
}
