//! matrix.yaml as it is written: the serde structs, from which the published schema is made too.
//! Knows the keys and their shapes; what the texts in them mean is for `check` to say.
//!
//! Every leaf is a text, a number or a flag, so that `check` can report all bad ones at once.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::{OriginProgram, Verdict};

/// The matrix of atsmatrix: which distros meet which Apache Traffic Servers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "matrix.yaml")]
pub(super) struct Document {
    /// Version of the file's format: 1.
    #[expect(dead_code, reason = "other formats are refused before this is read")]
    #[schemars(range(min = 1, max = 1))]
    pub(super) version: u32,
    /// The rows, in order: name to distro.
    pub(super) distros: IndexMap<String, DistroEntry>,
    /// The columns, in order: name to Apache Traffic Server.
    pub(super) ats: IndexMap<String, AtsEntry>,
    /// Origins besides the instrumented one that every cell has.
    pub(super) origins: Option<OriginsEntry>,
    /// Cells to leave out.
    #[serde(default)]
    pub(super) exclude: Vec<ExcludeEntry>,
    /// Cells that come back although `exclude` takes them.
    #[serde(default)]
    pub(super) include: Vec<IncludeEntry>,
    /// Verdicts known beforehand.
    #[serde(default)]
    pub(super) expect: Vec<ExpectEntry>,
    /// Limits that hold for every cell.
    pub(super) defaults: Option<DefaultsEntry>,
    /// Mirrors and registries of one's own in the place of others: host, perhaps with a path, to mirror.
    #[serde(default)]
    pub(super) mirrors: IndexMap<String, String>,
}

/// A distro: a row.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DistroEntry {
    /// What the table calls it; default: its name.
    pub(super) title: Option<String>,
    /// The folder `images/<family>/` with the recipes for its packages.
    pub(super) family: String,
    /// Reference of its base image, used when a registry can be reached; may be pinned by digest.
    pub(super) image: Option<String>,
    /// How to make its base image from its package mirror, for machines with no registry.
    pub(super) bootstrap: Option<BootstrapEntry>,
    /// What `/etc/os-release` says in its cells; default: what its name begins with, as in `debian-12`.
    pub(super) os: Option<OsEntry>,
    /// Its unavailable cells are reported and do not turn `run` red.
    #[serde(default)]
    pub(super) optional: bool,
    /// `false`: nobody has seen this row work yet, and its unavailable cells say so.
    #[serde(default = "yes")]
    pub(super) seen: bool,
    /// It shows what is coming, not what is in use, out of a suite that moves: its unavailable cells are
    /// excused too.
    #[serde(default)]
    pub(super) forecast: bool,
    /// Build arguments for every recipe that runs on it.
    #[serde(default)]
    pub(super) args: BTreeMap<String, String>,
}

/// What `/etc/os-release` says.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OsEntry {
    /// `ID`, for example `debian`.
    pub(super) id: String,
    /// `VERSION_ID`, or its first parts: "9" is every 9.x; default: any.
    pub(super) version: Option<String>,
    /// `VERSION_CODENAME`, for example `forky`; default: any.
    pub(super) codename: Option<String>,
}

/// Origins besides the instrumented one that every cell has.
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
    /// The distro whose packages it is made of.
    pub(super) on: String,
}

/// How to make a base image from a package mirror.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BootstrapEntry {
    /// The suite, for example `bookworm`.
    pub(super) suite: String,
    /// Lines of sources.list.
    #[schemars(length(min = 1))]
    pub(super) sources: Vec<String>,
    /// The same for when the suite has left its mirrors: asked when those fail.
    #[serde(default)]
    pub(super) archive: Vec<String>,
    /// `false` accepts a Release file past its Valid-Until date: a weakening, so it has to be asked for.
    #[serde(default = "yes")]
    pub(super) check_valid_until: bool,
}

fn yes() -> bool {
    true
}

/// An Apache Traffic Server: a column.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AtsEntry {
    /// What the table calls it; default: its name.
    pub(super) title: Option<String>,
    /// What `traffic_server -V` must report; default: the name.
    pub(super) version: Option<String>,
    /// Its unavailable cells are reported and do not turn `run` red.
    #[serde(default)]
    pub(super) optional: bool,
    /// Where it comes from; for each distro the first source that names it is used.
    #[schemars(length(min = 1))]
    pub(super) sources: Vec<SourceEntry>,
}

/// Where an ATS comes from. Exactly one of `tarball`, `rebuild`, `build_on`, `package`, `image`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceEntry {
    /// Patterns over distro names.
    #[schemars(length(min = 1))]
    pub(super) on: Vec<String>,
    /// Built on the distro from a release tarball.
    pub(super) tarball: Option<TarballEntry>,
    /// Built on the distro from another ATS's tree with further patches.
    pub(super) rebuild: Option<RebuildEntry>,
    /// Built on that distro as its own source says, then moved here: what an in-place distro upgrade
    /// does to a self-built ATS.
    pub(super) build_on: Option<String>,
    /// The distro family's package.
    pub(super) package: Option<PackageEntry>,
    /// A ready image of the user's own.
    pub(super) image: Option<ImageEntry>,
    /// What `traffic_server -V` reports when it comes from here, or from where on, as in `>=9.2.9,<9.3`; default:
    /// the ATS's `version`.
    pub(super) reports: Option<String>,
    /// `false`: nobody has seen it come from here yet, and its unavailable cells say so.
    #[serde(default = "yes")]
    pub(super) seen: bool,
    /// Its unavailable cells are reported and do not turn `run` red.
    #[serde(default)]
    pub(super) optional: bool,
    /// Build arguments for this source's recipes; they override the distro's.
    #[serde(default)]
    pub(super) args: BTreeMap<String, String>,
}

/// A release tarball. Exactly one proof: `sha256`, `signature` or `sha512_url`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TarballEntry {
    /// Where to fetch it; the first that answers is used.
    #[schemars(length(min = 1))]
    pub(super) urls: Vec<String>,
    /// Its SHA-256, 64 hex digits.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub(super) sha256: Option<String>,
    /// Its detached PGP signature.
    pub(super) signature: Option<SignatureEntry>,
    /// Where its SHA-512 is published. Guards against damage, not against a forger on the same host.
    pub(super) sha512_url: Option<String>,
    /// Applied in order.
    #[serde(default)]
    pub(super) patches: Vec<PatchEntry>,
    /// Further options of `./configure`, separated by blanks.
    pub(super) configure: Option<String>,
}

/// A detached PGP signature.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignatureEntry {
    /// Where the signature is.
    pub(super) url: String,
    /// Where the project publishes the keys of those who sign its releases.
    pub(super) keys_url: String,
}

/// A patch, or a folder of patches in a tar archive.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PatchEntry {
    /// Where to fetch it; the first that answers is used.
    #[schemars(length(min = 1))]
    pub(super) urls: Vec<String>,
    /// SHA-256 of what is fetched, 64 hex digits.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub(super) sha256: String,
    /// When the fetched file is a tar archive: the patch in it.
    pub(super) file: Option<String>,
    /// Apply only the hunks for files that match one of these patterns.
    #[serde(default)]
    pub(super) only: Vec<String>,
}

/// Starts from another ATS's build tree: seconds instead of minutes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RebuildEntry {
    /// The ATS whose tree it starts from.
    pub(super) of: String,
    /// Applied in order on top of it.
    #[schemars(length(min = 1))]
    pub(super) patches: Vec<PatchEntry>,
}

/// A distro package.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PackageEntry {
    /// Its name, for example `trafficserver`.
    pub(super) name: String,
    /// Its exact version, a pattern with `*` (the newest that matches), or `latest` (as the distro has it).
    pub(super) version: String,
}

/// A ready image.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ImageEntry {
    /// Its reference, for example `registry.example.com/ats:prod`.
    pub(super) reference: String,
    /// Where `traffic_server` is in it; default: found out.
    pub(super) binary: Option<String>,
}

/// Cells to leave out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExcludeEntry {
    /// Patterns over distro names; default: every distro.
    pub(super) distro: Option<Vec<String>>,
    /// Patterns over ATS names; default: every ATS.
    pub(super) ats: Option<Vec<String>>,
    /// In one line, why they are left out.
    pub(super) reason: String,
}

/// A cell that comes back although `exclude` takes it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IncludeEntry {
    /// The distro's name.
    pub(super) distro: String,
    /// The ATS's name.
    pub(super) ats: String,
}

/// A verdict known beforehand. All conditions must hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectEntry {
    /// Patterns over distro names.
    pub(super) distro: Option<Vec<String>>,
    /// Patterns over ATS names.
    pub(super) ats: Option<Vec<String>>,
    /// Patterns over cell names, as in `debian-13/9.2.5`.
    pub(super) cells: Option<Vec<String>>,
    /// Patterns over cell names to which it does not apply.
    pub(super) except: Option<Vec<String>>,
    /// Range over the OpenSSL that the running ATS has loaded.
    pub(super) openssl: Option<String>,
    /// Range over the version that the running ATS reports.
    pub(super) ats_version: Option<String>,
    /// Patterns over the trials that are known to fail; default: any. One named in full must fail.
    pub(super) trials: Option<Vec<String>>,
    /// The known issue that it is about, as `atsmatrix explain` names it: it excuses what is recognised as that with
    /// certainty, and nothing else. With the verdict pass: the known limitation that does not show here.
    pub(super) issue: Option<String>,
    /// What it comes to: `fail`, `unbuildable` or `flaky`; with an `issue` also `pass`.
    pub(super) verdict: ExpectedVerdict,
    /// In one line, why this is accepted.
    pub(super) reason: String,
    /// Where to read about it.
    pub(super) link: Option<String>,
    /// The last day on which it is accepted, as YYYY-MM-DD.
    pub(super) expires: Option<String>,
}

/// The verdicts that can be expected. Trouble with the infrastructure is never expected: see `optional`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ExpectedVerdict {
    /// At least one trial fails.
    Fail,
    /// It does not compile.
    Unbuildable,
    /// At least one trial now passes, now fails.
    Flaky,
    /// What the known `issue` limits passes here: this build carries the fix.
    Pass,
}

impl From<ExpectedVerdict> for Verdict {
    fn from(verdict: ExpectedVerdict) -> Self {
        match verdict {
            ExpectedVerdict::Fail => Self::Fail,
            ExpectedVerdict::Unbuildable => Self::Unbuildable,
            ExpectedVerdict::Flaky => Self::Flaky,
            ExpectedVerdict::Pass => Self::Pass,
        }
    }
}

/// Limits that hold for every cell.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DefaultsEntry {
    /// How long the parts of a run may take.
    pub(super) deadlines: Option<DeadlinesEntry>,
    /// Memory of each container, with KiB, MiB or GiB; default 1GiB.
    pub(super) memory: Option<String>,
    /// Processes and threads in each container; default 512.
    #[schemars(range(min = 16, max = 100_000))]
    pub(super) pids: Option<u32>,
}

/// How long the parts of a run may take, with units: 20s, 2m, 1h30m.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeadlinesEntry {
    /// One trial; default 20s.
    pub(super) trial: Option<String>,
    /// One cell without its images; default 120s.
    pub(super) cell: Option<String>,
    /// The whole run with its images; default 2h.
    pub(super) run: Option<String>,
}

/// The JSON schema (draft 2020-12) of matrix.yaml.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Document).to_value()
}
