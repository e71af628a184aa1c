//! Wraps text to the width of a terminal.

use unicode_width::UnicodeWidthStr;

/// Wraps `text` to lines of at most `width` columns. The first line starts with `first`, the others are indented by
/// `hang` columns. Ends with a newline. A word longer than a line is not broken, so addresses stay clickable.
pub fn wrap(first: &str, hang: usize, text: &str, width: usize) -> String {
    let mut wrapped = first.to_owned();
    let mut column = first.width();
    let mut fresh = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let gap = usize::from(!fresh);
        if column + gap + word.width() > width && !fresh {
            wrapped.push('\n');
            wrapped.push_str(&" ".repeat(hang));
            column = hang;
        } else if !fresh {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += word.width();
        fresh = false;
    }
    wrapped.push('\n');
    wrapped
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn continuation_lines_are_indented_and_long_words_are_not_broken() {
        assert_eq!(wrap("- ", 2, "one two three", 9), "- one two\n  three\n");
        assert_eq!(wrap("", 2, "a https://long.test/x b", 8), "a\n  https://long.test/x\n  b\n");
        assert_eq!(wrap("x:", 2, "", 8), "x:\n");
        assert_eq!(wrap("", 0, "日本 日本", 8), "日本\n日本\n");
    }
}
