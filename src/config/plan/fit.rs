//! Checks the families and build arguments of matrix.yaml against the recipes and reports the position in matrix.yaml.

use std::collections::BTreeSet;

use super::{BuildSystem, Recipe, Recipes, SelectionError, local, tag};
use crate::config::matrix::{Matrix, MatrixCell, RESERVED_ARGS, SourceKind, known_names};
use crate::model::OriginProgram;

/// Folders of recipes that are for no distro family, except those of origin programs.
const OTHER_FOLDERS: [&str; 8] = ["agent", "bootstrap", "cmake", "dnf", "lib", "local", "tarball", "upgrade"];

/// Checks that the recipes have the family and the build arguments of `cell`.
pub(super) fn check(matrix: &Matrix, cell: &MatrixCell<'_>, recipes: &Recipes) -> Result<(), SelectionError> {
    let family = cell.distro.family.as_str();
    let used: &[Recipe] = match &cell.source.kind {
        // The two cells of tiers are checked on their own.
        SourceKind::Image(_) | SourceKind::Tiers(_) => return Ok(()),
        SourceKind::Dockerfile(it) => return check_dockerfile(matrix, cell, &it.path),
        SourceKind::Local(_) => &[Recipe::Local],
        SourceKind::Package(_) => &[Recipe::Package(family.to_owned())],
        // Another distro's build uses that distro's arguments, and a rebuild uses none.
        SourceKind::BuildOn(_) | SourceKind::Rebuild(_) => &[Recipe::Runtime],
        SourceKind::Tarball(_) => &[Recipe::Build(BuildSystem::of(&cell.ats.version)), Recipe::Runtime],
        SourceKind::Upgrade(_) => return upgrade(matrix, cell, recipes),
    };
    let families = families(recipes);
    if !families.contains(&family) {
        let message = format!("there are no recipes for the family `{family}`");
        let found = matrix.family_diagnostic(&cell.distro.id, message, known_names(family, &families));
        return Err(SelectionError(found.to_string()));
    }
    for containerfile in used.iter().map(Recipe::path) {
        let declared: Vec<&str> = tag::declared(recipes, &containerfile).into_iter().map(|(name, _)| name).collect();
        let given = cell.distro.args.keys().chain(cell.source.args.keys());
        if let Some(unknown) = given.into_iter().find(|name| !declared.contains(&name.as_str())) {
            let open: Vec<&str> = declared.iter().copied().filter(|name| !RESERVED_ARGS.contains(name)).collect();
            let message = format!("{containerfile} has no argument `{unknown}`");
            let found = matrix.argument_diagnostic(cell, unknown, message, known_names(unknown, &open));
            return Err(SelectionError(found.to_string()));
        }
    }
    Ok(())
}

/// Checks that the user's own Dockerfile declares the arguments that its source sets. Those of the distro are for the
/// recipes of its family.
fn check_dockerfile(matrix: &Matrix, cell: &MatrixCell<'_>, path: &str) -> Result<(), SelectionError> {
    let declared = local::declared_by(matrix.local_files(&cell.source.kind), &cell.source.kind);
    let Some(unknown) = cell.source.args.keys().find(|name| !declared.contains(name)) else { return Ok(()) };
    let known: Vec<&str> = declared.iter().map(String::as_str).collect();
    let message = format!("{path} has no argument `{unknown}`");
    let found = matrix.argument_diagnostic(cell, unknown, message, known_names(unknown, &known));
    Err(SelectionError(found.to_string()))
}

/// Checks that the family can be upgraded, and that nothing which the row adds to the distro would be left out.
fn upgrade(matrix: &Matrix, cell: &MatrixCell<'_>, recipes: &Recipes) -> Result<(), SelectionError> {
    let (row, family) = (cell.distro, cell.distro.family.as_str());
    let script = format!("{family}/upgrade.sh");
    let containerfile = Recipe::Upgrade.path();
    let declared: Vec<&str> = tag::declared(recipes, &containerfile).into_iter().map(|(name, _)| name).collect();
    let (message, help) = if !recipes.contains_key(&script) {
        (format!("the family `{family}` has no recipe for upgrades"), format!("add images/{script}"))
    } else if let Some(unknown) = row.args.keys().find(|name| !declared.contains(&name.as_str())) {
        let to = row.upgrade.as_ref().map_or(&row.id, |path| &path.to);
        let message = format!("{to} has the build argument `{unknown}`, which upgrades do not take");
        (message, "name a distro without it".to_owned())
    } else {
        return Ok(());
    };
    Err(SelectionError(matrix.upgrade_diagnostic(&row.id, message, help).to_string()))
}

/// The folders with recipes for the packages of distros.
fn families(recipes: &Recipes) -> Vec<&str> {
    let of = |file: &'static str| move |name: &&str| name.ends_with(file);
    let files =
        recipes.keys().map(String::as_str).filter(|name| of("/Containerfile")(name) || of("/run-deps.sh")(name));
    let folders: BTreeSet<&str> = files.filter_map(|name| Some(name.split_once('/')?.0)).collect();
    let is_origin = |folder: &str| OriginProgram::ALL.iter().any(|program| program.name() == folder);
    folders.into_iter().filter(|folder| !OTHER_FOLDERS.contains(folder) && !is_origin(folder)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::plan::{Plan, Selection};

    fn refused(distro: &str, source: &str) -> String {
        let text = format!(
            "version: 1\ndistros:\n  d-1:\n    image: x\n    {distro}\nats:\n  \"9.2.5\":\n    sources:\n      - on: [\"*\"]\n        {source}\n"
        );
        let matrix = Matrix::parse("m", &text).unwrap_or_else(|found| panic!("{found:#?}"));
        let recipes = crate::config::plan::tests::shipped().1;
        Plan::of(&matrix, &Selection::default(), &recipes).unwrap_err().to_string()
    }

    #[test]
    fn unknown_families_and_arguments_are_reported_with_their_position() {
        let package = "package: { name: trafficserver, version: \"9\" }";
        assert_eq!(
            refused("family: suse", package),
            "m:5:13: distros.d-1.family: there are no recipes for the family `suse`; expected one of `debian`, `fedora`"
        );
        assert!(refused("family: debain", package).ends_with("did you mean `debian`?"));
        assert!(refused("family: lib", package).starts_with("m:5:13: "));
        let tarball = format!("tarball: {{ urls: [\"https://h/x\"], sha256: {} }}", "0".repeat(64));
        for source in [package, &tarball] {
            assert!(
                refused("family: debian\n    args: { APT_SOURCE: x }", source)
                    .starts_with("m:6:13: distros.d-1.args.APT_SOURCE: "),
            );
            let found = refused("family: debian", &format!("{source}\n        args: {{ APT_SOURCE: x }}"));
            assert!(found.starts_with("m:11:17: ats.\"9.2.5\".sources[0].args.APT_SOURCE: "), "{found}");
            assert!(found.contains("has no argument `APT_SOURCE`; did you mean `APT_SOURCES`?"), "{found}");
        }
    }
}
