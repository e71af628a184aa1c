//! `atsmatrix report`: writes the results on disk in any of the formats.

mod details;

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::PathArgs;
use super::source::ResultsSource;
use crate::console::{self, OutputStream, StyleOptions, style};
use crate::exit::Exit;
use crate::model::{IdError, MatrixResult, RunId};
use crate::report::details::{Details, Past};
use crate::report::format::{FORMATS, Format, Input, by_name};
use crate::report::terminal::Screen;
use crate::store;
use crate::verdict::Terms;

/// Arguments of `atsmatrix report`.
#[derive(Debug, Args)]
#[command(after_help = "With --run none --no-history the same results give the same bytes on every machine.\n\n\
                        Exit codes: 0 written, 4 no results. `atsmatrix --help` lists the others.")]
pub(super) struct ReportArgs {
    #[command(flatten)]
    places: PathArgs,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "html", value_parser = format())]
    format: &'static Format,
    /// Write to this file [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Run whose raw evidence to include, or `none` [default: the newest run with the same evidence]
    #[arg(long, value_name = "ID")]
    run: Option<EvidenceChoice>,
    /// Do not read earlier results from git
    #[arg(long)]
    no_history: bool,
}

/// Which raw evidence to include.
#[derive(Debug, Clone, PartialEq, Eq)]
enum EvidenceChoice {
    None,
    Of(RunId),
}

impl FromStr for EvidenceChoice {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        if text == "none" { Ok(Self::None) } else { text.parse().map(Self::Of) }
    }
}

/// Parses the name of a format.
fn format() -> impl TypedValueParser<Value = &'static Format> {
    let names = FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.about));
    PossibleValuesParser::new(names).try_map(|name| by_name(&name).ok_or("unknown format"))
}

/// The earlier results, and whether reading them failed: the page is written all the same.
fn past(options: &ReportArgs, source: &ResultsSource, result: &MatrixResult) -> (Option<Past>, bool) {
    match details::past(&options.places, source, result) {
        Ok(past) => (past, false),
        Err(error) => {
            console::eprint(&format!("note: the page has no history: {error:#}\n"));
            (None, true)
        }
    }
}

pub(super) fn run(options: &ReportArgs) -> anyhow::Result<Exit> {
    let source = ResultsSource::on_disk(&options.places);
    let result = source.load(&options.places)?;
    let bisections = store::Results::new(options.places.results()).bisections()?;
    let catalogue = options.places.known_trials();
    let details = if options.format.detailed {
        let (past, no_past) = if options.no_history { (None, false) } else { past(options, &source, &result) };
        Details {
            bisections,
            trials: details::trials(catalogue),
            evidence: details::evidence(&options.places, &result, options.run.as_ref())?,
            past,
            no_past,
            behaviour: details::behaviour(&options.places, &source, &result),
        }
    } else {
        Details { bisections, ..Details::default() }
    };
    let file = OutputStream { is_terminal: false, columns: None };
    let stream = options.output.as_ref().map_or_else(OutputStream::stdout, |_| file);
    let style = style(|name| std::env::var_os(name), stream, StyleOptions::default());
    let screen = Screen { width: style.width, colour: style.colour };
    let today = Some(super::setup::day(jiff::Timestamp::now()));
    let terms = Terms { today, trials: catalogue.ids(), ..Terms::default() };
    let text = (options.format.render)(&Input { result: &result, details: &details, terms, screen });
    match &options.output {
        Some(file) => store::put(file, text.as_bytes())?,
        None => console::print_document(&text)?,
    }
    Ok(Exit::Success)
}
