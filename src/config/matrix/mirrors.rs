//! A company's own mirrors and registries in place of the public ones that matrix.yaml names.

use crate::model::registry_of;

/// Prefixes of addresses and what replaces them. Not part of the normal form: a mirror serves the same files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mirrors(Vec<(String, String)>);

impl Mirrors {
    /// Replaces `from`, a host with or without a path, by `to`. Overrides an earlier entry for `from`.
    ///
    /// # Errors
    /// What is wrong with either and how to write it.
    pub fn set(&mut self, from: &str, to: &str) -> Result<(), String> {
        let plain = |text: &str| {
            let legal = text.chars().all(|c| c.is_ascii_alphanumeric() || ".-_~:/%[]@+".contains(c));
            legal && text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric() || c == '[')
        };
        if !plain(from) || from.contains("://") {
            return Err(format!("`{from}` is not a host: write it like deb.debian.org or archive.ubuntu.com/ubuntu"));
        }
        if !plain(to) {
            return Err(format!(
                "`{to}` is not the address of a mirror: write it like mirror.example.org/debian or https://mirror.example.org"
            ));
        }
        let (from, to) = (from.trim_end_matches('/').to_owned(), to.trim_end_matches('/').to_owned());
        self.0.retain(|(known, _)| *known != from);
        self.0.push((from, to));
        // The longest prefix is tried first.
        self.0.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b)));
        Ok(())
    }

    /// Sets each `FROM=TO` in `text`, separated by spaces or commas.
    ///
    /// # Errors
    /// See [`Mirrors::set`].
    pub fn set_all(&mut self, text: &str) -> Result<(), String> {
        for pair in text.split([' ', ',', '\n', '\t']).filter(|pair| !pair.is_empty()) {
            let (from, to) = pair.split_once('=').ok_or_else(|| format!("`{pair}` has no `=`: write HOST=MIRROR"))?;
            self.set(from, to)?;
        }
        Ok(())
    }

    /// `text` with every URL in it replaced.
    pub fn urls(&self, text: &str) -> String {
        let mut done = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("://") {
            let (before, after) = (&rest[..at], &rest[at + 3..]);
            let scheme = before.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '+').map_or(0, |at| at + 1);
            let Some((from, to)) = self.of(after) else {
                done += &rest[..at + 3];
                rest = after;
                continue;
            };
            done += &before[..if to.contains("://") { scheme } else { at }];
            if !to.contains("://") {
                done += "://";
            }
            done += to;
            rest = &after[from.len()..];
        }
        done + rest
    }

    /// The image reference to pull in place of `reference`.
    pub fn image(&self, reference: &str) -> String {
        let full = match reference.contains('/') {
            _ if registry_of(reference).is_some() => reference.to_owned(),
            true => format!("docker.io/{reference}"),
            false => format!("docker.io/library/{reference}"),
        };
        match self.of(&full) {
            Some((from, to)) => {
                let to = to.split_once("://").map_or(to, |(_, place)| place);
                format!("{to}{}", &full[from.len()..])
            }
            None => reference.to_owned(),
        }
    }

    /// The entry for an address without its scheme.
    fn of(&self, address: &str) -> Option<(&str, &str)> {
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || "-._~:%@".contains(c));
        let begins = |from: &str| address.strip_prefix(from).is_some_and(ends);
        self.0.iter().find(|(from, _)| begins(from)).map(|(from, to)| (from.as_str(), to.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mirrors() -> Mirrors {
        let mut mirrors = Mirrors::default();
        let text = "deb.debian.org=mirror.test/debian-org,archive.ubuntu.com/ubuntu=https://mirror.test/ubuntu/ \
                    deb.debian.org/debian-security=sec.test/x docker.io=hub.test:5000/proxy";
        mirrors.set_all(text).unwrap();
        mirrors
    }

    #[test]
    fn urls_are_replaced_anywhere_in_a_text_and_the_longest_prefix_wins() {
        for (before, after) in [
            ("deb http://deb.debian.org/debian sid main", "deb http://mirror.test/debian-org/debian sid main"),
            ("deb http://deb.debian.org/debian-security a main", "deb http://sec.test/x a main"),
            ("http://deb.debian.org", "http://mirror.test/debian-org"),
            (
                "deb [signed-by=/k] http://archive.ubuntu.com/ubuntu noble main;deb http://deb.debian.org/debian x y",
                "deb [signed-by=/k] https://mirror.test/ubuntu noble main;deb http://mirror.test/debian-org/debian x y",
            ),
            ("url=http://archive.ubuntu.com/ubuntu/a sha256=0", "url=https://mirror.test/ubuntu/a sha256=0"),
            ("http://archive.ubuntu.com/ubuntus", "http://archive.ubuntu.com/ubuntus"),
            ("http://deb.debian.org.evil.test/", "http://deb.debian.org.evil.test/"),
            ("no url, deb.debian.org", "no url, deb.debian.org"),
        ] {
            assert_eq!(mirrors().urls(before), after);
        }
    }

    #[test]
    fn references_without_a_registry_are_replaced_too() {
        for (before, after) in [
            ("docker.io/library/debian:12", "hub.test:5000/proxy/library/debian:12"),
            ("debian:12", "hub.test:5000/proxy/library/debian:12"),
            ("rocky/rocky:9", "hub.test:5000/proxy/rocky/rocky:9"),
            ("quay.io/x@sha256:0", "quay.io/x@sha256:0"),
        ] {
            assert_eq!(mirrors().image(before), after);
        }
        assert_eq!(Mirrors::default().image("debian:12"), "debian:12");
    }

    #[test]
    fn invalid_addresses_are_refused_and_the_last_entry_wins() {
        let mut mirrors = Mirrors::default();
        for wrong in ["a.test", "=b.test", "a.test=", "http://a.test=b.test", "a.test=b;c"] {
            assert!(mirrors.set_all(wrong).is_err(), "{wrong}");
        }
        mirrors.set_all("a.test=b.test a.test=c.test").unwrap();
        assert_eq!(mirrors.urls("http://a.test/x"), "http://c.test/x");
    }
}
