//! The engine module against the real container engine of this machine. Without one these tests fail; they
//! are never skipped. They need `docker` in PATH as an independent witness and `/bin/busybox`, statically
//! linked (Debian: busybox-static), to have something that behaves inside containers.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test panics when its set-up fails")]

mod away;
mod clean;
mod containers;
mod images;
mod networks;
mod rig;
mod sweeping;
