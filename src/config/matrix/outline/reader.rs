//! Builds the tree from parser events. Refuses duplicate keys and keeps the work bounded on hostile input: depth, and
//! nodes after the expansion of aliases.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

use super::{Child, Content, Entry, Node, Outline, Position};
use crate::config::matrix::diagnostic::quoted;
use crate::config::matrix::syntax::{self, Fault};

/// Most nodes, with every alias expanded. The shipped file has a few hundred.
const MAX_NODES: usize = 5_000;
/// Most levels, with every alias expanded. The deepest valid value is at level 8.
const MAX_DEPTH: usize = 24;

/// Parses `text` into a tree.
pub(super) fn read(text: &str) -> Result<Outline, Fault> {
    syntax::refuse_byte_order_mark(text)?;
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
        disallow_directives: true,
        // As libyaml and PyYAML read the last line of a file that ends without a line feed.
        block_scalar_eof_without_line_feed: true,
    };
    let mut reader = Reader::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| syntax::explain(text, &error))?;
        reader.take(event, span)?;
    }
    let root = reader.root.ok_or_else(|| {
        Fault::new(Position::START, "the file is empty", "begin with `version: 1`; docs/matrix.md has an example")
    })?;
    Ok(Outline { root })
}

/// A list or map that is not complete yet.
struct Open {
    at: Position,
    /// Its bytes so far. Only a collection in brackets gets its end from its end event.
    extent: Range<usize>,
    style: StructureStyle,
    anchor: usize,
    content: Content,
    /// The key whose value comes next.
    key: Option<(String, Position)>,
    size: usize,
    height: usize,
}

/// The tree so far.
#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
    root: Option<Child>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Fault> {
        let at = Position::from(span.start);
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                Err(Fault::new(at, "a second document begins here", "keep one document in the file"))
            }
            Event::Scalar(.., Some(_)) | Event::SequenceStart(.., Some(_)) | Event::MappingStart(.., Some(_)) => {
                Err(Fault::new(at, "this value has a YAML tag", "remove the word that begins with `!`"))
            }
            Event::Scalar(text, style, anchor, None) => self.scalar(&text, style == ScalarStyle::Plain, anchor, span),
            Event::SequenceStart(style, anchor, None) => self.begin(Content::List(Vec::new()), style, anchor, span),
            Event::MappingStart(style, anchor, None) => self.begin(Content::Map(Vec::new()), style, anchor, span),
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => {
                // Anchors without a node are syntax errors; this one has a node that is not complete.
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or_else(|| Fault::new(at, "this alias refers to the value that contains it", ""))?;
                self.place(Child { at, extent: extent(span), node })
            }
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd => Ok(()),
            // Only options that are not set ask for other events.
            _ => Err(Fault::new(at, "this YAML is not supported", "write it in a simpler way")),
        }
    }

    fn scalar(&mut self, text: &str, plain: bool, anchor: usize, span: Span) -> Result<(), Fault> {
        let content = Content::Scalar { text: text.to_owned(), plain };
        let node = Rc::new(Node { content, size: 1, height: 1 });
        self.remember(anchor, &node);
        self.place(Child { at: span.start.into(), extent: extent(span), node })
    }

    fn remember(&mut self, anchor: usize, node: &Rc<Node>) {
        // The parser numbers anchors from 1; 0 is a node without one.
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(node));
        }
    }

    fn begin(&mut self, content: Content, style: StructureStyle, anchor: usize, span: Span) -> Result<(), Fault> {
        let at = Position::from(span.start);
        if let Some(Open { content: Content::Map(_), key: None, .. }) = self.open.last() {
            return Err(composite_key(at));
        }
        let extent = extent(span);
        self.open.push(Open { at, extent, style, anchor, content, key: None, size: 1, height: 0 });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), Fault> {
        let open = self.open.pop();
        let open =
            open.ok_or_else(|| Fault::new(span.start.into(), "a list or map ends here that was never begun", ""))?;
        let end = if open.style == StructureStyle::Flow { extent(span).end } else { open.extent.end };
        let node = Rc::new(Node { content: open.content, size: open.size, height: open.height + 1 });
        self.remember(open.anchor, &node);
        self.place(Child { at: open.at, extent: open.extent.start..end, node })
    }

    /// Adds a complete node to the open collection as a key, a value or an item, or makes it the root.
    fn place(&mut self, child: Child) -> Result<(), Fault> {
        if self.open.len() + child.node.height > MAX_DEPTH {
            return Err(Fault::new(child.at, format!("values are nested deeper than {MAX_DEPTH} levels"), ""));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(child);
            return Ok(());
        };
        open.extent.end = open.extent.end.max(child.extent.end);
        if let (Content::Map(entries), None) = (&open.content, &open.key) {
            let key = as_key(&child)?;
            if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                let message = format!("duplicate key {}, first used in line {}", quoted(&key), first.key_at.line);
                return Err(Fault::new(child.at, message, "remove one of them"));
            }
            open.key = Some((key, child.at));
            return Ok(());
        }
        open.size += child.node.size;
        open.height = open.height.max(child.node.height);
        if open.size > MAX_NODES {
            let message = format!("the file has more than {MAX_NODES} values");
            return Err(Fault::new(child.at, message, "an alias counts as everything it expands to"));
        }
        match (&mut open.content, open.key.take()) {
            (Content::Map(entries), Some((key, key_at))) => entries.push(Entry { key, key_at, value: child }),
            (Content::List(items), _) => items.push(child),
            (Content::Map(_), None) | (Content::Scalar { .. }, _) => {}
        }
        Ok(())
    }
}

/// The bytes that `span` covers. The parser gives offsets for every event of a text in memory.
fn extent(span: Span) -> Range<usize> {
    span.start.byte_offset().unwrap_or_default()..span.end.byte_offset().unwrap_or_default()
}

fn as_key(child: &Child) -> Result<String, Fault> {
    match &child.node.content {
        Content::Scalar { text, plain: true } if text == "<<" => {
            let message = "merge keys (`<<`) are not supported";
            Err(Fault::new(child.at, message, "use an alias for the whole value"))
        }
        Content::Scalar { text, .. } => Ok(text.clone()),
        Content::List(_) | Content::Map(_) => Err(composite_key(child.at)),
    }
}

fn composite_key(at: Position) -> Fault {
    Fault::new(at, "a list or a map is used as a key", "write keys as plain text")
}
