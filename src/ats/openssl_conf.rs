//! What of an openssl.cnf decides TLS, out of its text (config(5ssl), with what it includes in place). Pure.

use std::collections::BTreeMap;

/// Settings told at most, and characters of each: the file is an image's.
const MAX_SETTINGS: usize = 50;
const MAX_LINE: usize = 200;

/// Sections by name, each with its settings in order. What stands before the first is in the one without a name.
type Sections = BTreeMap<String, Vec<(String, String)>>;

/// What OpenSSL makes of `text` in a program that, as ATS, asks for no section of its own: the settings of TLS
/// (`system_default.MinProtocol = TLSv1.2`), the providers and engines that it loads (`providers.legacy.activate = 1`),
/// properties of algorithms. Not the rest of the file, which is for `openssl req` and the like.
pub fn settings(text: &str) -> Vec<String> {
    let sections = sections(text);
    let section = |name: &str| sections.get(name).map(Vec::as_slice).unwrap_or_default();
    let value = |settings: &[(String, String)], key: &str| {
        // The last one holds.
        settings.iter().rev().find(|(name, _)| bare_name(name) == key).map(|(_, value)| value.clone())
    };
    let Some(init) = value(section(""), "openssl_conf").or_else(|| value(section("default"), "openssl_conf")) else {
        return Vec::new();
    };
    let mut told = Vec::new();
    for (module, place) in section(&init) {
        match bare_name(module) {
            // Names of objects, for certificates.
            "oid_section" => {}
            "ssl_conf" => {
                for (name, place) in section(place) {
                    told.extend(section(place).iter().map(|(key, value)| format!("{name}.{key} = {value}")));
                }
            }
            module @ ("providers" | "engines") => {
                for (name, place) in section(place) {
                    told.extend(section(place).iter().map(|(key, value)| format!("{module}.{name}.{key} = {value}")));
                }
            }
            module => {
                let of_section = section(place);
                told.extend(of_section.iter().map(|(key, value)| format!("{module}.{key} = {value}")));
                if of_section.is_empty() {
                    told.push(format!("{module} = {place}"));
                }
            }
        }
    }
    told.truncate(MAX_SETTINGS);
    told.into_iter().map(|line| line.chars().take(MAX_LINE).collect()).collect()
}

/// What `ours` sets that `theirs` does not, and the other way round, one setting a line.
pub fn differences(ours: &[String], theirs: &[String]) -> Vec<String> {
    let only = |here: &[String], there: &[String], word: &str| -> Vec<String> {
        here.iter().filter(|line| !there.contains(line)).map(|line| format!("{word} `{line}`")).collect()
    };
    [only(ours, theirs, "with"), only(theirs, ours, "without")].concat()
}

/// A name may have something before its last dot that only tells it from its like: `2.Options`.
fn bare_name(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn sections(text: &str) -> Sections {
    let mut sections = Sections::new();
    let mut current = String::new();
    for line in whole_lines(text) {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            name.trim().clone_into(&mut current);
            // It is there, even where it sets nothing.
            sections.entry(current.clone()).or_default();
        } else if let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with(['.', '#'])) {
            let (name, value) = (name.trim(), value.trim());
            // `section::name` is a setting of that section.
            let (place, name) = name.split_once("::").unwrap_or((&current, name));
            sections.entry(place.to_owned()).or_default().push((name.to_owned(), unquoted(value).to_owned()));
        }
    }
    sections
}

/// Lines, those that end in a backslash joined to the next.
fn whole_lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        let (part, more) = line.strip_suffix('\\').map_or((line, false), |part| (part, true));
        match lines.last_mut().filter(|_| goes_on) {
            Some(last) => last.push_str(part),
            None => lines.push(part.to_owned()),
        }
        goes_on = more;
    }
    lines
}

fn unquoted(value: &str) -> &str {
    let inside = |quote| value.strip_prefix(quote).and_then(|rest: &str| rest.strip_suffix(quote));
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As Debian 11 has it.
    const DEBIAN: &str = "HOME = .\nopenssl_conf = default_conf\noid_section = new_oids\n[ new_oids ]\ntsa_policy1 = 1.2\n\
                          [ req ]\ndefault_bits = 2048\n[default_conf]\nssl_conf = ssl_sect\n[ssl_sect]\n\
                          system_default = system_default_sect\n[system_default_sect]\nMinProtocol = TLSv1.2\n\
                          CipherString = DEFAULT@SECLEVEL=2\n";

    #[test]
    fn only_what_decides_tls_is_told() {
        assert_eq!(
            settings(DEBIAN),
            ["system_default.MinProtocol = TLSv1.2", "system_default.CipherString = DEFAULT@SECLEVEL=2"]
        );
        // As RHEL 9 has it, in part; names and values as they may be written.
        let text = "openssl_conf = init\n[init]\nproviders = p\nssl_conf = s\nalg_section = evp\nrandom = r\n[p]\n\
                    default = d\nlegacy = l\n[d]\n##activate = 1\n[l]\nactivate = 1\n[evp]\n\
                    rh-allow-sha1-signatures = \"yes\"\n[s]\nsystem_default = x\n[x]\n2.Options = \\\nA,B\nx::Groups = X25519\n";
        assert_eq!(
            settings(text),
            [
                "providers.legacy.activate = 1",
                "system_default.2.Options = A,B",
                "system_default.Groups = X25519",
                "alg_section.rh-allow-sha1-signatures = yes",
                "random = r",
            ]
        );
        assert_eq!(settings("[default]\nopenssl_conf = a\n[a]\nssl_conf = gone\n"), [""; 0]);
        assert_eq!(settings(""), [""; 0]);
    }

    #[test]
    fn differences_go_both_ways() {
        let other = settings(&DEBIAN.replace("SECLEVEL=2", "SECLEVEL=0"));
        assert_eq!(
            differences(&other, &settings(DEBIAN)),
            [
                "with `system_default.CipherString = DEFAULT@SECLEVEL=0`",
                "without `system_default.CipherString = DEFAULT@SECLEVEL=2`"
            ]
        );
        assert!(differences(&other, &other).is_empty());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_none_is_long(text in "[\\[\\]=a.:\\\\\"\n ]{0,200}") {
            let text = format!("openssl_conf = a\n[a]\nssl_conf = a\n{text}");
            prop_assert!(settings(&text).len() <= MAX_SETTINGS);
        }
    }
}
