//! Times, compared with what the same ATS takes for an answer of its own right before and right after. That tells a
//! trial's timeout from the baseline's (4 s and 5 s). A loaded machine makes all of them longer; where they get so long
//! that one timeout looks like another, the check reports that instead of a failure of ATS.

use super::{Check, exchanges};
use crate::model::Observation;

/// Seen where ATS takes so long for an answer of its own that other times prove nothing.
pub(super) const TOO_SLOW: &str = "an ATS that is too slow on this machine now to tell one timeout from another";

/// A trial may take this many times as long as an answer of ATS's own, beyond its window.
const RATIO: u64 = 20;

/// A range of times, microseconds.
struct Window {
    /// An earlier end has another cause.
    from: u64,
    /// A later end was slow, or has another cause.
    to: u64,
    /// The latest end that cannot be the next timeout.
    limit: u64,
}

/// An end that the origin causes.
const AT_ONCE: Window = Window { from: 0, to: 1_000_000, limit: 3_000_000 };

/// An end by a timeout of a second: ATS checks its timeouts once a second.
const A_SECOND: Window = Window { from: 900_000, to: 2_500_000, limit: 3_600_000 };

/// The client had its answer, or the end of its connection, before any timeout could be the cause.
pub(in crate::catalogue::trials) fn at_once(observation: &Observation) -> Check {
    within(observation, &AT_ONCE, "an end at once")
}

/// A timeout of a second was the cause, not an earlier event and not a timeout of the baseline.
pub(in crate::catalogue::trials) fn after_a_second(observation: &Observation) -> Check {
    within(observation, &A_SECOND, "an end by the timeout of a second")
}

fn within(observation: &Observation, window: &Window, expected: &str) -> Check {
    let control = observation.client.as_ref().and_then(|run| run.control_us);
    let times: Vec<u64> = exchanges(observation).iter().map(|exchange| exchange.total_us).collect();
    let (Some(control), Some(first), Some(last)) = (control, times.iter().min(), times.iter().max()) else {
        return Check::new(false, expected, "no answer of ATS's own to compare with");
    };
    let allowed = window.to.saturating_add(control.saturating_mul(RATIO));
    let seen = if *first < window.from {
        "an end too early"
    } else if *last <= allowed.min(window.limit) {
        expected
    } else if allowed > window.limit && *last <= allowed {
        TOO_SLOW
    } else {
        "an end too late"
    };
    Check::new(seen == expected, expected, seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ClientRun, Exchange};

    fn took(total_us: u64, control_us: Option<u64>) -> Observation {
        let exchange = Exchange { total_us, ..Exchange::default() };
        let run = ClientRun { exchanges: vec![exchange], control_us, ..ClientRun::default() };
        Observation { client: Some(run), ..Observation::default() }
    }

    #[test]
    fn an_ignored_timeout_differs_from_the_one_that_was_set() {
        let seen = |total_us, control_us| after_a_second(&took(total_us, Some(control_us))).seen;
        for right in [1_000_000, 1_700_000, 2_100_000] {
            assert_eq!(seen(right, 2_000), "an end by the timeout of a second");
        }
        assert_eq!(seen(10_000, 2_000), "an end too early");
        // The baseline's own timeouts, however fast or slow the machine is.
        for baseline in [4_000_000, 4_900_000, 5_900_000] {
            for control in [1_000, 20_000, 50_000, 200_000, 1_000_000] {
                assert_ne!(seen(baseline, control), "an end by the timeout of a second", "{baseline} {control}");
            }
        }
        assert_eq!(seen(4_900_000, 2_000), "an end too late");
    }

    #[test]
    fn at_once_is_before_any_timeout_and_a_slow_machine_is_not_a_late_ats() {
        let seen = |total_us, control_us| at_once(&took(total_us, Some(control_us))).seen;
        assert_eq!(seen(120_000, 2_000), "an end at once");
        assert_eq!(seen(1_500_000, 40_000), "an end at once", "a loaded machine");
        assert_eq!(seen(1_500_000, 2_000), "an end too late");
        assert_eq!(seen(4_100_000, 50_000), "an end too late");
        assert_eq!(seen(4_100_000, 400_000), TOO_SLOW);
        assert!(!at_once(&took(1, None)).held, "nothing to compare with");
    }
}
