//! Exactly which software ran, as found at run time inside the cell.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::own::OwnConfig;
use super::surroundings::{OpensslConf, Surroundings};
use super::tier::ParentRan;

/// The software of a cell. Every field is as found, never as declared; `None` means that it could not be determined.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Provenance {
    /// `/etc/os-release` of the ATS image.
    pub distro: Option<Release>,
    /// `uname -r`; containers share the kernel of the engine.
    pub kernel: Option<String>,
    /// The C library that ATS has mapped, for example `glibc 2.41`.
    pub libc: Option<Library>,
    /// The `libssl` that the running ATS process has mapped, which may differ from the one it was built with and from that of
    /// `openssl version`.
    pub openssl: Option<Library>,
    /// The ATS that ran.
    pub ats: Option<AtsBuild>,
    /// Size in bytes, with record header, of the first ClientHello that ATS sends with its defaults; it grows with OpenSSL 3.5.
    /// Taken from the evidence of a trial; `None` if ATS sent none, or the trial did not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_hello: Option<u32>,
    /// Everything else that affects the TLS of ATS; `None` if ATS did not run, or in results of an older atsmatrix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surroundings: Option<Surroundings>,
    /// What an upgrade of the distro in place changed; `None` if the image was not upgraded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<DistroUpgrade>,
    /// The configuration of the user's own under which ATS ran; `None`: only settings of trials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<OwnConfig>,
    /// The parent, in a cell with two ATS. Everything else here is about the child.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Box<ParentRan>>,
    /// The images that ran; added by the orchestrator, as containers do not know them.
    pub images: Option<ImageDigests>,
    /// Digest of the names and versions of all packages, from the agent; it becomes part of `images`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

/// What an upgrade of the distro in place changed, as the recipe of the image recorded it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DistroUpgrade {
    /// The release before: `ID` and `VERSION_ID` of `/etc/os-release`, for example `debian 12`.
    pub from: String,
    /// Number of packages with another version.
    pub changed: u32,
    /// Number of new packages.
    pub added: u32,
    /// Names of the packages that were removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    /// New versions of configuration files that were put beside the kept ones, by path: `*.dpkg-dist`, `*.rpmnew`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conffiles: Vec<String>,
    /// Every package that changed, as `NAME BEFORE -> AFTER`. Never in committed results.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
}

impl fmt::Display for DistroUpgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, changed, added, removed, conffiles, packages: _ } = self;
        write!(f, "from {from}: {changed} packages changed, {added} added, {} removed", removed.len())?;
        if !removed.is_empty() {
            write!(f, " ({})", removed.join(", "))?;
        }
        if !conffiles.is_empty() {
            write!(f, "; new configuration beside the kept: {}", conffiles.join(", "))?;
        }
        Ok(())
    }
}

/// `/etc/os-release`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Release {
    /// `ID`, for example `debian`.
    pub id: String,
    /// `VERSION_ID`, empty in Debian's testing and unstable.
    pub version: String,
    /// `VERSION_CODENAME`, which distinguishes releases of Debian testing; empty if there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub codename: String,
    /// `PRETTY_NAME`.
    pub name: String,
}

/// A shared library as mapped by the running ATS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Library {
    /// Version, for example `3.5.7`.
    pub version: String,
    /// Path, as in `/proc/PID/maps`.
    pub path: String,
    /// The distro package that owns the file, as `name version-release`.
    pub package: Option<String>,
}

/// The ATS that ran.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AtsBuild {
    /// What `traffic_server -V` reports, for example `9.2.9`.
    pub reported: String,
    /// The path of `traffic_server`.
    pub binary: String,
    /// The distro package that owns the binary, as `name version-release`.
    pub package: Option<String>,
    /// Source: the release tarball with its digest, how that was verified, and the patches; for a package how that was verified.
    /// `None` if the image has no record for this binary.
    pub source: Option<String>,
}

/// Image ids of a cell's containers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageDigests {
    /// Content of the ATS image, `sha256:...`: the digest of the names and versions of its packages, or the id of a ready image.
    /// It is the same on every machine, unlike the id of an image built here.
    pub ats: String,
    /// The engine's id of an image built here. Never in committed results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Digest of all inputs of the image.
    pub recipe: String,
}

/// A field of provenance. The order is that of reports: fields that most often explain a change come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProvenanceField {
    /// Version of the `libssl` that ATS had loaded.
    Openssl,
    /// Its package.
    OpensslPackage,
    /// Its file.
    OpensslPath,
    /// Bytes of the ClientHello that ATS sends.
    ClientHello,
    /// The openssl.cnf that ATS reads, with its digest.
    OpensslConf,
    /// Its settings that affect TLS.
    OpensslSettings,
    /// Its differences from the packaged file.
    OpensslDiffers,
    /// The system's crypto policy.
    CryptoPolicy,
    /// Variables of the ATS process that affect its libraries and its OpenSSL.
    Environment,
    /// The version that ATS reports.
    Ats,
    /// Its package.
    AtsPackage,
    /// Its source.
    AtsSource,
    /// The path of its binary.
    AtsBinary,
    /// The distro's release.
    Distro,
    /// The configuration of the user's own.
    Config,
    /// The upgrade of the distro in place.
    Upgrade,
    /// The parent, in a cell with two ATS.
    Parent,
    /// The C library.
    Libc,
    /// Its package.
    LibcPackage,
    /// Its file.
    LibcPath,
    /// The `libssl` of each control.
    Controls,
    /// The engine's kernel.
    Kernel,
    /// The limit of open files of ATS.
    Nofile,
    /// The digest of the ATS image.
    Image,
    /// The digest of all inputs of that image.
    Recipe,
}

impl ProvenanceField {
    /// The words used in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Openssl => "OpenSSL",
            Self::OpensslPackage => "OpenSSL package",
            Self::OpensslPath => "OpenSSL file",
            Self::ClientHello => "ClientHello",
            Self::OpensslConf => "openssl.cnf",
            Self::OpensslSettings => "openssl.cnf sets",
            Self::OpensslDiffers => "openssl.cnf differs",
            Self::CryptoPolicy => "crypto policy",
            Self::Environment => "environment of ATS",
            Self::Ats => "ATS reported",
            Self::AtsPackage => "ATS package",
            Self::AtsSource => "ATS source",
            Self::AtsBinary => "ATS binary",
            Self::Distro => "distro release",
            Self::Config => "your configuration",
            Self::Upgrade => "upgraded in place",
            Self::Parent => "parent",
            Self::Libc => "C library",
            Self::LibcPackage => "C library package",
            Self::LibcPath => "C library file",
            Self::Controls => "libssl of the controls",
            Self::Kernel => "kernel",
            Self::Nofile => "open files",
            Self::Image => "image",
            Self::Recipe => "recipe",
        }
    }
}

impl fmt::Display for ProvenanceField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl Provenance {
    /// The committed form, without fields that describe this machine: the same software gives the same bytes on every machine.
    /// The journal of the run has all fields.
    #[must_use]
    pub fn portable(mut self) -> Self {
        self.kernel = None;
        self.content = None;
        if let Some(surroundings) = &mut self.surroundings {
            surroundings.nofile = None;
        }
        if let Some(images) = &mut self.images {
            images.id = None;
        }
        if let Some(upgrade) = &mut self.upgrade {
            upgrade.packages = Vec::new();
        }
        if let Some(parent) = &mut self.parent {
            parent.provenance = std::mem::take(&mut parent.provenance).portable();
        }
        self
    }

    /// Whether the same software ran, as far as both record it: an older atsmatrix did not record the surroundings.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let known = self.surroundings.is_some() && other.surroundings.is_some();
        let without = |of: &Self| Self { surroundings: None, ..of.clone() };
        if known { self == other } else { without(self) == without(other) }
    }

    /// Every field with its value, in the order of [`ProvenanceField`]. Destructured completely, so that a new field does not
    /// compile until it is added here.
    pub fn facts(&self) -> [(ProvenanceField, Option<String>); 25] {
        use ProvenanceField as Field;
        // The digest of the packages is part of the image.
        let Self {
            distro,
            kernel,
            libc,
            openssl,
            ats,
            client_hello,
            surroundings,
            upgrade,
            config,
            parent,
            images,
            content: _,
        } = self;
        let around = around(surroundings.as_ref());
        let [openssl, openssl_path, openssl_package] = library(openssl.as_ref());
        let [libc, libc_path, libc_package] = library(libc.as_ref());
        let [reported, binary, ats_package, source] = match ats.clone() {
            Some(AtsBuild { reported, binary, package, source }) => [Some(reported), Some(binary), package, source],
            None => [const { None }; 4],
        };
        let [image, recipe] = match images.clone() {
            Some(ImageDigests { ats, recipe, id: _ }) => [Some(ats), Some(recipe)],
            None => [const { None }; 2],
        };
        [
            (Field::Openssl, openssl),
            (Field::OpensslPackage, openssl_package),
            (Field::OpensslPath, openssl_path),
            (Field::ClientHello, client_hello.map(|bytes| format!("{bytes} bytes"))),
            (Field::OpensslConf, around.conf),
            (Field::OpensslSettings, around.settings),
            (Field::OpensslDiffers, around.differs),
            (Field::CryptoPolicy, around.policy),
            (Field::Environment, around.environment),
            (Field::Ats, reported),
            (Field::AtsPackage, ats_package),
            (Field::AtsSource, source),
            (Field::AtsBinary, binary),
            (Field::Distro, distro.as_ref().map(release)),
            (Field::Config, distro.as_ref().map(|_| config.as_ref().map_or("none".to_owned(), ToString::to_string))),
            (Field::Upgrade, distro.as_ref().map(|_| upgrade.as_ref().map_or("no".to_owned(), ToString::to_string))),
            (Field::Parent, parent.as_ref().map(ToString::to_string)),
            (Field::Libc, libc),
            (Field::LibcPackage, libc_package),
            (Field::LibcPath, libc_path),
            (Field::Controls, around.controls),
            (Field::Kernel, kernel.clone()),
            (Field::Nofile, around.nofile),
            (Field::Image, image),
            (Field::Recipe, recipe),
        ]
    }
}

/// The surroundings as texts.
#[derive(Default)]
struct Around {
    conf: Option<String>,
    settings: Option<String>,
    differs: Option<String>,
    policy: Option<String>,
    environment: Option<String>,
    controls: Option<String>,
    nofile: Option<String>,
}

fn around(surroundings: Option<&Surroundings>) -> Around {
    let Some(known) = surroundings else { return Around::default() };
    let Surroundings { openssl_conf, crypto_policy, environment: _, controls: _, nofile } = known;
    let conf = openssl_conf.as_ref();
    let listed = |settings: &[String]| if settings.is_empty() { "nothing".to_owned() } else { settings.join(", ") };
    Around {
        conf: conf.map(|conf| format!("{} {}", conf.path, conf.sha256.as_deref().unwrap_or("is not there"))),
        settings: conf.map(|conf| listed(&conf.settings)),
        differs: conf.map(OpensslConf::as_packaged),
        policy: crypto_policy.clone(),
        environment: known.variables(),
        controls: known.libraries(),
        nofile: nofile.clone(),
    }
}

fn library(library: Option<&Library>) -> [Option<String>; 3] {
    match library.cloned() {
        Some(Library { version, path, package }) => [Some(version), Some(path), package],
        None => [const { None }; 3],
    }
}

/// The pretty name with id and version: Debian testing keeps its pretty name while its contents change.
fn release(release: &Release) -> String {
    let Release { id, version, name, codename: _ } = release;
    format!("{name} ({id} {version})").replace(" )", ")")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_provenance_is_the_same_on_every_machine_and_old_files_are_read() {
        let images =
            ImageDigests { ats: "sha256:aa".into(), recipe: "atsmatrix/package:1".into(), id: Some("x".into()) };
        let on = |kernel: &str, id: &str| Provenance {
            kernel: Some(kernel.into()),
            content: Some("sha256:aa".into()),
            images: Some(ImageDigests { id: Some(id.into()), ..images.clone() }),
            surroundings: Some(Surroundings { nofile: Some(kernel.into()), ..Surroundings::default() }),
            ..Provenance::default()
        };
        let bytes = |found: Provenance| serde_json::to_string(&found.portable()).unwrap();
        let one = bytes(on("6.1", "sha256:11"));
        assert_eq!(one, bytes(on("7.0", "sha256:22")));
        assert!(
            one.contains("sha256:aa") && one.contains("atsmatrix/package:1") && !one.contains("sha256:11"),
            "{one}"
        );

        let old = r#"{"distro":null,"kernel":"6.1","libc":null,"openssl":null,"ats":null,
                      "images":{"ats":"sha256:11","recipe":"r"}}"#;
        let old: Provenance = serde_json::from_str(old).unwrap();
        assert!(old.surroundings.is_none() && serde_json::to_string(&old).unwrap().contains("6.1"));
        assert!(old.facts().contains(&(ProvenanceField::Kernel, Some("6.1".to_owned()))));
        assert!(old.facts().contains(&(ProvenanceField::Image, Some("sha256:11".to_owned()))));
    }

    #[test]
    fn unrecorded_surroundings_make_no_difference_and_recorded_ones_do() {
        let with = |policy: &str| Provenance {
            surroundings: Some(Surroundings { crypto_policy: Some(policy.into()), ..Surroundings::default() }),
            ..Provenance::default()
        };
        assert!(Provenance::default().is_same(&with("LEGACY")) && with("LEGACY").is_same(&Provenance::default()));
        assert!(with("LEGACY").is_same(&with("LEGACY")) && !with("LEGACY").is_same(&with("DEFAULT")));
        let other = Provenance { client_hello: Some(517), ..with("LEGACY") };
        assert!(!other.is_same(&Provenance::default()));
    }
}
