//! The plans for the agents of a cell. They are plain data, so the same plan runs on any engine, and agents need no code for
//! single trials.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::own::OwnPlan;
use super::spec::{Certificate, OriginSpec, Place, TrialSpec};
use super::swap::Swap;
use super::tier::Tier;

/// The plan for one agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentPlan {
    /// For the origin container.
    Origin(Box<OriginPlan>),
    /// For the ATS container.
    Cell(Box<CellPlan>),
    /// For the container of the parent, in a cell with two ATS.
    Parent(Box<CellPlan>),
    /// For a container that shares processes and network with that of an image started as it is delivered, and watches
    /// them until ATS serves there.
    Probe {
        /// How long to wait for that, milliseconds.
        patience_ms: u64,
    },
}

/// The plan for an origin container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OriginPlan {
    /// One port per trial.
    pub ports: Vec<Port>,
    /// Certificates and keys.
    pub identity: Identity,
    /// Whether to keep serving after the run, for inspection.
    pub keep: bool,
    /// Secret by which the origin recognises its cell.
    #[serde(default)]
    pub token: String,
    /// Secret by which it recognises the parent of a cell with two ATS; empty: there is none.
    #[serde(default)]
    pub parent_token: String,
}

/// One listening port of an origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Port {
    /// The trial.
    pub trial: String,
    /// The TCP port.
    pub port: u16,
    /// The place of the origin.
    pub place: Place,
    /// The behaviour of the origin.
    pub origin: OriginSpec,
}

/// The host name of a trial's origin.
pub fn origin_name(trial: &str) -> String {
    format!("{trial}.test")
}

/// The host name of a trial's origin for wildcard certificates. A wildcard is not valid for a whole top-level domain.
pub fn wild_name(trial: &str) -> String {
    format!("{trial}.wild.test")
}

/// The host name in the rule that a reload adds for a trial.
pub fn added_name(trial: &str) -> String {
    format!("{trial}.added.t")
}

/// The host name that clients request from ATS.
pub fn front_name(trial: &str) -> String {
    format!("{trial}.t")
}

impl Port {
    /// The port of a trial's origin.
    pub fn of(plan: &TrialPlan) -> Self {
        Self { trial: plan.id.clone(), port: plan.port, place: plan.spec.place, origin: plan.spec.origin.clone() }
    }
}

/// The name of the CA of a cell.
pub const CA_NAME: &str = "atsmatrix CA of one run";

/// The certificates of a cell, new for each attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The CA that all ends trust, PEM.
    pub ca_pem: String,
    /// The key of the CA, PEM. The distro's `openssl` signs weak certificates with it, which libraries here refuse to make.
    pub ca_key_pem: String,
    /// Certificates of origins, of the kinds that the plan needs.
    pub origins: BTreeMap<Certificate, Leaf>,
    /// The certificate that ATS presents to clients.
    pub front: Leaf,
    /// The certificate that replaces it in a reload.
    #[serde(default)]
    pub renewed: Leaf,
    /// The certificate that ATS presents to origins that request a client certificate.
    pub client: Leaf,
    /// The certificate that the parent of a cell with two ATS presents to the child.
    #[serde(default)]
    pub parent: Leaf,
}

/// A certificate chain with its key; PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaf {
    /// The leaf first, then its issuers, without the CA.
    pub chain_pem: String,
    /// The leaf's private key.
    pub key_pem: String,
}

/// The plan for the agent in the cell's container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellPlan {
    /// Address of the origin container, from the engine; agents never resolve names.
    pub origin_ip: String,
    /// CA and identity, for verification and for the same-host origin.
    pub identity: Identity,
    /// Addresses of origins with a container of their own.
    #[serde(default)]
    pub beside: BTreeMap<Place, String>,
    /// The trials in order; trials with the same `records` are adjacent.
    pub trials: Vec<TrialPlan>,
    /// Path of `traffic_server`; `None` to search for it.
    pub binary: Option<String>,
    /// Entrypoint and command of the image, if it is the user's own: they may say where `traffic_server` is.
    #[serde(default)]
    pub command: Vec<String>,
    /// Deadline of the whole cell, milliseconds.
    pub deadline_ms: u64,
    /// Whether to keep ATS running after the last trial, with the baseline settings, for inspection.
    pub keep: bool,
    /// Parts that the ATS process takes from another image, for bisecting.
    #[serde(default)]
    pub swap: Option<Swap>,
    /// The configuration of the user's own under which ATS runs; its files follow the key on stdin.
    #[serde(default)]
    pub own: Option<OwnPlan>,
    /// Secret by which origins recognise this cell.
    #[serde(default)]
    pub token: String,
    /// The place of this ATS, in a cell with two.
    #[serde(default)]
    pub tier: Option<Tier>,
}

/// A trial in a cell's plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialPlan {
    /// Trial id.
    pub id: String,
    /// The port of its origin, unique in the plan, which identifies flows and log lines.
    pub port: u16,
    /// What the trial does.
    pub spec: TrialSpec,
}
