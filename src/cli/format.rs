//! The format of an answer, for every command that gives one.

use clap::ValueEnum;

use crate::report::github::inert;
use crate::report::outline::Outline;

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
    pub(super) fn show(self, outline: &Outline, json: impl FnOnce() -> String) -> String {
        inert(&match self {
            Self::Text => outline.text(),
            Self::Json => json(),
            Self::Markdown => outline.markdown(),
        })
    }
}
