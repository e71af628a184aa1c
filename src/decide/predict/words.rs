//! Predictions in words and as JSON.

use std::collections::BTreeMap;

use crate::model::CellId;
use crate::words::outline::TextOutline;
use crate::words::{self, answer};

use super::{Contradiction, IssueEffect, KnownVersion, Outlook, Prediction, Predictions, VersionSource};

/// A summary, then one block a cell: what it is likely to come to, on which versions that rests, what to do. With
/// `full`, issues that make no trial fail are listed too.
pub fn outline(predictions: &Predictions, full: bool) -> TextOutline {
    let mut outline = TextOutline::default();
    summary(&mut outline, &predictions.cells);
    for prediction in &predictions.cells {
        cell(&mut outline, prediction, full);
    }
    outline
}

/// What is predicted for the cells without a result, one line an outlook; `None` if no known issue affects any of them.
pub fn unanswered(predictions: &Predictions) -> Option<TextOutline> {
    let mut lines: BTreeMap<(Outlook, Vec<&str>), Vec<&CellId>> = BTreeMap::new();
    for prediction in predictions.cells.iter().filter(|it| it.result.is_none()) {
        if prediction.outlook != Outlook::NoKnownFailure {
            lines.entry((prediction.outlook, decisive(prediction))).or_default().push(&prediction.cell);
        }
    }
    if lines.is_empty() {
        return None;
    }
    let mut outline = TextOutline::default();
    outline.line(0).strong("predicted for cells without a result").say(", from versions alone (`atsmatrix predict`):");
    for ((outlook, issues), cells) in lines {
        outline.line(1).say(format!("{}, ", outlook.word())).list(issues).say(": ").list(cells);
    }
    Some(outline)
}

/// The issues that decide what a cell is likely to come to.
fn decisive(prediction: &Prediction) -> Vec<&'static str> {
    prediction.strikes.iter().filter(|strike| strike.effect.decides()).map(|strike| strike.issue).collect()
}

fn summary(outline: &mut TextOutline, cells: &[Prediction]) {
    let count = |outlook: Outlook| cells.iter().filter(|it| it.outlook == outlook).count();
    let outlooks = [Outlook::Fail, Outlook::Unbuildable, Outlook::MayFail, Outlook::NoKnownFailure];
    let counts = outlooks.map(|outlook| (count(outlook), outlook.word()));
    let counts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let cells = words::count(cells.len(), "cell");
    outline.line(0).strong(format!("{cells}: {}", counts.join(", ")));
    outline
        .line(1)
        .say("predicted from versions and known issues; nothing was run, and no gate takes this for a result");
}

fn cell(outline: &mut TextOutline, prediction: &Prediction, full: bool) {
    let line = outline.line(0).strong(&prediction.cell).say(format!(": predicted {}", prediction.outlook.word()));
    let names = decisive(prediction);
    if !names.is_empty() {
        line.say(", ").list(names);
    }
    if let Some(result) = prediction.result {
        line.say(format!(" (result: {result})"));
    }
    let rests: Vec<String> = [("OpenSSL", &prediction.facts.openssl), ("ATS", &prediction.facts.ats)]
        .into_iter()
        .map(|(name, fact)| stated(name, fact.as_ref()))
        .collect();
    outline.line(1).say(rests.join(", "));
    for strike in prediction.strikes.iter().filter(|strike| full || strike.effect.decides()) {
        let certain = if strike.certain {
            ""
        } else {
            "; not certain: a version that decides it is not known, or no run has shown it"
        };
        outline.line(1).link(strike.issue, strike.link).say(format!(": {}", strike.title));
        outline.line(2).say(format!("{}{certain}", strike.effect.sentence()));
        if strike.effect.decides() {
            outline.line(2).say(format!("what to do: {}", strike.way_out));
        }
    }
    for contradiction in &prediction.contradictions {
        outline.line(1).say(contradiction.sentence());
    }
}

fn stated(name: &str, fact: Option<&KnownVersion>) -> String {
    match fact {
        None => format!("{name} not known"),
        Some(KnownVersion { value, origin }) => format!("{name} {value} ({})", origin.words()),
    }
}

impl VersionSource {
    fn words(self) -> &'static str {
        match self {
            Self::Found => "found by the last run",
            Self::FoundInRow => "found on this distro",
            Self::Declared => "declared",
        }
    }
}

impl Outlook {
    /// The word used in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unbuildable => "unbuildable",
            Self::Fail => "fail",
            Self::MayFail => "possible fail",
            Self::NoKnownFailure => "no known failure",
        }
    }
}

impl IssueEffect {
    /// Whether it makes the cell fail or keeps it from compiling.
    fn decides(self) -> bool {
        matches!(self, Self::Fails | Self::Unbuildable)
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Unbuildable => "ATS cannot be built",
            Self::Fails => "trials fail",
            Self::Limits => "known limitation: its trials fail with this ATS on every distro",
            Self::Withstood => "ATS behaves as it should, and users notice the difference",
            Self::Unseen => "affects these versions; no trial shows it",
        }
    }
}

impl Contradiction {
    fn sentence(&self) -> String {
        match self {
            Self::Passed(issue) => format!(
                "contradiction: the cell passed, although {issue} affects the versions that ran; the data of {issue} is \
                 wrong, or the build carries a fix: please report it"
            ),
            Self::Outside(issue) => format!(
                "contradiction: the failure looks like {issue}, which does not affect the versions that ran; the data of \
                 {issue} is wrong, or it is another bug: please report it"
            ),
        }
    }
}

/// Predictions for machines. Ends with a line end.
pub fn json(predictions: &Predictions) -> String {
    answer::json(predictions)
}
