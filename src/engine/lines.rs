//! Text from the byte streams of untrusted containers, which arrive in fragments: complete lines,
//! bounded and printable. Pure.

use std::collections::VecDeque;

/// Joins fragments into lines. A line ends at `\n`; `\r\n` counts as `\n`. If a progress bar rewrote a line
/// with `\r`, its last state is kept. Bytes that are not UTF-8 become U+FFFD.
#[derive(Debug)]
pub struct LineSplitter {
    partial: Vec<u8>,
    max: usize,
    cut: bool,
}

impl LineSplitter {
    /// Lines longer than `max` bytes are cut and marked.
    pub fn new(max: usize) -> Self {
        Self { partial: Vec::new(), max, cut: false }
    }

    /// Adds a fragment and returns the lines that it completes.
    pub fn push(&mut self, fragment: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut rest = fragment;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.keep(&rest[..end]);
            lines.push(self.take());
            rest = &rest[end + 1..];
        }
        self.keep(rest);
        lines
    }

    /// The last line, if the stream ended without a newline; call it once, at the end.
    pub fn finish(&mut self) -> Option<String> {
        (!self.partial.is_empty()).then(|| self.take())
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.max.saturating_sub(self.partial.len());
        self.cut |= bytes.len() > room;
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn take(&mut self) -> String {
        let bytes = std::mem::take(&mut self.partial);
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end_matches('\r');
        let mut line = text.rsplit('\r').next().unwrap_or_default().to_owned();
        if std::mem::take(&mut self.cut) {
            line.push_str(" [cut]");
        }
        line
    }
}

/// The last bytes of a stream, up to a limit.
#[derive(Debug)]
pub struct Tail {
    bytes: VecDeque<u8>,
    max: usize,
}

impl Tail {
    /// Keeps the last `max` bytes.
    pub fn new(max: usize) -> Self {
        Self { bytes: VecDeque::new(), max }
    }

    /// Adds a fragment.
    pub fn push(&mut self, fragment: &[u8]) {
        let fragment = &fragment[fragment.len().saturating_sub(self.max)..];
        let over = (self.bytes.len() + fragment.len()).saturating_sub(self.max);
        self.bytes.drain(..over);
        self.bytes.extend(fragment);
    }

    /// The bytes kept so far as text, with U+FFFD for invalid UTF-8.
    pub fn text(&self) -> String {
        let (front, back) = self.bytes.as_slices();
        String::from_utf8_lossy(&[front, back].concat()).into_owned()
    }
}

/// `text` as one line of at most about `max` bytes that is safe to print: runs of white space become
/// one space, other control characters are escaped, a cut is marked with `…`.
pub fn one_line(text: &str, max: usize) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        for c in word.chars() {
            if line.len() >= max {
                line.push('…');
                return line;
            }
            if c.is_control() {
                line.extend(c.escape_unicode());
            } else {
                line.push(c);
            }
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fragments_become_complete_lines() {
        let mut lines = LineSplitter::new(100);
        assert!(lines.push(b"{\"a\"").is_empty());
        assert_eq!(lines.push(b":1}\r\nnext\n\nla"), ["{\"a\":1}", "next", ""]);
        assert_eq!(lines.push(b"st"), Vec::<String>::new());
        assert_eq!(lines.finish().as_deref(), Some("last"));
        assert_eq!(lines.finish(), None);
    }

    #[test]
    fn a_character_split_between_fragments_survives_and_invalid_bytes_are_replaced() {
        let mut lines = LineSplitter::new(100);
        lines.push(&"ü".as_bytes()[..1]);
        assert_eq!(lines.push(&[0xbc, 0xff, b'\n']), ["ü\u{fffd}"]);
    }

    #[test]
    fn an_endless_line_is_cut_and_the_next_one_is_complete() {
        let mut lines = LineSplitter::new(4);
        lines.push(b"abcdefgh");
        assert_eq!(lines.push(b"ijk\nok\n"), ["abcd [cut]", "ok"]);
    }

    #[test]
    fn the_last_state_of_a_rewritten_line_is_kept() {
        assert_eq!(LineSplitter::new(99).push(b"10%\r55%\r100%\r\n"), ["100%"]);
    }

    #[test]
    fn a_tail_keeps_the_end() {
        let mut tail = Tail::new(5);
        tail.push(b"abc");
        tail.push(b"def");
        assert_eq!(tail.text(), "bcdef");
        tail.push(b"0123456789");
        assert_eq!(tail.text(), "56789");
    }

    proptest! {
        #[test]
        fn fragmentation_does_not_change_the_lines(text in "[a-zü\r\n]{0,60}", at in 0usize..60) {
            let bytes = text.as_bytes();
            let at = at.min(bytes.len());
            let collect = |parts: &[&[u8]]| {
                let mut splitter = LineSplitter::new(1000);
                let mut lines: Vec<String> = parts.iter().flat_map(|part| splitter.push(part)).collect();
                lines.extend(splitter.finish());
                lines
            };
            prop_assert_eq!(collect(&[bytes]), collect(&[&bytes[..at], &bytes[at..]]));
        }

        #[test]
        fn one_line_is_printable_and_bounded(text in any::<String>()) {
            let line = one_line(&text, 40);
            prop_assert!(line.len() <= 40 + 12 + '…'.len_utf8());
            prop_assert!(!line.chars().any(char::is_control));
        }
    }
}
