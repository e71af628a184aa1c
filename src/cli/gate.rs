//! `atsmatrix gate`: may these hosts be upgraded, did anything regress, do these cells pass? From
//! committed results alone.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use clap::Args;

use super::Places;
use super::ci::Github;
use super::format::Format;
use super::setup::day;
use super::source::Source;
use crate::catalogue::trials;
use crate::config::matrix::{Matrix, did_you_mean, sha256_hex};
use crate::console;
use crate::decide::gate::{self, Basis, Decision, GateReason, Question, Requirement};
use crate::exit::{Exit, Failure};
use crate::model::{AtsId, DistroId, MatrixResult};
use crate::report::github::{Annotation, Level};

/// Options of `atsmatrix gate`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 open, 3 closed, 4 cannot tell.")]
pub(super) struct Options {
    #[command(flatten)]
    places: Places,
    /// The distro that hosts run now
    #[arg(long, value_name = "DISTRO", requires = "to")]
    from: Option<DistroId>,
    /// The distro that they would run
    #[arg(long, value_name = "DISTRO", requires = "from")]
    to: Option<DistroId>,
    /// The ATS that they run [default: every ATS that passes on --from]
    #[arg(long, value_name = "ATS", value_delimiter = ',', requires = "to")]
    ats: Vec<AtsId>,
    /// Earlier results (FILE or git:REV) that nothing may be worse than
    #[arg(long, value_name = "RESULTS")]
    baseline: Option<Source>,
    /// A list of cells that must pass, one a line
    #[arg(long, value_name = "FILE")]
    require: Option<PathBuf>,
    #[command(flatten)]
    trust: Trust,
    #[command(flatten)]
    github: Github,
    /// How to show the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Which results to answer from, and when not to.
#[derive(Debug, Args)]
pub(super) struct Trust {
    /// Answer from these results (FILE or git:REV) [default: those on disk]
    #[arg(long, value_name = "RESULTS")]
    source: Option<Source>,
    /// Do not answer from results older than this, for example 30d or 12h
    #[arg(long, value_name = "TIME", value_parser = max_age)]
    max_age: Option<Duration>,
    /// Answer whatever matrix.yaml the results were made with, also where there is none
    #[arg(long)]
    any_matrix: bool,
}

impl Trust {
    /// The results, where they are, and a note on what could not be checked.
    pub(super) fn load(&self, places: &Places) -> anyhow::Result<(Source, MatrixResult)> {
        let source = self.source.clone().unwrap_or_else(|| Source::on_disk(places));
        let result = source.load(places)?;
        Ok((source, result))
    }

    /// Reads the matrix.yaml that the results were made with, unless nobody asks for it.
    pub(super) fn present(&self, places: &Places, result: &MatrixResult) -> anyhow::Result<Option<Present>> {
        if self.any_matrix { Ok(None) } else { present(places, result).map(Some) }
    }

    /// What answers rest on, and a note where matrix.yaml is not there to compare with.
    pub(super) fn basis<'a>(
        &self,
        places: &Places,
        source: &Source,
        result: &'a MatrixResult,
        present: Option<&'a Present>,
    ) -> anyhow::Result<(Basis<'a>, Option<String>)> {
        let mut basis = Basis::new(result).with_trials(trials::ids()).on(day(jiff::Timestamp::now()));
        basis = basis.in_doubt(changed(source, places, "run it again: atsmatrix run")?);
        if let Some(max) = self.max_age {
            basis = basis.no_older_than(max, source.age(places, SystemTime::now())?);
        }
        Ok(match present {
            None => (basis, Some("nobody asked whether matrix.yaml changed since (--any-matrix)".to_owned())),
            // What should have been run, and what is expected, can be told only from the file itself.
            Some(Present::Same(matrix)) => (basis.with_matrix(matrix), None),
            Some(Present::Other(digest)) => (basis.for_matrix(digest), None),
            Some(Present::Absent) => (basis.without_matrix(), None),
        })
    }
}

pub(super) fn run(options: &Options) -> anyhow::Result<Exit> {
    let places = &options.places;
    let baseline = match &options.baseline {
        Some(baseline) => Some((baseline.to_string(), baseline.load(places)?)),
        None => None,
    };
    let require = options.require.as_ref().map(requirement).transpose()?;
    let mut questions = Vec::new();
    if let (Some(from), Some(to)) = (&options.from, &options.to) {
        questions.push(Question::Upgrade { from, to, ats: &options.ats });
    }
    questions.extend(baseline.as_ref().map(|(name, results)| Question::Baseline { name, results }));
    questions.extend(require.as_ref().map(|(name, list)| Question::Require { name, list }));
    if questions.is_empty() {
        let message = "nothing was asked: use --from and --to, --baseline or --require (see docs/gate.md)";
        return Err(Failure::new(Exit::Usage, message).into());
    }
    let (source, result) = options.trust.load(places)?;
    let present = options.trust.present(places, &result)?;
    let (basis, note) = options.trust.basis(places, &source, &result, present.as_ref())?;
    let basis = match &options.baseline {
        Some(baseline) => basis.in_doubt(changed(baseline, places, "take another baseline")?),
        None => basis,
    };
    let mut answer = gate::decide(&basis, &questions);
    answer.notes.extend(note);
    answer.notes.extend(strangers(&result, options.from.iter().chain(&options.to), &options.ats));
    let outline = gate::words::outline(&answer);
    console::document(&options.format.show(&outline, || gate::json::render(&answer)))?;
    options.github.tell(&annotations(&answer), || outline.markdown())?;
    Ok(answer.word().exit())
}

/// Help for names that the results do not know.
pub(super) fn strangers<'a>(
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
        near.map(|near| format!("there is no {what} {name} in the results: {near}"))
    };
    named.filter_map(help).collect()
}

/// The doubt about results that are not what a run wrote.
fn changed(source: &Source, places: &Places, way_out: &str) -> anyhow::Result<Option<GateReason>> {
    Ok(source.changed(places)?.map(|text| GateReason::doubt(text, way_out)))
}

/// Why the gate is shut, for GitHub: what says no as errors, what is missing as warnings.
fn annotations(answer: &Decision) -> Vec<Annotation> {
    let annotate = |level| {
        move |reason: &GateReason| Annotation {
            level,
            place: None,
            title: reason.cell.as_ref().map_or_else(|| "the gate".to_owned(), ToString::to_string),
            message: format!("the gate is {}: {}", answer.word(), reason.text),
        }
    };
    let closed = answer.closed.iter().map(annotate(Level::Error));
    closed.chain(answer.unknown.iter().map(annotate(Level::Warning))).collect()
}

fn requirement(file: &PathBuf) -> anyhow::Result<(String, Requirement)> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::new(Exit::Usage, format!("cannot read {name}: {error}")))?;
    let list = text.parse().map_err(|error| Failure::new(Exit::Usage, format!("{name}: {error}")))?;
    Ok((name, list))
}

/// matrix.yaml as it is now, beside results.
pub(super) enum Present {
    /// The one that they were made with.
    Same(Box<Matrix>),
    /// Another one, whose bytes have this SHA-256.
    Other(String),
    /// It was not named, and there is none.
    Absent,
}

/// What matrix.yaml is to `result`. That it has mistakes is told only where it is the one that was run: another may
/// be one that this atsmatrix refuses.
pub(super) fn present(places: &Places, result: &MatrixResult) -> anyhow::Result<Present> {
    let file = places.matrix.display();
    let bytes = match std::fs::read(&places.matrix) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if places.matrix == Path::new("matrix.yaml") {
                return Ok(Present::Absent);
            }
            let message = format!("there is no {file}: name the matrix.yaml that these results were made with");
            return Err(Failure::new(Exit::Usage, message).into());
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {file}")),
    };
    let digest = sha256_hex(&bytes);
    let name = places.matrix.display().to_string();
    let other =
        || Matrix::parse(&name, std::str::from_utf8(&bytes).ok()?).ok().filter(|it| it.is_named(&result.matrix));
    if digest != result.matrix && other().is_none() {
        return Ok(Present::Other(digest));
    }
    Ok(Present::Same(Box::new(places.read()?.0)))
}

/// `30d`, `12h`, `2w 3d`; a day has 24 hours.
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
