//! One file a known issue, and beside it the scenes that it must and must not be seen in
//! (`ID.scenes`, in small letters with `_`).

mod ats_10393;
mod ats_11197;
mod ats_11465;
mod ats_11758;
mod ats_11938;
mod ats_12075;
mod ats_12169;
mod ats_12428;
mod ats_12711;
mod ats_12902;
mod ats_13169;
mod ats_13427;
mod ats_1344;
mod ats_13544;
mod ats_4006;
mod ats_4865;
mod ats_6552;
mod ats_7346;
mod ats_7587;
mod ats_7663;
mod ats_7677;
mod ats_8978;
mod ats_9882;
mod ats_9959;
mod ats_verify_int;
mod ats_verify_key;
mod deb_pcre3;
mod fed_sha1;
mod httpd_421;
mod ossl_legacy_reneg;
mod ossl_pq_hello;
mod ossl_seclevel;

use super::KnownIssue;

/// Every known issue, in order of precedence: bugs of ATS, then changes of what it stands on.
pub const KNOWN_ISSUES: &[&KnownIssue] = &[
    &ats_11465::ISSUE,
    &ats_11938::ISSUE,
    &ats_11758::ISSUE,
    &ats_12428::ISSUE,
    &ats_12075::ISSUE,
    &ats_7346::ISSUE,
    &ats_6552::ISSUE,
    &ats_9959::ISSUE,
    &ats_8978::ISSUE,
    &ats_11197::ISSUE,
    &ats_10393::ISSUE,
    &ats_4006::ISSUE,
    &ats_1344::ISSUE,
    &httpd_421::ISSUE,
    &ats_4865::ISSUE,
    &ats_verify_key::ISSUE,
    &ats_verify_int::ISSUE,
    &ats_7587::ISSUE,
    &ats_12711::ISSUE,
    &ats_12902::ISSUE,
    &ats_13427::ISSUE,
    &ats_12169::ISSUE,
    &ats_9882::ISSUE,
    &deb_pcre3::ISSUE,
    &ats_13169::ISSUE,
    &ats_13544::ISSUE,
    &ats_7677::ISSUE,
    &ats_7663::ISSUE,
    &ossl_legacy_reneg::ISSUE,
    &ossl_seclevel::ISSUE,
    &ossl_pq_hello::ISSUE,
    &fed_sha1::ISSUE,
];
