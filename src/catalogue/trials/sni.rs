//! The server name that ATS asks for.

use super::{SUBJECT, Trial, check, spec};
use crate::model::{Certificate, Front, OriginTls, Remap, Side, TrialSpec};

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "sni-remap-target",
        title: "ATS asks for the name of the remap target",
        why: "virtual hosts at the origin choose their certificate by this name",
        link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html\
               #proxy-config-ssl-client-sni-policy",
        spec: spec::https_get,
        judge: |seen| check::tls_answer_and(seen, [check::server_name(seen, Some("sni-remap-target.test"))]),
        ..SUBJECT
    },
    Trial {
        id: "sni-pristine-host",
        title: "with pristine_host_hdr ATS asks for the client's host, and refuses a certificate without it",
        why: "turns working origins into 502s as soon as verification is enforced: ATS 10 does by default",
        link: "https://github.com/apache/trafficserver/issues/4023",
        spec: || {
            let records = [spec::enforced(), vec![spec::pristine_host()]].concat();
            TrialSpec { records, ..spec::https_get() }
        },
        judge: |seen| {
            check::and(
                check::refused_for(seen, check::Reason::OtherName),
                [check::server_name(seen, Some("sni-pristine-host.t"))],
            )
        },
        ..SUBJECT
    },
    Trial {
        id: "sni-pristine-verified",
        title: "with pristine_host_hdr ATS verifies the host of a TLS client, and refuses a certificate without it",
        why: "the usual front of a site: TLS clients, pristine hosts, verification. With these settings 502 is the \
              correct result; to verify the origin's name, use another sni_policy",
        link: "https://github.com/apache/trafficserver/issues/1344",
        spec: || {
            let records = [spec::enforced(), vec![spec::pristine_host()]].concat();
            let client = spec::get_over(Front::Tls);
            TrialSpec { client, records, ..spec::https_get() }
        },
        judge: |seen| {
            check::and(
                check::refused_for(seen, check::Reason::OtherName),
                [check::server_name(seen, Some("sni-pristine-verified.t")), check::shown(seen, "ats")],
            )
        },
        ..SUBJECT
    },
    Trial {
        id: "sni-pristine-remap-policy",
        title: "with sni_policy remap ATS asks for the remap target despite pristine_host_hdr",
        why: "the fix for `sni-pristine-verified`",
        link: "https://github.com/apache/trafficserver/issues/1344",
        spec: || TrialSpec { records: [spec::enforced(), spec::pristine("remap")].concat(), ..spec::https_get() },
        judge: |seen| check::tls_answer_and(seen, [check::server_name(seen, Some("sni-pristine-remap-policy.test"))]),
        ..SUBJECT
    },
    Trial {
        id: "sni-none-for-address",
        title: "to an origin known by address ATS sends no server name",
        why: "an address is no server name; 10.0 sent the text None",
        link: "https://github.com/apache/trafficserver/pull/11204",
        spec: || {
            // Certificates hold names, no address: enforced verification, the default from ATS 10 on, would fail.
            TrialSpec { remap: Remap::ByAddress, records: spec::policy("PERMISSIVE"), ..spec::https_get() }
        },
        judge: |seen| check::tls_answer_and(seen, [check::server_name(seen, None)]),
        ..SUBJECT
    },
    Trial {
        id: "sni-yaml-verify",
        title: "sni.yaml enforces verification for a single origin",
        why: "how verification is introduced step by step",
        link: "https://github.com/apache/trafficserver/blob/master/tests/gold_tests/tls/tls_verify.test.py",
        spec: || {
            let tls = OriginTls { certificate: Certificate::WrongName, ..OriginTls::default() };
            let keys = [("verify_server_policy", "ENFORCED"), ("verify_server_properties", "ALL")];
            // Everywhere else ATS only warns of a wrong name, whatever the version's default is.
            let records = spec::policy("PERMISSIVE");
            TrialSpec { records, sni: vec![spec::sni(Side::Origin, &keys)], ..spec::https_get_from(tls) }
        },
        judge: |seen| check::refused_for(seen, check::Reason::OtherName),
        ..SUBJECT
    },
];
