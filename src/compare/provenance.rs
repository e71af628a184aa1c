//! What changed in what ran. Knows every field of [`Provenance`] and none of their meanings.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{AtsBuild, ImageDigests, Library, Provenance, Release};

/// One thing that provenance tells, in the order of reports: what most often explains a change
/// comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// Version of the `libssl` that ATS had loaded.
    Openssl,
    /// Its package.
    OpensslPackage,
    /// Its file.
    OpensslPath,
    /// What ATS reports as its version.
    Ats,
    /// Its package.
    AtsPackage,
    /// Its source.
    AtsSource,
    /// The path of its binary.
    AtsBinary,
    /// The distro's release.
    Distro,
    /// The C library.
    Libc,
    /// Its package.
    LibcPackage,
    /// Its file.
    LibcPath,
    /// The engine's kernel.
    Kernel,
    /// The digest of the ATS image.
    Image,
    /// The digest of everything that image was made from.
    Recipe,
}

impl Field {
    /// The words used in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Openssl => "OpenSSL",
            Self::OpensslPackage => "OpenSSL package",
            Self::OpensslPath => "OpenSSL file",
            Self::Ats => "ATS reported",
            Self::AtsPackage => "ATS package",
            Self::AtsSource => "ATS source",
            Self::AtsBinary => "ATS binary",
            Self::Distro => "distro release",
            Self::Libc => "C library",
            Self::LibcPackage => "C library package",
            Self::LibcPath => "C library file",
            Self::Kernel => "kernel",
            Self::Image => "image",
            Self::Recipe => "recipe",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Something about what ran that is not the same on both sides. Texts are as found in containers:
/// hostile until escaped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Fact {
    /// Which.
    pub field: Field,
    /// Before; `None`: it was not known.
    pub before: Option<String>,
    /// After; `None`: it is not known.
    pub after: Option<String>,
}

/// Everything that differs between `before` and `after`, in the order of [`Field`].
pub fn provenance(before: &Provenance, after: &Provenance) -> Vec<Fact> {
    let pairs = facts(before).into_iter().zip(facts(after));
    pairs
        .filter(|(before, after)| before.1 != after.1)
        .map(|((field, before), (_, after))| Fact { field, before, after })
        .collect()
}

/// Every field, in the order of [`Field`]. Taken apart completely: a new field of the model does
/// not compile until it is compared.
fn facts(provenance: &Provenance) -> [(Field, Option<String>); 14] {
    let Provenance { distro, kernel, libc, openssl, ats, images } = provenance;
    let [openssl, openssl_path, openssl_package] = library(openssl.as_ref());
    let [libc, libc_path, libc_package] = library(libc.as_ref());
    let [reported, binary, ats_package, source] = match ats.clone() {
        Some(AtsBuild { reported, binary, package, source }) => [Some(reported), Some(binary), package, source],
        None => [const { None }; 4],
    };
    let [image, recipe] = match images.clone() {
        Some(ImageDigests { ats, recipe }) => [Some(ats), Some(recipe)],
        None => [const { None }; 2],
    };
    [
        (Field::Openssl, openssl),
        (Field::OpensslPackage, openssl_package),
        (Field::OpensslPath, openssl_path),
        (Field::Ats, reported),
        (Field::AtsPackage, ats_package),
        (Field::AtsSource, source),
        (Field::AtsBinary, binary),
        (Field::Distro, distro.as_ref().map(release)),
        (Field::Libc, libc),
        (Field::LibcPackage, libc_package),
        (Field::LibcPath, libc_path),
        (Field::Kernel, kernel.clone()),
        (Field::Image, image),
        (Field::Recipe, recipe),
    ]
}

fn library(library: Option<&Library>) -> [Option<String>; 3] {
    match library.cloned() {
        Some(Library { version, path, package }) => [Some(version), Some(path), package],
        None => [const { None }; 3],
    }
}

/// The pretty name, with what it may hide: Debian's testing keeps its name while it moves.
fn release(release: &Release) -> String {
    let Release { id, version, name } = release;
    format!("{name} ({id} {version})").replace(" )", ")")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::fixture;

    fn words(facts: &[Fact]) -> Vec<String> {
        let side = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".into());
        facts.iter().map(|fact| format!("{}: {} -> {}", fact.field, side(&fact.before), side(&fact.after))).collect()
    }

    #[test]
    fn nothing_differs_from_itself() {
        let ran = fixture::provenance("debian-12", "3.0.20");
        assert!(provenance(&ran, &ran).is_empty());
        assert!(provenance(&Provenance::default(), &Provenance::default()).is_empty());
    }

    #[test]
    fn what_changed_is_named_and_the_likely_culprit_comes_first() {
        let (before, after) = (fixture::provenance("debian-12", "3.0.20"), fixture::provenance("debian-13", "3.5.7"));
        let words = words(&provenance(&before, &after));
        assert_eq!(words[0], "OpenSSL: 3.0.20 -> 3.5.7");
        assert_eq!(words[1], "OpenSSL package: libssl3 3.0.20-1 -> libssl3 3.5.7-1");
        assert!(words.contains(&"distro release: Debian 12 (debian 12) -> Debian 13 (debian 13)".to_owned()));
    }

    #[test]
    fn every_field_is_compared_and_unknown_is_not_the_same_as_known() {
        let ran = fixture::provenance("debian-12", "3.0.20");
        let facts = provenance(&Provenance::default(), &ran);
        assert_eq!(facts.len(), 14, "{facts:?}");
        assert!(facts.iter().all(|fact| fact.before.is_none() && fact.after.is_some()));
        assert!(facts.is_sorted_by_key(|fact| fact.field));
    }
}
