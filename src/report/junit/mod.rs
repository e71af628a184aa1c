//! Results as JUnit XML for Jenkins, GitLab and other CI systems. A suite is a cell and a test case is a trial; the
//! additional case `verdict` is about the cell as a whole.
//!
//! A case fails if it fails the run. As in pytest's xfail, an expected failure is *skipped* with its reason. Known
//! limitations and failures in a newly tested cell are skipped too. A wrong expectation fails the case `verdict`.
//! Reruns are written as Surefire does: a flaky trial passes with a `flakyFailure` (and fails the case `verdict` unless
//! it is expected), and one that failed twice has a `rerunFailure` beside its `failure`. There are no durations, so
//! that the same results give the same bytes.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::model::{
    CellResult, Expected, MatrixResult, OpensslConf, Outcome, Provenance, Surroundings, TrialResult, Verdict,
};
use crate::verdict::{self, Assessment, Scope, Surprise, Terms};
use crate::words::escape::{LINE, SHORT, terminal};
use crate::words::finding::Trials;
use crate::words::grid::Grid;

/// The file of a run that did not finish: one error, so that it cannot be taken for a pass.
pub const UNFINISHED: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="atsmatrix" tests="1" failures="0" errors="1">
  <testsuite name="run" tests="1" failures="0" errors="1" skipped="0">
    <testcase name="run" classname="atsmatrix">
      <error type="error" message="the run did not finish"/>
    </testcase>
  </testsuite>
</testsuites>
"#;

/// The type of a failure in a newly tested cell.
const NEWLY_TESTED: &str = "newly-tested";

/// The result of a test case.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Status {
    Success,
    Skipped {
        kind: &'static str,
        message: String,
    },
    Failure {
        kind: &'static str,
        message: String,
        again: bool,
    },
    Error {
        message: String,
    },
    /// Both passed and failed.
    Flaky {
        message: String,
    },
}

struct TestCase<'a> {
    name: &'a str,
    status: Status,
    evidence: &'a [String],
}

/// The file, with expectations compared by `terms`. Ends with a newline.
///
/// # Panics
/// Never: writing to memory does not fail.
pub fn render(result: &MatrixResult, terms: &Terms<'_>) -> String {
    let grid = Grid::new(result);
    let suites: Vec<(&CellResult, Vec<TestCase>)> = grid.cells().map(|cell| (cell, cases(cell, terms))).collect();
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    #[expect(clippy::expect_used, reason = "writing to a Vec does not fail")]
    write(&mut writer, &suites).expect("memory can be written to");
    let mut bytes = writer.into_inner();
    bytes.push(b'\n');
    String::from_utf8_lossy(&bytes).into_owned()
}

type Xml = Writer<Vec<u8>>;

fn write(writer: &mut Xml, suites: &[(&CellResult, Vec<TestCase>)]) -> io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all: Vec<&TestCase> = suites.iter().flat_map(|(_, cases)| cases).collect();
    let [tests, failures, errors, _] = counts(&all);
    writer
        .create_element("testsuites")
        .with_attributes([("name", "atsmatrix"), ("tests", &tests), ("failures", &failures), ("errors", &errors)])
        .write_inner_content(|writer| suites.iter().try_for_each(|(cell, cases)| suite(writer, cell, cases)))?;
    Ok(())
}

/// The numbers of tests, failures, errors and skipped tests.
fn counts(cases: &[&TestCase]) -> [String; 4] {
    let count = |wanted: fn(&Status) -> bool| cases.iter().filter(|case| wanted(&case.status)).count().to_string();
    [
        cases.len().to_string(),
        count(|status| matches!(status, Status::Failure { .. })),
        count(|status| matches!(status, Status::Error { .. })),
        count(|status| matches!(status, Status::Skipped { .. })),
    ]
}

fn suite(writer: &mut Xml, cell: &CellResult, cases: &[TestCase]) -> io::Result<()> {
    let [tests, failures, errors, skipped] = counts(&cases.iter().collect::<Vec<_>>());
    let id = cell.id.to_string();
    // Jenkins takes the part before the last dot for a package, here the distro.
    let class = format!("{}.{}", cell.id.distro.as_str().replace('.', "_"), cell.id.ats.as_str().replace('.', "_"));
    let properties = properties(cell);
    writer
        .create_element("testsuite")
        .with_attributes([("name", id.as_str()), ("tests", &tests), ("failures", &failures)])
        .with_attributes([("errors", errors.as_str()), ("skipped", &skipped)])
        .write_inner_content(|writer| {
            writer.create_element("properties").write_inner_content(|writer| {
                properties.iter().try_for_each(|(name, value)| {
                    let property = [("name", *name), ("value", value.as_str())];
                    writer.create_element("property").with_attributes(property).write_empty().map(drop)
                })
            })?;
            cases.iter().try_for_each(|case| test_case(writer, &class, case))
        })?;
    Ok(())
}

fn test_case(writer: &mut Xml, class: &str, case: &TestCase) -> io::Result<()> {
    let name = text(case.name, SHORT);
    let element = writer.create_element("testcase").with_attributes([("name", name.as_str()), ("classname", class)]);
    if case.status == Status::Success {
        return element.write_empty().map(drop);
    }
    let evidence = case.evidence.iter().map(|line| text(line, LINE)).collect::<Vec<_>>().join("\n");
    element.write_inner_content(|writer| status(writer, &case.status, &evidence))?;
    Ok(())
}

fn status(writer: &mut Xml, status: &Status, evidence: &str) -> io::Result<()> {
    let mut note = |tag: &str, kind: &str, message: &str, content: &str| -> io::Result<()> {
        let element = writer.create_element(tag).with_attributes([("type", kind), ("message", message)]);
        if content.is_empty() { element.write_empty() } else { element.write_text_content(BytesText::new(content)) }
            .map(drop)
    };
    match status {
        Status::Success => Ok(()),
        Status::Error { message } => note("error", "error", message, evidence),
        Status::Flaky { message } => note("flakyFailure", "flaky", message, evidence),
        Status::Failure { kind, message, again } => {
            note("failure", kind, message, evidence)?;
            if *again { note("rerunFailure", kind, "failed again in a fresh ATS", "") } else { Ok(()) }
        }
        Status::Skipped { kind, message } => {
            note("skipped", kind, message, "")?;
            if evidence.is_empty() {
                return Ok(());
            }
            writer.create_element("system-out").write_text_content(BytesText::new(evidence)).map(drop)
        }
    }
}

fn cases<'a>(cell: &'a CellResult, terms: &Terms<'_>) -> Vec<TestCase<'a>> {
    let whole = TestCase { name: "verdict", status: of_cell(cell, terms), evidence: &[] };
    let trials = cell.trials.iter().map(|trial| TestCase {
        name: &trial.id,
        status: of_trial(cell, trial, terms),
        evidence: &trial.evidence,
    });
    std::iter::once(whole).chain(trials).collect()
}

/// The status of the case `verdict`. Failures of trials are left out: they have their own cases.
fn of_cell(cell: &CellResult, terms: &Terms<'_>) -> Status {
    let reason = || text(cell.reason.as_deref().unwrap_or("no reason was recorded"), LINE);
    let is_about_cell = |surprise: &Surprise| match surprise {
        Surprise::Undeclared { verdict, trials } => *verdict != Verdict::Fail || trials.is_empty(),
        Surprise::Fixed { .. } | Surprise::LimitationGone { .. } | Surprise::Expired { .. } => true,
    };
    let surprises: Vec<String> =
        verdict::surprises(cell, terms).iter().filter(|it| is_about_cell(it)).map(ToString::to_string).collect();
    match verdict::assess(cell, terms) {
        Assessment::Excused => Status::Skipped { kind: "unavailable", message: reason() },
        Assessment::NewlyTested => {
            let reason = cell.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
            let message = text(&format!("newly tested, which does not fail this run: {}{reason}", cell.verdict), LINE);
            Status::Skipped { kind: NEWLY_TESTED, message }
        }
        // The cases of these trials are errors too.
        Assessment::Unanswered if cell.verdict.is_answer() => {
            Status::Error { message: text(&format!("no answer for {}", verdict::unanswered(cell).join(", ")), LINE) }
        }
        Assessment::Unanswered => Status::Error { message: format!("{}: {}", cell.verdict, reason()) },
        Assessment::Expected | Assessment::Unexpected if !surprises.is_empty() => {
            let why = cell.reason.as_ref().map_or(String::new(), |reason| format!(" ({reason})"));
            let message = text(&format!("{}{why}", surprises.join("; ")), LINE);
            let kind = if cell.verdict.is_without_ats() { cell.verdict.word() } else { "expectation" };
            Status::Failure { kind, message, again: false }
        }
        Assessment::Expected | Assessment::Unexpected if cell.verdict.is_without_ats() => {
            match cell.expectations().find(|expected| expected.verdict == cell.verdict) {
                Some(expected) => excuse(expected),
                None => Status::Success,
            }
        }
        Assessment::Expected | Assessment::Unexpected => Status::Success,
    }
}

fn of_trial(cell: &CellResult, trial: &TrialResult, terms: &Terms<'_>) -> Status {
    let message = text(&trial.summary, LINE);
    let holds =
        |expected: &&Expected| expected.expires.is_none_or(|last| terms.today.is_none_or(|today| today <= last));
    let excused =
        |expected: &&Expected| expected.verdict == Verdict::Fail && verdict::covers(expected, cell, &trial.id);
    let is_declared_fixed = |expected: &&Expected| {
        let same = expected.issue.is_some() && expected.issue == trial.limitation;
        expected.verdict == Verdict::Pass && same && Scope::of(&expected.trials).has(&trial.id)
    };
    if verdict::assess(cell, terms) == Assessment::NewlyTested
        && matches!(trial.outcome, Outcome::Fail | Outcome::Error)
    {
        return Status::Skipped {
            kind: NEWLY_TESTED,
            message: text(&format!("{}: {}", trial.outcome, trial.summary), LINE),
        };
    }
    match trial.outcome {
        Outcome::Pass => Status::Success,
        Outcome::Fail => match cell.expectations().filter(holds).find(excused) {
            Some(expected) => excuse(expected),
            None => Status::Failure { kind: "fail", message, again: true },
        },
        Outcome::Limitation if cell.expectations().any(|expected| is_declared_fixed(&expected)) => {
            Status::Failure { kind: "fail", message, again: true }
        }
        Outcome::Limitation => {
            let issue = trial.limitation.as_deref().unwrap_or("an unnamed issue");
            Status::Skipped { kind: "known-limitation", message: text(&format!("{issue}: {}", trial.summary), LINE) }
        }
        Outcome::Flaky => Status::Flaky { message },
        Outcome::Error => Status::Error { message },
        Outcome::Unsupported => Status::Skipped { kind: "unsupported", message },
        Outcome::Skipped => Status::Skipped { kind: "not-reached", message },
    }
}

fn excuse(expected: &Expected) -> Status {
    let link = expected.link.as_ref().map_or(String::new(), |link| format!(" ({link})"));
    Status::Skipped { kind: "expected", message: text(&format!("expected: {}{link}", expected.reason), LINE) }
}

/// What ran, as far as known.
fn properties(cell: &CellResult) -> Vec<(&'static str, String)> {
    // `content` is left out: the image digest identifies the packages as well.
    let Provenance {
        distro,
        kernel,
        libc,
        openssl,
        ats,
        client_hello,
        surroundings,
        upgrade,
        config,
        parent,
        images,
        content: _,
    } = &cell.provenance;
    let config = config.as_ref().map(ToString::to_string);
    let parent = parent.as_ref().map(ToString::to_string);
    let around = surroundings.as_ref();
    let conf = around.and_then(|around| around.openssl_conf.as_ref());
    let (differs, environment) = (conf.map(OpensslConf::as_packaged), around.and_then(Surroundings::variables));
    let client_hello = client_hello.map(|bytes| format!("{bytes} bytes"));
    let upgrade = upgrade.as_ref().map(ToString::to_string);
    let known = [
        ("verdict", Some(cell.verdict.word())),
        ("distro", distro.as_ref().map(|release| release.name.as_str())),
        ("upgraded-in-place", upgrade.as_deref()),
        ("configuration", config.as_deref()),
        ("parent", parent.as_deref()),
        ("kernel", kernel.as_deref()),
        ("libc", libc.as_ref().map(|library| library.version.as_str())),
        ("openssl", openssl.as_ref().map(|library| library.version.as_str())),
        ("client-hello", client_hello.as_deref()),
        ("openssl.cnf", conf.map(|conf| conf.path.as_str())),
        ("openssl.cnf.sha256", conf.and_then(|conf| conf.sha256.as_deref())),
        ("openssl.cnf.differs", differs.as_deref()),
        ("crypto-policy", around.and_then(|around| around.crypto_policy.as_deref())),
        ("environment", environment.as_deref()),
        ("ats", ats.as_ref().map(|ats| ats.reported.as_str())),
        ("ats.package", ats.as_ref().and_then(|ats| ats.package.as_deref())),
        ("ats.source", ats.as_ref().and_then(|ats| ats.source.as_deref())),
        ("image", images.as_ref().map(|images| images.ats.as_str())),
    ];
    let count = Trials::of(cell).count().map(|count| ("trials", count));
    let issues =
        cell.known_issues.iter().map(|issue| ("known-issue", text(&format!("{} {}", issue.id, issue.link), LINE)));
    known.into_iter().filter_map(|(name, value)| Some((name, text(value?, LINE)))).chain(count).chain(issues).collect()
}

/// `text` as one truncated line of characters that are valid in XML 1.0.
fn text(text: &str, max: usize) -> String {
    terminal(text, max).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod tests;
