//! The known issues, in files by theme. Beside them, for each issue, the scenes that must and must not show it:
//! `ID.scenes`, in lower case with `_`.

mod builds;
mod exchange;
mod handshake;
mod origins;
mod platform;
mod settings;
mod tls;
mod uploads;

use super::KnownIssue;
use crate::catalogue::{count, flatten};

const THEMES: &[&[KnownIssue]] = &[
    handshake::ISSUES,
    exchange::ISSUES,
    tls::ISSUES,
    uploads::ISSUES,
    settings::ISSUES,
    builds::ISSUES,
    origins::ISSUES,
    platform::ISSUES,
];

/// Every known issue, in order of precedence: bugs of ATS, then changes of what it runs on.
pub const KNOWN_ISSUES: &[&KnownIssue] = &flatten::<_, { count(THEMES) }>(THEMES);
