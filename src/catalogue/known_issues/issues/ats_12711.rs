//! From records.config to records.yaml.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Patched, Provoked, Shows, Sign, Signature};
use crate::model::LogFile;

/// The script left some names as they were, and ATS 10 only notes what it does not know.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-12711",
    title: "convert2yaml leaves settings behind that ATS 10 ignores, the address it binds to among them",
    link: "https://github.com/apache/trafficserver/issues/12711",
    also: &[],
    affected: Affected {
        ats: &[">=10.0,<10.2"],
        openssl: None,
        distro: None,
        patched: &[Patched {
            build: "Fedora's 10.1.0-3 and later",
            pattern: r"^trafficserver 10\.1\.\d+-(?:[3-9]|\d\d)",
        }],
    },
    when: "a records.yaml made by convert2yaml from a records.config with proxy.local names",
    fixed_in: "ATS 10.2.0; backported in Fedora's 10.1.0-3",
    way_out: "correct records.yaml by hand: the start-up log names what was ignored",
    workarounds: &[],
    shows: Shows::Trials(Signature {
        must: &[
            Sign::Any(&[
                Sign::CellLog(LogFile::Diags, r"Ignoring field .*(?:incoming|outgoing)_ip_to_bind.*Not registered"),
                Sign::CellLog(LogFile::Output, r"Ignoring field .*(?:incoming|outgoing)_ip_to_bind.*Not registered"),
            ]),
            Sign::Any(&[Sign::NoAnswer, Sign::Process("")]),
        ],
        may: &[Sign::NotReached],
        // It listens where it is asked.
        unless: &[Sign::Elsewhere("tls*", &Sign::Answer("^200 "))],
        ..NO_SIGNS
    }),
    provoked: Provoked::Not(
        "the agent writes records.yaml itself, not with convert2yaml, and ATS 10 cannot be had here",
    ),
};
