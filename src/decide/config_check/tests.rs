use super::*;

fn target(name: &str) -> CheckTarget {
    CheckTarget { name: name.to_owned(), version: name.parse().unwrap(), distros: Vec::new() }
}

/// Checks `files` beside an `ip_allow` file of the version.
fn check(files: &[(&str, &str)], versions: &[&str]) -> ConfigCheck {
    let mut all: BTreeMap<String, Vec<u8>> =
        files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
    let targets: Vec<CheckTarget> = versions.iter().map(|it| target(it)).collect();
    let allow = Dialect::of(&targets[0].version).unwrap().ip_allow_file();
    all.entry(allow.to_owned()).or_default();
    let folder = ConfigFolder::read(&all);
    let states = BTreeMap::new();
    ConfigCheck::of("site", CheckedFolder { folder: &folder, states: &states }, &targets[0], targets.get(1)).unwrap()
}

/// `GRAVITY KIND PLACE` of each finding.
fn shown(check: &ConfigCheck) -> Vec<String> {
    let shown = |it: &ConfigFinding| format!("{:?} {} {}:{}", it.gravity, it.kind, it.at, it.column);
    check.findings.iter().map(shown).collect()
}

const SERVER: &str = "CONFIG proxy.config.ssl.client.verify.server INT 1\n";
const POLICY: &str = "CONFIG proxy.config.ssl.client.verify.server.policy STRING ENFORCED\n";

#[test]
fn an_unknown_setting_that_closes_something_fails_open() {
    let nine = check(&[("records.config", SERVER)], &["9.2.9"]);
    assert_eq!(shown(&nine), ["FailsOpen unknown-setting records.config:1:0"]);
    assert!(nine.findings[0].todo.contains("verify.server.policy"), "{nine:?}");
    assert_eq!(nine.findings[0].certainty, Certainty::Seen);
    let eight = check(&[("records.config", POLICY)], &["8.1.11"]);
    assert_eq!(shown(&eight), ["FailsOpen unknown-setting records.config:1:0"]);
    // With the setting of its own version beside it nothing is open.
    let both = check(&[("records.config", &format!("{SERVER}{POLICY}"))], &["9.2.9"]);
    assert_eq!(shown(&both), ["Ignored unknown-setting records.config:1:0"]);
    // 0 opens what the default has open.
    let off = check(&[("records.config", "CONFIG proxy.config.ssl.client.verify.server INT 0\n")], &["9.2.9"]);
    assert_eq!(shown(&off), ["Ignored unknown-setting records.config:1:0"]);
}

#[test]
fn misspelt_settings_have_the_name_that_was_meant() {
    let found = check(&[("records.config", "CONFIG proxy.config.http.cache.requierd_headers INT 0\n")], &["9.1.1"]);
    assert_eq!(found.findings[0].todo, "did you mean `proxy.config.http.cache.required_headers`?");
    // Of ATS 10 not every setting is known here, so that nothing is said against it.
    let found = check(&[("records.yaml", "records:\n  http:\n    brand_new: 1\n")], &["10.1.2"]);
    assert_eq!(shown(&found), ["Note unknown-setting records.yaml:3:0"]);
    assert!(!found.has_findings());
}

#[test]
fn types_and_values_are_read_as_ats_reads_them() {
    let text = "CONFIG proxy.config.http.connect_attempts_timeout STRING 5\n\
                CONFIG proxy.config.http.max_post_size INT 12abc\n\
                CONFIG proxy.config.cache.ram_cache.size INT 1G\n\
                CONFIG proxy.config.http.cache.http INT 1\n\
                CONFIG proxy.config.http.cache.http INT 0\n\
                CONFIG proxy.config.ssl.client.verify.server.policy STRING enforced\n";
    let found = check(&[("records.config", text)], &["9.2.9"]);
    assert_eq!(
        shown(&found),
        [
            "FailsOpen bad-value records.config:6:0",
            "Ignored wrong-type records.config:1:0",
            "Ignored bad-value records.config:2:0",
            "Ignored set-twice records.config:4:0",
        ]
    );
    assert!(found.findings[1].what.ends_with("keeps its default, 30") && found.findings[2].what.ends_with("reads 12"));
}

#[test]
fn keys_by_server_name_do_what_was_seen_on_each_version() {
    let names = "sni:\n- fqdn: a.test\n  nonsense: 1\n- fqdn: b.test\n  verify_server_policy: ENFORCED\n";
    let found = |version: &str| shown(&check(&[("sni.yaml", names)], &[version]));
    // 9.1 starts without the file, 9.2 without the key.
    assert_eq!(found("9.1.1"), ["FailsOpen unknown-key sni.yaml:3:0"]);
    assert_eq!(found("9.2.9"), ["Ignored unknown-key sni.yaml:3:0"]);
    assert_eq!(found("10.0.0"), [""; 0]);
    let values = "sni:\n- fqdn: a.test\n  verify_client: none\n";
    let found = |version: &str| shown(&check(&[("sni.yaml", values)], &[version]));
    assert_eq!(found("9.1.1"), ["FailsOpen bad-value sni.yaml:3:0"]);
    assert_eq!(found("9.2.9"), ["Breaks bad-value sni.yaml:3:0"]);
}

#[test]
fn lines_that_are_not_understood_have_a_column() {
    let records = "CONFIG proxy.config.http.cache.http int 0\n  nonsense\n";
    let remap = "map http://a.test/ http://b.test/\n  mapp http://a.test/ http://b.test/\n";
    let found =
        check(&[("records.config", records), ("remap.config", remap), ("sni.yaml", "sni:\n- fqdn: [a\n")], &["9.2.9"]);
    assert_eq!(
        shown(&found),
        [
            "Breaks malformed remap.config:2:3",
            "Breaks malformed sni.yaml:2:9",
            "Ignored malformed records.config:1:37",
            "Ignored malformed records.config:2:3",
        ]
    );
    let eight = check(&[("ssl_server_name.yaml", "- fqdn: [a\n")], &["8.1.11"]);
    assert_eq!(shown(&eight), ["Ignored malformed ssl_server_name.yaml:1:9"]);
}

#[test]
fn files_that_nobody_reads_are_told_apart() {
    let files = [
        ("cluster.config", ""),
        ("notes.txt", ""),
        ("ssl_server_name.yaml", "- fqdn: a.test\n  verify_client: STRICT\n"),
    ];
    let found = check(&files, &["9.2.9"]);
    assert_eq!(
        shown(&found),
        [
            "FailsOpen unread-file ssl_server_name.yaml:0:0",
            "Ignored unread-file cluster.config:0:0",
            "Note unused-file notes.txt:0:0",
        ]
    );
    let ten = check(&[("records.config", "CONFIG proxy.config.http.cache.http INT 0\n")], &["10.0.0"]);
    assert_eq!(shown(&ten), ["Breaks unread-file records.config:0:0"]);
    assert_eq!(ten.findings[0].certainty, Certainty::Documented);
}

#[test]
fn plugins_and_what_they_read_are_looked_for() {
    let remap = "map http://a.test/ http://b.test/ @plugin=slice.so @plugin=header_rewrite.so @pparam=rules.conf\n\
                 map http://c.test/ http://b.test/ @plugin=slice.so\n.include more.config\n";
    let found = check(&[("remap.config", remap)], &["9.2.9"]);
    assert_eq!(
        shown(&found),
        [
            "Breaks missing-file remap.config:1:0",
            "Breaks missing-plugin remap.config:1:0",
            "Breaks missing-file remap.config:3:0",
        ]
    );
    let loaded: Vec<(&str, usize)> = found.plugins.iter().map(|it| (it.name.as_str(), it.at.len())).collect();
    assert_eq!(loaded, [("header_rewrite.so", 1), ("slice.so", 2)]);
}

#[test]
fn without_a_file_of_access_every_client_is_refused() {
    let folder = ConfigFolder::read(&BTreeMap::from([("remap.config".to_owned(), Vec::new())]));
    let states = BTreeMap::new();
    let input = CheckedFolder { folder: &folder, states: &states };
    let found = ConfigCheck::of("site", input, &target("9.2.9"), None).unwrap();
    assert_eq!(shown(&found), ["Breaks missing-file ip_allow.yaml:0:0"]);
}

#[test]
fn what_changes_between_versions_is_told_unless_the_folder_decides_it() {
    let changed = |files: &[(&str, &str)], versions: &[&str]| {
        let found = check(files, versions);
        let names = found.findings.into_iter().filter(|it| it.gravity == Gravity::Changed).map(|it| it.what);
        names.collect::<Vec<_>>()
    };
    let ten = changed(&[("records.config", "")], &["9.2.9", "10.0.6"]);
    assert_eq!(ten.len(), 1, "{ten:?}");
    assert!(ten[0].contains("its default goes from PERMISSIVE to ENFORCED"), "{ten:?}");
    assert_eq!(changed(&[("records.config", POLICY)], &["9.2.9", "10.0.6"]), [""; 0]);
    assert_eq!(changed(&[("records.config", "")], &["10.0.6", "9.2.9"]), [""; 0]);
    assert_eq!(changed(&[("records.config", "")], &["9.2.9", "10.2.0"]).len(), 2);
    // Four of TLS, and the policy of origins. Of these versions only 9.1 is lenient about URIs.
    let nine = changed(&[("records.config", "")], &["8.1.11", "9.2.9"]);
    assert_eq!(nine.len(), 5, "{nine:?}");
    let uris = changed(&[("records.config", "")], &["9.1.1", "9.2.9"]);
    assert!(uris.len() == 1 && uris[0].starts_with("proxy.config.http.strict_uri_parsing "), "{uris:?}");
    let renamed = check(
        &[("records.yaml", "records:\n  http:\n    connect_attempts_max_retries_down_server: 1\n")],
        &["10.1.2", "10.2.0"],
    );
    let unknown = renamed.findings.iter().find(|it| it.kind == "unknown-setting").unwrap();
    assert_eq!((unknown.versions.join(" "), unknown.certainty), ("10.2.0".to_owned(), Certainty::Documented));
    assert!(unknown.todo.contains("suspect_server"), "{unknown:?}");
}

#[test]
fn findings_of_both_versions_are_one() {
    let found = check(&[("remap.config", "mapp http://a/ http://b/\n")], &["9.1.1", "9.2.9"]);
    let malformed: Vec<&ConfigFinding> = found.findings.iter().filter(|it| it.kind == "malformed").collect();
    assert_eq!(malformed.len(), 1);
    assert_eq!(malformed[0].versions, ["9.1.1", "9.2.9"]);
}

#[test]
fn files_that_could_not_be_read_are_no_answer() {
    let files = ["remap.config", "remap.d/a.config", "ssl/a.key", "notes.txt"];
    let mut all: BTreeMap<String, Vec<u8>> = files.iter().map(|it| ((*it).to_owned(), Vec::new())).collect();
    all.insert("remap.config".to_owned(), b".include remap.d\n".to_vec());
    let states = files.iter().map(|it| ((*it).to_owned(), FileState { mode: 0o400, readable: *it == "remap.config" }));
    let (folder, states) = (ConfigFolder::read(&all), states.collect());
    assert_eq!(CheckedFolder { folder: &folder, states: &states }.hidden(), ["remap.d/a.config"]);
}

#[test]
fn versions_without_data_are_refused() {
    let folder = ConfigFolder::read(&BTreeMap::new());
    let states = BTreeMap::new();
    let input = CheckedFolder { folder: &folder, states: &states };
    for version in ["7.1.2", "8.0.8", "11.0.0"] {
        assert!(ConfigCheck::of("site", input, &target(version), None).is_err(), "{version}");
    }
}

#[test]
fn what_keeps_requests_from_parents_is_told() {
    let line = "dest_domain=. parent=\"mid.test:80\" go_direct=false\n";
    let found = |parents: &str, records: &str, version: &str| {
        let all = check(&[("parent.config", parents), ("records.config", records)], &[version]);
        shown(&all).into_iter().filter(|it| it.contains("parents-")).collect::<Vec<_>>()
    };
    let bypassed = "Note parents-bypassed parent.config:1:0";
    assert_eq!(found(line, "", "9.2.9"), [bypassed]);
    assert_eq!(found(line, "", "8.1.11"), ["Ignored parents-off parent.config:0:0", bypassed]);
    let on = "CONFIG proxy.config.http.parent_proxy_routing_enable INT 1\n";
    assert_eq!(found(line, on, "8.1.11"), [bypassed]);
    let through = "CONFIG proxy.config.http.uncacheable_requests_bypass_parent INT 0\n";
    assert!(found(line, through, "9.2.9").is_empty());
    let origins = line.replace("go_direct", "parent_is_proxy=false go_direct");
    assert!(found(&origins, "", "9.2.9").is_empty());
    assert!(found(&line.replace("false", "true"), "", "9.2.9").is_empty(), "it says that they may be passed by");
    assert!(found("", "", "8.1.11").is_empty(), "there is no parent");
}
