//! The columns: Apache Traffic Servers and where they come from on each distro.

use std::collections::BTreeMap;

use super::globs::Globs;
use super::local::LocalNeed;
use super::tiers::TierPair;
use crate::model::{AtsId, DistroId};

/// Build arguments that recipes get from other keys of matrix.yaml; `args` must not set them.
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
    /// Its title in tables.
    pub title: String,
    /// What `traffic_server -V` must report, digits and dots.
    pub version: String,
    /// Whether the run stays green if its cells are unavailable.
    pub optional: bool,
    /// The folder of the user's own configuration under which its cells run, relative to that of matrix.yaml; a source may
    /// have another: [`Ats::config`].
    pub config: Option<String>,
    /// Where it comes from; for each distro, the first source that matches it.
    pub sources: Vec<Source>,
    /// Where it comes from on each row that is upgraded in place; `None`: it has no cell there. `sources` do not apply to
    /// these rows.
    pub upgraded: BTreeMap<DistroId, Option<Source>>,
}

impl Ats {
    /// Where this ATS comes from on `distro`; `None` if it has no source there, so that the pair is not a cell.
    pub fn source(&self, distro: &DistroId) -> Option<&Source> {
        match self.upgraded.get(distro) {
            Some(upgraded) => upgraded.as_ref(),
            None => self.sources.iter().find(|source| source.on.matches(distro.as_str())),
        }
    }

    /// The folder of the user's own configuration under which a cell with `source` runs.
    pub fn config<'a>(&'a self, source: &'a Source) -> Option<&'a str> {
        source.config.as_deref().or(self.config.as_deref())
    }
}

/// Where an ATS comes from on some distros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Patterns over distro names; never empty.
    pub on: Globs,
    /// Where from.
    pub kind: SourceKind,
    /// What `traffic_server -V` reports for this source, a version or a range; `None`: [`Ats::version`].
    pub reports: Option<String>,
    /// Whether the run stays green if its cells are unavailable.
    pub optional: bool,
    /// Whether it has ever worked.
    pub seen: bool,
    /// The folder of the user's own configuration in its cells, in place of that of the ATS.
    pub config: Option<String>,
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
    /// Built on that distro from its own source, then moved here.
    BuildOn(DistroId),
    /// The distro family's package.
    Package(Package),
    /// A ready image of the user's own.
    Image(ReadyImage),
    /// The same ATS on that row, upgraded in place.
    Upgrade(DistroId),
    /// Two ATS, each as in a cell of its own.
    Tiers(TierPair),
    /// The user's own Dockerfile, built FROM the distro's base.
    Dockerfile(Dockerfile),
    /// Package files of the user's own, installed on the distro's base.
    Local(LocalPackages),
}

impl SourceKind {
    /// The key of matrix.yaml for this kind.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Tarball(_) => "tarball",
            Self::Rebuild(_) => "rebuild",
            Self::BuildOn(_) => "build_on",
            Self::Package(_) => "package",
            Self::Image(_) => "image",
            Self::Upgrade(_) => "upgrades",
            Self::Tiers(_) => "tiers",
            Self::Dockerfile(_) => "dockerfile",
            Self::Local(LocalPackages { format, .. }) => format.key(),
        }
    }

    /// The user's own files that it is made from.
    pub(super) fn local_need(&self) -> Option<LocalNeed> {
        match self {
            Self::Dockerfile(Dockerfile { path, context, .. }) => {
                Some(LocalNeed::Dockerfile { path: path.clone(), context: context.clone() })
            }
            Self::Local(LocalPackages { files, .. }) => Some(LocalNeed::Packages(files.clone())),
            Self::Tarball(_)
            | Self::Rebuild(_)
            | Self::BuildOn(_)
            | Self::Package(_)
            | Self::Image(_)
            | Self::Upgrade(_)
            | Self::Tiers(_) => None,
        }
    }

    /// Whether it is compiled on the distro itself, which leaves a build tree there.
    pub fn compiles(&self) -> bool {
        matches!(self, Self::Tarball(_) | Self::Rebuild(_))
    }
}

/// A release tarball.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tarball {
    /// Where to download it; the first URL that answers is used.
    pub urls: Vec<String>,
    /// How the download is verified.
    pub proof: Proof,
    /// Patches to apply, in order.
    pub patches: Vec<Patch>,
    /// Further options for `./configure`, separated by spaces; may be empty.
    pub configure: String,
}

/// How a downloaded tarball is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// Its SHA-256, lower-case hex.
    Sha256(String),
    /// A detached PGP signature by one of the project's published keys.
    Signature {
        /// URL of the signature.
        url: String,
        /// URL of the keys.
        keys_url: String,
    },
    /// URL of its SHA-512. Detects damage, but not a forgery on the same host.
    Sha512Url(String),
}

/// A patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Where to download it or its archive; the first URL that answers is used.
    pub urls: Vec<String>,
    /// SHA-256 of the download, lower-case hex.
    pub sha256: String,
    /// The patch's path in the downloaded tar archive; `None` if the download is the patch.
    pub file: Option<String>,
    /// Patterns over the files to patch; empty: all files.
    pub only: Vec<String>,
}

/// Starts from another ATS's build tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuild {
    /// The ATS whose build tree it starts from.
    pub of: AtsId,
    /// Patches to apply on top, in order; never empty.
    pub patches: Vec<Patch>,
}

/// A distro package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its exact version, a pattern with `*` (the newest match), or `latest` (what the distro has).
    pub version: String,
}

/// A ready image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyImage {
    /// Its reference.
    pub reference: String,
    /// The path of `traffic_server` in it; `None`: detected.
    pub binary: Option<String>,
}

/// A Dockerfile of the user's own. Paths are relative to the folder of matrix.yaml.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dockerfile {
    /// Its path.
    pub path: String,
    /// The folder of its context; empty: that of matrix.yaml.
    pub context: String,
    /// The build argument that gets the tag of the row's base image.
    pub base_arg: String,
    /// The path of `traffic_server` in the image; `None`: detected.
    pub binary: Option<String>,
}

/// Package files of the user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalPackages {
    /// What installs them.
    pub format: PackageFormat,
    /// Patterns over paths relative to the folder of matrix.yaml, with wildcards in file names only; never empty.
    pub files: Vec<String>,
    /// The path of the installed `traffic_server`; `None`: detected.
    pub binary: Option<String>,
}

/// The formats of packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageFormat {
    /// For dpkg and apt.
    Deb,
    /// For rpm and dnf.
    Rpm,
}

impl PackageFormat {
    /// The key of matrix.yaml, which is also the extension of the files.
    pub fn key(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Rpm => "rpm",
        }
    }

    /// The family of distros in images/ that has the other format.
    pub(super) fn foreign_family(self) -> &'static str {
        match self {
            Self::Deb => "fedora",
            Self::Rpm => "debian",
        }
    }
}
