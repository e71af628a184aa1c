//! What trials negotiated and exchanged, in a form that is the same in every run of the same software.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::CellId;

/// The parts of a behaviour. Each varies with other things (OpenSSL, ATS, the length of a name), so that equal parts are stored
/// once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BehaviourPart {
    /// The ClientHello that the origin received, without its size.
    Hello,
    /// The size of the ClientHello on the wire, bytes.
    Size,
    /// What TLS the origin negotiated.
    Tls,
    /// Requests as the origin received them.
    Request,
    /// Connections to the origin: how many, their requests, and who closed them.
    Connections,
    /// Responses as the client received them.
    Response,
    /// Response headers as the client received them.
    Headers,
    /// What ATS did with the requests for remap rules of the user's own, and with their answers, by fact.
    Rules,
    /// What is not compared in this trial, because it is chance: a part or an aspect, with the reason.
    NotCompared,
}

impl BehaviourPart {
    /// The words before the name of an aspect.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hello | Self::Size => "ClientHello",
            Self::Tls => "TLS",
            Self::Request => "request",
            Self::Connections => "origin",
            Self::Response => "response",
            Self::Headers => "response header",
            Self::Rules => "rule",
            Self::NotCompared => "not compared",
        }
    }
}

impl fmt::Display for BehaviourPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The aspects of one part, by name, with their values. Values of several messages or connections are in their order, joined by
/// ` | `.
pub type Aspects = BTreeMap<String, String>;

/// The behaviour of one trial. Without times, addresses, ports, random values and the trial's own names.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TrialBehaviour(pub BTreeMap<BehaviourPart, Aspects>);

impl TrialBehaviour {
    /// The value of an aspect.
    pub fn get(&self, part: BehaviourPart, aspect: &str) -> Option<&str> {
        self.0.get(&part)?.get(aspect).map(String::as_str)
    }

    /// All values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (BehaviourPart, &str, &str)> {
        let compared = self.0.iter().filter(|(part, _)| **part != BehaviourPart::NotCompared);
        compared.flat_map(|(part, aspects)| aspects.iter().map(|(name, value)| (*part, &**name, &**value)))
    }

    /// What is left out, each with the reason.
    pub fn not_compared(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.get(&BehaviourPart::NotCompared).into_iter().flatten().map(|(fact, why)| (&**fact, &**why))
    }
}

/// The behaviour of a cell, by trial.
pub type CellBehaviour = BTreeMap<String, TrialBehaviour>;

/// The recorded behaviour of all cells.
pub type BehaviourRecords = BTreeMap<CellId, CellBehaviour>;
