//! The format of an answer, for every command that gives one.

use clap::ValueEnum;

use crate::console::{Flags, Stream, style};
use crate::report::github::inert;
use crate::words::escape;
use crate::words::outline::TextOutline;

/// How to show an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Text,
    /// For machines; the shape is versioned
    Json,
    /// For comments and pages
    Markdown,
}

impl Format {
    /// The answer in this format; `json` is asked only if it is that. It may hold text from containers, which
    /// GitHub must not obey.
    pub(super) fn show(self, outline: &TextOutline, json: impl FnOnce() -> String) -> String {
        inert(&match self {
            Self::Text => text(outline),
            Self::Json => escape::json(&json()),
            Self::Markdown => outline.markdown(),
        })
    }
}

/// An answer as whoever reads it has it best: lines that fit a terminal; elsewhere whole ones, which can be searched.
pub(super) fn text(outline: &TextOutline) -> String {
    width().map_or_else(|| outline.text(), |width| outline.text_within(width))
}

/// The columns of the terminal that stdout is; `None`: it is none.
pub(super) fn width() -> Option<usize> {
    let stream = Stream::stdout();
    let style = style(|name| std::env::var_os(name), stream, Flags::default());
    stream.is_terminal.then_some(usize::from(style.width))
}
