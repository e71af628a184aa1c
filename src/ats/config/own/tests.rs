use super::*;

const RECORDS: &str = "\
CONFIG proxy.config.http.server_ports STRING 80 443:ssl
CONFIG proxy.config.exec_thread.limit INT 8
CONFIG proxy.config.http.cache.http INT 1
CONFIG proxy.config.plugin.plugin_dir STRING /opt/plugins
CONFIG proxy.config.ssl.server.cert.path STRING etc/trafficserver/ssl
";

const PASSWD: &str = "root:x:0:0::/root:/bin/sh\ntrafficserver:x:100:101::/run:/usr/sbin/nologin\n";

fn laid(dialect: Dialect, purpose: Purpose, files: &[(&str, &str)]) -> Result<Laid, Unlaid> {
    let files: BTreeMap<String, Vec<u8>> =
        files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
    let folder = ConfigFolder::read(&files);
    let multicert = files.get("ssl_multicert.config").map(|it| String::from_utf8_lossy(it)).unwrap_or_default();
    let settings = Settings {
        http_port: 8080,
        https_port: Some(9080),
        dns_port: 5353,
        server_identity: Some(("/run/front.pem".into(), "/run/front.key".into())),
        maps: vec![super::super::Map { from: "http://a.t/".into(), to: "http://a.test:1/".into() }],
        sni: vec![super::super::SniEntry { fqdn: "a.t".into(), keys: vec![("http2".into(), "off".into())] }],
        error_pages: Some("/pages".into()),
        ..Settings::default()
    };
    lay(
        dialect,
        &settings,
        &Theirs { folder: &folder, files: &files, multicert: &multicert, cache: "/cache", passwd: PASSWD },
        purpose,
    )
}

fn last<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().rev().find(|line| line.split_whitespace().nth(1) == Some(name))?.splitn(4, ' ').nth(3)
}

#[test]
fn their_settings_hold_except_where_the_cell_would_not_work_and_where_a_trial_has_premises() {
    let files = [("records.config", RECORDS), ("remap.config", "map / http://x\n")];
    let (own, trials) =
        (laid(Dialect::V9_2, Purpose::Own, &files).unwrap(), laid(Dialect::V9_2, Purpose::Trials, &files).unwrap());
    let value = |laid: &Laid, name: &str| last(&laid.files["records.config"], name).map(str::to_owned);
    for laid in [&own, &trials] {
        assert!(value(laid, "proxy.config.http.server_ports").unwrap().starts_with("8080:ip-in=127.0.0.1"));
        assert_eq!(value(laid, "proxy.config.admin.user_id").as_deref(), Some("#-1"));
        assert_eq!(value(laid, "proxy.config.ssl.server.cert.path").as_deref(), Some("/etc/trafficserver/ssl"));
        assert_eq!(
            laid.files["remap.config"],
            "map http://a.t/ http://a.test:1/\n.include /etc/trafficserver/remap.config\n"
        );
    }
    assert_eq!(value(&own, "proxy.config.exec_thread.limit").as_deref(), Some("8"));
    assert_eq!(value(&trials, "proxy.config.exec_thread.limit").as_deref(), Some("1"));
    let told = |laid: &Laid, name: &str| laid.overlays.iter().find(|it| it.name == name).map(ToString::to_string);
    assert_eq!(told(&own, "proxy.config.exec_thread.limit"), None);
    assert_eq!(
        told(&trials, "proxy.config.exec_thread.limit").unwrap(),
        "proxy.config.exec_thread.limit: 1 (yours: 8) in trials of the catalogue"
    );
    assert_eq!(
        told(&own, "proxy.config.http.server_ports").unwrap(),
        "proxy.config.http.server_ports: ports of the cell on 127.0.0.1, one of them for TLS (yours: 80 443:ssl)"
    );
    assert_eq!(
        told(&own, "proxy.config.plugin.plugin_dir").unwrap(),
        "proxy.config.plugin.plugin_dir: the plugin directory of the image (yours: /opt/plugins)"
    );
    assert!(own.overlays.is_sorted() && trials.overlays.is_sorted());
}

#[test]
fn ats_becomes_a_user_that_the_image_has_where_no_premises_of_trials_hold() {
    for (user, own, trials) in [
        (
            Some("trafficserver"),
            Some("trafficserver"),
            "#-1, the user of the cell (yours: trafficserver) in trials of the catalogue",
        ),
        (Some("ats"), Some("#-1"), "#-1, the user of the cell (yours: ats)"),
        (None, Some("#-1"), "#-1, the user of the cell"),
    ] {
        let line = user.map_or(String::new(), |user| format!("CONFIG proxy.config.admin.user_id STRING {user}\n"));
        let files = [("records.config", line.as_str())];
        let of = |purpose| laid(Dialect::V9_2, purpose, &files).unwrap();
        let value = |laid: &Laid| last(&laid.files["records.config"], "proxy.config.admin.user_id").map(str::to_owned);
        assert_eq!(value(&of(Purpose::Own)).as_deref(), own, "{user:?}");
        assert_eq!(value(&of(Purpose::Trials)).as_deref(), Some("#-1"), "{user:?}");
        let overlays = of(Purpose::Trials).overlays;
        let told = overlays.iter().find(|it| it.name == "proxy.config.admin.user_id").unwrap();
        assert_eq!(told.to_string(), format!("proxy.config.admin.user_id: {trials}"));
    }
}

#[test]
fn records_yaml_stays_as_it_is_and_ours_is_a_document_after_it() {
    const THEIRS: &str = "# Edge\nrecords:\n  exec_thread: &threads { limit: 8 }\n  http:\n    server_ports: 80 443:ssl\n    cache:\n      http: 1\n";
    let (own, trials) = (Purpose::Own, Purpose::Trials);
    for (purpose, limit) in [(own, "8"), (trials, "1")] {
        let laid = laid(Dialect::V10, purpose, &[("records.yaml", THEIRS)]).unwrap();
        let text = &laid.files["records.yaml"];
        assert!(text.starts_with(&format!("{THEIRS}---\nrecords:\n")), "{text}");
        // Read as ATS reads it: of a setting in both documents the last one holds.
        let files = BTreeMap::from([("records.yaml".to_owned(), text.clone().into_bytes())]);
        let folder = ConfigFolder::read(&files);
        assert_eq!(folder.faults, []);
        let value = |name: &str| {
            folder.record("records.yaml", &format!("proxy.config.{name}")).map(|record| record.value.as_str())
        };
        assert_eq!(value("exec_thread.limit"), Some(limit));
        assert_eq!(value("http.cache.http"), Some(if purpose == own { "1" } else { "0" }));
        assert!(value("http.server_ports").unwrap().starts_with("8080:ip-in=127.0.0.1"));
        assert_eq!(value("dns.nameservers"), Some("127.0.0.1:5353"));
        let ports = laid.overlays.iter().find(|it| it.name == "proxy.config.http.server_ports").unwrap();
        assert_eq!(ports.theirs.as_deref(), Some("80 443:ssl"));
    }
    // Without settings of theirs there is one document.
    let without = laid(Dialect::V10, trials, &[("remap.config", "map / http://x\n")]).unwrap();
    assert!(without.files["records.yaml"].starts_with("records:\n"));
    let comments = laid(Dialect::V10, trials, &[("records.yaml", "# nothing\n")]).unwrap();
    assert!(comments.files["records.yaml"].starts_with("# nothing\n---\nrecords:\n"));
}

#[test]
fn lists_begin_with_ours_and_certificates_with_theirs() {
    let files = [
        ("sni.yaml", "sni:\n  - fqdn: www\n    http2: on\n"),
        ("ip_allow.yaml", "ip_allow:\n  - apply: in\n    ip_addrs: 0/0\n    action: deny\n    methods: ALL\n"),
        ("ssl_multicert.config", "dest_ip=* ssl_cert_name=www.pem\n"),
        ("storage.config", "/var/cache 256G\n"),
        ("parent.config", "dest_domain=. parent=\"p:80\"\n"),
    ];
    let trials = laid(Dialect::V9_2, Purpose::Trials, &files).unwrap();
    assert!(trials.files["sni.yaml"].starts_with("sni:\n  - fqdn: 'a.t'\n    http2: 'off'\n  - fqdn: www\n"));
    let allow = &trials.files["ip_allow.yaml"];
    assert!(allow.starts_with("ip_allow:\n  - apply: in\n    ip_addrs: 127.0.0.1\n    action: allow\n"), "{allow}");
    assert_eq!(
        trials.files["ssl_multicert.config"],
        "dest_ip=* ssl_cert_name=www.pem\nssl_cert_name=/run/front.pem ssl_key_name=/run/front.key\n"
    );
    assert_eq!(trials.files["parent.config"], "dest_domain=test go_direct=true\ndest_domain=. parent=\"p:80\"\n");
    assert!(trials.files["storage.config"].starts_with('#'));
    let own = laid(Dialect::V9_2, Purpose::Own, &files).unwrap();
    assert_eq!((own.files["storage.config"].as_str(), own.files["sni.yaml"].as_str()), ("/cache 32M\n", files[0].1));
    assert_eq!(own.files["parent.config"], files[4].1);
    let odd = laid(Dialect::V9_2, Purpose::Trials, &[("sni.yaml", "sni: [{ fqdn: a }]\n")]).unwrap_err();
    assert!(odd.to_string().starts_with("nothing can be put into your sni.yaml"), "{odd}");
}

#[test]
fn a_file_of_comments_alone_stays_without_a_list() {
    // As Debian delivers it. 9.2 ends with "expected sequence" if `sni:` has none.
    let files = BTreeMap::from([("sni.yaml".to_owned(), b"# sni:\n".to_vec())]);
    let theirs = Theirs { folder: &ConfigFolder::read(&files), files: &files, multicert: "", cache: "", passwd: "" };
    let laid = lay(Dialect::V9_2, &Settings::default(), &theirs, Purpose::Trials).unwrap();
    assert_eq!(laid.files["sni.yaml"], "# sni:\n");
}

#[test]
fn what_they_do_not_have_is_ours() {
    let laid =
        laid(Dialect::V8, Purpose::Own, &[("body_factory/default/x", "page"), ("plugin.config", "x.so\n")]).unwrap();
    assert!(
        !laid.files.contains_key("plugin.config") && !laid.files.keys().any(|name| name.starts_with("body_factory"))
    );
    assert!(laid.files.contains_key("logging.yaml") && laid.files.contains_key("ip_allow.config"));
    assert!(!laid.overlays.iter().any(|overlay| overlay.name.contains("template_sets_dir")));
}
