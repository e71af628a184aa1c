//! `atsmatrix report`: the results on disk in any of the formats.

mod details;

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::Places;
use super::source::Source;
use crate::catalogue::trials;
use crate::console::{self, Flags, Stream, style};
use crate::exit::Exit;
use crate::model::{IdError, MatrixResult, RunId};
use crate::report::details::{Details, Past};
use crate::report::format::{FORMATS, Format, Input, by_name};
use crate::report::terminal::Screen;
use crate::store;
use crate::verdict::Terms;

/// Options of `atsmatrix report`.
#[derive(Debug, Args)]
#[command(after_help = "The committed results alone give the same bytes everywhere: --run none --no-history.")]
pub(super) struct Options {
    #[command(flatten)]
    places: Places,
    /// The format
    #[arg(long, value_name = "FORMAT", default_value = "html", value_parser = format())]
    format: &'static Format,
    /// Write to this file [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Tell the raw evidence of this run, or `none` [default: of the newest run that saw the same]
    #[arg(long, value_name = "ID")]
    run: Option<Raw>,
    /// Do not look for earlier results in git
    #[arg(long)]
    no_history: bool,
}

/// Whose raw evidence to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Raw {
    None,
    Of(RunId),
}

impl FromStr for Raw {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        if text == "none" { Ok(Self::None) } else { text.parse().map(Self::Of) }
    }
}

/// The formats there are, by name.
fn format() -> impl TypedValueParser<Value = &'static Format> {
    let names = FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.about));
    PossibleValuesParser::new(names).try_map(|name| by_name(&name).ok_or("no such format"))
}

/// Earlier results, and whether they could not be had although somebody wanted them: no reason to have no page.
fn past(options: &Options, source: &Source, result: &MatrixResult) -> (Option<Past>, bool) {
    match details::past(&options.places, source, result) {
        Ok(past) => (past, false),
        Err(error) => {
            console::aside(&format!("note: the page has no history: {error:#}\n"));
            (None, true)
        }
    }
}

pub(super) fn run(options: &Options) -> anyhow::Result<Exit> {
    let source = Source::on_disk(&options.places);
    let result = source.load(&options.places)?;
    let bisections = store::Results::new(options.places.results()).bisections()?;
    let details = if options.format.detailed {
        let (past, no_past) = if options.no_history { (None, false) } else { past(options, &source, &result) };
        Details {
            bisections,
            trials: details::trials(),
            evidence: details::evidence(&options.places, &result, options.run.as_ref())?,
            past,
            no_past,
        }
    } else {
        Details { bisections, ..Details::default() }
    };
    let file = Stream { is_terminal: false, columns: None };
    let stream = options.output.as_ref().map_or_else(Stream::stdout, |_| file);
    let style = style(|name| std::env::var_os(name), stream, Flags::default());
    let screen = Screen { width: style.width, colour: style.colour };
    let today = Some(super::setup::day(jiff::Timestamp::now()));
    let terms = Terms { today, trials: trials::ids(), ..Terms::default() };
    let text = (options.format.render)(&Input { result: &result, details: &details, terms, screen });
    match &options.output {
        Some(file) => store::put(file, text.as_bytes())?,
        None => console::document(&text)?,
    }
    Ok(Exit::Success)
}
