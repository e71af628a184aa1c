//! Puts entries of ours before those of a YAML list of the user's own, as text: so comments, and whatever else ATS may read
//! differently from us, stay as they are.

/// `theirs`, a file whose top is a list, or a map with a list at `key`, with `entries` as its first ones. Each entry is the
/// lines of a map, without indentation. `None`: the file has another form.
pub(super) fn first(theirs: &str, key: Option<&str>, entries: &[Vec<String>]) -> Option<String> {
    let lines: Vec<&str> = theirs.lines().collect();
    let has_content = |line: &&str| !matches!(line.trim_start().chars().next(), None | Some('#')) && *line != "---";
    let mut content = lines.iter().enumerate().filter(|(_, line)| has_content(line));
    let Some((top, line)) = content.next() else {
        // Nothing of theirs.
        let heading = key.map(|key| format!("{key}:\n")).unwrap_or_default();
        return Some(format!("{heading}{}", indented(entries, "")));
    };
    let (at, indent) = match key {
        None => (top, line),
        Some(key) => {
            let rest = line.strip_prefix(key)?.trim_start().strip_prefix(':')?.trim();
            if !(rest.is_empty() || rest.starts_with('#')) {
                return None;
            }
            let (at, line) = content.next()?;
            (at, line)
        }
    };
    let trimmed = indent.trim_start_matches(' ');
    let spaces = &indent[..indent.len() - trimmed.len()];
    if !(trimmed == "-" || trimmed.starts_with("- ")) {
        return None;
    }
    let mut text = String::new();
    for line in &lines[..at] {
        text.push_str(line);
        text.push('\n');
    }
    text.push_str(&indented(entries, spaces));
    for line in &lines[at..] {
        text.push_str(line);
        text.push('\n');
    }
    Some(text)
}

fn indented(entries: &[Vec<String>], spaces: &str) -> String {
    let lines = entries.iter().flat_map(|entry| entry.iter().enumerate());
    lines.flat_map(|(at, line)| [spaces, if at == 0 { "- " } else { "  " }, line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> Vec<Vec<String>> {
        vec![vec!["fqdn: a.t".into(), "http2: off".into()]]
    }

    #[test]
    fn entries_come_first_with_the_indentation_of_the_list() {
        let theirs = "# Edge\nsni:\n  # www\n  - fqdn: www\n    http2: on\n";
        assert_eq!(
            first(theirs, Some("sni"), &ours()).unwrap(),
            "# Edge\nsni:\n  # www\n  - fqdn: a.t\n    http2: off\n  - fqdn: www\n    http2: on\n"
        );
        assert_eq!(first("- fqdn: www\n", None, &ours()).unwrap(), "- fqdn: a.t\n  http2: off\n- fqdn: www\n");
        assert_eq!(first("# none\n", Some("sni"), &ours()).unwrap(), "sni:\n- fqdn: a.t\n  http2: off\n");
        assert_eq!(first("", None, &ours()).unwrap(), "- fqdn: a.t\n  http2: off\n");
        assert_eq!(first("---\nsni: # x\n- fqdn: b\n", Some("sni"), &[]).unwrap(), "---\nsni: # x\n- fqdn: b\n");
    }

    #[test]
    fn other_forms_are_left_alone() {
        for odd in ["sni: [{ fqdn: www }]\n", "other:\n  - a\n", "sni:\n  fqdn: x\n", "sni:\n", "{ sni: [] }\n"] {
            assert_eq!(first(odd, Some("sni"), &ours()), None, "{odd}");
        }
    }
}
