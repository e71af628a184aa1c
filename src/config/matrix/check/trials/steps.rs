//! Checks the scripts of trials: one step per text, a word and what it needs.

use super::super::super::diagnostic::{Path, did_you_mean, quoted};
use super::super::super::limits;
use super::super::Checker;
use super::MAX_ACTS;
use crate::model::Step;

/// The words that need nothing more.
static ALONE: [(&str, Step); 9] = [
    ("read-hello", Step::ReadHello),
    ("read-once", Step::ReadOnce),
    ("read-head", Step::ReadHead),
    ("read-interim", Step::ReadInterim),
    ("read-body", Step::ReadBody),
    ("echo", Step::Echo),
    ("hang", Step::Hang),
    ("fin", Step::Fin),
    ("close", Step::Close),
];

/// The words that need a value, and what kind.
const WITH_VALUE: [(&str, &str); 6] = [
    ("send", "a text"),
    ("send-hex", "bytes as hex digits"),
    ("send-pattern", "a number of bytes, at most 67108864"),
    ("send-chunks", "a number of bytes, at most 67108864"),
    ("expect", "a text"),
    ("pause", "a time like 200ms"),
];

/// Closes with a RST, which only the last step can.
const RESET: &str = "reset";

/// Longest text of a step, bytes.
const MAX_TEXT: usize = 16 * 1024;

/// Most bytes of the counting pattern in a step.
const MAX_PATTERN: u64 = 64 << 20;

impl Checker<'_> {
    /// The steps at `path`.
    pub(super) fn script(&mut self, path: &Path, texts: &[String]) -> Vec<Step> {
        if texts.len() > MAX_ACTS {
            self.value_error(path, format!("there are {} steps", texts.len()), format!("the limit is {MAX_ACTS}"));
        }
        let mut steps = Vec::new();
        for (i, text) in texts.iter().enumerate() {
            match parse(text) {
                Ok(Step::Reset) if i + 1 < texts.len() => {
                    self.value_error(&path.index(i), "nothing can follow a reset", "make it the last step");
                }
                Ok(step) => steps.push(step),
                Err((message, help)) => self.value_error(&path.index(i), message, help),
            }
        }
        steps
    }
}

/// A step, or what is wrong with it and how to mend it.
fn parse(text: &str) -> Result<Step, (String, String)> {
    let (word, value) = text.split_once(' ').unwrap_or((text, ""));
    if word == RESET && value.is_empty() {
        return Ok(Step::Reset);
    }
    if let Some((_, step)) = ALONE.iter().find(|(known, _)| *known == word) {
        return if value.is_empty() {
            Ok(step.clone())
        } else {
            Err((format!("the step `{word}` takes no value"), format!("write only `{word}`")))
        };
    }
    let Some((_, wanted)) = WITH_VALUE.iter().find(|(known, _)| *known == word) else {
        let known: Vec<&str> = ALONE
            .iter()
            .map(|(word, _)| *word)
            .chain(WITH_VALUE.iter().map(|(word, _)| *word))
            .chain([RESET])
            .collect();
        let help = did_you_mean(word, known.iter().copied());
        return Err((
            format!("{} is not a step", quoted(text)),
            help.unwrap_or_else(|| format!("a step begins with one of {}", known.join(", "))),
        ));
    };
    let number = || value.parse::<u64>().ok().filter(|count| *count <= MAX_PATTERN);
    let spoken = || Some(value.to_owned()).filter(|text| !text.is_empty() && text.len() <= MAX_TEXT);
    let step = match word {
        "send" => spoken().map(Step::Send),
        "expect" => spoken().map(Step::Expect),
        "send-hex" => hex(value).map(Step::SendBytes),
        "send-pattern" => number().map(Step::SendPattern),
        "send-chunks" => number().map(Step::SendChunks),
        _ => limits::duration(value).and_then(|time| u64::try_from(time.as_millis()).ok()).map(Step::Pause),
    };
    step.ok_or_else(|| (format!("the step {} is incomplete", quoted(text)), format!("write `{word}` and {wanted}")))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| *c != ' ')
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let whole = !digits.is_empty() && digits.len().is_multiple_of(2) && digits.len() <= 2 * MAX_TEXT;
    whole.then(|| digits.chunks(2).map(|pair| (pair[0] << 4) | pair[1]).collect())
}
