//! Fedora's crypto policy.

use crate::diagnosis::{Affected, KnownIssue, Shows, Sign, Workaround};
use crate::model::LogFile;

/// The DEFAULT policy of Fedora 41 no longer takes SHA-1 in signatures.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "FED-SHA1",
    title: "from Fedora 41 on the crypto policy refuses origins whose certificate is signed with SHA-1",
    link: "https://gitlab.com/redhat-crypto/fedora-crypto-policies/-/merge_requests/184",
    also: &[],
    affected: Affected { ats: &[], openssl: None, distro: Some(("fedora", ">=41")), patched: &[] },
    when: "the policy DEFAULT",
    fixed_in: "by design",
    way_out: "renew the origin's certificate",
    workarounds: &[Workaround {
        name: "fedora-40-policy",
        what: "update-crypto-policies --set FEDORA40",
        records: &[],
        cost: "SHA-1 signatures, which can be forged, for every program of the host",
    }],
    shows: Shows::Trials {
        among: &[],
        must: &[Sign::Any(&[
            Sign::Log(LogFile::Diags, r"digest algorithm too weak|invalid digest|md too weak"),
            Sign::CellLog(LogFile::Diags, r"digest algorithm too weak|invalid digest|md too weak"),
        ])],
        may: &[Sign::Answer("^502 "), Sign::Log(LogFile::Error, r"ENET_SSL_CONNECT_FAILED \[-20104\]")],
    },
};
