//! Limits with units: deadlines, and memory of containers.

use std::time::Duration;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Deserialize;

/// Limits for every cell.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DefaultsEntry {
    /// How long the parts of a run may take.
    pub(super) deadlines: Option<DeadlinesEntry>,
    /// Memory of each container, in KiB, MiB or GiB; default 1GiB.
    pub(super) memory: Option<String>,
    /// Processes and threads in each container; default 512.
    #[schemars(range(min = 16, max = 100_000))]
    pub(super) pids: Option<u32>,
}

/// How long the parts of a run may take, with units: 20s, 2m, 1h30m.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeadlinesEntry {
    /// One trial; default 20s.
    pub(super) trial: Option<String>,
    /// One cell, excluding its images; default 120s.
    pub(super) cell: Option<String>,
    /// The whole run, including its images; default 2h.
    pub(super) run: Option<String>,
}

/// Limits for every cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// How long each part may take.
    pub deadlines: Deadlines,
    /// Memory of each container, bytes.
    pub memory: u64,
    /// Processes and threads in each container.
    pub pids: u32,
}

/// How long the parts of a run may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadlines {
    /// One trial.
    pub trial: Duration,
    /// One cell, excluding its images.
    pub cell: Duration,
    /// The whole run, including its images.
    pub run: Duration,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { deadlines: Deadlines::default(), memory: 1 << 30, pids: 512 }
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { trial: Duration::from_secs(20), cell: Duration::from_mins(2), run: Duration::from_hours(2) }
    }
}

/// Longest deadline: a week.
const MAX_DEADLINE: Duration = Duration::from_hours(7 * 24);

/// Parses `20s`, `2h`, `1h30m` or `500ms`: more than zero, at most a week.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let duration = Duration::try_from(text.parse::<SignedDuration>().ok()?).ok()?;
    (!duration.is_zero() && duration <= MAX_DEADLINE).then_some(duration)
}

/// Least memory of a container, bytes: engines refuse less than a few MiB.
const MIN_MEMORY: u64 = 16 << 20;
/// Most memory of a container, bytes.
const MAX_MEMORY: u64 = 1 << 40;

/// Parses `512MiB`, `1GiB` or `65536KiB` into bytes, from 16 MiB to 1 TiB.
pub(super) fn size(text: &str) -> Option<u64> {
    let units = [("KiB", 1_u64 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    let (number, unit) = units.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    let bytes = number.trim_end().parse::<u64>().ok()?.checked_mul(*unit)?;
    (MIN_MEMORY..=MAX_MEMORY).contains(&bytes).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit_and_have_bounds() {
        assert_eq!(duration("20s"), Some(Duration::from_secs(20)));
        assert_eq!(duration("1h30m"), Some(Duration::from_mins(90)));
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        for bad in ["20", "0s", "-5s", "9000h", "soon", "", "1y", "99999999999999999999s"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn sizes_need_a_unit_and_have_bounds() {
        assert_eq!(size("1GiB"), Some(1 << 30));
        assert_eq!(size("512 MiB"), Some(512 << 20));
        for bad in ["1", "1GB", "1MiB", "-1GiB", "2048GiB", "1.5GiB", "99999999999999999999GiB", "GiB"] {
            assert_eq!(size(bad), None, "{bad}");
        }
    }
}
