//! An answer as nested lines: the conclusion first, then the reasons. Renders as text, as Markdown, or (in
//! [`crate::report::html`]) as HTML, and escapes all text.

use std::fmt::Display;

use unicode_width::UnicodeWidthStr as _;

use super::escape::{LINE, SHORT, markdown, markdown_fence, markdown_link, terminal};
use super::paragraph::wrap;

/// Lines, each with a depth.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextOutline {
    lines: Vec<OutlineLine>,
}

/// One line, built from pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutlineLine {
    pub(crate) depth: usize,
    pub(crate) pieces: Vec<Piece>,
}

/// A piece of a line, unescaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Strong(String),
    Link { text: String, url: String },
    List(Vec<String>),
    Block(Vec<String>),
}

impl TextOutline {
    /// Appends a line at `depth` (0: a heading line).
    pub fn line(&mut self, depth: usize) -> &mut OutlineLine {
        let at = self.lines.len();
        self.lines.push(OutlineLine { depth, pieces: Vec::new() });
        &mut self.lines[at]
    }

    /// Appends preformatted lines: a log, packets.
    pub fn block(&mut self, depth: usize, lines: impl IntoIterator<Item = impl Display>) {
        let lines: Vec<String> = lines.into_iter().map(|line| line.to_string()).collect();
        if !lines.is_empty() {
            self.lines.push(OutlineLine { depth, pieces: vec![Piece::Block(lines)] });
        }
    }

    /// The lines, for formats in other modules.
    pub(crate) fn lines(&self) -> &[OutlineLine] {
        &self.lines
    }

    /// As plain text, indented by two spaces per level. Lines are not wrapped, so that they can be searched. Ends with
    /// a newline.
    pub fn text(&self) -> String {
        let line = |line: &OutlineLine| {
            if let [Piece::Block(lines)] = line.pieces.as_slice() {
                let indent = "  ".repeat(line.depth);
                let lines: Vec<String> =
                    lines.iter().map(|line| indent.clone() + &terminal(line, LINE) + "\n").collect();
                return lines.concat();
            }
            let pieces: String = line.pieces.iter().map(Piece::text).collect();
            format!("{}{pieces}\n", "  ".repeat(line.depth))
        };
        self.lines.iter().map(line).collect()
    }

    /// Like [`Self::text`], wrapped to `width` columns for a terminal. Longer names and addresses are not broken.
    pub fn text_within(&self, width: usize) -> String {
        let wrapped = |line: &str| {
            let text = line.trim_start_matches(' ');
            let indent = line.len() - text.len();
            // A line that fits keeps its own alignment.
            if line.width() <= width { format!("{line}\n") } else { wrap(&line[..indent], indent + 4, text, width) }
        };
        self.text().lines().map(wrapped).collect()
    }

    /// As Markdown: paragraphs with nested lists below. Ends with a newline.
    pub fn markdown(&self) -> String {
        let mut page = String::new();
        let mut above = None;
        for OutlineLine { depth, pieces } in &self.lines {
            if let [Piece::Block(lines)] = pieces.as_slice() {
                let indent = "  ".repeat(depth.saturating_sub(1));
                let fence = markdown_fence(lines.iter().map(String::as_str));
                page.extend(fence.lines().map(|line| format!("{indent}{line}\n")));
                continue;
            }
            let paragraph = *depth == 0 || above == Some(0);
            if paragraph && above.is_some() {
                page.push('\n');
            }
            if *depth > 0 {
                page.push_str(&"  ".repeat(depth - 1));
                page.push_str("- ");
            }
            page.extend(pieces.iter().map(Piece::markdown));
            page.push('\n');
            above = Some(*depth);
        }
        page
    }
}

impl OutlineLine {
    /// Adds text, which may be hostile: it is escaped and truncated.
    pub fn say(&mut self, text: impl Display) -> &mut Self {
        self.pieces.push(Piece::Text(text.to_string()));
        self
    }

    /// Adds emphasised text.
    pub fn strong(&mut self, text: impl Display) -> &mut Self {
        self.pieces.push(Piece::Strong(text.to_string()));
        self
    }

    /// Adds a link.
    pub fn link(&mut self, text: impl Display, url: impl Display) -> &mut Self {
        self.pieces.push(Piece::Link { text: text.to_string(), url: url.to_string() });
        self
    }

    /// Adds names separated by commas, without a limit on their number.
    pub fn list(&mut self, names: impl IntoIterator<Item = impl Display>) -> &mut Self {
        self.pieces.push(Piece::List(names.into_iter().map(|name| name.to_string()).collect()));
        self
    }
}

impl Piece {
    fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Strong(text) => terminal(text, LINE),
            Self::Link { text, url } => format!("{} ({})", terminal(text, SHORT), terminal(url, LINE)),
            Self::List(names) | Self::Block(names) => joined(names, terminal),
        }
    }

    fn markdown(&self) -> String {
        match self {
            Self::Text(text) => markdown(text, LINE),
            Self::Strong(text) => {
                // Markdown does not take `**` beside a space for emphasis.
                let shown = terminal(text, LINE);
                let bold = shown.trim_matches(' ');
                let (before, after) = (
                    shown.len() - shown.trim_start_matches(' ').len(),
                    shown.len() - shown.trim_end_matches(' ').len(),
                );
                match bold {
                    "" => shown,
                    bold => format!("{}**{}**{}", " ".repeat(before), markdown(bold, LINE), " ".repeat(after)),
                }
            }
            Self::Link { text, url } => markdown_link(text, url),
            Self::List(names) | Self::Block(names) => joined(names, markdown),
        }
    }
}

fn joined(names: &[String], escape: fn(&str, usize) -> String) -> String {
    names.iter().map(|name| escape(name, SHORT)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_outline_two_formats() {
        let mut outline = TextOutline::default();
        outline.line(0).strong("closed").say(": why?");
        outline.line(1).say("because of ").link("#1", "https://a.test/1");
        outline.line(2).list(["a_b", "c"]);
        outline.line(1).say("and so on");
        outline.line(0).say("the end");
        assert_eq!(
            outline.text(),
            "closed: why?\n  because of #1 (https://a.test/1)\n    a_b, c\n  and so on\nthe end\n"
        );
        assert_eq!(
            outline.markdown(),
            "**closed**: why?\n\n- because of [\\#1](<https://a.test/1>)\n  - a\\_b, c\n- and so on\n\nthe end\n"
        );
    }

    #[test]
    fn spaces_stay_outside_emphasis() {
        let mut outline = TextOutline::default();
        outline.line(0).strong(" a *b* ").say("c").strong("  ").strong("d ");
        assert_eq!(outline.markdown(), " **a \\*b\\*** c  **d** \n");
        assert_eq!(outline.text(), " a *b* c  d \n");
    }

    #[test]
    fn blocks_are_nested_below_their_line() {
        let mut outline = TextOutline::default();
        outline.line(0).say("seen");
        outline.line(1).say("wire:");
        outline.block(2, ["> S", "< S.\u{1b}[2J", "```"]);
        outline.block(2, Vec::<String>::new());
        outline.line(1).say("end");
        assert_eq!(outline.text(), "seen\n  wire:\n    > S\n    < S.\\u{1b}[2J\n    ```\n  end\n");
        assert_eq!(outline.markdown(), "seen\n\n- wire:\n  ````text\n  > S\n  < S.\\u{1b}[2J\n  ```\n  ````\n- end\n");
    }

    #[test]
    fn hostile_text_stays_on_its_line() {
        let mut outline = TextOutline::default();
        outline.line(0).say("a\nb\u{1b}[2J").strong("**\n# x").link("[", "javascript:x").list(["|\n"]);
        for shown in [outline.text(), outline.markdown()] {
            assert_eq!(shown.lines().count(), 1, "{shown}");
            assert!(!shown.contains('\u{1b}') && !shown.contains("]("));
        }
        assert_eq!(TextOutline::default().text() + &TextOutline::default().markdown(), "");
    }
}
