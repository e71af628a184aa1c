//! The proxies of this process's environment, for downloads in containers. Their addresses may contain passwords: they
//! are passed as the predefined build arguments for proxies, which engines store in no image, and no tag depends on them.

use std::collections::BTreeMap;
use std::fmt;

/// The variables in lower case.
const NAMES: [&str; 4] = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"];

/// Proxies by variable, in lower and upper case: apt reads only the former, other programs only the latter.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proxies(BTreeMap<String, String>);

impl Proxies {
    /// The proxies of this process; empty variables count as unset.
    pub fn from_process() -> Self {
        Self::of(|name| std::env::var(name).ok())
    }

    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut found = BTreeMap::new();
        for name in NAMES {
            let upper = name.to_ascii_uppercase();
            if let Some(value) = set(name).or_else(|| set(&upper)) {
                found.insert(name.to_owned(), value.clone());
                found.insert(upper, value);
            }
        }
        Self(found)
    }

    /// Adds them to build arguments or an environment.
    pub(super) fn add_to(&self, variables: &mut BTreeMap<String, String>) {
        variables.extend(self.0.clone());
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_proxy_is_passed_in_both_cases_and_never_shown() {
        let found = Proxies::of(|name| match name {
            "HTTP_PROXY" => Some("http://me:secret@proxy.test:3128".to_owned()),
            "https_proxy" => Some("http://small.test".to_owned()),
            "HTTPS_PROXY" => Some("http://capital.test".to_owned()),
            "no_proxy" => Some(String::new()),
            _ => None,
        });
        let mut args = BTreeMap::from([("BASE".to_owned(), "b".to_owned())]);
        found.add_to(&mut args);
        assert_eq!(args.keys().collect::<Vec<_>>(), ["BASE", "HTTPS_PROXY", "HTTP_PROXY", "http_proxy", "https_proxy"]);
        assert_eq!(
            (args["http_proxy"].as_str(), args["HTTPS_PROXY"].as_str()),
            ("http://me:secret@proxy.test:3128", "http://small.test")
        );
        assert!(!format!("{found:?}").contains("secret"));
    }
}
