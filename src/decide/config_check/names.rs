//! Settings by server name: keys and values that a version does not know.

use super::{Checking, Gravity};
use crate::ats::Dialect;
use crate::ats::settings::{name_keys, reads};
use crate::ats::site::{NameKey, ServerName};
use crate::config::matrix::did_you_mean;

/// Keys with the values they take, in capitals only: 8.1, 9.1 and 9.2 refuse `none`.
const VALUES: &[(&str, &[&str])] = &[
    ("verify_client", &["NONE", "MODERATE", "STRICT"]),
    ("verify_origin_server", &["NONE", "MODERATE", "STRICT"]),
    ("verify_server_policy", &["DISABLED", "PERMISSIVE", "ENFORCED"]),
    ("verify_server_properties", &["NONE", "SIGNATURE", "NAME", "ALL"]),
];

impl Checking<'_> {
    /// The file with the settings by server name that this version reads, or that would become it.
    pub(super) fn names_file(&self) -> String {
        let folder = self.input.folder;
        let named = folder.file_name("sni.yaml");
        let own = if named == "sni.yaml" { self.dialect.sni_file().to_owned() } else { named };
        let other = if self.dialect == Dialect::V8 { "sni.yaml" } else { "ssl_server_name.yaml" };
        let has = |file: &str| folder.files.contains(file);
        if !has(&own) && has(other) { other.to_owned() } else { own }
    }
}

/// What ATS does about a file by server name that it refuses. 8.1 and 9.1 were seen to start without it, 9.2 to end.
pub(super) fn refused(checking: &Checking<'_>, closes: bool) -> (Gravity, &'static str) {
    match (checking.dialect, closes) {
        (Dialect::V8 | Dialect::V9, true) => {
            (Gravity::FailsOpen, "ATS starts without the whole file: what it verifies or denies by name is not")
        }
        (Dialect::V8 | Dialect::V9, false) => (Gravity::Ignored, "ATS starts without the whole file"),
        _ => (Gravity::Breaks, "ATS does not start"),
    }
}

/// Whether an entry of `file` closes something.
pub(super) fn closes(checking: &Checking<'_>, file: &str) -> bool {
    checking.input.folder.names.iter().any(|name| name.at.file == file && guards(name))
}

pub(super) fn check(checking: &mut Checking<'_>) {
    let file = checking.names_file();
    let folder = checking.input.folder;
    let closes = closes(checking, &file);
    let before = checking.findings.len();
    for name in folder.names.iter().filter(|name| name.at.file == file) {
        for key in &name.keys {
            check_key(checking, closes, name, key);
        }
    }
    if reads(checking.dialect, &file) == Some(false) {
        // It is not read; what follows holds once it has the name that this version reads.
        for finding in &mut checking.findings[before..] {
            finding.gravity = Gravity::Note;
            finding.what = format!("once it is {}: {}", checking.dialect.sni_file(), finding.what);
        }
    }
}

fn check_key(checking: &mut Checking<'_>, closes: bool, name: &ServerName, key: &NameKey) {
    let version = checking.target.version.to_string();
    let known = name_keys(checking.dialect);
    if let Some(known) = known.filter(|known| !known.contains(&key.key.as_str())) {
        // 9.2 warns and goes on without the key.
        let of_key = closes_by(key);
        let (gravity, does) = match (checking.dialect, of_key) {
            (Dialect::V8 | Dialect::V9, _) => refused(checking, closes),
            (_, true) => (Gravity::FailsOpen, "ATS goes on without the key: what it verifies or denies is not"),
            (_, false) => (Gravity::Ignored, "ATS goes on without the key"),
        };
        let what = format!("ATS {version} has no key {} for server names; {does}", key.key);
        let todo = instead(&key.key, checking.dialect, &known);
        checking.find(gravity, "unknown-key", key.at.clone(), what).todo(todo);
        return;
    }
    let values = VALUES.iter().find(|(known, _)| *known == key.key).map(|(_, values)| *values);
    if let Some(values) = values.filter(|values| !values.contains(&key.value.as_str())) {
        let (gravity, does) = refused(checking, closes);
        let what = format!("{} of {} is {}, which is no value of it; {does}", key.key, name.fqdn, key.value);
        let todo = format!("write one of {}, in capitals", values.join(", "));
        checking.find(gravity, "bad-value", key.at.clone(), what).todo(todo);
    }
}

fn instead(key: &str, dialect: Dialect, known: &[&'static str]) -> String {
    match (key, dialect) {
        ("verify_server_policy" | "verify_server_properties", Dialect::V8) => {
            "write verify_origin_server: STRICT".into()
        }
        ("verify_origin_server", _) => "write verify_server_policy: ENFORCED".into(),
        ("http2", Dialect::V8) => "write disable_h2: true for `http2: off`".into(),
        _ => did_you_mean(key, known.iter().copied()).unwrap_or_else(|| "remove it".into()),
    }
}

/// Whether a key closes something.
fn closes_by(key: &NameKey) -> bool {
    let guard = key.key.starts_with("verify_") || ["host_sni_policy", "ip_allow"].contains(&key.key.as_str());
    guard && !matches!(key.value.as_str(), "NONE" | "DISABLED")
}

/// Whether an entry closes something.
fn guards(name: &ServerName) -> bool {
    name.keys.iter().any(closes_by)
}
