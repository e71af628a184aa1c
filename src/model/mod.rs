//! The vocabulary as data: ids, plans, observations, outcomes, provenance, results, events. It depends only on serde; every
//! other module may import it.

mod act;
mod behaviour;
mod bisect;
mod cell_kind;
mod event;
mod evidence;
mod id;
mod line;
mod observation;
mod os;
mod outcome;
mod own;
mod own_trial;
mod plan;
mod program;
mod provenance;
mod reference;
mod result;
mod run_plan;
mod script;
mod spec;
mod surroundings;
mod swap;
mod tier;
mod version;

pub use act::{Act, RequestSpec};
pub use behaviour::{Aspects, BehaviourPart, BehaviourRecords, CellBehaviour, TrialBehaviour};
pub use bisect::{BISECT_SCHEMA, Bisection, Effect, Fate, Over, Standing, Suspect, Tried};
pub use cell_kind::CellKind;
pub use event::{Event, ImageWork};
pub use evidence::{RunEvidence, TrialEvidence};
pub use id::{AtsId, CellId, DistroId, IdError, RunId};
pub use line::{LOG_CUT, Line, LogFile, LogLine};
pub use observation::{
    AtsLife, ClientError, ClientPhase, ClientRun, Closed, ClosedBy, Direction, Exchange, Flow, Hello, ImageStart, Load,
    OVERDUE, Observation, OriginConnection, OriginRequest, Packet, Served, TlsSeen,
};
pub use os::Os;
pub use outcome::{Outcome, Verdict};
pub use own::{Arrived, Overlay, OwnConfig, OwnPlan, OwnSeen, RuleMiss, RuleSample, RulesSeen, RulesUntried};
pub use own_trial::{
    CertificateOwner, EndTime, FirstCloser, HeaderPattern, OwnTrial, RefusalReason, TrialExpectation, WireFact,
};
pub use plan::{
    AgentPlan, CA_NAME, CellPlan, Identity, Leaf, OriginPlan, Port, TrialPlan, added_name, front_name, origin_name,
    wild_name,
};
pub use program::OriginProgram;
pub use provenance::{AtsBuild, DistroUpgrade, ImageDigests, Library, Provenance, ProvenanceField, Release};
pub use reference::registry_of;
pub use result::{
    CellResult, Confidence, Expected, IssueMatch, MatrixResult, SCHEMA_VERSION, TrialResult, WorkaroundTried,
};
pub use run_plan::RunPlan;
pub use script::Step;
pub use spec::{
    Answer, Certificate, ClientSpec, Front, OriginSpec, OriginTls, Place, Record, RecordType, Remap, Route, Side,
    SniRule, Speak, TRIAL_BODY, TRIAL_DEADLINE_MS, TlsVersion, TrialSpec,
};
pub use surroundings::{OpensslConf, Surroundings};
pub use swap::{Inventory, Mapped, SWAP_FOLDER, Swap};
pub use tier::{PARENT_NAME, ParentRan, ParentSeen, Tier};
pub use version::{Version, VersionError, VersionRange};
