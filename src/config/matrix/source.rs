//! The columns: Apache Traffic Servers and where they come from on which distro.

use std::collections::BTreeMap;

use super::globs::Globs;
use crate::model::{AtsId, DistroId};

/// Build arguments that recipes get from the keys of matrix.yaml; `args` must not set them.
pub const RESERVED_ARGS: &[&str] = &[
    "BASE",
    "BUILD",
    "FAMILY",
    "PACKAGE",
    "VERSION",
    "URLS",
    "SHA256",
    "SIGNATURE_URL",
    "KEYS_URL",
    "SHA512_URL",
    "PATCHES",
    "CONFIGURE",
];

/// An Apache Traffic Server: a column of the matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ats {
    /// Its name.
    pub id: AtsId,
    /// What the table calls it.
    pub title: String,
    /// What `traffic_server -V` must report, digits and dots.
    pub version: String,
    /// Whether its unavailable cells are reported without turning the run red.
    pub optional: bool,
    /// Where it comes from, by distro; the first source that names a distro counts.
    pub sources: Vec<Source>,
}

impl Ats {
    /// Where this ATS comes from on `distro`; `None`: nowhere, the pair is no cell.
    pub fn source(&self, distro: &DistroId) -> Option<&Source> {
        self.sources.iter().find(|source| source.on.matches(distro.as_str()))
    }
}

/// Where an ATS comes from on some distros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Patterns over distro names; never empty.
    pub on: Globs,
    /// Where from.
    pub kind: SourceKind,
    /// What `traffic_server -V` reports when it comes from here, or a range of versions; `None`: [`Ats::version`].
    pub reports: Option<String>,
    /// Whether its unavailable cells are reported without turning the run red.
    pub optional: bool,
    /// Whether anybody has seen it work.
    pub seen: bool,
    /// Build arguments for its recipes; they override the distro's.
    pub args: BTreeMap<String, String>,
}

/// The kinds of source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceKind {
    /// Built on the distro from a release tarball.
    Tarball(Tarball),
    /// Built on the distro from another ATS's build tree.
    Rebuild(Rebuild),
    /// Built on that distro as its own source says, then moved here.
    BuildOn(DistroId),
    /// The distro family's package.
    Package(Package),
    /// A ready image of the user's own.
    Image(ReadyImage),
}

impl SourceKind {
    /// The key of matrix.yaml that makes this kind.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Tarball(_) => "tarball",
            Self::Rebuild(_) => "rebuild",
            Self::BuildOn(_) => "build_on",
            Self::Package(_) => "package",
            Self::Image(_) => "image",
        }
    }

    /// Whether it compiles on the distro itself, so that a build tree stands there.
    pub fn compiles(&self) -> bool {
        matches!(self, Self::Tarball(_) | Self::Rebuild(_))
    }
}

/// A release tarball.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tarball {
    /// Where to fetch it; the first that answers is used.
    pub urls: Vec<String>,
    /// How it is known to be the right one.
    pub proof: Proof,
    /// Applied in order.
    pub patches: Vec<Patch>,
    /// Further options of `./configure`, separated by blanks; may be empty.
    pub configure: String,
}

/// How a tarball is known to be the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// Its SHA-256, lower-case hex.
    Sha256(String),
    /// A detached PGP signature by one of the project's published keys.
    Signature {
        /// Where the signature is.
        url: String,
        /// Where the keys are.
        keys_url: String,
    },
    /// Where its SHA-512 is published: guards against damage, not against a forger on the same host.
    Sha512Url(String),
}

/// A patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Where to fetch it, or the archive it is in; the first that answers is used.
    pub urls: Vec<String>,
    /// SHA-256 of what is fetched, lower-case hex.
    pub sha256: String,
    /// The patch's path in the fetched tar archive; `None`: the fetched file is the patch.
    pub file: Option<String>,
    /// Apply only hunks for files that match one of these patterns; empty: all.
    pub only: Vec<String>,
}

/// Starts from another ATS's build tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuild {
    /// The ATS whose tree it starts from.
    pub of: AtsId,
    /// Applied in order on top; never empty.
    pub patches: Vec<Patch>,
}

/// A distro package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its exact version, a pattern with `*` (the newest that matches), or `latest` (as the distro has it).
    pub version: String,
}

/// A ready image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyImage {
    /// Its reference.
    pub reference: String,
    /// Where `traffic_server` is in it; `None`: found out.
    pub binary: Option<String>,
}
