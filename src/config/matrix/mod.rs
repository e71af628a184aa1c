//! matrix.yaml: from text to a checked [`Matrix`]. The only module that reads YAML. Pure: the caller reads the file. It
//! handles images, engines and trials only as names.
//!
//! Three passes: `outline` parses the text once into a tree with positions (syntax, duplicate keys, bounded work),
//! `shape` checks the tree against the published schema and gives its values types, `check` decides what the values mean
//! (dangling names, impossible combinations). The last two report every mistake they find.

mod bootstrap;
mod check;
mod diagnostic;
mod digest;
mod distro;
mod dockerfile;
mod document;
mod edit;
mod expectation;
mod globs;
mod limits;
mod local;
mod mirrors;
mod normal;
mod outline;
mod own_trials;
mod shape;
mod source;
mod syntax;
#[cfg(test)]
mod tests;
mod tiers;
mod trial;

pub use bootstrap::{AptSuite, Bootstrap, RpmRelease};
pub use diagnostic::{Diagnostic, did_you_mean, known_names};
pub use digest::sha256_hex;
pub use distro::{Distro, UpgradeEnds};
pub use dockerfile::declared_args;
pub use document::schema;
pub use edit::{Addition, Edit, EditError};
pub use expectation::{CellFacts, Expectation};
pub use globs::{GlobError, Globs};
pub use limits::{Deadlines, Defaults};
pub use local::{LocalContent, LocalError, LocalFile, LocalFiles, LocalNeed, name_in_context, shown};
pub use mirrors::Mirrors;
pub use outline::MAX_BYTES;
pub use own_trials::{StatedTrial, TrialFile};
pub use source::{
    Ats, Dockerfile, LocalPackages, Package, PackageFormat, Patch, Proof, RESERVED_ARGS, ReadyImage, Rebuild, Source,
    SourceKind, Tarball,
};
pub use tiers::TierPair;
pub use trial::trials_schema;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{AtsId, CellId, CellKind, DistroId, Expected, Place, Provenance, Verdict, VersionRange};

/// Most mistakes that are reported at once: more scroll past.
const MAX_DIAGNOSTICS: usize = 100;

/// A checked matrix.yaml: every name in it exists and every combination is possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// SHA-256 of its normal form, lower-case hex. Results with the same digest come from the same matrix.
    pub digest: String,
    /// SHA-256 of the file's bytes, lower-case hex, which older results record.
    pub sha256: String,
    /// The rows, in order; never empty.
    pub distros: Vec<Distro>,
    /// The columns, in order; never empty.
    pub ats: Vec<Ats>,
    /// The distros whose packages the separate origins are built from.
    pub origins: BTreeMap<Place, DistroId>,
    /// Cells to exclude.
    pub exclude: Vec<Exclusion>,
    /// Cells to include although an exclusion matches them.
    pub include: Vec<CellId>,
    /// Verdicts that are expected.
    pub expect: Vec<Expectation>,
    /// Trials of the user's own, in order.
    pub trials: Vec<StatedTrial>,
    /// Patterns over files with further ones, which [`Matrix::with_trial_files`] adds.
    pub trial_files: Vec<String>,
    /// Limits for every cell.
    pub defaults: Defaults,
    /// Mirrors to use in place of public hosts.
    pub mirrors: Mirrors,
    /// The user's own files of its sources, once they have been read.
    local: BTreeMap<LocalNeed, Arc<LocalFiles>>,
    /// The file's name, for diagnostics.
    file: String,
    places: Places,
}

/// Lines and columns of what later checks may refuse.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Places {
    /// Of every source, by column and source.
    sources: Vec<Vec<(usize, usize)>>,
    /// Of families, build arguments and the user's own files, by path in the document.
    named: BTreeMap<String, (usize, usize)>,
}

/// Cells to exclude.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// Patterns over distro names; `None`: every distro.
    pub distro: Option<Globs>,
    /// Patterns over ATS names; `None`: every ATS.
    pub ats: Option<Globs>,
    /// Why.
    pub reason: String,
}

impl Exclusion {
    fn matches(&self, distro: &DistroId, ats: &AtsId) -> bool {
        self.distro.as_ref().is_none_or(|globs| globs.matches(distro.as_str()))
            && self.ats.as_ref().is_none_or(|globs| globs.matches(ats.as_str()))
    }
}

/// A cell: a distro, an ATS, and the source of that ATS on that distro.
#[derive(Debug, Clone, Copy)]
pub struct MatrixCell<'a> {
    /// The row.
    pub distro: &'a Distro,
    /// The column.
    pub ats: &'a Ats,
    /// Where the ATS comes from.
    pub source: &'a Source,
}

impl MatrixCell<'_> {
    /// Its name.
    pub fn id(&self) -> CellId {
        CellId { distro: self.distro.id.clone(), ats: self.ats.id.clone() }
    }

    /// Whether the run stays green if it is unavailable. A forecast depends on a suite that changes daily: on some days it
    /// cannot be installed.
    pub fn optional(&self) -> bool {
        self.distro.optional || self.distro.forecast || self.ats.optional || self.source.optional
    }

    /// Whether it has ever worked.
    pub fn seen(&self) -> bool {
        self.distro.seen && self.source.seen
    }

    /// Whether it is of this kind.
    pub fn is(&self, kind: CellKind) -> bool {
        match kind {
            CellKind::OwnImage => matches!(self.source.kind, SourceKind::Image(_) | SourceKind::Dockerfile(_)),
            CellKind::OwnConfig => self.ats.config(self.source).is_some(),
            CellKind::Tiers => self.tiers().is_some(),
        }
    }

    /// What `traffic_server -V` must report in it: a version, or a range of versions.
    pub fn reports(&self) -> &str {
        self.source.reports.as_deref().unwrap_or(&self.ats.version)
    }

    /// The assumed version until ATS reports its own. Of a range it is the lower bound, so that no trial needs a feature
    /// that only newer versions have.
    pub fn version(&self) -> String {
        let lower = |range: VersionRange| range.lower().map(ToString::to_string);
        self.reports().parse().ok().and_then(lower).unwrap_or_else(|| self.reports().to_owned())
    }
}

impl Matrix {
    /// Reads and checks `text`, the content of the file `file_name`. Work and memory are bounded for any input; a text
    /// above [`MAX_BYTES`] is not parsed.
    ///
    /// # Errors
    /// All mistakes that one pass can find, at most 100, in the order of the file.
    pub fn parse(file_name: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let outline = outline::Outline::read(file_name, text).map_err(|diagnostic| vec![diagnostic])?;
        if let Some(diagnostic) = check::format_version(file_name, &outline) {
            return Err(vec![diagnostic]);
        }
        let document = read_document(file_name, &outline)?;
        let mut matrix = check::check(file_name, &outline, document).map_err(in_order)?;
        matrix.sha256 = sha256_hex(text.as_bytes());
        matrix.digest = sha256_hex(normal::form(&matrix).as_bytes());
        Ok(matrix)
    }

    /// Makes `edits` to the `expect` part of `text`, from which this matrix was read. Returns the new text and its matrix.
    ///
    /// # Errors
    /// If the edits would break the file or change anything else. A person has to make them.
    pub fn edited(&self, text: &str, edits: &[Edit]) -> Result<(String, Self), EditError> {
        let text = edit::apply(text, edits)?;
        let mut matrix = Self::parse(&self.file, &text).map_err(|found| EditError::broken(&found))?;
        // The files with trials are not edited. Theirs follow those of the text.
        matrix.trials.extend(self.trials.iter().skip(matrix.trials.len()).cloned());
        matrix.digest = sha256_hex(normal::form(&matrix).as_bytes());
        // Positions may change; nothing else outside `expect` may.
        let rest = |of: &Self| Self {
            expect: Vec::new(),
            digest: String::new(),
            sha256: String::new(),
            places: Places::default(),
            local: BTreeMap::new(),
            trials: of.trials.iter().map(|stated| StatedTrial { at: (0, 0), ..stated.clone() }).collect(),
            ..of.clone()
        };
        if rest(self) != rest(&matrix) || !edit::is_applied(&self.expect, &matrix.expect, edits) {
            return Err(EditError::broken(&[]));
        }
        Ok((text, matrix))
    }

    /// Whether `digest`, which results record for their matrix, is the digest of this one. Older results record that of the
    /// file's bytes; they never had trials of the user's own, whose files these bytes do not cover.
    pub fn is_named(&self, digest: &str) -> bool {
        let is_old = || self.trials.is_empty() && self.trial_files.is_empty() && digest == self.sha256;
        digest == self.digest || is_old()
    }

    /// The distro with the name `id`.
    pub fn distro(&self, id: &DistroId) -> Option<&Distro> {
        self.distros.iter().find(|distro| distro.id == *id)
    }

    /// The ATS with the name `id`.
    pub fn ats(&self, id: &AtsId) -> Option<&Ats> {
        self.ats.iter().find(|ats| ats.id == *id)
    }

    /// The cells, row by row. A pair without a source is not a cell; an excluded pair is one only if it is included again.
    pub fn cells(&self) -> impl Iterator<Item = MatrixCell<'_>> {
        self.distros.iter().flat_map(move |distro| self.row(distro))
    }

    fn row<'a>(&'a self, distro: &'a Distro) -> impl Iterator<Item = MatrixCell<'a>> {
        self.ats
            .iter()
            .filter(|ats| self.exclusion(&distro.id, &ats.id).is_none())
            .filter_map(move |ats| Some(MatrixCell { distro, ats, source: ats.source(&distro.id)? }))
    }

    /// The cell that `cell` is on the row `from` before it is upgraded in place; `None` if it has no source there.
    pub fn before_upgrade<'a>(&'a self, cell: &MatrixCell<'a>, from: &DistroId) -> Option<MatrixCell<'a>> {
        Some(MatrixCell { distro: self.distro(from)?, ats: cell.ats, source: cell.ats.source(from)? })
    }

    /// The entry that excludes a pair; `None` if no entry does (the pair may still have no source).
    pub fn exclusion(&self, distro: &DistroId, ats: &AtsId) -> Option<&Exclusion> {
        let included = self.include.iter().any(|cell| cell.distro == *distro && cell.ats == *ats);
        self.exclude.iter().find(|exclusion| !included && exclusion.matches(distro, ats))
    }

    /// The file's name, as the user named it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Line and column of the source of `cell`; `None` if there is no such cell.
    pub fn place(&self, cell: &CellId) -> Option<(usize, usize)> {
        if self.distro(&cell.distro)?.upgrade.is_some() {
            return self.places.named.get(&upgrade_path(&cell.distro).to_string()).copied();
        }
        if let SourceKind::Tiers(pair) = &self.ats(&cell.ats)?.source(&cell.distro)?.kind {
            return self.places.named.get(&tiers_path(&pair.entry).to_string()).copied();
        }
        let column = self.ats.iter().position(|ats| ats.id == cell.ats)?;
        let source = self.ats[column].sources.iter().position(|source| source.on.matches(cell.distro.as_str()))?;
        self.places.sources.get(column)?.get(source).copied()
    }

    /// The row of the cells that are upgraded in place from `from` to `to`; `None` if the matrix has no such upgrade. It may
    /// start from a row that was itself upgraded to `from`.
    pub fn upgrade(&self, from: &DistroId, to: &DistroId) -> Option<&Distro> {
        let ends_on = |row: &DistroId| {
            let upgraded = self.distro(row).and_then(|row| row.upgrade.as_ref());
            row == from || upgraded.is_some_and(|path| path.to == *from)
        };
        let is_it = |path: &UpgradeEnds| path.to == *to && ends_on(&path.from);
        self.distros.iter().find(|distro| distro.upgrade.as_ref().is_some_and(is_it))
    }

    /// A diagnostic about an upgrade.
    pub fn upgrade_diagnostic(&self, row: &DistroId, message: String, help: String) -> Diagnostic {
        self.diagnostic(&upgrade_path(row), message, help)
    }

    /// A diagnostic about the family of `distro`.
    pub fn family_diagnostic(&self, distro: &DistroId, message: String, help: String) -> Diagnostic {
        self.diagnostic(&diagnostic::Path::default().key("distros").key(distro.as_str()).key("family"), message, help)
    }

    /// A diagnostic about the build argument `name` of `cell`, which its source or its distro sets.
    pub fn argument_diagnostic(&self, cell: &MatrixCell<'_>, name: &str, message: String, help: String) -> Diagnostic {
        let at = cell.ats.sources.iter().position(|source| std::ptr::eq(source, cell.source)).unwrap_or_default();
        let root = diagnostic::Path::default();
        let of = if cell.source.args.contains_key(name) {
            root.key("ats").key(cell.ats.id.as_str()).key("sources").index(at)
        } else {
            root.key("distros").key(cell.distro.id.as_str())
        };
        self.diagnostic(&of.key("args").key(name), message, help)
    }

    fn diagnostic(&self, path: &diagnostic::Path, message: String, help: String) -> Diagnostic {
        let path = path.to_string();
        let (line, column) = self.places.named.get(&path).copied().unwrap_or((1, 1));
        Diagnostic { file: self.file.clone(), line, column, path, message, help }
    }

    /// Line and column of the entry that `expected` comes from.
    pub fn place_of(&self, expected: &Expected) -> Option<(usize, usize)> {
        let alone = Expected { also: Vec::new(), ..expected.clone() };
        self.expect.iter().find(|entry| entry.stated() == alone).map(|entry| entry.at)
    }

    /// What is expected of `cell` with this verdict and provenance: every entry whose conditions hold, in order, expired or
    /// not. A cell that never ran has no versions, so conditions on versions do not hold. `None` if no entry applies or
    /// the verdict is not an answer.
    pub fn expected(&self, cell: &CellId, verdict: Verdict, provenance: &Provenance) -> Option<Expected> {
        if !verdict.is_answer() {
            return None;
        }
        let facts = CellFacts::of(cell, provenance);
        let mut applying = self.expect.iter().filter(|entry| entry.applies(&facts)).map(Expectation::stated);
        let first = applying.next()?;
        Some(Expected { also: applying.collect(), ..first })
    }

    /// Diagnostics about expectations whose patterns match none of `trials`, the whole catalogue. The caller passes it, as
    /// this module does not depend on the catalogue.
    pub fn dangling_trials(&self, trials: &[&str]) -> Vec<Diagnostic> {
        let dangling = self.expect.iter().flat_map(|expectation| {
            let patterns = expectation.trials.as_ref().map(|globs| globs.dangling(trials)).unwrap_or_default();
            patterns.into_iter().map(|pattern| (expectation.trials_at, pattern))
        });
        dangling
            .map(|((line, column), pattern)| Diagnostic {
                file: self.file.clone(),
                line,
                column,
                path: "expect".to_owned(),
                message: format!("no trial matches {}", diagnostic::quoted(&pattern)),
                help: diagnostic::known_names(&pattern, trials),
            })
            .collect()
    }

    /// Diagnostics about expectations that name none of `issues`, all known issues that trials can show. The caller passes
    /// them, as this module does not depend on the catalogue.
    pub fn dangling_issues(&self, issues: &[&str]) -> Vec<Diagnostic> {
        let named = self.expect.iter().filter_map(|entry| Some((entry.issue_at, entry.issue.as_deref()?)));
        named
            .filter(|(_, issue)| !issues.contains(issue))
            .map(|((line, column), issue)| Diagnostic {
                file: self.file.clone(),
                line,
                column,
                path: "expect".to_owned(),
                message: format!("unknown issue {}", diagnostic::quoted(issue)),
                help: diagnostic::known_names(issue, issues),
            })
            .collect()
    }
}

/// The path of the entry of `tiers` with this name.
fn tiers_path(name: &str) -> diagnostic::Path {
    diagnostic::Path::default().key("tiers").key(name)
}

/// Where an upgrade is written.
fn upgrade_path(row: &DistroId) -> diagnostic::Path {
    diagnostic::Path::default().key("upgrades").key(row.as_str())
}

/// The values of `outline` as structs.
fn read_document(file_name: &str, outline: &outline::Outline) -> Result<document::Document, Vec<Diagnostic>> {
    let values = shape::typed(file_name, outline, &schema()).map_err(in_order)?;
    serde_yaml::from_value(values).map_err(|error| vec![check::schema_mismatch(file_name, &error)])
}

/// Diagnostics in the order of the file. A mistake that an alias repeats in several places is reported once.
fn in_order(mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    found.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
    found.dedup_by(|a, b| (a.line, a.column, &a.message) == (b.line, b.column, &b.message));
    found.truncate(MAX_DIAGNOSTICS);
    found
}
