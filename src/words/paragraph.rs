//! Wraps text to the columns of a terminal. Knows columns and nothing of what the text says.

use unicode_width::UnicodeWidthStr;

/// `text` in lines of at most `width` columns, the first after `first`, the others indented by
/// `hang` columns; ends with a line end. A word longer than a line stays whole (addresses remain
/// clickable).
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
    fn lines_hang_and_long_words_stay_whole() {
        assert_eq!(wrap("- ", 2, "one two three", 9), "- one two\n  three\n");
        assert_eq!(wrap("", 2, "a https://long.test/x b", 8), "a\n  https://long.test/x\n  b\n");
        assert_eq!(wrap("x:", 2, "", 8), "x:\n");
        assert_eq!(wrap("", 0, "日本 日本", 8), "日本\n日本\n");
    }
}
