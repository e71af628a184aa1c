//! Checks the sources: who imports whom, where each third-party crate is used, names of types, lengths of files and
//! functions, style of modules, and the table of DESIGN.md.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the sources has failed")]

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use source::{Segments, Source, crate_sources, root};

/// Folders that only group modules: a module below them is named `GROUP::MODULE` here.
const GROUPS: &[&str] = &["catalogue", "config", "decide"];

/// Modules in the folder of another one that have a place of their own.
const NESTED: &[&str] = &["bisect::lab", "run::cell"];

/// Modules by layer, the same as in the table of DESIGN.md. A module may import every lower layer, and siblings as
/// [`SIBLINGS`] says.
const LAYERS: &[(u32, &[&str])] = &[
    (0, &["exit", "model"]),
    (
        1,
        &[
            "config::matrix",
            "config::plan",
            "config::shard",
            "catalogue::trials",
            "catalogue::known_issues",
            "ats",
            "distro",
            "wire",
            "verdict",
            "words",
            "report",
            "decide::behaviour",
            "decide::citation",
            "decide::compare",
            "decide::diagnose",
            "decide::config_check",
            "decide::expect",
            "decide::explain",
            "decide::gate",
            "decide::history",
            "decide::merge",
            "decide::predict",
            "bisect",
        ],
    ),
    (2, &["engine", "builder", "agent", "store", "git"]),
    (3, &["run", "run::cell", "bisect::lab"]),
    (4, &["console", "cli"]),
];

/// Allowed imports within a layer: who, and whom.
const SIBLINGS: &[(&str, &str)] = &[
    ("catalogue::known_issues", "catalogue::trials"),
    ("catalogue::known_issues", "wire"),
    ("catalogue::trials", "ats"),
    ("catalogue::trials", "wire"),
    ("verdict", "ats"),
    ("verdict", "catalogue::trials"),
    ("config::plan", "config::matrix"),
    ("words", "verdict"),
    ("report", "config::matrix"),
    ("report", "verdict"),
    ("report", "words"),
    ("decide::behaviour", "catalogue::known_issues"),
    ("decide::behaviour", "catalogue::trials"),
    ("decide::behaviour", "config::matrix"),
    ("decide::behaviour", "verdict"),
    ("decide::behaviour", "words"),
    ("decide::merge", "words"),
    ("decide::compare", "words"),
    ("decide::diagnose", "ats"),
    ("decide::diagnose", "catalogue::known_issues"),
    ("decide::diagnose", "catalogue::trials"),
    ("decide::diagnose", "config::matrix"),
    ("decide::diagnose", "decide::predict"),
    ("decide::diagnose", "wire"),
    ("decide::diagnose", "words"),
    ("decide::config_check", "ats"),
    ("decide::config_check", "config::matrix"),
    ("decide::config_check", "words"),
    ("decide::history", "decide::compare"),
    ("decide::history", "words"),
    ("decide::expect", "config::matrix"),
    ("decide::expect", "words"),
    ("decide::expect", "verdict"),
    ("decide::gate", "decide::behaviour"),
    ("decide::gate", "decide::compare"),
    ("decide::gate", "catalogue::trials"),
    ("decide::gate", "config::matrix"),
    ("decide::gate", "words"),
    ("decide::gate", "verdict"),
    ("decide::explain", "ats"),
    ("decide::explain", "decide::behaviour"),
    ("decide::explain", "catalogue::known_issues"),
    ("decide::explain", "config::plan"),
    ("decide::explain", "words"),
    ("decide::explain", "catalogue::trials"),
    ("decide::explain", "verdict"),
    ("decide::explain", "wire"),
    ("decide::predict", "catalogue::known_issues"),
    ("decide::predict", "catalogue::trials"),
    ("decide::predict", "config::matrix"),
    ("decide::predict", "words"),
    ("bisect", "distro"),
    ("builder", "engine"),
    ("builder", "store"),
    ("run", "run::cell"),
    ("bisect::lab", "run::cell"),
    ("bisect::lab", "run"),
    ("cli", "console"),
];

/// Third-party crates, and the modules that may use each.
const SURFACES: &[(&str, &[&str])] = &[
    ("bollard", &["engine"]),
    ("serde_yaml", &["config::matrix"]),
    // Positions of values, as in matrix.yaml: of records.yaml and sni.yaml.
    ("granit_parser", &["ats", "config::matrix"]),
    ("indicatif", &["console"]),
    ("comfy_table", &["report"]),
    ("maud", &["report"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("rustls", &["agent"]),
    ("aws_lc_rs", &["agent"]),
    // bollard drops parts of the answers to builds and of Podman; engine::api::raw requests them over plain HTTP.
    ("hyper", &["agent", "engine"]),
    ("simple_dns", &["agent"]),
    ("nix", &["agent", "builder", "store"]),
    ("etherparse", &["wire"]),
    ("pcap_parser", &["wire"]),
    ("elf", &["distro"]),
    // The agent makes stand-ins for keys that are not there.
    ("rcgen", &["run::cell", "agent"]),
];

/// Type names that may be defined more than once, and why.
const REPEATED_TYPES: &[(&str, &str)] = &[];

/// Maximum lines of a function, and of a file, without tests.
const FUNCTION_LINES: usize = 60;
const FILE_LINES: usize = 400;

/// Functions and files that may be longer, and why.
const LONG_FUNCTIONS: &[(&str, &str)] = &[];
const LONG_FILES: &[(&str, &str)] = &[];

/// The module of the table that contains the absolute path `path`; `None` for other crates and for groups themselves.
fn unit(path: &[String]) -> Option<String> {
    let [root, rest @ ..] = path else { return None };
    let first = rest.first().filter(|_| root == "crate")?;
    let two = rest.get(1).map(|second| format!("{first}::{second}"));
    if GROUPS.contains(&first.as_str()) {
        return two;
    }
    Some(two.filter(|two| NESTED.contains(&two.as_str())).unwrap_or_else(|| first.clone()))
}

fn layer(unit: &str) -> Option<u32> {
    LAYERS.iter().find(|(_, units)| units.contains(&unit)).map(|(layer, _)| *layer)
}

/// Every path of every module, with the file and the module of the table in which it is written.
struct Uses {
    rows: Vec<(PathBuf, String, Segments)>,
}

impl Uses {
    fn of(sources: &[Source]) -> Self {
        let modules: BTreeSet<Segments> = sources.iter().map(|source| source.module.clone()).collect();
        let mut rows = Vec::new();
        for source in sources {
            let here = [&["crate".to_owned()], source.module.as_slice()].concat();
            let Some(unit) = unit(&here) else { continue };
            rows.extend(source.paths(&modules).into_iter().map(|path| (source.file.clone(), unit.clone(), path)));
        }
        Self { rows }
    }
}

fn fail_on(problems: &BTreeSet<String>) {
    assert!(problems.is_empty(), "\n{}\n", problems.iter().cloned().collect::<Vec<_>>().join("\n"));
}

#[test]
fn imports_go_downward_only_and_every_exception_is_used() {
    let mut problems = BTreeSet::new();
    let mut used = BTreeSet::new();
    for (file, from, path) in Uses::of(&crate_sources()).rows {
        let Some(to) = unit(&path).filter(|to| *to != from) else { continue };
        let (Some(upper), Some(lower)) = (layer(&from), layer(&to)) else {
            // Modules that are missing in the table are reported by another test.
            continue;
        };
        if let Some(sibling) = SIBLINGS.iter().find(|(who, whom)| (*who, *whom) == (from.as_str(), to.as_str())) {
            used.insert(*sibling);
            if lower < upper {
                problems.insert(format!("{from} may import {to} anyway: remove it from SIBLINGS"));
            }
        } else if lower >= upper {
            problems.insert(format!("{}: {from} must not import {}", file.display(), path.join("::")));
        }
    }
    problems.extend(
        SIBLINGS
            .iter()
            .filter(|sibling| !used.contains(*sibling))
            .map(|(who, whom)| format!("{who} does not import {whom}: remove it from SIBLINGS")),
    );
    fail_on(&problems);
}

#[test]
fn each_third_party_surface_is_used_in_its_modules_only() {
    let uses = Uses::of(&crate_sources()).rows;
    let mut problems = BTreeSet::new();
    for (surface, homes) in SURFACES {
        let of_surface = uses.iter().filter(|(_, _, path)| path.len() > 1 && path[0] == *surface);
        let found: BTreeMap<&str, &PathBuf> = of_surface.map(|(file, from, _)| (from.as_str(), file)).collect();
        let strangers = found.iter().filter(|(from, _)| !homes.contains(from));
        problems.extend(strangers.map(|(from, file)| format!("{}: {from} must not use {surface}", file.display())));
        let unused = homes.iter().filter(|home| !found.contains_key(*home));
        problems.extend(unused.map(|home| format!("{home} does not use {surface}: remove it from SURFACES")));
    }
    fail_on(&problems);
}

/// A program that an agent starts must not have the agent's plan, stdin or stdout.
#[test]
fn agents_start_programs_in_one_place() {
    let homes = ["program.rs", "init.rs"];
    let uses = Uses::of(&crate_sources()).rows.into_iter();
    let starts = uses.filter(|(_, from, path)| from == "agent" && path.ends_with(&["Command".into(), "new".into()]));
    let strangers = starts.filter(|(file, ..)| !homes.iter().any(|home| file.ends_with(home)));
    fail_on(&strangers.map(|(file, ..)| format!("{}: starts a program", file.display())).collect());
}

#[test]
fn each_type_name_is_defined_once() {
    let mut defined: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in crate_sources() {
        for name in source.types() {
            defined.entry(name).or_default().push(source.file.display().to_string());
        }
    }
    let repeated: BTreeMap<_, _> = defined.into_iter().filter(|(_, files)| files.len() > 1).collect();
    let allowed = |name: &str| REPEATED_TYPES.iter().any(|(allowed, _)| *allowed == name);
    let found = repeated.iter().filter(|(name, _)| !allowed(name));
    let mut problems: BTreeSet<String> = found.map(|(name, files)| format!("{name}: {}", files.join(", "))).collect();
    let unused = REPEATED_TYPES.iter().filter(|(name, _)| !repeated.contains_key(*name));
    problems.extend(unused.map(|(name, _)| format!("{name} is defined once: remove it from REPEATED_TYPES")));
    fail_on(&problems);
}

/// Problems with lengths: what is longer than `most` and not allowed to be, and allowances that are not needed.
fn too_long(found: &BTreeMap<String, usize>, most: usize, allowed: &[(&str, &str)]) -> BTreeSet<String> {
    let long = found.iter().filter(|(_, lines)| **lines > most);
    let stray = long.filter(|(name, _)| !allowed.iter().any(|(allowed, _)| allowed == name));
    let unused = allowed.iter().filter(|(name, _)| found.get(*name).is_none_or(|lines| *lines <= most));
    stray
        .map(|(name, lines)| format!("{name}: {lines} lines, at most {most}"))
        .chain(unused.map(|(name, _)| format!("{name} is not too long: remove its allowance")))
        .collect()
}

#[test]
fn functions_and_files_are_short() {
    let sources = crate_sources();
    let files = sources.iter().map(|source| (source.file.display().to_string(), source.lines())).collect();
    let functions = sources.iter().flat_map(|source| {
        let named = |name: &str| format!("{}: {name}", source.file.display());
        source.functions().into_iter().map(move |function| (named(&function.name), function.lines))
    });
    // Of functions with one name in one file the longest counts.
    let mut longest = BTreeMap::new();
    for (name, lines) in functions {
        let known = longest.entry(name).or_insert(lines);
        *known = lines.max(*known);
    }
    let mut problems = too_long(&longest, FUNCTION_LINES, LONG_FUNCTIONS);
    problems.extend(too_long(&files, FILE_LINES, LONG_FILES));
    fail_on(&problems);
}

/// All files with the extension `rs` below `folder`.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn a_module_with_a_folder_is_its_mod_rs() {
    let src = root().join("src");
    let mut problems = BTreeSet::new();
    for file in rust_files(&src) {
        let folder = file.parent().unwrap();
        if folder != src && !folder.join("mod.rs").exists() {
            problems.insert(format!("{} has no mod.rs", folder.display()));
        }
        if file.with_extension("").is_dir() {
            problems.insert(format!("{} belongs in its folder, as mod.rs", file.display()));
        }
    }
    fail_on(&problems);
}

#[test]
fn nothing_is_left_undone_or_switched_off() {
    let marks = ["todo!", "unimplemented!", "FIXME", "#[ignore"];
    let mut files = rust_files(&root().join("src"));
    files.extend(rust_files(&root().join("tests")));
    files.retain(|path| !path.ends_with("architecture/main.rs"));
    let text = |path: &PathBuf| fs::read_to_string(path).unwrap();
    let found = files.iter().filter(|path| marks.iter().any(|mark| text(path).contains(mark)));
    fail_on(&found.map(|path| path.display().to_string()).collect());
}

/// The layers and modules of the table in DESIGN.md: rows such as ``| 1 pure | `matrix` | ... |``.
fn design_table() -> BTreeSet<(u32, String)> {
    let design = fs::read_to_string(root().join("DESIGN.md")).unwrap();
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let layer = cells.next()?.split(' ').next()?.parse().ok()?;
        let module = cells.next()?.trim().strip_prefix('`')?.strip_suffix('`')?;
        Some((layer, module.to_owned()))
    };
    design.lines().filter_map(row).collect()
}

#[test]
fn the_table_names_every_module_and_is_that_of_design_md() {
    let table: BTreeSet<(u32, String)> =
        LAYERS.iter().flat_map(|(layer, units)| units.iter().map(|unit| (*layer, (*unit).to_owned()))).collect();
    let design = design_table();
    let row = |(layer, unit): &(u32, String)| format!("layer {layer}, {unit}");
    let mut problems: BTreeSet<String> =
        table.difference(&design).map(|it| format!("{} is not in DESIGN.md", row(it))).collect();
    problems.extend(design.difference(&table).map(|it| format!("{} is only in DESIGN.md", row(it))));
    let absolute = |source: &Source| [&["crate".to_owned()], source.module.as_slice()].concat();
    let units: BTreeSet<String> = crate_sources().iter().filter_map(|source| unit(&absolute(source))).collect();
    let named: BTreeSet<String> = table.into_iter().map(|(_, unit)| unit).collect();
    problems.extend(units.difference(&named).map(|unit| format!("{unit} is not in the table")));
    problems.extend(named.difference(&units).map(|unit| format!("{unit} is in the table and does not exist")));
    fail_on(&problems);
}

#[test]
fn every_form_of_import_is_seen() {
    let text = "
        use crate::{engine::{self as motor, Engine}, report as words};
        use super::super::store;
        use bollard as b;
        pub(super) struct S(#[serde(default = \"crate::git::x\")] u8);
        impl S {
            fn f(&self) -> crate::agent::Kind {
                words::json::read(motor::connect(), store::x());
                let _ = vec![crate::wire::flow(), 1, own::deep::x()];
                use crate::config;
                b::Docker::new(config::plan::x(), super::up())
            }
        }
        macro_rules! m { () => { $crate::console::print(); use crate::{cli, exit::Exit}; } }
        #[cfg(test)]
        mod tests { use crate::builder::x; }
        mod inner { use super::super::super::bisect::lab; }
    ";
    let source = Source::of_text(&["decide", "gate"], text);
    let modules = [vec!["decide"], vec!["decide", "gate"], vec!["decide", "gate", "own"]];
    let modules = modules.map(|module| module.into_iter().map(str::to_owned).collect()).into();
    let paths: BTreeSet<String> = source.paths(&modules).into_iter().map(|path| path.join("::")).collect();
    for path in [
        "crate::engine",
        "crate::engine::Engine",
        "crate::engine::connect",
        "crate::report::json::read",
        "crate::store::x",
        "bollard::Docker::new",
        "crate::git::x",
        "crate::agent::Kind",
        "crate::wire::flow",
        "crate::decide::gate::own::deep::x",
        "crate::config::plan::x",
        "crate::decide::up",
        "crate::console::print",
        "crate::cli",
        "crate::exit::Exit",
        "crate::bisect::lab",
    ] {
        assert!(paths.contains(path), "{path} is missing in {paths:#?}");
    }
    assert!(!paths.iter().any(|path| path.contains("builder")), "{paths:#?}");
    assert_eq!(source.types(), ["S"]);
    let functions: Vec<(String, usize)> = source.functions().into_iter().map(|it| (it.name, it.lines)).collect();
    assert_eq!(functions, [("f".to_owned(), 6)]);
    let units = ["crate::decide::gate::x", "crate::run::cell::x", "crate::run::Site", "crate::config", "std::fs"]
        .map(|path| unit(&path.split("::").map(str::to_owned).collect::<Segments>()));
    let expected = [Some("decide::gate"), Some("run::cell"), Some("run"), None, None];
    assert_eq!(units, expected.map(|unit| unit.map(str::to_owned)));
}

#[test]
#[expect(clippy::assertions_on_constants, reason = "it is a constant of the build that is tested")]
fn the_tests_themselves_are_static_as_the_agent_must_be() {
    assert!(
        cfg!(target_feature = "crt-static"),
        "not a static build: is RUSTFLAGS exported? It replaces the flags of .cargo/config.toml"
    );
}
