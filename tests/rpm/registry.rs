//! A machine with a registry: a local one serves a substitute for every image in the shipped matrix, and the run is as
//! green as without one. Rows that need a registry have new results, which may be red only because of findings.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use atsmatrix::config::matrix::{Distro, Matrix};
use atsmatrix::config::plan::{Plan, Recipe, Work};
use serde_json::Value;

use crate::rig::{Doomed, Registry, ats_build, atsmatrix, base, docker, exists, lay_out, plan, shipped, tried};

/// All rows except debian-sid-openssl4, which has the image of debian-sid and would compile for minutes, and upgrades in
/// place, which have no image of their own.
const ROWS: &str = "fedora-*,rocky-*,ubuntu-??.??,debian-1?,debian-sid";

/// Columns that compile nothing without the Apache archive, and the rows that have none of them.
const COLUMNS: &str = "8.1,9.1.1,9.2.3,9.2.9,10";
const OTHERS: &str = "rocky-9,ubuntu-25.10,debian-sid";

/// Substitutes for the images of the rows: for Debian and Ubuntu their own bases, for the others an older one, which
/// can be pulled but lacks what those rows need.
fn stand_ins(matrix: &Matrix) -> BTreeMap<String, String> {
    let (debian_11, debian_12) = (base("debian-11", "8.1"), base("debian-12", "9.2.9"));
    let of_row = |row: &str| match row {
        "debian-11" => debian_11.clone(),
        "ubuntu-22.04" => base(row, "9.1.1"),
        "ubuntu-25.10" => base(row, "9.2.5"),
        "ubuntu-24.04" | "ubuntu-26.04" => base(row, "9.2.3"),
        "debian-13" => base("debian-13", "9.2.9"),
        // Sid is close enough to forky.
        "debian-14" | "debian-sid" | "debian-sid-openssl4" => base("debian-14", "9.2.9"),
        _ => debian_12.clone(),
    };
    let images = rows(matrix).filter_map(|distro| Some((distro.image.clone()?, of_row(distro.id.as_str()))));
    images.collect()
}

/// The rows that start from an image of their own.
fn rows(matrix: &Matrix) -> impl Iterator<Item = &Distro> {
    matrix.distros.iter().filter(|distro| distro.upgrade.is_none())
}

#[test]
fn a_run_with_a_registry_is_as_green_as_without() {
    let shipped = shipped();
    let matrix = Matrix::parse("matrix.yaml", &shipped).unwrap();
    let stand_ins = stand_ins(&matrix);
    assert!(stand_ins.len() >= 15, "{stand_ins:?}");
    ats_build();

    let registry = Registry::start();
    let mut doomed = Doomed::default();
    let text = push(&registry, &stand_ins, &shipped, &mut doomed);
    let here = plan(&text, "*", "*");
    reuse_builds(&plan(&shipped, "*", "*"), &here, &mut doomed);

    let pushed = registry.asked();
    let folder = lay_out(&text);
    let run = |distros: &str, ats: &str| {
        let trials = "ctl-plain-origin,tls-remote-origin";
        let cells = ["run", "--distro", distros, "--ats", ats, "--trial", trials, "--results", "results"];
        atsmatrix(&cells, folder.path())
    };
    assert_eq!(run(ROWS, COLUMNS), Some(0));
    assert_eq!(run(OTHERS, "9.2.5"), Some(0));

    let asked = registry.asked();
    for image in stand_ins.keys() {
        let (name, tag) = image.split_once('/').unwrap().1.rsplit_once(':').unwrap();
        let manifest = format!("/v2/{name}/manifests/{tag} ");
        let count = |log: &str| log.matches(&manifest).count();
        assert!(count(&asked) > count(&pushed), "{image} was not pulled: {asked}");
    }
    let results: Value = serde_json::from_slice(&fs::read(folder.path().join("results/matrix.json")).unwrap()).unwrap();
    let cells = results["cells"].as_array().unwrap();
    let row = |cell: &Value| cell["id"].as_str().unwrap().split('/').next().unwrap().to_owned();
    let ran: BTreeSet<String> = cells.iter().map(row).collect();
    assert_eq!(ran.len(), rows(&matrix).count() - 1, "{ran:?}");
    check_verdicts(cells, row);
    drop(doomed);
    assert!(!here.steps().iter().any(|step| exists(&step.tag)));
    assert!(tried(&["image", "ls", "--quiet", &format!("{}/*", registry.host)]).stdout.is_empty());
}

/// Pushes the substitutes to the registry; returns the matrix with their names.
fn push(registry: &Registry, stand_ins: &BTreeMap<String, String>, matrix: &str, doomed: &mut Doomed) -> String {
    let mut text = matrix.to_owned();
    for (image, stand_in) in stand_ins {
        let name = format!("{}/{}", registry.host, image.split_once('/').unwrap().1);
        docker(&["tag", stand_in, &name]);
        docker(&["push", "--quiet", &name]);
        docker(&["image", "rm", "--no-prune", &name]);
        text = text.replace(&format!("image: {image}\n"), &format!("image: {name}\n"));
        doomed.0.insert(name);
    }
    text
}

/// Tags existing builds on the same bases for reuse: this test is about pulls.
fn reuse_builds(before: &Plan, here: &Plan, doomed: &mut Doomed) {
    for (known, step) in before.steps().iter().zip(here.steps()) {
        assert_eq!(known.name, step.name);
        doomed.0.insert(step.tag.clone());
        let compiles = matches!(&step.work, Work::Recipe { recipe: Recipe::Build(_), .. });
        if compiles && exists(&known.tag) {
            docker(&["tag", &known.tag, &step.tag]);
        }
    }
}

/// Cells of rows that need a registry have a finding or a pass; all others come out as without a registry.
fn check_verdicts(cells: &[Value], row: impl Fn(&Value) -> String) {
    let mut new = 0;
    for cell in cells {
        let of_a_registry = ["fedora-", "rocky-"].iter().any(|family| row(cell).starts_with(family));
        if of_a_registry {
            new += 1;
            let reason = cell["reason"].as_str().unwrap();
            assert!(!reason.contains("cannot pull"), "every image is there: {cell:#}");
            assert!(reason.contains("this row has never been seen to work"), "{cell:#}");
        } else {
            let broken = ["debian-sid/9.2.5", "ubuntu-25.10/9.2.5", "ubuntu-26.04/9.2.3"];
            let wanted = if broken.iter().any(|id| cell["id"] == *id) { "fail" } else { "pass" };
            assert_eq!(cell["verdict"], wanted, "on the pulled image: {cell:#}");
        }
    }
    assert!(new >= 9, "{new} cells of rows that need a registry");
}
