//! Checks combinations once every single value is valid: unused sources, builds that do not exist, exclusions and
//! expectations without a cell.

use std::collections::BTreeMap;

use super::super::Matrix;
use super::super::diagnostic::{Path, known_names, quoted};
use super::super::distro::Distro;
use super::super::source::{Ats, LocalPackages, Source, SourceKind};
use super::Checker;

/// What to do where a rebuild finds no build tree to start from.
const NO_TREE: &str = "name an ATS with a `tarball` there";

impl Checker<'_> {
    pub(super) fn combinations(&mut self, matrix: &Matrix) {
        for ats in &matrix.ats {
            let path = Path::default().key("ats").key(ats.id.as_str()).key("sources");
            for (i, source) in ats.sources.iter().enumerate() {
                self.source_in_use(matrix, ats, source, &path.index(i));
            }
            self.ready_images(matrix, ats, &path);
        }
        self.exclusions(matrix);
        self.inclusions(matrix);
        self.expectations_apply(matrix);
    }

    fn source_in_use(&mut self, matrix: &Matrix, ats: &Ats, source: &Source, path: &Path) {
        let used = |distro: &&Distro| ats.source(&distro.id).is_some_and(|first| std::ptr::eq(first, source));
        let on: Vec<&Distro> = matrix.distros.iter().filter(used).collect();
        if on.is_empty() {
            self.value_error(&path.key("on"), "earlier sources cover all of these distros", "remove this source");
        }
        match &source.kind {
            SourceKind::BuildOn(builder) => {
                let path = path.key("build_on");
                if on.iter().any(|distro| distro.id == *builder) {
                    let help = format!("give {builder} its own source above this one");
                    return self.value_error(&path, format!("this source also covers {builder}"), help);
                }
                match ats.source(builder) {
                    Some(source) if source.kind.compiles() => {}
                    Some(source) => {
                        let message =
                            format!("on {builder}, {} is not compiled: it comes from `{}`", ats.id, source.kind.key());
                        self.value_error(&path, message, "name a distro with a `tarball` or `rebuild` of this ATS");
                    }
                    None => {
                        let message = format!("{} has no source on {builder}", ats.id);
                        self.value_error(&path, message, "name a distro with a `tarball` or `rebuild` of this ATS");
                    }
                }
            }
            SourceKind::Rebuild(_) => {
                for distro in on {
                    self.rebuild_chain(matrix, ats, distro, path);
                }
            }
            SourceKind::Local(LocalPackages { format, .. }) => {
                if let Some(distro) = on.iter().find(|distro| distro.family == format.foreign_family()) {
                    let key = format.key();
                    let message =
                        format!("{} is of the family {}, which has no {key} packages", distro.id, distro.family);
                    let help = format!("leave {} out of `on`", distro.id);
                    self.key_error(&path.key(key), message, help);
                }
            }
            SourceKind::Tarball(_)
            | SourceKind::Package(_)
            | SourceKind::Image(_)
            | SourceKind::Dockerfile(_)
            | SourceKind::Upgrade(_)
            | SourceKind::Tiers(_) => {}
        }
    }

    /// An image contains one distro. If several rows use it, each row has to declare its `os`.
    fn ready_images(&mut self, matrix: &Matrix, ats: &Ats, path: &Path) {
        let mut rows: BTreeMap<&str, Vec<(usize, &Distro)>> = BTreeMap::new();
        for distro in matrix.distros.iter().filter(|distro| distro.upgrade.is_none()) {
            let source = ats.sources.iter().enumerate().find(|(_, source)| source.on.matches(distro.id.as_str()));
            if let Some((i, Source { kind: SourceKind::Image(image), .. })) = source {
                rows.entry(&image.reference).or_default().push((i, distro));
            }
        }
        for (reference, rows) in rows.into_iter().filter(|(_, rows)| rows.len() > 1) {
            let Some((_, undeclared)) = rows.iter().find(|(_, distro)| distro.os.is_none()) else { continue };
            let last = rows.iter().map(|(i, _)| *i).max().unwrap_or_default();
            let names: Vec<&str> = rows.iter().map(|(_, distro)| distro.id.as_str()).collect();
            let message = format!(
                "the rows {} share the image {}, and {} does not declare its distro",
                names.join(", "),
                quoted(reference),
                undeclared.id
            );
            let help = format!(
                "give each row its own image, or declare in the row {} what /etc/os-release contains, like `os: {{ id: \
                 debian, version: \"12\" }}`",
                undeclared.id
            );
            self.value_error(&path.index(last).key("on"), message, help);
        }
    }

    /// Follows `of` from ATS to ATS on `distro`. It has to end at a tarball.
    fn rebuild_chain(&mut self, matrix: &Matrix, ats: &Ats, distro: &Distro, path: &Path) {
        let path = path.key("rebuild").key("of");
        let mut current = ats;
        for _ in 0..=matrix.ats.len() {
            let source = current.source(&distro.id);
            match source.map(|source| &source.kind) {
                Some(SourceKind::Tarball(_)) => return,
                // `columns` has checked that every `of` names an ATS.
                Some(SourceKind::Rebuild(rebuild)) => match matrix.ats(&rebuild.of) {
                    Some(next) => current = next,
                    None => return,
                },
                Some(
                    kind @ (SourceKind::BuildOn(_)
                    | SourceKind::Package(_)
                    | SourceKind::Image(_)
                    | SourceKind::Dockerfile(_)
                    | SourceKind::Local(_)
                    | SourceKind::Upgrade(_)
                    | SourceKind::Tiers(_)),
                ) => {
                    let message =
                        format!("on {}, {} has no build tree: it comes from `{}`", distro.id, current.id, kind.key());
                    let is_moved = matches!(kind, SourceKind::BuildOn(_));
                    let help = if is_moved { "use `build_on` for this one too" } else { NO_TREE };
                    return self.value_error(&path, message, help);
                }
                None => {
                    let message = format!("{} has no source on {}", current.id, distro.id);
                    return self.value_error(&path, message, NO_TREE);
                }
            }
        }
        self.value_error(&path, format!("{} is rebuilt from itself", ats.id), "name an ATS with a `tarball`");
    }

    fn exclusions(&mut self, matrix: &Matrix) {
        for (i, exclusion) in matrix.exclude.iter().enumerate() {
            let takes = matrix.distros.iter().any(|distro| {
                let sourced = |ats: &&Ats| ats.source(&distro.id).is_some();
                matrix.ats.iter().filter(sourced).any(|ats| exclusion.matches(&distro.id, &ats.id))
            });
            if !takes {
                let path = Path::default().key("exclude").index(i);
                self.value_error(
                    &path,
                    "it excludes no cell",
                    "a pair without a source is not a cell anyway: remove this entry",
                );
            }
        }
    }

    fn inclusions(&mut self, matrix: &Matrix) {
        for (i, cell) in matrix.include.iter().enumerate() {
            let path = Path::default().key("include").index(i);
            let taken = matrix.exclude.iter().any(|exclusion| exclusion.matches(&cell.distro, &cell.ats));
            if matrix.ats(&cell.ats).is_none_or(|ats| ats.source(&cell.distro).is_none()) {
                let help = format!("add a source with {} in its `on`", quoted(cell.distro.as_str()));
                self.value_error(&path, format!("{} has no source on {}", cell.ats, cell.distro), help);
            } else if !taken {
                self.value_error(&path, "no `exclude` entry excludes this cell", "remove this entry");
            } else if matrix.include[..i].contains(cell) {
                self.value_error(&path, "duplicate cell", "remove one of them");
            }
        }
    }

    fn expectations_apply(&mut self, matrix: &Matrix) {
        let names: Vec<String> = matrix.cells().map(|cell| cell.id().to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for (i, expectation) in matrix.expect.iter().enumerate() {
            for (key, globs) in [("cells", &expectation.cells), ("except", &expectation.except)] {
                let dangling = globs.as_ref().map(|globs| globs.dangling(&names)).unwrap_or_default();
                for pattern in dangling {
                    let path = Path::default().key("expect").index(i).key(key);
                    let message = format!("no cell matches {}", quoted(&pattern));
                    self.value_error(&path, message, known_names(&pattern, &names));
                }
            }
            if !matrix.cells().any(|cell| expectation.concerns(&cell.distro.id, &cell.ats.id)) {
                let path = Path::default().key("expect").index(i);
                self.value_error(
                    &path,
                    "the entry applies to no cell",
                    "its conditions must all hold for at least one cell",
                );
            }
        }
    }
}
