//! What to do where a text is no YAML. The parser says what it could not read, and where it noticed; what its writer
//! most likely meant stands in the lines around.

use granit_parser::{ErrorKind, ScanError};

use super::diagnostic::quoted;
use super::outline::Position;

/// What is wrong, where, and what would be right.
pub(super) type Mend = (Position, String, String);

/// The mark that some editors put before a text. YAML has no use for it.
pub(super) fn byte_order_mark(text: &str) -> Option<Mend> {
    text.starts_with('\u{feff}').then(|| {
        let message = "the file begins with a byte order mark".to_owned();
        (Position::START, message, "save it as UTF-8 without one".to_owned())
    })
}

/// Why `text` cannot be read.
pub(super) fn mend(text: &str, error: &ScanError) -> Mend {
    let at = Position::from(*error.marker());
    let lines: Vec<&str> = text.lines().collect();
    if let Some(at) = indenting_tab(&lines, at) {
        return (at, "a tab indents this line".to_owned(), "write blanks instead".to_owned());
    }
    if let Some((open, bracket)) = unclosed(text, at) {
        let close = if bracket == '[' { ']' } else { '}' };
        return (open, format!("this `{bracket}` is not closed"), format!("write `{close}` where it ends"));
    }
    let line = lines.get(at.line - 1).copied().unwrap_or_default();
    let (before, rest) = split_at(line, at.column - 1);
    let said = error.info().clone();
    match error.kind() {
        ErrorKind::MissingAnchorOrAliasName | ErrorKind::UnknownAnchor if rest.starts_with(['*', '&']) => {
            let word = rest.split([',', ']', '}', ' ']).next().unwrap_or_default();
            let message = format!("{} names nothing, as YAML reads it", quoted(word));
            (at, message, format!("quote it: {}", in_quotes(word)))
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => colon(at, before, rest, said),
        ErrorKind::ExpectedFlowMappingSeparator if rest.starts_with(':') => colon(at, before, rest, said),
        ErrorKind::UnclosedQuotedScalar => (at, said, "write the same quote where the text ends".to_owned()),
        ErrorKind::UnexpectedCharacter { .. } => (at, said, "quote the whole value".to_owned()),
        kind if tabs(kind) => (at, said, "write blanks instead".to_owned()),
        _ => (at, said, String::new()),
    }
}

/// A second colon: in a value that needs quotes, or in a line that does not stand below its neighbours.
fn colon(at: Position, before: &str, rest: &str, said: String) -> Mend {
    let Some((head, begin)) = before.rsplit_once(": ") else {
        let help = "begin the line in the column of its neighbours; a value that holds `: ` needs quotes";
        return (at, said, help.to_owned());
    };
    let key = head.rsplit(['{', '[', ',']).next().unwrap_or(head).trim_start_matches(['-', ' ']);
    let in_brackets = head.matches(['{', '[']).count() > head.matches(['}', ']']).count();
    let rest = if in_brackets { rest.split([',', '}', ']']).next().unwrap_or_default() } else { rest };
    let rest = rest.split(" #").next().unwrap_or_default();
    let value = format!("{begin}{rest}");
    let message = "a value holds a colon before a blank".to_owned();
    // The key is the user's text as well.
    let key = quoted(key);
    (at, message, format!("quote it: {}: {}", key.trim_matches('`'), in_quotes(value.trim())))
}

/// `text` as YAML writes it in double quotes, as much as fits into a message.
fn in_quotes(text: &str) -> String {
    let shown = quoted(text);
    let shown = shown.trim_matches('`');
    // What was escaped for the terminal is an escape in double quotes too; quotes are not escaped yet.
    format!("\"{}\"", shown.replace('"', "\\\""))
}

fn tabs(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabAtBlockScalarStart
            | ErrorKind::TabInPlainScalar
    )
}

/// The tab before a line's text: there or in the next line, as the parser may notice at the end of the one before.
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

/// The innermost bracket that is open at `at` and is closed nowhere below.
fn unclosed(text: &str, at: Position) -> Option<(Position, char)> {
    let mut open: Vec<(Position, char)> = Vec::new();
    let mut quote: Option<char> = None;
    for (number, line) in (1..).zip(text.lines()) {
        // What stands before the current character, blanks left out, and whether a blank does.
        let (mut last, mut blank, mut escaped) = (None, true, false);
        for (column, c) in (1..).zip(line.chars()) {
            match quote {
                Some('"') if escaped => escaped = false,
                Some('"') if c == '\\' => escaped = true,
                Some(end) if c == end => quote = None,
                Some(_) => {}
                None => {
                    let begins = last.is_none_or(|last| "-:,[{?".contains(last)) && (blank || !open.is_empty());
                    match c {
                        '#' if blank => break,
                        '"' | '\'' if begins => quote = Some(c),
                        '[' | '{' if begins => open.push((Position { line: number, column }, c)),
                        ']' | '}' => drop(open.pop_if(|(_, begun)| (*begun == '[') == (c == ']'))),
                        _ => {}
                    }
                }
            }
            blank = c.is_whitespace();
            last = if blank { last } else { Some(c) };
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
    fn broken_yaml_says_how_to_mend_it() {
        let table = [
            (
                "expect:\n  - verdict: fail\n    reason: OpenSSL: broke it # so\n",
                "m:3:20: a value holds a colon before a blank; quote it: reason: \"OpenSSL: broke it\"",
            ),
            (
                "a:\n  - { reason: a \"b\": c, link: d }\n",
                "m:2:20: a value holds a colon before a blank; quote it: reason: \"a \\\"b\\\": c\"",
            ),
            (
                "a: b\n  c: d\n",
                "m:2:4: mapping values are not allowed in this context; begin the line in the column of its neighbours; \
                 a value that holds `: ` needs quotes",
            ),
            ("a:\n\tb: c\n", "m:2:1: a tab indents this line; write blanks instead"),
            ("a:\n  title: b\n  \tfamily: c\n", "m:3:3: a tab indents this line; write blanks instead"),
            ("a:\n  - on: [*]\n", "m:2:10: `*` names nothing, as YAML reads it; quote it: \"*\""),
            ("a: *\n", "m:1:4: `*` names nothing, as YAML reads it; quote it: \"*\""),
            ("a: [b, *-12, c]\n", "m:1:8: `*-12` names nothing, as YAML reads it; quote it: \"*-12\""),
            (
                "a:\n  - on: [b, c\n    package: { name: d, version: e }\nf: [\"*\"]\n",
                "m:2:9: this `[` is not closed; write `]` where it ends",
            ),
            ("a: { b: c\nd: 'it''s # [no'\n", "m:1:4: this `{` is not closed; write `}` where it ends"),
            ("a: [b, {c: d]\n", "m:1:8: this `{` is not closed; write `}` where it ends"),
            ("a: 'open\n", "m:1:4: unclosed quote; write the same quote where the text ends"),
            ("a: @b\n", "m:1:4: unexpected character: `@'; quote the whole value"),
            ("\u{feff}version: 1\n", "m:1:1: the file begins with a byte order mark; save it as UTF-8 without one"),
        ];
        for (text, right) in table {
            assert_eq!(refused(text), right, "{text}");
        }
    }

    #[test]
    fn hostile_lines_are_shown_bounded_and_escaped() {
        let long = format!("a: b{}: c\u{1b}[31m\n", "x".repeat(1000));
        let shown = refused(&long);
        assert!(shown.len() < 300 && !shown.contains('\u{1b}'), "{shown}");
        for brackets in ["[".repeat(5000), "{a: ".repeat(5000), "\"[".repeat(5000)] {
            assert!(refused(&format!("a: {brackets}\n")).len() < 300);
        }
    }
}
