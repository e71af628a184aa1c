//! Apache httpd as an origin with two virtual hosts.

use super::{SUBJECT, Trial, check, spec};
use crate::model::TrialSpec;

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "httpd-get",
        title: "ATS reaches Apache httpd",
        why: "the other common origin: it compares server name and Host",
        link: "https://httpd.apache.org/docs/2.4/mod/mod_ssl.html",
        spec: spec::httpd_get,
        judge: |seen| check::tls_answer_and(seen, [check::server_name(seen, Some("httpd-get.test"))]),
        ..SUBJECT
    },
    Trial {
        id: "httpd-pristine-remap-policy",
        title: "with pristine_host_hdr and sni_policy remap, httpd answers 421 where server name and Host belong to \
                different virtual hosts",
        why: "the usual fix for a 502 at other origins: from 2.4.64 on httpd refuses a request whose server name \
              belongs to another virtual host. With these settings 421 is the correct result",
        link: "https://httpd.apache.org/security/vulnerabilities_24.html",
        spec: || {
            let records = [spec::enforced(), spec::pristine("remap")].concat();
            TrialSpec { records, ..spec::httpd_get() }
        },
        judge: |seen| {
            vec![
                check::status(seen, &[421]),
                check::no_error(seen),
                check::over_tls(seen),
                check::served(seen, 1, None),
                check::server_name(seen, Some("httpd-pristine-remap-policy.test")),
            ]
        },
        ..SUBJECT
    },
    Trial {
        id: "httpd-pristine-name-source",
        title: "with pristine_host_hdr and sni_policy verify_with_name_source, ATS reaches httpd under the client's \
                host name",
        why: "the setting that works: ATS sends the Host as server name and checks the certificate against the \
              origin's name",
        link: "https://github.com/apache/trafficserver/pull/6049",
        spec: || {
            let records = [spec::enforced(), spec::pristine("verify_with_name_source")].concat();
            TrialSpec { records, ..spec::httpd_get() }
        },
        judge: |seen| check::tls_answer_and(seen, [check::server_name(seen, Some("httpd-pristine-name-source.t"))]),
        ..SUBJECT
    },
];
