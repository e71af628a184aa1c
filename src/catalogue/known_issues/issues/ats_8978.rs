//! Session tickets on OpenSSL 3.0.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Patched, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::{LogFile, RecordType};

/// The ticket callback got another context than it was written for.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-8978",
    title: "ATS crashes on the first TLS session ticket",
    link: "https://github.com/apache/trafficserver/issues/8978",
    also: &["https://github.com/apache/trafficserver/issues/7341"],
    affected: Affected {
        ats: &[">=9.1,<9.2"],
        openssl: Some(">=3.0"),
        distro: None,
        patched: &[Patched {
            build: "Fedora's 9.1.2-8 and later",
            pattern: r"^trafficserver 9\.1\.[2-9]-(?:[89]|\d\d)",
        }],
    },
    when: "TLS clients that take session tickets",
    fixed_in: "ATS 9.2.0; backported in Fedora's 9.1.2-8",
    way_out: "upgrade to 9.2",
    workarounds: &[Workaround {
        name: "no-tickets",
        what: "no session tickets for clients",
        records: &[("proxy.config.ssl.server.session_ticket.enable", RecordType::Int, "0")],
        cost: "clients do full handshakes",
        decides: true,
    }],
    shows: Shows::Trials(Signature {
        must: &[
            Sign::Process(r"signal 11|SIGSEGV|Segmentation"),
            Sign::Any(&[
                Sign::CellLog(
                    LogFile::Output,
                    r"EVP_MAC_CTX_set_params|ssl_callback_session_ticket|processSessionTicket",
                ),
                Sign::CellLog(
                    LogFile::Diags,
                    r"EVP_MAC_CTX_set_params|ssl_callback_session_ticket|processSessionTicket",
                ),
            ]),
        ],
        ..NO_SIGNS
    }),
    provoked: Provoked::Not(
        "it needs ATS 9.1, of which matrix.yaml has none; `inbound-tls` and `inbound-h2` would meet it",
    ),
};
