use std::sync::Arc;

use proptest::prelude::*;
use rustls::pki_types::ServerName;

use super::*;

/// `openssl s_client -servername tls-get.test -alpn h2,http/1.1` of OpenSSL 3.0.19.
const OPENSSL_3_0: &[&str] = &[
    "160301014b010001470303eafe37b729154b70383d1b2c696bb880a8046cbffa847ff616fc34163a80005920d7ae7d29fcd3",
    "27d7d08972b0f35edbbc7e0579b14bcbe4b2313a194fa4ec3453003e130213031301c02cc030009fcca9cca8ccaac02bc02f",
    "009ec024c028006bc023c0270067c00ac0140039c009c0130033009d009c003d003c0035002f00ff010000c000000011000f",
    "00000c746c732d6765742e74657374000b000403000102000a00160014001d0017001e001900180100010101020103010400",
    "2300000010000e000c02683208687474702f312e310016000000170000000d002a0028040305030603080708080809080a08",
    "0b080408050806040105010601030303010302040205020602002b0009080304030303020301002d00020101003300260024",
    "001d0020dfb2c25a9d32bb0073291f56199585fd9124c2a7707c339a6c43da0d33a1426f",
];

/// `openssl s_client -tls1_2 -noservername -cipher ECDHE-RSA-AES128-GCM-SHA256` of OpenSSL 3.0.19.
const OPENSSL_TLS12: &[&str] = &[
    "16030100830100007f0303126ffd67be847364483c5be01e38d6520306f8227609392ffd973eae208174f1000004c02f00ff",
    "01000052000b000403000102000a000c000a001d0017001e00190018002300000016000000170000000d002a002804030503",
    "0603080708080809080a080b080408050806040105010601030303010302040205020602",
];

fn bytes(hex: &[&str]) -> Vec<u8> {
    let hex = hex.concat();
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

/// A first flight with one ClientHello.
pub(in crate::wire) fn sample() -> Vec<u8> {
    bytes(OPENSSL_3_0)
}

fn parse(bytes: &[u8]) -> State {
    HelloParser::new().push(bytes).clone()
}

fn hello(bytes: &[u8]) -> Hello {
    match parse(bytes) {
        State::Hello(hello) => hello,
        other => panic!("{other:?}"),
    }
}

/// Cuts the message in `flight` into records of `size` bytes each.
fn in_records_of(size: usize, flight: &[u8]) -> Vec<u8> {
    let record = |part: &[u8]| {
        let len = u16::try_from(part.len()).unwrap().to_be_bytes();
        [&[22, 3, 1, len[0], len[1]], part].concat()
    };
    flight[5..].chunks(size).flat_map(record).collect()
}

#[test]
fn a_hello_of_openssl_3_0_is_parsed() {
    let hello = hello(&bytes(OPENSSL_3_0));
    assert_eq!(hello.len, 331);
    assert_eq!(hello.versions, ["TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1.0"]);
    assert_eq!(hello.sni.as_deref(), Some("tls-get.test"));
    assert_eq!(hello.alpn, ["h2", "http/1.1"]);
    assert_eq!(hello.key_shares, ["x25519"]);
    assert_eq!(hello.groups[..5], ["x25519", "secp256r1", "x448", "secp521r1", "secp384r1"]);
    assert_eq!(hello.groups[5], "ffdhe2048");
    assert_eq!(hello.suites[..3], ["1302", "1303", "1301"]);
    assert_eq!(hello.extensions[..3], ["server_name", "ec_point_formats", "supported_groups"]);
    assert_eq!(hello.extensions.last().map(String::as_str), Some("key_share"));
    assert_eq!(hello.signatures[..2], ["ecdsa_secp256r1_sha256", "ecdsa_secp384r1_sha384"]);
    assert_eq!(hello.signatures.len(), 20);
    assert!(!hello.resuming, "the session id of a TLS 1.3 client is noise");
}

#[test]
fn a_hello_without_supported_versions_offers_its_legacy_version() {
    let hello = hello(&bytes(OPENSSL_TLS12));
    assert_eq!(hello.versions, ["TLSv1.2"]);
    assert_eq!(hello.suites, ["c02f", "00ff"]);
    assert_eq!((hello.sni, hello.alpn.len(), hello.key_shares.len()), (None, 0, 0));
    assert!(!hello.resuming, "an empty ticket asks for one");
}

#[test]
fn a_hello_of_rustls_is_parsed_with_its_post_quantum_share() {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.kx_groups.sort_by_key(|group| group.name() != rustls::NamedGroup::X25519MLKEM768);
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = ServerName::try_from("pq.test").unwrap();
    let mut client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut flight = Vec::new();
    client.write_tls(&mut flight).unwrap();

    let hello = hello(&flight);
    assert_eq!(usize::try_from(hello.len).unwrap() + 5, flight.len());
    assert_eq!(hello.versions, ["TLSv1.3", "TLSv1.2"]);
    assert_eq!(hello.sni.as_deref(), Some("pq.test"));
    assert_eq!(hello.alpn, ["http/1.1"]);
    assert_eq!(hello.key_shares, ["X25519MLKEM768", "x25519"]);
    assert_eq!(hello.groups[..2], ["X25519MLKEM768", "x25519"]);
}

#[test]
fn grease_is_left_out_everywhere() {
    let extension = |kind: u16, data: &[u8]| {
        [&kind.to_be_bytes()[..], &u16::try_from(data.len()).unwrap().to_be_bytes(), data].concat()
    };
    let extensions = [
        extension(0x1a1a, &[]),
        extension(43, &[4, 0x2a, 0x2a, 3, 4]),
        extension(10, &[0, 4, 0x3a, 0x3a, 0x11, 0xec]),
        extension(51, &[0, 10, 0x4a, 0x4a, 0, 1, 0, 0, 0x1d, 0, 1, 9]),
        extension(16, &[0, 6, 2, 0x5a, 0x5a, 2, b'h', b'2']),
    ]
    .concat();
    let mut body = [&[3, 3][..], &[7; 32], &[0], &[0, 4, 0x6a, 0x6a, 0x13, 1], &[1, 0]].concat();
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let hello = read_hello(&body).unwrap();
    assert_eq!((hello.versions, hello.groups), (vec!["TLSv1.3".to_owned()], vec!["X25519MLKEM768".to_owned()]));
    assert_eq!((hello.key_shares, hello.alpn), (vec!["x25519".to_owned()], vec!["h2".to_owned()]));
    assert_eq!(hello.suites, ["1301"]);
    assert_eq!(hello.extensions.len(), 4, "{:?}", hello.extensions);
}

#[test]
fn tickets_keys_and_old_session_ids_mean_resuming() {
    let with = |session_id: &[u8], extension: &[u8]| {
        let id_len = u8::try_from(session_id.len()).unwrap();
        let ext_len = u16::try_from(extension.len()).unwrap().to_be_bytes();
        let body = [&[3, 3][..], &[7; 32], &[id_len], session_id, &[0, 2, 0x13, 1, 1, 0], &ext_len, extension].concat();
        read_hello(&body).unwrap().resuming
    };
    assert!(with(&[], &[0, 35, 0, 1, 9]) && with(&[], &[0, 41, 0, 0]) && with(&[1], &[]));
    assert!(!with(&[], &[0, 35, 0, 0]) && !with(&[1], &[0, 43, 0, 3, 2, 3, 4]));
}

#[test]
fn a_hello_may_span_many_records() {
    let flight = bytes(OPENSSL_3_0);
    for size in [1, 3, 100, 330] {
        assert_eq!(parse(&in_records_of(size, &flight)), parse(&flight), "{size}");
    }
}

#[test]
fn bytes_that_are_not_tls_are_described() {
    let what = |bytes: &[u8]| match parse(bytes) {
        State::NotTls(what) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(what(b"GET / HTTP/1.1\r\n\r\n"), "plain text, starting with `GET /`");
    assert_eq!(what(&[21, 3, 3, 0, 2, 2, 80]), "a TLS alert");
    assert_eq!(what(&[0x80, 46, 1, 3, 1, 0]), "an SSLv2 hello");
    assert_eq!(what(&[0, 1, 2, 3, 4]), "bytes that are not TLS, starting with [00, 01, 02, 03, 04]");
    assert_eq!(what(&[22, 3, 1, 0, 0]), "a TLS handshake record of 0 bytes, which RFC 8446 forbids");
    assert_eq!(what(&[22, 3, 1, 0, 4, 2, 0, 0, 0]), "a TLS handshake message of type 2 in place of a ClientHello");
    assert_eq!(what(&[22, 3, 1, 0, 4, 1, 1, 0, 0]), "a ClientHello of 65536 bytes, more than is parsed");
    assert_eq!(what(&[22, 3, 1, 0, 5, 1, 0, 0, 1, 3]), "a malformed ClientHello of 1 bytes");
    let mut cut = bytes(OPENSSL_3_0)[..100].to_vec();
    cut[4] = 95;
    cut[3] = 0;
    cut.extend([21, 3, 3, 0, 2, 2, 80]);
    assert_eq!(what(&cut), "a TLS alert in the middle of a ClientHello");
    assert_eq!(parse(&[]), State::NeedMore);
    assert_eq!(parse(&bytes(OPENSSL_3_0)[..335]), State::NeedMore);
}

#[test]
fn names_from_the_wire_are_escaped_and_bounded() {
    let flight = bytes(OPENSSL_3_0);
    let at = flight.windows(4).position(|w| w == b"tls-").unwrap();
    let mut hostile = flight;
    hostile[at..at + 4].copy_from_slice(b"\x1b[2J");
    assert_eq!(hello(&hostile).sni.as_deref(), Some("\\x1b[2Jget.test"));
    assert_eq!(printable(&[b'a'; 1000]).len(), MAX_NAME);
}

/// Streams that get past the record header often enough to be interesting.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let real = bytes(OPENSSL_3_0);
    let damaged = (any::<prop::sample::Index>(), any::<u8>(), 1usize..400).prop_map(move |(at, value, size)| {
        let mut flight = in_records_of(size, &real);
        let at = at.index(flight.len());
        flight[at] = value;
        flight
    });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..300), damaged]
}

proptest! {
    #[test]
    fn how_a_stream_is_cut_changes_nothing(stream in streams(), cuts in prop::collection::vec(1usize..50, 0..40)) {
        let mut parser = HelloParser::new();
        let mut rest = stream.as_slice();
        for cut in cuts {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            parser.push(piece);
            rest = after;
        }
        prop_assert_eq!(parser.push(rest), &parse(&stream));
    }

    #[test]
    fn memory_is_bounded_whatever_comes(pieces in prop::collection::vec((1usize..16384, any::<u8>()), 1..12)) {
        let mut parser = HelloParser::new();
        parser.push(&[22, 3, 1, 0, 4, 1, 0, 0xff, 0xfc]);
        for (len, fill) in pieces {
            let size = u16::try_from(len).unwrap().to_be_bytes();
            parser.push(&[22, 3, 1, size[0], size[1]]);
            parser.push(&vec![fill; len]);
            prop_assert!(parser.message.len() <= MAX_HELLO + MAX_RECORD);
        }
    }
}
