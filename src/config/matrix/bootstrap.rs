//! How a base image is made from a package mirror: as it is written, and what it means.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

/// How to make a base image from a package mirror: a `suite` by apt, or a `release` by dnf.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BootstrapEntry {
    /// The suite of apt, for example `bookworm`. Exactly one of `suite` and `release`.
    pub(super) suite: Option<String>,
    /// Of a suite: lines of sources.list.
    #[schemars(length(min = 1))]
    pub(super) sources: Option<Vec<String>>,
    /// Of a suite: false accepts a Release file after its Valid-Until date, which weakens the check of its origin.
    pub(super) check_valid_until: Option<bool>,
    /// The release for dnf, for example "40": its `$releasever`.
    pub(super) release: Option<String>,
    /// Of a release: base URLs of repositories; dnf fills in `$releasever` and `$basearch`.
    #[schemars(length(min = 1))]
    pub(super) repositories: Option<Vec<String>>,
    /// Of a release: the keys that its packages must be signed with. Each is a file of Debian's package
    /// distribution-gpg-keys, for example `fedora/RPM-GPG-KEY-fedora-40-primary`, or the key itself in ASCII armour.
    #[schemars(length(min = 1))]
    pub(super) gpg_keys: Option<Vec<String>>,
    /// Of a release: the packages to install; default: those of a small Fedora with dnf.
    #[schemars(length(min = 1))]
    pub(super) packages: Option<Vec<String>>,
    /// What to use if `sources` or `repositories` fail, for a suite or release that has left its mirrors.
    #[serde(default)]
    pub(super) archive: Vec<String>,
}

/// How to make a base image from a package mirror.
#[derive(Clone, PartialEq, Eq)]
pub enum Bootstrap {
    /// A suite of Debian or Ubuntu, with mmdebstrap.
    Suite(AptSuite),
    /// A release of Fedora or one of its relatives, with dnf.
    Release(RpmRelease),
}

/// A suite of Debian or Ubuntu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AptSuite {
    /// The suite, for example `bookworm`.
    pub suite: String,
    /// Lines of sources.list.
    pub sources: Vec<String>,
    /// Lines of sources.list to try if `sources` fail; empty if the suite has no archive.
    pub archive: Vec<String>,
    /// False accepts a Release file after its Valid-Until date.
    pub check_valid_until: bool,
}

/// A release of a distro with rpm and dnf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpmRelease {
    /// The release, for example `40`.
    pub release: String,
    /// Base URLs of repositories.
    pub repositories: Vec<String>,
    /// Base URLs to try if `repositories` fail; empty if the release has no archive.
    pub archive: Vec<String>,
    /// Names of keys, or keys in ASCII armour.
    pub gpg_keys: Vec<String>,
    /// The packages to install; they bring what they depend on.
    pub packages: Vec<String>,
}

impl Bootstrap {
    /// What is made, in words.
    pub fn subject(&self) -> String {
        match self {
            Self::Suite(it) => it.suite.clone(),
            Self::Release(it) => format!("release {}", it.release),
        }
    }

    /// The image that its distro usually publishes.
    pub fn usual_image(&self) -> String {
        match self {
            Self::Suite(it) => format!("docker.io/library/debian:{}-slim", it.suite),
            Self::Release(it) => format!("registry.fedoraproject.org/fedora:{}", it.release),
        }
    }

    /// The same from its archive; `None` if it has none.
    #[must_use]
    pub fn archived(&self) -> Option<Self> {
        let archived = match self.clone() {
            Self::Suite(it) => Self::Suite(AptSuite { sources: it.archive.clone(), ..it }),
            Self::Release(it) => Self::Release(RpmRelease { repositories: it.archive.clone(), ..it }),
        };
        let (Self::Suite(AptSuite { archive, .. }) | Self::Release(RpmRelease { archive, .. })) = self;
        (!archive.is_empty()).then_some(archived)
    }

    /// The same with `address` applied to every line that has addresses.
    #[must_use]
    pub fn with_addresses(self, address: impl Fn(&str) -> String) -> Self {
        let all = |lines: &[String]| lines.iter().map(|line| address(line)).collect();
        match self {
            Self::Suite(it) => Self::Suite(AptSuite { sources: all(&it.sources), archive: all(&it.archive), ..it }),
            Self::Release(it) => {
                let (repositories, archive) = (all(&it.repositories), all(&it.archive));
                Self::Release(RpmRelease { repositories, archive, ..it })
            }
        }
    }
}

/// Tags of images are digests of this form (`plan::bootstrapper`): any change makes every base image anew. A suite has
/// the form from before there were releases.
impl fmt::Debug for Bootstrap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Suite(AptSuite { suite, sources, archive, check_valid_until }) => f
                .debug_struct("Bootstrap")
                .field("suite", suite)
                .field("sources", sources)
                .field("archive", archive)
                .field("check_valid_until", check_valid_until)
                .finish(),
            Self::Release(it) => it.fmt(f),
        }
    }
}
