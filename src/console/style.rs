//! Decides whether to use colours and live progress, from the environment, the stream and the options. Pure, except
//! [`OutputStream::stdout`] and [`OutputStream::stderr`].

use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::fd::AsFd;

/// Width in columns without a terminal; it suits CI logs and mail.
const WIDTH: u16 = 120;

/// The properties of an output stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputStream {
    /// Whether the stream is a terminal.
    pub is_terminal: bool,
    /// Width of the terminal in columns, if known.
    pub columns: Option<u16>,
}

impl OutputStream {
    /// stdout of this process.
    pub fn stdout() -> Self {
        Self::of(&std::io::stdout())
    }

    /// stderr of this process.
    pub fn stderr() -> Self {
        Self::of(&std::io::stderr())
    }

    fn of(stream: &(impl AsFd + IsTerminal)) -> Self {
        let columns = terminal_size::terminal_size_of(stream).map(|(width, _)| width.0);
        Self { is_terminal: stream.is_terminal(), columns }
    }
}

/// When to use a feature.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum When {
    /// Depending on the environment and the stream.
    #[default]
    Auto,
    /// Regardless of environment and stream.
    Always,
    /// Not at all.
    Never,
}

/// The options that affect the style.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StyleOptions {
    /// Print only results and errors.
    pub quiet: bool,
    /// When to use colours.
    pub colour: When,
}

/// The style of output on a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether to use ANSI colours.
    pub colour: bool,
    /// How to display progress.
    pub progress: ProgressMode,
    /// Width in columns.
    pub width: u16,
}

/// How progress is displayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressMode {
    /// Bars that are redrawn in place.
    Bars,
    /// One line per event, never redrawn.
    Lines,
    /// No progress.
    None,
}

/// The style for a stream. `env` looks up a variable of the environment.
///
/// Colours: the option first (no-color.org: options override the variable), then `NO_COLOR` (if not
/// empty: none, <https://no-color.org>), `CLICOLOR_FORCE` (if not `0`: always), `CLICOLOR=0` and
/// `TERM=dumb` (none, <https://bixense.com/clicolors>), else on terminals. Redrawing needs a terminal
/// with a `TERM` that is not `dumb`; it does not depend on colours.
pub fn style(env: impl Fn(&str) -> Option<OsString>, stream: OutputStream, flags: StyleOptions) -> Style {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let smart = stream.is_terminal && set("TERM").is_some_and(|term| term != "dumb");
    let colour = match flags.colour {
        When::Always => true,
        When::Never => false,
        When::Auto if set("NO_COLOR").is_some() => false,
        When::Auto if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        When::Auto => smart && set("CLICOLOR").is_none_or(|value| value != "0"),
    };
    let progress = match (flags.quiet, smart) {
        (true, _) => ProgressMode::None,
        (false, true) => ProgressMode::Bars,
        (false, false) => ProgressMode::Lines,
    };
    let requested = set("COLUMNS").and_then(|columns| columns.to_str()?.parse().ok());
    let width = stream.columns.or(requested).filter(|width| *width > 0).unwrap_or(WIDTH);
    Style { colour, progress, width }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: OutputStream = OutputStream { is_terminal: true, columns: Some(80) };
    const PIPE: OutputStream = OutputStream { is_terminal: false, columns: None };

    fn styled(env: &[(&str, &str)], stream: OutputStream, flags: StyleOptions) -> Style {
        style(|name| env.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()), stream, flags)
    }

    #[test]
    fn colours_follow_the_conventions() {
        let xterm = ("TERM", "xterm-256color");
        let table: [(&[_], OutputStream, bool); 13] = [
            (&[xterm], TERMINAL, true),
            (&[xterm], PIPE, false),
            (&[], TERMINAL, false),
            (&[("TERM", "dumb")], TERMINAL, false),
            (&[xterm, ("NO_COLOR", "1")], TERMINAL, false),
            (&[xterm, ("NO_COLOR", "0")], TERMINAL, false),
            (&[xterm, ("NO_COLOR", "")], TERMINAL, true),
            (&[xterm, ("CLICOLOR", "0")], TERMINAL, false),
            (&[xterm, ("CLICOLOR", "1")], PIPE, false),
            (&[("CLICOLOR_FORCE", "1")], PIPE, true),
            (&[("CLICOLOR_FORCE", "0")], PIPE, false),
            (&[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], TERMINAL, true),
            (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], TERMINAL, false),
        ];
        for (env, stream, colour) in table {
            assert_eq!(styled(env, stream, StyleOptions::default()).colour, colour, "{env:?} {stream:?}");
            for (option, colour) in [(When::Always, true), (When::Never, false)] {
                let flags = StyleOptions { colour: option, quiet: false };
                assert_eq!(styled(env, stream, flags).colour, colour, "{env:?} {stream:?} {option:?}");
            }
        }
    }

    #[test]
    fn only_a_terminal_that_can_redraw_gets_bars() {
        let progress = |env: &[(&str, &str)], stream, quiet| {
            styled(env, stream, StyleOptions { quiet, colour: When::Always }).progress
        };
        assert_eq!(progress(&[("TERM", "xterm"), ("NO_COLOR", "1")], TERMINAL, false), ProgressMode::Bars);
        assert_eq!(progress(&[("TERM", "dumb")], TERMINAL, false), ProgressMode::Lines);
        assert_eq!(progress(&[], TERMINAL, false), ProgressMode::Lines);
        assert_eq!(progress(&[("TERM", "xterm"), ("CLICOLOR_FORCE", "1")], PIPE, false), ProgressMode::Lines);
        assert_eq!(progress(&[("TERM", "xterm")], TERMINAL, true), ProgressMode::None);
    }

    #[test]
    fn the_width_is_that_of_the_terminal() {
        let width = |env: &[(&str, &str)], columns: Option<u16>| {
            styled(env, OutputStream { is_terminal: columns.is_some(), columns }, StyleOptions::default()).width
        };
        assert_eq!(width(&[("COLUMNS", "200")], Some(80)), 80);
        assert_eq!(width(&[("COLUMNS", "200")], None), 200);
        for bad in ["", "0", "-1", "x", "99999999"] {
            assert_eq!(width(&[("COLUMNS", bad)], None), WIDTH);
        }
        assert_eq!(width(&[], Some(0)), WIDTH);
    }
}
