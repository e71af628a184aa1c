//! Colours of terminal reports as ANSI SGR sequences (ECMA-48 section 8.3.117). Whether to use them
//! is the caller's choice: `NO_COLOR` is not read here.

use crate::model::Verdict;

/// What a colour says; every coloured text says it in words, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// As wished.
    Good,
    /// A finding about ATS.
    Bad,
    /// No answer, or something to look at.
    Doubt,
    /// Less important.
    Dim,
    /// A heading.
    Strong,
}

impl Ink {
    /// The colour of a verdict.
    pub fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Good,
            Verdict::Fail | Verdict::Unbuildable => Self::Bad,
            Verdict::Flaky | Verdict::Error => Self::Doubt,
            Verdict::Unavailable => Self::Dim,
        }
    }

    /// `text` in this colour if `colour` is wished, else as it is.
    pub fn paint(self, text: &str, colour: bool) -> String {
        let code = match self {
            Self::Good => 32,
            Self::Bad => 31,
            Self::Doubt => 33,
            Self::Dim => 2,
            Self::Strong => 1,
        };
        if colour && !text.is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
