//! A text that a regular expression of a remap rule matches, if the expression is simple.

use regex::Regex;

/// Most characters of a sample.
const MAX_SAMPLE: usize = 200;

/// A host that `expression` matches, and its groups, `$0` first. `None`: none can be derived. Only what hosts consist of is
/// tried: literals, sets, groups with alternatives, `.`, `\d`, `\w` and the usual repetitions.
pub(super) fn host(expression: &str) -> Option<Vec<String>> {
    let mut sample_of = HostSample { rest: expression.chars().collect(), at: 0, depth: 0 };
    let sample = sample_of.alternatives()?;
    if sample_of.at < sample_of.rest.len() {
        return None;
    }
    let sample = sample.to_ascii_lowercase();
    let anchored = Regex::new(&format!("^(?:{expression})$")).ok()?;
    let groups = anchored.captures(&sample)?;
    Some(groups.iter().map(|group| group.map(|group| group.as_str().to_owned()).unwrap_or_default()).collect())
}

/// `text` with `$0` to `$9` replaced by `groups`. `None`: a group is missing.
pub(super) fn filled(text: &str, groups: &[String]) -> Option<String> {
    let mut filled = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek().and_then(|next| next.to_digit(10))) {
            ('$', Some(number)) => {
                rest.next();
                filled.push_str(groups.get(usize::try_from(number).ok()?)?);
            }
            _ => filled.push(c),
        }
    }
    Some(filled)
}

struct HostSample {
    rest: Vec<char>,
    at: usize,
    depth: usize,
}

impl HostSample {
    fn peek(&self) -> Option<char> {
        self.rest.get(self.at).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_it = self.peek() == Some(wanted);
        self.at += usize::from(is_it);
        is_it
    }

    /// The first of several alternatives; the others are skipped.
    fn alternatives(&mut self) -> Option<String> {
        const MAX_DEPTH: usize = 20;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let first = self.sequence()?;
        while self.take('|') {
            self.sequence()?;
        }
        self.depth -= 1;
        Some(first)
    }

    fn sequence(&mut self) -> Option<String> {
        let mut sample = String::new();
        while let Some(c) = self.peek().filter(|c| !matches!(c, '|' | ')')) {
            self.at += 1;
            let piece = match c {
                '^' | '$' => continue,
                '.' => "a".to_owned(),
                '(' => self.group()?,
                '[' => self.set()?,
                '\\' => self.escaped()?,
                '*' | '+' | '?' | '{' => return None,
                c => c.to_string(),
            };
            for _ in 0..self.times()? {
                sample.push_str(&piece);
                if sample.len() > MAX_SAMPLE {
                    return None;
                }
            }
        }
        Some(sample)
    }

    fn group(&mut self) -> Option<String> {
        if self.take('?') && !self.take(':') {
            return None;
        }
        let inner = self.alternatives()?;
        self.take(')').then_some(inner)
    }

    fn set(&mut self) -> Option<String> {
        let negated = self.take('^');
        let mut first = None;
        loop {
            let mut c = self.peek()?;
            self.at += 1;
            if c == ']' && first.is_some() {
                break;
            }
            if c == '\\' {
                c = self.escaped()?.chars().next()?;
            }
            first.get_or_insert(c);
        }
        // Of what a negated set excludes, an `a` is seldom part; the expression itself decides.
        if negated { Some("a".to_owned()) } else { first.map(String::from) }
    }

    fn escaped(&mut self) -> Option<String> {
        let c = self.peek()?;
        self.at += 1;
        match c {
            'd' => Some("1".to_owned()),
            'w' | 'S' | 'D' => Some("a".to_owned()),
            c if c.is_ascii_alphanumeric() => None,
            c => Some(c.to_string()),
        }
    }

    /// How often the last piece comes, at least once where it may.
    fn times(&mut self) -> Option<usize> {
        let times = match self.peek() {
            Some('*' | '+' | '?') => {
                self.at += 1;
                1
            }
            Some('{') => {
                self.at += 1;
                let mut digits = String::new();
                while let Some(c) = self.peek().filter(char::is_ascii_digit) {
                    digits.push(c);
                    self.at += 1;
                }
                while self.peek()? != '}' {
                    self.at += 1;
                }
                self.at += 1;
                digits.parse::<usize>().ok().filter(|times| *times <= MAX_SAMPLE)?
            }
            _ => return Some(1),
        };
        // Lazy or possessive.
        let _ = self.take('?') || self.take('+');
        Some(times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_expressions_have_a_host_that_they_match() {
        for (expression, host_of, to, filled_to) in [
            ("(www|img)\\.example\\.com", "www.example.com", "$1.origin.test", "www.origin.test"),
            ("(.*)\\.example\\.com", "a.example.com", "$0", "a.example.com"),
            ("^[a-z0-9-]+[.]cdn$", "a.cdn", "x", "x"),
            ("shard-(\\d{2})\\.(?:eu|us)\\.net", "shard-11.eu.net", "s$1.test", "s11.test"),
            ("([^.]+)\\.x", "a.x", "$1", "a"),
            ("a?b", "ab", "c", "c"),
        ] {
            let groups = host(expression).unwrap_or_else(|| panic!("{expression}"));
            assert_eq!(
                (groups[0].as_str(), filled(to, &groups).unwrap().as_str()),
                (host_of, filled_to),
                "{expression}"
            );
        }
        assert_eq!(filled("$3", &host("a").unwrap()), None);
    }

    #[test]
    fn from_other_expressions_nothing_is_derived() {
        for odd in ["(?=x)y", "a)", "(a", "[a", "*", "a{", "\\b", "(?P<x>a)", &"(".repeat(500), "a{9999}", "[^a]"] {
            assert_eq!(host(odd), None, "{odd}");
        }
    }
}
