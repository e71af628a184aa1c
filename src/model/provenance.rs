//! Exactly what ran, as found at run time inside the cell.

use serde::{Deserialize, Serialize};

/// What a cell really consisted of. Every field is as found, never as declared; `None` means that
/// it could not be found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// `/etc/os-release` of the ATS image.
    pub distro: Option<Release>,
    /// `uname -r`: containers share the engine's kernel.
    pub kernel: Option<String>,
    /// The C library that ATS has mapped, for example `glibc 2.41` (and its package).
    pub libc: Option<Library>,
    /// The `libssl` that the running ATS process has mapped: not the one it was built with, not the
    /// one `openssl version` speaks of.
    pub openssl: Option<Library>,
    /// The ATS that ran.
    pub ats: Option<AtsBuild>,
    /// The images that ran; filled in by the runner, containers do not know them.
    pub images: Option<ImageDigests>,
}

/// `/etc/os-release`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// `ID`, for example `debian`.
    pub id: String,
    /// `VERSION_ID`, empty in Debian's testing and unstable.
    pub version: String,
    /// `PRETTY_NAME`.
    pub name: String,
}

/// A shared library as mapped by the running ATS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Library {
    /// Its version, for example `3.5.7`.
    pub version: String,
    /// The file, as `/proc/PID/maps` names it.
    pub path: String,
    /// The distro package that owns the file, as `name version-release`.
    pub package: Option<String>,
}

/// The ATS that ran.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtsBuild {
    /// What `traffic_server -V` reports, for example `9.2.9`.
    pub reported: String,
    /// The path of `traffic_server`.
    pub binary: String,
    /// The distro package that owns the binary, as `name version-release`.
    pub package: Option<String>,
    /// The release tarball it was built from, as `FILE sha256:HEX`, with its patches.
    pub source: Option<String>,
}

/// Image ids of a cell's containers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageDigests {
    /// The ATS image below the agent layer, `sha256:...`.
    pub ats: String,
    /// Digest of all inputs that image was made from.
    pub recipe: String,
}
