//! Settings by version.

use std::collections::BTreeMap;

use crate::model::{RecordType, Version};

/// `VERSIONS NAME TYPE DEFAULT`, separated by tabs.
const MEASURED: &str = include_str!("measured.tsv");

/// Changes of ATS 10 against the last version of [`MEASURED`].
const DOCUMENTED: &str = include_str!("documented.tsv");

/// The first version that [`DOCUMENTED`] is about.
const DOCUMENTED_FROM: &str = "10.0.0";

/// What ATS prints for a setting without a value.
const NONE: &str = "NULL";

/// A setting as a version of ATS knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownSetting {
    /// The type of its value.
    pub kind: RecordType,
    /// Its default; `None`: it has none.
    pub default: Option<&'static str>,
}

/// The settings of a version.
#[derive(Debug, Clone)]
pub struct SettingsTable {
    /// The version that the data are from: the nearest to the one that was asked for.
    pub version: &'static str,
    /// Whether they come from documentation, not from a running ATS.
    pub documented: bool,
    settings: BTreeMap<&'static str, KnownSetting>,
    /// Settings that a rename or removal is documented for: the new name, if there is one, and where it says so.
    gone: BTreeMap<&'static str, (Option<&'static str>, &'static str)>,
}

/// A line of [`MEASURED`].
struct Row {
    versions: &'static str,
    name: &'static str,
    setting: KnownSetting,
}

fn rows() -> impl Iterator<Item = Row> {
    MEASURED.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut fields = line.split('\t');
        let (versions, name, kind) = (fields.next()?, fields.next()?, fields.next()?);
        let default = fields.next()?;
        let kinds = [RecordType::Int, RecordType::String, RecordType::Float];
        let kind = kinds.into_iter().find(|known| known.word() == kind)?;
        let default = Some(default).filter(|default| *default != NONE);
        Some(Row { versions, name, setting: KnownSetting { kind, default } })
    })
}

/// The versions that were asked, oldest first, as the first comment line of [`MEASURED`] lists them.
fn measured_versions() -> impl Iterator<Item = &'static str> {
    let list = MEASURED.lines().find_map(|line| line.strip_prefix("# versions: ")).unwrap_or_default();
    list.split(' ')
}

impl Row {
    fn is_in(&self, version: &str) -> bool {
        self.versions == "*" || self.versions.split(' ').any(|known| known == version)
    }
}

/// The measured version that is nearest to `ats`: of its minor version the last before it, else the first after it;
/// else the last before it.
fn nearest(ats: &Version) -> Option<&'static str> {
    let known: Vec<(&str, Version)> = measured_versions().filter_map(|text| Some((text, text.parse().ok()?))).collect();
    let minor = |version: &Version| {
        let text = version.to_string();
        let mut parts = text.split('.').map(str::to_owned);
        (parts.next(), parts.next())
    };
    let same: Vec<_> = known.iter().filter(|(_, version)| minor(version) == minor(ats)).collect();
    let before = same.iter().rev().find(|(_, version)| version <= ats).or(same.first()).copied();
    before.or_else(|| known.iter().rev().find(|(_, version)| version <= ats)).map(|(text, _)| *text)
}

impl SettingsTable {
    /// The settings of `ats`; `None` for versions before all that are known.
    pub fn of(ats: &Version) -> Option<Self> {
        let documented = DOCUMENTED_FROM.parse::<Version>().is_ok_and(|from| *ats >= from);
        let version = nearest(ats)?;
        let settings = rows().filter(|row| row.is_in(version)).map(|row| (row.name, row.setting)).collect();
        let mut table = Self { version, documented: false, settings, gone: BTreeMap::new() };
        if documented {
            table.documented = true;
            table.version = table.apply(ats);
        }
        Some(table)
    }

    /// Applies the documented changes up to `ats`, and tells the last version they name.
    fn apply(&mut self, ats: &Version) -> &'static str {
        let mut last = DOCUMENTED_FROM;
        for line in DOCUMENTED.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&'static str> = line.split('\t').collect();
            let [since, what, name, value, source] = fields.as_slice() else { continue };
            if since.parse::<Version>().map_or(true, |since| since > *ats) {
                continue;
            }
            last = since;
            match *what {
                "removed" => {
                    self.settings.remove(name);
                    self.gone.insert(name, (Some(*value).filter(|value| !value.is_empty()), source));
                }
                "renamed" => {
                    if let Some(setting) = self.settings.remove(name) {
                        self.settings.insert(value, setting);
                    }
                    self.gone.insert(name, (Some(value), source));
                }
                "default" => {
                    if let Some(setting) = self.settings.get_mut(name) {
                        setting.default = Some(value);
                    }
                }
                // Added, with its type.
                kind => {
                    let kinds = [RecordType::Int, RecordType::String, RecordType::Float];
                    if let Some(kind) = kinds.into_iter().find(|known| known.word() == kind) {
                        let default = Some(*value).filter(|value| *value != NONE);
                        self.settings.insert(name, KnownSetting { kind, default });
                    }
                }
            }
        }
        last
    }

    /// The setting `name`.
    pub fn get(&self, name: &str) -> Option<&KnownSetting> {
        self.settings.get(name)
    }

    /// What is documented to replace the setting `name`, and where it says so; `Some((None, _))`: nothing does.
    pub fn replaced(&self, name: &str) -> Option<(Option<&'static str>, &'static str)> {
        self.gone.get(name).copied()
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.settings.keys().copied()
    }
}

/// Settings with another name before 9.0 and since: what an upgrade has to rewrite. From comparing the tables and
/// <https://docs.trafficserver.apache.org/en/9.2.x/release-notes/upgrading.en.html>.
const RENAMED: &[(&str, &str)] = &[
    ("proxy.config.dns.connection.mode", "proxy.config.dns.connection_mode"),
    ("proxy.config.http.proxy_protocol_whitelist", "proxy.config.http.proxy_protocol_allowlist"),
    ("proxy.config.net.max_connections_active_in", "proxy.config.net.max_requests_in"),
    ("proxy.config.http.origin_max_connections", "proxy.config.http.per_server.connection.max"),
    ("proxy.config.http.origin_min_keep_alive_connections", "proxy.config.http.per_server.connection.min"),
    ("proxy.config.ssl.client.verify.server", "proxy.config.ssl.client.verify.server.policy"),
];

/// The other names that the setting `name` has or had.
pub fn renamed(name: &str) -> Vec<&'static str> {
    let other = |(old, new): &(&'static str, &'static str)| {
        if *old == name {
            Some(*new)
        } else if *new == name {
            Some(*old)
        } else {
            None
        }
    };
    RENAMED.iter().filter_map(other).collect()
}

/// The measured versions that know the setting `name`, oldest first.
pub fn known_in(name: &str) -> Vec<&'static str> {
    let found: Vec<Row> = rows().filter(|row| row.name == name).collect();
    measured_versions().filter(|version| found.iter().any(|row| row.is_in(version))).collect()
}

impl KnownSetting {
    /// What ATS reads for `value` in place of it; `None`: it reads the value itself. A number that is none is read as the
    /// digits that it begins with, or 0, without a warning (seen on 8.1, 9.1 and 9.2).
    pub fn misread(&self, value: &str) -> Option<String> {
        if self.kind != RecordType::Int || value == NONE || is_integer(value) {
            return None;
        }
        let sign = if value.starts_with('-') { "-" } else { "" };
        let digits: String = value.trim_start_matches(['-', '+']).chars().take_while(char::is_ascii_digit).collect();
        Some(if digits.is_empty() { "0".to_owned() } else { format!("{sign}{digits}") })
    }
}

/// A number as ATS writes it: with a sign, in hexadecimal with `0x`, or with K, M, G or T behind it.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(digits) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        return !digits.is_empty() && digits.chars().all(|c| c.is_ascii_hexdigit());
    }
    let digits = digits.strip_suffix(['K', 'M', 'G', 'T']).unwrap_or(digits);
    !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(version: &str) -> SettingsTable {
        SettingsTable::of(&version.parse().unwrap()).unwrap()
    }

    #[test]
    fn every_line_of_the_tables_is_read() {
        let data = |text: &'static str| text.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(rows().count(), data(MEASURED));
        assert!(DOCUMENTED.lines().filter(|line| !line.starts_with('#')).all(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [since, what, name, value, source] = fields.as_slice() else { return false };
            let known =
                ["removed", "renamed", "default", "INT"].contains(what) && (*what == "removed" || !value.is_empty());
            known && since.parse::<Version>().is_ok() && name.starts_with("proxy.") && source.starts_with("https://")
        }));
    }

    #[test]
    fn the_nearest_version_with_data_is_taken_and_known_by_name() {
        let version = |text: &str| table(text).version;
        assert_eq!((version("8.1.9"), version("9.0.0"), version("9.1.4")), ("8.1.11", "8.1.11", "9.1.1"));
        assert_eq!((version("9.2.0"), version("9.2.4"), version("9.2.13")), ("9.2.3", "9.2.3", "9.2.9"));
        assert!(SettingsTable::of(&"7.1".parse().unwrap()).is_none());
    }

    #[test]
    fn settings_differ_between_versions_as_ats_lists_them() {
        let server = "proxy.config.ssl.client.verify.server";
        let policy = "proxy.config.ssl.client.verify.server.policy";
        assert_eq!(table("8.1.11").get(server).unwrap().default, Some("0"));
        assert!(table("8.1.11").get(policy).is_none() && table("9.2.9").get(server).is_none());
        let default = |version: &str| table(version).get(policy).unwrap().default;
        assert_eq!((default("9.2.9"), default("10.0.0")), (Some("PERMISSIVE"), Some("ENFORCED")));
        let renamed = table("10.2.0");
        let old = "proxy.config.http.connect_attempts_max_retries_dead_server";
        assert!(renamed.get(old).is_none() && renamed.documented);
        assert!(renamed.get("proxy.config.http.connect_attempts_max_retries_suspect_server").is_some());
        assert_eq!(known_in(server), ["8.1.11"]);
    }

    #[test]
    fn numbers_are_read_as_ats_reads_them() {
        let int = KnownSetting { kind: RecordType::Int, default: None };
        for (value, read) in [
            ("1G", None),
            ("-1", None),
            ("0x1f", None),
            ("NULL", None),
            ("abc", Some("0")),
            ("12abc", Some("12")),
            ("-7x", Some("-7")),
            ("", Some("0")),
        ] {
            assert_eq!(int.misread(value).as_deref(), read, "{value}");
        }
        assert_eq!(KnownSetting { kind: RecordType::String, default: None }.misread("abc"), None);
    }
}
