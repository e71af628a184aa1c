//! How commands look on a terminal: colours, progress, the table.

use std::io;

use clap::Args;

use crate::console::{self, Console, Flags, Stream, Style, When, style};
use crate::exit::Failure;
use crate::model::MatrixResult;

/// How things look.
#[derive(Debug, Args)]
pub(super) struct Look {
    /// Nothing but the final table and errors
    #[arg(long, short)]
    quiet: bool,
    /// Colours
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = when)]
    color: When,
}

/// A moment for colours.
pub(super) fn when(text: &str) -> Result<When, String> {
    match text {
        "auto" => Ok(When::Auto),
        "always" => Ok(When::Always),
        "never" => Ok(When::Never),
        _ => Err("write auto, always or never".to_owned()),
    }
}

impl Look {
    /// For commands that have no such options.
    pub(super) fn usual() -> Self {
        Self { quiet: false, color: When::Auto }
    }

    fn style(&self, stream: Stream) -> Style {
        style(|name| std::env::var_os(name), stream, Flags { quiet: self.quiet, colour: self.color })
    }

    /// How what goes to stdout looks.
    pub(super) fn stdout(&self) -> Style {
        self.style(Stream::stdout())
    }

    /// Where progress is shown.
    pub(super) fn console(&self) -> Console {
        Console::new(self.style(Stream::stderr()), io::stderr())
    }

    /// Shows results on stdout.
    pub(super) fn show(&self, result: &MatrixResult) -> Result<(), Failure> {
        console::results(&mut io::stdout().lock(), result, self.stdout()).map_err(|error| console::cut_off(&error))
    }
}
