//! ATS's own TLS: writes, session tickets, keys.

use crate::catalogue::known_issues::affected::ANYTHING;
use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Patched, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::{LogFile, RecordType};

pub(super) const ISSUES: &[KnownIssue] = &[
    // `load_buffer_and_write` gave 0 for `SSL_ERROR_SYSCALL`.
    KnownIssue {
        id: "ATS-9959",
        title: "ATS aborts when the other side goes away in the middle of a TLS write",
        link: "https://github.com/apache/trafficserver/pull/9959",
        also: &["https://github.com/apache/trafficserver/issues/7341"],
        affected: Affected { ats: &["<9.2.2"], openssl: Some(">=3.0"), ..ANYTHING },
        when: "a TLS connection that ends while ATS writes to it",
        fixed_in: "ATS 9.2.2",
        way_out: "upgrade to 9.2.2",
        workarounds: &[],
        shows: Shows::Trials(Signature {
            must: &[
                // In the last words of the process that served this trial.
                Sign::Process(r"UnixNetVConnection\.cc:\d+: failed assertion `r != 0`"),
                Sign::Any(&[
                    Sign::CellLog(LogFile::Output, r"UnixNetVConnection\.cc:\d+: failed assertion `r != 0`"),
                    Sign::CellLog(LogFile::Diags, r"UnixNetVConnection\.cc:\d+: failed assertion `r != 0`"),
                ]),
            ],
            may: &[Sign::NoAnswer],
            at_times: true,
            ..NO_SIGNS
        }),
        provoked: Provoked::Not(
            "`fault-reset-mid-body` and `load-200` would show it, and pass on ubuntu-22.04/9.1.1, which has OpenSSL 3",
        ),
    },
    // The ticket callback got a different context from the one it was written for.
    KnownIssue {
        id: "ATS-8978",
        title: "ATS crashes on the first TLS session ticket",
        link: "https://github.com/apache/trafficserver/issues/8978",
        also: &["https://github.com/apache/trafficserver/issues/7341"],
        affected: Affected {
            ats: &[">=9.1,<9.2"],
            openssl: Some(">=3.0"),
            patched: &[Patched {
                build: "Fedora's 9.1.2-8 and later",
                pattern: r"^trafficserver 9\.1\.[2-9]-(?:[89]|\d\d)",
            }],
            ..ANYTHING
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
            "`inbound-tls` and `inbound-h2` pass on ubuntu-22.04/9.1.1: a certificate that is found by name or by \
             address gets the right callback before the first ticket",
        ),
    },
    // The callback that asks for the passphrase was lost when loading of keys was rewritten.
    KnownIssue {
        id: "ATS-11197",
        title: "a private key with a passphrase is not loaded, whatever ssl_key_dialog says",
        link: "https://github.com/apache/trafficserver/issues/11197",
        also: &["https://github.com/apache/trafficserver/pull/11201"],
        affected: Affected { ats: &[">=9.2,<9.2.5"], ..ANYTHING },
        when: "ssl_key_dialog in ssl_multicert.config, for an encrypted key",
        fixed_in: "ATS 9.2.5 and 10.0.0",
        way_out: "upgrade to 9.2.5 or later",
        workarounds: &[Workaround {
            name: "plain-key",
            what: "the key without a passphrase, readable by ATS's user alone",
            records: &[],
            cost: "anyone who can read the disk or its backup has the key",
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
            // The front works with a key that has no passphrase.
            sure: &[Sign::Passes("inbound-tls")],
            ..NO_SIGNS
        }),
        provoked: Provoked::By(
            &["inbound-key-passphrase"],
            "fails on ubuntu-24.04/9.2.3; passes on ubuntu-22.04/9.1.1, whose loading of keys is older",
        ),
    },
];
