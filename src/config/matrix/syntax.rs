//! Explains why a text is not valid YAML and how to fix it. The parser reports what it could not read and where it
//! noticed; the lines around show what was most likely meant.

use granit_parser::{ErrorKind, ScanError};

use super::diagnostic::{quoted, shortened};
use super::outline::Position;

/// What is wrong with a text as YAML.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: Position,
    pub(super) message: String,
    /// How to fix it; may be empty.
    pub(super) help: String,
}

impl Fault {
    pub(super) fn new(at: Position, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { at, message: message.into(), help: help.into() }
    }
}

/// Refuses the mark that some editors put before a text: YAML gives it no meaning.
pub(super) fn refuse_byte_order_mark(text: &str) -> Result<(), Fault> {
    if text.starts_with('\u{feff}') {
        let message = "the file begins with a byte order mark";
        return Err(Fault::new(Position::START, message, "save it as UTF-8 without one"));
    }
    Ok(())
}

/// Explains why the parser refused `text`.
pub(super) fn explain(text: &str, error: &ScanError) -> Fault {
    let at = Position::from(*error.marker());
    let lines: Vec<&str> = text.lines().collect();
    if let Some(at) = indenting_tab(&lines, at) {
        return Fault::new(at, "a tab indents this line", "use spaces instead");
    }
    if let Some((open, bracket)) = unclosed(text, at) {
        let close = if bracket == '[' { ']' } else { '}' };
        return Fault::new(open, format!("this `{bracket}` is not closed"), format!("add the missing `{close}`"));
    }
    let line = lines.get(at.line - 1).copied().unwrap_or_default();
    let (before, rest) = split_at(line, at.column - 1);
    let reported = error.info().clone();
    match error.kind() {
        ErrorKind::MissingAnchorOrAliasName | ErrorKind::UnknownAnchor if rest.starts_with(['*', '&']) => {
            let word = rest.split([',', ']', '}', ' ']).next().unwrap_or_default();
            let kind = if rest.starts_with('*') { "an unknown alias" } else { "an anchor" };
            let message = format!("YAML reads {} as {kind}, not as text", quoted(word));
            Fault::new(at, message, format!("quote it: {}", double_quoted(word)))
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => colon(at, before, rest, reported),
        ErrorKind::ExpectedFlowMappingSeparator if rest.starts_with(':') => colon(at, before, rest, reported),
        ErrorKind::UnclosedQuotedScalar => Fault::new(at, reported, "add the closing quote"),
        ErrorKind::UnexpectedCharacter { .. } => Fault::new(at, reported, "quote the whole value"),
        kind if is_about_tabs(kind) => Fault::new(at, reported, "use spaces instead"),
        _ => Fault::new(at, reported, ""),
    }
}

/// A second colon: in a value that needs quotes, or in a line with the wrong indentation.
fn colon(at: Position, before: &str, rest: &str, reported: String) -> Fault {
    let Some((head, begin)) = before.rsplit_once(": ") else {
        let help = "indent this line like the lines around it, or quote the value that contains `: `";
        return Fault::new(at, reported, help);
    };
    let key = head.rsplit(['{', '[', ',']).next().unwrap_or(head).trim_start_matches(['-', ' ']);
    let in_brackets = head.matches(['{', '[']).count() > head.matches(['}', ']']).count();
    let rest = if in_brackets { rest.split([',', '}', ']']).next().unwrap_or_default() } else { rest };
    let rest = rest.split(" #").next().unwrap_or_default();
    let value = format!("{begin}{rest}");
    let message = "a value contains a colon followed by a space";
    Fault::new(at, message, format!("quote it: {}: {}", shortened(key), double_quoted(value.trim())))
}

/// `text` as YAML writes it in double quotes, shortened for a message.
fn double_quoted(text: &str) -> String {
    // What was escaped for the terminal is an escape in double quotes too; quotes are not escaped yet.
    format!("\"{}\"", shortened(text).replace('"', "\\\""))
}

fn is_about_tabs(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabAtBlockScalarStart
            | ErrorKind::TabInPlainScalar
    )
}

/// The tab before a line's text: in the reported line or the next, as the parser may notice at the end of the line
/// before.
fn indenting_tab(lines: &[&str], at: Position) -> Option<Position> {
    (at.line..=at.line + 1).find_map(|number| {
        let line = lines.get(number - 1)?;
        let indent = &line[..line.len() - line.trim_start().len()];
        let tab = indent.chars().position(|c| c == '\t')?;
        Some(Position { line: number, column: tab + 1 })
    })
}

fn split_at(line: &str, characters: usize) -> (&str, &str) {
    let byte = line.char_indices().nth(characters).map_or(line.len(), |(byte, _)| byte);
    line.split_at(byte)
}

/// The innermost bracket that is open at `at` and never closed.
fn unclosed(text: &str, at: Position) -> Option<(Position, char)> {
    let mut open: Vec<(Position, char)> = Vec::new();
    let mut quote: Option<char> = None;
    for (number, line) in (1..).zip(text.lines()) {
        // The last character that is not a space, and whether a space follows it.
        let (mut last, mut space, mut escaped) = (None, true, false);
        for (column, c) in (1..).zip(line.chars()) {
            match quote {
                Some('"') if escaped => escaped = false,
                Some('"') if c == '\\' => escaped = true,
                Some(end) if c == end => quote = None,
                Some(_) => {}
                None => {
                    let begins = last.is_none_or(|last| "-:,[{?".contains(last)) && (space || !open.is_empty());
                    match c {
                        '#' if space => break,
                        '"' | '\'' if begins => quote = Some(c),
                        '[' | '{' if begins => open.push((Position { line: number, column }, c)),
                        ']' | '}' => drop(open.pop_if(|(_, begun)| (*begun == '[') == (c == ']'))),
                        _ => {}
                    }
                }
            }
            space = c.is_whitespace();
            last = if space { last } else { Some(c) };
        }
    }
    open.into_iter().rfind(|(begun, _)| *begun <= at)
}

#[cfg(test)]
mod tests {
    use super::super::outline::Outline;

    fn refused(text: &str) -> String {
        Outline::read("m", text).unwrap_err().to_string()
    }

    #[test]
    fn a_syntax_error_says_how_to_fix_it() {
        let table = [
            (
                "expect:\n  - verdict: fail\n    reason: OpenSSL: broke it # so\n",
                "m:3:20: a value contains a colon followed by a space; quote it: reason: \"OpenSSL: broke it\"",
            ),
            (
                "a:\n  - { reason: a \"b\": c, link: d }\n",
                "m:2:20: a value contains a colon followed by a space; quote it: reason: \"a \\\"b\\\": c\"",
            ),
            (
                "a: b\n  c: d\n",
                "m:2:4: mapping values are not allowed in this context; indent this line like the lines around it, or \
                 quote the value that contains `: `",
            ),
            ("a:\n\tb: c\n", "m:2:1: a tab indents this line; use spaces instead"),
            ("a:\n  title: b\n  \tfamily: c\n", "m:3:3: a tab indents this line; use spaces instead"),
            ("a:\n  - on: [*]\n", "m:2:10: YAML reads `*` as an unknown alias, not as text; quote it: \"*\""),
            ("a: *\n", "m:1:4: YAML reads `*` as an unknown alias, not as text; quote it: \"*\""),
            ("a: [b, *-12, c]\n", "m:1:8: YAML reads `*-12` as an unknown alias, not as text; quote it: \"*-12\""),
            (
                "a:\n  - on: [b, c\n    package: { name: d, version: e }\nf: [\"*\"]\n",
                "m:2:9: this `[` is not closed; add the missing `]`",
            ),
            ("a: { b: c\nd: 'it''s # [no'\n", "m:1:4: this `{` is not closed; add the missing `}`"),
            ("a: [b, {c: d]\n", "m:1:8: this `{` is not closed; add the missing `}`"),
            ("a: 'open\n", "m:1:4: unclosed quote; add the closing quote"),
            ("a: @b\n", "m:1:4: unexpected character: `@'; quote the whole value"),
            ("\u{feff}version: 1\n", "m:1:1: the file begins with a byte order mark; save it as UTF-8 without one"),
        ];
        for (text, right) in table {
            assert_eq!(refused(text), right, "{text}");
        }
    }

    #[test]
    fn hostile_lines_are_shown_shortened_and_escaped() {
        let long = format!("a: b{}: c\u{1b}[31m\n", "x".repeat(1000));
        let shown = refused(&long);
        assert!(shown.len() < 300 && !shown.contains('\u{1b}'), "{shown}");
        for brackets in ["[".repeat(5000), "{a: ".repeat(5000), "\"[".repeat(5000)] {
            assert!(refused(&format!("a: {brackets}\n")).len() < 300);
        }
    }
}
