//! YAML as a tree in which every key and value knows its line. More is accepted than ATS accepts: which keys mean
//! something is for the readers of each file.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Parser, ScalarStyle};

/// Most nodes of a document, with every alias expanded: 5,000 server names with 20 keys each have room.
const MAX_NODES: usize = 400_000;
/// Most levels, with every alias expanded. The names of settings have up to nine parts.
const MAX_DEPTH: usize = 40;

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct YamlNode {
    /// Line, from 1.
    pub(super) line: usize,
    pub(super) content: YamlContent,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum YamlContent {
    /// Its text; `plain`: without quotes.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Rc<YamlNode>>),
    Map(Vec<(YamlKey, Rc<YamlNode>)>),
}

/// A key and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct YamlKey {
    pub(super) text: String,
    pub(super) line: usize,
}

/// Why a text is not read: the line, from 1, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct YamlError {
    pub(super) line: usize,
    pub(super) message: String,
}

impl YamlNode {
    /// The text of a value that is no list or map.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.content {
            YamlContent::Scalar { text, .. } => Some(text),
            YamlContent::List(_) | YamlContent::Map(_) => None,
        }
    }

    /// The value at `key`; of several the first, as yaml-cpp finds it.
    pub(super) fn get(&self, key: &str) -> Option<&Rc<YamlNode>> {
        match &self.content {
            YamlContent::Map(entries) => entries.iter().find(|(name, _)| name.text == key).map(|(_, value)| value),
            YamlContent::Scalar { .. } | YamlContent::List(_) => None,
        }
    }

    /// Whether it is YAML's null: nothing, `~` or `null`.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.content, YamlContent::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null"))
    }
}

/// A list or map that is not complete yet, with the key whose value comes next.
struct OpenNode {
    node: YamlNode,
    anchor: usize,
    key: Option<YamlKey>,
    size: usize,
    height: usize,
}

/// A complete node, the number of nodes in it and its levels, both with aliases expanded.
type Whole = (Rc<YamlNode>, usize, usize);

#[derive(Default)]
struct Documents {
    open: Vec<OpenNode>,
    anchors: HashMap<usize, Whole>,
    roots: Vec<Rc<YamlNode>>,
}

/// The documents in `text`, in order.
pub(super) fn documents(text: &str) -> Result<Vec<Rc<YamlNode>>, YamlError> {
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
        block_scalar_eof_without_line_feed: true,
    };
    let mut documents = Documents::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) =
            event.map_err(|error| YamlError { line: error.marker().line().max(1), message: error.info().clone() })?;
        documents.take(event, span.start.line().max(1))?;
    }
    Ok(documents.roots)
}

impl Documents {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), YamlError> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let content = YamlContent::Scalar { text: text.to_string(), plain };
                self.place((Rc::new(YamlNode { line, content }), 1, 1), anchor, line)
            }
            Event::SequenceStart(_, anchor, _) => self.begin(YamlContent::List(Vec::new()), anchor, line),
            Event::MappingStart(_, anchor, _) => self.begin(YamlContent::Map(Vec::new()), anchor, line),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                self.place((Rc::new(open.node), open.size, open.height + 1), open.anchor, line)
            }
            Event::Alias(anchor) => {
                let whole = self.anchors.get(&anchor).cloned();
                let whole = whole.ok_or_else(|| error(line, "this alias refers to the value that contains it"))?;
                self.place(whole, 0, line)
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, content: YamlContent, anchor: usize, line: usize) -> Result<(), YamlError> {
        if let Some(OpenNode { node: YamlNode { content: YamlContent::Map(_), .. }, key: None, .. }) = self.open.last()
        {
            return Err(error(line, "a list or a map is used as a key"));
        }
        self.open.push(OpenNode { node: YamlNode { line, content }, anchor, key: None, size: 1, height: 0 });
        Ok(())
    }

    /// Adds a complete node to the open list or map as a key, a value or an item, or makes it a root.
    fn place(&mut self, whole: Whole, anchor: usize, line: usize) -> Result<(), YamlError> {
        let (node, size, height) = whole.clone();
        if self.open.len() + height > MAX_DEPTH {
            return Err(error(line, "values are nested deeper than is read"));
        }
        // The parser numbers anchors from 1.
        if anchor != 0 {
            self.anchors.insert(anchor, whole);
        }
        let Some(open) = self.open.last_mut() else {
            self.roots.push(node);
            return Ok(());
        };
        open.height = open.height.max(height);
        open.size += size;
        if open.size > MAX_NODES {
            return Err(error(line, "the file has more values than are read"));
        }
        match (&mut open.node.content, open.key.take()) {
            (YamlContent::List(items), _) => items.push(node),
            (YamlContent::Map(entries), Some(key)) => entries.push((key, node)),
            (YamlContent::Map(_), None) => {
                let text = node.text().ok_or_else(|| error(line, "a list or a map is used as a key"))?.to_owned();
                open.key = Some(YamlKey { text, line });
            }
            // Only lists and maps are opened.
            (YamlContent::Scalar { .. }, _) => {}
        }
        Ok(())
    }
}

fn error(line: usize, message: &str) -> YamlError {
    YamlError { line, message: message.to_owned() }
}
