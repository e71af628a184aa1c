//! Whether the recipes there are fit what matrix.yaml says of them, told where it says so.

use std::collections::BTreeSet;

use super::{Recipes, SelectionError, tag};
use crate::config::matrix::{Matrix, MatrixCell, SourceKind, known_names};
use crate::model::OriginProgram;

/// Folders of recipes that are of no family, besides those of origin programs.
const OURS: [&str; 4] = ["agent", "bootstrap", "lib", "tarball"];

/// Whether `cell` names a family and build arguments that the recipes have.
pub(super) fn check(matrix: &Matrix, cell: &MatrixCell<'_>, recipes: &Recipes) -> Result<(), SelectionError> {
    let family = cell.distro.family.as_str();
    let used: Vec<String> = match &cell.source.kind {
        SourceKind::Image(_) => return Ok(()),
        SourceKind::Package(_) => vec![format!("{family}/Containerfile")],
        // What is built elsewhere is built with that distro's arguments, and a rebuild takes none.
        SourceKind::BuildOn(_) | SourceKind::Rebuild(_) => vec!["tarball/runtime.Containerfile".to_owned()],
        SourceKind::Tarball(_) => {
            ["tarball/build.Containerfile", "tarball/runtime.Containerfile"].map(str::to_owned).into()
        }
    };
    let families = families(recipes);
    if !families.contains(&family) {
        let message = format!("there are no recipes for the family `{family}`");
        let found = matrix.family_diagnostic(&cell.distro.id, message, known_names(family, &families));
        return Err(SelectionError(found.to_string()));
    }
    for containerfile in &used {
        let declared: Vec<&str> = tag::declared(recipes, containerfile).into_iter().map(|(name, _)| name).collect();
        let given = cell.distro.args.keys().chain(cell.source.args.keys());
        if let Some(unknown) = given.into_iter().find(|name| !declared.contains(&name.as_str())) {
            let open: Vec<&str> =
                declared.iter().copied().filter(|name| !crate::config::matrix::RESERVED_ARGS.contains(name)).collect();
            let message = format!("{containerfile} has no argument `{unknown}`");
            let found = matrix.argument_diagnostic(cell, unknown, message, known_names(unknown, &open));
            return Err(SelectionError(found.to_string()));
        }
    }
    Ok(())
}

/// The folders with recipes for the packages of distros.
fn families(recipes: &Recipes) -> Vec<&str> {
    let of = |file: &'static str| move |name: &&str| name.ends_with(file);
    let files =
        recipes.keys().map(String::as_str).filter(|name| of("/Containerfile")(name) || of("/run-deps.sh")(name));
    let folders: BTreeSet<&str> = files.filter_map(|name| Some(name.split_once('/')?.0)).collect();
    let is_origin = |folder: &str| OriginProgram::ALL.iter().any(|program| program.name() == folder);
    folders.into_iter().filter(|folder| !OURS.contains(folder) && !is_origin(folder)).collect()
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
    fn families_and_arguments_that_do_not_exist_are_shown_where_they_stand() {
        let package = "package: { name: trafficserver, version: \"9\" }";
        assert_eq!(
            refused("family: suse", package),
            "m:5:13: distros.d-1.family: there are no recipes for the family `suse`; there are `debian`, `fedora`"
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
