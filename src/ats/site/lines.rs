//! Lines of text files as ATS cuts them.

/// A line that says something, with the number of the line where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TextLine {
    pub(super) number: usize,
    pub(super) text: String,
    /// Further lines that a backslash at the end joined to it.
    pub(super) joined: usize,
}

/// Lines that are neither empty nor comments, trimmed.
pub(super) fn plain(text: &str) -> impl Iterator<Item = TextLine> {
    let lines = (1..).zip(text.split('\n'));
    lines.map(|(number, line)| TextLine { number, text: line.trim().to_owned(), joined: 0 }).filter(TextLine::speaks)
}

/// Lines of remap.config: a backslash as the very last character joins the next line, also to a comment. Comments are
/// left in, so that what they swallow can be told.
pub(super) fn joined(text: &str) -> Vec<TextLine> {
    let mut lines: Vec<TextLine> = Vec::new();
    let mut open: Option<TextLine> = None;
    for (number, line) in (1..).zip(text.split('\n')) {
        let (rest, goes_on) = line.strip_suffix('\\').map_or((line, false), |rest| (rest, true));
        let mut whole = open.take().map_or_else(
            || TextLine { number, text: String::new(), joined: 0 },
            |mut before| {
                before.text.push_str("  ");
                before.joined += 1;
                before
            },
        );
        whole.text.push_str(rest);
        if goes_on {
            open = Some(whole);
        } else {
            lines.push(whole);
        }
    }
    lines.extend(open);
    for line in &mut lines {
        line.text = line.text.trim().to_owned();
    }
    lines.retain(|line| !line.text.is_empty());
    lines
}

impl TextLine {
    fn speaks(&self) -> bool {
        !self.text.is_empty() && !self.is_comment()
    }

    pub(super) fn is_comment(&self) -> bool {
        self.text.starts_with('#')
    }
}

/// Words of a line; double quotes keep spaces in a word and are taken off. `None`: a quote is not closed.
pub(super) fn quoted_words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    (!quoted).then_some(words)
}
