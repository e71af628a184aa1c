//! The settings every trial starts from, by their 9.x names.
//!
//! Small, quick and quiet, and nothing else: what trials are about (certificate verification, session
//! sharing, TLS versions, retries of ATS's own on other hosts) keeps ATS's defaults.

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
        // "#-1": stay the user that started it.
        string("admin.user_id", "#-1"),
        // A crash is seen by its signal; the helper would only add a file.
        string("crash_log_helper", "NULL"),
        int("exec_thread.autoconfig", 0),
        int("exec_thread.limit", 1),
        // The default of 30000 is above the usual limit of open files, and ATS would warn of it.
        int("net.connections_throttle", 1000),
    ]
}

fn logs() -> Vec<Record> {
    // To stderr as well: the agent learns from there that ATS is ready, without asking again and again.
    let told = ["status", "note", "warning", "error"].map(|level| string(&format!("diags.output.{level}"), "LE"));
    // What ends the process goes to stderr too: diags.log may be what it could not open.
    let fatal = ["fatal", "alert", "emergency"].map(|level| string(&format!("diags.output.{level}"), "LE"));
    let mut records: Vec<_> = told.into_iter().chain(fatal).collect();
    // 1: errors only. A line reaches error.log about a second after its transaction; with the default
    // of the periodic task it takes five.
    records.push(int("log.logging_enabled", 1));
    records.push(int("log.max_secs_per_buffer", 1));
    // A full buffer is flushed at once: the agent fills it when it wants to read error.log now.
    records.push(int("log.log_buffer_size", 2048));
    // The private root is small; ATS wants a gigabyte to spare by default and drops lines otherwise.
    records.push(int("log.max_space_mb_for_logs", 20));
    records.push(int("log.max_space_mb_headroom", 1));
    records.push(int("log.periodic_tasks_interval", 1));
    records
}

/// ATS asks the agent's DNS server and none else. A host file would be read by a background task, too
/// late for the first requests.
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
    // On loopback alone: whoever else is on the network could have ATS ask the origins of trials.
    let here = "ip-in=127.0.0.1";
    let ports = match settings.https_port {
        Some(tls) => format!("{}:{here} {tls}:ssl:{here}", settings.http_port),
        None => format!("{}:{here}", settings.http_port),
    };
    vec![
        string("http.server_ports", ports),
        int("http.cache.http", 0),
        // 2: with the codes that say what ATS did.
        int("http.insert_response_via_str", 2),
        int("http.connect_attempts_timeout", 4),
        int("http.connect_attempts_max_retries", 0),
        int("http.connect_attempts_rr_retries", 0),
        int("http.transaction_no_activity_timeout_out", 5),
        // What the origin's name is depends on it, and so who is verified.
        int("url_remap.pristine_host_hdr", 0),
        int("url_remap.remap_required", 1),
    ]
}
