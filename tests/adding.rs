//! What adding a thing touches: a trial, a known issue and a report format are added to a scratch copy of the sources,
//! which must then compile with all three registered. Constant expressions count the registries, so that `cargo check`
//! is enough.

#![expect(clippy::unwrap_used, reason = "a test that cannot write its scratch copy has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use atsmatrix::catalogue::known_issues::KNOWN_ISSUES;
use atsmatrix::catalogue::trials::CATALOGUE;
use atsmatrix::report::format::FORMATS;

const TRIAL: &str = r#"    Trial {
        id: "tls-sample",
        title: "a sample",
        why: "to count files",
        link: "https://example.org",
        spec: spec::https_get,
        judge: check::one_tls_answer,
        ..SUBJECT
    },
"#;

const ISSUE: &str = r#"    KnownIssue {
        id: "ATS-SAMPLE",
        title: "a sample",
        link: "https://example.org",
        also: &[],
        affected: Affected { ats: &["<9.2"], ..ANYTHING },
        when: "always",
        fixed_in: "no release",
        way_out: "none",
        workarounds: &[],
        shows: Shows::Trials(Signature { must: &[Sign::Hung, Sign::NotReached], ..NO_SIGNS }),
        provoked: Provoked::Not("it is only a sample"),
    },
"#;

const SCENES: &str = "scene a sample\nats 9.1.0\ncontrol ctl-direct-tls pass\ntrial tls-sample fail\n  hung\n\
                      expect certain tls-sample\n\nscene another version\nats 9.2.0\nexpect nothing\n";

const FORMAT: &str = r#"//! A sample.

use super::format::Input;

pub(super) fn render(input: &Input<'_>) -> String {
    format!("{}\n", input.result.cells.len())
}
"#;

/// A copy of the sources in the target folder, always at the same place: cargo keeps what it compiled there.
struct Scratch {
    root: PathBuf,
}

impl Scratch {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("adding");
        if root.exists() {
            fs::remove_dir_all(&root).unwrap();
        }
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        for name in ["src", "images", "docs", "tests", "Cargo.toml", "Cargo.lock", "build.rs"] {
            copy(&source.join(name), &root.join(name));
        }
        // Below the repository cargo reads its configuration anyway; reading it twice would change the flags.
        if !root.starts_with(source) {
            copy(&source.join(".cargo"), &root.join(".cargo"));
        }
        Self { root }
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.root.join(path), text).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Inserts `text` before the last `mark` of a file.
    fn insert(&self, path: &str, mark: &str, text: &str) {
        let old = self.read(path);
        let at = old.rfind(mark).unwrap_or_else(|| panic!("{path} has no {mark:?}"));
        self.write(path, &format!("{}{text}{}", &old[..at], &old[at..]));
    }

    fn append(&self, path: &str, text: &str) {
        self.write(path, &(self.read(path) + text));
    }

    /// Every file and its content.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        gather(&self.root, &self.root, &mut found);
        found
    }

    /// The files that `add` creates or changes.
    fn touched(&self, add: impl FnOnce(&Self)) -> BTreeSet<String> {
        let before = self.files();
        add(self);
        let after = self.files().into_iter();
        after.filter(|(path, content)| before.get(path) != Some(content)).map(|(path, _)| path).collect()
    }

    /// `cargo check` of the library, with the dependencies of this build.
    fn check(&self) {
        let target = std::env::current_exe().unwrap();
        // target/TRIPLE/PROFILE/deps/TEST
        let target = target.ancestors().nth(4).unwrap();
        let output = Command::new(env!("CARGO"))
            .args(["check", "--lib", "--offline", "--locked", "--quiet"])
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", target)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        return;
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}

fn gather(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(root, &path, found);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            found.insert(name, fs::read(&path).unwrap());
        }
    }
}

/// The item, and what `ATSMATRIX_BLESS` and `ATSMATRIX_RECORD` write for it.
fn add_trial(scratch: &Scratch) {
    scratch.insert("src/catalogue/trials/tls.rs", "];", TRIAL);
    scratch.write("docs/trials/tls-sample.md", "# tls-sample\n");
    scratch.append("docs/trials.md", "| [`tls-sample`](trials/tls-sample.md) | a sample | to count files |\n");
    scratch.append("tests/fixtures/judges/right.jsonl", "{\"trial\":\"tls-sample\",\"observation\":{}}\n");
}

/// The item, its scenes, and the row that `ATSMATRIX_BLESS` writes.
fn add_known_issue(scratch: &Scratch) {
    scratch.insert("src/catalogue/known_issues/issues/handshake.rs", "];", ISSUE);
    scratch.write("src/catalogue/known_issues/issues/ats_sample.scenes", SCENES);
    scratch.append("docs/known-issues.md", "| [ATS-SAMPLE](https://example.org) | a sample |\n");
}

/// Its file, the line that makes it a module, and its entry: a copy of the first one with another name.
fn add_format(scratch: &Scratch) {
    scratch.write("src/report/sample.rs", FORMAT);
    scratch.append("src/report/mod.rs", "mod sample;\n");
    let text = scratch.read("src/report/format.rs");
    let list = text.find("pub const FORMATS").unwrap();
    let start = list + text[list..].find("= &[\n").unwrap() + "= &[\n".len();
    let end = start + text[start..].find("\n    },\n").unwrap() + "\n    },\n".len();
    let line = |line: &str| match line.trim_start().split(':').next() {
        Some("name") => "        name: \"sample\",\n".to_owned(),
        Some("render") => "        render: super::sample::render,\n".to_owned(),
        _ => format!("{line}\n"),
    };
    let entry: String = text[start..end].lines().map(line).collect();
    scratch.write("src/report/format.rs", &format!("{}{entry}{}", &text[..start], &text[start..]));
}

fn set(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

#[test]
fn a_trial_a_known_issue_and_a_format_are_each_added_in_one_place() {
    let scratch = Scratch::new();
    for (registry, count) in [
        ("catalogue::trials::CATALOGUE", CATALOGUE.len()),
        ("catalogue::known_issues::KNOWN_ISSUES", KNOWN_ISSUES.len()),
        ("report::format::FORMATS", FORMATS.len()),
    ] {
        scratch.append("src/lib.rs", &format!("const _: () = assert!({registry}.len() == {});\n", count + 1));
    }
    let trial = ["docs/trials.md", "docs/trials/tls-sample.md", "src/catalogue/trials/tls.rs"];
    assert_eq!(scratch.touched(add_trial), set(&[&trial[..], &["tests/fixtures/judges/right.jsonl"]].concat()));
    let issue =
        ["src/catalogue/known_issues/issues/ats_sample.scenes", "src/catalogue/known_issues/issues/handshake.rs"];
    assert_eq!(scratch.touched(add_known_issue), set(&[&issue[..], &["docs/known-issues.md"]].concat()));
    let format = ["src/report/format.rs", "src/report/mod.rs", "src/report/sample.rs"];
    assert_eq!(scratch.touched(add_format), set(&format));
    scratch.check();
}

/// The files of the sources, tests and docs that contain `word`. Results and their fixtures do not count.
fn mentions(word: &str) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = BTreeMap::new();
    for folder in ["src", "tests", "docs"] {
        gather(root, &root.join(folder), &mut files);
    }
    files.retain(|path, content| {
        !path.starts_with("tests/fixtures/matrix") && !path.ends_with("adding.rs") && {
            let text = String::from_utf8_lossy(content);
            text.contains(word)
        }
    });
    files.into_keys().collect()
}

#[test]
fn nothing_else_names_a_trial_or_a_known_issue() {
    let trial = ["docs/trials.md", "docs/trials/cert-p384.md", "src/catalogue/trials/certificate.rs"];
    assert_eq!(mentions("cert-p384"), set(&[&trial[..], &["tests/fixtures/judges/right.jsonl"]].concat()));
    assert_eq!(mentions("ATS-9882"), set(&["docs/known-issues.md", "src/catalogue/known_issues/issues/builds.rs"]));
}
