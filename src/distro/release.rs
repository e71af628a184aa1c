//! `/etc/os-release` (os-release(5)).

use crate::model::Release;

/// Characters kept of a value: an image may write anything there.
const MAX_VALUE: usize = 100;

/// Reads the text of `/etc/os-release`: `ID`, `VERSION_ID`, `VERSION_CODENAME`, `PRETTY_NAME`, without quotes.
/// `VERSION_ID` is missing in Debian's testing and unstable. `None` when there is no `ID`.
pub fn release(os_release: &str) -> Option<Release> {
    let value = |key: &str| {
        let line = os_release.lines().rfind(|line| line.split_once('=').is_some_and(|(name, _)| name == key))?;
        Some(unquoted(line.split_once('=')?.1.trim()).chars().take(MAX_VALUE).collect::<String>())
    };
    Some(Release {
        id: value("ID")?,
        version: value("VERSION_ID").unwrap_or_default(),
        codename: value("VERSION_CODENAME").unwrap_or_default(),
        name: value("PRETTY_NAME").unwrap_or_default(),
    })
}

/// A value as a shell reads it: without quotes, and without the backslashes that escape `$`, `"`, `\` and backquote.
fn unquoted(value: &str) -> String {
    let inside = |quote| value.strip_prefix(quote).and_then(|rest: &str| rest.strip_suffix(quote));
    if let Some(value) = inside('\'') {
        return value.to_owned();
    }
    let mut characters = inside('"').unwrap_or(value).chars();
    let mut text = String::new();
    while let Some(character) = characters.next() {
        text.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn releases_are_read_with_and_without_a_version() {
        let debian = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=x\nVERSION_ID=\"12\"\n\
                      VERSION_CODENAME=bookworm\nID=debian\n";
        let expected = Release {
            id: "debian".into(),
            version: "12".into(),
            codename: "bookworm".into(),
            name: "Debian GNU/Linux 12 (bookworm)".into(),
        };
        assert_eq!(release(debian), Some(expected));
        let sid = release("PRETTY_NAME='Debian forky/sid'\n#ID=no\nID=debian").unwrap();
        assert_eq!((sid.version.as_str(), sid.name.as_str()), ("", "Debian forky/sid"));
        assert_eq!(release("ID=\"a\\\"b\"").unwrap().id, "a\"b");
        assert_eq!(release("NAME=x"), None);
        assert_eq!(release(&format!("ID={}", "x".repeat(9999))).unwrap().id.len(), MAX_VALUE);
    }

    #[test]
    fn the_release_of_this_machine_is_read() {
        if let Ok(text) = std::fs::read_to_string("/etc/os-release") {
            assert!(release(&text).is_some(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_causes_a_panic(text in "\\PC{0,200}", key in "(ID|VERSION_ID)=['\"\\\\a-z]{0,9}") {
            let _ = (release(&text), release(&key));
        }
    }
}
