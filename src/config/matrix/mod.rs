//! matrix.yaml: from text to a checked [`Matrix`]. The only module that knows YAML. Pure: the caller
//! reads the file. Knows nothing of images, engines or trials beyond their names.
//!
//! Three passes, each of which reports every mistake it sees: `outline` (positions, duplicate keys,
//! bounded work), `shape` (unknown and missing keys, against the published schema), `check` (what
//! the values mean, dangling names, impossible combinations).

mod broken;
mod check;
mod diagnostic;
mod digest;
mod distro;
mod document;
mod edit;
mod expectation;
mod globs;
mod limits;
mod mirrors;
mod normal;
mod outline;
mod shape;
mod source;
#[cfg(test)]
mod tests;

pub use diagnostic::{Diagnostic, did_you_mean, known_names};
pub use digest::sha256_hex;
pub use distro::{Bootstrap, Distro};
pub use document::schema;
pub use edit::{Addition, Edit, EditError};
pub use expectation::{CellFacts, Expectation};
pub use globs::{GlobError, Globs};
pub use limits::{Deadlines, Defaults};
pub use mirrors::Mirrors;
pub use outline::MAX_BYTES;
pub use source::{Ats, Package, Patch, Proof, RESERVED_ARGS, ReadyImage, Rebuild, Source, SourceKind, Tarball};

use std::collections::BTreeMap;

use crate::model::{AtsId, CellId, DistroId, Expected, Place, Provenance, Verdict, VersionRange};

/// Most mistakes that are reported at once.
const MAX_DIAGNOSTICS: usize = 100;

/// A checked matrix.yaml: every name in it exists, every combination is possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// SHA-256 of what it says, without how it is written, lower-case hex: what results are compared by.
    pub digest: String,
    /// SHA-256 of the file's bytes, lower-case hex: what older results name.
    pub sha256: String,
    /// The rows, in order; never empty.
    pub distros: Vec<Distro>,
    /// The columns, in order; never empty.
    pub ats: Vec<Ats>,
    /// The distros whose packages the origins are made of that are containers of their own.
    pub origins: BTreeMap<Place, DistroId>,
    /// Cells to leave out.
    pub exclude: Vec<Exclusion>,
    /// Cells that come back.
    pub include: Vec<CellId>,
    /// Verdicts known beforehand.
    pub expect: Vec<Expectation>,
    /// Limits that hold for every cell.
    pub defaults: Defaults,
    /// What is fetched from elsewhere than it says.
    pub mirrors: Mirrors,
    /// The file's name, for later diagnostics.
    file: String,
    places: Places,
}

/// Where things stand that are looked at again once all is read: lines and columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Places {
    /// Of every source, by column and source.
    sources: Vec<Vec<(usize, usize)>>,
    /// Of families and build arguments, by their path in the document.
    named: BTreeMap<String, (usize, usize)>,
}

/// Cells to leave out.
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
    fn takes(&self, distro: &DistroId, ats: &AtsId) -> bool {
        self.distro.as_ref().is_none_or(|globs| globs.matches(distro.as_str()))
            && self.ats.as_ref().is_none_or(|globs| globs.matches(ats.as_str()))
    }
}

/// A cell: a distro, an ATS, and where that ATS comes from there.
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

    /// Whether its being unavailable is reported without turning the run red. A forecast depends on a
    /// suite that moves: on some days it cannot be installed, which is nobody's fault here.
    pub fn optional(&self) -> bool {
        self.distro.optional || self.distro.forecast || self.ats.optional || self.source.optional
    }

    /// Whether anybody has seen it work.
    pub fn seen(&self) -> bool {
        self.distro.seen && self.source.seen
    }

    /// What `traffic_server -V` must report in it: a version, or a range of versions.
    pub fn reports(&self) -> &str {
        self.source.reports.as_deref().unwrap_or(&self.ats.version)
    }

    /// The version it is taken for before it has said its own: of a range that from which on it holds, so that
    /// nothing is asked of it that a newer one only knows.
    pub fn version(&self) -> String {
        let lower = |range: VersionRange| range.lower().map(ToString::to_string);
        self.reports().parse().ok().and_then(lower).unwrap_or_else(|| self.reports().to_owned())
    }
}

impl Matrix {
    /// Reads and checks `text`, the content of the file `file_name`. On mistakes: all that could be
    /// seen at once (at most 100), in the order of the file. Work and memory are bounded for any input;
    /// a text above [`MAX_BYTES`] is refused unread.
    pub fn parse(file_name: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let outline = outline::Outline::read(file_name, text).map_err(|diagnostic| vec![diagnostic])?;
        if let Some(diagnostic) = check::format_version(file_name, &outline) {
            return Err(vec![diagnostic]);
        }
        let found = shape::check(file_name, &outline, &schema());
        if !found.is_empty() {
            return Err(in_order(found));
        }
        let document = serde_yaml::from_str(text).map_err(|error| vec![check::unforeseen(file_name, &error)])?;
        let mut matrix = check::check(file_name, &outline, document).map_err(in_order)?;
        matrix.sha256 = sha256_hex(text.as_bytes());
        matrix.digest = sha256_hex(normal::form(&matrix).as_bytes());
        Ok(matrix)
    }

    /// `text`, of which this matrix was read, with `edits` made to its `expect`, and the matrix that it
    /// is then. Nothing else changes: what the edits would break is an error, and a person has to make
    /// them.
    pub fn edited(&self, text: &str, edits: &[Edit]) -> Result<(String, Self), EditError> {
        let text = edit::apply(text, edits)?;
        let matrix = Self::parse(&self.file, &text).map_err(|found| EditError::broken(&found))?;
        // Positions move; all else outside of `expect` is as it was.
        let rest = |of: &Self| Self {
            expect: Vec::new(),
            digest: String::new(),
            sha256: String::new(),
            places: Places::default(),
            ..of.clone()
        };
        if rest(self) != rest(&matrix) || !edit::shows(&self.expect, &matrix.expect, edits) {
            return Err(EditError::broken(&[]));
        }
        Ok((text, matrix))
    }

    /// Whether `digest`, as results name the matrix that they were made with, is that of this one. Older results
    /// name the bytes of the file.
    pub fn is_named(&self, digest: &str) -> bool {
        digest == self.digest || digest == self.sha256
    }

    /// The distro of that name.
    pub fn distro(&self, id: &DistroId) -> Option<&Distro> {
        self.distros.iter().find(|distro| distro.id == *id)
    }

    /// The ATS of that name.
    pub fn ats(&self, id: &AtsId) -> Option<&Ats> {
        self.ats.iter().find(|ats| ats.id == *id)
    }

    /// The cells, row by row. A pair without a source is no cell; an excluded one only when included again.
    pub fn cells(&self) -> impl Iterator<Item = MatrixCell<'_>> {
        self.distros.iter().flat_map(move |distro| self.row(distro))
    }

    fn row<'a>(&'a self, distro: &'a Distro) -> impl Iterator<Item = MatrixCell<'a>> {
        self.ats
            .iter()
            .filter(|ats| self.exclusion(&distro.id, &ats.id).is_none())
            .filter_map(move |ats| Some(MatrixCell { distro, ats, source: ats.source(&distro.id)? }))
    }

    /// Why a pair is left out; `None`: it is not (it may still have no source).
    pub fn exclusion(&self, distro: &DistroId, ats: &AtsId) -> Option<&Exclusion> {
        let included = self.include.iter().any(|cell| cell.distro == *distro && cell.ats == *ats);
        self.exclude.iter().find(|exclusion| !included && exclusion.takes(distro, ats))
    }

    /// The file's name, as it was given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Line and column of the source that makes `cell` one; `None`: it is none.
    pub fn place(&self, cell: &CellId) -> Option<(usize, usize)> {
        let column = self.ats.iter().position(|ats| ats.id == cell.ats)?;
        let source = self.ats[column].sources.iter().position(|source| source.on.matches(cell.distro.as_str()))?;
        self.places.sources.get(column)?.get(source).copied()
    }

    /// Something is wrong with the family of `distro`.
    pub fn family_diagnostic(&self, distro: &DistroId, message: String, help: String) -> Diagnostic {
        self.diagnostic(&diagnostic::Path::default().key("distros").key(distro.as_str()).key("family"), message, help)
    }

    /// Something is wrong with the build argument `name` of `cell`, be it its source's or its distro's.
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

    /// Line and column of the entry that states `expected`.
    pub fn place_of(&self, expected: &Expected) -> Option<(usize, usize)> {
        let alone = Expected { also: Vec::new(), ..expected.clone() };
        self.expect.iter().find(|entry| entry.stated() == alone).map(|entry| entry.at)
    }

    /// What is expected of `cell`, which came to `verdict` after `provenance` was found in it: every
    /// entry whose conditions hold, in order, expired or not. What never ran has no versions, so
    /// conditions over them do not hold; of what has no answer nothing is expected.
    pub fn expected(&self, cell: &CellId, verdict: Verdict, provenance: &Provenance) -> Option<Expected> {
        if !verdict.is_answer() {
            return None;
        }
        let facts = CellFacts::of(cell, provenance);
        let mut applying = self.expect.iter().filter(|entry| entry.applies(&facts)).map(Expectation::stated);
        let first = applying.next()?;
        Some(Expected { also: applying.collect(), ..first })
    }

    /// The expectations about trials that do not exist: `trials` are all there are. This module does not
    /// know the catalogue of trials, so its caller asks.
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
                message: format!("no trial is named {}", diagnostic::quoted(&pattern)),
                help: diagnostic::known_names(&pattern, trials),
            })
            .collect()
    }

    /// The expectations about known issues that do not exist: `issues` are all that trials can show. This module does
    /// not know them, so its caller asks.
    pub fn dangling_issues(&self, issues: &[&str]) -> Vec<Diagnostic> {
        let named = self.expect.iter().filter_map(|entry| Some((entry.issue_at, entry.issue.as_deref()?)));
        named
            .filter(|(_, issue)| !issues.contains(issue))
            .map(|((line, column), issue)| Diagnostic {
                file: self.file.clone(),
                line,
                column,
                path: "expect".to_owned(),
                message: format!("trials show no known issue {}", diagnostic::quoted(issue)),
                help: diagnostic::known_names(issue, issues),
            })
            .collect()
    }
}

/// Diagnostics as they stand in the file. What an alias brings to several places is one mistake.
fn in_order(mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    found.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
    found.dedup_by(|a, b| (a.line, a.column, &a.message) == (b.line, b.column, &b.message));
    found.truncate(MAX_DIAGNOSTICS);
    found
}
