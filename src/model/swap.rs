//! What bisecting requests from a cell: an ATS process with some parts from another image, and an inventory of all its parts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Placeholder in [`Swap::environment`] for the folder in which the agent writes [`Swap::files`]; every life of ATS has its own.
pub const SWAP_FOLDER: &str = "/run/atsmatrix/swap";

/// The parts that the `traffic_server` process takes from elsewhere. Other programs in the container, such as curl and the
/// agent, are not affected. The empty value changes nothing, and the cell still reports its [`Inventory`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swap {
    /// Shared libraries that take precedence over the system's: paths in the image by soname.
    pub libraries: BTreeMap<String, String>,
    /// The dynamic loader to start with, a path in the image. The loader and the C library belong together and are swapped
    /// together.
    pub loader: Option<String>,
    /// Environment variables; `None` unsets a variable.
    pub environment: BTreeMap<String, Option<String>>,
    /// Files to write to [`SWAP_FOLDER`], by name.
    pub files: BTreeMap<String, String>,
    /// Files of an ATS configuration with lower precedence than the cell's own, by name: records are written before the cell's,
    /// every other file is used if the cell has none.
    pub config: BTreeMap<String, String>,
    /// Whether to report the whole inventory, or only the mapped libraries.
    pub account: bool,
}

/// The parts of a running ATS, and the files it reads, that depend on the distro.
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
    /// Present values of kernel settings that belong to a container, such as `net.ipv4.tcp_fastopen`.
    pub sysctls: BTreeMap<String, String>,
    /// Kernel settings that the distro's sysctl.d would set on a host.
    pub wanted_sysctls: BTreeMap<String, String>,
}

/// One shared library of a process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapped {
    /// Its `DT_SONAME`, for example `libssl.so.3`.
    pub soname: String,
    /// Path, as in `/proc/PID/maps`.
    pub path: String,
    /// SHA-256 of the file, hex.
    pub sha256: String,
    /// Version, if the file contains it (OpenSSL, glibc).
    pub version: Option<String>,
    /// The distro package that owns the file, as `name version-release`.
    pub package: Option<String>,
    /// The source package, for example `openssl`.
    pub source: Option<String>,
    /// Whether it belongs to ATS itself.
    pub own: bool,
}
