//! The engine module against the real container engine of this machine. Without one these tests fail; they
//! are never skipped. They need `docker` in PATH for independent checks and `/bin/busybox`, statically
//! linked (Debian: busybox-static), as the program in containers.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test panics if its set-up fails")]

mod away;
mod clean;
mod containers;
mod images;
mod networks;
mod rig;
mod sweeping;
