//! A Linux distro as text and bytes: what its dynamic loader prints, what libraries and processes contain, which
//! package owns a file, and the configuration files that decide how ATS behaves.
//!
//! Pure: the agent reads the files and runs the programs, and bisections compare what it reports.

pub mod config_files;
pub mod library;
pub mod loader;
pub mod openssl_conf;
pub mod packages;
pub mod process;
pub mod release;
pub mod upgrade;
