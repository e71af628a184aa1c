//! Translates settings from their 9.x names to another dialect.
//!
//! The names of 8.1 come from comparing the binaries of 8.1.11 and 9.2.9; those of 10 from its `convert2yaml` script
//! and its upgrade notes (<https://docs.trafficserver.apache.org/release-notes/upgrading.en.html>).
//! docs/dialects.md says which were checked against its documentation.

use super::{Dialect, Unsupported};
use crate::model::{Record, RecordType};

const POLICY: &str = "proxy.config.ssl.client.verify.server.policy";
const PROPERTIES: &str = "proxy.config.ssl.client.verify.server.properties";

/// Settings that 9.1.1 does not know and 9.2.9 does, from their binaries; each also stands for all names below it.
const NOT_IN_9_1: &[&str] = &[
    "acl.subjects",
    "diags.debug.throttling_interval_msec",
    "diags.logfile",
    "error.logfile",
    "http.drop_chunked_trailers",
    "http.max_proxy_cycles",
    "http.parent_proxy.disable_parent_markdowns",
    "http.parent_proxy.enable_parent_timeout_markdowns",
    "http.strict_chunk_parsing",
    "http2.default_buffer_water_mark",
    "http2.incomplete_header_timeout_in",
    "http2.max_continuation_frames_per_minute",
    "http2.max_rst_stream_frames_per_minute",
    "http2.stream_error_sampling_threshold",
    "log.throttling_interval_msec",
    "net.additional_accepts",
    "net.sock_notsent_lowat",
    "plugin.vc",
    "ssl.client.scheme_proto_mismatch_policy",
    "ssl.keylog_file",
    "ssl.origin_session_cache",
    "tunnel.activity_check_period",
    "tunnel.prewarm",
];

/// Settings that 8.1.11 does not know; each also stands for all names below it.
const NOT_IN_8: &[&str] = &[
    "acl.subjects",
    "diags.debug.throttling_interval_msec",
    "diags.logfile",
    "error.logfile",
    "http.connect.dead.policy",
    "http.host_sni_policy",
    "http.max_proxy_cycles",
    "http.per_server.connection",
    "http.strict_chunk_parsing",
    "log.throttling_interval_msec",
    "net.sock_notsent_lowat",
    "ssl.client.alpn_protocols",
    "ssl.client.sni_policy",
    "ssl.keylog_file",
    "ssl.ocsp.response.path",
    "ssl.origin_session_cache",
    "ssl.server.max_early_data",
    "ssl.server.prioritize_chacha",
    "ssl.server.session_ticket.number",
    "tunnel.prewarm",
    "url_remap.strategies",
];

/// (9.x name, 8.1 name) behind `proxy.config.`.
const RENAMED_IN_8: &[(&str, &str)] = &[
    ("dns.connection_mode", "dns.connection.mode"),
    ("http.proxy_protocol_allowlist", "http.proxy_protocol_whitelist"),
];

/// (9.x name, 10.0 name) behind `proxy.config.`, for values that became groups.
const RENAMED_IN_10: &[(&str, &str)] = &[
    ("exec_thread.autoconfig", "exec_thread.autoconfig.enabled"),
    ("hostdb", "hostdb.enabled"),
    ("http.connect.dead.policy", "http.connect.down.policy"),
    ("output.logfile", "output.logfile.name"),
    ("ssl.TLSv1_3", "ssl.TLSv1_3.enabled"),
    ("ssl.client.TLSv1_3", "ssl.client.TLSv1_3.enabled"),
    ("ssl.origin_session_cache", "ssl.origin_session_cache.enabled"),
    ("tunnel.prewarm", "tunnel.prewarm.enabled"),
];

/// Settings that 10.0 removed according to its upgrade notes, and what it has instead.
const GONE_IN_10: &[(&str, &str)] = &[
    ("http.down_server.abort_threshold", NOTHING_INSTEAD),
    ("http.keepalive_internal_vc", NOTHING_INSTEAD),
    // https://github.com/apache/trafficserver/pull/7335
    ("http.parent_proxy.connect_attempts_timeout", "http.connect_attempts_timeout replaces it"),
    ("http.per_server.connection.queue_delay", NOTHING_INSTEAD),
    ("http.per_server.connection.queue_size", NOTHING_INSTEAD),
    ("http.post_connect_attempts_timeout", "http.connect_attempts_timeout replaces it"),
];

const NOTHING_INSTEAD: &str = "its upgrade notes name nothing instead";

/// (9.x name, 10.0 name), for settings that were local (<https://github.com/apache/trafficserver/pull/9897>).
const LOCAL_UNTIL_10: &[(&str, &str)] = &[
    ("proxy.local.http.parent_proxy.disable_connect_tunneling", "http.parent_proxy.disable_connect_tunneling"),
    ("proxy.local.incoming_ip_to_bind", "incoming_ip_to_bind"),
    ("proxy.local.outgoing_ip_to_bind", "outgoing_ip_to_bind"),
];

/// `records` under the names of `dialect`.
pub(super) fn translate(dialect: Dialect, records: &[Record]) -> Result<Vec<Record>, Unsupported> {
    match dialect {
        Dialect::V8 => into_8(records),
        Dialect::V9 => {
            records.iter().try_for_each(|record| known(dialect, NOT_IN_9_1, record)).map(|()| records.to_vec())
        }
        Dialect::V9_2 => Ok(records.to_vec()),
        Dialect::V10 | Dialect::V10_1 | Dialect::V10_2 => {
            records.iter().map(|record| into_10(dialect, record)).collect()
        }
    }
}

/// Refuses a setting of a list of those that `dialect` does not know.
fn known(dialect: Dialect, unknown: &[&str], record: &Record) -> Result<(), Unsupported> {
    let short = record.name.strip_prefix("proxy.config.").unwrap_or(&record.name);
    let below = |family: &str| short.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    if !unknown.iter().any(|family| below(family)) {
        return Ok(());
    }
    let reason = format!("{dialect} does not know it and would only warn about an unrecognized value");
    Err(Unsupported { record: record.name.clone(), dialect, reason })
}

fn renamed(record: &Record, name: &str) -> Record {
    Record { name: format!("proxy.config.{name}"), ..record.clone() }
}

fn into_8(records: &[Record]) -> Result<Vec<Record>, Unsupported> {
    let unsupported =
        |record: &Record, reason: String| Unsupported { record: record.name.clone(), dialect: Dialect::V8, reason };
    let mut translated = Vec::new();
    for record in records {
        let short = record.name.strip_prefix("proxy.config.").unwrap_or(&record.name);
        if record.name == POLICY {
            let value = verify_server(records).map_err(|reason| unsupported(record, reason))?;
            let name = "proxy.config.ssl.client.verify.server".into();
            translated.push(Record { name, kind: RecordType::Int, value: value.into() });
        } else if record.name == PROPERTIES {
            if !records.iter().any(|other| other.name == POLICY) {
                return Err(unsupported(record, "8.1 has only verify.server, which replaces the policy".into()));
            }
        } else if let Some((_, name)) = RENAMED_IN_8.iter().find(|(nine, _)| *nine == short) {
            translated.push(renamed(record, name));
        } else {
            known(Dialect::V8, NOT_IN_8, record)?;
            translated.push(record.clone());
        }
    }
    Ok(translated)
}

/// The value of `verify.server` in 8.1 that means the same as policy and properties together: 0 does not verify, 1
/// refuses, 2 warns and continues.
fn verify_server(records: &[Record]) -> Result<&'static str, String> {
    let value = |name: &str| records.iter().find(|record| record.name == name).map(|record| record.value.as_str());
    match (value(POLICY).unwrap_or_default(), value(PROPERTIES).unwrap_or("ALL")) {
        ("DISABLED", _) | (_, "NONE") => Ok("0"),
        ("ENFORCED", "ALL") => Ok("1"),
        ("PERMISSIVE", "ALL") => Ok("2"),
        (policy, properties) => Err(format!("8.1 cannot verify with policy {policy} and properties {properties}")),
    }
}

fn into_10(dialect: Dialect, record: &Record) -> Result<Record, Unsupported> {
    if let Some((_, name)) = LOCAL_UNTIL_10.iter().find(|(nine, _)| *nine == record.name) {
        return Ok(renamed(record, name));
    }
    let short = record.name.strip_prefix("proxy.config.").unwrap_or(&record.name);
    if let Some((_, instead)) = GONE_IN_10.iter().find(|(nine, _)| *nine == short) {
        let reason = format!("it was removed in 10.0, and {instead}");
        return Err(Unsupported { record: record.name.clone(), dialect, reason });
    }
    let changing = match short {
        "ssl.session_cache" if dialect >= Dialect::V10_1 => Some("ssl.session_cache.mode"),
        "ssl.session_cache" => Some("ssl.session_cache.value"),
        "http.connect_attempts_max_retries_dead_server" if dialect >= Dialect::V10_2 => {
            Some("http.connect_attempts_max_retries_suspect_server")
        }
        "http.connect_attempts_max_retries_dead_server" => Some("http.connect_attempts_max_retries_down_server"),
        _ => RENAMED_IN_10.iter().find(|(nine, _)| *nine == short).map(|(_, ten)| *ten),
    };
    Ok(changing.map_or_else(|| record.clone(), |name| renamed(record, name)))
}

/// A key of the server name table, from its 9.x name. `None`: this ATS has no such key and does without. For 8.1 see
/// <https://docs.trafficserver.apache.org/en/8.1.x/admin-guide/files/ssl_server_name.yaml.en.html>: it verifies
/// signature and name together, and has no key for the key of a client certificate.
pub(super) fn sni_key<'a>(dialect: Dialect, key: &'a str, value: &'a str) -> Option<(&'a str, &'a str)> {
    if dialect > Dialect::V8 {
        return Some((key, value));
    }
    match key {
        "verify_server_policy" => {
            let level = match value {
                "ENFORCED" => "STRICT",
                "PERMISSIVE" => "MODERATE",
                _ => "NONE",
            };
            Some(("verify_origin_server", level))
        }
        "verify_server_properties" | "client_key" => None,
        _ => Some((key, value)),
    }
}
