//! The parsed tree of matrix.yaml with positions: the one reading of the text, from which values, positions and edits
//! all come. Handles YAML and does not know what the keys mean.

mod reader;

use std::ops::Range;
use std::rc::Rc;

use granit_parser::Marker;

use super::diagnostic::{Diagnostic, Path, Segment};
use super::syntax::Fault;

/// The largest file that is read, bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// A place in the text, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Position {
    pub(super) const START: Self = Self { line: 1, column: 1 };
}

impl From<Marker> for Position {
    fn from(marker: Marker) -> Self {
        Self { line: marker.line().max(1), column: marker.col() + 1 }
    }
}

impl From<Position> for (usize, usize) {
    fn from(position: Position) -> Self {
        (position.line, position.column)
    }
}

/// The tree of a document.
#[derive(Debug)]
pub(super) struct Outline {
    pub(super) root: Child,
}

/// A node where it is used. If it is used through an alias, the place is that of the alias.
#[derive(Debug, Clone)]
pub(super) struct Child {
    pub(super) at: Position,
    /// Its bytes in the text, without an anchor or a dash before it; of an alias, the bytes of the alias.
    pub(super) extent: Range<usize>,
    pub(super) node: Rc<Node>,
}

/// A node.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) content: Content,
    /// Nodes in it, including itself, with aliases expanded.
    size: usize,
    /// Levels in it, including its own, with aliases expanded.
    height: usize,
}

/// The content of a node.
#[derive(Debug)]
pub(super) enum Content {
    Scalar { text: String, plain: bool },
    List(Vec<Child>),
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_at: Position,
    pub(super) value: Child,
}

impl Node {
    /// Whether it is YAML's null: nothing, `~` or `null`.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    fn get(&self, segment: &Segment) -> Option<(&Child, Option<Position>)> {
        match (&self.content, segment) {
            (Content::Map(entries), Segment::Key(key)) => {
                entries.iter().find(|entry| entry.key == *key).map(|entry| (&entry.value, Some(entry.key_at)))
            }
            (Content::List(items), Segment::Index(index)) => items.get(*index).map(|item| (item, None)),
            (Content::Scalar { .. }, _)
            | (Content::Map(_), Segment::Index(_))
            | (Content::List(_), Segment::Key(_)) => None,
        }
    }
}

impl Outline {
    /// Parses `text`. Fails with the first thing that is wrong with it as YAML.
    pub(super) fn read(file: &str, text: &str) -> Result<Self, Diagnostic> {
        let outline = if text.len() > MAX_BYTES {
            let message = format!("the file has {} bytes", text.len());
            Err(Fault::new(Position::START, message, format!("the limit is {MAX_BYTES}")))
        } else {
            reader::read(text)
        };
        outline.map_err(|fault| Diagnostic::new(file, fault.at, &Path::default(), fault.message, fault.help))
    }

    /// The value at `path`.
    pub(super) fn value(&self, path: &Path) -> Option<&Child> {
        path.segments().iter().try_fold(&self.root, |child, segment| Some(child.node.get(segment)?.0))
    }

    /// Position of the value at `path`, or of its nearest ancestor that exists.
    pub(super) fn value_position(&self, path: &Path) -> Position {
        self.walk(path).0
    }

    /// Position of the last key of `path`.
    pub(super) fn key_position(&self, path: &Path) -> Position {
        self.walk(path).1
    }

    fn walk(&self, path: &Path) -> (Position, Position) {
        let mut child = &self.root;
        let mut key_at = child.at;
        for segment in path.segments() {
            let Some((next, at)) = child.node.get(segment) else { break };
            child = next;
            key_at = at.unwrap_or(child.at);
        }
        (child.at, key_at)
    }

    /// The scalar at a key of the document's root.
    pub(super) fn root_scalar(&self, key: &str) -> Option<(&str, Position)> {
        let (child, _) = self.root.node.get(&Segment::Key(key.to_owned()))?;
        match &child.node.content {
            Content::Scalar { text, .. } => Some((text, child.at)),
            Content::List(_) | Content::Map(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    fn refused(text: &str) -> String {
        Outline::read("m", text).unwrap_err().to_string()
    }

    #[test]
    fn values_keys_and_aliases_have_positions() {
        let outline = Outline::read("m", "a: &x\n  b: [1, 2]\nc: *x\n").unwrap();
        let path = Path::default().key("c");
        assert_eq!(outline.value_position(&path), Position { line: 3, column: 4 });
        assert_eq!(outline.key_position(&path), Position { line: 3, column: 1 });
        let inside = path.key("b").index(1);
        assert_eq!(outline.value_position(&inside), Position { line: 2, column: 10 });
        assert_eq!(outline.value_position(&path.key("b").index(7)), Position { line: 2, column: 6 });
    }

    #[test]
    fn values_know_their_bytes_in_the_text() {
        let text =
            "é: # c\n  - [a, 'b']  # d\n  - &x {k: v}\n  - *x\n  - k: |\n      one\n      two\n    l: \"x\" # e\n# f\n";
        let outline = Outline::read("m", text).unwrap();
        let list = Path::default().key("é");
        let of = |path: &Path| &text[outline.value(path).unwrap().extent.clone()];
        assert_eq!(of(&list.index(0)), "[a, 'b']");
        assert_eq!(of(&list.index(0).index(1)), "'b'");
        assert_eq!(of(&list.index(1)), "{k: v}");
        assert_eq!(of(&list.index(2)), "*x");
        assert_eq!(of(&list.index(3)), "k: |\n      one\n      two\n    l: \"x\"");
        assert!(outline.value(&list.index(4)).is_none());
    }

    #[test]
    fn invalid_yaml_is_reported_with_its_position() {
        assert_eq!(refused("a: 1\nb: 2\na: 3\n"), "m:3:1: duplicate key `a`, first used in line 1; remove one of them");
        assert_eq!(refused("? [a]\n: b\n"), "m:1:3: a list or a map is used as a key; write keys as plain text");
        assert_eq!(refused("a: &x [*x]\n"), "m:1:8: this alias refers to the value that contains it");
        assert_eq!(refused("a: !!str b\n"), "m:1:10: this value has a YAML tag; remove the word that begins with `!`");
        assert_eq!(
            refused("a: &x {b: 1}\nc:\n  <<: *x\n"),
            "m:3:3: merge keys (`<<`) are not supported; use an alias for the whole value"
        );
        assert!(refused("a: 1\n---\nb: 1\n").starts_with("m:2:1: a second document begins here"));
        assert!(refused("# nothing\n").starts_with("m:1:1: the file is empty"));
        assert!(refused("a: 'open\n").starts_with("m:1:4: "), "{}", refused("a: 'open\n"));
        assert!(refused("a: *nowhere\n").starts_with("m:1:4: "));
    }

    #[test]
    fn alias_bombs_deep_nesting_and_large_files_are_refused_with_bounded_work() {
        let mut laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
        for i in 1..12 {
            let aliases = vec![format!("*a{}", i - 1); 9].join(", ");
            writeln!(laughs, "a{i}: &a{i} [{aliases}]").unwrap();
        }
        assert!(refused(&laughs).contains("more than 5000 values"), "{}", refused(&laughs));
        let nested = format!("a: {}", "[".repeat(20_000));
        assert!(!refused(&nested).is_empty());
        let mut climb = "a0: &a0 [x]\n".to_owned();
        for i in 1..40 {
            writeln!(climb, "a{i}: &a{i} [*a{}]", i - 1).unwrap();
        }
        assert!(refused(&climb).contains("deeper than 24 levels"), "{}", refused(&climb));
        let mut many = String::new();
        for i in 0..30_000 {
            writeln!(many, "k{i}: v").unwrap();
        }
        assert!(refused(&many).contains("more than 5000 values"));
        let large = "a: b\n".repeat(2_000_000);
        assert_eq!(refused(&large), "m:1:1: the file has 10000000 bytes; the limit is 1048576");
        // Expanding all 9^12 nodes would never finish.
    }
}
