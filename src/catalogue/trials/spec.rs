//! Helpers for writing the specs of the catalogue.

use crate::model::{
    Act, Certificate, ClientSpec, Front, OriginProgram, OriginSpec, OriginTls, Place, Record, RecordType, Remap,
    RequestSpec, Route, Side, SniRule, Speak, Step, TRIAL_BODY, TRIAL_DEADLINE_MS, TlsVersion, TrialSpec,
};

/// Response length of trials that are not about length, bytes.
pub(super) const BODY: u64 = TRIAL_BODY;

/// One GET through ATS to a TLS origin on another host.
pub(super) fn https_get() -> TrialSpec {
    TrialSpec {
        route: Route::Ats,
        place: Place::Remote,
        origin: https(OriginTls::default()),
        client: get_over(Front::Http),
        records: Vec::new(),
        remap: Remap::ByName,
        sni: Vec::new(),
        may_not_know: Vec::new(),
        locked_key: false,
        bare_openssl: false,
        cache: false,
        timed: false,
        alone: false,
        deadline_ms: TRIAL_DEADLINE_MS,
    }
}

/// One GET through ATS to an origin with these TLS settings.
pub(super) fn https_get_from(tls: OriginTls) -> TrialSpec {
    TrialSpec { origin: https(tls), ..https_get() }
}

/// One GET through ATS to an origin with this certificate, with verification enforced.
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
    TrialSpec { place: Place::Beside(OriginProgram::Httpd), origin, ..https_get() }
}

/// ATS forwards the client's Host, and this policy chooses the server name.
pub(super) fn pristine(sni_policy: &str) -> Vec<Record> {
    vec![pristine_host(), string("ssl.client.sni_policy", sni_policy)]
}

/// ATS forwards the client's Host.
pub(super) fn pristine_host() -> Record {
    int("url_remap.pristine_host_hdr", 1)
}

/// One GET through ATS to an nginx with these directives.
pub(super) fn nginx_get(directives: &[&str]) -> TrialSpec {
    let directives = directives.iter().map(ToString::to_string).collect();
    let origin = OriginSpec { https: true, tls: None, speak: Speak::Nginx { body_len: BODY, directives } };
    TrialSpec { place: Place::Beside(OriginProgram::Nginx), origin, ..https_get() }
}

/// One GET through ATS to the distro's own `openssl s_server` with these arguments.
pub(super) fn openssl_get(args: &str) -> TrialSpec {
    weak_get(args, (2048, ""))
}

/// The same, with a certificate that has an RSA key of this many bits and is signed with these arguments.
pub(super) fn weak_get(args: &str, (rsa_bits, sign): (u32, &str)) -> TrialSpec {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    let speak = Speak::Openssl { args: words(args), rsa_bits, sign: words(sign) };
    TrialSpec { place: Place::SameHost, origin: OriginSpec { https: true, tls: None, speak }, ..https_get() }
}

/// Everything that OpenSSL supports towards origins, however weak.
pub(super) fn security_level_0() -> Record {
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

/// A TLS origin that plays these scripts over TLS, one per connection.
pub(super) fn scripted(scripts: Vec<Vec<Step>>) -> OriginSpec {
    OriginSpec { https: true, tls: Some(OriginTls::default()), speak: Speak::Script(scripts) }
}

/// An origin that ATS expects to speak TLS, and that plays this script over plain TCP.
pub(super) fn raw(script: Vec<Step>) -> OriginSpec {
    OriginSpec { https: true, tls: None, speak: Speak::Script(vec![script]) }
}

/// One GET through ATS to a TLS origin that plays this script over TLS.
pub(super) fn get_from_script(steps: Vec<Step>) -> TrialSpec {
    TrialSpec { origin: scripted(vec![steps]), ..https_get() }
}

/// The same, with the time it takes compared to an answer of ATS's own.
pub(super) fn tls_fault(steps: Vec<Step>) -> TrialSpec {
    TrialSpec { timed: true, ..get_from_script(steps) }
}

/// The same with a script over plain TCP.
pub(super) fn tcp_fault(steps: Vec<Step>) -> TrialSpec {
    TrialSpec { origin: raw(steps), timed: true, ..https_get() }
}

/// A TLS origin whose port is closed.
pub(super) fn not_listening() -> OriginSpec {
    OriginSpec { speak: Speak::Nobody, ..https(OriginTls::default()) }
}

/// An origin that accepts only this version.
pub(super) fn only(version: TlsVersion) -> OriginTls {
    OriginTls { versions: vec![version], ..OriginTls::default() }
}

/// A client that sends these requests over plain HTTP.
pub(super) fn requests(requests: Vec<RequestSpec>) -> ClientSpec {
    ClientSpec { front: Front::Http, act: Act::Requests(requests) }
}

/// A client that sends one GET by way of this front.
pub(super) fn get_over(front: Front) -> ClientSpec {
    ClientSpec { front, ..requests(vec![get()]) }
}

/// Two GETs on one connection of the client.
pub(super) fn two_gets() -> ClientSpec {
    requests(vec![get(), get()])
}

/// Two GETs on two connections of the client.
pub(super) fn two_fresh_gets() -> ClientSpec {
    requests(vec![get(), fresh_get()])
}

/// A client that plays this script over plain HTTP.
pub(super) fn script(steps: Vec<Step>) -> ClientSpec {
    ClientSpec { front: Front::Http, act: Act::Script(steps) }
}

/// A GET.
pub(super) fn get() -> RequestSpec {
    RequestSpec { method: "GET".into(), ..RequestSpec::default() }
}

/// A GET on a new connection.
pub(super) fn fresh_get() -> RequestSpec {
    RequestSpec { fresh: true, ..get() }
}

/// A POST with a body of this many bytes.
pub(super) fn post(body_len: u64) -> RequestSpec {
    RequestSpec { method: "POST".into(), body_len, ..RequestSpec::default() }
}

/// A response like that of [`answer`], on a connection that then closes.
pub(super) fn answer_once() -> Vec<Step> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {BODY}\r\nConnection: close\r\n\r\n");
    vec![Step::ReadHead, Step::ReadBody, send(&head), Step::SendPattern(BODY), Step::Close]
}

/// Two GETs on two connections to an origin that accepts TCP Fast Open: the first gets the cookie with which the second
/// may send data in its SYN (RFC 7413 section 3). The origin runs in ATS's container, whose kernel settings are the
/// cell's.
pub(super) fn two_fast_opens() -> TrialSpec {
    let origin = scripted(vec![answer_once()]);
    TrialSpec { place: Place::SameHost, origin, client: two_fresh_gets(), ..https_get() }
}

/// A step that sends text.
pub(super) fn send(text: &str) -> Step {
    Step::Send(text.into())
}

/// Reads a request and answers 200 with [`BODY`] bytes.
pub(super) fn answer() -> Vec<Step> {
    vec![
        Step::ReadHead,
        Step::ReadBody,
        send(&format!("HTTP/1.1 200 OK\r\nContent-Length: {BODY}\r\n\r\n")),
        Step::SendPattern(BODY),
    ]
}

/// Length that the response of [`cut_body`] announces, bytes.
pub(super) const CUT_BODY: u64 = 50_000;

/// An origin that ends its response before the announced length.
pub(super) fn cut_body(end: Step) -> TrialSpec {
    let head = send(&format!("HTTP/1.1 200 OK\r\nContent-Length: {CUT_BODY}\r\n\r\n"));
    tls_fault(vec![Step::ReadHead, head, Step::SendPattern(20_000), end])
}

/// Two GETs from two clients that share no connection to the origin.
pub(super) fn two_connections(tls: OriginTls) -> TrialSpec {
    TrialSpec { client: two_fresh_gets(), records: vec![no_sharing()], ..https_get_from(tls) }
}

/// Clients share no connections to origins.
pub(super) fn no_sharing() -> Record {
    string("http.server_session_sharing.match", "none")
}

/// A client that `tunnel_route` connects to the origin's own TLS.
pub(super) fn tunnel_route(front: Front) -> TrialSpec {
    let sni = vec![sni(Side::Client, &[("tunnel_route", "{origin}:{port}")])];
    TrialSpec { client: get_over(front), records: forward_proxy("443 {ports}"), sni, ..https_get() }
}

/// ATS forwards what no rule maps, and tunnels to these ports.
pub(super) fn forward_proxy(connect_ports: &str) -> Vec<Record> {
    vec![int("url_remap.remap_required", 0), string("http.connect_ports", connect_ports)]
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

/// [`answer`], then these steps.
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

/// Verification of origins by this policy, of signature and name.
pub(super) fn policy(policy: &str) -> Vec<Record> {
    vec![string("ssl.client.verify.server.policy", policy), string("ssl.client.verify.server.properties", "ALL")]
}

/// Verification enforced for the signature only.
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

/// Timeouts of a second towards origins, for trials that wait for one.
pub(super) fn one_second_timeouts() -> Vec<Record> {
    vec![int("http.connect_attempts_timeout", 1), int("http.transaction_no_activity_timeout_out", 1)]
}

/// Up to three retries, from the second on at another address, with addresses in turn.
pub(super) fn retries() -> Vec<Record> {
    vec![
        int("http.connect_attempts_max_retries", 3),
        int("http.connect_attempts_rr_retries", 1),
        int("hostdb.strict_round_robin", 1),
    ]
}

/// A rule of sni.yaml.
pub(super) fn sni(side: Side, keys: &[(&str, &str)]) -> SniRule {
    SniRule { side, keys: keys.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect() }
}
