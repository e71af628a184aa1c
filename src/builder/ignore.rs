//! `.dockerignore`, with the meaning that Docker gives it: patterns from the root of the context, of which the last that
//! matches a path or one of its folders decides.

use regex::Regex;

/// The patterns of a file.
#[derive(Debug, Default)]
pub(super) struct DockerIgnore {
    /// Whether each leaves out or, with `!`, takes in again.
    patterns: Vec<(Regex, bool)>,
}

impl DockerIgnore {
    /// Reads the text of a file. A pattern that is none is returned as the error.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut patterns = Vec::new();
        for line in text.trim_start_matches('\u{feff}').lines().filter(|line| !line.starts_with('#')) {
            let line = line.trim();
            let (pattern, excludes) = match line.strip_prefix('!') {
                Some(rest) => (rest.trim(), false),
                None => (line, true),
            };
            let parts = pattern.split('/').filter(|part| !part.is_empty() && *part != ".");
            let pattern = parts.collect::<Vec<_>>().join("/");
            if pattern.is_empty() {
                continue;
            }
            let regex = Regex::new(&expression(&pattern)).map_err(|_| line.to_owned())?;
            patterns.push((regex, excludes));
        }
        Ok(Self { patterns })
    }

    /// Whether the file or folder `path` is left out.
    pub(super) fn excludes(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let with_folders: Vec<&str> = ends.map(|end| &path[..end]).collect();
        let matches = |regex: &Regex| with_folders.iter().any(|part| regex.is_match(part));
        let last = self.patterns.iter().rev().find(|(regex, _)| matches(regex));
        last.is_some_and(|(_, excludes)| *excludes)
    }

    /// Whether nothing below an excluded folder can be taken in again.
    pub(super) fn is_final(&self) -> bool {
        self.patterns.iter().all(|(_, excludes)| *excludes)
    }
}

/// A pattern as a regular expression, as Docker translates it.
fn expression(pattern: &str) -> String {
    let mut regex = String::from("^");
    let mut rest = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(c) = rest.next() {
        match c {
            '*' if in_class => regex.push('*'),
            '*' if rest.next_if_eq(&'*').is_some() => {
                rest.next_if_eq(&'/');
                regex += if rest.peek().is_none() { ".*" } else { "(?:.*/)?" };
            }
            '*' => regex += "[^/]*",
            '?' if !in_class => regex += "[^/]",
            '\\' => regex += &rest.next().map(|next| regex::escape(&next.to_string())).unwrap_or_default(),
            '[' | ']' => {
                in_class = c == '[';
                regex.push(c);
            }
            '-' | '^' if in_class => regex.push(c),
            c => regex += &regex::escape(&c.to_string()),
        }
    }
    regex + "$"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of Docker's documentation and of its own tests.
    #[test]
    fn patterns_mean_what_docker_says() {
        for (text, excluded, kept) in [
            ("# comment\n*/temp*", &["a/temporary.txt", "a/temp/x", "a/temp"][..], &["temp", "a/b/temp"][..]),
            ("*/*/temp*", &["a/b/temporary.txt"], &["a/temp"]),
            ("temp?", &["tempa", "tempb/x"], &["temp", "tempab", "a/tempa"]),
            ("**/*.go", &["x.go", "a/b/x.go"], &["x.goo"]),
            ("*.md\n!README.md", &["x.md"], &["README.md", "a/x.md"]),
            ("*.md\n!README*.md\nREADME-secret.md", &["x.md", "README-secret.md"], &["README-x.md"]),
            ("/foo/bar", &["foo/bar", "foo/bar/x"], &["x/foo/bar", "foo"]),
            ("./dist/", &["dist", "dist/a/b"], &["distant"]),
            ("docs\n!docs/README.md", &["docs/x"], &["docs/README.md"]),
            ("a/**", &["a/b", "a/b/c"], &["a", "b"]),
            ("**/node_modules", &["node_modules/x", "a/b/node_modules"], &["modules"]),
            ("[a-c].txt", &["a.txt"], &["d.txt", "a_txt"]),
            ("", &[], &["x"]),
        ] {
            let ignore = DockerIgnore::parse(text).unwrap();
            for path in excluded {
                assert!(ignore.excludes(path), "{text}: {path}");
            }
            for path in kept {
                assert!(!ignore.excludes(path), "{text}: {path}");
            }
        }
        assert_eq!(DockerIgnore::parse("x\n[b-a]").unwrap_err(), "[b-a]");
    }
}
