//! What is wrong in matrix.yaml, where, and what would be right. Knows texts and positions, not
//! what they are about.

use std::fmt;

use super::outline::Position;

/// How much of a user's text a message repeats, in characters.
const SHOWN: usize = 60;

/// One mistake in matrix.yaml. Renders as `FILE:LINE:COLUMN: PATH: MESSAGE; HELP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, as the user named it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The place in the document, for example `ats."9.2.5".sources[0].on`; empty for the whole of it.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What would be right; may be empty.
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

/// A place in the document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Path(Vec<Segment>);

/// A step on the way to a place.
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
                    if !key.is_empty() && key.len() <= SHOWN && key.chars().all(plain) {
                        write!(f, "{dot}{key}")?;
                    } else {
                        write!(f, "{dot}\"{}\"", bounded(key))?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// `text` in backquotes for a message: bounded, and without characters that move a terminal's cursor.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", bounded(text))
}

fn bounded(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect::<String>();
    // escape_debug is for Rust literals; quotes need no backslash here.
    shown = shown.replace("\\\"", "\"").replace("\\'", "'");
    if text.chars().nth(SHOWN).is_some() {
        shown.push_str("...");
    }
    shown
}

/// The known name a typing mistake most likely meant.
pub(super) fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if text.len() > SHOWN {
        return None; // the distance costs the product of both lengths, and nobody mistypes that much
    }
    let limit = (text.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|name| (strsim::osa_distance(text, name), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// `did you mean ...?`, where one of the `known` names is near `text`.
pub fn did_you_mean<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(text, known).map(|name| format!("did you mean `{name}`?"))
}

/// Help for a name that does not exist: the likely one, or all there are.
pub fn known_names(text: &str, known: &[&str]) -> String {
    if let Some(name) = nearest(text, known.iter().copied()) {
        return format!("did you mean `{name}`?");
    }
    if known.is_empty() {
        return "there are none".to_owned();
    }
    let mut names: Vec<String> = known.iter().take(12).map(|name| quoted(name)).collect();
    if known.len() > names.len() {
        names.push(format!("{} more", known.len() - names.len()));
    }
    format!("there are {}", names.join(", "))
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
    fn hostile_text_is_bounded_and_escaped() {
        assert_eq!(quoted("a\u{1b}[31m\"b"), "`a\\u{1b}[31m\"b`");
        assert_eq!(quoted(&"x".repeat(1000)).len(), SHOWN + 5);
    }

    #[test]
    fn names_are_suggested_when_near_and_listed_when_not() {
        assert_eq!(known_names("debian-21", &["debian-11", "debian-12"]), "did you mean `debian-11`?");
        assert_eq!(known_names("suse", &["debian-11", "debian-12"]), "there are `debian-11`, `debian-12`");
        assert_eq!(nearest("titel", ["title", "family"]), Some("title"));
        assert_eq!(nearest(&"x".repeat(500), ["title"]), None);
    }
}
