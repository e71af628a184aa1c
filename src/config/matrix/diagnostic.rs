//! A mistake in matrix.yaml: what is wrong, where, and how to fix it. Handles texts and positions and does not know
//! what they mean.

use std::fmt;

use super::outline::Position;

/// How much of a user's text a message repeats, in characters.
const MAX_QUOTED: usize = 60;

/// How many known names a message lists: more fill the terminal.
const MAX_LISTED: usize = 12;

/// One mistake in matrix.yaml. Renders as `FILE:LINE:COLUMN: PATH: MESSAGE; HELP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, as the user named it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The path in the document, for example `ats."9.2.5".sources[0].on`; empty for the whole document.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// How to fix it; may be empty.
    pub help: String,
}

impl Diagnostic {
    pub(super) fn new(file: &str, at: Position, path: &Path, message: String, help: String) -> Self {
        Self { file: file.to_owned(), line: at.line, column: at.column, path: path.to_string(), message, help }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if !self.help.is_empty() {
            write!(f, "; {}", self.help)?;
        }
        Ok(())
    }
}

/// The path to a value in the document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Path(Vec<Segment>);

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    Key(String),
    Index(usize),
}

impl Path {
    pub(super) fn key(&self, key: &str) -> Self {
        self.with(Segment::Key(key.to_owned()))
    }

    pub(super) fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.0
    }

    fn with(&self, segment: Segment) -> Self {
        let mut path = self.clone();
        path.0.push(segment);
        path
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) => {
                    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
                    let dot = if i > 0 { "." } else { "" };
                    if !key.is_empty() && key.len() <= MAX_QUOTED && key.chars().all(plain) {
                        write!(f, "{dot}{key}")?;
                    } else {
                        write!(f, "{dot}\"{}\"", shortened(key))?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// `text` in backquotes for a message: shortened, and without characters that move a terminal's cursor.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", shortened(text))
}

/// The first characters of `text`, escaped.
pub(super) fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_QUOTED).flat_map(char::escape_debug).collect::<String>();
    // escape_debug is for Rust literals; quotes need no backslash here.
    shown = shown.replace("\\\"", "\"").replace("\\'", "'");
    if text.chars().nth(MAX_QUOTED).is_some() {
        shown.push_str("...");
    }
    shown
}

/// The known name that `text` most likely misspells.
pub(super) fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if text.len() > MAX_QUOTED {
        return None; // the cost of a distance is the product of both lengths, and a text this long is no typo
    }
    // One typo in three characters, at most three.
    let limit = (text.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|name| (strsim::osa_distance(text, name), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// `did you mean ...?`, if one of the `known` names is close to `text`.
pub fn did_you_mean<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(text, known).map(|name| format!("did you mean `{name}`?"))
}

/// Help for an unknown name: the one that was probably meant, or the list of known names.
pub fn known_names(text: &str, known: &[&str]) -> String {
    if let Some(help) = did_you_mean(text, known.iter().copied()) {
        return help;
    }
    let names: Vec<String> = known.iter().take(MAX_LISTED).map(|name| quoted(name)).collect();
    match (known.len(), known.len() - names.len()) {
        (0, _) => "none are defined".to_owned(),
        (1, _) => format!("expected {}", names.concat()),
        (_, 0) => format!("expected one of {}", names.join(", ")),
        (_, more) => format!("expected one of {}, or {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_quotes_keys_with_dots() {
        let path = Path::default().key("ats").key("9.2.5").key("sources").index(0).key("on");
        assert_eq!(path.to_string(), "ats.\"9.2.5\".sources[0].on");
        assert_eq!(Path::default().to_string(), "");
    }

    #[test]
    fn hostile_text_is_shortened_and_escaped() {
        assert_eq!(quoted("a\u{1b}[31m\"b"), "`a\\u{1b}[31m\"b`");
        assert_eq!(quoted(&"x".repeat(1000)).len(), MAX_QUOTED + 5);
    }

    #[test]
    fn near_names_are_suggested_and_others_are_listed() {
        assert_eq!(known_names("debian-21", &["debian-11", "debian-12"]), "did you mean `debian-11`?");
        assert_eq!(known_names("suse", &["debian-11", "debian-12"]), "expected one of `debian-11`, `debian-12`");
        assert_eq!(known_names("suse", &["debian-11"]), "expected `debian-11`");
        assert_eq!(known_names("suse", &[]), "none are defined");
        let many = ["debian"; 14];
        assert!(known_names("suse", &many).ends_with("`debian`, or 2 more"), "{}", known_names("suse", &many));
        assert_eq!(nearest("titel", ["title", "family"]), Some("title"));
        assert_eq!(nearest(&"x".repeat(500), ["title"]), None);
    }
}
