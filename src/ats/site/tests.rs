use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::model::RecordType;

fn folder(files: &[(&str, &str)]) -> ConfigFolder {
    let files: BTreeMap<String, Vec<u8>> =
        files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
    ConfigFolder::read(&files)
}

fn faults(folder: &ConfigFolder) -> Vec<String> {
    folder.faults.iter().map(|fault| format!("{}: {}", fault.at, fault.message)).collect()
}

#[test]
fn settings_have_their_line_and_the_last_one_counts() {
    let text = "# a comment\r\n\r\n  CONFIG proxy.config.a  STRING  one two \r\nLOCAL proxy.local.b INT 1\n\
                CONFIG proxy.config.a STRING three\n";
    let found = folder(&[("records.config", text)]);
    assert_eq!(faults(&found), [""; 0]);
    assert_eq!(found.records[0].at, FileLine::new("records.config", 3));
    assert_eq!((found.records[0].value.as_str(), found.records[1].kind), ("one two", RecordType::Int));
    assert_eq!(found.record("records.config", "proxy.config.a").unwrap().value, "three");
}

#[test]
fn settings_of_yaml_have_their_full_names() {
    let text = "records:\n  http:\n    server_ports: 8080 8443:ssl\n    cache: {http: 0}\n  exec_thread:\n    autoconfig:\n      scale: 1.5\n    affinity: '1'\n  x:\n";
    let found = folder(&[("records.yaml", text)]);
    assert_eq!(faults(&found), [""; 0]);
    let shown: Vec<String> =
        found.records.iter().map(|it| format!("{} {} {} {}", it.at.line, it.name, it.kind, it.value)).collect();
    assert_eq!(
        shown,
        [
            "3 proxy.config.http.server_ports STRING 8080 8443:ssl",
            "4 proxy.config.http.cache.http INT 0",
            "7 proxy.config.exec_thread.autoconfig.scale FLOAT 1.5",
            "8 proxy.config.exec_thread.affinity STRING 1",
            "9 proxy.config.x STRING NULL",
        ]
    );
}

#[test]
fn settings_that_are_not_understood_are_faults() {
    let found = folder(&[
        (
            "records.config",
            "proxy.config.a INT 1\nCONFIG proxy.config.a int 1\nCONFIG proxy.config.b\nCONFIG proxy.config.c STRING\n",
        ),
        ("records.yaml", "ts:\n  a: 1\n"),
    ]);
    assert_eq!(
        faults(&found),
        [
            "records.config:1: the line begins with `proxy.config.a`",
            "records.config:2: `int` is not a type of settings",
            "records.config:3: the line ends before the type of the value",
            "records.config:4: proxy.config.c has no value",
            "records.yaml:1: the file has no key `records`",
        ]
    );
    assert!(found.records.is_empty());
    let broken = folder(&[("records.yaml", "records:\n  a: [1\n"), ("sni.yaml", "sni:\n\t- fqdn: x\n")]);
    assert_eq!(broken.faults.len(), 2, "{broken:?}");
    assert!(broken.faults.iter().all(|fault| fault.refused));
}

#[test]
fn rules_have_targets_plugins_and_filters() {
    let main = ".definefilter office @src_ip=10.0.0.0-10.255.255.255 @action=allow\n\
                .activatefilter office\n\
                map https://shop.example.com/ https://origin.example.com:8443/base \\\n\
                \u{20} @plugin=cachekey.so @pparam=--static-prefix=x @plugin=header_rewrite.so @pparam=rules/a.conf @method=GET\n\
                .deactivatefilter office\n\
                .include remap.d more.config\n\
                regex_map http://(.*)\\.example\\.com/ http://$1.internal:8080/ tag\n";
    let found = folder(&[
        ("remap.config", main),
        ("remap.d/b.config", "redirect_temporary http://old.test/ https://new.test/\n"),
        ("remap.d/a.config", "map / http://[2001:db8::1]:81/\n"),
        ("remap.d/.hidden", "nonsense\n"),
        ("remap.d/deeper/c.config", "nonsense\n"),
    ]);
    assert_eq!(faults(&found), [""; 0]);
    let [shop, any, old, regex] = found.rules.as_slice() else { panic!("{:?}", found.rules) };
    assert_eq!(shop.at, FileLine::new("remap.config", 3));
    assert_eq!(
        (shop.to.host.as_str(), shop.to.port, shop.to.path.as_str()),
        ("origin.example.com", Some(8443), "/base")
    );
    assert_eq!((shop.from.port, shop.from.port_or_default()), (None, Some(443)));
    assert_eq!(shop.plugins[1], PluginUse { name: "header_rewrite.so".into(), params: vec!["rules/a.conf".into()] });
    assert_eq!(
        (shop.options.as_slice(), shop.filters.as_slice()),
        (&["method=GET".to_owned()][..], &["office".to_owned()][..])
    );
    assert_eq!(
        (any.at.file.as_str(), any.to.host.as_str(), any.to.port),
        ("remap.d/a.config", "[2001:db8::1]", Some(81))
    );
    assert_eq!((old.kind, old.filters.len()), (RuleKind::RedirectTemporary, 0));
    assert!(regex.regex && regex.kind == RuleKind::Map && regex.from.host == "(.*)\\.example\\.com");
    assert_eq!(regex.rest, ["tag"]);
    let missing: Vec<&str> =
        found.includes.iter().filter(|it| it.files.is_empty()).map(|it| it.path.as_str()).collect();
    assert_eq!(missing, ["more.config"]);
}

#[test]
fn rules_that_ats_refuses_are_faults() {
    let text = "map http://a/\nmapp http://a/ http://b/\nmap a.test http://b/\nmap http://a/ http://b/ @pparam=x\n\
                .include\n.foo x\n.useflt nothing\n.include remap.config\n# swallows \\\nmap http://c/ http://d/\n";
    let found = folder(&[("remap.config", text)]);
    assert_eq!(
        faults(&found),
        [
            "remap.config:1: the line has fewer than two URLs",
            "remap.config:2: `mapp` is no kind of rule",
            "remap.config:3: `a.test` is no URL",
            "remap.config:4: @pparam=x stands before any @plugin=",
            "remap.config:5: .include has no name behind it",
            "remap.config:6: `.foo` is no directive",
            "remap.config:7: the filter nothing is not defined before this line",
            "remap.config:8: remap.config includes itself",
            "remap.config:9: this comment ends with a backslash, and takes the line that follows with it",
        ]
    );
    assert_eq!(found.rules.len(), 1);
}

#[test]
fn server_names_of_every_version_are_read() {
    let nine = "sni:\n  - fqdn: a.test\n    verify_server_policy: ENFORCED\n    http2: on\n  - fqdn: '*.b.test'\n    ip_allow: [10.0.0.0/8, 192.168.0.0/16]\n  - host: c\n";
    let found = folder(&[("sni.yaml", nine), ("ssl_server_name.yaml", "- fqdn: old.test\n  disable_h2: true\n")]);
    let shown: Vec<String> = found.names.iter().map(|it| format!("{} {}", it.at, it.fqdn)).collect();
    assert_eq!(shown, ["sni.yaml:2 a.test", "sni.yaml:5 *.b.test", "ssl_server_name.yaml:1 old.test"]);
    assert_eq!(found.names[0].key("verify_server_policy").unwrap().at.line, 3);
    assert_eq!(found.names[1].keys[0].value, "10.0.0.0/8,192.168.0.0/16");
    assert_eq!(faults(&found), ["sni.yaml:7: this entry has no `fqdn`"]);
}

#[test]
fn parents_certificates_plugins_and_storage_are_read() {
    let found = folder(&[
        (
            "parent.config",
            "dest_domain=. parent=\"p1.test:80|2.0; p2.test:80\" secondary_parent=\"s.test:81\" go_direct=false\nparent=x\n",
        ),
        (
            "ssl_multicert.config",
            "dest_ip=* ssl_cert_name=a.pem,b.pem ssl_key_name=a.key,b.key ssl_key_dialog=\"exec:/bin/cat x\"\nssl_key_name=c\n",
        ),
        ("plugin.config", "# none\nstats_over_http.so\nheader_rewrite.so \"my rules.conf\" # why\nlua.so \"open\n"),
        ("storage.config", "/var/cache 1G volume=1\n"),
    ]);
    let parent = &found.parents[0];
    assert_eq!(
        (parent.parents.join(" "), parent.secondary.join(" ")),
        ("p1.test:80 p2.test:80".into(), "s.test:81".into())
    );
    assert!(!parent.go_direct && parent.destination == ("dest_domain".into(), ".".into()));
    let certificate = &found.certificates[0];
    assert_eq!(
        (certificate.certificates.join(" "), certificate.keys.join(" ")),
        ("a.pem b.pem".into(), "a.key b.key".into())
    );
    assert_eq!(found.plugins[1].params, ["my rules.conf"]);
    assert_eq!((found.storage[0].path.as_str(), found.storage[0].options.len()), ("/var/cache", 2));
    assert_eq!(
        faults(&found),
        [
            "parent.config:2: the line does not say which destinations it is for",
            "plugin.config:4: a double quote is not closed",
            "ssl_multicert.config:2: the line names no certificate",
        ]
    );
}

#[test]
fn files_are_found_under_the_names_that_settings_give_them() {
    let found = folder(&[
        ("records.config", "CONFIG proxy.config.url_remap.filename STRING /etc/trafficserver/./own.config\n"),
        ("own.config", "map / http://o/\n"),
        ("remap.config", "nonsense\n"),
    ]);
    assert_eq!((found.rules.len(), found.faults.len()), (1, 0));
}

#[test]
fn paths_lead_into_the_folder_or_elsewhere() {
    let cases = [
        ("a/../b", Some("b")),
        ("./a//b", Some("a/b")),
        ("/etc/trafficserver/a", Some("a")),
        ("/etc/trafficserver2/a", None),
        ("/etc/ssl/a", None),
        ("../a", None),
        ("", Some("")),
    ];
    for (path, expected) in cases {
        assert_eq!(inside(path).as_deref(), expected, "{path}");
    }
}

#[test]
fn an_alias_bomb_is_refused_with_bounded_work() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..20 {
        let items = vec![format!("*a{}", i - 1); 9].join(", ");
        writeln!(text, "a{i}: &a{i} [{items}]").unwrap();
    }
    let found = folder(&[("records.yaml", &text), ("sni.yaml", &format!("sni: {}", "[".repeat(50_000)))]);
    assert_eq!(found.faults.len(), 2, "{:?}", found.faults);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever the bytes are, and also near to what is valid.
    #[test]
    fn no_bytes_make_it_panic(
        noise in proptest::collection::vec(any::<u8>(), 0..200),
        words in proptest::collection::vec("(map|@plugin=|@pparam=x|\\.include|remap.config|http://|://|:|\\[|\\]|\\\\|\n|\"|#|=|a|/| |CONFIG|INT|records:|sni:|- fqdn: x|\\{|&a|\\*a|é)", 0..60),
    ) {
        let text = words.concat().into_bytes();
        let names = ["records.config", "records.yaml", "remap.config", "parent.config", "sni.yaml", "ssl_server_name.yaml",
            "ssl_multicert.config", "plugin.config", "storage.config"];
        for bytes in [noise, text] {
            let files = names.iter().map(|name| ((*name).to_owned(), bytes.clone())).collect();
            let folder = ConfigFolder::read(&files);
            prop_assert!(folder.faults.iter().all(|fault| fault.at.line >= 1));
        }
    }
}
