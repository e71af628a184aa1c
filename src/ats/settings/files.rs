//! The files of the configuration folder that a version of ATS reads, and those that it does not read any more.

use crate::ats::Dialect;

/// A file that only some versions read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherFile {
    /// Its name.
    pub name: &'static str,
    /// Whether a version reads it.
    pub read: fn(Dialect) -> bool,
    /// What stands in its place in a version that does not read it; empty: nothing.
    pub instead: &'static str,
    /// What is open while nobody reads it; empty: nothing.
    pub opens: &'static str,
    /// Where it says so.
    pub source: &'static str,
}

const UPGRADE_9: &str = "https://docs.trafficserver.apache.org/en/9.2.x/release-notes/upgrading.en.html";
const UPGRADE_10: &str = "https://docs.trafficserver.apache.org/release-notes/upgrading.en.html";
const UPGRADE_8: &str = "https://docs.trafficserver.apache.org/en/8.1.x/release-notes/upgrading.en.html";

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
    OtherFile { name, read: never, instead, opens: "", source: UPGRADE_8 }
}

/// Files whose reading depends on the version.
pub const OTHER_FILES: &[OtherFile] = &[
    OtherFile { name: "records.config", read: before_10, instead: "records.yaml", opens: "", source: UPGRADE_10 },
    OtherFile { name: "records.yaml", read: from_10, instead: "records.config", opens: "", source: UPGRADE_10 },
    OtherFile {
        name: "ip_allow.config",
        read: in_8,
        instead: "ip_allow.yaml",
        opens: "whom it denies is not denied",
        source: UPGRADE_9,
    },
    OtherFile {
        name: "ip_allow.yaml",
        read: from_9,
        instead: "ip_allow.config",
        opens: "whom it denies is not denied",
        source: UPGRADE_9,
    },
    OtherFile {
        name: "ssl_server_name.yaml",
        read: in_8,
        instead: "sni.yaml",
        opens: "what it verifies is not verified",
        source: UPGRADE_9,
    },
    OtherFile {
        name: "sni.yaml",
        read: from_9,
        instead: "ssl_server_name.yaml",
        opens: "what it verifies is not verified",
        source: UPGRADE_9,
    },
    OtherFile { name: "strategies.yaml", read: from_9, instead: "", opens: "", source: UPGRADE_9 },
    OtherFile { name: "jsonrpc.yaml", read: from_10, instead: "", opens: "", source: UPGRADE_10 },
    gone("logging.config", "logging.yaml"),
    gone("logs_xml.config", "logging.yaml"),
    gone("log_hosts.config", "logging.yaml"),
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
    gone("records.config.shadow", ""),
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

/// The keys of settings by server name that an ATS of this dialect knows, besides `fqdn`.
pub fn name_keys(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::V8 => KEYS_8,
        Dialect::V9 => KEYS_9_1,
        Dialect::V9_2 => KEYS_9_2,
        Dialect::V10 | Dialect::V10_1 | Dialect::V10_2 => KEYS_10,
    }
}
