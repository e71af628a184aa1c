use std::collections::BTreeSet;

use super::*;
use crate::catalogue::known_issues::{KNOWN_ISSUES, Workaround};
use crate::catalogue::trials::CATALOGUE;
use crate::model::RecordType;

fn record(name: &str, kind: RecordType, value: &str) -> Record {
    Record { name: format!("proxy.config.{name}"), kind, value: value.into() }
}

fn settings() -> Settings {
    Settings {
        http_port: 8080,
        dns_port: 5300,
        ca: Some(FileRef { directory: "/run/ats/etc".into(), name: "ca.pem".into() }),
        maps: vec![Map { from: "http://tls-get.t/".into(), to: "https://tls-get.test:9001/".into() }],
        records: vec![
            record("ssl.client.verify.server.policy", RecordType::String, "ENFORCED"),
            record("ssl.client.verify.server.properties", RecordType::String, "ALL"),
            record("ssl.client.TLSv1_3", RecordType::Int, "0"),
        ],
        ..Settings::default()
    }
}

#[test]
fn the_files_of_8_1() {
    let files = files(Dialect::V8, &settings()).unwrap();
    insta::assert_snapshot!(files["records.config"], @r"
    CONFIG proxy.config.admin.user_id STRING #-1
    CONFIG proxy.config.crash_log_helper STRING NULL
    CONFIG proxy.config.exec_thread.autoconfig INT 0
    CONFIG proxy.config.exec_thread.limit INT 1
    CONFIG proxy.config.net.connections_throttle INT 1000
    CONFIG proxy.config.diags.output.status STRING LE
    CONFIG proxy.config.diags.output.note STRING LE
    CONFIG proxy.config.diags.output.warning STRING LE
    CONFIG proxy.config.diags.output.error STRING LE
    CONFIG proxy.config.diags.output.fatal STRING LE
    CONFIG proxy.config.diags.output.alert STRING LE
    CONFIG proxy.config.diags.output.emergency STRING LE
    CONFIG proxy.config.log.logging_enabled INT 1
    CONFIG proxy.config.log.max_secs_per_buffer INT 1
    CONFIG proxy.config.log.log_buffer_size INT 2048
    CONFIG proxy.config.log.max_space_mb_for_logs INT 20
    CONFIG proxy.config.log.max_space_mb_headroom INT 1
    CONFIG proxy.config.log.periodic_tasks_interval INT 1
    CONFIG proxy.config.dns.nameservers STRING 127.0.0.1:5300
    CONFIG proxy.config.dns.resolv_conf STRING NULL
    CONFIG proxy.config.dns.search_default_domains INT 0
    CONFIG proxy.config.dns.lookup_timeout INT 2
    CONFIG proxy.config.dns.retries INT 1
    CONFIG proxy.config.hostdb.lookup_timeout INT 3
    CONFIG proxy.config.hostdb.fail.timeout INT 0
    CONFIG proxy.config.http.server_ports STRING 8080:ip-in=127.0.0.1
    CONFIG proxy.config.http.cache.http INT 0
    CONFIG proxy.config.http.insert_response_via_str INT 2
    CONFIG proxy.config.http.connect_attempts_timeout INT 4
    CONFIG proxy.config.http.connect_attempts_max_retries INT 0
    CONFIG proxy.config.http.connect_attempts_rr_retries INT 0
    CONFIG proxy.config.http.transaction_no_activity_timeout_out INT 5
    CONFIG proxy.config.url_remap.pristine_host_hdr INT 0
    CONFIG proxy.config.url_remap.remap_required INT 1
    CONFIG proxy.config.ssl.client.CA.cert.path STRING /run/ats/etc
    CONFIG proxy.config.ssl.client.CA.cert.filename STRING ca.pem
    CONFIG proxy.config.ssl.client.verify.server INT 1
    CONFIG proxy.config.ssl.client.TLSv1_3 INT 0
    ");
    assert!(files["ip_allow.config"].starts_with("src_ip=0.0.0.0-255.255.255.255 action=ip_allow method=ALL\n"));
    assert!(files.contains_key("ssl_server_name.yaml") && !files.contains_key("sni.yaml"));
}

#[test]
fn server_names_of_8_1_are_a_list_with_its_own_keys() {
    let entry = |fqdn: &str, keys: &[(&str, &str)]| SniEntry {
        fqdn: fqdn.into(),
        keys: keys.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
    };
    let sni = vec![
        entry("a.test", &[("verify_server_policy", "ENFORCED"), ("verify_server_properties", "ALL")]),
        entry("b.test", &[("client_cert", "/x/client.pem"), ("client_key", "/x/client.key")]),
        entry("c.t", &[("tunnel_route", "c.test:1")]),
    ];
    let of = |dialect: Dialect| {
        let settings = Settings { sni: sni.clone(), ..settings() };
        super::files(dialect, &settings).unwrap()[dialect.sni_file()].clone()
    };
    insta::assert_snapshot!(of(Dialect::V8), @r"
    - fqdn: 'a.test'
      verify_origin_server: 'STRICT'
    - fqdn: 'b.test'
      client_cert: '/x/client.pem'
    - fqdn: 'c.t'
      tunnel_route: 'c.test:1'
    ");
    assert!(of(Dialect::V9).starts_with("sni:\n- fqdn: 'a.test'\n  verify_server_policy: 'ENFORCED'\n"));
}

#[test]
fn the_files_of_9() {
    let files = files(Dialect::V9, &settings()).unwrap();
    insta::assert_snapshot!(files["records.config"], @r"
    CONFIG proxy.config.admin.user_id STRING #-1
    CONFIG proxy.config.crash_log_helper STRING NULL
    CONFIG proxy.config.exec_thread.autoconfig INT 0
    CONFIG proxy.config.exec_thread.limit INT 1
    CONFIG proxy.config.net.connections_throttle INT 1000
    CONFIG proxy.config.diags.output.status STRING LE
    CONFIG proxy.config.diags.output.note STRING LE
    CONFIG proxy.config.diags.output.warning STRING LE
    CONFIG proxy.config.diags.output.error STRING LE
    CONFIG proxy.config.diags.output.fatal STRING LE
    CONFIG proxy.config.diags.output.alert STRING LE
    CONFIG proxy.config.diags.output.emergency STRING LE
    CONFIG proxy.config.log.logging_enabled INT 1
    CONFIG proxy.config.log.max_secs_per_buffer INT 1
    CONFIG proxy.config.log.log_buffer_size INT 2048
    CONFIG proxy.config.log.max_space_mb_for_logs INT 20
    CONFIG proxy.config.log.max_space_mb_headroom INT 1
    CONFIG proxy.config.log.periodic_tasks_interval INT 1
    CONFIG proxy.config.dns.nameservers STRING 127.0.0.1:5300
    CONFIG proxy.config.dns.resolv_conf STRING NULL
    CONFIG proxy.config.dns.search_default_domains INT 0
    CONFIG proxy.config.dns.lookup_timeout INT 2
    CONFIG proxy.config.dns.retries INT 1
    CONFIG proxy.config.hostdb.lookup_timeout INT 3
    CONFIG proxy.config.hostdb.fail.timeout INT 0
    CONFIG proxy.config.http.server_ports STRING 8080:ip-in=127.0.0.1
    CONFIG proxy.config.http.cache.http INT 0
    CONFIG proxy.config.http.insert_response_via_str INT 2
    CONFIG proxy.config.http.connect_attempts_timeout INT 4
    CONFIG proxy.config.http.connect_attempts_max_retries INT 0
    CONFIG proxy.config.http.connect_attempts_rr_retries INT 0
    CONFIG proxy.config.http.transaction_no_activity_timeout_out INT 5
    CONFIG proxy.config.url_remap.pristine_host_hdr INT 0
    CONFIG proxy.config.url_remap.remap_required INT 1
    CONFIG proxy.config.ssl.client.CA.cert.path STRING /run/ats/etc
    CONFIG proxy.config.ssl.client.CA.cert.filename STRING ca.pem
    CONFIG proxy.config.ssl.client.verify.server.policy STRING ENFORCED
    CONFIG proxy.config.ssl.client.verify.server.properties STRING ALL
    CONFIG proxy.config.ssl.client.TLSv1_3 INT 0
    ");
    assert_eq!(files["remap.config"], "map http://tls-get.t/ https://tls-get.test:9001/\n");
    insta::assert_snapshot!(files["ip_allow.yaml"], @r"
    ip_allow:
      - apply: in
        ip_addrs: 0/0
        action: allow
        methods: ALL
      - apply: in
        ip_addrs: ::/0
        action: allow
        methods: ALL
    ");
    assert!(files.contains_key("sni.yaml") && !files.contains_key("ip_allow.config"));
}

#[test]
fn the_files_of_10() {
    let files = files(Dialect::V10_2, &settings()).unwrap();
    insta::assert_snapshot!(files["records.yaml"], @r"
    records:
      admin:
        user_id: '#-1'
      crash_log_helper: 'NULL'
      diags:
        output:
          alert: 'LE'
          emergency: 'LE'
          error: 'LE'
          fatal: 'LE'
          note: 'LE'
          status: 'LE'
          warning: 'LE'
      dns:
        lookup_timeout: 2
        nameservers: '127.0.0.1:5300'
        resolv_conf: 'NULL'
        retries: 1
        search_default_domains: 0
      exec_thread:
        autoconfig:
          enabled: 0
        limit: 1
      hostdb:
        fail:
          timeout: 0
        lookup_timeout: 3
      http:
        cache:
          http: 0
        connect_attempts_max_retries: 0
        connect_attempts_rr_retries: 0
        connect_attempts_timeout: 4
        insert_response_via_str: 2
        server_ports: '8080:ip-in=127.0.0.1'
        transaction_no_activity_timeout_out: 5
      log:
        log_buffer_size: 2048
        logging_enabled: 1
        max_secs_per_buffer: 1
        max_space_mb_for_logs: 20
        max_space_mb_headroom: 1
        periodic_tasks_interval: 1
      net:
        connections_throttle: 1000
      ssl:
        client:
          CA:
            cert:
              filename: 'ca.pem'
              path: '/run/ats/etc'
          TLSv1_3:
            enabled: 0
          verify:
            server:
              policy: 'ENFORCED'
              properties: 'ALL'
      url_remap:
        pristine_host_hdr: 0
        remap_required: 1
    ");
    assert!(files.contains_key("ip_allow.yaml") && !files.contains_key("records.config"));
}

#[test]
fn every_file_has_content_and_ends_its_last_line() {
    for dialect in [Dialect::V8, Dialect::V9, Dialect::V10] {
        let files = files(dialect, &Settings { plugins: vec!["stats_over_http.so".into()], ..settings() }).unwrap();
        assert!(files.values().all(|text| text.ends_with('\n')), "{files:?}");
    }
}

#[test]
fn a_setting_of_a_trial_replaces_the_baseline_in_place() {
    let mut settings = settings();
    settings.records = vec![record("http.connect_attempts_timeout", RecordType::Int, "9")];
    let text = &files(Dialect::V9, &settings).unwrap()["records.config"];
    assert_eq!(text.matches("connect_attempts_timeout").count(), 1);
    assert!(text.contains("CONFIG proxy.config.http.connect_attempts_timeout INT 9\n"));
}

#[test]
fn verification_is_left_to_the_trials() {
    let plain = Settings { records: Vec::new(), ..settings() };
    for dialect in [Dialect::V8, Dialect::V9, Dialect::V10] {
        let text = &files(dialect, &plain).unwrap()[dialect.records_file()];
        assert!(!text.contains("verify") && !text.contains("session_sharing"), "{text}");
    }
}

#[test]
fn policies_of_9_become_the_one_number_of_8_1() {
    let number = |policy: &str, properties: Option<&str>| {
        let mut records = vec![record("ssl.client.verify.server.policy", RecordType::String, policy)];
        records
            .extend(properties.map(|value| record("ssl.client.verify.server.properties", RecordType::String, value)));
        translate::translate(Dialect::V8, &records).map(|records| records[0].value.clone())
    };
    assert_eq!((number("ENFORCED", None), number("ENFORCED", Some("ALL"))), (Ok("1".into()), Ok("1".into())));
    assert_eq!((number("PERMISSIVE", Some("ALL")), number("DISABLED", None)), (Ok("2".into()), Ok("0".into())));
    assert_eq!(number("ENFORCED", Some("NONE")), Ok("0".into()));
    assert_eq!(
        number("ENFORCED", Some("SIGNATURE")).unwrap_err().to_string(),
        "ATS 8.1 does not support proxy.config.ssl.client.verify.server.policy: 8.1 cannot verify with policy ENFORCED \
         and properties SIGNATURE"
    );
}

#[test]
fn a_setting_that_a_dialect_lacks_is_an_error() {
    let lacks = |dialect, name: &str| check(dialect, &[record(name, RecordType::Int, "1")]).is_err();
    for name in ["ssl.client.sni_policy", "ssl.origin_session_cache", "ssl.origin_session_cache.size", "tunnel.prewarm"]
    {
        assert!(lacks(Dialect::V8, name) && !lacks(Dialect::V9_2, name), "{name}");
    }
    // `ssl.client.sni_policy` is older than the others.
    assert!(lacks(Dialect::V9, "ssl.origin_session_cache.size") && !lacks(Dialect::V9, "ssl.client.sni_policy"));
    assert!(!lacks(Dialect::V8, "net.sock_option_flag_out") && !lacks(Dialect::V8, "url_remap.pristine_host_hdr"));
    assert!(lacks(Dialect::V10, "http.post_connect_attempts_timeout"));
}

#[test]
fn what_10_removed_is_refused_with_what_it_has_instead() {
    let refusal = |name: &str| check(Dialect::V10_1, &[record(name, RecordType::Int, "1")]).unwrap_err().to_string();
    assert_eq!(
        refusal("http.parent_proxy.connect_attempts_timeout"),
        "ATS 10.1 does not support proxy.config.http.parent_proxy.connect_attempts_timeout: it was removed in 10.0, and \
         http.connect_attempts_timeout replaces it"
    );
    for name in ["http.per_server.connection.queue_size", "http.down_server.abort_threshold"] {
        assert!(
            refusal(name).ends_with("it was removed in 10.0, and its upgrade notes name nothing instead"),
            "{name}"
        );
        assert_eq!(check(Dialect::V9_2, &[record(name, RecordType::Int, "1")]), Ok(()));
    }
    // A neighbour of removed ones is still there.
    assert_eq!(check(Dialect::V10_1, &[record("http.per_server.connection.max", RecordType::Int, "1")]), Ok(()));
}

#[test]
fn names_follow_the_releases_of_10() {
    let name = |dialect, nine: &str| {
        let records = translate::translate(dialect, &[record(nine, RecordType::Int, "1")]).unwrap();
        records[0].name.trim_start_matches("proxy.config.").to_owned()
    };
    assert_eq!(name(Dialect::V10, "ssl.session_cache"), "ssl.session_cache.value");
    assert_eq!(name(Dialect::V10_1, "ssl.session_cache"), "ssl.session_cache.mode");
    let dead = "http.connect_attempts_max_retries_dead_server";
    assert_eq!(name(Dialect::V10_1, dead), "http.connect_attempts_max_retries_down_server");
    assert_eq!(name(Dialect::V10_2, dead), "http.connect_attempts_max_retries_suspect_server");
    assert_eq!(name(Dialect::V10, "hostdb"), "hostdb.enabled");
    assert_eq!(name(Dialect::V9, "hostdb"), "hostdb");
}

#[test]
fn local_settings_keep_their_scope_until_10() {
    let local =
        Record { name: "proxy.local.incoming_ip_to_bind".into(), kind: RecordType::String, value: "::1".into() };
    let text = |dialect| {
        let records = translate::translate(dialect, std::slice::from_ref(&local)).unwrap();
        records::text(dialect, &records).unwrap()
    };
    assert_eq!(text(Dialect::V9), "LOCAL proxy.local.incoming_ip_to_bind STRING ::1\n");
    assert_eq!(text(Dialect::V10), "records:\n  incoming_ip_to_bind: '::1'\n");
    let tunnels = Record {
        name: "proxy.local.http.parent_proxy.disable_connect_tunneling".into(),
        kind: RecordType::Int,
        value: "1".into(),
    };
    let renamed = translate::translate(Dialect::V10, &[tunnels]).unwrap();
    assert_eq!(renamed[0].name, "proxy.config.http.parent_proxy.disable_connect_tunneling");
}

/// The settings of the baseline, the trials and the workarounds that are written for `dialect`, by its names.
fn written(dialect: Dialect) -> BTreeSet<String> {
    let everything = Settings {
        https_port: Some(8443),
        error_pages: Some("/run/ats/etc/body_factory".into()),
        records: Vec::new(),
        ..settings()
    };
    let trials = CATALOGUE.iter().map(|trial| trial.spec().records);
    let workarounds = KNOWN_ISSUES.iter().flat_map(|issue| issue.workarounds).map(Workaround::settings);
    // What this ATS does not support is not written.
    let translated = trials.chain(workarounds).filter_map(|records| translated(dialect, &records).ok()).flatten();
    let names = names(dialect, &everything).unwrap().into_iter().chain(translated.map(|record| record.name));
    names.map(|name| name.trim_start_matches("proxy.config.").to_owned()).collect()
}

#[test]
fn every_setting_for_10_was_checked_against_its_documentation() {
    let undocumented = checked::UNDOCUMENTED.iter().map(|(name, _)| name);
    let known: BTreeSet<String> =
        checked::DOCUMENTED.iter().chain(undocumented).map(|name| (*name).to_owned()).collect();
    for dialect in [Dialect::V10, Dialect::V10_1, Dialect::V10_2] {
        let written = written(dialect);
        let new: Vec<_> = written.difference(&known).collect();
        assert!(new.is_empty(), "{dialect}: look up in the documentation of ATS 10, then add to checked.rs: {new:?}");
        let unused: Vec<_> = known.difference(&written).collect();
        assert!(unused.is_empty(), "{dialect}: nothing writes them, remove from checked.rs: {unused:?}");
    }
    assert!(checked::DOCUMENTED.is_sorted(), "keep checked.rs sorted");
}

#[test]
fn every_key_of_sni_yaml_was_checked_against_its_documentation() {
    let specs = CATALOGUE.iter().flat_map(|trial| trial.spec().sni);
    let used: BTreeSet<String> = specs.flat_map(|rule| rule.keys).map(|(key, _)| key).collect();
    assert_eq!(used.iter().map(String::as_str).collect::<Vec<_>>(), checked::SNI_KEYS);
}

#[test]
fn docs_state_how_many_names_were_checked() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/dialects.md");
    let docs = std::fs::read_to_string(path).unwrap();
    let sum = format!("{} settings and {} keys", checked::DOCUMENTED.len(), checked::SNI_KEYS.len());
    assert!(docs.contains(&sum), "docs/dialects.md: {sum}");
    for (name, _) in checked::UNDOCUMENTED {
        assert!(docs.contains(&format!("`{name}`")), "docs/dialects.md does not mention {name}");
    }
}

#[test]
fn a_setting_cannot_break_out_of_its_line() {
    for (name, kind, value) in [
        ("http.x", RecordType::String, "a\nCONFIG proxy.config.y INT 1"),
        ("http.x\ny", RecordType::Int, "1"),
        ("http.x", RecordType::Int, "1 2"),
        ("http..x", RecordType::Int, "1"),
        ("http.x", RecordType::String, ""),
    ] {
        assert!(check(Dialect::V9, &[record(name, kind, value)]).is_err(), "{name} {kind} {value}");
    }
    let quoted = check(Dialect::V10, &[record("http.x", RecordType::String, "it's")]);
    assert_eq!(quoted, Ok(()));
}

#[test]
fn a_name_that_is_both_value_and_group_is_refused_in_yaml() {
    let records = [record("http.x", RecordType::Int, "1"), record("http.x.y", RecordType::Int, "1")];
    assert!(check(Dialect::V9, &records).is_ok() && check(Dialect::V10, &records).is_err());
    assert!(check(Dialect::V10, &[records[1].clone(), records[0].clone()]).is_err());
}

#[test]
fn a_key_with_a_passphrase_has_a_command_that_prints_it() {
    let settings = Settings {
        server_identity: Some(("/run/x/front.pem".into(), "/run/x/locked.key".into())),
        key_dialog: Some("/bin/cat /run/x/passphrase".into()),
        ..Settings::default()
    };
    for dialect in [Dialect::V8, Dialect::V9, Dialect::V10_2] {
        assert_eq!(
            files(dialect, &settings).unwrap()["ssl_multicert.config"],
            "dest_ip=* ssl_cert_name=/run/x/front.pem ssl_key_name=/run/x/locked.key \
             ssl_key_dialog=\"exec:/bin/cat /run/x/passphrase\"\n"
        );
    }
}

#[test]
fn a_child_has_a_parent_for_each_scheme_and_a_parent_answers_its_child_alone() {
    let parent = ParentProxy {
        host: "parent.test".into(),
        http_port: 8080,
        https_port: 9080,
        except: vec!["ready.test".into()],
    };
    let child = Settings { parent: Some(parent), ..Settings::default() };
    let of = |dialect, settings: &Settings| files(dialect, settings).unwrap();
    assert_eq!(
        of(Dialect::V9, &child)["parent.config"],
        "dest_host=ready.test go_direct=true\n\
         dest_domain=. scheme=https parent=\"parent.test:9080\" round_robin=false go_direct=false parent_is_proxy=false\n\
         dest_domain=. scheme=http parent=\"parent.test:8080\" round_robin=false go_direct=false parent_is_proxy=false\n"
    );
    // 8.1 ignores parent.config without this setting, and later versions do not know it.
    let routed =
        |dialect| names(dialect, &child).unwrap().iter().any(|name| name.ends_with("parent_proxy_routing_enable"));
    assert_eq!([Dialect::V8, Dialect::V9, Dialect::V10].map(routed), [true, false, false]);
    let alone = Settings { http_port: 8080, open_to: Some("10.0.0.9".into()), ..Settings::default() };
    let nine = of(Dialect::V9, &alone);
    assert!(nine["ip_allow.yaml"].contains("ip_addrs: 10.0.0.9\n") && !nine["ip_allow.yaml"].contains("0/0"));
    assert!(nine["records.config"].contains("STRING 8080:ip-in=0.0.0.0\n"), "{}", nine["records.config"]);
    let eight = of(Dialect::V8, &alone);
    assert_eq!(
        eight["ip_allow.config"],
        "src_ip=127.0.0.1 action=ip_allow method=ALL\nsrc_ip=10.0.0.9 action=ip_allow method=ALL\n"
    );
}
