//! Key exchange groups, and how large they make the ClientHello.

use super::check::{self, Check};
use super::{Need, SUBJECT, Trial, spec};
use crate::model::{Hello, Observation, OriginTls, TlsVersion, TrialSpec};

// Groups of origins, by their names in rustls.
const X25519: &str = "X25519";
const P256: &str = "secp256r1";
/// The group whose key share makes the ClientHello of OpenSSL 3.5 grow.
const HYBRID: &str = "X25519MLKEM768";

/// Bytes of a ClientHello that fits one Ethernet segment with the headers of TLS.
const SMALL_HELLO: u32 = 1400;

/// The trial whose first ClientHello is recorded for a cell: it offers all that ATS offers by default, to a name that
/// is the same in every cell, and to an origin with which ATS has no session.
pub(super) const SIZED_BY: &str = "pq-intolerant-origin";

fn hello_size(hello: &Hello) -> String {
    format!("a ClientHello of {} bytes on the wire", check::on_the_wire(hello))
}

fn fits_one_segment(seen: &Observation) -> Check {
    let expected = format!("a ClientHello of at most {} bytes on the wire", check::SEGMENT);
    check::hello(seen, expected, |hello| check::on_the_wire(hello) <= check::SEGMENT, hello_size)
}

/// Either result is right, as long as it is the right one for the size of the ClientHello.
fn refused_only_if_too_large(seen: &Observation) -> Vec<Check> {
    if check::first_hello(seen).is_none_or(|hello| check::on_the_wire(hello) <= check::SEGMENT) {
        return check::tls_answer_and(seen, [fits_one_segment(seen)]);
    }
    let shared = |hello: &Hello| hello.key_shares.iter().any(|group| group == HYBRID);
    let expected = format!("a ClientHello that a key share of {HYBRID} makes large");
    check::and(check::refused(seen), [check::reset_by_origin(seen), check::hello(seen, expected, shared, hello_size)])
}

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "group-x25519",
        title: "ATS agrees on the group X25519",
        why: "the default group of OpenSSL since 1.1.1",
        link: "https://www.rfc-editor.org/rfc/rfc7748",
        spec: || spec::https_get_from(OriginTls { groups: vec![X25519.into()], ..OriginTls::default() }),
        judge: |seen| check::tls_answer_and(seen, [check::over_group(seen, X25519)]),
        ..SUBJECT
    },
    Trial {
        id: "group-p256-retry",
        title: "ATS agrees on P-256 with an origin that supports nothing newer",
        why: "the key share is for another group, so the origin asks again (HelloRetryRequest): a second ClientHello \
              on the same connection",
        link: "https://www.rfc-editor.org/rfc/rfc8446#section-4.1.4",
        spec: || spec::https_get_from(OriginTls { groups: vec![P256.into()], ..spec::only(TlsVersion::Tls13) }),
        judge: |seen| {
            check::tls_answer_and(
                seen,
                [
                    check::over_group(seen, P256),
                    // With a share of it the origin would not have to ask again.
                    check::hello(
                        seen,
                        format!("a first ClientHello without a key share of {P256}"),
                        |hello| !hello.key_shares.iter().any(|share| share == P256),
                        |hello| format!("a first ClientHello with key shares of {}", hello.key_shares.join(", ")),
                    ),
                ],
            )
        },
        ..SUBJECT
    },
    Trial {
        id: "group-x25519mlkem768",
        title: "ATS agrees on the post-quantum group X25519MLKEM768",
        why: "the default of OpenSSL since 3.5: its ClientHello takes two segments, which old peers and middleboxes \
              drop",
        link: "https://github.com/openssl/openssl/pull/26801",
        needs: &[Need::OpenSsl(">=3.5", "OpenSSL has X25519MLKEM768 from 3.5 on")],
        spec: || spec::https_get_from(OriginTls { groups: vec![HYBRID.into()], ..spec::only(TlsVersion::Tls13) }),
        judge: |seen| {
            check::tls_answer_and(
                seen,
                [
                    check::over_group(seen, HYBRID),
                    // Its size stands for two segments. The capture cannot count them: the kernel hands such a write
                    // to the container's interface in one piece.
                    check::hello(
                        seen,
                        format!("a ClientHello of more than {} bytes", check::SEGMENT),
                        |hello| hello.len > check::SEGMENT,
                        |hello| {
                            let more = if hello.len > check::SEGMENT { "more than" } else { "at most" };
                            format!("a ClientHello of {more} {} bytes", check::SEGMENT)
                        },
                    ),
                ],
            )
        },
        ..SUBJECT
    },
    Trial {
        id: "group-list-small-hello",
        title: "with a list of groups ATS sends a ClientHello that fits one segment",
        why: "the workaround for peers that drop the large ClientHellos of OpenSSL 3.5: ssl.client.groups_list",
        link: "https://github.com/openssl/openssl/issues/27557",
        spec: || TrialSpec { records: vec![spec::string("ssl.client.groups_list", "P-256")], ..spec::https_get() },
        judge: |seen| {
            check::tls_answer_and(
                seen,
                [
                    check::over_group(seen, P256),
                    check::hello(
                        seen,
                        format!("a ClientHello of at most {SMALL_HELLO} bytes"),
                        |hello| hello.len <= SMALL_HELLO,
                        |hello| format!("a ClientHello of {} bytes", hello.len),
                    ),
                ],
            )
        },
        ..SUBJECT
    },
    Trial {
        id: SIZED_BY,
        title: "an origin that drops ClientHellos of two segments answers one that fits; for a larger one the client \
                gets a 502",
        why: "with OpenSSL 3.5 the ClientHello grew from 517 to about 1,600 bytes, which old peers and middleboxes \
              drop: the most common failure when moving from Debian 12 to 13. ATS is not at fault, so either result \
              is right as long as a post-quantum key share makes the ClientHello large; its size is recorded with \
              what ran (`ClientHello`), where diff and gate show the change",
        link: "https://github.com/openssl/openssl/issues/27557",
        spec: || spec::https_get_from(OriginTls { largest_hello: Some(check::SEGMENT), ..OriginTls::default() }),
        judge: refused_only_if_too_large,
        ..SUBJECT
    },
    Trial {
        id: "pq-intolerant-groups-list",
        title: "with a list of classic groups ATS reaches an origin that drops ClientHellos of two segments",
        why: "the workaround for `pq-intolerant-origin`, with any OpenSSL: ssl.client.groups_list",
        link: "https://github.com/openssl/openssl/issues/27557",
        spec: || {
            let tls = OriginTls { largest_hello: Some(check::SEGMENT), ..OriginTls::default() };
            TrialSpec {
                records: vec![spec::string("ssl.client.groups_list", "P-256:X25519")],
                ..spec::https_get_from(tls)
            }
        },
        judge: |seen| check::tls_answer_and(seen, [fits_one_segment(seen)]),
        ..SUBJECT
    },
];
