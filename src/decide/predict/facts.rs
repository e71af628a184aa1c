//! The versions that a prediction rests on, and where each is from.

use serde::Serialize;

use crate::config::matrix::{Ats, Matrix, MatrixCell, Package, Patch, Rebuild, Source, SourceKind, Tarball};
use crate::model::{AtsBuild, DistroId, Library, MatrixResult, Provenance, Release};

/// What makes a package version a pattern.
const WILDCARDS: [char; 3] = ['*', '?', '['];

/// Where a version is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VersionSource {
    /// An earlier run found it in this cell.
    Found,
    /// An earlier run found it in another cell of the row.
    FoundInRow,
    /// matrix.yaml states it.
    Declared,
}

/// A version, or whatever else decides a known issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KnownVersion {
    /// As versions are written.
    pub value: String,
    /// Where it is from.
    pub origin: VersionSource,
}

/// The versions of a cell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CellVersions {
    /// The OpenSSL that ATS will load; `None`: not known.
    pub openssl: Option<KnownVersion>,
    /// The version that ATS will report; `None`: not known, which a ready image's may be.
    pub ats: Option<KnownVersion>,
    /// The package it is from, as `name version`.
    pub package: Option<KnownVersion>,
    /// The tarball it is from, with its patches.
    pub source: Option<KnownVersion>,
    /// `ID` and `VERSION_ID` of the distro.
    pub distro: Option<(String, String)>,
    /// Whether the ATS is one build: not where matrix.yaml declares a range of versions or a pattern of packages and no
    /// run has found which it is. Another build of the range may carry a fix.
    #[serde(skip)]
    pub(super) exact: bool,
}

impl CellVersions {
    /// As a run would find them.
    pub(super) fn provenance(&self) -> Provenance {
        let value = |fact: &Option<KnownVersion>| fact.as_ref().map(|fact| fact.value.clone());
        let ats = value(&self.ats).map(|reported| AtsBuild {
            reported,
            package: value(&self.package),
            source: value(&self.source),
            ..AtsBuild::default()
        });
        let distro = self.distro.clone().map(|(id, version)| Release { id, version, ..Release::default() });
        let openssl = value(&self.openssl).map(|version| Library { version, ..Library::default() });
        Provenance { distro, openssl, ats, ..Provenance::default() }
    }

    /// The same for the compiler of the cell: `None` where its ATS is not compiled.
    pub(super) fn builds_with(
        &self,
        matrix: &Matrix,
        cell: &MatrixCell<'_>,
        results: Option<&MatrixResult>,
    ) -> Option<Provenance> {
        let on = match &cell.source.kind {
            SourceKind::Upgrade(from) => {
                return self.builds_with(matrix, &matrix.before_upgrade(cell, from)?, results);
            }
            SourceKind::Package(_)
            | SourceKind::Image(_)
            | SourceKind::Dockerfile(_)
            | SourceKind::Local(_)
            | SourceKind::Tiers(_) => {
                return None;
            }
            SourceKind::BuildOn(distro) => distro,
            SourceKind::Tarball(_) | SourceKind::Rebuild(_) => &cell.distro.id,
        };
        let openssl =
            openssl(matrix, on, None, results).map(|fact| Library { version: fact.value, ..Library::default() });
        Some(Provenance { openssl, ..self.provenance() })
    }
}

/// The facts of `cell`: found ones, of what `ran` in it, before declared ones.
pub(super) fn of(
    matrix: &Matrix,
    cell: &MatrixCell<'_>,
    ran: Option<&Provenance>,
    results: Option<&MatrixResult>,
) -> CellVersions {
    let found = ran.and_then(|ran| ran.ats.as_ref());
    let fact = |found: Option<String>, declared: Option<String>| match found {
        Some(value) => Some(KnownVersion { value, origin: VersionSource::Found }),
        None => declared.map(|value| KnownVersion { value, origin: VersionSource::Declared }),
    };
    let (package, source) = declared(matrix, cell.ats, &cell.source.kind);
    let os = cell.distro.os.as_ref();
    CellVersions {
        openssl: openssl(matrix, &cell.distro.id, ran, results),
        ats: fact(found.map(|ats| ats.reported.clone()), Some(cell.version())),
        package: fact(found.and_then(|ats| ats.package.clone()), package),
        source: fact(found.and_then(|ats| ats.source.clone()), source),
        distro: os.map(|os| (os.id.clone(), os.version.clone().unwrap_or_default())),
        exact: found.is_some() || is_exact(cell),
    }
}

/// Whether matrix.yaml declares one build of ATS for `cell`.
fn is_exact(cell: &MatrixCell<'_>) -> bool {
    let one_package = match &cell.source.kind {
        SourceKind::Package(Package { version, .. }) => version != "latest" && !version.contains(WILDCARDS),
        SourceKind::Image(_) | SourceKind::Dockerfile(_) | SourceKind::Local(_) | SourceKind::Tiers(_) => false,
        // An upgrade may replace a package, but not a build in /opt.
        SourceKind::Upgrade(from) => cell.ats.source(from).is_some_and(|source| is_built(cell.ats, source)),
        SourceKind::Tarball(_) | SourceKind::Rebuild(_) | SourceKind::BuildOn(_) => true,
    };
    one_package && cell.version() == cell.reports()
}

/// Whether `source` is compiled, not a package or an image.
fn is_built(ats: &Ats, source: &Source) -> bool {
    match &source.kind {
        SourceKind::Package(_)
        | SourceKind::Image(_)
        | SourceKind::Dockerfile(_)
        | SourceKind::Local(_)
        | SourceKind::Tiers(_) => false,
        SourceKind::Tarball(_) | SourceKind::Rebuild(_) | SourceKind::BuildOn(_) => true,
        SourceKind::Upgrade(from) => ats.source(from).is_some_and(|before| is_built(ats, before)),
    }
}

/// The OpenSSL of a distro. All cells of a row load the same, but for images of the user's own, which are found out by running them.
fn openssl(
    matrix: &Matrix,
    distro: &DistroId,
    ran: Option<&Provenance>,
    results: Option<&MatrixResult>,
) -> Option<KnownVersion> {
    let version = |ran: &Provenance| ran.openssl.as_ref().map(|library| library.version.clone());
    if let Some(value) = ran.and_then(version) {
        return Some(KnownVersion { value, origin: VersionSource::Found });
    }
    let row = results.into_iter().flat_map(|results| &results.cells).filter(|cell| cell.id.distro == *distro);
    let mut of_packages = row.filter(|cell| {
        let source = matrix.ats(&cell.id.ats).and_then(|ats| ats.source(distro));
        source.is_some_and(|source| !matches!(source.kind, SourceKind::Image(_) | SourceKind::Dockerfile(_)))
    });
    if let Some(value) = of_packages.find_map(|cell| version(&cell.provenance)) {
        return Some(KnownVersion { value, origin: VersionSource::FoundInRow });
    }
    let row = matrix.distro(distro)?;
    // An upgrade ends with the packages of the distro.
    let fresh = row.upgrade.as_ref().and_then(|path| openssl(matrix, &path.to, None, results));
    if fresh.is_some() {
        return fresh;
    }
    let value = row.openssl.clone()?;
    Some(KnownVersion { value, origin: VersionSource::Declared })
}

/// The package, or the tarball with its patches, that matrix.yaml states.
fn declared(matrix: &Matrix, ats: &Ats, kind: &SourceKind) -> (Option<String>, Option<String>) {
    match kind {
        SourceKind::Package(Package { name, version }) => {
            // Of a pattern the part before its first wildcard is sure.
            let known = version.split(WILDCARDS).next().unwrap_or_default();
            let known = if version == "latest" { "" } else { known };
            (Some(format!("{name} {known}").trim_end().to_owned()), None)
        }
        SourceKind::Image(_) | SourceKind::Dockerfile(_) | SourceKind::Local(_) | SourceKind::Tiers(_) => (None, None),
        SourceKind::Tarball(tarball) => (None, Some(tarball_text(tarball))),
        SourceKind::BuildOn(distro) => {
            // The checks of matrix.yaml refuse chains of these.
            ats.source(distro).map(|source| declared(matrix, ats, &source.kind)).unwrap_or_default()
        }
        SourceKind::Rebuild(rebuild) => (None, rebuild_text(matrix, ats, rebuild)),
        SourceKind::Upgrade(from) => {
            let before = ats.source(from).filter(|source| is_built(ats, source));
            before.map(|source| declared(matrix, ats, &source.kind)).unwrap_or_default()
        }
    }
}

/// As provenance has it: file names of the tarball and of its patches.
fn tarball_text(tarball: &Tarball) -> String {
    let file = tarball.urls.first().map_or("a tarball", |url| file_name(url));
    with_patches(file.to_owned(), &tarball.patches)
}

fn rebuild_text(matrix: &Matrix, ats: &Ats, rebuild: &Rebuild) -> Option<String> {
    let compiled = |of: &Ats| {
        of.sources.iter().find_map(|source| match &source.kind {
            SourceKind::Tarball(tarball) => Some(tarball_text(tarball)),
            _ => None,
        })
    };
    let base = matrix.ats(&rebuild.of).filter(|of| of.id != ats.id).and_then(compiled)?;
    Some(with_patches(base, &rebuild.patches))
}

fn with_patches(base: String, patches: &[Patch]) -> String {
    let name = |patch: &Patch| {
        let file = patch.file.as_deref().or(patch.urls.first().map(String::as_str)).map_or("a patch", file_name);
        let part = if patch.only.is_empty() { "" } else { "part of " };
        format!(" + {part}{file}")
    };
    std::iter::once(base).chain(patches.iter().map(name)).collect()
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
