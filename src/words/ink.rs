//! Terminal colours as ANSI SGR sequences (ECMA-48 section 8.3.117). The caller decides whether to use them: `NO_COLOR`
//! is not read here.

use crate::model::Verdict;

/// What a colour means. Every coloured text also says it in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// A pass.
    Good,
    /// A finding about ATS.
    Bad,
    /// No answer, or something to check.
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
            Verdict::Fail | Verdict::Unbuildable | Verdict::Broken => Self::Bad,
            Verdict::Flaky | Verdict::Error => Self::Doubt,
            Verdict::Unavailable => Self::Dim,
        }
    }

    /// `text` in this colour if `colour` is true, else unchanged.
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
