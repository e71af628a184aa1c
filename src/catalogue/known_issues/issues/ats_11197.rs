//! Keys with a passphrase.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::LogFile;

/// The callback that asks for the passphrase was lost when loading of keys was rewritten.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-11197",
    title: "a private key with a passphrase is not loaded, whatever ssl_key_dialog says",
    link: "https://github.com/apache/trafficserver/issues/11197",
    also: &["https://github.com/apache/trafficserver/pull/11201"],
    affected: Affected { ats: &[">=9.0,<9.2.5"], openssl: None, distro: None, patched: &[] },
    when: "ssl_key_dialog in ssl_multicert.config, for an encrypted key",
    fixed_in: "ATS 9.2.5 and 10.0.0",
    way_out: "upgrade to 9.2.5 or later",
    workarounds: &[Workaround {
        name: "plain-key",
        what: "the key without a passphrase, readable by ATS's user alone",
        records: &[],
        cost: "whoever reads the disk or its backup has the key",
        decides: false,
    }],
    shows: Shows::Trials(Signature {
        among: &["inbound-key-passphrase"],
        must: &[
            Sign::NoAnswer,
            Sign::Any(&[
                Sign::CellLog(LogFile::Diags, "problems getting password|bad password read"),
                Sign::CellLog(LogFile::Output, "problems getting password|bad password read|Enter PEM pass phrase"),
            ]),
        ],
        may: &[Sign::NotReached],
        not: &[Sign::Process("")],
        // The front works with a key that has none.
        sure: &[Sign::Passes("inbound-tls")],
        ..NO_SIGNS
    }),
    provoked: Provoked::By(
        &["inbound-key-passphrase"],
        "fails on ubuntu-24.04/9.2.3, which needs Ubuntu's registry or keyring; passes on every cell that runs here",
    ),
};
