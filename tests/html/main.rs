//! Tests the HTML report in Chromium: of this repository's results, and of results with hostile text. Needs Debian's
//! package `chromium`, which `make test` installs, and no network.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its browser has failed")]

mod accessibility;
mod browser;
mod inert;
mod pictures;
mod reading;
mod script;
mod site;
