//! What the evidence of a production host says: captured connections and logs, held against the known issues with the same
//! signs as those of cells. Pure. Nothing is certain here, as there is no control: a run of the cell is what proves it.

mod host;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};

use crate::catalogue::known_issues::{EvidenceSource, KNOWN_ISSUES, Likeness, Reach, Shows};
use crate::config::matrix::Matrix;
use crate::decide::predict::{Prediction, Predictions};
use crate::model::{AtsBuild, Library, Provenance, Release};

pub use host::HostEvidence;
pub use words::{json, outline};

/// The versions on the host, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct HostVersions {
    /// What `traffic_server -V` reports.
    pub ats: Option<String>,
    /// The OpenSSL that it loads.
    pub openssl: Option<String>,
    /// `ID` and `VERSION_ID` of os-release.
    pub distro: Option<(String, String)>,
}

impl HostVersions {
    fn provenance(&self) -> Provenance {
        let ats = self.ats.clone().map(|reported| AtsBuild { reported, ..AtsBuild::default() });
        let openssl = self.openssl.clone().map(|version| Library { version, ..Library::default() });
        let distro = self.distro.clone().map(|(id, version)| Release { id, version, ..Release::default() });
        Provenance { distro, openssl, ats, ..Provenance::default() }
    }
}

/// What the evidence says.
#[derive(Debug, Clone, Serialize)]
pub struct Diagnosis {
    /// The known issues that it resembles, likely ones first.
    pub resembled: Vec<Named>,
    /// Ids of further known issues that affect these versions and do not show in the evidence.
    pub affecting: Vec<&'static str>,
    /// The connections, by server.
    pub servers: Vec<Server>,
    /// Log lines that name no server, without what differs from line to line, with their number.
    pub lines: Vec<Counted>,
    /// Connections to further servers, which were too many to list.
    pub further_connections: u64,
    /// Lines that were too many to keep apart.
    pub further_lines: u64,
    /// The versions that were given.
    pub versions: HostVersions,
}

/// A known issue that the evidence resembles.
#[derive(Debug, Clone, Serialize)]
pub struct Named {
    /// Its id.
    pub issue: &'static str,
    /// What it is, in one line.
    pub title: &'static str,
    /// Where to read about it.
    pub link: &'static str,
    /// How strongly.
    #[serde(serialize_with = "likeness")]
    pub likeness: Likeness,
    /// Where its signs show.
    #[serde(serialize_with = "sources")]
    pub seen_in: BTreeSet<EvidenceSource>,
    /// What would also show it, and was not given.
    #[serde(serialize_with = "sources")]
    pub not_given: BTreeSet<EvidenceSource>,
    /// Whether the given versions are affected.
    #[serde(serialize_with = "reach")]
    pub versions: Reach,
    /// The servers whose connections show it; empty: log lines that name none do.
    pub servers: Vec<String>,
    /// The versions and builds that are affected, in words.
    pub affects: String,
    /// The releases and builds that fix it.
    pub fixed_in: &'static str,
    /// What to do.
    pub way_out: &'static str,
    /// What may help until then, each with what it costs.
    pub workarounds: Vec<(&'static str, &'static str)>,
    /// The command that runs a cell which shows it, if the matrix has one.
    pub proof: Option<String>,
}

/// The connections to one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Server {
    /// Its address, `IP:PORT`, or `IP` where a log says no more.
    pub address: String,
    /// Summaries of its connections, with their number.
    pub connections: Vec<Counted>,
    /// Bytes of the largest ClientHello that it got, with its record header.
    pub hello: Option<u32>,
    /// The server names that it was asked for, at most a few.
    pub names: Vec<String>,
    /// Log lines that name it, without what differs from line to line.
    pub lines: Vec<Counted>,
}

/// A text, and how often it was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// The text.
    pub text: String,
    /// How often.
    pub count: u64,
}

impl Diagnosis {
    /// What `evidence` says. `matrix` lends the cells that could prove it.
    pub fn of(evidence: &HostEvidence, versions: HostVersions, matrix: Option<&Matrix>) -> Self {
        let ran = versions.provenance();
        let mut resembled = evidence.resembled(&ran);
        for named in &mut resembled {
            named.proof = matrix.and_then(|matrix| proof(matrix, named.issue, &versions));
        }
        let affecting = KNOWN_ISSUES.iter().filter(|issue| matches!(issue.shows, Shows::Trials(_)));
        let affecting = affecting.filter(|issue| !issue.affected.ats.is_empty());
        let affecting = affecting.filter(|issue| issue.affected.reach(&ran) == Reach::Affected).map(|issue| issue.id);
        let affecting = affecting.filter(|id| !resembled.iter().any(|named| named.issue == *id)).collect();
        Self {
            affecting,
            resembled,
            servers: evidence.servers(),
            lines: evidence.lines(),
            further_connections: evidence.further_connections(),
            further_lines: evidence.further_lines(),
            versions,
        }
    }
}

/// The command that runs a cell which this issue affects: that of the host if the matrix has it, else the first.
fn proof(matrix: &Matrix, issue: &str, versions: &HostVersions) -> Option<String> {
    let predictions = Predictions::of(matrix, None, |_| true);
    let shows =
        |cell: &&Prediction| cell.strikes.iter().any(|strike| strike.issue == issue && !strike.trials.is_empty());
    let differs_by = |cell: &Prediction| {
        let row = matrix.distro(&cell.cell.distro).and_then(|distro| distro.os.as_ref());
        let given = versions.distro.as_ref().map(|(id, version)| format!("{id}-{version}"));
        let ats = cell.facts.ats.as_ref().map(|fact| fact.value.as_str());
        let same_row = row
            .is_some_and(|os| Some(format!("{}-{}", os.id, os.version.clone().unwrap_or_default())) == given)
            || given.as_deref() == Some(cell.cell.distro.as_str());
        (!same_row, ats != versions.ats.as_deref())
    };
    let cell = predictions.cells.iter().filter(shows).min_by_key(|cell| differs_by(cell))?;
    let trial = cell.strikes.iter().find(|strike| strike.issue == issue)?.trials.first()?;
    Some(format!(
        "atsmatrix run --distro {} --ats {} --trial 'ctl-*,{trial}' --results proof",
        cell.cell.distro, cell.cell.ats
    ))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn likeness<S: Serializer>(likeness: &Likeness, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(words::likeness(*likeness))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn reach<S: Serializer>(reach: &Reach, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(words::reach(*reach))
}

fn sources<S: Serializer>(sources: &BTreeSet<EvidenceSource>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(sources.iter().map(|source| words::source(*source)))
}
