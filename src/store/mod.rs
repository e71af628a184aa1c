//! The results directory. Knows files, locks and their order; what is in the committed files is
//! [`crate::report`]'s business. Every error names its file; a full disk is an error like any other.
//!
//! ```text
//! results/matrix.json  results/README.md      committed; the same outcomes give the same bytes
//! results/checked.json                        committed; the day of the run, for the gate's --max-age
//! results/bisect/GOOD..BAD.TRIAL.json         committed; what bisections found
//! results/runs/.lock                          held while the committed files are replaced
//! results/runs/RUN/journal.jsonl              events, as they came
//! results/runs/RUN/debug.log
//! results/runs/RUN/images/NAME.log            how an image was made
//! results/runs/RUN/DISTRO_ATS/TRIAL.N.json    all evidence of attempt N of a trial
//! results/runs/RUN/DISTRO_ATS/TRIAL.N.pcapng  its packets
//! results/runs/RUN/workarounds/NAME/          the same again, of cells under a workaround
//! ```
//!
//! Calls block; in async code, run them where blocking is allowed.

mod bisect;
mod checked;
mod file;
mod journal;
mod log;
mod merge;
mod results;
mod run;

pub use checked::{CHECKED, Stamp, day as day_of, stamp};
pub use file::put;
pub use file::replace;
pub use journal::{Journal, Recovered};
pub use log::Log;
pub use merge::{Frame, merge, spare};
pub use results::Results;
pub use run::{RunFolder, run_id};
