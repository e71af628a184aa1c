//! The rpm family and registries, with real programs but without public registries: Debian's own dnf, rpm and
//! docker-registry, with fixtures in tests/fixtures/rpm.
//!
//! It needs a container engine on this machine, `docker` in PATH and the package mirror.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test panics if its set-up fails, and shows the output of runs"
)]

mod bootstrap;
mod family;
mod recipes;
mod registry;
mod rig;
