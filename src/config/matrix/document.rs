//! matrix.yaml as it is written: the serde structs, which are also the source of the published schema. They define the
//! keys and their types; `check` decides what the texts mean.
//!
//! Every leaf is a text, a number or a boolean, so that `check` can report all invalid ones at once.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::bootstrap::BootstrapEntry;
use super::limits::DefaultsEntry;
use super::local::{DockerfileEntry, LocalPackagesEntry};
use super::tiers::TiersEntry;
use super::trial::TrialEntry;
use crate::model::{OriginProgram, Verdict};

/// The matrix of atsmatrix: which distros run which Apache Traffic Servers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "matrix.yaml")]
pub(super) struct Document {
    /// Version of the file format: 1.
    #[expect(dead_code, reason = "other versions are refused before this is read")]
    #[schemars(range(min = 1, max = 1))]
    pub(super) version: u32,
    /// The rows, in order: from name to distro.
    pub(super) distros: IndexMap<String, DistroEntry>,
    /// Further rows: distros that are upgraded in place. From name to upgrade; each is placed below the row that it ends on.
    #[serde(default)]
    pub(super) upgrades: IndexMap<String, UpgradeEntry>,
    /// The columns, in order: from name to Apache Traffic Server.
    pub(super) ats: IndexMap<String, AtsEntry>,
    /// Cells with two ATS, a child and its parent: from name to tiers. Every pair is a cell.
    #[serde(default)]
    pub(super) tiers: IndexMap<String, TiersEntry>,
    /// Origins in addition to the instrumented one that every cell has.
    pub(super) origins: Option<OriginsEntry>,
    /// Cells to exclude.
    #[serde(default)]
    pub(super) exclude: Vec<ExcludeEntry>,
    /// Cells to include although an `exclude` entry matches them.
    #[serde(default)]
    pub(super) include: Vec<IncludeEntry>,
    /// Trials of your own, in order: from id to trial. They run in every cell beside the built-in ones.
    #[serde(default)]
    pub(super) trials: IndexMap<String, TrialEntry>,
    /// Files with further trials of your own, relative to the folder of matrix.yaml; file names may be patterns.
    #[serde(default)]
    pub(super) trial_files: Vec<String>,
    /// Verdicts that are expected.
    #[serde(default)]
    pub(super) expect: Vec<ExpectEntry>,
    /// Limits for every cell.
    pub(super) defaults: Option<DefaultsEntry>,
    /// Mirrors and registries to use in place of public ones: from host, with or without a path, to mirror.
    #[serde(default)]
    pub(super) mirrors: IndexMap<String, String>,
}

/// A distro: a row.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DistroEntry {
    /// Its title in tables; default: its name.
    pub(super) title: Option<String>,
    /// The folder `images/<family>/` with the recipes for its packages.
    pub(super) family: String,
    /// Reference of its base image, used if its registry is reachable; may be pinned by digest.
    pub(super) image: Option<String>,
    /// How to make its base image from a package mirror, for machines without a registry.
    pub(super) bootstrap: Option<BootstrapEntry>,
    /// What `/etc/os-release` contains in its cells; default: taken from a name like `debian-12`.
    pub(super) os: Option<OsEntry>,
    /// Version of the OpenSSL in its packages, for `atsmatrix predict` before any run has found it; a run never uses it.
    pub(super) openssl: Option<String>,
    /// If true, its unavailable cells are reported and do not turn `run` red.
    #[serde(default)]
    pub(super) optional: bool,
    /// False if this row has never worked anywhere yet; reports of its unavailable cells say so.
    #[serde(default = "yes")]
    pub(super) seen: bool,
    /// True if it shows a future release that changes daily: its unavailable cells do not turn `run` red
    /// either.
    #[serde(default)]
    pub(super) forecast: bool,
    /// Build arguments for every recipe that runs on it.
    #[serde(default)]
    pub(super) args: BTreeMap<String, String>,
}

/// A row whose cells start from the images of another row, which are upgraded in place as hosts are: by the package manager of
/// the distro, with configuration files kept. It has a cell for every ATS of that row, except ready images.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpgradeEntry {
    /// Its title in tables; default: from `from` and `to`.
    pub(super) title: Option<String>,
    /// The row whose images are upgraded: a distro, or an upgrade above this one.
    pub(super) from: String,
    /// The distro to upgrade to. Its package sources replace the old ones.
    pub(super) to: String,
    /// What `traffic_server -V` reports after an upgrade that replaces it, by ATS: a version or a range; default: what it
    /// reports before.
    #[serde(default)]
    pub(super) reports: IndexMap<String, String>,
    /// If true, its unavailable cells are reported and do not turn `run` red.
    #[serde(default)]
    pub(super) optional: bool,
    /// False if this upgrade has never worked anywhere yet; reports of its unavailable cells say so.
    #[serde(default = "yes")]
    pub(super) seen: bool,
}

/// What `/etc/os-release` contains.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OsEntry {
    /// `ID`, for example `debian`.
    pub(super) id: String,
    /// `VERSION_ID`, or its first parts: "9" matches every 9.x; default: any.
    pub(super) version: Option<String>,
    /// `VERSION_CODENAME`, for example `forky`; default: any.
    pub(super) codename: Option<String>,
}

/// Origins in addition to the instrumented one that every cell has.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OriginsEntry {
    /// nginx, from the packages of a distro.
    nginx: Option<OriginEntry>,
    /// Apache httpd, from the packages of a distro.
    httpd: Option<OriginEntry>,
}

impl OriginsEntry {
    /// The entry of `program`.
    pub(super) fn take(&mut self, program: OriginProgram) -> Option<OriginEntry> {
        match program {
            OriginProgram::Nginx => self.nginx.take(),
            OriginProgram::Httpd => self.httpd.take(),
        }
    }
}

/// An origin's image.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OriginEntry {
    /// The distro whose packages it is built from.
    pub(super) on: String,
}

pub(super) fn yes() -> bool {
    true
}

/// An Apache Traffic Server: a column.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AtsEntry {
    /// Its title in tables; default: its name.
    pub(super) title: Option<String>,
    /// What `traffic_server -V` must report; default: its name.
    pub(super) version: Option<String>,
    /// If true, its unavailable cells are reported and do not turn `run` red.
    #[serde(default)]
    pub(super) optional: bool,
    /// A folder with a configuration of your own (/etc/trafficserver) for its cells, relative to that of matrix.yaml.
    pub(super) config: Option<String>,
    /// Where it comes from; for each distro, the first source that matches it is used.
    #[schemars(length(min = 1))]
    pub(super) sources: Vec<SourceEntry>,
}

/// Where an ATS comes from: one of `tarball`, `rebuild`, `build_on`, `package`, `image`, `dockerfile`, `deb`, `rpm`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceEntry {
    /// Patterns over distro names.
    #[schemars(length(min = 1))]
    pub(super) on: Vec<String>,
    /// Built on the distro from a release tarball.
    pub(super) tarball: Option<TarballEntry>,
    /// Built on the distro from another ATS's build tree with further patches.
    pub(super) rebuild: Option<RebuildEntry>,
    /// Built on that distro from its own source, then moved here, as an in-place upgrade does with a self-built ATS.
    pub(super) build_on: Option<String>,
    /// The distro family's package.
    pub(super) package: Option<PackageEntry>,
    /// A ready image of your own.
    pub(super) image: Option<ImageEntry>,
    /// A Dockerfile of your own, built FROM the distro's base.
    pub(super) dockerfile: Option<DockerfileEntry>,
    /// Debian packages of your own, installed on the distro's base.
    pub(super) deb: Option<LocalPackagesEntry>,
    /// RPM packages of your own, installed on the distro's base.
    pub(super) rpm: Option<LocalPackagesEntry>,
    /// What `traffic_server -V` reports for this source, a version or a range like `>=9.2.9,<9.3`; default: the ATS's
    /// `version`.
    pub(super) reports: Option<String>,
    /// False if this source has never worked anywhere yet; reports of its unavailable cells say so.
    #[serde(default = "yes")]
    pub(super) seen: bool,
    /// If true, its unavailable cells are reported and do not turn `run` red.
    #[serde(default)]
    pub(super) optional: bool,
    /// In place of the `config` of the ATS, for cells with this source.
    pub(super) config: Option<String>,
    /// Build arguments for this source's recipes; they override the distro's.
    #[serde(default)]
    pub(super) args: BTreeMap<String, String>,
}

/// A release tarball. Exactly one proof: `sha256`, `signature` or `sha512_url`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TarballEntry {
    /// Where to download it; the first URL that answers is used.
    #[schemars(length(min = 1))]
    pub(super) urls: Vec<String>,
    /// Its SHA-256, 64 hex digits.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub(super) sha256: Option<String>,
    /// Its detached PGP signature.
    pub(super) signature: Option<SignatureEntry>,
    /// Where its SHA-512 is published. Detects damage, but not a forgery on the same host.
    pub(super) sha512_url: Option<String>,
    /// Patches to apply, in order.
    #[serde(default)]
    pub(super) patches: Vec<PatchEntry>,
    /// Further options for `./configure`, separated by spaces.
    pub(super) configure: Option<String>,
}

/// A detached PGP signature.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignatureEntry {
    /// Where to download the signature.
    pub(super) url: String,
    /// Where the project publishes the keys that sign its releases.
    pub(super) keys_url: String,
}

/// A patch, by itself or in a tar archive.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PatchEntry {
    /// Where to download it; the first URL that answers is used.
    #[schemars(length(min = 1))]
    pub(super) urls: Vec<String>,
    /// SHA-256 of the download, 64 hex digits.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub(super) sha256: String,
    /// If the download is a tar archive: the path of the patch in it.
    pub(super) file: Option<String>,
    /// Apply only the changes to files that match one of these patterns.
    #[serde(default)]
    pub(super) only: Vec<String>,
}

/// Starts from another ATS's build tree, which takes seconds instead of minutes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RebuildEntry {
    /// The ATS whose build tree it starts from.
    pub(super) of: String,
    /// Patches to apply on top of it, in order.
    #[schemars(length(min = 1))]
    pub(super) patches: Vec<PatchEntry>,
}

/// A distro package.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PackageEntry {
    /// Its name, for example `trafficserver`.
    pub(super) name: String,
    /// Its exact version, a pattern with `*` (the newest match), or `latest` (what the distro has).
    pub(super) version: String,
}

/// A ready image.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ImageEntry {
    /// Its reference, for example `registry.example.com/ats:prod`.
    pub(super) reference: String,
    /// The path of `traffic_server` in it; default: detected.
    pub(super) binary: Option<String>,
}

/// Cells to exclude.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExcludeEntry {
    /// Patterns over distro names; default: every distro.
    pub(super) distro: Option<Vec<String>>,
    /// Patterns over ATS names; default: every ATS.
    pub(super) ats: Option<Vec<String>>,
    /// In one line, why they are excluded.
    pub(super) reason: String,
}

/// A cell to include although an `exclude` entry matches it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IncludeEntry {
    /// The distro's name.
    pub(super) distro: String,
    /// The ATS's name.
    pub(super) ats: String,
}

/// An expected verdict. It applies to a cell if all its conditions hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectEntry {
    /// Patterns over distro names.
    pub(super) distro: Option<Vec<String>>,
    /// Patterns over ATS names.
    pub(super) ats: Option<Vec<String>>,
    /// Patterns over cell names, as in `debian-13/9.2.5`.
    pub(super) cells: Option<Vec<String>>,
    /// Patterns over the names of cells that it does not apply to.
    pub(super) except: Option<Vec<String>>,
    /// Version range of the OpenSSL that the running ATS has loaded.
    pub(super) openssl: Option<String>,
    /// Version range of the running ATS, as it reports it.
    pub(super) ats_version: Option<String>,
    /// Patterns over the trials that may fail; default: any. A trial named in full must fail.
    pub(super) trials: Option<Vec<String>>,
    /// The known issue that it is about, as `atsmatrix explain` names it: only failures that are certainly this issue are
    /// expected. With the verdict pass: the known limitation that this cell does not have.
    pub(super) issue: Option<String>,
    /// The expected verdict: `fail`, `unbuildable`, `broken` or `flaky`; with an `issue` also `pass`.
    pub(super) verdict: ExpectedVerdict,
    /// In one line, why this is accepted.
    pub(super) reason: String,
    /// Where to read more.
    pub(super) link: Option<String>,
    /// The last day on which it is accepted, as YYYY-MM-DD.
    pub(super) expires: Option<String>,
}

/// The verdicts that can be expected. Problems of the infrastructure cannot be: see `optional`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ExpectedVerdict {
    /// At least one trial fails.
    Fail,
    /// It cannot be built on the distro.
    Unbuildable,
    /// The upgrade of the distro removed ATS, or ATS does not start after it.
    Broken,
    /// At least one trial sometimes passes and sometimes fails.
    Flaky,
    /// The trials that the known `issue` limits pass: this build has the fix.
    Pass,
}

impl From<ExpectedVerdict> for Verdict {
    fn from(verdict: ExpectedVerdict) -> Self {
        match verdict {
            ExpectedVerdict::Fail => Self::Fail,
            ExpectedVerdict::Unbuildable => Self::Unbuildable,
            ExpectedVerdict::Broken => Self::Broken,
            ExpectedVerdict::Flaky => Self::Flaky,
            ExpectedVerdict::Pass => Self::Pass,
        }
    }
}

/// The JSON schema (draft 2020-12) of matrix.yaml.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Document).to_value()
}
