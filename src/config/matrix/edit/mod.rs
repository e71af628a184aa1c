//! Small edits of the `expect` part of matrix.yaml's text. Everything else keeps its bytes, including comments and order.
//! Works with positions and does not know why entries change.

mod applied;

use std::fmt::Write as _;
use std::ops::Range;

use jiff::civil::Date;
use serde::Serialize;

use super::diagnostic::{Diagnostic, Path};
use super::outline::{Child, Content, Outline};
use crate::model::{CellId, Verdict};

pub(super) use applied::is_applied;

/// Longest line of a list in brackets; a longer list is written with one line per item.
const MAX_LINE: usize = 90;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edit {
    /// Make an entry not apply to some cells, by its `except`.
    Except {
        /// The entry, counted from 0.
        entry: usize,
        /// The cells.
        cells: Vec<CellId>,
    },
    /// Remove a cell from the `cells` of an entry.
    Unname {
        /// The entry, counted from 0.
        entry: usize,
        /// The cell.
        cell: CellId,
    },
    /// Remove a trial from the `trials` of an entry.
    Uncover {
        /// The entry, counted from 0.
        entry: usize,
        /// The trial, as the entry writes it.
        trial: String,
    },
    /// Remove an entry. The comments above it stay.
    Remove {
        /// The entry, counted from 0.
        entry: usize,
    },
    /// Add an entry after the others.
    Add(Addition),
}

/// A new entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Addition {
    /// The cells that it applies to.
    pub cells: Vec<CellId>,
    /// The trials that fail, each named in full; empty if none runs, or if the issue alone says which fail.
    pub trials: Vec<String>,
    /// The known issue that it is about.
    pub issue: Option<String>,
    /// The expected verdict.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// Where to read more.
    pub link: Option<String>,
    /// The last day on which it is accepted.
    pub expires: Option<Date>,
}

/// Why the text cannot be edited by program. A person has to edit it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EditError(String);

impl EditError {
    pub(super) fn broken(found: &[Diagnostic]) -> Self {
        let why = found.first().map_or(String::new(), |first| format!(": {first}"));
        Self(format!("the edits would break the file, so nothing was changed{why}"))
    }
}

/// Applies `edits` to `text`. The numbers of entries are those in `text`.
pub(super) fn apply(text: &str, edits: &[Edit]) -> Result<String, EditError> {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    // Each edit looks positions up again. Removals come last and from the end, so that the numbers stay valid. Additions
    // come before them, so that new entries follow the old ones even if all of those go.
    edits.sort_by_key(|edit| match edit {
        Edit::Except { .. } | Edit::Unname { .. } | Edit::Uncover { .. } => (0, 0),
        Edit::Add(_) => (1, 0),
        Edit::Remove { entry } => (2, usize::MAX - entry),
    });
    let edited = edits.into_iter().try_fold(text.to_owned(), |text, edit| Editor::new(&text)?.apply(edit))?;
    Ok(if has_crlf_line_ends(text) { edited.replace("\r\n", "\n").replace('\n', "\r\n") } else { edited })
}

/// Whether every line of `text` ends with CR and LF, as some editors write it. New lines then do, too.
fn has_crlf_line_ends(text: &str) -> bool {
    text.contains('\n') && text.split_inclusive('\n').all(|line| line.ends_with("\r\n") || !line.ends_with('\n'))
}

struct Editor<'a> {
    text: &'a str,
    outline: Outline,
}

impl<'a> Editor<'a> {
    fn new(text: &'a str) -> Result<Self, EditError> {
        let outline = Outline::read("", text).map_err(|fault| EditError(fault.to_string()))?;
        Ok(Self { text, outline })
    }

    fn apply(&self, edit: &Edit) -> Result<String, EditError> {
        let path = |entry: &usize| Path::default().key("expect").index(*entry);
        match edit {
            Edit::Remove { entry } => self.without_item(&Path::default().key("expect"), *entry),
            Edit::Uncover { entry, trial } => self.without_name(&path(entry).key("trials"), trial),
            Edit::Unname { entry, cell } => self.without_name(&path(entry).key("cells"), &cell.to_string()),
            Edit::Except { entry, cells } => {
                let names: Vec<String> = cells.iter().map(|cell| scalar(&cell.to_string())).collect();
                self.with_exceptions(&path(entry), &names)
            }
            Edit::Add(addition) => self.with_entry(addition),
        }
    }

    fn value(&self, path: &Path) -> Result<&Child, EditError> {
        let child = self.outline.value(path).ok_or_else(|| EditError(format!("there is no {path}")))?;
        if self.text[child.extent.clone()].starts_with('*') {
            return Err(EditError(format!("{path} is an alias: replace it by its value, then it can be edited")));
        }
        Ok(child)
    }

    fn items(&self, path: &Path) -> Result<&[Child], EditError> {
        match &self.value(path)?.node.content {
            Content::List(items) => Ok(items),
            Content::Scalar { .. } | Content::Map(_) => Err(EditError(format!("{path} is not a list"))),
        }
    }

    fn is_flow(&self, child: &Child) -> bool {
        self.text[child.extent.clone()].starts_with(['[', '{'])
    }

    fn replaced(&self, range: Range<usize>, by: &str) -> String {
        format!("{}{by}{}", &self.text[..range.start], &self.text[range.end..])
    }

    /// The end of `child`, without the line ends that belong to a block scalar.
    fn end(&self, child: &Child) -> usize {
        self.text[..child.extent.end].trim_end().len()
    }

    fn line_end(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |more| at + more + 1)
    }

    /// The dash before an item of a block list.
    fn dash(&self, item: &Child) -> usize {
        self.text[..item.extent.start].rfind('-').unwrap_or(item.extent.start)
    }

    /// The number of spaces before the dash.
    fn indent(&self, item: &Child) -> usize {
        let dash = self.dash(item);
        dash - self.text[..dash].rfind('\n').map_or(0, |at| at + 1)
    }

    fn without_name(&self, list: &Path, name: &str) -> Result<String, EditError> {
        let at = self.items(list)?.iter().position(|item| is_text(item, name));
        self.without_item(list, at.ok_or_else(|| EditError(format!("{list} does not contain {name}")))?)
    }

    /// The text without item `at` of a list: without its lines, or without its part between the brackets.
    fn without_item(&self, list: &Path, at: usize) -> Result<String, EditError> {
        let (child, items) = (self.value(list)?, self.items(list)?);
        let Some(item) = items.get(at) else { return Err(EditError(format!("{list} has no item {at}"))) };
        if let [_] = items {
            let end = self.end(child);
            let start = if self.is_flow(child) { child.extent.start } else { self.line_start(self.dash(item)) };
            return Ok(if self.is_flow(child) {
                self.replaced(start..end, "[]")
            } else {
                let emptied = self.replaced(start..self.line_end(end), "");
                let key = self.after_key(list)?;
                format!("{} []{}", &emptied[..key], &emptied[key..])
            });
        }
        if !self.is_flow(child) {
            let start = self.line_start(self.dash(item));
            return Ok(self.replaced(start..self.line_end(self.end(item)), ""));
        }
        // The comma after it goes too, or else the one before it; a comment between them stays.
        let before = at.checked_sub(1).and_then(|before| items.get(before));
        let gap = match (items.get(at + 1), before) {
            (Some(next), _) => item.extent.end..next.extent.start,
            (None, Some(before)) => before.extent.end..item.extent.start,
            (None, None) => return Ok(self.replaced(item.extent.clone(), "")),
        };
        let whole = item.extent.start.min(gap.start)..item.extent.end.max(gap.end);
        let between = &self.text[gap];
        let kept = if between.contains('#') { between.replacen(',', "", 1) } else { String::new() };
        Ok(self.replaced(whole, &kept))
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |at| at + 1)
    }

    /// The byte after the colon of the last key of `path`. The value of a block list begins on a later line.
    fn after_key(&self, path: &Path) -> Result<usize, EditError> {
        let at = self.outline.key_position(path);
        let start: usize = self.text.split_inclusive('\n').take(at.line - 1).map(str::len).sum();
        let colon = self.text[start..].find(':').map(|colon| start + colon + 1);
        colon.ok_or_else(|| EditError(format!("{path} has no colon")))
    }

    fn with_exceptions(&self, entry: &Path, names: &[String]) -> Result<String, EditError> {
        let child = self.value(entry)?;
        let list = entry.key("except");
        if self.outline.value(&list).is_none() {
            let names = names.join(", ");
            let end = self.end(child);
            if self.is_flow(child) {
                // Not directly before the bracket: there may be a comment.
                let Content::Map(entries) = &child.node.content else {
                    return Err(EditError(format!("{entry} is not a map")));
                };
                let at = entries.last().map_or(end - 1, |last| last.value.extent.end);
                return Ok(self.replaced(at..at, &format!(", except: [{names}]")));
            }
            let column = " ".repeat(child.at.column - 1);
            return Ok(below(self.text, end, &format!("{column}except: [{names}]\n")));
        }
        let Some(item) = self.items(&list)?.last() else {
            return Err(EditError(format!("{list} is empty")));
        };
        if self.is_flow(self.value(&list)?) {
            let at = item.extent.end;
            return Ok(self.replaced(at..at, &format!(", {}", names.join(", "))));
        }
        let dashes = " ".repeat(self.indent(item));
        let lines = names.iter().fold(String::new(), |lines, name| lines + &format!("{dashes}- {name}\n"));
        Ok(below(self.text, self.end(item), &lines))
    }

    fn with_entry(&self, addition: &Addition) -> Result<String, EditError> {
        let list = Path::default().key("expect");
        if self.outline.value(&list).is_none() {
            let gap = if self.text.ends_with('\n') { "\n" } else { "\n\n" };
            return Ok(format!("{}{gap}expect:\n{}", self.text, entry(addition, 2)));
        }
        let child = self.value(&list)?;
        let Some(item) = self.items(&list)?.last() else {
            // `expect: []` becomes `expect:`; the rest of the line stays.
            let key = self.text[..child.extent.start].trim_end().len();
            let emptied = self.replaced(key..child.extent.end, "");
            return Ok(below(&emptied, key, &entry(addition, 2)));
        };
        if self.is_flow(child) {
            return Err(EditError("write `expect` as a list with one dash per entry, not in brackets".to_owned()));
        }
        Ok(below(self.text, self.end(item), &entry(addition, self.indent(item))))
    }
}

/// `text` with `lines` added below the line that contains the byte `at`.
fn below(text: &str, at: usize, lines: &str) -> String {
    let end = text[at..].find('\n').map_or(text.len(), |more| at + more + 1);
    let gap = if text[..end].ends_with('\n') { "" } else { "\n" };
    format!("{}{gap}{lines}{}", &text[..end], &text[end..])
}

fn is_text(child: &Child, wanted: &str) -> bool {
    matches!(&child.node.content, Content::Scalar { text, .. } if text == wanted)
}

/// An entry in the usual style, its dash after `indent` spaces.
fn entry(addition: &Addition, indent: usize) -> String {
    let column = " ".repeat(indent);
    let cells: Vec<String> = addition.cells.iter().map(|cell| scalar(&cell.to_string())).collect();
    let trials: Vec<String> = addition.trials.iter().map(|trial| scalar(trial)).collect();
    let mut text = format!("{column}- cells:{}", list(&cells, indent + 2));
    if !trials.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{column}  trials:{}", list(&trials, indent + 2));
    }
    if let Some(issue) = &addition.issue {
        let _ = writeln!(text, "{column}  issue: {}", scalar(issue));
    }
    let _ = writeln!(text, "{column}  verdict: {}", addition.verdict);
    let _ = writeln!(text, "{column}  reason: {}", scalar(&addition.reason));
    if let Some(link) = &addition.link {
        let _ = writeln!(text, "{column}  link: {}", scalar(link));
    }
    if let Some(last) = addition.expires {
        let _ = writeln!(text, "{column}  expires: {last}");
    }
    text
}

/// A list on the key's line, or below it if the line would be too long.
fn list(items: &[String], indent: usize) -> String {
    let short = format!(" [{}]\n", items.join(", "));
    if short.len() + indent < MAX_LINE {
        return short;
    }
    let column = " ".repeat(indent + 2);
    items.iter().fold("\n".to_owned(), |lines, item| lines + &format!("{column}- {item}\n"))
}

/// `text` as a scalar: plain if no YAML reader can take it for anything else, also between brackets. The emitter of `serde_yaml`
/// writes plain scalars that end a list in brackets.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || " ./+()_-'".contains(c);
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let safe = starts && !text.ends_with(' ') && text.chars().all(plain) && !words.contains(&&*text.to_lowercase());
    let url =
        text.starts_with("https://") && text[8..].chars().all(|c| c.is_ascii_alphanumeric() || "./_-".contains(c));
    if safe || url { text.to_owned() } else { quoted(text) }
}

/// `text` in double quotes. Characters other than letters, digits and printable ASCII are escaped: YAML 1.1 reads some as
/// line ends, even in quotes, and refuses others.
fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            c if c.is_alphanumeric() => quoted.push(c),
            c => quoted.push_str(&escaped(c)),
        }
    }
    quoted + "\""
}

fn escaped(c: char) -> String {
    let code = u32::from(c);
    if code <= 0xffff { format!("\\u{code:04X}") } else { format!("\\U{code:08X}") }
}

#[cfg(test)]
mod tests;
