//! The output format of commands that answer a question.

use clap::ValueEnum;

use crate::console::{OutputStream, StyleOptions, style};
use crate::report::github::inert;
use crate::words::escape;
use crate::words::outline::TextOutline;

/// The output format of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum AnswerFormat {
    /// For people
    #[default]
    Text,
    /// For machines; the shape is versioned
    Json,
    /// For comments and pages
    Markdown,
}

impl AnswerFormat {
    /// Renders the answer in this format; `json` is called only for JSON. Text from containers is made inert for GitHub.
    pub(super) fn show(self, outline: &TextOutline, json: impl FnOnce() -> String) -> String {
        inert(&match self {
            Self::Text => text(outline),
            Self::Json => escape::json(&json()),
            Self::Markdown => outline.markdown(),
        })
    }
}

/// Renders the answer as text: wrapped on a terminal, with unbroken lines elsewhere, so that output can be searched.
pub(super) fn text(outline: &TextOutline) -> String {
    width().map_or_else(|| outline.text(), |width| outline.text_within(width))
}

/// The width of the terminal in columns; `None` if stdout is not a terminal.
pub(super) fn width() -> Option<usize> {
    let stream = OutputStream::stdout();
    let style = style(|name| std::env::var_os(name), stream, StyleOptions::default());
    stream.is_terminal.then_some(usize::from(style.width))
}
