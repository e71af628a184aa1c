//! The agent protocol: one sealed JSON object per line on an agent's stdout (see `agent::seal`).

use serde::{Deserialize, Serialize};

use super::observation::{AtsLife, ClientRun, Flow, ImageStart, OriginConnection, Served};
use super::own::OwnSeen;
use super::provenance::Provenance;
use super::swap::Inventory;

/// One line of evidence. The last line of a complete stream is [`Line::End`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// The origin listens on all its ports.
    Listening,
    /// The software in this cell, sent once, when the first ATS has started.
    Provenance(Box<Provenance>),
    /// The parts that ATS consists of, if the plan swaps parts.
    Inventory(Box<Inventory>),
    /// A trial started.
    Began {
        /// Trial id.
        trial: String,
    },
    /// When a trial ran, until the end of its client.
    Lasted {
        /// Trial id.
        trial: String,
        /// Start, microseconds since the epoch.
        from_us: u64,
        /// End, microseconds since the epoch.
        to_us: u64,
    },
    /// The client of a trial has finished.
    Client {
        /// Trial id.
        trial: String,
        /// What the client saw.
        run: ClientRun,
        /// The state of ATS meanwhile.
        ats: AtsLife,
    },
    /// The state of the parent's ATS, in a cell with two.
    Parent(AtsLife),
    /// What was seen of the user's own configuration.
    Own {
        /// Trial id.
        trial: String,
        /// What was seen.
        seen: OwnSeen,
    },
    /// A connection to a trial's origin has ended.
    Connection(Box<OriginConnection>),
    /// Captured flows of a trial.
    Wire {
        /// Trial id.
        trial: String,
        /// The flows.
        flows: Vec<Flow>,
        /// The packets as a pcapng file, base64, bounded.
        pcapng: String,
        /// Number of packets of the whole capture that the kernel dropped.
        #[serde(default)]
        lost: u64,
    },
    /// What a probe saw of the container that it watched.
    Served(Served),
    /// What became of an image that was started as it is delivered.
    Start {
        /// Trial id.
        trial: String,
        /// What became of it.
        start: ImageStart,
    },
    /// A log line of ATS.
    Log(LogLine),
    /// The agent failed: a fault of the setup, not of ATS.
    Fault {
        /// The affected trial; `None` for the whole cell.
        trial: Option<String>,
        /// What happened.
        text: String,
    },
    /// A program that the agent started printed a line that looks like evidence: an attempt to forge it.
    Forged {
        /// The program.
        by: String,
        /// The line, bounded and escaped.
        text: String,
    },
    /// A container was disturbed: during that time its evidence does not count.
    Trouble {
        /// The container's name; `None` for that of the reporting agent.
        of: Option<String>,
        /// Start, microseconds since the epoch.
        from_us: u64,
        /// End, microseconds since the epoch; `None` if it lasts until the end of the attempt.
        to_us: Option<u64>,
        /// Description, as the end of a sentence that starts with "the ... container".
        text: String,
    },
    /// A thread of this container that had work waited long for a CPU.
    Waited {
        /// Start of the measurement, microseconds since the epoch.
        from_us: u64,
        /// Its end, microseconds since the epoch.
        to_us: u64,
        /// The longest wait of a thread that ended in this time, microseconds.
        longest_us: u64,
    },
    /// A peer from outside the cell connected to an origin and was refused.
    Stranger {
        /// The peer's address.
        peer: String,
        /// The trial of the port.
        trial: String,
    },
    /// The last line.
    End,
}

/// The text of a line that stands for further ones of a trial, which are not recorded.
pub const LOG_CUT: &str = "further lines of this trial are not recorded";

/// A line of one of ATS's logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// The trial whose host the line names; `None` if it names none.
    pub trial: Option<String>,
    /// The log file.
    pub file: LogFile,
    /// The line, bounded and escaped.
    pub text: String,
}

/// A log file of ATS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogFile {
    /// `error.log`, with one line per failed transaction.
    #[serde(rename = "error.log")]
    Error,
    /// `diags.log`, with diagnostics.
    #[serde(rename = "diags.log")]
    Diags,
    /// stdout and stderr of `traffic_server`.
    #[serde(rename = "traffic.out")]
    Output,
}

impl LogFile {
    /// The name of the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error.log",
            Self::Diags => "diags.log",
            Self::Output => "traffic.out",
        }
    }
}
