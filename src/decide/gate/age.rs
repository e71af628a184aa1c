//! Durations in words.

use std::time::Duration;

/// A limit with its verb: `30 days are`, `1 hour is`.
pub(super) fn limit(duration: Duration) -> String {
    let text = exact(duration);
    let one = text.starts_with("1 ") && !text[2..].contains(' ');
    format!("{text} {}", if one { "is" } else { "are" })
}

/// A duration in its two largest units, rounded down: `31 days`, `1 hour 50 minutes`.
pub(super) fn exact(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let words = |count: u64, unit: &str| format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
    let parts = match (days, hours, minutes) {
        (0, 0, 0) => vec![(seconds, "second")],
        (0, 0, minutes) => vec![(minutes, "minute")],
        (0, hours, minutes) => vec![(hours, "hour"), (minutes, "minute")],
        (days, hours, _) => vec![(days, "day"), (hours, "hour")],
    };
    let shown = parts.iter().enumerate().filter(|(at, (count, _))| *at == 0 || *count > 0);
    shown.map(|(_, (count, unit))| words(*count, unit)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact_enough_to_compare_with_the_limit() {
        let minutes = Duration::from_mins;
        assert_eq!(limit(minutes(60)), "1 hour is");
        assert_eq!(limit(minutes(60 * 24 * 30)), "30 days are");
        assert_eq!(limit(minutes(90)), "1 hour 30 minutes are");
        assert_eq!(exact(minutes(110)), "1 hour 50 minutes");
        assert_eq!(exact(minutes(60 * 24 * 31 + 59)), "31 days");
        assert_eq!(exact(minutes(60 * 25)), "1 day 1 hour");
        assert_eq!(exact(Duration::from_secs(59)), "59 seconds");
    }
}
