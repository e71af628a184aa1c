//! Apache Traffic Server as text: configuration dialects of 8.1, 9 and 10, a user's own configuration, directory layouts,
//! logs, the output of its programs, and where a build came from.
//!
//! Pure: it starts, reads and writes nothing, and does not judge trials.

pub mod asks;
pub mod config;
mod dialect;
pub mod layout;
pub mod log;
pub mod provenance;
pub mod settings;
pub mod site;
mod version;

pub use dialect::Dialect;
pub use version::Reported;
