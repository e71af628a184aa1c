//! The name that ATS sends and verifies when the client's Host is kept.

use crate::catalogue::known_issues::affected::ANYTHING;
use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{KnownIssue, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::{LogFile, RecordType};

/// With a pristine Host the client's name is what ATS asks the origin's certificate for.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-1344",
    title: "with pristine_host_hdr ATS verifies the origin's certificate against the client's host name",
    link: "https://github.com/apache/trafficserver/issues/1344",
    also: &["https://github.com/apache/trafficserver/issues/4023", "https://github.com/apache/trafficserver/pull/6049"],
    affected: ANYTHING,
    when: "proxy.config.url_remap.pristine_host_hdr is 1, names are verified, and sni_policy is the default",
    fixed_in: "not a bug: a setting, since ATS 9.0",
    way_out: "where the origin serves the client's host a certificate with its own name, set \
              proxy.config.ssl.client.sni_policy to verify_with_name_source; else give that certificate the client's \
              host. Set it to remap only where the origin has one virtual host for that name: httpd from 2.4.64 on \
              answers 421 otherwise (HTTPD-421)",
    workarounds: &[
        Workaround {
            name: "name-of-the-origin",
            what: "ATS sends the client's host as the server name, and verifies the name that remap.config gives",
            records: &[("proxy.config.ssl.client.sni_policy", RecordType::String, "verify_with_name_source")],
            cost: "the certificate that the origin serves for the client's host must be good for the origin's own name",
            decides: false,
        },
        Workaround {
            name: "sni-of-the-origin",
            what: "ATS sends and verifies the name that remap.config gives",
            records: &[("proxy.config.ssl.client.sni_policy", RecordType::String, "remap")],
            cost: "origins that choose by the client's host choose another certificate, and httpd from 2.4.64 on answers \
                   421 where two hosts map to one origin name, its virtual host lacks that name as an alias, or the \
                   target is an address",
            decides: false,
        },
    ],
    shows: Shows::Trials(Signature {
        must: &[
            Sign::Answer("^502 "),
            // Client hosts end in .t, origins in .test: the name that was asked for is the client's.
            Sign::Log(LogFile::Diags, r"SNI \([^)]*\.t\) not in certificate\. Action=Terminate"),
            Sign::Sni(r"\.t$"),
        ],
        // The policy is the default, and the same origin's certificate is good for its own name.
        sure: &[Sign::Unset("proxy.config.ssl.client.sni_policy"), Sign::Passes("tls-verify-enforced")],
        ..NO_SIGNS
    }),
    provoked: Provoked::By(
        &["sni-pristine-host", "sni-pristine-verified"],
        "pass where ATS refuses, which is what these settings ask for",
    ),
};
