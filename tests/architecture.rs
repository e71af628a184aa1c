//! Reads the sources: who imports whom, where each third-party crate lives, how long files are, and
//! whether DESIGN.md and docs/ still tell the truth.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the sources has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules by layer; a module may import from its own layer's siblings as DESIGN.md's table says
/// (listed here), and from every layer below.
const LAYERS: &[(u32, &[&str])] = &[
    (0, &["exit", "model"]),
    (
        1,
        &[
            "wire",
            "ats",
            "distro",
            "trial",
            "diagnosis",
            "verdict",
            "matrix",
            "plan",
            "report",
            "shard",
            "merge",
            "compare",
            "history",
            "gate",
            "explain",
            "bisect",
            "expect",
        ],
    ),
    (2, &["engine", "images", "agent", "store", "git"]),
    (3, &["cell", "run", "lab"]),
    (4, &["console", "cli"]),
];

/// Imports within a layer that are meant.
const SIBLINGS: &[(&str, &str)] = &[
    ("model", "exit"),
    ("ats", "wire"),
    ("bisect", "distro"),
    ("diagnosis", "trial"),
    ("diagnosis", "wire"),
    ("trial", "wire"),
    ("verdict", "ats"),
    ("verdict", "trial"),
    ("plan", "matrix"),
    ("report", "verdict"),
    ("merge", "report"),
    ("compare", "report"),
    ("history", "compare"),
    ("history", "report"),
    ("expect", "matrix"),
    ("expect", "report"),
    ("expect", "verdict"),
    ("gate", "compare"),
    ("gate", "matrix"),
    ("gate", "report"),
    ("gate", "verdict"),
    ("explain", "ats"),
    ("explain", "diagnosis"),
    ("explain", "plan"),
    ("explain", "report"),
    ("explain", "trial"),
    ("explain", "wire"),
    ("images", "engine"),
    ("images", "store"),
    ("store", "engine"),
    ("run", "cell"),
    ("lab", "cell"),
    ("lab", "run"),
    ("cli", "console"),
];

/// Third-party surfaces and the one module that may name each.
const SURFACES: &[(&str, &[&str])] = &[
    ("bollard", &["engine"]),
    ("serde_yaml", &["matrix"]),
    ("granit_parser", &["matrix"]),
    ("indicatif", &["console"]),
    ("comfy_table", &["report"]),
    ("maud", &["report"]),
    ("clap", &["cli"]),
    ("rustls", &["agent"]),
    ("aws_lc_rs", &["agent"]),
    // bollard drops what builds and Podman answer; engine::api::raw asks for it over plain HTTP.
    ("hyper", &["agent", "engine"]),
    ("simple_dns", &["agent"]),
    ("nix", &["agent", "images"]),
    ("etherparse", &["wire"]),
    ("elf", &["distro"]),
    ("rcgen", &["cell"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The top-level module a source file belongs to.
fn module(path: &Path) -> String {
    let relative = path.strip_prefix(root().join("src")).unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

fn layer(module: &str) -> Option<u32> {
    LAYERS.iter().find(|(_, modules)| modules.contains(&module)).map(|(layer, _)| *layer)
}

/// Code without tests and comments: unit tests may reach for anything.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let before_tests = text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned();
    before_tests.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Names of top-level modules after `crate::`.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let name: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
        found.insert(name);
    }
    found.remove("");
    found
}

#[test]
fn imports_go_downward_only() {
    let mut wrong = Vec::new();
    for path in sources(&root().join("src")) {
        let from = module(&path);
        if matches!(from.as_str(), "lib" | "main") || path.ends_with("tests.rs") {
            continue;
        }
        let from_layer =
            layer(&from).unwrap_or_else(|| panic!("{from} has no layer: DESIGN.md and this test name every module"));
        for to in imports(&code(&path)) {
            let allowed = to == from
                || layer(&to).is_some_and(|to_layer| to_layer < from_layer)
                || SIBLINGS.contains(&(from.as_str(), to.as_str()));
            if !allowed {
                wrong.push(format!("{}: crate::{to}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_third_party_surface_lives_in_one_place() {
    let mut wrong = Vec::new();
    for path in sources(&root().join("src")) {
        let from = module(&path);
        if path.ends_with("tests.rs") {
            continue;
        }
        let code = code(&path);
        for (surface, homes) in SURFACES {
            // `unix::` is not `nix::`.
            let whole = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            let named = code.match_indices(&format!("{surface}::")).any(|(at, _)| whole(at));
            if named && !homes.contains(&from.as_str()) {
                wrong.push(format!("{}: {surface}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What an agent starts must not have the agent's plan, stdin or stdout.
#[test]
fn agents_start_programs_in_one_place() {
    let homes = ["program.rs", "init.rs"];
    let starts = |path: &PathBuf| code(path).contains("Command::new(");
    let found: Vec<_> = sources(&root().join("src/agent"))
        .into_iter()
        .filter(|path| !path.ends_with("tests.rs") && starts(path))
        .filter(|path| !homes.iter().any(|home| path.ends_with(home)))
        .collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn files_stay_in_one_room() {
    let long: Vec<_> = sources(&root().join("src"))
        .into_iter()
        .map(|path| (fs::read_to_string(&path).unwrap().lines().count(), path))
        .filter(|(lines, _)| *lines > 450)
        .collect();
    assert!(long.is_empty(), "{long:?}");
}

#[test]
fn nothing_is_left_undone_or_switched_off() {
    let marks = ["todo!", "unimplemented!", "FIXME", "#[ignore"];
    let mut files = sources(&root().join("src"));
    files.extend(sources(&root().join("tests")).into_iter().filter(|path| !path.ends_with("architecture.rs")));
    let found: Vec<_> = files
        .into_iter()
        .filter(|path| {
            let text = fs::read_to_string(path).unwrap();
            marks.iter().any(|mark| text.contains(mark))
        })
        .collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn design_md_knows_every_module() {
    let design = fs::read_to_string(root().join("DESIGN.md")).unwrap();
    let mut modules: BTreeSet<String> = sources(&root().join("src")).iter().map(|path| module(path)).collect();
    modules.retain(|module| module != "lib" && module != "main");
    let unknown: Vec<_> = modules.iter().filter(|module| !design.contains(&format!("`{module}`"))).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
#[expect(clippy::assertions_on_constants, reason = "it is a constant of the build that is tested")]
fn the_tests_themselves_are_static_as_the_agent_must_be() {
    assert!(
        cfg!(target_feature = "crt-static"),
        "not a static build: is RUSTFLAGS exported? It replaces the flags of .cargo/config.toml"
    );
}
