use std::path::Path;

use super::*;
use crate::config::matrix::Globs;
use crate::model::OriginProgram;

pub(super) fn shipped() -> (Matrix, Recipes) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("matrix.yaml")).unwrap();
    let matrix = Matrix::parse("matrix.yaml", &text).unwrap_or_else(|found| panic!("{found:#?}"));
    let mut recipes = Recipes::new();
    for entry in std::fs::read_dir(root.join("images")).unwrap() {
        let folder = entry.unwrap().path();
        for file in folder.read_dir().into_iter().flatten() {
            let file = file.unwrap().path();
            let name = file.strip_prefix(root.join("images")).unwrap().to_str().unwrap().to_owned();
            recipes.insert(name, std::fs::read(&file).unwrap());
        }
    }
    (matrix, recipes)
}

fn plan(distros: &[&str]) -> Plan {
    let (matrix, recipes) = shipped();
    let globs = Globs::new(distros.iter().copied()).unwrap();
    Plan::of(&matrix, &Selection { distros: Some(globs), ats: None }, &recipes).unwrap()
}

#[test]
fn every_shipped_recipe_gets_exactly_the_arguments_that_it_declares() {
    let (matrix, recipes) = shipped();
    let plan = Plan::of(&matrix, &Selection::default(), &recipes).unwrap();
    assert!(plan.cells.iter().any(|cell| cell.id.distro.as_str() == "fedora-40"));
}

#[test]
fn steps_follow_their_parents_and_are_unique() {
    let plan = plan(&["debian-*"]);
    for (place, step) in plan.steps().iter().enumerate() {
        let before: Vec<&str> = plan.steps()[..place].iter().map(|step| step.tag.as_str()).collect();
        assert!(step.parents.iter().all(|parent| before.contains(&parent.as_str())), "{step:?}");
        assert!(!before.contains(&step.tag.as_str()), "{step:?}");
    }
}

#[test]
fn fedora_uses_the_same_build_recipe_as_debian() {
    let containerfiles = |distro: &str| -> std::collections::BTreeSet<String> {
        let plan = plan(&[distro]);
        let recipes = plan.steps().iter().filter_map(|step| match &step.work {
            Work::Recipe { recipe, .. } => Some(recipe.path()),
            Work::Base { .. } | Work::Ready { .. } | Work::Local { .. } => None,
        });
        recipes.filter(|containerfile| containerfile.starts_with("tarball/")).collect()
    };
    let fedora = containerfiles("fedora-40");
    assert!(fedora.contains("tarball/build.Containerfile") && fedora.is_subset(&containerfiles("debian-*")));
}

#[test]
fn one_build_of_9_2_5_serves_every_debian() {
    let plan = plan(&["debian-1[234]"]);
    let builds = plan.steps().iter().filter(|step| match &step.work {
        Work::Recipe { recipe: Recipe::Build(_), args } => args["URLS"].contains("9.2.5"),
        _ => false,
    });
    assert_eq!(builds.count(), 1);
}

#[test]
fn rows_on_the_same_base_share_one_step() {
    let plan = plan(&["debian-sid", "debian-sid-openssl4"]);
    let rows: std::collections::BTreeSet<&str> = plan.cells.iter().map(|cell| cell.id.distro.as_str()).collect();
    assert_eq!(rows.len(), 2, "both rows have cells: {rows:?}");
    let suite = |step: &&BuildStep| match &step.work {
        Work::Base { bootstrap: Some(bootstrap), .. } => bootstrap.subject() == "sid",
        _ => false,
    };
    let bases: Vec<&BuildStep> = plan.steps().iter().filter(suite).collect();
    let [base] = bases.as_slice() else { panic!("{bases:#?}") };
    let uses = |row: &str| {
        plan.steps().iter().any(|step| step.name.starts_with(&format!("{row}/")) && step.parents.contains(&base.tag))
    };
    assert!(uses("debian-sid") && uses("debian-sid-openssl4"), "{:#?}", plan.steps());
}

#[test]
fn a_tag_changes_with_the_files_that_the_recipe_uses_and_no_others() {
    let (matrix, mut recipes) = shipped();
    let selection =
        Selection { distros: Some(Globs::new(["debian-12"]).unwrap()), ats: Some(Globs::new(["9.2.5"]).unwrap()) };
    let tag = |recipes: &Recipes| Plan::of(&matrix, &selection, recipes).unwrap().cells[0].tag.clone();
    let before = tag(&recipes);
    recipes.get_mut("debian/package.sh").unwrap().push(b'\n');
    assert_eq!(tag(&recipes), before);
    recipes.get_mut("tarball/build.sh").unwrap().push(b'\n');
    assert_ne!(tag(&recipes), before);
}

#[test]
fn a_pattern_that_matches_nothing_lists_the_names() {
    let (matrix, recipes) = shipped();
    let selection = Selection { distros: Some(Globs::new(["debain-*"]).unwrap()), ats: None };
    let error = Plan::of(&matrix, &selection, &recipes).unwrap_err().to_string();
    assert!(error.contains("debain-*") && error.contains("debian-12"), "{error}");
}

#[test]
fn the_nginx_origin_is_one_more_image_if_it_is_requested() {
    let (matrix, recipes) = shipped();
    let mut plan = plan(&["debian-13"]);
    assert!(plan.beside.is_empty());
    let before = plan.steps().len();
    plan.add_origin(&matrix, &recipes, Place::Beside(OriginProgram::Nginx)).unwrap();
    let tag = plan.beside[&Place::Beside(OriginProgram::Nginx)].clone();
    let step = plan.steps().iter().find(|step| step.tag == tag).unwrap();
    assert!(matches!(&step.work, Work::Recipe { recipe, .. } if recipe.path() == "nginx/Containerfile"));
    assert_eq!(plan.steps().len(), before + 1, "its base is planned already");
    plan.keep(|cells| cells);
    assert_eq!(plan.steps().len(), before + 1);
}

#[test]
fn the_shipped_debian_13_is_the_base_of_the_bootstrapper() {
    let plan = plan(&["debian-13"]);
    let base = plan.steps().iter().find(|step| step.name == "debian-13 (base)").unwrap();
    assert_eq!((&base.tag, &base.work), (&plan.bootstrapper().base.tag, &plan.bootstrapper().base.work));
    assert_eq!(plan.bootstrapper().apt.parents, std::slice::from_ref(&base.tag));
    assert_eq!(plan.bootstrapper().dnf.parents, std::slice::from_ref(&base.tag));
}

#[test]
fn a_changed_bootstrapper_changes_the_bases_that_it_makes() {
    let (matrix, recipes) = shipped();
    let globs = Globs::new(["ubuntu-24.04", "debian-1[23]", "fedora-40"]).unwrap();
    let selection = Selection { distros: Some(globs), ats: None };
    let bases = |recipes: &Recipes| -> std::collections::BTreeMap<String, String> {
        let plan = Plan::of(&matrix, &selection, recipes).unwrap();
        plan.steps().iter().map(|step| (step.name.clone(), step.tag.clone())).collect()
    };
    let before = bases(&recipes);
    assert_eq!(before, bases(&recipes));
    for (file, others) in [
        ("bootstrap/bootstrap.sh", ["fedora-40", "debian-13"].as_slice()),
        ("dnf/bootstrap.sh", &["ubuntu-24.04", "debian-12", "debian-13"]),
    ] {
        let mut changed = recipes.clone();
        changed.get_mut(file).unwrap().extend(b"# a change\n");
        let after = bases(&changed);
        for distro in ["ubuntu-24.04", "debian-12", "debian-13", "fedora-40"] {
            let name = format!("{distro} (base)");
            assert_eq!(before[&name] == after[&name], others.contains(&distro), "{file}: {distro}");
        }
    }
}

#[test]
fn mirrors_replace_every_address_and_do_not_change_the_digest_of_the_matrix() {
    let (mut matrix, recipes) = shipped();
    let text =
        "deb.debian.org=m.test/deb archive.ubuntu.com=m.test docker.io=hub.test registry.fedoraproject.org=hub.test";
    matrix.mirrors.set_all(text).unwrap();
    let plan = Plan::of(&matrix, &Selection::default(), &recipes).unwrap();
    let own = plan.bootstrapper();
    let steps = || plan.steps().iter().chain([&own.base, &own.apt, &own.dnf]);
    for step in steps() {
        let work = format!("{:?}", step.work);
        for host in ["deb.debian.org", "archive.ubuntu.com", "docker.io", "registry.fedoraproject.org"] {
            assert!(!work.contains(&format!("//{host}")) && !work.contains(&format!("\"{host}/")), "{work}");
        }
    }
    assert!(steps().any(|step| format!("{:?}", step.work).contains("http://m.test/deb/debian trixie main")));
    let shared = plan.steps().iter().find(|step| step.name == "debian-13 (base)").unwrap();
    assert_eq!(shared.tag, plan.bootstrapper().base.tag);

    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("matrix.yaml")).unwrap();
    let with = Matrix::parse("m", &(text.clone() + "mirrors: { deb.debian.org: m.test/deb }\n")).unwrap();
    assert_eq!(with.digest, Matrix::parse("m", &text).unwrap().digest);
    assert_eq!(with.mirrors.urls("http://deb.debian.org/x"), "http://m.test/deb/x");
    let wrong = Matrix::parse("m", &(text + "mirrors: { \"http://deb.debian.org\": m.test }\n")).unwrap_err();
    assert!(wrong[0].to_string().contains("mirrors"), "{}", wrong[0]);
}

#[test]
fn an_upgraded_cell_starts_from_the_image_of_the_row_before() {
    let (matrix, recipes) = shipped();
    let plan = Plan::of(&matrix, &Selection::default(), &recipes).unwrap();
    let cell = |id: &str| plan.cells.iter().find(|cell| cell.id.to_string() == id).unwrap();
    let step = |tag: &str| plan.steps().iter().find(|step| step.tag == tag).unwrap();
    let (before, first, second) =
        (cell("debian-12/9.2.9"), cell("debian-12-to-13/9.2.9"), cell("debian-13-to-14/9.2.9"));
    assert_eq!(step(&first.tag).parents, std::slice::from_ref(&before.tag));
    assert_eq!(step(&second.tag).parents, std::slice::from_ref(&first.tag));
    assert_eq!((first.image, before.image), (CellImage::Upgraded, CellImage::Made));
    assert_eq!(first.origin, "debian-12/9.2.9 upgraded in place");
    let Work::Recipe { recipe: Recipe::Upgrade, args } = &step(&first.tag).work else { panic!("{first:?}") };
    assert!(args["SOURCES"].contains("debian trixie main;") && args["BINARY"].is_empty(), "{args:?}");
    let Work::Recipe { args, .. } = &step(&cell("debian-12-to-13/9.2.5").tag).work else { panic!() };
    assert_eq!(args["BINARY"], "/opt/ats/bin/traffic_server", "a build stays where it was");
    let Work::Recipe { args, .. } = &step(&second.tag).work else { panic!() };
    assert_eq!(args["APT_CHECK_VALID_UNTIL"], "false", "as the distro that it ends on");
}

#[test]
fn an_upgrade_without_a_recipe_or_to_a_distro_with_further_packages_is_refused() {
    let (_, mut recipes) = shipped();
    let text = "version: 1\ndistros:\n  d-1: { family: debian, image: x }\n  \
                d-2: { family: debian, image: y, args: { APT_PACKAGES: z } }\nupgrades:\n  u: { from: d-1, to: d-2 }\nats:\n  \
                \"9\":\n    sources: [{ on: [d-1], package: { name: trafficserver, version: \"9\" } }]\n";
    let refused = |recipes: &Recipes| {
        let matrix = Matrix::parse("m", text).unwrap_or_else(|found| panic!("{found:#?}"));
        Plan::of(&matrix, &Selection::default(), recipes).unwrap_err().to_string()
    };
    let found = refused(&recipes);
    assert!(
        found.starts_with("m:6:6: upgrades.u: d-2 has the build argument `APT_PACKAGES`, which upgrades"),
        "{found}"
    );
    recipes.remove("debian/upgrade.sh");
    assert!(refused(&recipes).starts_with("m:6:6: upgrades.u: the family `debian` has no recipe for upgrades"));
}
