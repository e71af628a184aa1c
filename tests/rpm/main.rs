//! The rpm family and registries, for real and without any of the internet's: Debian's own dnf, rpm and
//! docker-registry, with fixtures in tests/fixtures/rpm.
//!
//! It needs a container engine on this machine, `docker` in PATH and the package mirror.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot set up its parts has failed; what a run said is shown with it"
)]

mod family;
mod recipes;
mod registry;
mod rig;
