//! The patches between two versions of ATS, if matrix.yaml builds one from the other. Each patch is split by the patterns of
//! its `only`. Pure.

use std::collections::BTreeMap;

use crate::config::matrix::{Ats, Globs, Matrix, Patch, Rebuild, Source, SourceKind};
use crate::model::{AtsId, DistroId};

/// One step from a version to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PatchStep {
    /// Name of the patch, and of the part of it.
    pub(super) name: String,
    patch: Patch,
}

/// Two versions, one of which is built from the other with patches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Derivation {
    /// The version without the patches.
    pub(super) base: AtsId,
    /// The version with all patches.
    pub(super) derived: AtsId,
    /// The steps in the order in which they are applied; at least two.
    pub(super) changes: Vec<PatchStep>,
    /// The distro on which both are built.
    on: DistroId,
}

impl Derivation {
    /// The steps between `a` and `b` of `distro`; `None` if neither is built from the other, or with a single step.
    pub(super) fn between(matrix: &Matrix, distro: &DistroId, a: &AtsId, b: &AtsId) -> Option<Self> {
        [(a, b), (b, a)].into_iter().find_map(|(base, derived)| {
            let on = built_on(matrix, distro, derived)?;
            if built_on(matrix, distro, base)? != on {
                return None;
            }
            let kind = |ats: &AtsId| matrix.ats(ats)?.source(&on).map(|source| &source.kind);
            let patches = additional_patches(base, kind(base)?, kind(derived)?)?;
            let changes: Vec<PatchStep> = patches.iter().flat_map(split).collect();
            (changes.len() > 1).then(|| Self { base: base.clone(), derived: derived.clone(), changes, on })
        })
    }

    /// The name of the version with the first `count` steps.
    pub(super) fn at(&self, count: usize) -> AtsId {
        let last = self.changes.len();
        if count == 0 {
            return self.base.clone();
        }
        let named = format!("{}+{count}", self.base).parse();
        if count >= last { self.derived.clone() } else { named.unwrap_or_else(|_| self.derived.clone()) }
    }

    /// Adds the version with the first `count` steps to `matrix`, built from the existing tree of the one with `from` steps.
    pub(super) fn add(&self, matrix: &mut Matrix, distro: &DistroId, count: usize, from: usize) -> Option<AtsId> {
        let id = self.at(count);
        let derived = matrix.ats(&self.derived)?;
        let source = |on: &DistroId, kind| {
            let own = derived.source(on);
            let args = own.map(|source| source.args.clone()).unwrap_or_default();
            let config = own.and_then(|source| source.config.clone());
            let on = Globs::new([on.as_str()]).ok()?;
            Some(Source { on, kind, reports: None, optional: false, seen: true, config, args })
        };
        let changes = self.changes.get(from..count)?;
        let patches = changes.iter().map(|change| change.patch.clone()).collect();
        let mut sources = vec![source(&self.on, SourceKind::Rebuild(Rebuild { of: self.at(from), patches }))?];
        if *distro != self.on {
            sources.push(source(distro, SourceKind::BuildOn(self.on.clone()))?);
        }
        let (title, version) = (id.to_string(), derived.version.clone());
        let config = derived.config.clone();
        let column =
            Ats { id: id.clone(), title, version, optional: false, config, sources, upgraded: BTreeMap::new() };
        matrix.ats.push(column);
        Some(id)
    }
}

/// The distro on which the ATS of a cell is compiled; `None` if it is not compiled.
fn built_on(matrix: &Matrix, distro: &DistroId, ats: &AtsId) -> Option<DistroId> {
    match &matrix.ats(ats)?.source(distro)?.kind {
        SourceKind::BuildOn(on) => Some(on.clone()),
        kind if kind.compiles() => Some(distro.clone()),
        _ => None,
    }
}

/// The patches that `derived` has in addition to `base`.
fn additional_patches<'a>(base_id: &AtsId, base: &'a SourceKind, derived: &'a SourceKind) -> Option<&'a [Patch]> {
    match (base, derived) {
        (_, SourceKind::Rebuild(rebuild)) if rebuild.of == *base_id => Some(&rebuild.patches),
        (SourceKind::Rebuild(a), SourceKind::Rebuild(b)) if a.of == b.of => b.patches.strip_prefix(&*a.patches),
        (SourceKind::Tarball(a), SourceKind::Tarball(b))
            if a.urls == b.urls && a.proof == b.proof && a.configure == b.configure =>
        {
            b.patches.strip_prefix(&*a.patches)
        }
        _ => None,
    }
}

/// Splits a patch into its smallest steps.
fn split(patch: &Patch) -> Vec<PatchStep> {
    let name = patch.file.as_ref().or(patch.urls.first()).and_then(|file| file.rsplit('/').next()).unwrap_or_default();
    if patch.only.is_empty() {
        return vec![PatchStep { name: name.to_owned(), patch: patch.clone() }];
    }
    let part = |glob: &String| PatchStep {
        name: format!("{name}, {glob}"),
        patch: Patch { only: vec![glob.clone()], ..patch.clone() },
    };
    patch.only.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::plan::{Plan, Recipe, Selection, Work};

    fn shipped() -> Matrix {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        Matrix::parse("matrix.yaml", &std::fs::read_to_string(root.join("matrix.yaml")).unwrap()).unwrap()
    }

    fn ids(names: [&str; 2]) -> [AtsId; 2] {
        names.map(|name| name.parse().unwrap())
    }

    #[test]
    fn the_shipped_backport_is_three_steps_from_its_base_in_either_order() {
        let (matrix, distro) = (shipped(), "debian-13".parse().unwrap());
        let [base, backport] = ids(["9.2.5", "9.2.5-backport"]);
        let found = Derivation::between(&matrix, &distro, &base, &backport).unwrap();
        assert_eq!(Derivation::between(&matrix, &distro, &backport, &base).unwrap(), found);
        let names: Vec<&str> = found.changes.iter().map(|change| change.name.as_str()).collect();
        let patch = "0023-update-to-929.patch";
        assert_eq!(
            names,
            ["iocore/net/BIO_fastopen.*", "iocore/net/SSLNetVConnection.cc", "iocore/net/SSLUtils.cc"]
                .map(|glob| format!("{patch}, {glob}"))
        );
        let [package, other] = ids(["9.2.9", "9.2.5"]);
        assert_eq!(Derivation::between(&matrix, &distro, &other, &package), None, "a package is not built");
    }

    #[test]
    fn a_version_in_between_reuses_the_tree_of_the_one_before() {
        let (mut matrix, distro) = (shipped(), "debian-13".parse::<DistroId>().unwrap());
        let [base, backport] = ids(["9.2.5", "9.2.5-backport"]);
        let found = Derivation::between(&matrix, &distro, &base, &backport).unwrap();
        found.add(&mut matrix, &distro, 1, 0).unwrap();
        let id = found.add(&mut matrix, &distro, 2, 1).unwrap();
        assert_eq!(id.as_str(), "9.2.5+2");
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let recipes = crate::builder::recipes(&root.join("images")).unwrap();
        let selection = Selection {
            distros: Some(Globs::new(["debian-13"]).unwrap()),
            ats: Some(Globs::new([id.as_str()]).unwrap()),
        };
        let plan = Plan::of(&matrix, &selection, &recipes).unwrap();
        let rebuilds =
            plan.steps().iter().filter(|step| matches!(&step.work, Work::Recipe { recipe: Recipe::Rebuild(_), .. }));
        assert_eq!(rebuilds.count(), 2, "one on top of the other");
    }

    /// `count` patches of a series, the first `series/1.patch`.
    fn series(count: usize) -> Vec<Patch> {
        let patch = |number: usize| Patch {
            urls: vec!["https://a.test/series.tar".into()],
            sha256: "ab".repeat(32),
            file: Some(format!("series/{number}.patch")),
            only: Vec::new(),
        };
        (1..=count).map(patch).collect()
    }

    /// The shipped matrix with additional columns that are built on debian-12.
    fn with(kinds: Vec<(&str, SourceKind)>) -> Matrix {
        let mut matrix = shipped();
        for (id, kind) in kinds {
            let mut column = matrix.ats(&"9.2.5".parse().unwrap()).unwrap().clone();
            column.id = id.parse().unwrap();
            let on = Globs::new(["debian-12"]).unwrap();
            column.sources = vec![Source {
                on,
                kind,
                reports: None,
                optional: false,
                seen: true,
                config: None,
                args: BTreeMap::default(),
            }];
            matrix.ats.push(column);
        }
        matrix
    }

    fn between(matrix: &Matrix, base: &str, derived: &str) -> Option<Vec<String>> {
        let found = Derivation::between(
            matrix,
            &"debian-12".parse().unwrap(),
            &base.parse().unwrap(),
            &derived.parse().unwrap(),
        )?;
        assert_eq!((found.base.as_str(), found.derived.as_str()), (base, derived));
        Some(found.changes.into_iter().map(|change| change.name).collect())
    }

    fn rebuild(of: &str, count: usize) -> SourceKind {
        SourceKind::Rebuild(Rebuild { of: of.parse().unwrap(), patches: series(count) })
    }

    #[test]
    fn each_patch_of_a_series_is_a_step() {
        let matrix = with(vec![("a", rebuild("9.2.5", 1)), ("b", rebuild("9.2.5", 4))]);
        assert_eq!(between(&matrix, "9.2.5", "b").unwrap(), ["1.patch", "2.patch", "3.patch", "4.patch"]);
        assert_eq!(
            between(&matrix, "a", "b").unwrap(),
            ["2.patch", "3.patch", "4.patch"],
            "both are built from the same base"
        );
        assert_eq!(between(&matrix, "9.2.5", "a"), None, "a single step needs no search");
        let on_top = with(vec![("a", rebuild("9.2.5", 1)), ("b", rebuild("a", 2))]);
        assert_eq!(between(&on_top, "a", "b").unwrap(), ["1.patch", "2.patch"]);
        assert_eq!(between(&on_top, "9.2.5", "b"), None, "not built directly from the base");
    }

    #[test]
    fn patches_that_do_not_extend_each_other_are_not_searched() {
        let mut others = series(3);
        others.remove(0);
        let others = SourceKind::Rebuild(Rebuild { of: "9.2.5".parse().unwrap(), patches: others });
        let matrix = with(vec![("a", rebuild("9.2.5", 1)), ("b", others)]);
        assert_eq!(between(&matrix, "a", "b"), None, "b lacks the patch of a");
        let apart = with(vec![("a", rebuild("9.2.5", 1)), ("b", rebuild("9.2.9", 3))]);
        assert_eq!(between(&apart, "a", "b"), None, "different bases");
    }

    #[test]
    fn a_tarball_with_more_patches_extends_one_with_fewer() {
        let matrix = shipped();
        let (ats, distro) = ("9.2.5".parse().unwrap(), "debian-12".parse().unwrap());
        let SourceKind::Tarball(tarball) = matrix.ats(&ats).unwrap().source(&distro).unwrap().kind.clone() else {
            panic!("9.2.5 is a tarball there")
        };
        let mut more = tarball.clone();
        more.patches.extend(series(2));
        let mut otherwise = more.clone();
        otherwise.configure.push_str(" --enable-x");
        let matrix = with(vec![("a", SourceKind::Tarball(more)), ("b", SourceKind::Tarball(otherwise))]);
        assert_eq!(between(&matrix, "9.2.5", "a").unwrap(), ["1.patch", "2.patch"]);
        assert_eq!(between(&matrix, "9.2.5", "b"), None, "different configure options");
        let elsewhere = with(vec![("a", SourceKind::BuildOn("debian-13".parse().unwrap()))]);
        assert_eq!(between(&elsewhere, "9.2.5", "a"), None, "built elsewhere");
    }
}
