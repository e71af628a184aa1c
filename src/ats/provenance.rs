//! Where an ATS came from: the facts that the recipe of its image recorded beside it.
//!
//! The libraries that it runs with are another matter ([`crate::distro::process`]). `traffic_layout info --versions` does
//! not answer that: it names the OpenSSL that ATS was *built* with.

use std::fmt::Write as _;

use crate::model::Release;

/// Lines of the facts that are read, and characters of the result: the file belongs to the image.
const MAX_FACTS: usize = 100;
const MAX_SOURCE: usize = 2000;

/// The source of an ATS, for people, from the file that its recipe wrote beside it (`images/README.md`). `None` when the
/// file describes a program with another digest than `binary`: the program was replaced later.
///
/// `FILE sha256:HEX (pinned) + PATCH sha256:HEX`, then `built on ...` where that differs from the distro `here`.
pub fn source(facts: &str, binary: &str, here: Option<&Release>) -> Option<String> {
    let lines: Vec<(&str, Vec<(&str, &str)>)> = facts.lines().take(MAX_FACTS).filter_map(fact).collect();
    let value = |kind: &str, key: &str| {
        let (_, words) = lines.iter().find(|(found, _)| *found == kind)?;
        words.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    };
    if value("binary", "sha256") != Some(binary) {
        return None;
    }
    let mut text = match (value("source", "sha256"), value("package", "verified")) {
        (Some(sha256), _) => {
            let file = value("source", "url").and_then(file_name).unwrap_or("a tarball");
            format!("{file} sha256:{sha256} ({})", verified(value("source", "verified").unwrap_or_default()))
        }
        (None, Some(how)) => verified(how),
        (None, None) => return None,
    };
    for (_, words) in lines.iter().filter(|(kind, _)| *kind == "patch") {
        let word = |key: &str| words.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        let name = word("file").or(word("url")).and_then(file_name).unwrap_or("a patch");
        let part = if word("only").is_some() { "part of " } else { "" };
        let _ = write!(text, " + {part}{name} sha256:{}", word("sha256").unwrap_or("?"));
    }
    if let (Some(id), Some(version)) = (value("built", "id"), value("built", "version"))
        && here.is_none_or(|here| here.id != id || here.version != version)
    {
        // Debian testing and unstable have no version.
        let version = if version.is_empty() { String::new() } else { format!(" {version}") };
        let _ = write!(text, ", built on {id}{version}");
    }
    Some(text.chars().take(MAX_SOURCE).collect())
}

/// `KIND KEY=VALUE ...`.
fn fact(line: &str) -> Option<(&str, Vec<(&str, &str)>)> {
    let (kind, words) = line.split_once(' ')?;
    Some((kind, words.split_whitespace().filter_map(|word| word.split_once('=')).collect()))
}

fn file_name(path: &str) -> Option<&str> {
    path.rsplit('/').next().filter(|name| !name.is_empty())
}

/// How a download or a package was verified, for people.
fn verified(how: &str) -> String {
    let word = |how: &str| match how.split_once(':') {
        Some(("signature", key)) => format!("signed by {key}"),
        Some(("sha256", hex)) => format!("sha256:{hex} (pinned)"),
        _ => match how {
            "sha256" => "pinned".to_owned(),
            "sha512" => "sha512 as published".to_owned(),
            "repository" => "out of a signed repository".to_owned(),
            _ => "not verified".to_owned(),
        },
    };
    how.split(',').map(word).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARBALL: &str = "\
source sha256=aa11 verified=signature:0BAD,sha512 url=https://a.test/dist/ats-9.2.5.tar.bz2
patch url=http://d.test/x.debian.tar.xz url=http://e.test/y sha256=bb22 file=debian/patches/0023-update-to-929.patch only=iocore/net/*
built id=debian version=12
binary sha256=cc33
";

    #[test]
    fn a_source_is_described_with_its_verification_and_patches() {
        let here = |version: &str| Release { id: "debian".into(), version: version.into(), ..Release::default() };
        let expected = "ats-9.2.5.tar.bz2 sha256:aa11 (signed by 0BAD, sha512 as published) \
                    + part of 0023-update-to-929.patch sha256:bb22";
        assert_eq!(source(TARBALL, "cc33", Some(&here("12"))).as_deref(), Some(expected));
        let moved = source(TARBALL, "cc33", Some(&here("13"))).unwrap();
        assert_eq!(moved, format!("{expected}, built on debian 12"));
        let without = TARBALL.replace("version=12", "version=");
        assert_eq!(source(&without, "cc33", Some(&here("12"))).unwrap(), format!("{expected}, built on debian"));
        for (verified, text) in [
            ("repository", "out of a signed repository"),
            ("signature:4f", "signed by 4f"),
            ("sha256:dd44", "sha256:dd44 (pinned)"),
            ("nothing", "not verified"),
        ] {
            let facts = format!("package name=trafficserver version=9.2.5-1 verified={verified}\nbinary sha256=cc33\n");
            assert_eq!(source(&facts, "cc33", None).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_file_about_another_program_is_ignored() {
        assert_eq!(source(TARBALL, "dd44", None), None);
        assert_eq!(source("source sha256=aa11 verified=sha256 url=x\n", "cc33", None), None, "and without a program");
        assert_eq!(source("", "", None), None);
        assert_eq!(source("binary sha256=cc33\n", "cc33", None), None);
    }
}
