//! The HTML report in a real Chromium: of this repository's own results, and of results made to break
//! it. Needs Debian's package `chromium`, which `make test` installs; asks for nothing outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its browser has failed")]

mod accessibility;
mod browser;
mod inert;
mod pictures;
mod reading;
mod script;
mod site;
