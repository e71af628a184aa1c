//! Fedora's crypto policy.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature, Workaround};
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
        decides: false,
    }],
    shows: Shows::Trials(Signature {
        must: &[
            Sign::Log(LogFile::Diags, r"digest algorithm too weak|invalid digest|md too weak"),
            Sign::Answer("^502 "),
        ],
        // SHA-256 is taken: it is no stricter policy than the DEFAULT.
        sure: &[Sign::Passes("cert-rsa")],
        ..NO_SIGNS
    }),
    provoked: Provoked::By(
        &["refuse-sha1-signature", "seclevel0-sha1"],
        "only on Fedora's rows, which need their registry",
    ),
};
