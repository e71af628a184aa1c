//! What the tables of settings cannot say: what is open while a setting is not obeyed, and what means something else
//! since some version.

/// A setting that keeps something closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// Its name, or with a dot at the end all names below it.
    pub name: &'static str,
    /// What is open while ATS does not obey it.
    pub opens: &'static str,
}

const UNVERIFIED: &str = "certificates of origins are not verified";

/// Settings that keep something closed.
const GUARDS: &[Guard] = &[
    Guard { name: "proxy.config.ssl.client.verify.server", opens: UNVERIFIED },
    Guard { name: "proxy.config.ssl.client.verify.server.policy", opens: UNVERIFIED },
    Guard { name: "proxy.config.ssl.client.verify.server.properties", opens: UNVERIFIED },
    Guard { name: "proxy.config.ssl.client.certification_level", opens: "clients need no certificate" },
    Guard { name: "proxy.config.http.host_sni_policy", opens: "a Host that differs from the SNI is let through" },
    Guard {
        name: "proxy.config.http.proxy_protocol_whitelist",
        opens: "on ports with the PROXY protocol, anyone can claim any client address",
    },
    Guard {
        name: "proxy.config.http.proxy_protocol_allowlist",
        opens: "on ports with the PROXY protocol, anyone can claim any client address",
    },
    Guard { name: "proxy.config.http.per_server.connection.max", opens: "connections to an origin are not limited" },
    Guard { name: "proxy.config.http.origin_max_connections", opens: "connections to an origin are not limited" },
    Guard { name: "proxy.config.net.max_requests_in", opens: "requests in work are not limited" },
    Guard { name: "proxy.config.net.max_connections_active_in", opens: "requests in work are not limited" },
    Guard { name: "proxy.config.net.per_client.max_connections_in", opens: "connections of a client are not limited" },
    Guard { name: "proxy.config.http.strict_chunk_parsing", opens: "malformed chunked bodies are let through" },
    Guard {
        name: "proxy.config.http2.max_rst_stream_frames_per_minute",
        opens: "a client can reset streams without limit (rapid reset)",
    },
    Guard {
        name: "proxy.config.http2.max_continuation_frames_per_minute",
        opens: "a client can send CONTINUATION frames without limit",
    },
    Guard { name: "proxy.config.http2.max_settings_frames_per_minute", opens: "a client can send SETTINGS without limit" },
    Guard { name: "proxy.config.http2.max_ping_frames_per_minute", opens: "a client can send PING without limit" },
];

/// What is open while the setting `name` is not obeyed; `None`: nothing that is known.
pub fn guard(name: &str) -> Option<&'static str> {
    GUARDS.iter().find(|guard| guard.name == name).map(|guard| guard.opens)
}

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applies {
    /// The folder sets one of these settings.
    Sets(&'static [&'static str]),
    /// The folder leaves this setting at its default, which differs.
    Default(&'static str),
    /// A rule has a plugin.
    RuleWithPlugin,
    /// A rule or plugin.config has one of these plugins.
    Plugin(&'static [&'static str]),
    /// A use of this plugin has a parameter that begins so.
    Param(&'static str, &'static str),
    /// A rule has conditions of its own beside an active filter.
    RuleWithFilters,
    /// A port speaks TLS.
    TlsPort,
    /// An entry of sni.yaml has this key.
    NameKey(&'static str),
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
    /// Whether something that worked no longer does, rather than works otherwise.
    pub breaks: bool,
    /// Where it says so.
    pub source: &'static str,
}

const UPGRADE_9: &str = "https://docs.trafficserver.apache.org/en/9.2.x/release-notes/upgrading.en.html";
const UPGRADE_10: &str = "https://docs.trafficserver.apache.org/release-notes/upgrading.en.html";
const UPGRADE_10_2: &str = "https://docs.trafficserver.apache.org/en/10.2.x/release-notes/upgrading.en.html";

const fn default(since: &'static str, name: &'static str, what: &'static str, source: &'static str) -> Changed {
    let todo = "set it in the old version as the new one has it, and see what fails";
    Changed { since, applies: Applies::Default(name), what, todo, breaks: true, source }
}

/// Changes by the version that brought them. Of defaults only those that decide who or what is let through.
pub const CHANGES: &[Changed] = &[
    Changed {
        since: "9.0.0",
        applies: Applies::RuleWithPlugin,
        what: "plugins see the URL after it was rewritten; before 9.0 the first plugin of a rule saw the client's",
        todo: "look at what its plugins make of the URL: cache keys may change, and with them every cached object",
        breaks: false,
        source: UPGRADE_9,
    },
    Changed {
        since: "9.0.0",
        applies: Applies::TlsPort,
        what: "HTTP/2 is offered on every TLS port; before 9.0 only where the port said so",
        todo: "to keep it off, write `http2: off` in sni.yaml (9.0 and 9.1: `disable_h2: true`), or `:proto=http` at the port",
        breaks: false,
        source: UPGRADE_9,
    },
    Changed {
        since: "9.0.0",
        applies: Applies::Sets(&["proxy.config.http.connect_attempts_max_retries_dead_server"]),
        what: "the value is the exact number of retries; before 9.0 there was one more",
        todo: "add one to keep what it does",
        breaks: false,
        source: UPGRADE_9,
    },
    Changed {
        since: "9.0.0",
        applies: Applies::Param("cachekey.so", "--ua-blacklist"),
        what: "the option is named --ua-blocklist",
        todo: "rename it",
        breaks: true,
        source: UPGRADE_9,
    },
    Changed {
        since: "9.0.0",
        applies: Applies::Param("cachekey.so", "--ua-whitelist"),
        what: "the option is named --ua-allowlist",
        todo: "rename it",
        breaks: true,
        source: UPGRADE_9,
    },
    Changed {
        since: "9.0.0",
        applies: Applies::Plugin(&[
            "balancer.so",
            "buffer_upload.so",
            "header_normalize.so",
            "hipes.so",
            "memcached_remap.so",
            "mysql_remap.so",
            "stale_while_revalidate.so",
        ]),
        what: "ATS has this plugin no more",
        todo: "take it out, or build it yourself",
        breaks: true,
        source: UPGRADE_9,
    },
    Changed {
        since: "10.0.0",
        applies: Applies::RuleWithFilters,
        what: "conditions of the rule itself are asked before those of active filters",
        todo: "write them so that the order does not matter",
        breaks: false,
        source: "https://github.com/apache/trafficserver/pull/11033",
    },
    Changed {
        since: "10.0.0",
        applies: Applies::NameKey("disable_h2"),
        what: "the key is gone",
        todo: "write `http2: off` in place of `disable_h2: true`",
        breaks: true,
        source: UPGRADE_10,
    },
    Changed {
        since: "10.0.0",
        applies: Applies::Param("regex_remap.so", "matrix-parameters"),
        what: "the option is gone: what follows a semicolon is part of the path",
        todo: "take it out, and look at the expressions",
        breaks: true,
        source: UPGRADE_10,
    },
    default(
        "9.0.0",
        "proxy.config.ssl.TLSv1",
        "TLS 1.0 is refused from clients by default",
        UPGRADE_9,
    ),
    default("9.0.0", "proxy.config.ssl.TLSv1_1", "TLS 1.1 is refused from clients by default", UPGRADE_9),
    default("9.0.0", "proxy.config.ssl.client.TLSv1", "TLS 1.0 is not spoken to origins by default", UPGRADE_9),
    default("9.0.0", "proxy.config.ssl.client.TLSv1_1", "TLS 1.1 is not spoken to origins by default", UPGRADE_9),
    default(
        "9.0.0",
        "proxy.config.ssl.client.verify.server.policy",
        "certificates of origins are checked and faults logged by default",
        UPGRADE_9,
    ),
    default(
        "10.0.0",
        "proxy.config.ssl.client.verify.server.policy",
        "origins whose certificate does not verify are refused by default",
        "https://github.com/apache/trafficserver/pull/7587",
    ),
    default(
        "10.0.0",
        "proxy.config.http.request_header_max_size",
        "requests with more than 32 KB of headers are refused by default",
        UPGRADE_10,
    ),
    default(
        "10.0.0",
        "proxy.config.http.response_header_max_size",
        "responses with more than 32 KB of headers are refused by default",
        UPGRADE_10,
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
        breaks: false,
        source: UPGRADE_10_2,
    },
    Changed {
        since: "10.2.0",
        applies: Applies::Sets(&["proxy.config.http.cache.ignore_accept_encoding_mismatch"]),
        what: "2 obeys `Vary: Accept-Encoding`; before 10.2 it was taken for 1",
        todo: "write 1 to keep what it does",
        breaks: false,
        source: UPGRADE_10_2,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Version;

    #[test]
    fn every_change_has_a_version_and_a_source() {
        for change in CHANGES {
            assert!(change.since.parse::<Version>().is_ok(), "{change:?}");
            assert!(change.source.starts_with("https://") && !change.what.is_empty() && !change.todo.is_empty());
        }
    }
}
