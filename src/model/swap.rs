//! What bisecting asks of a cell: an ATS process that takes some parts from another image, and an
//! account of everything it then consists of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Stands in [`Swap::environment`] for the folder in which the agent writes [`Swap::files`]: every life of ATS has
/// one of its own.
pub const SWAP_FOLDER: &str = "/run/atsmatrix/swap";

/// What the `traffic_server` process takes from elsewhere. Nothing else in the container is
/// affected: neither curl nor the agent. The empty value changes nothing, and the cell still tells its
/// [`Inventory`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swap {
    /// Shared libraries that stand before the system's: soname to the file's path in the image.
    pub libraries: BTreeMap<String, String>,
    /// The dynamic loader to start with, a path in the image. The loader and the C library are parts of
    /// one thing, so whoever swaps one swaps both.
    pub loader: Option<String>,
    /// Environment variables; `None` unsets one.
    pub environment: BTreeMap<String, Option<String>>,
    /// Files to write, by name; [`SWAP_FOLDER`] stands for their folder.
    pub files: BTreeMap<String, String>,
    /// Files of an ATS configuration that lie below the cell's own, by name: records come before the
    /// cell's, every other file is used where the cell has none.
    pub config: BTreeMap<String, String>,
    /// Whether to tell the whole inventory, or only which libraries are mapped.
    pub account: bool,
}

/// What a running ATS consists of and reads, as far as a distro decides it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// SHA-256 of `traffic_server`, hex.
    pub binary: String,
    /// Every shared library that the process has mapped, by soname.
    pub libraries: Vec<Mapped>,
    /// Configuration of the system, each file as one text without comments: `openssl.cnf` (with what
    /// it includes), and the others by their path.
    pub files: BTreeMap<String, String>,
    /// The image's own ATS configuration, by file name. Cells write their own and do not read it.
    pub config: BTreeMap<String, String>,
    /// Variables that choose a locale, those of the container and those that the distro's files set.
    pub locale: BTreeMap<String, String>,
    /// Kernel settings that belong to a container, as they are (`net.ipv4.tcp_fastopen`).
    pub sysctls: BTreeMap<String, String>,
    /// Kernel settings that the distro's sysctl.d would set on a host.
    pub wanted_sysctls: BTreeMap<String, String>,
}

/// One shared library of a process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapped {
    /// Its `DT_SONAME`, for example `libssl.so.3`.
    pub soname: String,
    /// The file, as `/proc/PID/maps` names it.
    pub path: String,
    /// SHA-256 of the file, hex.
    pub sha256: String,
    /// Its own version where the file tells it (OpenSSL, glibc).
    pub version: Option<String>,
    /// The distro package that owns the file, as `name version-release`.
    pub package: Option<String>,
    /// The source package that was made from, for example `openssl`.
    pub source: Option<String>,
    /// Whether it belongs to ATS itself.
    pub own: bool,
}
