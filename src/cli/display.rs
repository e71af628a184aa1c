//! Options for output on a terminal: colours, progress, the table.

use std::io;

use clap::Args;

use crate::console::{self, Console, OutputStream, Style, StyleOptions, When, style};
use crate::exit::Failure;
use crate::model::MatrixResult;

/// Options for output on a terminal.
#[derive(Debug, Args)]
pub(super) struct DisplayArgs {
    /// Print only the final table and errors
    #[arg(long, short)]
    quiet: bool,
    /// When to use colours: auto, always or never
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = when)]
    color: When,
}

/// Parses the value of an option that is auto, always or never.
pub(super) fn when(text: &str) -> Result<When, String> {
    match text {
        "auto" => Ok(When::Auto),
        "always" => Ok(When::Always),
        "never" => Ok(When::Never),
        _ => Err("write auto, always or never".to_owned()),
    }
}

impl DisplayArgs {
    /// The defaults, for commands without these options.
    pub(super) fn defaults() -> Self {
        Self { quiet: false, color: When::Auto }
    }

    fn style(&self, stream: OutputStream) -> Style {
        style(|name| std::env::var_os(name), stream, StyleOptions { quiet: self.quiet, colour: self.color })
    }

    /// The style for stdout.
    pub(super) fn stdout(&self) -> Style {
        self.style(OutputStream::stdout())
    }

    /// The console for progress, on stderr.
    pub(super) fn console(&self) -> Console {
        Console::new(self.style(OutputStream::stderr()), io::stderr())
    }

    /// Prints the table of results to stdout.
    pub(super) fn show(&self, result: &MatrixResult) -> Result<(), Failure> {
        console::results(&mut io::stdout().lock(), result, self.stdout()).map_err(|error| console::truncated(&error))
    }
}
