//! Evidence that only an agent can have written.
//!
//! The stdout of an agent is a pipe, and every program in its container runs as the same user and could write to it. So
//! each agent gets a random key through stdin before it starts anything, and each of its lines carries a number and an
//! HMAC over number and text. That exposes lines written by others, and lines that are missing, repeated or out of
//! order. Lines stay readable: `NUMBER MAC JSON`.

use std::fmt;

use aws_lc_rs::{hmac, rand};

use crate::catalogue::trials::body::hex;
use crate::model::Line;

/// Length of a key and of a MAC, in bytes.
const LEN: usize = 32;

/// Characters shown of a line that no agent wrote.
const MAX_EXCERPT: usize = 200;

/// The key of one agent.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; LEN]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(secret)")
    }
}

impl Key {
    /// A new random key.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn random() -> anyhow::Result<Self> {
        let mut bytes = [0; LEN];
        rand::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system has no random numbers"))?;
        Ok(Self(bytes))
    }

    /// The key as a line of the stdin of the agent.
    pub fn line(&self) -> String {
        format!("{}\n", hex(&self.0))
    }

    /// Reads what [`Key::line`] wrote; `None` for anything else.
    pub fn read(line: &str) -> Option<Self> {
        Some(Self(unhex(line.trim_end_matches('\n'))?))
    }

    fn hmac(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0)
    }
}

/// The bytes that a MAC covers.
fn sealed(number: u64, json: &str) -> Vec<u8> {
    [&number.to_be_bytes(), json.as_bytes()].concat()
}

/// Seals lines. Used by the agent.
pub struct Sealer {
    key: hmac::Key,
    next: u64,
}

impl Sealer {
    /// Starts with the first line.
    pub fn new(key: &Key) -> Self {
        Self { key: key.hmac(), next: 0 }
    }

    /// The sealed line for `json`, without line feed.
    pub fn seal(&mut self, json: &str) -> String {
        let mac = hmac::sign(&self.key, &sealed(self.next, json));
        let line = format!("{} {} {json}", self.next, hex(mac.as_ref()));
        self.next += 1;
        line
    }
}

/// Why a line is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealError {
    /// The agent did not write this line, or not at this place. With an excerpt of the line.
    Forged(String),
    /// Lines before it are missing, or the line is cut off.
    Broken,
}

/// Opens sealed lines. Used by the orchestrator.
pub struct Opener {
    key: hmac::Key,
    next: u64,
}

impl Opener {
    /// Expects the first line.
    pub fn new(key: &Key) -> Self {
        Self { key: key.hmac(), next: 0 }
    }

    /// How many lines were opened so far.
    pub fn opened(&self) -> u64 {
        self.next
    }

    /// The evidence in `line`.
    ///
    /// # Errors
    /// When the agent did not write the line, or lines before it are missing.
    pub fn open(&mut self, line: &str) -> Result<Line, SealError> {
        let forged = || SealError::Forged(excerpt(line));
        let (number, mac, json) = split(line).ok_or_else(forged)?;
        if hmac::verify(&self.key, &sealed(number, json), &mac).is_err() {
            // An agent killed in the middle of a line leaves its beginning; a line that is too long arrives cut off.
            let cut = number == self.next && serde_json::from_str::<serde_json::Value>(json).is_err();
            return Err(if cut { SealError::Broken } else { forged() });
        }
        match number.cmp(&self.next) {
            std::cmp::Ordering::Less => Err(forged()),
            std::cmp::Ordering::Greater => Err(SealError::Broken),
            std::cmp::Ordering::Equal => {
                self.next += 1;
                // The agent is the same program, so its lines can be parsed.
                serde_json::from_str(json).map_err(|_| forged())
            }
        }
    }
}

/// The beginning of a line, safe to print.
pub(super) fn excerpt(line: &str) -> String {
    line.chars().take(MAX_EXCERPT).flat_map(char::escape_debug).collect()
}

/// Number, MAC and JSON of a sealed line.
fn split(line: &str) -> Option<(u64, [u8; LEN], &str)> {
    let (number, rest) = line.split_once(' ')?;
    let (mac, json) = rest.split_once(' ')?;
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    Some((number.parse().ok().filter(|_| digits)?, unhex(mac)?, json))
}

fn unhex(text: &str) -> Option<[u8; LEN]> {
    let digits = text.len() == 2 * LEN && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let mut bytes = [0; LEN];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    digits.then_some(bytes)
}

/// The lines of a scripted container whose stdin begins with `stdin`, sealed as its agent would. A line that begins
/// with `!` is written by another program; one that begins with `?` is lost.
#[cfg(test)]
pub(crate) fn scripted(stdin: &str, lines: &[String]) -> Vec<String> {
    let mut sealer = Sealer::new(&Key::read(stdin.lines().next().unwrap_or_default()).unwrap());
    let sent = |line: &String| match line.strip_prefix('!') {
        Some(forged) => Some(forged.to_owned()),
        None => Some(sealer.seal(line)).filter(|_| !line.starts_with('?')),
    };
    lines.iter().filter_map(sent).collect()
}

/// Whether a line that no agent wrote looks like evidence, sealed or not: an attempt to forge it.
pub(super) fn resembles_evidence(line: &str) -> bool {
    let bare = split(line).map_or(line, |(_, _, json)| json);
    split(line).is_some() || serde_json::from_str::<Line>(bare.trim()).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(byte: u8) -> Key {
        Key([byte; LEN])
    }

    fn lines(key: &Key, lines: &[Line]) -> Vec<String> {
        let mut sealer = Sealer::new(key);
        lines.iter().map(|line| sealer.seal(&serde_json::to_string(line).unwrap())).collect()
    }

    fn began(trial: &str) -> Line {
        Line::Began { trial: trial.into() }
    }

    #[test]
    fn lines_are_opened_in_order_with_the_key_they_were_sealed_with() {
        let sent = [Line::Listening, began("a"), Line::End];
        let sealed = lines(&key(1), &sent);
        let mut opener = Opener::new(&key(1));
        for (line, sent) in sealed.iter().zip(sent) {
            assert_eq!(opener.open(line), Ok(sent));
        }
        assert_eq!(opener.opened(), 3);
        assert!(matches!(Opener::new(&key(2)).open(&sealed[0]), Err(SealError::Forged(_))), "another agent's");
    }

    #[test]
    fn what_is_repeated_unsealed_or_changed_is_forged_and_what_is_missing_breaks_the_stream() {
        let sealed = lines(&key(1), &[began("a"), began("b"), Line::End]);
        let after_first = |line: &str| {
            let mut opener = Opener::new(&key(1));
            opener.open(&sealed[0]).unwrap();
            let result = opener.open(line);
            // Whatever was wrong, the right line still comes next.
            assert_eq!(opener.open(&sealed[1]).is_ok(), result.is_err());
            result
        };
        let forged = |line: &str| matches!(after_first(line), Err(SealError::Forged(_)));
        assert!(forged(&sealed[0]), "repeated");
        assert!(forged("\"end\"") && forged("hello") && forged(""));
        assert!(forged(&sealed[1].replace("\"b\"", "\"c\"")));
        assert!(forged(&sealed[1].replacen('1', "2", 1)), "another number");
        assert!(forged(&format!("1 {} {{\"began\":{{\"trial\":\"b\"}}}}", "0".repeat(64))));
        assert!(forged(&format!("+{}", sealed[1])) && forged(&sealed[1].to_uppercase()));
        assert_eq!(after_first(&sealed[2]), Err(SealError::Broken), "a line is missing");
        let cut = &sealed[1][..sealed[1].len() - 3];
        assert_eq!(after_first(cut), Err(SealError::Broken), "killed in the middle of a line");
        assert!(after_first(&sealed[1]).is_ok());
    }

    #[test]
    fn keys_are_random_and_are_read_back() {
        let key = Key::random().unwrap();
        assert_ne!(key, Key::random().unwrap());
        assert_eq!(Key::read(&key.line()), Some(key.clone()));
        for wrong in ["", "00", &key.line()[1..], &key.line().to_uppercase().replace(['0', '1'], "X")] {
            assert_eq!(Key::read(wrong), None, "{wrong}");
        }
        assert_eq!(format!("{key:?}"), "Key(secret)");
    }

    #[test]
    fn lines_that_look_like_evidence_are_distinguished_from_program_output() {
        let end = serde_json::to_string(&Line::End).unwrap();
        let sealed = lines(&key(9), &[began("a")]).remove(0);
        for line in [end.as_str(), " {\"began\":{\"trial\":\"x\"}}", &sealed, &format!("7 {} x", "0".repeat(64))] {
            assert!(resembles_evidence(line), "{line}");
        }
        for line in ["", "Traffic Server 9.2.9", "{\"level\":\"info\"}", "12 34 56", "[Nov 26] NOTE: end", "null", "1"]
        {
            assert!(!resembles_evidence(line), "{line}");
        }
    }

    proptest! {
        #[test]
        fn only_the_unchanged_line_opens(text in "\\PC{0,120}", at in 0usize..200, with in "\\PC") {
            let sealed = lines(&key(1), &[began("trial")]).remove(0);
            prop_assert!(Opener::new(&key(1)).open(&text).is_err());
            let mut changed: Vec<char> = sealed.chars().collect();
            let at = at % changed.len();
            changed.splice(at..=at, with.chars());
            let changed: String = changed.into_iter().collect();
            prop_assert_eq!(Opener::new(&key(1)).open(&changed).is_ok(), changed == sealed);
        }
    }
}
