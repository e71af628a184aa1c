//! A configuration of the user's own, for real: the example on Debian 12 and 13 (ATS 9.2.9), and what is told when
//! something in it is wrong. Needs a container engine; images that are not there are made first.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its run has failed")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What stands in a private key and in a file that only the agent of a cell may get.
const SECRET: &str = "c2VjcmV0LW9mLXRoZS1lZGdlLXRoYXQtbm9ib2R5LXNob3VsZC1zZWU";

/// The columns beside the example: a name, a file of it, and what is added to that file.
const WRONG: [(&str, &str, &str); 6] = [
    (
        "broken-plugin",
        "remap.config",
        "map http://a.example.com/ http://a.origin.example.com/ @plugin=no_such_plugin.so\n",
    ),
    ("missing-ca", "records.config", "CONFIG proxy.config.ssl.client.CA.cert.filename STRING our-ca.pem\n"),
    ("mistakes", "records.config", "CONFIG proxy.config.http.no_such_setting INT 1\n"),
    ("mistakes", "parent.config", "dest_domain=www.origin.example.com parent=\"parent.example.com\"\n"),
    ("mistakes", "ssl/www.key", "This is no key.\n"),
    (
        "missing-ca",
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

/// Runs the trials of the configuration in `folder`; the cells of its results, and what it said.
fn cells(folder: &Path) -> (Vec<Value>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_atsmatrix"))
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

#[test]
fn an_edge_is_tried_as_it_is_and_what_is_wrong_with_it_is_one_sentence() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("own-config");
    let _ = fs::remove_dir_all(&folder);
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/own-config"), &folder);
    fs::write(folder.join("edge/notes.txt"), SECRET).unwrap();
    let mut yaml = fs::read_to_string(folder.join("matrix.yaml")).unwrap();
    for (name, file, added) in WRONG {
        let column = folder.join(name);
        if !column.exists() {
            copy(&folder.join("edge"), &column);
            write!(
                yaml,
                "  {name}:\n    version: \"9.2.9\"\n    config: {name}\n    sources:\n      - on: [debian-12]\n        package: \
                 {{ name: trafficserver, version: 9.2.5+ds-0+deb12u* }}\n        reports: \">=9.2.9,<9.3\"\n"
            )
            .unwrap();
        }
        let text = fs::read_to_string(column.join(file)).unwrap_or_default() + added;
        fs::write(column.join(file), text).unwrap();
    }
    fs::write(folder.join("missing-ca/wrong.map"), "^.*$ http://img.origin.example.com:8081/\n").unwrap();
    fs::write(folder.join("matrix.yaml"), yaml).unwrap();
    let (cells, said) = cells(&folder);
    let cell = |id: &str| cells.iter().find(|cell| cell["id"] == id).unwrap_or_else(|| panic!("no {id}: {said}"));

    for id in ["debian-12/edge", "debian-13/edge"] {
        let edge = cell(id);
        let (start, rules) = (trial(edge, "your-config-start"), trial(edge, "your-rules"));
        assert_eq!((start.0, rules.0), ("pass", "pass"), "{edge:#}\n{said}");
        assert!(start.1.contains("www.key is not there: a self-signed stand-in (ECDSA P-256)"), "{start:?}");
        assert!(rules.1 == "7 of 7 rules lead where they say", "{rules:?}");
        let config = &edge["provenance"]["config"];
        assert_eq!(config["digest"].as_str().unwrap().len(), 64);
        let ports =
            config["overlays"].as_array().unwrap().iter().find(|it| it["name"] == "proxy.config.http.server_ports");
        assert_eq!(ports.unwrap()["theirs"], "80 443:ssl");
    }
    for (name, id, words) in [
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
    assert_no_secret(&folder.join("out"));
    assert!(!said.contains(SECRET));
}
