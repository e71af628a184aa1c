//! Makes both ends run the same build of ATS. Pure.

use crate::config::matrix::{Globs, Matrix, Source, SourceKind};
use crate::config::plan::{Plan, PlannedCell, Work};
use crate::model::CellId;

/// Identifies the build of ATS that a cell runs, according to the plan. Equal values mean the same build.
pub(super) fn build(plan: &Plan, cell: &PlannedCell) -> Option<String> {
    let step = plan.steps().iter().find(|step| step.tag == cell.tag)?;
    match &step.work {
        Work::Recipe { args, .. } => match args.get("BUILD") {
            Some(build) => Some(build.clone()),
            None => Some(format!("{} {}", args.get("PACKAGE")?, args.get("VERSION")?)),
        },
        Work::Ready { .. } | Work::Base { .. } | Work::Local { .. } => None,
    }
}

/// The matrix in which `bad` runs the ATS that was built for `good`; `None` if that one is a package or an image.
pub(super) fn with_one_build(matrix: &Matrix, good: &CellId, bad: &CellId) -> Option<Matrix> {
    let on = match &matrix.ats(&good.ats)?.source(&good.distro)?.kind {
        SourceKind::BuildOn(on) => on.clone(),
        kind if kind.compiles() => good.distro.clone(),
        _ => return None,
    };
    let mut matrix = matrix.clone();
    let ats = matrix.ats.iter_mut().find(|ats| ats.id == bad.ats)?;
    let own = ats.source(&bad.distro);
    let args = own.map(|source| source.args.clone()).unwrap_or_default();
    let config = own.and_then(|source| source.config.clone());
    let source = Source {
        on: Globs::new([bad.distro.as_str()]).ok()?,
        kind: SourceKind::BuildOn(on),
        reports: None,
        seen: true,
        optional: false,
        config,
        args,
    };
    ats.sources.insert(0, source);
    Some(matrix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::plan::Selection;

    fn shipped() -> (Matrix, std::collections::BTreeMap<String, Vec<u8>>) {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(root.join("matrix.yaml")).unwrap();
        let recipes = crate::builder::recipes(&root.join("images")).unwrap();
        (Matrix::parse("matrix.yaml", &text).unwrap(), recipes)
    }

    fn builds(matrix: &Matrix, ids: [&str; 2]) -> Vec<Option<String>> {
        // Only these rows are selected, as in a search: other rows may be built on a row that is changed here.
        let distros = ids.map(|id| id.split('/').next().unwrap());
        let selection = Selection { distros: Globs::new(distros).ok(), ..Selection::default() };
        let plan = Plan::of(matrix, &selection, &shipped().1).unwrap();
        let cell = |id: &str| plan.cells.iter().find(|cell| cell.id.to_string() == id).unwrap().clone();
        ids.map(|id| build(&plan, &cell(id))).into()
    }

    #[test]
    fn a_moved_build_and_a_common_package_are_the_same_build() {
        let (matrix, _) = shipped();
        for ids in [["debian-12/9.2.5", "debian-13/9.2.5"], ["debian-12/9.2.9", "debian-13/9.2.9"]] {
            let found = builds(&matrix, ids);
            assert!(found[0].is_some() && found[0] == found[1], "{found:?}");
        }
    }

    #[test]
    fn two_builds_are_replaced_by_one() {
        let (matrix, _) = shipped();
        let ids = ["fedora-39/9.2.5", "fedora-40/9.2.5"];
        let apart = builds(&matrix, ids);
        assert_ne!(apart[0], apart[1]);
        let ends = ids.map(|id| id.parse::<CellId>().unwrap());
        let one = with_one_build(&matrix, &ends[0], &ends[1]).unwrap();
        let found = builds(&one, ids);
        assert_eq!(found[0], found[1]);
        assert_eq!(found[0], apart[0]);
        let packages = ["debian-12/9.2.9", "debian-13/9.2.9"].map(|id| id.parse::<CellId>().unwrap());
        assert!(with_one_build(&matrix, &packages[0], &packages[1]).is_none());
    }
}
