//! The vocabulary as data: ids, plans, observations, outcomes, provenance, results, events.
//! Knows serde and nothing else; every other module may import it.

mod event;
mod id;
mod line;
mod observation;
mod outcome;
mod plan;
mod provenance;
mod result;
mod version;

pub use event::{Event, ImageWork};
pub use id::{AtsId, CellId, DistroId, IdError, RunId};
pub use line::{Line, LogFile, LogLine};
pub use observation::{
    AtsLife, ClientError, ClientPhase, ClientRun, Closed, ClosedBy, Direction, Exchange, Flow, Hello, Observation,
    OriginConnection, OriginRequest, Packet, TlsSeen,
};
pub use outcome::{Outcome, Verdict};
pub use plan::{
    AgentPlan, CellPlan, ClientSpec, Identity, OriginPlan, OriginSpec, OriginTls, Place, Port, Record, RequestSpec,
    Route, TlsVersion, TrialPlan, TrialSpec,
};
pub use provenance::{AtsBuild, ImageDigests, Library, Provenance, Release};
pub use result::{CellResult, Expected, IssueMatch, MatrixResult, SCHEMA_VERSION, TrialResult};
pub use version::{Version, VersionError, VersionRange};
