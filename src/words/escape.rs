//! Escapes and truncates text from containers, build logs and mirrors. All such text goes through here before it
//! is shown.
//!
//! The text is hostile: it may contain escape sequences that repaint a terminal, bidi controls that
//! reorder what is read (<https://trojansource.codes/>), or Markdown and HTML that forge a table.

use std::fmt::Write as _;

/// Maximum length of a line of evidence in a report, in characters.
pub const LINE: usize = 400;

/// Maximum length of a short text (a name, a version, a progress step), in characters.
pub const SHORT: usize = 100;

/// `text` as one line of at most `max` characters (at least one), safe to print.
///
/// Control characters, newlines, bidi controls and other invisible characters become visible escapes
/// (`\n`, `\u{1b}`, `\u{202e}`). Truncated text ends with `…`. The function is idempotent, so text that was
/// escaped when it was read is not escaped twice.
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

/// Like [`terminal`], but keeps line breaks and does not truncate.
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

/// JSON text with control characters replaced by `\u` escapes, so that a terminal does not obey them. The JSON value
/// stays the same.
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

/// Does not escape quotes and backslashes: they are harmless on a terminal, and escaping backslashes would
/// not be idempotent.
fn visible(c: char) -> String {
    match c {
        '"' | '\'' | '\\' => c.to_string(),
        _ => c.escape_debug().collect(),
    }
}

/// `text` as one line of Markdown (`CommonMark` with GitHub's tables, links and formulas) that renders literally,
/// also in a table cell. Truncated to `max` characters before escaping.
pub fn markdown(text: &str, max: usize) -> String {
    let shown = terminal(text, max);
    let mut escaped = String::with_capacity(shown.len());
    let mut rest = shown.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '@' => escaped.push_str("&#64;"),
            // GitHub turns `https://...` and `www.` into links.
            ':' if rest.peek() == Some(&'/') => escaped.push_str("&#58;"),
            '.' if escaped.ends_with(['w', 'W']) => escaped.push_str("&#46;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '#' => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Lines as a fenced code block of Markdown, each truncated to [`LINE`]. The fence is longer than any run of
/// backticks inside, so no line can close it.
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

/// Whether `url` is an http(s) address of harmless characters, and so may become a link.
pub fn is_web_address(url: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'*+,;=%".contains(c);
    let web = url.starts_with("https://") || url.starts_with("http://");
    web && url.len() <= LINE && url.chars().all(plain)
}

/// A Markdown link if `url` passes [`is_web_address`]; otherwise both as escaped text.
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
    fn long_text_is_truncated_between_escapes() {
        assert_eq!(terminal("abcdef", 6), "abcdef");
        assert_eq!(terminal("abcdefg", 6), "abcde…");
        assert_eq!(terminal("abc\u{1b}", 6), "abc…");
        assert_eq!(terminal("abc", 0), "…");
    }

    #[test]
    fn markdown_renders_literally() {
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
    fn text_inside_a_fence_cannot_close_it() {
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
        fn output_is_truncated_and_has_no_control_characters(text in any::<String>(), max in 1_usize..50) {
            let shown = terminal(&text, max);
            prop_assert!(shown.chars().count() <= max);
            let clean = shown.chars().all(|c| !c.is_control() && !('\u{2028}'..='\u{202e}').contains(&c));
            prop_assert!(clean);
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
