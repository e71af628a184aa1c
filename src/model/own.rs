//! A configuration of the user's own: what of it is told. Its files are no part of any result.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::behaviour::Aspects;

/// The configuration of the user's own under which a cell ran.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnConfig {
    /// SHA-256 over the names, modes and contents of its files, lower-case hex.
    pub digest: String,
    /// Number of its files.
    pub files: u32,
    /// What the cell laid over it, sorted by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlays: Vec<Overlay>,
    /// What was replaced or could not be used, one sentence each, such as a missing key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl fmt::Display for OwnConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { digest, files, overlays, notes } = self;
        write!(f, "{files} files, sha256:{digest}")?;
        for note in notes {
            write!(f, "; {note}")?;
        }
        if !overlays.is_empty() {
            let overlays: Vec<String> = overlays.iter().map(ToString::to_string).collect();
            write!(f, "; laid over it: {}", overlays.join(", "))?;
        }
        Ok(())
    }
}

/// Something of the user's own configuration that a cell replaces.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Overlay {
    /// The setting or the file.
    pub name: String,
    /// The user's value of the setting; `None`: the user does not set it, or it is a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theirs: Option<String>,
    /// What the cell has in its place, and why.
    pub ours: String,
    /// Whether only the trials of the catalogue have it, and those of the configuration itself do not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trials_only: bool,
}

impl fmt::Display for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, theirs, ours, trials_only } = self;
        write!(f, "{name}: {ours}")?;
        if let Some(theirs) = theirs {
            write!(f, " (yours: {theirs})")?;
        }
        if *trials_only { write!(f, " in trials of the catalogue") } else { Ok(()) }
    }
}

/// What the plan of a cell says about the configuration of the user's own. The files come on stdin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnPlan {
    /// See [`OwnConfig::digest`].
    pub digest: String,
    /// See [`OwnConfig::files`].
    pub files: u32,
}

/// What was seen of the user's own configuration in one trial.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnSeen {
    /// What is wrong with it before ATS starts, one sentence each.
    pub problems: Vec<String>,
    /// What was replaced, one sentence each.
    pub notes: Vec<String>,
    /// What became of its remap rules; `None`: they were not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<RulesSeen>,
}

/// What became of the remap rules of the user's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesSeen {
    /// Number of all rules.
    pub rules: u32,
    /// Number of those that led where they say.
    pub reached: u32,
    /// Those that did not, in the order of the files; not more than the agent keeps.
    pub missed: Vec<RuleMiss>,
    /// Number of those that did not.
    pub missed_count: u32,
    /// Rules that were not asked, by reason: the reason, how many, and the first of them.
    pub untried: Vec<RulesUntried>,
    /// What became of requests and answers on their way, for some of the rules that led where they say.
    pub samples: Vec<RuleSample>,
    /// What ATS did with requests and answers of all rules, by fact, without what differs from run to run.
    #[serde(default)]
    pub behaviour: Aspects,
}

/// A request for a rule as it arrived at a stand-in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrived {
    /// The stand-in.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether it came over TLS.
    pub tls: bool,
    /// The server name of the ClientHello.
    pub sni: Option<String>,
    /// Its method.
    pub method: String,
    /// Its target, bounded.
    pub target: String,
    /// Its headers, bounded.
    pub headers: Vec<(String, String)>,
}

impl Arrived {
    /// The Host header; empty: none.
    pub fn host_header(&self) -> &str {
        self.headers.iter().find(|(name, _)| name == "host").map_or("", |(_, value)| value)
    }
}

/// A rule that did not lead where it says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleMiss {
    /// `remap.config:12`.
    pub at: String,
    /// What was asked.
    pub asked: String,
    /// What should have been seen.
    pub expected: String,
    /// What was seen.
    pub seen: String,
}

/// Rules that were not asked for the same reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesUntried {
    /// Why.
    pub reason: String,
    /// How many.
    pub count: u32,
    /// `remap.config:12` of the first ones.
    pub at: Vec<String>,
}

/// What became of the request for a rule and of its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSample {
    /// `remap.config:12`.
    pub at: String,
    /// What was asked.
    pub asked: String,
    /// What the origin got.
    pub got: String,
    /// Headers of the request that were added, removed or changed: `+ NAME: VALUE`, `- NAME`, `~ NAME: VALUE`.
    pub request: Vec<String>,
    /// Headers of the answer, likewise.
    pub answer: Vec<String>,
}
