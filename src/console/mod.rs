//! Displays progress, and prints results: the only module that prints, and the only user of indicatif. It consumes
//! [`Event`]s, and neither decides nor stores anything.

mod bars;
mod line;
mod print;
mod style;

use std::io::{self, ErrorKind, Write};

use crate::model::{Event, MatrixResult};
use crate::report::terminal::{self, Screen};

use bars::Bars;
use line::Tally;

pub use print::{eprint, error, github_command, print, print_document, sanitize, truncated};
pub use style::{OutputStream, ProgressMode, Style, StyleOptions, When, style};

/// Displays the progress of one run.
#[derive(Debug)]
pub struct Console {
    display: Display,
    tally: Tally,
    colour: bool,
}

enum Display {
    /// No output.
    None,
    /// One line per event, for logs.
    Lines(Box<dyn Write + Send>),
    /// Live progress bars.
    Bars(Bars),
}

impl Console {
    /// A console that displays progress as `style` says on `out`, normally stderr. [`ProgressMode::Bars`] always draws on
    /// stderr, as it follows the size of the terminal; if stderr is not a terminal, lines go to `out`.
    pub fn new(style: Style, out: impl Write + Send + 'static) -> Self {
        let display = match style.progress {
            ProgressMode::None => Display::None,
            ProgressMode::Lines => Display::Lines(Box::new(out)),
            ProgressMode::Bars => Bars::on_stderr().map_or_else(|| Display::Lines(Box::new(out)), Display::Bars),
        };
        Self { display, tally: Tally::default(), colour: style.colour }
    }

    /// Displays one event. Errors are ignored: a closed terminal or pipe must not end the run.
    pub fn on(&mut self, event: &Event) {
        self.tally.count(event);
        match &mut self.display {
            Display::None => (),
            Display::Lines(out) => {
                if let Some(line) = line::log_line(event, &self.tally, self.colour) {
                    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
                }
            }
            Display::Bars(bars) => bars.on(event, &self.tally, self.colour),
        }
    }
}

/// Writes the table of results to `out`, normally stdout.
pub fn results(out: &mut impl Write, result: &MatrixResult, style: Style) -> io::Result<()> {
    write_all_to(out, &terminal::render(result, Screen { width: style.width, colour: style.colour }))
}

/// Writes `text` to `out`, normally stdout. A reader that closes early (`| head`) is not an error.
pub fn write_all_to(out: &mut impl Write, text: &str) -> io::Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

impl std::fmt::Debug for Display {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Lines(_) => "Lines",
            Self::Bars(_) => "Bars",
        })
    }
}

#[cfg(test)]
mod tests;
