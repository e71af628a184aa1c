//! What the two agents of a cell are told to do. Plain data, so that the same plan runs on any
//! engine; agents interpret it and know no trial by name.

use serde::{Deserialize, Serialize};

/// The whole of what one agent gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentPlan {
    /// For the origin container.
    Origin(OriginPlan),
    /// For the ATS container.
    Cell(CellPlan),
}

/// What the origin container serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OriginPlan {
    /// One port per trial.
    pub ports: Vec<Port>,
    /// Certificate and key it serves.
    pub identity: Identity,
    /// Serve on after the run is over, for a look by hand.
    pub keep: bool,
}

/// One listening port of an origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Port {
    /// The trial it serves.
    pub trial: String,
    /// The TCP port.
    pub port: u16,
    /// How it behaves.
    pub origin: OriginSpec,
}

/// A certificate chain with its key, and the CA that signed it; PEM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The CA's certificate.
    pub ca_pem: String,
    /// Leaf certificate for `*.test` names of the plan.
    pub cert_pem: String,
    /// The leaf's private key.
    pub key_pem: String,
}

/// What the cell agent does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellPlan {
    /// Address of the origin container (the engine's inspect says so; agents never resolve names).
    pub origin_ip: String,
    /// CA and identity, for verification and for the same-host origin.
    pub identity: Identity,
    /// The trials, in order; trials with the same `records` stand together.
    pub trials: Vec<TrialPlan>,
    /// Where `traffic_server` is; `None`: look in the usual places.
    pub binary: Option<String>,
    /// How long the whole cell may take, milliseconds.
    pub deadline_ms: u64,
    /// Leave ATS running, with the baseline's settings, after the last trial: for a look by hand.
    pub keep: bool,
}

/// A trial in a cell's plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialPlan {
    /// Trial id.
    pub id: String,
    /// The port of its origin, unique in the plan: flows and log lines are told apart by it.
    pub port: u16,
    /// What to do.
    pub spec: TrialSpec,
}

/// What a trial does: the whole of its set-up as data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialSpec {
    /// How the request travels.
    pub route: Route,
    /// Where its origin is.
    pub place: Place,
    /// How the origin behaves.
    pub origin: OriginSpec,
    /// What the client does.
    pub client: ClientSpec,
    /// ATS settings that differ from the baseline; trials with equal ones share an ATS.
    pub records: Vec<Record>,
    /// How long the trial may take, milliseconds.
    pub deadline_ms: u64,
}

/// How a request travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// Through ATS.
    Ats,
    /// Straight from the agent to the origin (control).
    DirectAgent,
    /// Straight from the distro's own curl to the origin (control).
    DirectCurl,
}

/// Where a trial's origin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// In the origin container, another host.
    Remote,
    /// In the ATS container, another port.
    SameHost,
}

/// How an origin behaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginSpec {
    /// TLS, or plain HTTP.
    pub tls: Option<OriginTls>,
    /// Length of the response body, bytes. Its content is [`crate::model`]'s counting pattern.
    pub body_len: u64,
}

/// How an origin speaks TLS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginTls {
    /// Versions it accepts.
    pub versions: Vec<TlsVersion>,
}

/// A TLS version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TlsVersion {
    /// RFC 5246.
    #[serde(rename = "TLSv1.2")]
    Tls12,
    /// RFC 8446.
    #[serde(rename = "TLSv1.3")]
    Tls13,
}

/// What the client does: requests in sequence on one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSpec {
    /// The requests.
    pub requests: Vec<RequestSpec>,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestSpec {
    /// Method.
    pub method: String,
    /// Length of the request body, bytes, of the counting pattern.
    pub body_len: u64,
}

/// One ATS setting, under its 9.x name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Record {
    /// The name with its prefix, for example `proxy.config.ssl.client.verify.server.policy`.
    pub name: String,
    /// `INT`, `STRING` or `FLOAT`, as records.config writes it.
    pub kind: String,
    /// The value.
    pub value: String,
}
