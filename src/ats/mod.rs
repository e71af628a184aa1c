//! Apache Traffic Server as text: configuration dialects of 8.1, 9 and 10, directory layouts, what
//! its programs and logs say, and what the process it became consists of.
//!
//! Knows ATS's names and formats; texts come in, values and texts go out. Must not start, read or
//! write anything, and must not judge a trial.

pub mod config;
mod dialect;
pub mod layout;
pub mod log;
pub mod openssl_conf;
pub mod provenance;
mod version;

pub use dialect::Dialect;
pub use version::Reported;
