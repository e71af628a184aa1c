//! Whether to use colours and live progress, from the environment, the stream and the options. Pure
//! but for [`Stream::stdout`] and [`Stream::stderr`].

use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::fd::AsFd;

/// Columns assumed where there is no terminal: fits CI logs and mail.
const WIDTH: u16 = 120;

/// An output stream as found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    /// Whether a terminal is at the other end.
    pub is_terminal: bool,
    /// Its columns, if it has some.
    pub columns: Option<u16>,
}

impl Stream {
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

/// A choice that can be left to the program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum When {
    /// As the environment and the stream suggest.
    #[default]
    Auto,
    /// In any case.
    Always,
    /// In no case.
    Never,
}

/// The options that bear on the style.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    /// Nothing but results and errors.
    pub quiet: bool,
    /// Colours.
    pub colour: When,
}

/// How a stream is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether to use ANSI colours.
    pub colour: bool,
    /// How to show progress.
    pub progress: Progress,
    /// Columns.
    pub width: u16,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Redrawn in place.
    Bars,
    /// One line a thing, never redrawn.
    Lines,
    /// Not at all.
    None,
}

/// The style for a stream. `env` looks up a variable of the environment.
///
/// Colours: the option first (no-color.org: options override the variable), then `NO_COLOR` (if not
/// empty: none, <https://no-color.org>), `CLICOLOR_FORCE` (if not `0`: always), `CLICOLOR=0` and
/// `TERM=dumb` (none, <https://bixense.com/clicolors>), else on terminals. Redrawing needs a terminal
/// with a `TERM` that is not `dumb`; colours have no part in that.
pub fn style(env: impl Fn(&str) -> Option<OsString>, stream: Stream, flags: Flags) -> Style {
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
        (true, _) => Progress::None,
        (false, true) => Progress::Bars,
        (false, false) => Progress::Lines,
    };
    let wished = set("COLUMNS").and_then(|columns| columns.to_str()?.parse().ok());
    let width = stream.columns.or(wished).filter(|width| *width > 0).unwrap_or(WIDTH);
    Style { colour, progress, width }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: Stream = Stream { is_terminal: true, columns: Some(80) };
    const PIPE: Stream = Stream { is_terminal: false, columns: None };

    fn styled(env: &[(&str, &str)], stream: Stream, flags: Flags) -> Style {
        style(|name| env.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()), stream, flags)
    }

    #[test]
    fn colours_follow_the_conventions() {
        let xterm = ("TERM", "xterm-256color");
        let table: [(&[_], Stream, bool); 13] = [
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
            assert_eq!(styled(env, stream, Flags::default()).colour, colour, "{env:?} {stream:?}");
            for (option, colour) in [(When::Always, true), (When::Never, false)] {
                let flags = Flags { colour: option, quiet: false };
                assert_eq!(styled(env, stream, flags).colour, colour, "{env:?} {stream:?} {option:?}");
            }
        }
    }

    #[test]
    fn only_a_terminal_that_can_redraw_gets_bars() {
        let progress =
            |env: &[(&str, &str)], stream, quiet| styled(env, stream, Flags { quiet, colour: When::Always }).progress;
        assert_eq!(progress(&[("TERM", "xterm"), ("NO_COLOR", "1")], TERMINAL, false), Progress::Bars);
        assert_eq!(progress(&[("TERM", "dumb")], TERMINAL, false), Progress::Lines);
        assert_eq!(progress(&[], TERMINAL, false), Progress::Lines);
        assert_eq!(progress(&[("TERM", "xterm"), ("CLICOLOR_FORCE", "1")], PIPE, false), Progress::Lines);
        assert_eq!(progress(&[("TERM", "xterm")], TERMINAL, true), Progress::None);
    }

    #[test]
    fn the_width_is_the_terminals() {
        let width = |env: &[(&str, &str)], columns: Option<u16>| {
            styled(env, Stream { is_terminal: columns.is_some(), columns }, Flags::default()).width
        };
        assert_eq!(width(&[("COLUMNS", "200")], Some(80)), 80);
        assert_eq!(width(&[("COLUMNS", "200")], None), 200);
        for bad in ["", "0", "-1", "x", "99999999"] {
            assert_eq!(width(&[("COLUMNS", bad)], None), WIDTH);
        }
        assert_eq!(width(&[], Some(0)), WIDTH);
    }
}
