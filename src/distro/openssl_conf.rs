//! The settings of an openssl.cnf that decide TLS, from its text with includes in place (config(5ssl)).

use std::collections::BTreeMap;

/// Settings reported at most, and characters of each: the file belongs to the image.
const MAX_SETTINGS: usize = 50;
const MAX_LINE: usize = 200;

/// Sections by name, each with its settings in order. Settings before the first section are in the one with an empty
/// name.
type Sections = BTreeMap<String, Vec<(String, String)>>;

/// The settings that OpenSSL applies from `text` in a program that, like ATS, names no section of its own: those of TLS
/// (`system_default.MinProtocol = TLSv1.2`), providers and engines (`providers.legacy.activate = 1`), algorithm
/// properties. The rest of the file is for `openssl req` and the like.
pub fn settings(text: &str) -> Vec<String> {
    let sections = sections(text);
    let section = |name: &str| sections.get(name).map(Vec::as_slice).unwrap_or_default();
    let value = |settings: &[(String, String)], key: &str| {
        // The last one wins.
        settings.iter().rev().find(|(name, _)| bare_name(name) == key).map(|(_, value)| value.clone())
    };
    let Some(init) = value(section(""), "openssl_conf").or_else(|| value(section("default"), "openssl_conf")) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (module, place) in section(&init) {
        match bare_name(module) {
            // Object names, for certificates.
            "oid_section" => {}
            "ssl_conf" => {
                for (name, place) in section(place) {
                    found.extend(section(place).iter().map(|(key, value)| format!("{name}.{key} = {value}")));
                }
            }
            module @ ("providers" | "engines") => {
                for (name, place) in section(place) {
                    found.extend(section(place).iter().map(|(key, value)| format!("{module}.{name}.{key} = {value}")));
                }
            }
            module => {
                let of_section = section(place);
                found.extend(of_section.iter().map(|(key, value)| format!("{module}.{key} = {value}")));
                if of_section.is_empty() {
                    found.push(format!("{module} = {place}"));
                }
            }
        }
    }
    found.truncate(MAX_SETTINGS);
    found.into_iter().map(|line| line.chars().take(MAX_LINE).collect()).collect()
}

/// The settings that only one of two files has, one a line: `with` those of `here`, `without` those of `there`.
pub fn differences(here: &[String], there: &[String]) -> Vec<String> {
    let only = |these: &[String], those: &[String], word: &str| -> Vec<String> {
        these.iter().filter(|line| !those.contains(line)).map(|line| format!("{word} `{line}`")).collect()
    };
    [only(here, there, "with"), only(there, here, "without")].concat()
}

/// The part of a name after its last dot. What is before it only makes names distinct: `2.Options`.
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
            // The section exists even if it sets nothing.
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

/// Lines, each joined with the next if it ends in a backslash.
fn whole_lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut continued = false;
    for line in text.lines() {
        let (part, more) = line.strip_suffix('\\').map_or((line, false), |part| (part, true));
        match lines.last_mut().filter(|_| continued) {
            Some(last) => last.push_str(part),
            None => lines.push(part.to_owned()),
        }
        continued = more;
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

    /// From Debian 11.
    const DEBIAN: &str = "HOME = .\nopenssl_conf = default_conf\noid_section = new_oids\n[ new_oids ]\ntsa_policy1 = 1.2\n\
                          [ req ]\ndefault_bits = 2048\n[default_conf]\nssl_conf = ssl_sect\n[ssl_sect]\n\
                          system_default = system_default_sect\n[system_default_sect]\nMinProtocol = TLSv1.2\n\
                          CipherString = DEFAULT@SECLEVEL=2\n";

    #[test]
    fn only_settings_that_decide_tls_are_reported() {
        assert_eq!(
            settings(DEBIAN),
            ["system_default.MinProtocol = TLSv1.2", "system_default.CipherString = DEFAULT@SECLEVEL=2"]
        );
        // From RHEL 9, in part, with names and values in all their spellings.
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
        fn no_text_causes_a_panic_or_a_long_list(text in "[\\[\\]=a.:\\\\\"\n ]{0,200}") {
            let text = format!("openssl_conf = a\n[a]\nssl_conf = a\n{text}");
            prop_assert!(settings(&text).len() <= MAX_SETTINGS);
        }
    }
}
