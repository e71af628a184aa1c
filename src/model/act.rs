//! What the client of a trial does.

use serde::{Deserialize, Serialize};

use super::script::Step;

/// What the client sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Requests in sequence; an error ends the sequence.
    Requests(Vec<RequestSpec>),
    /// The same GET on many connections.
    Load {
        /// Total number of requests.
        requests: u32,
        /// Number of parallel requests.
        at_once: u32,
        /// Bytes of the counting pattern in each response.
        body_len: u64,
    },
    /// Continuous GETs by parallel clients while ATS gets an additional remap rule and reloads its configuration. ATS runs under
    /// its manager, if it has one.
    Reload {
        /// Number of clients.
        at_once: u32,
    },
    /// One GET over TLS, then a reload after which ATS presents another certificate to clients, then one that sees it. ATS
    /// runs under its manager, if it has one.
    ReloadCertificate,
    /// One GET before `error.log` is renamed and ATS is told to open its logs again, as logrotate does, and one after ATS
    /// has written to the new file.
    RotateLogs,
    /// One GET, by which ATS with the user's own configuration shows that it answers. All that it logs belongs to the trial.
    Start,
    /// One request for each remap rule of the user's own configuration.
    Rules,
    /// Plays a script, in which `{host}` is the host name that ATS has for the trial.
    Script(Vec<Step>),
    /// Requests and scripts one after the other, each on connections of its own. One that ends in an error does not end
    /// the series.
    Series(Vec<Act>),
}

impl Act {
    /// Whether ATS must be able to reload its configuration.
    pub fn reloads(&self) -> bool {
        matches!(self, Self::Reload { .. } | Self::ReloadCertificate)
    }
}

/// One request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestSpec {
    /// Method.
    pub method: String,
    /// Path with query; empty for `/`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub target: String,
    /// Length of the request body, bytes, of the counting pattern.
    pub body_len: u64,
    /// Whether the body is sent in chunks, without its length.
    pub chunked: bool,
    /// Headers besides Host.
    pub headers: Vec<(String, String)>,
    /// Whether to open a new connection to ATS.
    pub fresh: bool,
}
