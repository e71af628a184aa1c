//! `atsmatrix gate`: decides from committed results whether hosts can be upgraded, whether anything regressed, and whether
//! required cells pass.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use clap::Args;

use super::ci::GithubArgs;
use super::format::AnswerFormat;
use super::setup::day;
use super::source::ResultsSource;
use super::{PathArgs, trials};
use crate::config::matrix::{Matrix, did_you_mean, sha256_hex};
use crate::console;
use crate::decide::gate::{self, Basis, Decision, GateReason, Question, Requirement};
use crate::exit::{Exit, Failure};
use crate::model::{AtsId, BehaviourRecords, DistroId, MatrixResult};
use crate::report::github::{Annotation, Severity};

/// Arguments of `atsmatrix gate`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 open, 3 closed, 4 cannot tell. `atsmatrix --help` lists the others.")]
pub(super) struct GateArgs {
    #[command(flatten)]
    places: PathArgs,
    /// Distro that the hosts run now
    #[arg(long, value_name = "DISTRO", requires = "to")]
    from: Option<DistroId>,
    /// Distro to upgrade to
    #[arg(long, value_name = "DISTRO", requires = "from")]
    to: Option<DistroId>,
    /// ATS that the hosts run [default: every ATS that passes on --from]
    #[arg(long, value_name = "ATS", value_delimiter = ',', requires = "to")]
    ats: Vec<AtsId>,
    /// Also ask whether ATS behaves on --to as on --from: a change that neither OpenSSL nor ATS explains closes the gate
    #[arg(long, requires = "to")]
    unchanged: bool,
    /// Earlier results (FILE or git:REV); a cell that is worse closes the gate
    #[arg(long, value_name = "RESULTS")]
    baseline: Option<ResultsSource>,
    /// File with cells that must pass, one per line
    #[arg(long, value_name = "FILE")]
    require: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    github: GithubArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

/// Which results to use, and when to refuse an answer.
#[derive(Debug, Args)]
pub(super) struct TrustArgs {
    /// Results to answer from (FILE or git:REV) [default: the results on disk]
    #[arg(long, value_name = "RESULTS")]
    source: Option<ResultsSource>,
    /// Refuse results older than this, for example 30d or 12h
    #[arg(long, value_name = "TIME", value_parser = max_age)]
    max_age: Option<Duration>,
    /// Do not check that the results were made with the present matrix.yaml
    #[arg(long)]
    any_matrix: bool,
}

impl TrustArgs {
    /// Loads the results, and returns them with their source.
    pub(super) fn load(&self, places: &PathArgs) -> anyhow::Result<(ResultsSource, MatrixResult)> {
        let source = self.source.clone().unwrap_or_else(|| ResultsSource::on_disk(places));
        let result = source.load(places)?;
        Ok((source, result))
    }

    /// Compares matrix.yaml with the one that the results were made with; `None` with `--any-matrix`.
    pub(super) fn matrix(&self, places: &PathArgs, result: &MatrixResult) -> anyhow::Result<Option<MatrixMatch>> {
        if self.any_matrix { Ok(None) } else { compare_matrix(places, result).map(Some) }
    }

    /// The basis for answers, and a note if matrix.yaml was not compared.
    pub(super) fn basis<'a>(
        &self,
        places: &PathArgs,
        source: &ResultsSource,
        result: &'a MatrixResult,
        matrix: Option<&'a MatrixMatch>,
    ) -> anyhow::Result<(Basis<'a>, Option<String>)> {
        let catalogue = match matrix {
            Some(MatrixMatch::Same(matrix)) => trials::catalogue(matrix),
            // Not even then may a trial that the file has be forgotten because of a mistake in it.
            None if places.matrix.exists() => trials::catalogue(&places.read()?.0),
            // Nothing is answered from these results.
            None | Some(MatrixMatch::Other(_) | MatrixMatch::Absent) => places.known_trials(),
        };
        let mut basis = Basis::new(result).with_catalogue(catalogue).on(day(jiff::Timestamp::now()));
        basis = basis.in_doubt(changed(source, places, "run it again: atsmatrix run")?);
        if let Some(max) = self.max_age {
            basis = basis.no_older_than(max, source.age(places, SystemTime::now())?);
        }
        Ok(match matrix {
            None => (basis, Some("not checked whether matrix.yaml changed since (--any-matrix)".to_owned())),
            // Only the file itself says which cells should have run, and what is expected of them.
            Some(MatrixMatch::Same(matrix)) => (basis.with_matrix(matrix), None),
            Some(MatrixMatch::Other(digest)) => (basis.for_matrix(digest), None),
            Some(MatrixMatch::Absent) => (basis.without_matrix(), None),
        })
    }
}

pub(super) fn run(options: &GateArgs) -> anyhow::Result<Exit> {
    let places = &options.places;
    if options.to.is_none() && options.baseline.is_none() && options.require.is_none() {
        let message = "no question: use --from and --to, --baseline or --require (see docs/gate.md)";
        return Err(Failure::new(Exit::Usage, message).into());
    }
    let baseline = match &options.baseline {
        Some(baseline) => Some((baseline.to_string(), baseline.load(places)?)),
        None => None,
    };
    let require = options.require.as_ref().map(requirement).transpose()?;
    let (source, result) = options.trust.load(places)?;
    let mut questions = Vec::new();
    let records = if options.unchanged { source.behaviour(places)? } else { BehaviourRecords::new() };
    if let (Some(from), Some(to)) = (&options.from, &options.to) {
        questions.push(Question::Upgrade { from, to, ats: &options.ats });
        if options.unchanged {
            questions.push(Question::Unchanged { from, to, ats: &options.ats, records: &records });
        }
    }
    questions.extend(baseline.as_ref().map(|(name, results)| Question::Baseline { name, results }));
    questions.extend(require.as_ref().map(|(name, list)| Question::Require { name, list }));
    let matrix = options.trust.matrix(places, &result)?;
    let (basis, note) = options.trust.basis(places, &source, &result, matrix.as_ref())?;
    let basis = match &options.baseline {
        Some(baseline) => basis.in_doubt(changed(baseline, places, "take another baseline")?),
        None => basis,
    };
    let mut answer = gate::decide(&basis, &questions);
    answer.notes.extend(note);
    answer.notes.extend(suggest_names(&result, options.from.iter().chain(&options.to), &options.ats));
    let outline = gate::words::outline(&answer);
    console::print_document(&options.format.show(&outline, || gate::json::render(&answer)))?;
    options.github.report(&annotations(&answer), || outline.markdown())?;
    Ok(answer.word().exit())
}

/// Suggestions for names that are not in the results.
pub(super) fn suggest_names<'a>(
    result: &MatrixResult,
    distros: impl IntoIterator<Item = &'a DistroId>,
    ats: impl IntoIterator<Item = &'a AtsId>,
) -> Vec<String> {
    let known_distros: Vec<&str> = result.distros.iter().map(DistroId::as_str).collect();
    let known_ats: Vec<&str> = result.ats.iter().map(AtsId::as_str).collect();
    let named = distros.into_iter().map(|id| (id.as_str(), "distro", &known_distros));
    let named = named.chain(ats.into_iter().map(|id| (id.as_str(), "ATS", &known_ats)));
    let help = |(name, what, known): (&str, &str, &Vec<&str>)| {
        let near = if known.contains(&name) { None } else { did_you_mean(name, known.iter().copied()) };
        near.map(|near| format!("no {what} {name} in the results: {near}"))
    };
    named.filter_map(help).collect()
}

/// The doubt about results that were changed after a run wrote them.
fn changed(source: &ResultsSource, places: &PathArgs, way_out: &str) -> anyhow::Result<Option<GateReason>> {
    Ok(source.changed(places)?.map(|text| GateReason::doubt(text, way_out)))
}

/// Annotations for GitHub: reasons that close the gate are errors, missing answers are warnings.
fn annotations(answer: &Decision) -> Vec<Annotation> {
    let annotate = |severity| {
        move |reason: &GateReason| Annotation {
            severity,
            place: None,
            title: reason.cell.as_ref().map_or_else(|| "the gate".to_owned(), ToString::to_string),
            message: format!("the gate is {}: {}", answer.word(), reason.text),
        }
    };
    let closed = answer.closed.iter().map(annotate(Severity::Error));
    closed.chain(answer.unknown.iter().map(annotate(Severity::Warning))).collect()
}

fn requirement(file: &PathBuf) -> anyhow::Result<(String, Requirement)> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::new(Exit::Usage, format!("cannot read {name}: {error}")))?;
    let list = text.parse().map_err(|error| Failure::new(Exit::Usage, format!("{name}: {error}")))?;
    Ok((name, list))
}

/// How the present matrix.yaml relates to results.
pub(super) enum MatrixMatch {
    /// The results were made with it.
    Same(Box<Matrix>),
    /// The results were made with another one; the SHA-256 of the present file.
    Other(String),
    /// There is no file, and none was named.
    Absent,
}

/// Compares matrix.yaml with the one that `result` was made with. Mistakes in it are reported only if it is that one: this
/// version of atsmatrix may refuse another.
pub(super) fn compare_matrix(places: &PathArgs, result: &MatrixResult) -> anyhow::Result<MatrixMatch> {
    let file = places.matrix.display();
    let bytes = match std::fs::read(&places.matrix) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if places.matrix == Path::new("matrix.yaml") {
                return Ok(MatrixMatch::Absent);
            }
            let message = format!("{file} does not exist: name the matrix.yaml that these results were made with");
            return Err(Failure::new(Exit::Usage, message).into());
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {file}")),
    };
    let digest = sha256_hex(&bytes);
    let other = || places.parse(std::str::from_utf8(&bytes).ok()?).ok().filter(|it| it.is_named(&result.matrix));
    if digest != result.matrix && other().is_none() {
        return Ok(MatrixMatch::Other(digest));
    }
    let matrix = places.read()?.0;
    // The bytes of this file alone do not say what trials in other files do.
    Ok(if matrix.is_named(&result.matrix) {
        MatrixMatch::Same(Box::new(matrix))
    } else {
        MatrixMatch::Other(matrix.digest)
    })
}

/// Parses `30d`, `12h` or `2w 3d`; a day has 24 hours.
fn max_age(text: &str) -> Result<Duration, String> {
    let bad = || "write it like 30d or 12h".to_owned();
    let span: jiff::Span = text.parse().map_err(|_| bad())?;
    let duration = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| bad())?;
    Duration::try_from(duration).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_written_as_people_do() {
        assert_eq!(max_age("30d"), Ok(Duration::from_hours(720)));
        assert_eq!(max_age("1w 12h"), Ok(Duration::from_hours(180)));
        for bad in ["", "30", "-1d", "soon", "1 month"] {
            assert_eq!(max_age(bad), Err("write it like 30d or 12h".to_owned()), "{bad}");
        }
    }
}
