//! What the two agents of a cell are told to do. Plain data, so that the same plan runs on any
//! engine; agents interpret it and know no trial by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::spec::{Certificate, OriginSpec, Place, TrialSpec};
use super::swap::Swap;

/// The whole of what one agent gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentPlan {
    /// For the origin container.
    Origin(Box<OriginPlan>),
    /// For the ATS container.
    Cell(Box<CellPlan>),
}

/// What the origin container serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OriginPlan {
    /// One port per trial.
    pub ports: Vec<Port>,
    /// Certificate and key it serves.
    pub identity: Identity,
    /// Serve on after the run is over, for inspection by hand.
    pub keep: bool,
    /// What the cell says to be known as such.
    #[serde(default)]
    pub token: String,
}

/// One listening port of an origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Port {
    /// The trial it serves.
    pub trial: String,
    /// The TCP port.
    pub port: u16,
    /// Where it is.
    pub place: Place,
    /// How it behaves.
    pub origin: OriginSpec,
}

/// The host name of a trial's origin.
pub fn origin_name(trial: &str) -> String {
    format!("{trial}.test")
}

/// Its name for wildcard certificates: a wildcard is not good for a whole top-level domain.
pub fn wild_name(trial: &str) -> String {
    format!("{trial}.wild.test")
}

/// The host of the rule that a reload adds for a trial.
pub fn added_name(trial: &str) -> String {
    format!("{trial}.added.t")
}

/// The host that clients ask ATS for.
pub fn front_name(trial: &str) -> String {
    format!("{trial}.t")
}

impl Port {
    /// The port of a trial's origin.
    pub fn of(plan: &TrialPlan) -> Self {
        Self { trial: plan.id.clone(), port: plan.port, place: plan.spec.place, origin: plan.spec.origin.clone() }
    }
}

/// The certificates of a cell: everything is made anew for each attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The CA that everyone trusts, PEM.
    pub ca_pem: String,
    /// Its key: the distro's own `openssl` signs with it what no library of ours would.
    pub ca_key_pem: String,
    /// What origins serve, of the kinds that the plan needs.
    pub origins: BTreeMap<Certificate, Leaf>,
    /// What ATS shows to its clients.
    pub front: Leaf,
    /// What ATS shows to origins that ask for a client certificate.
    pub client: Leaf,
}

/// A certificate chain with its key; PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaf {
    /// The leaf first, then what signed it, without the CA.
    pub chain_pem: String,
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
    /// The addresses of the origins that are containers of their own.
    #[serde(default)]
    pub beside: BTreeMap<Place, String>,
    /// The trials, in order; trials with the same `records` stand together.
    pub trials: Vec<TrialPlan>,
    /// Where `traffic_server` is; `None`: look in the usual places.
    pub binary: Option<String>,
    /// How long the whole cell may take, milliseconds.
    pub deadline_ms: u64,
    /// Leave ATS running, with the baseline's settings, after the last trial: for inspection by hand.
    pub keep: bool,
    /// What the ATS process takes from another image (bisecting); `None`: it runs as its image is.
    #[serde(default)]
    pub swap: Option<Swap>,
    /// What makes the cell known to its origins; no other cell has it.
    #[serde(default)]
    pub token: String,
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
