//! Runs `config check` on folders, without an engine; and the examples of docs/config-check.md.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its files has failed")]

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// Runs atsmatrix in `dir`: its exit code, stdout and stderr.
fn atsmatrix(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("atsmatrix"));
    let output = command.current_dir(dir).args(args).env_remove("GITHUB_ACTIONS").output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A folder `site` that ATS 9.2 has nothing against, and `files` in it.
fn site(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let clean = [
        ("records.config", "CONFIG proxy.config.http.server_ports STRING 8080\n"),
        ("ip_allow.yaml", "ip_allow: []\n"),
        ("remap.config", "map http://a.test/ http://b.test/\n"),
    ];
    for (name, text) in clean.iter().chain(files) {
        let path = dir.path().join("site").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn check(files: &[(&str, &str)], versions: &[&str]) -> (i32, String) {
    let dir = site(files);
    let mut args = vec!["config", "check", "site"];
    for version in versions {
        args.extend(["--ats", version]);
    }
    let (code, out, err) = atsmatrix(dir.path(), &args);
    assert_eq!(err, "");
    (code, out)
}

#[track_caller]
fn has(output: &(i32, String), line: &str) {
    assert!(output.0 == 3 && output.1.contains(line), "{line}\n{}\n{}", output.0, output.1);
}

#[test]
fn a_clean_folder_has_no_findings() {
    let (code, out) = check(&[], &["9.2.9"]);
    assert!(code == 0 && out.starts_with("nothing found for ATS 9.2.9: site; no findings\n"), "{out}");
    assert!(out.contains("read: 3 files, 1 setting, 1 remap rule, 0 plugins"), "{out}");
}

#[test]
fn unknown_settings_are_named_with_the_name_that_was_meant() {
    let found = check(&[("records.config", "\nCONFIG proxy.config.http.server_prots STRING 8080\n")], &["9.2.9"]);
    has(&found, "records.config:2 ATS 9.2.9 does not know proxy.config.http.server_prots, and goes on without it\n");
    has(&found, "what to do: did you mean `proxy.config.http.server_ports`?\n");
}

#[test]
fn settings_of_other_versions_fail_open() {
    let found = check(&[("records.config", "CONFIG proxy.config.ssl.client.verify.server INT 1\n")], &["9.2.9"]);
    has(&found, "fails open:\n  records.config:1 ATS 9.2.9 does not know proxy.config.ssl.client.verify.server");
    let policy = "CONFIG proxy.config.ssl.client.verify.server.policy STRING ENFORCED\n";
    let found = check(&[("records.config", policy), ("ip_allow.config", "")], &["8.1.11"]);
    has(
        &found,
        "fails open:\n  records.config:1 ATS 8.1.11 does not know proxy.config.ssl.client.verify.server.policy",
    );
    has(&found, "what to do: write CONFIG proxy.config.ssl.client.verify.server INT 1");
}

#[test]
fn a_default_that_changes_is_told_for_both_versions() {
    let found = check(&[], &["9.2.9", "10.0.6"]);
    has(
        &found,
        "proxy.config.ssl.client.verify.server.policy is not set, and its default goes from PERMISSIVE to ENFORCED",
    );
    has(&found, "see https://github.com/apache/trafficserver/pull/7587");
    has(&found, "records.config ATS 10.0.6 does not read records.config: every setting has its default [10.0.6]\n");
}

#[test]
fn lines_that_are_not_understood_have_file_line_and_column() {
    let found =
        check(&[("remap.config", "map http://a.test/ http://b.test/\nmap http://c.test/ d.test\n")], &["9.2.9"]);
    has(&found, "breaks:\n  remap.config:2:20 `d.test` is no URL: ATS does not start\n");
}

#[test]
fn files_that_nobody_reads_are_named() {
    let found = check(&[("ssl_server_name.yaml", "- fqdn: a.test\n"), ("old/notes", "")], &["9.2.9"]);
    has(&found, "ssl_server_name.yaml ATS 9.2.9 does not read ssl_server_name.yaml");
    has(&found, "old/notes nothing refers to old/notes\n");
}

#[test]
fn plugins_are_listed_with_their_lines() {
    let remap =
        "map http://a.test/ http://b.test/ @plugin=own.so\nmap http://c.test/ http://b.test/ @plugin=cachekey.so\n";
    let found = check(&[("remap.config", remap)], &["9.2.9"]);
    has(&found, "remap.config:1 own.so is not among the plugins of the package of debian-12");
    has(&found, "plugins:\n  cachekey.so remap.config:2\n  own.so remap.config:1\n");
}

#[test]
fn json_has_a_schema_and_every_finding() {
    let dir = site(&[("records.config", "CONFIG proxy.config.none INT 1\nnonsense\n")]);
    let (code, out, _) = atsmatrix(dir.path(), &["config", "check", "site", "--ats", "9.2.9", "--format", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, answer["schema"].as_u64()), (3, Some(1)));
    let findings = answer["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 2, "{out}");
    assert_eq!((&findings[0]["at"]["line"], &findings[0]["certainty"]), (&1.into(), &"seen".into()));
    assert_eq!((&findings[1]["kind"], &findings[1]["column"]), (&"malformed".into(), &1.into()));
}

#[test]
fn wrong_folders_and_versions_are_usage_errors() {
    let dir = site(&[]);
    fs::write(dir.path().join("file"), "").unwrap();
    fs::write(dir.path().join("own.yaml"), "version: x\n").unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["missing", "--ats", "9.2.9"], "missing: No such file or directory"),
        (&["file", "--ats", "9.2.9"], "file: it is not a folder"),
        (&["site", "--ats", "nine"], "--ats: "),
        (&["site", "--ats", "8.0.8"], "no data about ATS 8.0.8"),
        (&["site", "--ats", "8.1.11,9.2.9,10.0.6"], "give --ats once or twice"),
        (&["site"], "--ats <ATS>"),
        (&["site", "--ats", "9.2.9", "--matrix", "own.yaml"], "own.yaml:1:"),
        (&["site", "--ats", "9.2.9", "--matrix", "none.yaml"], "none.yaml"),
    ];
    for (args, message) in cases {
        let (code, out, err) = atsmatrix(dir.path(), &[&["config", "check"], *args].concat());
        assert!(code == 2 && out.is_empty() && err.contains(message), "{args:?}: {code} {out} {err}");
    }
}

#[test]
fn hostile_names_and_contents_do_not_reach_the_terminal() {
    let found = check(&[("records.config", "CONFIG \u{1b}[31mproxy INT 1\n"), ("a\u{1b}[2J", "")], &["9.2.9"]);
    assert!(found.0 == 3 && !found.1.contains('\u{1b}'), "{found:?}");
}

/// Each block of docs/config-check.md that begins with `$ atsmatrix` shows what the command prints.
#[test]
fn the_examples_of_the_documentation_are_what_is_printed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_to_string(root.join("docs/config-check.md")).unwrap();
    let mut count = 0;
    for block in docs.split("```").filter_map(|block| block.strip_prefix("console\n$ atsmatrix ")) {
        let (args, shown) = block.split_once('\n').unwrap();
        let (_, out, err) = atsmatrix(root, &args.split(' ').collect::<Vec<_>>());
        assert_eq!(format!("{out}{err}"), shown, "{args}");
        count += 1;
    }
    assert_eq!(count, 1);
}
