//! What a person sees while a run goes on, and where results leave the program: the only printer,
//! and the only user of indicatif. Consumes [`Event`]s; decides nothing and keeps nothing.

mod bars;
mod line;
mod print;
mod style;

use std::io::{self, ErrorKind, Write};

use crate::model::{Event, MatrixResult};
use crate::report::terminal::{self, Screen};

use bars::Bars;
use line::Tally;

pub use print::{aside, command, cut_off, document, error, print, tame};
pub use style::{Flags, Progress, Stream, Style, When, style};

/// Shows the progress of one run.
#[derive(Debug)]
pub struct Console {
    face: Face,
    tally: Tally,
    colour: bool,
}

enum Face {
    /// Nothing.
    None,
    /// One line a thing, for logs.
    Lines(Box<dyn Write + Send>),
    /// A live picture.
    Bars(Bars),
}

impl Console {
    /// Progress in `style` on `out`, normally stderr. [`Progress::Bars`] draws on stderr itself, as
    /// it has to follow the size of the terminal; if that is no terminal, lines go to `out`.
    pub fn new(style: Style, out: impl Write + Send + 'static) -> Self {
        let face = match style.progress {
            Progress::None => Face::None,
            Progress::Lines => Face::Lines(Box::new(out)),
            Progress::Bars => Bars::on_stderr().map_or_else(|| Face::Lines(Box::new(out)), Face::Bars),
        };
        Self { face, tally: Tally::default(), colour: style.colour }
    }

    /// Shows one event. A terminal or pipe that takes no more is no reason to end a run: errors are
    /// let go.
    pub fn on(&mut self, event: &Event) {
        self.tally.count(event);
        match &mut self.face {
            Face::None => (),
            Face::Lines(out) => {
                if let Some(line) = line::plain(event, &self.tally, self.colour) {
                    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
                }
            }
            Face::Bars(bars) => bars.on(event, &self.tally, self.colour),
        }
    }
}

/// Writes the whole report to `out`, normally stdout.
pub fn results(out: &mut impl Write, result: &MatrixResult, style: Style) -> io::Result<()> {
    deliver(out, &terminal::render(result, Screen { width: style.width, colour: style.colour }))
}

/// Writes `text` to `out`, normally stdout. A reader that has seen enough (`| head`) is no error.
pub fn deliver(out: &mut impl Write, text: &str) -> io::Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

impl std::fmt::Debug for Face {
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
