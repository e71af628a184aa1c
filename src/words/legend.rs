//! What the words mean, said once for all formats.

use crate::model::{Outcome, Verdict};

/// Every verdict in the order of the legend.
pub const VERDICTS: [Verdict; 6] =
    [Verdict::Pass, Verdict::Fail, Verdict::Unbuildable, Verdict::Flaky, Verdict::Error, Verdict::Unavailable];

/// Every outcome in the order of the legend.
pub const OUTCOMES: [Outcome; 7] = [
    Outcome::Pass,
    Outcome::Fail,
    Outcome::Limitation,
    Outcome::Flaky,
    Outcome::Error,
    Outcome::Unsupported,
    Outcome::Skipped,
];

/// What a verdict on a cell means.
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "every trial that applies passed, known limitations left aside",
        Verdict::Fail => "a trial failed, and failed again in a fresh ATS, while the controls past ATS held",
        Verdict::Unbuildable => "this ATS does not compile on this distro",
        Verdict::Flaky => "a trial failed and then passed, or the other way round",
        Verdict::Error => "our side, the engine or the origin broke: nothing is said about ATS",
        Verdict::Unavailable => "a part could not be had: nothing is said about ATS",
    }
}

/// What an outcome of a trial means.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "every check held",
        Outcome::Fail => "a check failed twice, each time in a fresh ATS, while the controls past ATS held",
        Outcome::Limitation => {
            "it failed twice as a known issue says that this ATS does on every distro; anything else is a fail"
        }
        Outcome::Flaky => "it failed and, repeated, passed (or the other way round)",
        Outcome::Error => "our side, the engine or the origin broke: nothing is said about ATS",
        Outcome::Unsupported => "this ATS cannot do it, as its version and features say",
        Outcome::Skipped => "not reached",
    }
}

/// The marks beside a verdict.
pub const MARKS: [(&str, &str); 6] = [
    ("(expected)", "matrix.yaml expects exactly this; it still closes the gate"),
    (
        "PASS?!",
        "a pass where matrix.yaml expects none, or where a known limitation is gone: what was declared is out of date",
    ),
    (
        "known limitation",
        "a trial fails as a known issue says that this ATS does on every distro: no news, and not mended",
    ),
    ("?!", "not what matrix.yaml expects"),
    ("(optional)", "its absence does not turn the run red"),
    ("·", "not in these results"),
];
