//! Settings that differ between versions of ATS: names, verification, conversion.

use crate::catalogue::known_issues::affected::ANYTHING;
use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Patched, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::{LogFile, RecordType};

pub(super) const ISSUES: &[KnownIssue] = &[
    // With a pristine Host the client's name is what ATS asks the origin's certificate for.
    KnownIssue {
        id: "ATS-1344",
        title: "with pristine_host_hdr ATS verifies the origin's certificate against the client's host name",
        link: "https://github.com/apache/trafficserver/issues/1344",
        also: &[
            "https://github.com/apache/trafficserver/issues/4023",
            "https://github.com/apache/trafficserver/pull/6049",
        ],
        affected: ANYTHING,
        when: "proxy.config.url_remap.pristine_host_hdr is 1, names are verified, and sni_policy is the default",
        fixed_in: "not a bug: a setting, since ATS 9.0",
        way_out: "where the origin serves the client's host a certificate with its own name, set \
                  proxy.config.ssl.client.sni_policy to verify_with_name_source; else give that certificate the \
                  client's host. Set it to remap only where the origin has one virtual host for that name: httpd from \
                  2.4.64 on answers 421 otherwise (HTTPD-421)",
        workarounds: &[
            Workaround {
                name: "name-of-the-origin",
                what: "ATS sends the client's host as the server name, and verifies the name that remap.config gives",
                records: &[("proxy.config.ssl.client.sni_policy", RecordType::String, "verify_with_name_source")],
                cost: "the certificate that the origin serves for the client's host must be good for the origin's own \
                       name",
                decides: false,
            },
            Workaround {
                name: "sni-of-the-origin",
                what: "ATS sends and verifies the name that remap.config gives",
                records: &[("proxy.config.ssl.client.sni_policy", RecordType::String, "remap")],
                cost: "origins that choose by the client's host choose another certificate, and httpd from 2.4.64 on \
                       answers 421 where two hosts map to one origin name, its virtual host lacks that name as an \
                       alias, or the target is an address",
                decides: false,
            },
        ],
        shows: Shows::Trials(Signature {
            must: &[
                Sign::Answer("^502 "),
                // Client hosts end in .t, origins in .test: ATS asked for the client's name.
                Sign::Log(LogFile::Diags, r"SNI \([^)]*\.t\) not in certificate\. Action=Terminate"),
                Sign::Sni(r"\.t$"),
            ],
            // The policy is the default, and the same origin's certificate is valid for its own name.
            sure: &[Sign::Unset("proxy.config.ssl.client.sni_policy"), Sign::Passes("tls-verify-enforced")],
            ..NO_SIGNS
        }),
        provoked: Provoked::Withstood(
            &["sni-pristine-host", "sni-pristine-verified"],
            "pass where ATS refuses, as these settings require",
        ),
    },
    // From 2.4.64 on httpd refuses a request whose Host leads to another virtual host than its handshake did.
    KnownIssue {
        id: "HTTPD-421",
        title: "httpd from 2.4.64 on answers 421 where the server name and the Host lead to different virtual hosts",
        link: "https://httpd.apache.org/security/vulnerabilities_24.html#CVE-2025-23048",
        also: &["https://github.com/haproxy/haproxy/issues/3081", "https://github.com/caddyserver/caddy/issues/7134"],
        affected: ANYTHING,
        when: "pristine_host_hdr with sni_policy remap, where two hosts map to one origin name, the virtual host \
               lacks that name as an alias, or the target is an address",
        fixed_in: "not a bug: httpd 2.4.64 fixed CVE-2025-23048",
        way_out: "let ATS send the client's host as the server name and verify the origin's own name (sni_policy \
                  verify_with_name_source), or give httpd's virtual hosts the origin's name as ServerAlias",
        workarounds: &[Workaround {
            name: "client-sni",
            what: "ATS sends the client's host as the server name and verifies the name that remap.config gives",
            records: &[("proxy.config.ssl.client.sni_policy", RecordType::String, "verify_with_name_source")],
            cost: "the certificate that httpd serves for the client's host must be good for the origin's name",
            decides: false,
        }],
        shows: Shows::Trials(Signature {
            must: &[Sign::Answer("^421 "), Sign::Sni(r"\.test$")],
            // With the default policy the server name is the Host, so the two agree.
            unless: &[Sign::Unset("proxy.config.ssl.client.sni_policy")],
            ..NO_SIGNS
        }),
        provoked: Provoked::Withstood(
            &["httpd-pristine-remap-policy"],
            "passes where httpd answers 421, and `httpd-pristine-name-source` where it does not",
        ),
    },
    // In 8.0 the value 1 warned and 2 refused; documentation and 8.1 have it the other way round.
    KnownIssue {
        id: "ATS-4865",
        title: "verify.server 1 only warns and 2 refuses: the two are swapped",
        link: "https://github.com/apache/trafficserver/issues/4865",
        also: &[],
        affected: Affected { ats: &[">=8.0,<8.1"], ..ANYTHING },
        when: "proxy.config.ssl.client.verify.server is 1 or 2",
        fixed_in: "ATS 8.1.0",
        way_out: "upgrade to 8.1, and swap the value back",
        workarounds: &[Workaround {
            name: "other-value",
            what: "the value that refuses in 8.0",
            records: &[("proxy.config.ssl.client.verify.server", RecordType::Int, "2")],
            cost: "the same value only warns once ATS is upgraded: the setting must be changed with it",
            decides: true,
        }],
        shows: Shows::Trials(Signature {
            among: &["refuse-*"],
            must: &[
                Sign::Answer("^200 "),
                Sign::Log(LogFile::Diags, r"certificate verification failed .*Action=Continue"),
            ],
            may: &[Sign::Served(1)],
            // Another setting, which this ATS does not know, asked for verification.
            not: &[Sign::CellLog(
                LogFile::Diags,
                r"Unrecognized configuration value 'proxy\.config\.ssl\.client\.verify",
            )],
            ..NO_SIGNS
        }),
        provoked: Provoked::Unseen(
            &["refuse-expired", "refuse-untrusted-ca"],
            "fail on ATS 8.0, of which matrix.yaml has none: Debian's mirrors no longer have it",
        ),
    },
    // ATS 8 only warns of the keys it does not know, and its default is not to verify.
    KnownIssue {
        id: "ATS-VERIFY-KEY",
        title: "ATS 8 does not know verify.server.policy, and so accepts every certificate of an origin",
        link: "https://docs.trafficserver.apache.org/en/8.1.x/admin-guide/files/records.config.en.html",
        also: &[],
        affected: Affected { ats: &["<9.0"], ..ANYTHING },
        when: "a records.config written for ATS 9",
        fixed_in: "not a bug: the setting is new in ATS 9.0",
        way_out: "set proxy.config.ssl.client.verify.server to 1 where ATS 8 runs",
        workarounds: &[Workaround {
            name: "verify-as-in-8",
            what: "the setting that ATS 8 knows",
            records: &[("proxy.config.ssl.client.verify.server", RecordType::Int, "1")],
            cost: "origins with bad certificates are refused, as intended",
            decides: true,
        }],
        shows: Shows::Trials(Signature {
            among: &["refuse-*"],
            must: &[
                Sign::Answer("^200 "),
                Sign::CellLog(
                    LogFile::Diags,
                    r"Unrecognized configuration value 'proxy\.config\.ssl\.client\.verify\.server\.p",
                ),
            ],
            may: &[Sign::Served(1)],
            // It verified and continued.
            not: &[Sign::Log(LogFile::Diags, r"verification failed|not in certificate")],
            ..NO_SIGNS
        }),
        provoked: Provoked::Not(
            "trials write the setting that each ATS knows, and an unknown one makes them errors; `verify-integer-key` \
             shows the opposite case",
        ),
    },
    // ATS 9 warns once of the key that it no longer knows, and uses its default, PERMISSIVE.
    KnownIssue {
        id: "ATS-VERIFY-INT",
        title: "ATS 9 no longer knows verify.server, and so accepts every certificate of an origin",
        link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html",
        also: &["https://docs.trafficserver.apache.org/en/8.1.x/admin-guide/files/records.config.en.html"],
        affected: Affected { ats: &[">=9.0,<10.0"], ..ANYTHING },
        when: "proxy.config.ssl.client.verify.server 1 or 2 in a records.config that was written for ATS 8",
        fixed_in: "not a bug: ATS 9.0 removed the setting; the default of ATS 10 refuses",
        way_out: "set proxy.config.ssl.client.verify.server.policy to ENFORCED, and .properties to ALL, before ATS 9 \
                  starts",
        workarounds: &[Workaround {
            name: "verify-as-in-9",
            what: "the settings that ATS 9 knows",
            records: &[
                ("proxy.config.ssl.client.verify.server.policy", RecordType::String, "ENFORCED"),
                ("proxy.config.ssl.client.verify.server.properties", RecordType::String, "ALL"),
            ],
            cost: "origins with bad certificates are refused, as intended",
            decides: true,
        }],
        shows: Shows::Trials(Signature {
            among: &["verify-integer-key"],
            must: &[
                Sign::Answer("^200 "),
                Sign::CellLog(
                    LogFile::Diags,
                    r"Unrecognized configuration value 'proxy\.config\.ssl\.client\.verify\.server'",
                ),
            ],
            may: &[Sign::Served(1)],
            ..NO_SIGNS
        }),
        provoked: Provoked::By(&["verify-integer-key"], "fails on every cell with ATS 9"),
    },
    // Before, origins of a private CA worked because ATS did not verify them.
    KnownIssue {
        id: "ATS-7587",
        title: "ATS 10 verifies origins' certificates by default: those of a private CA turn 502 with the upgrade",
        link: "https://github.com/apache/trafficserver/pull/7587",
        also: &["https://github.com/apache/trafficserver/pull/7636"],
        affected: Affected { ats: &[">=10.0"], ..ANYTHING },
        when: "the upgrade from ATS 9, whose default is PERMISSIVE, with origins whose CA ATS does not know",
        fixed_in: "by design",
        way_out: "give ATS the CA (proxy.config.ssl.client.CA.cert.filename)",
        workarounds: &[Workaround {
            name: "permissive",
            what: "the default of ATS 9: warn and continue",
            records: &[("proxy.config.ssl.client.verify.server.policy", RecordType::String, "PERMISSIVE")],
            cost: "origins are not verified: anyone on the path can read and change everything",
            decides: false,
        }],
        shows: Shows::Trials(Signature {
            must: &[
                Sign::Answer("^502 "),
                Sign::Log(
                    LogFile::Diags,
                    r"Core server certificate verification failed .*Action=Terminate .*(?:unable to get|self.signed)",
                ),
            ],
            may: &[Sign::OriginError("(?i)alert")],
            // No setting asks for verification, and the chain ends in a root that ATS does not know. An issuer that is
            // missing at the leaf may also be an intermediate certificate that the origin does not send.
            sure: &[
                Sign::Unset("proxy.config.ssl.client.verify.server.policy"),
                Sign::Log(LogFile::Diags, r"Error=self.signed certificate|Error=unable to get .*depth=[1-9]"),
            ],
            ..NO_SIGNS
        }),
        provoked: Provoked::Not(
            "it needs ATS 10, which only Fedora's rows could run: their registry is not reachable here; \
             `verify-integer-key` would show it",
        ),
    },
    // The script left some names as they were, and ATS 10 only notes what it does not know.
    KnownIssue {
        id: "ATS-12711",
        title: "convert2yaml writes settings that ATS 10 ignores, among them the address it binds to",
        link: "https://github.com/apache/trafficserver/issues/12711",
        also: &[],
        affected: Affected {
            ats: &[">=10.0,<10.2"],
            patched: &[Patched {
                build: "Fedora's 10.1.0-3 and later",
                pattern: r"^trafficserver 10\.1\.\d+-(?:[3-9]|\d\d)",
            }],
            ..ANYTHING
        },
        when: "a records.yaml made by convert2yaml from a records.config with proxy.local names",
        fixed_in: "ATS 10.2.0; backported in Fedora's 10.1.0-3",
        way_out: "correct records.yaml by hand: the start-up log names what was ignored",
        workarounds: &[],
        shows: Shows::Trials(Signature {
            must: &[
                Sign::Any(&[
                    Sign::CellLog(LogFile::Diags, r"Ignoring field .*(?:incoming|outgoing)_ip_to_bind.*Not registered"),
                    Sign::CellLog(
                        LogFile::Output,
                        r"Ignoring field .*(?:incoming|outgoing)_ip_to_bind.*Not registered",
                    ),
                ]),
                Sign::Any(&[Sign::NoAnswer, Sign::Process("")]),
            ],
            may: &[Sign::NotReached],
            // It listens on the requested address.
            unless: &[Sign::Elsewhere("tls*", &Sign::Answer("^200 "))],
            ..NO_SIGNS
        }),
        provoked: Provoked::Not(
            "the agent writes records.yaml itself, not with convert2yaml, and ATS 10 is not available here",
        ),
    },
];
