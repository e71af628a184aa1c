//! Which configuration language an ATS uses.

use std::fmt;

use crate::model::Version;

/// The configuration language of an ATS. Within 9 no name that is used here changed, but 9.2 has more of them; within 10
/// some did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// 8.1: records.config, `ip_allow.config`, `ssl_server_name.yaml`. 8.0 is left out: there the values 1
    /// and 2 of `ssl.client.verify.server` are swapped (<https://github.com/apache/trafficserver/issues/4865>).
    V8,
    /// 9.0 and 9.1: records.config, `ip_allow.yaml`, sni.yaml.
    V9,
    /// 9.2: `ssl.origin_session_cache` and further settings.
    V9_2,
    /// 10.0: records.yaml.
    V10,
    /// 10.1: `ssl.session_cache.mode` (<https://github.com/apache/trafficserver/pull/12419>).
    V10_1,
    /// 10.2: `..._suspect_server` (<https://github.com/apache/trafficserver/pull/13102>).
    V10_2,
}

impl Dialect {
    /// The dialect of an ATS; `None` for unsupported versions: before 8.1, and from 11 on.
    pub fn of(ats: &Version) -> Option<Self> {
        let dialects =
            [("11", None), ("10.2", Some(Self::V10_2)), ("10.1", Some(Self::V10_1)), ("10", Some(Self::V10))];
        let older = [("9.2", Some(Self::V9_2)), ("9", Some(Self::V9)), ("8.1", Some(Self::V8)), ("0", None)];
        // Every bound above is a valid version, so none is skipped.
        dialects
            .into_iter()
            .chain(older)
            .find(|(from, _)| from.parse::<Version>().is_ok_and(|from| *ats >= from))
            .and_then(|(_, dialect)| dialect)
    }

    /// Whether settings are in records.yaml.
    pub fn has_records_yaml(self) -> bool {
        self >= Self::V10
    }

    /// The name of the file with the settings.
    pub fn records_file(self) -> &'static str {
        if self.has_records_yaml() { "records.yaml" } else { "records.config" }
    }

    /// The name of the file with settings per server name.
    pub fn sni_file(self) -> &'static str {
        if self == Self::V8 { "ssl_server_name.yaml" } else { "sni.yaml" }
    }

    /// The name of the file that says who may connect.
    pub fn ip_allow_file(self) -> &'static str {
        if self == Self::V8 { "ip_allow.config" } else { "ip_allow.yaml" }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::V8 => "8.1",
            Self::V9 => "9.1",
            Self::V9_2 => "9.2",
            Self::V10 => "10.0",
            Self::V10_1 => "10.1",
            Self::V10_2 => "10.2",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_has_its_dialect() {
        let of = |text: &str| Dialect::of(&text.parse().unwrap());
        assert_eq!(
            (of("8.1.11"), of("9.0.0"), of("9.2.13")),
            (Some(Dialect::V8), Some(Dialect::V9), Some(Dialect::V9_2))
        );
        assert_eq!((of("9.1.1"), of("9.2.0")), (Some(Dialect::V9), Some(Dialect::V9_2)));
        assert_eq!(
            (of("10.0.6"), of("10.1.3"), of("10.2.1")),
            (Some(Dialect::V10), Some(Dialect::V10_1), Some(Dialect::V10_2))
        );
        assert_eq!((of("8.0.8"), of("7.1.2"), of("11.0.0")), (None, None, None));
    }
}
