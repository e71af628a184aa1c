//! The files of the configuration folder that a version of ATS reads, and those that it does not read any more.

use crate::ats::Dialect;

/// What an ATS does without a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Without {
    /// Nothing that is known.
    Nothing,
    /// What the file closes is open.
    Opens(&'static str),
    /// Something does not work.
    Breaks(&'static str),
}

/// A file that only some versions read.
#[derive(Debug, Clone, Copy)]
pub struct OtherFile {
    /// Its name.
    pub name: &'static str,
    /// Whether a version reads it.
    pub read: fn(Dialect) -> bool,
    /// What stands in its place in a version that does not read it; empty: nothing.
    pub instead: &'static str,
    /// What becomes of it while nobody reads it and nothing stands in its place.
    pub without: Without,
    /// Where upstream says so; `None`: no program or library of ATS 8.1, 9.1 and 9.2 contains the name.
    pub source: Option<&'static str>,
}

const UPGRADE_9: Option<&str> = Some("https://docs.trafficserver.apache.org/en/9.2.x/release-notes/upgrading.en.html");
const UPGRADE_10: Option<&str> = Some("https://docs.trafficserver.apache.org/release-notes/upgrading.en.html");
const YAML: Option<&str> =
    Some("https://docs.trafficserver.apache.org/en/10.0.x/admin-guide/tools/converting-records-to-yaml.en.html");

/// Seen on 8.1, 9.1 and 9.2: "All IP Addresses will be blocked".
const BLOCKED: Without = Without::Breaks("without it every client is refused");

fn in_8(dialect: Dialect) -> bool {
    dialect == Dialect::V8
}

fn from_9(dialect: Dialect) -> bool {
    dialect >= Dialect::V9
}

fn before_10(dialect: Dialect) -> bool {
    dialect < Dialect::V10
}

fn from_10(dialect: Dialect) -> bool {
    dialect >= Dialect::V10
}

fn never(_: Dialect) -> bool {
    false
}

const fn gone(name: &'static str, instead: &'static str) -> OtherFile {
    OtherFile { name, read: never, instead, without: Without::Nothing, source: None }
}

/// Files whose reading depends on the version.
pub const OTHER_FILES: &[OtherFile] = &[
    OtherFile {
        name: "records.config",
        read: before_10,
        instead: "records.yaml",
        without: Without::Breaks("every setting has its default"),
        source: YAML,
    },
    OtherFile {
        name: "records.yaml",
        read: from_10,
        instead: "records.config",
        without: Without::Breaks("every setting has its default"),
        source: YAML,
    },
    OtherFile { name: "ip_allow.config", read: in_8, instead: "ip_allow.yaml", without: BLOCKED, source: UPGRADE_9 },
    OtherFile { name: "ip_allow.yaml", read: from_9, instead: "ip_allow.config", without: BLOCKED, source: UPGRADE_9 },
    OtherFile {
        name: "ssl_server_name.yaml",
        read: in_8,
        instead: "sni.yaml",
        without: Without::Opens("what it verifies or denies by name is not"),
        source: UPGRADE_9,
    },
    OtherFile {
        name: "sni.yaml",
        read: from_9,
        instead: "ssl_server_name.yaml",
        without: Without::Opens("what it verifies or denies by name is not"),
        source: UPGRADE_9,
    },
    OtherFile { name: "strategies.yaml", read: from_9, instead: "", without: Without::Nothing, source: UPGRADE_9 },
    OtherFile { name: "jsonrpc.yaml", read: from_10, instead: "", without: Without::Nothing, source: UPGRADE_10 },
    OtherFile { name: "records.config.shadow", read: in_8, instead: "", without: Without::Nothing, source: None },
    gone("logging.config", "logging.yaml"),
    gone("logs_xml.config", "logging.yaml"),
    gone("log_hosts.config", "logging.yaml"),
    gone("logging.lua", "logging.yaml"),
    gone("cluster.config", ""),
    gone("vaddrs.config", ""),
    gone("icp.config", ""),
    gone("ae_ua.config", ""),
    gone("update.config", ""),
    gone("prefetch.config", ""),
    gone("congestion.config", ""),
    gone("stats.config.xml", ""),
    gone("metrics.config", ""),
    gone("ipnat.conf", ""),
    gone("mgr.cnf", ""),
    gone("records.config.snap", ""),
];

/// Files that every version reads, or its plugins and tools.
const ALWAYS: &[&str] = &[
    "cache.config",
    "hosting.config",
    "logging.yaml",
    "parent.config",
    "plugin.config",
    "remap.config",
    "socks.config",
    "splitdns.config",
    "ssl_multicert.config",
    "storage.config",
    "trafficserver-release",
    "volume.config",
    "runroot.yaml",
];

/// Whether an ATS of this dialect reads a file of this name in the folder itself. `None`: the name means nothing to
/// any version.
pub fn reads(dialect: Dialect, name: &str) -> Option<bool> {
    if ALWAYS.contains(&name) || name.starts_with("body_factory/") {
        return Some(true);
    }
    OTHER_FILES.iter().find(|file| file.name == name).map(|file| (file.read)(dialect))
}

/// The keys by server name, besides `fqdn`, each with the first dialect that knows it and the last before 10. Each was
/// given to ATS 8.1.11, 9.1.1, 9.2.3 and 9.2.9, which name those that they do not know.
const NAME_KEYS: &[(&str, Dialect, Dialect)] = &[
    ("client_cert", Dialect::V8, Dialect::V9_2),
    ("client_key", Dialect::V9, Dialect::V9_2),
    ("client_sni_policy", Dialect::V9_2, Dialect::V9_2),
    ("disable_h2", Dialect::V8, Dialect::V9_2),
    ("forward_route", Dialect::V9, Dialect::V9_2),
    ("host_sni_policy", Dialect::V9, Dialect::V9_2),
    ("http2", Dialect::V9, Dialect::V9_2),
    ("http2_buffer_water_mark", Dialect::V9_2, Dialect::V9_2),
    ("ip_allow", Dialect::V8, Dialect::V9_2),
    ("partial_blind_route", Dialect::V9, Dialect::V9_2),
    ("tunnel_alpn", Dialect::V9, Dialect::V9_2),
    ("tunnel_prewarm", Dialect::V9_2, Dialect::V9_2),
    ("tunnel_prewarm_connect_timeout", Dialect::V9_2, Dialect::V9_2),
    ("tunnel_prewarm_inactive_timeout", Dialect::V9_2, Dialect::V9_2),
    ("tunnel_prewarm_max", Dialect::V9_2, Dialect::V9_2),
    ("tunnel_prewarm_min", Dialect::V9_2, Dialect::V9_2),
    ("tunnel_prewarm_rate", Dialect::V9_2, Dialect::V9_2),
    ("tunnel_prewarm_srv", Dialect::V9_2, Dialect::V9_2),
    ("tunnel_route", Dialect::V8, Dialect::V9_2),
    ("valid_tls_versions_in", Dialect::V8, Dialect::V9_2),
    ("verify_client", Dialect::V8, Dialect::V9_2),
    ("verify_client_ca_certs", Dialect::V9, Dialect::V9_2),
    ("verify_origin_server", Dialect::V8, Dialect::V8),
    ("verify_server_policy", Dialect::V9, Dialect::V9_2),
    ("verify_server_properties", Dialect::V9, Dialect::V9_2),
];

/// The keys of settings by server name that an ATS of this dialect knows, besides `fqdn`. `None`: that is not known of
/// ATS 10, which has further ones.
pub fn name_keys(dialect: Dialect) -> Option<Vec<&'static str>> {
    let known = NAME_KEYS.iter().filter(|(_, from, to)| (*from..=*to).contains(&dialect));
    (dialect < Dialect::V10).then(|| known.map(|(name, ..)| *name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_reads_its_own_files() {
        let read = |dialect, name| reads(dialect, name);
        assert_eq!(
            (read(Dialect::V8, "ip_allow.config"), read(Dialect::V9, "ip_allow.config")),
            (Some(true), Some(false))
        );
        assert_eq!(
            (read(Dialect::V9_2, "records.yaml"), read(Dialect::V10, "records.yaml")),
            (Some(false), Some(true))
        );
        assert_eq!((read(Dialect::V9, "remap.config"), read(Dialect::V9, "cluster.config")), (Some(true), Some(false)));
        assert_eq!((read(Dialect::V9, "body_factory/default/x"), read(Dialect::V9, "notes.txt")), (Some(true), None));
        for dialect in [Dialect::V8, Dialect::V9, Dialect::V9_2, Dialect::V10, Dialect::V10_1, Dialect::V10_2] {
            for own in [dialect.records_file(), dialect.sni_file(), dialect.ip_allow_file()] {
                assert_eq!(reads(dialect, own), Some(true), "{dialect} {own}");
            }
        }
    }

    #[test]
    fn keys_by_server_name_are_those_of_the_version() {
        let has = |dialect, key| name_keys(dialect).unwrap().contains(&key);
        assert!(has(Dialect::V8, "verify_origin_server") && !has(Dialect::V9, "verify_origin_server"));
        assert!(!has(Dialect::V8, "verify_server_policy") && has(Dialect::V9, "verify_server_policy"));
        assert!(!has(Dialect::V9, "client_sni_policy") && has(Dialect::V9_2, "client_sni_policy"));
        assert!(name_keys(Dialect::V10).is_none());
    }
}
