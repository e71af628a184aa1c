//! Configurations of the user's own, for real: the examples on Debian 12 and 13 (ATS 9.2.9), and what is told when
//! something in them is wrong. Needs a container engine; images that are not there are made first.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its run has failed")]

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What stands in a private key and in a file that only the agent of a cell may get.
const SECRET: &str = "c2VjcmV0LW9mLXRoZS1lZGdlLXRoYXQtbm9ib2R5LXNob3VsZC1zZWU";

/// The columns beside the examples: a name, the example that it is made of, a file of it, and what is added to that file.
const WRONG: [(&str, &str, &str, &str); 10] = [
    // Not wrong: a parent by address, which a cell does not have.
    ("missing-ca", "edge", "parent.config", "dest_domain=shard-1.origin.example.com parent=\"10.1.2.3:8080\"\n"),
    (
        "broken-plugin",
        "edge",
        "remap.config",
        "map http://a.example.com/ http://a.origin.example.com/ @plugin=no_such_plugin.so\n",
    ),
    (
        "undefined-symbol",
        "edge",
        "remap.config",
        "map http://a.example.com/ http://a.origin.example.com/ @plugin=/etc/trafficserver/undefined.so\n",
    ),
    (
        "missing-library",
        "edge",
        "remap.config",
        "map http://a.example.com/ http://a.origin.example.com/ @plugin=/etc/trafficserver/needs-more.so\n",
    ),
    (
        "missing-script",
        "child",
        "remap.d/30-api.config",
        "map http://api.example.com/ http://api.origin.example.com/ @plugin=tslua.so @pparam=lua/api.lua\n",
    ),
    ("missing-ca", "edge", "records.config", "CONFIG proxy.config.ssl.client.CA.cert.filename STRING our-ca.pem\n"),
    ("mistakes", "edge", "records.config", "CONFIG proxy.config.http.no_such_setting INT 1\n"),
    ("mistakes", "edge", "parent.config", "dest_domain=www.origin.example.com parent=\"parent.example.com\"\n"),
    ("mistakes", "edge", "ssl/www.key", "This is no key.\n"),
    (
        "missing-ca",
        "edge",
        "remap.config",
        "map http://wrong.example.com/ http://right.origin.example.com/ @plugin=regex_remap.so @pparam=wrong.map\n",
    ),
];

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// Makes the shared library `name` in `folder` of C `source`.
fn library(folder: &Path, name: &str, source: &str, arguments: &[&str]) {
    fs::write(folder.join("source.c"), source).unwrap();
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-nostdlib", "-o", name, "source.c"])
        .args(arguments)
        .current_dir(folder)
        .status()
        .unwrap();
    assert!(made.success(), "{name}");
    fs::remove_file(folder.join("source.c")).unwrap();
}

/// Plugins that do not load.
fn broken_plugins(folder: &Path) {
    let entry = "int gone(void); int TSRemapInit(void) { return gone(); }";
    library(&folder.join("undefined-symbol"), "undefined.so", entry, &[]);
    let needing = folder.join("missing-library");
    library(&needing, "libgone.so.7", "int gone(void) { return 0; }", &["-Wl,-soname,libgone.so.7"]);
    library(&needing, "needs-more.so", entry, &["-L.", "-l:libgone.so.7"]);
    fs::remove_file(needing.join("libgone.so.7")).unwrap();
}

/// The program. Of root's privileges it does not have the one to read what it may not.
fn program() -> Command {
    let program = env!("CARGO_BIN_EXE_atsmatrix");
    let mut as_root = Command::new("setpriv");
    as_root.args(["--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search", program]);
    let is_root = fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0);
    if is_root { as_root } else { Command::new(program) }
}

/// Runs the trials of the configuration in `folder`; the cells of its results, and what it said.
fn cells(folder: &Path) -> (Vec<Value>, String) {
    let output = program()
        .args(["run", "--jobs", "2", "--trial", "your-*", "--trial", "tls-remote-origin", "--results", "out"])
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    let bytes = fs::read(folder.join("out/matrix.json")).unwrap_or_else(|error| panic!("{error}: {said}"));
    let matrix: Value = serde_json::from_slice(&bytes).unwrap();
    (matrix["cells"].as_array().unwrap().clone(), said)
}

fn trial<'a>(cell: &'a Value, id: &str) -> (&'a str, &'a str) {
    let trial = cell["trials"].as_array().unwrap().iter().find(|trial| trial["id"] == id);
    let trial = trial.unwrap_or_else(|| panic!("no {id} in {cell:#}"));
    (trial["outcome"].as_str().unwrap(), trial["summary"].as_str().unwrap())
}

/// Panics if a file below `folder` holds the secret.
fn assert_no_secret(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            assert_no_secret(&entry.path());
        } else {
            let bytes = fs::read(entry.path()).unwrap();
            let found = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
            assert!(!found, "{} holds the secret", entry.path().display());
        }
    }
}

/// What ATS does with requests and answers is compared rule by rule: the same on both distros, and a header that changed by name.
fn behaviour_of_rules(folder: &Path) {
    let atsmatrix = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_atsmatrix")).args(args).current_dir(folder).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap(), said)
    };
    let records = fs::read_to_string(folder.join("out/behaviour.json")).unwrap();
    for fact in [
        "\"request header cookie\":\"removed [GET http://www.example.com/, GET https://www.example.com/]\"",
        // Of header_rewrite, of Lua, of a redirect, and of the upper tier.
        "\"request header x-edge\":\"added www [GET http://www.example.com/, GET https://www.example.com/]\"",
        "\"answer header x-served-by\":\"added child [GET http://www.example.com/, GET https://www.example.com/]\"",
        "\"redirect\":\"301 to https://www.example.com/ [GET http://example.com/]\"",
        "\"parent\":\"http://upper-2.example.com (TCP 8080) [GET http://img.example.com/, GET https://img.example.com/]\"",
        "\"path\":\"as asked",
        "\"parent\":\"http://10-1-2-3.parent.example (TCP 8080) [GET http://shard-1.example.com/]\"",
    ] {
        assert!(records.contains(fact), "{fact}: {records}");
    }
    for column in ["edge", "child"] {
        let [from, to] = ["debian-12", "debian-13"].map(|distro| format!("{distro}/{column}"));
        let (code, said) = atsmatrix(&["diff", "--results", "out", "--behaviour", &from, &to]);
        assert!(code == 0 && said.contains("none unexplained"), "{said}");
    }
    let (code, said) = atsmatrix(&["explain", "debian-12/child", "your-rules", "--results", "out"]);
    assert!(code == 0 && said.contains("\n      rule Host: of the origin [all 4 rules]\n"), "{said}");
    // A search would take the configuration for a part of the distro.
    let (code, said) = atsmatrix(&["bisect", "--good", "debian-12/edge", "--bad", "debian-12/mistakes"]);
    assert!(code == 2 && said.contains("debian-12/mistakes has `config: mistakes`: a search needs the same"), "{said}");
    let (code, said) =
        atsmatrix(&["diff", "--results", "out", "--behaviour", "debian-12/edge", "debian-12/missing-ca"]);
    assert!(code == 0 && said.contains("unexplained: rule request header x-edge: added www ["), "{said}");
    assert!(
        said.contains("-> added new [GET http://www.example.com/, GET https://www.example.com/], in 1 trial"),
        "{said}"
    );
    assert!(!said.contains("rule request header cookie"), "{said}");
}

#[test]
fn an_edge_is_tried_as_it_is_and_what_is_wrong_with_it_is_one_sentence() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("own-config");
    let _ = fs::remove_dir_all(&folder);
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/own-config"), &folder);
    fs::write(folder.join("edge/notes.txt"), SECRET).unwrap();
    let mut yaml = fs::read_to_string(folder.join("matrix.yaml")).unwrap();
    for (name, example, file, added) in WRONG {
        let column = folder.join(name);
        if !column.exists() {
            copy(&folder.join(example), &column);
            write!(
                yaml,
                "  {name}:\n    version: \"9.2.9\"\n    config: edge\n    sources:\n      - on: [debian-12]\n        config: \
                 {name}\n        package: {{ name: trafficserver, version: 9.2.5+ds-0+deb12u* }}\n        reports: \
                 \">=9.2.9,<9.3\"\n"
            )
            .unwrap();
        }
        let text = fs::read_to_string(column.join(file)).unwrap_or_default() + added;
        fs::write(column.join(file), text).unwrap();
    }
    broken_plugins(&folder);
    let key = folder.join("child/ssl/www.key");
    fs::write(&key, SECRET).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o000)).unwrap();
    let rules = fs::read_to_string(folder.join("missing-ca/hdr/www.config")).unwrap();
    fs::write(folder.join("missing-ca/hdr/www.config"), rules.replace("\"www\"", "\"new\"")).unwrap();
    fs::write(folder.join("missing-ca/wrong.map"), "^.*$ http://img.origin.example.com:8081/\n").unwrap();
    fs::write(folder.join("matrix.yaml"), yaml).unwrap();
    let (cells, said) = cells(&folder);
    let cell = |id: &str| cells.iter().find(|cell| cell["id"] == id).unwrap_or_else(|| panic!("no {id}: {said}"));

    for id in ["debian-12/edge", "debian-13/edge"] {
        let edge = cell(id);
        let (start, rules) = (trial(edge, "your-config-start"), trial(edge, "your-rules"));
        assert_eq!((start.0, rules.0), ("pass", "pass"), "{edge:#}\n{said}");
        assert!(start.1.contains("an answer of ATS (running as trafficserver | "), "{start:?}");
        assert!(start.1.contains("www.key is not there: a self-signed stand-in (ECDSA P-256)"), "{start:?}");
        assert!(rules.1 == "7 of 7 rules lead where they say", "{rules:?}");
        let config = &edge["provenance"]["config"];
        assert_eq!(config["digest"].as_str().unwrap().len(), 64);
        let ports =
            config["overlays"].as_array().unwrap().iter().find(|it| it["name"] == "proxy.config.http.server_ports");
        assert_eq!(ports.unwrap()["theirs"], "80 443:ssl");
    }
    for id in ["debian-12/child", "debian-13/child"] {
        let child = cell(id);
        let (start, rules) = (trial(child, "your-config-start"), trial(child, "your-rules"));
        assert_eq!((start.0, rules), ("pass", ("pass", "4 of 4 rules lead where they say")), "{child:#}\n{said}");
        assert!(start.1.contains("www.key could not be read where atsmatrix runs (permission denied)"), "{start:?}");
    }
    for (name, id, words) in [
        (
            "undefined-symbol",
            "your-config-start",
            "remap.config line 9: /etc/trafficserver/undefined.so: undefined symbol: gone | ",
        ),
        (
            "missing-library",
            "your-config-start",
            "remap.config line 9: libgone.so.7: cannot open shared object file: No such file or directory | ",
        ),
        ("missing-script", "your-config-start", "lua/api.lua"),
        (
            "broken-plugin",
            "your-config-start",
            "failed to add remap rule at /etc/trafficserver/remap.config line 9: failed to find plugin 'no_such_plugin.so'",
        ),
        ("missing-ca", "your-config-start", "names the CA file /etc/trafficserver/our-ca.pem, which is not there"),
        (
            "mistakes",
            "your-config-start",
            "ATS does not know the setting proxy.config.http.no_such_setting and ignores it",
        ),
        ("mistakes", "your-config-start", "[ParentSelection] No parent port specified at line 1"),
        ("mistakes", "your-config-start", "failed to load certificate: /etc/trafficserver/ssl/www.pem"),
        (
            "missing-ca",
            "your-rules",
            "remap.config:9: GET http://wrong.example.com/ should reach http://right.origin.example.com, and \
             http://img.origin.example.com (TCP 8081) got the request",
        ),
    ] {
        let cell = cell(&format!("debian-12/{name}"));
        let (found, summary) = trial(cell, id);
        assert_eq!(found, "fail", "{cell:#}\n{said}");
        assert!(summary.contains(words), "{name}: {summary}");
    }
    // Nothing is green where ATS does not start, and one trial says why.
    let dead = cell("debian-12/broken-plugin");
    assert_eq!(dead["verdict"], "fail");
    assert_eq!(
        trial(dead, "tls-remote-origin"),
        ("error", "ATS does not start with your configuration: `your-config-start` says why")
    );
    behaviour_of_rules(&folder);
    assert_no_secret(&folder.join("out"));
    assert!(!said.contains(SECRET));
}
