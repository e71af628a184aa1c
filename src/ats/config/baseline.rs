//! The settings that every trial starts from, by their 9.x names.
//!
//! They make ATS small, fast and quiet, and nothing else. Whatever trials test keeps the defaults of ATS: certificate
//! verification, session sharing, TLS versions, retries on other hosts.

use super::Settings;
use crate::model::{Record, RecordType};

fn record(name: &str, kind: RecordType, value: impl Into<String>) -> Record {
    Record { name: format!("proxy.config.{name}"), kind, value: value.into() }
}

fn int(name: &str, value: u32) -> Record {
    record(name, RecordType::Int, value.to_string())
}

fn string(name: &str, value: impl Into<String>) -> Record {
    record(name, RecordType::String, value)
}

/// The baseline for `settings`.
pub(super) fn records(settings: &Settings) -> Vec<Record> {
    let mut records = process();
    records.extend(logs());
    records.extend(names(settings.dns_port));
    records.extend(http(settings));
    if let Some(ca) = &settings.ca {
        records.push(string("ssl.client.CA.cert.path", &ca.directory));
        records.push(string("ssl.client.CA.cert.filename", &ca.name));
    }
    if let Some(directory) = &settings.error_pages {
        records.push(string("body_factory.template_sets_dir", directory));
    }
    records
}

fn process() -> Vec<Record> {
    vec![
        // "#-1": keep the user that started it.
        string("admin.user_id", "#-1"),
        // The agent sees a crash by its signal; the helper would only add a file.
        string("crash_log_helper", "NULL"),
        int("exec_thread.autoconfig", 0),
        int("exec_thread.limit", 1),
        // The default of 30000 is above the usual limit of open files, and ATS would warn about it.
        int("net.connections_throttle", 1000),
    ]
}

fn logs() -> Vec<Record> {
    // Also to stderr, where the agent sees that ATS is ready without polling.
    let levels = ["status", "note", "warning", "error"].map(|level| string(&format!("diags.output.{level}"), "LE"));
    // Fatal messages go to stderr too: diags.log may be the file that ATS could not open.
    let fatal = ["fatal", "alert", "emergency"].map(|level| string(&format!("diags.output.{level}"), "LE"));
    let mut records: Vec<_> = levels.into_iter().chain(fatal).collect();
    // 1: errors only. A line reaches error.log about a second after its transaction; with the default interval of the
    // periodic task it takes five.
    records.push(int("log.logging_enabled", 1));
    records.push(int("log.max_secs_per_buffer", 1));
    // A full buffer is flushed at once. The agent fills it to read error.log immediately.
    records.push(int("log.log_buffer_size", 2048));
    // The private root is small. By default ATS wants a gigabyte of free space and otherwise drops lines.
    records.push(int("log.max_space_mb_for_logs", 20));
    records.push(int("log.max_space_mb_headroom", 1));
    records.push(int("log.periodic_tasks_interval", 1));
    records
}

/// ATS uses only the DNS server of the agent. It would read a host file in a background task, too late for the first
/// requests.
fn names(dns_port: u16) -> Vec<Record> {
    vec![
        string("dns.nameservers", format!("127.0.0.1:{dns_port}")),
        string("dns.resolv_conf", "NULL"),
        int("dns.search_default_domains", 0),
        int("dns.lookup_timeout", 2),
        int("dns.retries", 1),
        int("hostdb.lookup_timeout", 3),
        int("hostdb.fail.timeout", 0),
    ]
}

fn http(settings: &Settings) -> Vec<Record> {
    // On loopback only, or others on the network could send requests through ATS to the origins of trials. A parent has its
    // child outside, and refuses others by ip_allow.
    let here = if settings.open_to.is_some() { "ip-in=0.0.0.0" } else { "ip-in=127.0.0.1" };
    let ports = match settings.https_port {
        Some(tls) => format!("{}:{here} {tls}:ssl:{here}", settings.http_port),
        None => format!("{}:{here}", settings.http_port),
    };
    let mut records = vec![
        string("http.server_ports", ports),
        int("http.cache.http", 0),
        // 2: including the codes that say what ATS did.
        int("http.insert_response_via_str", 2),
        int("http.connect_attempts_timeout", 4),
        int("http.connect_attempts_max_retries", 0),
        int("http.connect_attempts_rr_retries", 0),
        int("http.transaction_no_activity_timeout_out", 5),
        // It decides the name of the origin, and so which name is verified.
        int("url_remap.pristine_host_hdr", 0),
        int("url_remap.remap_required", 1),
    ];
    if settings.parent.is_some() {
        // One failing trial must not keep the others from the parent.
        records.push(int("http.parent_proxy.fail_threshold", 1_000_000));
        records.push(int("http.down_server.cache_time", 0));
    }
    records
}
