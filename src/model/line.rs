//! The agent protocol: one JSON object a line on an agent's stdout, sealed (`agent::seal`).

use serde::{Deserialize, Serialize};

use super::observation::{AtsLife, ClientRun, Flow, OriginConnection};
use super::provenance::Provenance;
use super::swap::Inventory;

/// One line of evidence. The last line of a complete stream is [`Line::End`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// The origin listens on all its ports.
    Listening,
    /// What runs in this cell (sent once, when the first ATS is up).
    Provenance(Box<Provenance>),
    /// What ATS consists of, where the plan swaps parts of it.
    Inventory(Box<Inventory>),
    /// A trial began.
    Began {
        /// Trial id.
        trial: String,
    },
    /// When a trial ran, to the end of its client.
    Lasted {
        /// Trial id.
        trial: String,
        /// Its begin, microseconds since the epoch.
        from_us: u64,
        /// Its end.
        to_us: u64,
    },
    /// A trial's client is done.
    Client {
        /// Trial id.
        trial: String,
        /// What it saw.
        run: ClientRun,
        /// What became of ATS meanwhile.
        ats: AtsLife,
    },
    /// A connection to a trial's origin is over.
    Connection(Box<OriginConnection>),
    /// Captured flows of a trial.
    Wire {
        /// Trial id.
        trial: String,
        /// The flows.
        flows: Vec<Flow>,
        /// The packets themselves as a pcapng file, base64; bounded.
        pcapng: String,
        /// Packets of the whole capture that the kernel threw away.
        #[serde(default)]
        lost: u64,
    },
    /// A log line of ATS.
    Log(LogLine),
    /// The agent could not do its work: our side's trouble, not ATS's.
    Fault {
        /// The trial concerned; `None`: the whole cell.
        trial: Option<String>,
        /// What happened.
        text: String,
    },
    /// A program that the agent started printed what looks like evidence: somebody tries to testify.
    Forged {
        /// Whose output it was.
        by: String,
        /// The line, bounded and escaped.
        text: String,
    },
    /// Something stood in the way of what a container does: for so long nothing that it shows counts.
    Trouble {
        /// The container's name; `None`: that of the agent that says so.
        of: Option<String>,
        /// From when, microseconds since the epoch.
        from_us: u64,
        /// Until when; `None`: to the end.
        to_us: Option<u64>,
        /// What, as the end of "the ... container".
        text: String,
    },
    /// Somebody who is not of the cell connected to an origin, and was refused.
    Stranger {
        /// Its address.
        peer: String,
        /// The trial whose port it was.
        trial: String,
    },
    /// All is said.
    End,
}

/// A line of one of ATS's logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// The trial whose host it names; `None`: the cell's.
    pub trial: Option<String>,
    /// Which log.
    pub file: LogFile,
    /// The line, bounded and escaped.
    pub text: String,
}

/// Which log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogFile {
    /// `error.log`: one line per failed transaction.
    #[serde(rename = "error.log")]
    Error,
    /// `diags.log`.
    #[serde(rename = "diags.log")]
    Diags,
    /// stdout and stderr of `traffic_server`.
    #[serde(rename = "traffic.out")]
    Output,
}

impl LogFile {
    /// The file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error.log",
            Self::Diags => "diags.log",
            Self::Output => "traffic.out",
        }
    }
}
