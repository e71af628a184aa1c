//! The one place where text from containers, build logs and mirrors is bounded and made inert
//! before somebody reads it. Knows terminals and Markdown; knows no domain type.
//!
//! The text is hostile: it may carry escape sequences that repaint a terminal, bidi controls that
//! reorder what is read (<https://trojansource.codes/>), or Markdown and HTML that forge a table.

use std::fmt::Write as _;

/// Characters that one line of evidence may take in a report.
pub const LINE: usize = 400;

/// Characters that a short text (a name, a version, a progress step) may take.
pub const SHORT: usize = 100;

/// `text` as one line of at most `max` characters (at least one), safe to print.
///
/// Control characters, line ends, bidi controls and everything else without a glyph of its own
/// become visible escapes (`\n`, `\u{1b}`, `\u{202e}`); what is cut off becomes `…`. Doing it twice
/// changes nothing, so text that was escaped where it was read is not escaped again.
pub fn terminal(text: &str, max: usize) -> String {
    let mut shown = String::new();
    let (mut used, mut fits) = (0, 0);
    for c in text.chars() {
        let piece = visible(c);
        let more = piece.chars().count();
        if used + more > max {
            shown.truncate(fits);
            shown.push('…');
            return shown;
        }
        shown.push_str(&piece);
        used += more;
        if used < max {
            fits = shown.len();
        }
    }
    shown
}

/// `text` of several lines, each whole and safe to print: as [`terminal`], without a bound.
pub fn lines(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if c == '\n' {
            shown.push(c);
        } else {
            shown.push_str(&visible(c));
        }
        shown
    })
}

/// JSON whose texts hold no character that a terminal obeys: there it is the same text. Line ends and blanks
/// between values stay.
pub fn json(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if c.is_control() && c != '\n' {
            // Writing to a String cannot fail.
            let _ = write!(shown, "\\u{:04x}", u32::from(c));
        } else {
            shown.push(c);
        }
        shown
    })
}

/// Quotes and backslashes stay: they are harmless on a terminal, and escaping backslashes would not
/// be idempotent.
fn visible(c: char) -> String {
    match c {
        '"' | '\'' | '\\' => c.to_string(),
        _ => c.escape_debug().collect(),
    }
}

/// `text` as running text or a table cell of Markdown (`CommonMark` with GitHub's tables, links and
/// formulas), at most `max` characters before escaping: it shows literally, as one line.
pub fn markdown(text: &str, max: usize) -> String {
    let shown = terminal(text, max);
    let mut inert = String::with_capacity(shown.len());
    let mut rest = shown.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '&' => inert.push_str("&amp;"),
            '<' => inert.push_str("&lt;"),
            '>' => inert.push_str("&gt;"),
            '@' => inert.push_str("&#64;"),
            // `https://...` and `www.` would become links of their own accord.
            ':' if rest.peek() == Some(&'/') => inert.push_str("&#58;"),
            '.' if inert.ends_with(['w', 'W']) => inert.push_str("&#46;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '#' => {
                inert.push('\\');
                inert.push(c);
            }
            _ => inert.push(c),
        }
    }
    inert
}

/// Lines as a fenced code block of Markdown, each bounded by [`LINE`]. Nothing inside is
/// interpreted: the fence is longer than any run of backticks within.
pub fn markdown_fence<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    let lines: Vec<String> = lines.into_iter().map(|line| terminal(line, LINE)).collect();
    let longest = lines.iter().map(|line| backticks(line)).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let info = format!("{fence}text");
    let all = std::iter::once(&info).chain(&lines).chain(std::iter::once(&fence));
    all.fold(String::new(), |block, line| block + line + "\n")
}

fn backticks(line: &str) -> usize {
    line.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Whether `url` is a plain http(s) address that may become a link.
pub fn is_web_address(url: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'*+,;=%".contains(c);
    let web = url.starts_with("https://") || url.starts_with("http://");
    web && url.len() <= LINE && url.chars().all(plain)
}

/// A Markdown link, if `url` is a plain http(s) address; else both as inert text.
pub fn markdown_link(text: &str, url: &str) -> String {
    if is_web_address(url) {
        format!("[{}](<{url}>)", markdown(text, SHORT))
    } else if text == url {
        markdown(url, LINE)
    } else {
        format!("{} ({})", markdown(text, SHORT), markdown(url, LINE))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escape_sequences_become_visible() {
        assert_eq!(
            terminal("\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}2J", 80),
            r"\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}2J"
        );
        assert_eq!(terminal("a\r\nb\tc\0", 80), r"a\r\nb\tc\0");
    }

    #[test]
    fn bidi_and_invisible_characters_become_visible() {
        for c in
            ['\u{202e}', '\u{2066}', '\u{2069}', '\u{200f}', '\u{200b}', '\u{feff}', '\u{2028}', '\u{ad}', '\u{e0041}']
        {
            assert_eq!(terminal(&c.to_string(), 80), format!("\\u{{{:x}}}", u32::from(c)));
        }
        assert_eq!(terminal("naïve 日本 ✓ 'quoted' C:\\x", 80), "naïve 日本 ✓ 'quoted' C:\\x");
    }

    #[test]
    fn long_text_is_cut_between_whole_escapes() {
        assert_eq!(terminal("abcdef", 6), "abcdef");
        assert_eq!(terminal("abcdefg", 6), "abcde…");
        assert_eq!(terminal("abc\u{1b}", 6), "abc…");
        assert_eq!(terminal("abc", 0), "…");
    }

    #[test]
    fn markdown_shows_literally() {
        assert_eq!(
            markdown("| <img src=x onerror=alert(1)> `code` [x](y) *b* $a$ #1 @me", 80),
            r"\| &lt;img src=x onerror=alert(1)&gt; \`code\` \[x\](y) \*b\* \$a\$ \#1 &#64;me"
        );
        assert_eq!(
            markdown("see https://evil.test and www.evil.test\n# x", 80),
            r"see https&#58;//evil.test and www&#46;evil.test\\n\# x"
        );
    }

    #[test]
    fn a_fence_cannot_be_left_from_inside() {
        assert_eq!(markdown_fence(["````", "</details>\n```"]), "`````text\n````\n</details>\\n```\n`````\n");
        assert_eq!(markdown_fence([]), "```text\n```\n");
    }

    #[test]
    fn only_plain_web_addresses_become_links() {
        assert_eq!(markdown_link("#1", "https://a.test/1"), r"[\#1](<https://a.test/1>)");
        for hostile in ["javascript:alert(1)", "https://a.test/>x", "https://a.test/ \"x", "https://a.test/\u{202e}"] {
            let link = markdown_link("x", hostile);
            assert!(!link.contains("]("), "{link}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_bounded_and_without_controls(text in any::<String>(), max in 1_usize..50) {
            let shown = terminal(&text, max);
            prop_assert!(shown.chars().count() <= max);
            let inert = shown.chars().all(|c| !c.is_control() && !('\u{2028}'..='\u{202e}').contains(&c));
            prop_assert!(inert);
            prop_assert_eq!(terminal(&shown, max), shown);
        }

        #[test]
        fn no_line_of_a_fence_closes_it(lines in proptest::collection::vec("[`~ \n]{0,6}", 0..5)) {
            let block = markdown_fence(lines.iter().map(String::as_str));
            let fence = block.lines().next().unwrap().trim_end_matches("text").to_owned();
            let closing: Vec<usize> = block.lines().enumerate().skip(1)
                .filter(|(_, line)| line.trim().starts_with(&fence)).map(|(i, _)| i).collect();
            prop_assert_eq!(closing, vec![lines.len() + 1]);
        }
    }
}
