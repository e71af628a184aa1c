//! Short ways to write the specs of the catalogue.

use crate::model::{
    Act, Certificate, ClientSpec, Front, OriginSpec, OriginTls, Place, Record, RecordType, Remap, RequestSpec, Route,
    Side, SniRule, Speak, Step, TlsVersion, TrialSpec,
};

/// Response length of trials that are not about length: larger than one TLS record needs to be, so
/// that the body is read and checked, smaller than a segment.
pub(super) const BODY: u64 = 1000;

/// How long a trial may take unless it says otherwise, milliseconds. ATS answers in a few; its
/// connect timeout in our baseline is 4 s.
const DEADLINE_MS: u64 = 10_000;

/// One GET through ATS to a TLS origin on another host.
pub(super) fn https_get() -> TrialSpec {
    TrialSpec {
        route: Route::Ats,
        place: Place::Remote,
        origin: https(OriginTls::default()),
        client: requests(vec![get()]),
        records: Vec::new(),
        remap: Remap::ByName,
        sni: Vec::new(),
        may_not_know: Vec::new(),
        locked_key: false,
        bare_openssl: false,
        timed: false,
        alone: false,
        deadline_ms: DEADLINE_MS,
    }
}

/// The same to an origin that speaks TLS in its own way.
pub(super) fn https_get_from(tls: OriginTls) -> TrialSpec {
    TrialSpec { origin: https(tls), ..https_get() }
}

/// The same to an origin with this certificate, verification being enforced.
pub(super) fn verified_get_from(certificate: Certificate) -> TrialSpec {
    let tls = OriginTls { certificate, ..OriginTls::default() };
    TrialSpec { records: enforced(), ..https_get_from(tls) }
}

/// A TLS origin that answers requests.
pub(super) fn https(tls: OriginTls) -> OriginSpec {
    OriginSpec { https: true, tls: Some(tls), speak: Speak::Http { body_len: BODY } }
}

/// A plain HTTP origin that answers requests.
pub(super) fn plain() -> OriginSpec {
    OriginSpec { https: false, tls: None, speak: Speak::Http { body_len: BODY } }
}

/// One GET through ATS to Apache httpd.
pub(super) fn httpd_get() -> TrialSpec {
    let origin = OriginSpec { https: true, tls: None, speak: Speak::Httpd { body_len: BODY } };
    TrialSpec { place: Place::Httpd, origin, ..https_get() }
}

/// The client's Host reaches the origin, and this policy says which server name goes with it.
pub(super) fn pristine(sni_policy: &str) -> Vec<Record> {
    vec![int("url_remap.pristine_host_hdr", 1), string("ssl.client.sni_policy", sni_policy)]
}

/// One GET through ATS to an nginx with these directives.
pub(super) fn nginx_get(directives: &[&str]) -> TrialSpec {
    let directives = directives.iter().map(ToString::to_string).collect();
    let origin = OriginSpec { https: true, tls: None, speak: Speak::Nginx { body_len: BODY, directives } };
    TrialSpec { place: Place::Nginx, origin, ..https_get() }
}

/// One GET through ATS to the distro's own `openssl s_server` with these arguments.
pub(super) fn openssl_get(args: &str) -> TrialSpec {
    weak_get(args, (2048, ""))
}

/// The same, under a certificate with an RSA key of so many bits, signed with these arguments.
pub(super) fn weak_get(args: &str, (rsa_bits, sign): (u32, &str)) -> TrialSpec {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    let speak = Speak::Openssl { args: words(args), rsa_bits, sign: words(sign) };
    TrialSpec { place: Place::SameHost, origin: OriginSpec { https: true, tls: None, speak }, ..https_get() }
}

/// All that OpenSSL can do towards origins, however weak.
pub(super) fn level_0() -> Record {
    string("ssl.client.cipher_suite", "ALL:@SECLEVEL=0")
}

/// ATS has a client certificate for all origins.
pub(super) fn client_certificate() -> Vec<Record> {
    vec![
        string("ssl.client.cert.path", "{dir}"),
        string("ssl.client.cert.filename", "client.pem"),
        string("ssl.client.private_key.path", "{dir}"),
        string("ssl.client.private_key.filename", "client.key"),
    ]
}

/// A TLS origin that plays these scripts over TLS, one a connection.
pub(super) fn scripted(scripts: Vec<Vec<Step>>) -> OriginSpec {
    OriginSpec { https: true, tls: Some(OriginTls::default()), speak: Speak::Script(scripts) }
}

/// An origin that ATS takes for a TLS origin, and that plays this script over bare TCP.
pub(super) fn raw(script: Vec<Step>) -> OriginSpec {
    OriginSpec { https: true, tls: None, speak: Speak::Script(vec![script]) }
}

/// An origin that accepts these versions.
pub(super) fn versions(versions: &[TlsVersion]) -> OriginTls {
    OriginTls { versions: versions.to_vec(), ..OriginTls::default() }
}

/// A client that sends these over plain HTTP.
pub(super) fn requests(requests: Vec<RequestSpec>) -> ClientSpec {
    ClientSpec { front: Front::Http, act: Act::Requests(requests) }
}

/// A client that plays this over plain HTTP.
pub(super) fn script(steps: Vec<Step>) -> ClientSpec {
    ClientSpec { front: Front::Http, act: Act::Script(steps) }
}

/// A GET.
pub(super) fn get() -> RequestSpec {
    RequestSpec { method: "GET".into(), ..RequestSpec::default() }
}

/// A GET on a connection of its own.
pub(super) fn fresh_get() -> RequestSpec {
    RequestSpec { fresh: true, ..get() }
}

/// A POST of so many bytes.
pub(super) fn post(body_len: u64) -> RequestSpec {
    RequestSpec { method: "POST".into(), body_len, ..RequestSpec::default() }
}

/// A whole response like [`answer`], on a connection that takes no other request.
pub(super) fn answer_once() -> Vec<Step> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {BODY}\r\nConnection: close\r\n\r\n");
    vec![Step::ReadHead, Step::ReadBody, send(&head), Step::SendPattern(BODY), Step::Close]
}

/// Two GETs on two connections to an origin that takes TCP Fast Open: the first gets the cookie with which the
/// second may send data in its SYN (RFC 7413 section 3). The origin is in ATS's container, whose kernel settings
/// are the cell's.
pub(super) fn two_fast_opens() -> TrialSpec {
    let client = requests(vec![get(), fresh_get()]);
    TrialSpec { place: Place::SameHost, origin: scripted(vec![answer_once()]), client, ..https_get() }
}

/// A step that sends text.
pub(super) fn send(text: &str) -> Step {
    Step::Send(text.into())
}

/// A whole response of 200 with [`BODY`] bytes, after a request has been read.
pub(super) fn answer() -> Vec<Step> {
    vec![
        Step::ReadHead,
        Step::ReadBody,
        send(&format!("HTTP/1.1 200 OK\r\nContent-Length: {BODY}\r\n\r\n")),
        Step::SendPattern(BODY),
    ]
}

/// Length that the response of [`cut_body`] promises.
pub(super) const CUT_BODY: u64 = 50_000;

/// An origin that ends its response before the promised length.
pub(super) fn cut_body(end: Step) -> TrialSpec {
    let head = send(&format!("HTTP/1.1 200 OK\r\nContent-Length: {CUT_BODY}\r\n\r\n"));
    let steps = vec![Step::ReadHead, head, Step::SendPattern(20_000), end];
    TrialSpec { origin: scripted(vec![steps]), timed: true, ..https_get() }
}

/// Two GETs of two clients, with no connection to the origin in common.
pub(super) fn two_connections(tls: OriginTls) -> TrialSpec {
    let client = requests(vec![get(), fresh_get()]);
    let records = vec![string("http.server_session_sharing.match", "none")];
    TrialSpec { client, records, ..https_get_from(tls) }
}

/// A client that `tunnel_route` leads to the origin's own TLS.
pub(super) fn tunnel_route(front: Front) -> TrialSpec {
    let client = ClientSpec { front, ..https_get().client };
    let sni = vec![sni(Side::Client, &[("tunnel_route", "{origin}:{port}")])];
    let records = vec![int("url_remap.remap_required", 0), string("http.connect_ports", "443 {ports}")];
    TrialSpec { client, records, sni, ..https_get() }
}

/// A step that waits for text.
pub(super) fn expect(text: &str) -> Step {
    Step::Expect(text.into())
}

/// The first half of [`BODY`].
pub(super) fn first_half() -> Step {
    Step::SendPattern(BODY / 2)
}

/// The second half of [`BODY`].
pub(super) fn second_half() -> Step {
    Step::SendBytes(super::body::bytes(BODY).split_off(500))
}

/// `answer`, and then these.
pub(super) fn answer_and(steps: &[Step]) -> Vec<Step> {
    answer().into_iter().chain(steps.iter().cloned()).collect()
}

/// A record of STRING kind; the name without `proxy.config.`.
pub(super) fn string(name: &str, value: &str) -> Record {
    Record { name: format!("proxy.config.{name}"), kind: RecordType::String, value: value.into() }
}

/// A record of INT kind; the name without `proxy.config.`.
pub(super) fn int(name: &str, value: u32) -> Record {
    Record { name: format!("proxy.config.{name}"), kind: RecordType::Int, value: value.to_string() }
}

/// Verification of origins by this policy, over signature and name.
pub(super) fn policy(policy: &str) -> Vec<Record> {
    vec![string("ssl.client.verify.server.policy", policy), string("ssl.client.verify.server.properties", "ALL")]
}

/// Verification enforced over the signature alone.
pub(super) fn signature_only() -> Vec<Record> {
    vec![
        string("ssl.client.verify.server.policy", "ENFORCED"),
        string("ssl.client.verify.server.properties", "SIGNATURE"),
    ]
}

/// Verification enforced.
pub(super) fn enforced() -> Vec<Record> {
    policy("ENFORCED")
}

/// Timeouts of a second towards origins, for trials in which one is waited for.
pub(super) fn impatient() -> Vec<Record> {
    vec![int("http.connect_attempts_timeout", 1), int("http.transaction_no_activity_timeout_out", 1)]
}

/// Up to three more tries, after the first of them at another address, and addresses in turn.
pub(super) fn retrying() -> Vec<Record> {
    vec![
        int("http.connect_attempts_max_retries", 3),
        int("http.connect_attempts_rr_retries", 1),
        int("hostdb.strict_round_robin", 1),
    ]
}

/// A line of sni.yaml.
pub(super) fn sni(side: Side, keys: &[(&str, &str)]) -> SniRule {
    SniRule { side, keys: keys.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect() }
}
