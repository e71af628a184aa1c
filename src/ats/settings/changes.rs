//! What the tables of settings cannot say: what is open while a setting is not obeyed, and what means something else
//! since some version.

const UNVERIFIED: &str = "certificates of origins are not refused for it";
const ANY_ADDRESS: &str = "whom ATS believes the PROXY protocol is not limited by it";
const ORIGIN_LIMIT: &str = "connections to an origin are not limited by it";
const REQUEST_LIMIT: &str = "requests in work are not limited by it";

/// Settings that keep something closed, and what is open while ATS does not obey them.
const GUARDS: &[(&str, &str)] = &[
    ("proxy.config.ssl.client.verify.server", UNVERIFIED),
    ("proxy.config.ssl.client.verify.server.policy", UNVERIFIED),
    ("proxy.config.ssl.client.verify.server.properties", UNVERIFIED),
    ("proxy.config.ssl.client.certification_level", "clients need no certificate for it"),
    ("proxy.config.http.host_sni_policy", "a Host that differs from the SNI is not refused for it"),
    ("proxy.config.http.proxy_protocol_whitelist", ANY_ADDRESS),
    ("proxy.config.http.proxy_protocol_allowlist", ANY_ADDRESS),
    ("proxy.config.http.per_server.connection.max", ORIGIN_LIMIT),
    ("proxy.config.http.origin_max_connections", ORIGIN_LIMIT),
    ("proxy.config.net.max_requests_in", REQUEST_LIMIT),
    ("proxy.config.net.max_connections_active_in", REQUEST_LIMIT),
    ("proxy.config.http.strict_chunk_parsing", "malformed chunks are not refused for it"),
    ("proxy.config.http2.max_rst_stream_frames_per_minute", "resets of streams are not limited by it"),
    ("proxy.config.http2.max_continuation_frames_per_minute", "CONTINUATION frames are not limited by it"),
];

/// What is open while the setting `name` is not obeyed; `None`: nothing that is known.
pub fn guard(name: &str) -> Option<&'static str> {
    GUARDS.iter().find(|(guard, _)| *guard == name).map(|(_, opens)| *opens)
}

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applies {
    /// The folder sets one of these settings.
    Sets(&'static [&'static str]),
    /// The folder sets this setting to this value, or leaves it at a default that is this value.
    Is(&'static str, &'static str),
    /// The folder leaves this setting at its default, which differs.
    Default(&'static str),
    /// A rule has a plugin.
    RuleWithPlugin,
    /// A rule has conditions of its own beside an active filter.
    RuleWithFilters,
    /// A port speaks TLS.
    TlsPort,
}

/// What means something else since a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// The first version with it.
    pub since: &'static str,
    /// What it is about.
    pub applies: Applies,
    /// What is different.
    pub what: &'static str,
    /// What to do.
    pub todo: &'static str,
    /// Where upstream says so; `None`: ATS of both versions was asked.
    pub source: Option<&'static str>,
}

const UPGRADE_9: &str = "https://docs.trafficserver.apache.org/en/9.2.x/release-notes/upgrading.en.html";
const UPGRADE_10_2: &str = "https://docs.trafficserver.apache.org/en/10.2.x/release-notes/upgrading.en.html";

/// A default that differs.
const fn default(since: &'static str, name: &'static str, what: &'static str, source: Option<&'static str>) -> Changed {
    let todo =
        "set it in the old version as the new one has it, and see what fails; or set the old value in the new one";
    Changed { since, applies: Applies::Default(name), what, todo, source }
}

/// Changes by the version that brought them. Of defaults only those that decide who or what is let through.
pub const CHANGES: &[Changed] = &[
    Changed {
        since: "9.0.0",
        applies: Applies::RuleWithPlugin,
        what: "all plugins of a rule run after the URL was rewritten, and may see another URL than before",
        todo: "look at what its plugins make of the URL: cache keys may change, and with them every cached object",
        source: Some(UPGRADE_9),
    },
    Changed {
        since: "9.0.0",
        applies: Applies::TlsPort,
        what: "HTTP/2 is offered on every TLS port; before only where the port said so",
        todo: "to keep it off, write `:proto=http` at the port, or turn it off by name in sni.yaml",
        source: Some(UPGRADE_9),
    },
    default("9.0.0", "proxy.config.ssl.TLSv1", "TLS 1.0 is not spoken with clients by default", None),
    default("9.0.0", "proxy.config.ssl.TLSv1_1", "TLS 1.1 is not spoken with clients by default", None),
    default("9.0.0", "proxy.config.ssl.client.TLSv1", "TLS 1.0 is not spoken with origins by default", None),
    default("9.0.0", "proxy.config.ssl.client.TLSv1_1", "TLS 1.1 is not spoken with origins by default", None),
    default(
        "9.0.0",
        "proxy.config.ssl.client.verify.server.policy",
        "certificates of origins are verified by default, and faults only logged",
        None,
    ),
    default(
        "9.2.0",
        "proxy.config.http.strict_uri_parsing",
        "requests with characters that a URI must not have are judged more strictly by default",
        None,
    ),
    Changed {
        since: "10.0.0",
        applies: Applies::RuleWithFilters,
        what: "conditions of the rule itself are asked before those of active filters",
        todo: "write them so that the order does not matter",
        source: Some("https://github.com/apache/trafficserver/pull/11033"),
    },
    default(
        "10.0.0",
        "proxy.config.ssl.client.verify.server.policy",
        "origins whose certificate does not verify are refused by default",
        Some("https://github.com/apache/trafficserver/pull/7587"),
    ),
    Changed {
        since: "10.2.0",
        applies: Applies::Sets(&[
            "proxy.config.http.connect_attempts_max_retries",
            "proxy.config.http.connect_attempts_max_retries_dead_server",
            "proxy.config.http.connect_attempts_max_retries_down_server",
            "proxy.config.http.connect_attempts_max_retries_suspect_server",
            "proxy.config.http.connect_attempts_rr_retries",
        ]),
        what: "retries obey what is known of the origin: one that is down is not asked again at all",
        todo: "review the three settings of retries",
        source: Some(UPGRADE_10_2),
    },
    Changed {
        since: "10.2.0",
        applies: Applies::Is("proxy.config.http.cache.ignore_accept_encoding_mismatch", "2"),
        what: "2 obeys `Vary: Accept-Encoding`; before it was taken for 1",
        todo: "write 1 to keep what it does",
        source: Some(UPGRADE_10_2),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ats::settings::SettingsTable;
    use crate::model::Version;

    #[test]
    fn every_change_has_a_version_and_names_that_exist() {
        let tables: Vec<SettingsTable> =
            ["8.1.11", "9.2.9", "10.2.0"].map(|it| SettingsTable::of(&it.parse().unwrap()).unwrap()).into();
        let known = |name: &&str| tables.iter().any(|table| table.get(name).is_some());
        for change in CHANGES {
            assert!(change.since.parse::<Version>().is_ok(), "{change:?}");
            let names: &[&str] = match &change.applies {
                Applies::Is(name, _) | Applies::Default(name) => &[*name],
                // Of `Sets`, one is a name of 10.0 and 10.1 alone.
                _ => &[],
            };
            assert!(names.iter().all(known), "{change:?}");
        }
        assert!(GUARDS.iter().all(|(name, _)| known(name)));
    }

    #[test]
    fn defaults_that_are_said_to_differ_do() {
        for change in CHANGES {
            let Applies::Default(name) = change.applies else { continue };
            let since: Version = change.since.parse().unwrap();
            let before = if since.to_string().starts_with("9.0") { "8.1.11" } else { "9.1.1" };
            let default = |version: &str| {
                let table = SettingsTable::of(&version.parse().unwrap()).unwrap();
                table.get(name).and_then(|known| known.default)
            };
            let after = if since.to_string().starts_with("10") { "10.0.0" } else { "9.2.9" };
            assert_ne!(default(before), default(after), "{name}");
        }
    }
}
