//! What ATS writes to error.log, diags.log and stderr.
//!
//! Knows the wordings of 8.1, 9.0, 9.2 and 10. Unknown lines are `None`, never an error. What a line means for a trial
//! is decided elsewhere.

mod complaint;
mod normalise;

use std::sync::LazyLock;

use regex::{Captures, Regex};

pub use complaint::{complaint, last_words};
pub use normalise::normalise;

fn pattern(text: &str) -> Regex {
    #[expect(clippy::expect_used, reason = "every pattern is a literal that a test uses")]
    Regex::new(text).expect("a literal pattern")
}

/// A failed connection to an origin, from error.log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectFailure {
    /// The state of the transaction, for example `CONNECTION_ERROR`; missing in 8.1.
    pub state: Option<String>,
    /// The address of the origin, `IP:PORT`; without port in 8.1 and 9.0.
    pub addr: String,
    /// The host that the client requested, not the name of the origin; missing in 8.1 and 9.0.
    pub host: Option<String>,
    /// The result of the connection.
    pub result: Code,
    /// The underlying error, in lines of 9.2 and later about an attempt.
    pub error: Option<Code>,
    /// Number of the attempt, from 0, in the same lines.
    pub attempts: Option<u32>,
    /// The URL of the request to the origin.
    pub url: String,
    /// Whether the line says that the origin was marked down.
    pub marked_down: bool,
}

/// A code with its name: `Invalid argument [22]`, `ENET_SSL_CONNECT_FAILED [-20104]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Code {
    /// The name; empty in 8.1 and 9.0.
    pub text: String,
    /// The number: an errno, or a code of ATS below -20000. In 8.1 and 9.0 it is a state of ATS and says little (5 for
    /// nearly everything).
    pub number: i64,
}

/// 9.2 and 10: one attempt. 10 writes `retry_attempts`.
static ATTEMPT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"CONNECT: attempt fail \[(?<state>\w+)\] to (?<addr>\S+) for host='(?<host>[^']*)' connection_result=(?<result>.*?) \[(?<result_no>-?\d+)\] error=(?<error>.*?) \[(?<error_no>-?\d+)\] (?:retry_)?attempts=(?<attempts>\d+) url='(?<url>[^']*)'",
    )
});

/// 9.2 and 10: the outcome of the last attempt.
static GIVEN_UP: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"CONNECT: (?<result>.*?) \[(?<result_no>-?\d+)\] connecting to (?<addr>\S+) for host='(?<host>[^']*)' url='(?<url>[^']*)'(?<down> marking down)?",
    )
});

/// 8.1 and 9.0.
static COULD_NOT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"CONNECT:\S* could not connect (?:\[(?<state>\w+)\] )?to (?<addr>\S+) for '(?<url>[^']*)'(?<down> \(setting last failure time\))? connect_result=(?<result_no>-?\d+)",
    )
});

/// Reads a line of error.log about a failed connection; `None` for all other lines.
pub fn connect_failure(line: &str) -> Option<ConnectFailure> {
    let found = [&ATTEMPT, &GIVEN_UP, &COULD_NOT].into_iter().find_map(|pattern| pattern.captures(line))?;
    let text = |name: &str| found.name(name).map(|part| part.as_str().to_owned());
    Some(ConnectFailure {
        state: text("state"),
        addr: text("addr")?,
        host: text("host"),
        result: code(&found, "result", "result_no")?,
        error: code(&found, "error", "error_no"),
        attempts: found.name("attempts").and_then(|part| part.as_str().parse().ok()),
        url: text("url")?,
        marked_down: found.name("down").is_some(),
    })
}

fn code(found: &Captures<'_>, text: &str, number: &str) -> Option<Code> {
    let number = found.name(number)?.as_str().parse().ok()?;
    Some(Code { text: found.name(text).map(|part| part.as_str().to_owned()).unwrap_or_default(), number })
}

/// Whether a line of error.log says that a name could not be resolved.
pub fn is_dns_error(line: &str) -> bool {
    line.contains("DNS Error: looking up")
}

/// The severity of a line of diags.log, in the order of ATS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `DIAG` and `DEBUG`.
    Debug,
    /// `STATUS`.
    Status,
    /// `NOTE`.
    Note,
    /// `WARNING`.
    Warning,
    /// `ERROR`.
    Error,
    /// `FATAL`: the process ends.
    Fatal,
    /// `ALERT`: the process ends.
    Alert,
    /// `EMERGENCY`: the process ends, and `traffic_manager` would not start it again.
    Emergency,
}

/// A line of diags.log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiagsLine<'a> {
    /// Its severity.
    pub level: Level,
    /// The text after the level.
    pub text: &'a str,
}

/// `[Nov 23 04:04:30.022] [ET_NET 0] WARNING: text`, with a source location before the level in some
/// builds.
static DIAGNOSTIC: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^\[\w{3} +\d+ [\d:.]+\] .*?\b(DIAG|DEBUG|STATUS|NOTE|WARNING|ERROR|FATAL|ALERT|EMERGENCY): (.*)$")
});

/// Parses a line of diags.log; `None` for continuation lines.
pub fn diags_line(line: &str) -> Option<DiagsLine<'_>> {
    let (_, [level, text]) = DIAGNOSTIC.captures(line)?.extract();
    let level = match level {
        "STATUS" => Level::Status,
        "NOTE" => Level::Note,
        "WARNING" => Level::Warning,
        "ERROR" => Level::Error,
        "FATAL" => Level::Fatal,
        "ALERT" => Level::Alert,
        "EMERGENCY" => Level::Emergency,
        _ => Level::Debug,
    };
    Some(DiagsLine { level, text })
}

/// Whether ATS ends with this line before it has a diags.log: `Fatal: ...`.
pub fn is_early_end(line: &str) -> bool {
    let begins = |word: &str| line.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word));
    ["fatal: ", "alert: ", "emergency: "].into_iter().any(begins)
}

/// Whether a line of diags.log says that ATS is ready: 9 and 10 write both texts, 8.1 only the second. 10.2 must also
/// answer on its port: it writes the line before its remap table is in use.
pub fn is_ready(line: &str) -> bool {
    line.contains("Traffic Server is fully initialized") || line.contains("traffic server running")
}

/// The setting that ATS does not know, from diags.log. ATS only warns and runs without it, so a trial that needs it
/// must not run.
pub fn unknown_setting(line: &str) -> Option<&str> {
    static UNKNOWN: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"Unrecognized configuration value '([^']+)'|Ignoring field '[^']*' \[([^\]]+)\].*Not registered")
    });
    let found = UNKNOWN.captures(line)?;
    found.get(1).or_else(|| found.get(2)).map(|name| name.as_str())
}

/// How a line says that the process ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// It gave up: a `FATAL`, `ALERT` or `EMERGENCY`.
    GaveUp,
    /// An assertion did not hold.
    Assertion,
    /// A signal came, with this number.
    Signal(i32),
    /// A stack trace begins.
    StackTrace,
}

/// Parses a line of diags.log or stderr for the signs of a crash.
pub fn crash(line: &str) -> Option<Crash> {
    static SIGNAL: LazyLock<Regex> = LazyLock::new(|| pattern(r"received signal (\d+)"));
    if line.contains("failed assertion") {
        return Some(Crash::Assertion);
    }
    if let Some(number) = SIGNAL.captures(line).and_then(|found| found[1].parse().ok()) {
        return Some(Crash::Signal(number));
    }
    if line.contains("STACK TRACE") {
        return Some(Crash::StackTrace);
    }
    let on_stderr = ["Fatal: ", "Alert: ", "Emergency: "].iter().any(|level| line.starts_with(level));
    let in_diags = diags_line(line).is_some_and(|diags_line| diags_line.level >= Level::Fatal);
    (on_stderr || in_diags).then_some(Crash::GaveUp)
}

#[cfg(test)]
mod tests;
