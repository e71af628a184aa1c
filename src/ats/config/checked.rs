//! The settings that are written for ATS 10, as it spells them, checked one by one against its documentation: see
//! docs/dialects.md. A name that is new here was read there first.

/// Settings behind `proxy.config.` that `records.yaml` of both 10.0 and 10.2 documents, with this spelling.
pub(super) const DOCUMENTED: &[&str] = &[
    "admin.user_id",
    "body_factory.template_sets_dir",
    "crash_log_helper",
    "diags.output.alert",
    "diags.output.emergency",
    "diags.output.error",
    "diags.output.fatal",
    "diags.output.note",
    "diags.output.status",
    "diags.output.warning",
    "dns.lookup_timeout",
    "dns.nameservers",
    "dns.resolv_conf",
    "dns.retries",
    "dns.search_default_domains",
    "exec_thread.autoconfig.enabled",
    "exec_thread.limit",
    "hostdb.fail.timeout",
    "hostdb.ip_resolve",
    "hostdb.lookup_timeout",
    "hostdb.strict_round_robin",
    "http.cache.http",
    "http.connect_attempts_max_retries",
    "http.connect_attempts_rr_retries",
    "http.connect_attempts_timeout",
    "http.connect_ports",
    "http.insert_response_via_str",
    "http.keep_alive_enabled_out",
    "http.send_100_continue_response",
    "http.server_ports",
    "http.server_session_sharing.match",
    "http.transaction_no_activity_timeout_out",
    "log.log_buffer_size",
    "log.logging_enabled",
    "log.max_secs_per_buffer",
    "log.max_space_mb_for_logs",
    "log.max_space_mb_headroom",
    "log.periodic_tasks_interval",
    "net.connections_throttle",
    "net.sock_option_flag_out",
    "ssl.client.CA.cert.filename",
    "ssl.client.CA.cert.path",
    "ssl.client.TLSv1",
    "ssl.client.TLSv1_1",
    "ssl.client.alpn_protocols",
    "ssl.client.cert.filename",
    "ssl.client.cert.path",
    "ssl.client.cipher_suite",
    "ssl.client.groups_list",
    "ssl.client.private_key.filename",
    "ssl.client.private_key.path",
    "ssl.client.sni_policy",
    "ssl.client.verify.server.policy",
    "ssl.client.verify.server.properties",
    "ssl.origin_session_cache.enabled",
    "ssl.server.session_ticket.enable",
    "url_remap.pristine_host_hdr",
    "url_remap.remap_required",
];

/// Settings that no version of 10 documents, and why they are written nevertheless.
pub(super) const UNDOCUMENTED: &[(&str, &str)] = &[
    ("config_update_interval_ms", "ATS registers it without documenting it, and its own tests set it (PR 12541)"),
    ("ssl.client.verify.server", "removed in 9.0: what ATS does with it is what a trial is about"),
];

/// Keys of sni.yaml that its documentation has.
pub(super) const SNI_KEYS: &[&str] =
    &["client_cert", "client_key", "tunnel_route", "verify_server_policy", "verify_server_properties"];
