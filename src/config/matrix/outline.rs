//! First pass over matrix.yaml: where everything stands. Builds a tree with positions from parser
//! events, refuses duplicate keys, and keeps the work bounded on hostile input (size, depth, nodes
//! after expansion of aliases). Knows YAML, not what the keys mean.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use granit_parser::{Event, Marker, Parser, ScalarStyle, Span, StructureStyle};

use super::broken;
use super::diagnostic::{Diagnostic, Path, Segment, quoted};

/// The largest file that is read, bytes.
pub const MAX_BYTES: usize = 1 << 20;
/// Nodes with every alias expanded. The shipped file has some hundreds.
const MAX_NODES: usize = 5_000;
/// Levels with every alias expanded. The deepest legal place is at 8.
const MAX_DEPTH: usize = 24;

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

/// The tree of a document.
#[derive(Debug)]
pub(super) struct Outline {
    pub(super) root: Child,
}

/// A node where it is used: `at` is the place of the alias, when it is used through one.
#[derive(Debug, Clone)]
pub(super) struct Child {
    pub(super) at: Position,
    /// Its bytes in the text, without what an anchor or a dash before it takes; of an alias the alias.
    pub(super) extent: Range<usize>,
    pub(super) node: Rc<Node>,
}

/// A node.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) content: Content,
    /// Nodes in it, itself included, aliases expanded.
    size: usize,
    /// Levels in it, itself included, aliases expanded.
    height: usize,
}

/// What a node is.
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
            _ => None,
        }
    }
}

impl Outline {
    /// Reads `text`; one diagnostic says what is wrong with it as YAML.
    pub(super) fn read(file: &str, text: &str) -> Result<Self, Diagnostic> {
        if text.len() > MAX_BYTES {
            return Err(Diagnostic::new(
                file,
                Position::START,
                &Path::default(),
                format!("the file has {} bytes", text.len()),
                format!("at most {MAX_BYTES} are read"),
            ));
        }
        Reader::default()
            .read(text)
            .map_err(|fault| Diagnostic::new(file, fault.at, &Path::default(), fault.message, fault.help))
    }

    /// The value at `path`.
    pub(super) fn value(&self, path: &Path) -> Option<&Child> {
        path.segments().iter().try_fold(&self.root, |child, segment| Some(child.node.get(segment)?.0))
    }

    /// Where the value at `path` stands; where `path` does not exist, its nearest ancestor.
    pub(super) fn value_position(&self, path: &Path) -> Position {
        self.walk(path).0
    }

    /// Where the key that `path` ends in stands.
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

/// What is wrong with the text as YAML.
struct Fault {
    at: Position,
    message: String,
    help: String,
}

fn fault(at: Position, message: impl Into<String>, help: impl Into<String>) -> Fault {
    Fault { at, message: message.into(), help: help.into() }
}

impl From<broken::Mend> for Fault {
    fn from((at, message, help): broken::Mend) -> Self {
        Self { at, message, help }
    }
}

/// A collection that is still open.
struct Open {
    at: Position,
    /// Its bytes so far. Only of one in brackets does the end event tell the end.
    extent: Range<usize>,
    style: StructureStyle,
    anchor: usize,
    content: Content,
    /// The key whose value comes next.
    key: Option<(String, Position)>,
    size: usize,
    height: usize,
}

/// Builds the tree while events come in.
#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
    root: Option<Child>,
}

impl Reader {
    fn read(mut self, text: &str) -> Result<Outline, Fault> {
        if let Some(mend) = broken::byte_order_mark(text) {
            return Err(mend.into());
        }
        let options = granit_parser::options! {
            emit_comments: false,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
            disallow_directives: true,
        };
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, span) = event.map_err(|error| broken::mend(text, &error))?;
            self.take(event, span)?;
        }
        let root = self.root.ok_or_else(|| {
            fault(Position::START, "the file is empty", "begin with `version: 1`; docs/matrix.md has an example")
        })?;
        Ok(Outline { root })
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Fault> {
        let at = Position::from(span.start);
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                Err(fault(at, "a second document begins here", "keep one document in the file"))
            }
            Event::Scalar(.., Some(_)) | Event::SequenceStart(.., Some(_)) | Event::MappingStart(.., Some(_)) => {
                Err(fault(at, "this value has a YAML tag", "remove the word that begins with `!`"))
            }
            Event::Scalar(text, style, anchor, None) => self.scalar(&text, style == ScalarStyle::Plain, anchor, span),
            Event::SequenceStart(style, anchor, None) => self.begin(Content::List(Vec::new()), style, anchor, span),
            Event::MappingStart(style, anchor, None) => self.begin(Content::Map(Vec::new()), style, anchor, span),
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or_else(|| fault(at, "this alias stands inside what it names", ""))?;
                self.place(Child { at, extent: extent(span), node })
            }
            _ => Ok(()),
        }
    }

    fn scalar(&mut self, text: &str, plain: bool, anchor: usize, span: Span) -> Result<(), Fault> {
        let content = Content::Scalar { text: text.to_owned(), plain };
        let node = Rc::new(Node { content, size: 1, height: 1 });
        self.remember(anchor, &node);
        self.place(Child { at: span.start.into(), extent: extent(span), node })
    }

    fn remember(&mut self, anchor: usize, node: &Rc<Node>) {
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(node));
        }
    }

    fn begin(&mut self, content: Content, style: StructureStyle, anchor: usize, span: Span) -> Result<(), Fault> {
        let at = Position::from(span.start);
        if let Some(Open { content: Content::Map(_), key: None, .. }) = self.open.last() {
            return Err(fault(at, "a key is a list or a map", "write keys as plain text"));
        }
        let extent = extent(span);
        self.open.push(Open { at, extent, style, anchor, content, key: None, size: 1, height: 0 });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), Fault> {
        let open = self.open.pop();
        let open = open.ok_or_else(|| fault(span.start.into(), "a list or map ends that never began", ""))?;
        let end = if open.style == StructureStyle::Flow { extent(span).end } else { open.extent.end };
        let node = Rc::new(Node { content: open.content, size: open.size, height: open.height + 1 });
        self.remember(open.anchor, &node);
        self.place(Child { at: open.at, extent: open.extent.start..end, node })
    }

    /// Puts a complete node where it belongs: a key, a value, an item, or the root.
    fn place(&mut self, child: Child) -> Result<(), Fault> {
        if self.open.len() + child.node.height > MAX_DEPTH {
            return Err(fault(child.at, format!("values are nested deeper than {MAX_DEPTH} levels"), ""));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(child);
            return Ok(());
        };
        open.extent.end = open.extent.end.max(child.extent.end);
        if let (Content::Map(entries), None) = (&open.content, &open.key) {
            let key = as_key(&child)?;
            if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                let message =
                    format!("the key {} stands here twice, first in line {}", quoted(&key), first.key_at.line);
                return Err(fault(child.at, message, "remove one of them"));
            }
            open.key = Some((key, child.at));
            return Ok(());
        }
        open.size += child.node.size;
        open.height = open.height.max(child.node.height);
        if open.size > MAX_NODES {
            return Err(fault(child.at, format!("the file has more than {MAX_NODES} values"), "aliases count in full"));
        }
        match (&mut open.content, open.key.take()) {
            (Content::Map(entries), Some((key, key_at))) => entries.push(Entry { key, key_at, value: child }),
            (Content::List(items), _) => items.push(child),
            (Content::Map(_), None) | (Content::Scalar { .. }, _) => {}
        }
        Ok(())
    }
}

/// The bytes that `span` covers; texts have offsets, so that none is missing.
fn extent(span: Span) -> Range<usize> {
    span.start.byte_offset().unwrap_or_default()..span.end.byte_offset().unwrap_or_default()
}

fn as_key(child: &Child) -> Result<String, Fault> {
    match &child.node.content {
        Content::Scalar { text, plain: true } if text == "<<" => {
            Err(fault(child.at, "merge keys (`<<`) are not read", "use an alias for a whole value"))
        }
        Content::Scalar { text, .. } => Ok(text.clone()),
        Content::List(_) | Content::Map(_) => {
            Err(fault(child.at, "a key is a list or a map", "write keys as plain text"))
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
    fn values_have_their_bytes_in_the_text() {
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
    fn what_is_wrong_as_yaml_is_said_with_its_place() {
        assert_eq!(
            refused("a: 1\nb: 2\na: 3\n"),
            "m:3:1: the key `a` stands here twice, first in line 1; remove one of them"
        );
        assert_eq!(refused("? [a]\n: b\n"), "m:1:3: a key is a list or a map; write keys as plain text");
        assert_eq!(refused("a: &x [*x]\n"), "m:1:8: this alias stands inside what it names");
        assert_eq!(refused("a: !!str b\n"), "m:1:10: this value has a YAML tag; remove the word that begins with `!`");
        assert_eq!(
            refused("a: &x {b: 1}\nc:\n  <<: *x\n"),
            "m:3:3: merge keys (`<<`) are not read; use an alias for a whole value"
        );
        assert!(refused("a: 1\n---\nb: 1\n").starts_with("m:2:1: a second document begins here"));
        assert!(refused("# nothing\n").starts_with("m:1:1: the file is empty"));
        assert!(refused("a: 'open\n").starts_with("m:1:4: "), "{}", refused("a: 'open\n"));
        assert!(refused("a: *nowhere\n").starts_with("m:1:4: "));
    }

    #[test]
    fn alias_bombs_deep_nesting_and_large_files_are_refused_in_bounded_work() {
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
        assert_eq!(refused(&large), "m:1:1: the file has 10000000 bytes; at most 1048576 are read");
        // A tree of 9^12 nodes would have ended no test.
    }
}
