//! The results directory: files, locks and their order. The content of committed files comes from
//! [`crate::report`]. Every error names its file; a full disk is an error like any other.
//!
//! ```text
//! results/matrix.json  results/README.md      committed; the same outcomes give the same bytes
//! results/behaviour.json                      committed; what trials negotiated and exchanged
//! results/checked.json                        committed; the day of the run, for the gate's --max-age
//! results/bisect/GOOD..BAD.TRIAL.json         committed; the answers of bisections
//! results/runs/.lock                          held while the committed files are replaced
//! results/runs/RUN/journal.jsonl              events, in order
//! results/runs/RUN/plan.json                  what the run set out to do, for `run --resume`
//! results/runs/RUN/behaviour/DISTRO_ATS.json  how ATS behaved in a finished cell
//! results/runs/RUN/.lock                      held while the run goes on
//! results/runs/RUN/debug.log
//! results/runs/RUN/images/NAME.log            log of the build of an image
//! results/runs/RUN/DISTRO_ATS/TRIAL.N.json    all evidence of attempt N of a trial
//! results/runs/RUN/DISTRO_ATS/TRIAL.N.pcapng  its packets
//! results/runs/RUN/workarounds/NAME/          the same for cells with a workaround
//! ```
//!
//! Calls block: in async code, run them where blocking is allowed.

mod bisect;
mod checked;
mod file;
mod journal;
mod log;
mod merge;
mod results;
mod run;

pub use checked::{CHECKED, Stamp, day as day_of, is_of_run, stamp};
pub use file::put;
pub use file::replace;
pub use journal::{Journal, Recovered};
pub use log::Log;
pub use merge::{CurrentMatrix, keep_earlier_answers, merge};
pub use results::{BEHAVIOUR, CommittedFiles, Results};
pub use run::{RunFolder, run_id};
