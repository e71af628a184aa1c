//! Settings by server name: keys and values that a version does not know.

use super::{Checking, Gravity};
use crate::ats::Dialect;
use crate::ats::settings::name_keys;
use crate::ats::site::{NameKey, ServerName};
use crate::config::matrix::did_you_mean;

/// Keys with the values they take; ATS 9 and later take these in capitals only.
const VALUES: &[(&str, &[&str])] = &[
    ("verify_client", &["NONE", "MODERATE", "STRICT"]),
    ("verify_origin_server", &["NONE", "MODERATE", "STRICT"]),
    ("verify_server_policy", &["DISABLED", "PERMISSIVE", "ENFORCED"]),
    ("verify_server_properties", &["NONE", "SIGNATURE", "NAME", "ALL"]),
    ("host_sni_policy", &["DISABLED", "PERMISSIVE", "ENFORCED"]),
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

pub(super) fn check(checking: &mut Checking<'_>) {
    let file = checking.names_file();
    let folder = checking.input.folder;
    for name in folder.names.iter().filter(|name| name.at.file == file) {
        for key in &name.keys {
            check_key(checking, name, key);
        }
    }
}

fn check_key(checking: &mut Checking<'_>, name: &ServerName, key: &NameKey) {
    let known = name_keys(checking.dialect);
    let version = checking.target.version.to_string();
    if !known.contains(&key.key.as_str()) {
        let what = format!("ATS {version} has no key {} for server names, and refuses the whole file for it", key.key);
        let todo = match (key.key.as_str(), checking.dialect) {
            ("verify_server_policy" | "verify_server_properties", Dialect::V8) => {
                "write verify_origin_server: STRICT".to_owned()
            }
            ("verify_origin_server", _) => "write verify_server_policy: ENFORCED".to_owned(),
            ("disable_h2", _) => "write http2: off".to_owned(),
            ("http2", _) => "write disable_h2: true for `off`".to_owned(),
            _ => did_you_mean(&key.key, known.iter().copied()).unwrap_or_else(|| "remove it".to_owned()),
        };
        let guards = checking.input.folder.names.iter().any(|other| other.at.file == name.at.file && guards(other));
        let gravity = if guards { Gravity::FailsOpen } else { Gravity::Breaks };
        let what = if guards { format!("{what}: what it verifies is not verified") } else { what };
        checking.find(gravity, "unknown-key", key.at.clone(), what).todo(todo);
        return;
    }
    let values = VALUES.iter().find(|(known, _)| *known == key.key).map(|(_, values)| *values);
    if let Some(values) = values.filter(|values| !values.contains(&key.value.as_str())) {
        let what = format!("{} of {} is {}, and ATS {version} refuses the whole file for it", key.key, name.fqdn, key.value);
        let todo = format!("write one of {}", values.join(", "));
        checking.find(Gravity::FailsOpen, "bad-value", key.at.clone(), what).todo(todo);
    }
}

/// Whether an entry closes something.
fn guards(name: &ServerName) -> bool {
    let closes = |key: &NameKey| {
        let guard = key.key.starts_with("verify_") || ["host_sni_policy", "ip_allow"].contains(&key.key.as_str());
        guard && !matches!(key.value.as_str(), "NONE" | "DISABLED")
    };
    name.keys.iter().any(closes)
}
