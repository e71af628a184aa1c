//! The configuration files of one ATS: the baseline that every trial starts from, and the settings of a trial, in the
//! dialect of that ATS.
//!
//! Everywhere else settings have their 9.x names. Whether a dialect lacks a setting is decided here, by its name, never
//! from a failure.

mod baseline;
#[cfg(test)]
mod checked;
pub mod own;
mod records;
mod translate;

use std::collections::BTreeMap;

use super::Dialect;
use crate::model::{Record, RecordType};

/// What an ATS is configured for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Port for plain HTTP clients, on loopback.
    pub http_port: u16,
    /// Port for TLS clients; needs `server_identity`.
    pub https_port: Option<u16>,
    /// Port of the DNS server on 127.0.0.1 that ATS uses.
    pub dns_port: u16,
    /// The CA that ATS trusts. Set even if a trial does not verify: without the file every https origin fails.
    pub ca: Option<FileRef>,
    /// The directory for the [error pages](files), an absolute path.
    pub error_pages: Option<String>,
    /// Certificate and key for TLS clients, absolute paths.
    pub server_identity: Option<(String, String)>,
    /// The command that prints the passphrase of that key, if it has one.
    pub key_dialog: Option<String>,
    /// The directory of the disk cache, an absolute path; `None`: no cache.
    pub cache: Option<String>,
    /// The parent that it asks for all but what leads nowhere; `None`: it asks the origins.
    pub parent: Option<ParentProxy>,
    /// The only address besides loopback from which clients may ask it; `None`: loopback alone.
    pub open_to: Option<String>,
    /// Lines of remap.config, in order.
    pub maps: Vec<Map>,
    /// The path of a remap.config of the user's own, which is included behind these lines.
    pub own_remap: Option<String>,
    /// Settings per server name, in order.
    pub sni: Vec<SniEntry>,
    /// Lines of plugin.config, for example `stats_over_http.so`.
    pub plugins: Vec<String>,
    /// The settings of the trial, by their 9.x names. They override the baseline.
    pub records: Vec<Record>,
}

/// A parent of an ATS: the next proxy on the way to the origins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentProxy {
    /// Its host name.
    pub host: String,
    /// Its port for plain requests.
    pub http_port: u16,
    /// Its port for requests over TLS.
    pub https_port: u16,
    /// Hosts that are not asked through it.
    pub except: Vec<String>,
}

/// A file as ATS takes it: directory and name separately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRef {
    /// Directory, absolute.
    pub directory: String,
    /// Name in that directory.
    pub name: String,
}

/// One entry of sni.yaml.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SniEntry {
    /// The server name: the host of a client, or of an origin.
    pub fqdn: String,
    /// Keys and values, by their 9.x names.
    pub keys: Vec<(String, String)>,
}

/// `map FROM TO`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map {
    /// The URL that clients request, for example `http://tls-get.t/`.
    pub from: String,
    /// The origin, for example `https://tls-get.test:9001/`.
    pub to: String,
}

/// A setting that an ATS does not support.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("ATS {dialect} does not support {record}: {reason}")]
pub struct Unsupported {
    /// The setting, by its 9.x name.
    pub record: String,
    /// The dialect that lacks it.
    pub dialect: Dialect,
    /// The reason, in one line.
    pub reason: String,
}

/// Checks whether an ATS supports `records`, the settings of a trial. To be called before a trial is planned.
pub fn check(dialect: Dialect, records: &[Record]) -> Result<(), Unsupported> {
    translate::translate(dialect, records).and_then(|records| records::text(dialect, &records)).map(drop)
}

/// `records` under the names that this ATS has for them.
///
/// # Errors
/// When it does not support one of them.
pub fn translated(dialect: Dialect, records: &[Record]) -> Result<Vec<Record>, Unsupported> {
    translate::translate(dialect, records)
}

/// The names of all settings that [`files`] writes, as this ATS has them.
///
/// # Errors
/// When this ATS does not support one of them.
pub fn names(dialect: Dialect, settings: &Settings) -> Result<Vec<String>, Unsupported> {
    Ok(written(dialect, settings)?.into_iter().map(|record| record.name).collect())
}

/// The settings that [`files`] writes, under the names of this ATS.
fn written(dialect: Dialect, settings: &Settings) -> Result<Vec<Record>, Unsupported> {
    let wanted = merge(baseline::records(settings), &settings.records);
    let mut records = translate::translate(dialect, &wanted)?;
    // ATS 8 ignores parent.config without it, and 9 no longer has it.
    if dialect == Dialect::V8 && settings.parent.is_some() {
        let name = "proxy.config.http.parent_proxy_routing_enable".to_owned();
        records.push(Record { name, kind: RecordType::Int, value: "1".to_owned() });
    }
    Ok(records)
}

/// The directory of the error pages in [`files`].
pub const ERROR_PAGES: &str = "body_factory";

/// ATS finds no pages in a directory without this file.
const ERROR_PAGES_INFO: &str = "body_factory/default/.body_factory_info";

/// The page for every error without one of its own.
const ERROR_PAGE: &str = "body_factory/default/default";

/// Its text.
const ERROR_TEXT: &str = "<html><body>An error page of atsmatrix.</body></html>\n";

/// Every configuration file by its name in the sysconfdir of ATS.
///
/// # Errors
/// When this ATS does not support one of the settings.
pub fn files(dialect: Dialect, settings: &Settings) -> Result<BTreeMap<String, String>, Unsupported> {
    let records = written(dialect, settings)?;
    let files = [
        (dialect.records_file(), records::text(dialect, &records)?),
        (dialect.ip_allow_file(), ip_allow(dialect, settings.open_to.as_deref())),
        (dialect.sni_file(), sni(dialect, &settings.sni)),
        ("remap.config", remap(settings)),
        ("plugin.config", lines(settings.plugins.iter().cloned())),
        ("storage.config", storage(settings)),
        ("ssl_multicert.config", multicert(settings)),
        ("logging.yaml", "logging:\n  formats: []\n  logs: []\n".into()),
        ("parent.config", parents(settings.parent.as_ref())),
        ("hosting.config", EMPTY.into()),
        ("volume.config", EMPTY.into()),
        ("cache.config", EMPTY.into()),
        ("splitdns.config", EMPTY.into()),
        // Not those of the image: if they are missing or not readable, 8.1 closes the connection instead of sending an
        // error, and the check whether ATS is alive would find it dead.
        (ERROR_PAGES_INFO, EMPTY.into()),
        (ERROR_PAGE, ERROR_TEXT.into()),
    ];
    Ok(files.into_iter().map(|(name, text)| (name.to_owned(), text)).collect())
}

/// The text of remap.config.
pub fn remap(settings: &Settings) -> String {
    let maps = settings.maps.iter().map(|map| format!("map {} {}", map.from, map.to));
    lines(maps.chain(settings.own_remap.iter().map(|path| format!(".include {path}"))))
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.flat_map(|line| [line, "\n".to_owned()]).collect()
}

/// The size of a disk cache. Its file is sparse: only what is written takes space.
const CACHE_SIZE: &str = "16M";

/// ATS warns about missing files, but not about empty ones.
const EMPTY: &str = "# Nothing here, on purpose.\n";

/// `base` overridden by `deltas`: a setting of the same name is replaced in place, new ones follow.
fn merge(mut base: Vec<Record>, deltas: &[Record]) -> Vec<Record> {
    for delta in deltas {
        match base.iter_mut().find(|record| record.name == delta.name) {
            Some(record) => *record = delta.clone(),
            None => base.push(delta.clone()),
        }
    }
    base
}

/// Allows everything: ATS listens on loopback alone, or to one peer.
fn ip_allow(dialect: Dialect, open_to: Option<&str>) -> String {
    let (v4, v6) = ("0.0.0.0-255.255.255.255", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    let allowed: Vec<&str> = open_to.map_or_else(|| vec![v4, v6], |peer| vec!["127.0.0.1", peer]);
    if dialect == Dialect::V8 {
        return lines(allowed.iter().map(|ips| format!("src_ip={ips} action=ip_allow method=ALL")));
    }
    let rule = |ips: &str| format!("  - apply: in\n    ip_addrs: {ips}\n    action: allow\n    methods: ALL");
    let allowed = if open_to.is_some() { allowed } else { vec!["0/0", "::/0"] };
    lines(std::iter::once("ip_allow:".to_owned()).chain(allowed.into_iter().map(rule)))
}

/// The text of parent.config. Requests go to the parent by their scheme, over TLS or plain. They name the path alone, as to an
/// origin: what goes to a `parent_is_proxy` of ATS 9 goes past it when it cannot be cached.
fn parents(parent: Option<&ParentProxy>) -> String {
    let Some(ParentProxy { host, http_port, https_port, except }) = parent else { return EMPTY.to_owned() };
    let direct = except.iter().map(|host| format!("dest_host={host} go_direct=true"));
    let by = |scheme: &str, port: &u16| {
        let how = "round_robin=false go_direct=false parent_is_proxy=false";
        format!("dest_domain=. scheme={scheme} parent=\"{host}:{port}\" {how}")
    };
    lines(direct.chain([by("https", https_port), by("http", http_port)]))
}

/// Values are quoted: paths and `HOST:PORT` are plain text to YAML anyway, but names with `*` are not.
fn sni(dialect: Dialect, entries: &[SniEntry]) -> String {
    if entries.is_empty() {
        return EMPTY.to_owned();
    }
    // In 8.1 the file is just the list.
    let mut text = if dialect == Dialect::V8 { String::new() } else { "sni:\n".to_owned() };
    for entry in entries {
        let of_entry = sni_lines(dialect, entry).into_iter().enumerate();
        text.push_str(&lines(of_entry.map(|(at, line)| format!("{}{line}", if at == 0 { "- " } else { "  " }))));
    }
    text
}

/// The lines of one entry, without indentation.
fn sni_lines(dialect: Dialect, entry: &SniEntry) -> Vec<String> {
    let keys = entry.keys.iter().filter_map(|(key, value)| translate::sni_key(dialect, key, value));
    let keys = keys.map(|(key, value)| format!("{key}: '{value}'"));
    std::iter::once(format!("fqdn: '{}'", entry.fqdn)).chain(keys).collect()
}

/// Without a line there is no cache: ATS starts with `Cache Disabled`.
fn storage(settings: &Settings) -> String {
    settings.cache.as_ref().map_or_else(|| EMPTY.to_owned(), |directory| format!("{directory} {CACHE_SIZE}\n"))
}

/// The text of `ssl_multicert.config`.
pub fn multicert(settings: &Settings) -> String {
    settings.server_identity.as_ref().map_or_else(
        || EMPTY.to_owned(),
        |(certificate, key)| {
            let dialog = settings.key_dialog.as_ref().map(|command| format!(" ssl_key_dialog=\"exec:{command}\""));
            format!("dest_ip=* ssl_cert_name={certificate} ssl_key_name={key}{}\n", dialog.unwrap_or_default())
        },
    )
}

#[cfg(test)]
mod tests;
