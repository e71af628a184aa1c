//! httpd, which holds the server name against the Host.

use crate::catalogue::known_issues::affected::ANYTHING;
use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{KnownIssue, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::RecordType;

/// From 2.4.64 on httpd refuses a request whose Host leads to another virtual host than its handshake did.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "HTTPD-421",
    title: "httpd from 2.4.64 on answers 421 where the server name and the Host lead to different virtual hosts",
    link: "https://httpd.apache.org/security/vulnerabilities_24.html#CVE-2025-23048",
    also: &["https://github.com/haproxy/haproxy/issues/3081", "https://github.com/caddyserver/caddy/issues/7134"],
    affected: ANYTHING,
    when: "pristine_host_hdr with sni_policy remap, where two hosts map to one origin name, the virtual host lacks that \
           name as an alias, or the target is an address",
    fixed_in: "not a bug: httpd 2.4.64 mended CVE-2025-23048",
    way_out: "let ATS ask for the client's host and verify the origin's own name (sni_policy verify_with_name_source), \
              or give httpd's virtual hosts the origin's name as ServerAlias",
    workarounds: &[Workaround {
        name: "client-sni",
        what: "ATS sends the client's host as the server name and verifies the name that remap.config gives",
        records: &[("proxy.config.ssl.client.sni_policy", RecordType::String, "verify_with_name_source")],
        cost: "the certificate that httpd serves for the client's host must be good for the origin's name",
        decides: false,
    }],
    shows: Shows::Trials(Signature {
        must: &[Sign::Answer("^421 "), Sign::Sni(r"\.test$")],
        // Without another policy the server name follows the Host, and the two agree.
        unless: &[Sign::Unset("proxy.config.ssl.client.sni_policy")],
        ..NO_SIGNS
    }),
    provoked: Provoked::By(
        &["httpd-pristine-remap-policy"],
        "passes where httpd answers 421, and `httpd-pristine-name-source` where it does not",
    ),
};
