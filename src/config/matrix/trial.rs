//! Trials of the user's own as they are written: keys and types. The values are checked by `check::trial`.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::document::yes;
use crate::model::{
    Certificate, CertificateOwner, EndTime, FirstCloser, Front, Place, RefusalReason, Remap, Side, TlsVersion, WireFact,
};

/// A file with trials of your own, which `trial_files` of matrix.yaml names.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "a file with trials")]
pub(super) struct TrialsDocument {
    /// Version of the file format: 1.
    #[expect(dead_code, reason = "other versions are refused before this is read")]
    #[schemars(range(min = 1, max = 1))]
    pub(super) version: u32,
    /// The trials, in order: from id to trial.
    pub(super) trials: IndexMap<String, TrialEntry>,
}

/// A trial of your own: what a client sends through ATS to an origin, and what must be seen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrialEntry {
    /// In one line, what it shows.
    pub(super) title: String,
    /// In one line, why it exists.
    pub(super) why: String,
    /// Where to read more.
    pub(super) link: Option<String>,
    /// The protocol of the client towards ATS; default: http.
    pub(super) front: Option<Front>,
    /// What the client sends, one request after the other; default: one GET.
    #[schemars(length(min = 1))]
    pub(super) requests: Option<Vec<TrialRequestEntry>>,
    /// What the client does step by step, instead of `requests`. `{host}` in a text is the host that ATS maps.
    #[schemars(length(min = 1))]
    pub(super) client_script: Option<Vec<String>>,
    /// The origin; default: TLS, status 200 and 1000 bytes.
    pub(super) origin: Option<TrialOriginEntry>,
    /// ATS settings, each like `CONFIG proxy.config.url_remap.pristine_host_hdr INT 1` under its 9.x name. In values `{dir}` is
    /// the folder with the certificates, `{port}` the origin's port, and `{ports}` those of all origins.
    #[serde(default)]
    pub(super) records: Vec<String>,
    /// Entries of sni.yaml.
    #[serde(default)]
    pub(super) sni: Vec<TrialSniEntry>,
    /// The rule in remap.config; default: by-name.
    pub(super) remap: Option<Remap>,
    /// Versions that it needs. Elsewhere it is unsupported, which is no failure.
    pub(super) needs: Option<TrialNeedsEntry>,
    /// Whether it runs while no other trial does; default: false.
    #[serde(default)]
    pub(super) alone: bool,
    /// How long it may take; default: 10s.
    pub(super) deadline: Option<String>,
    /// What must be seen: at least one key, and all of them must hold.
    pub(super) expect: WantedEntry,
}

/// A request of the client.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrialRequestEntry {
    /// Its method; default: GET.
    pub(super) method: Option<String>,
    /// Its path, with the query; default: `/`.
    pub(super) path: Option<String>,
    /// Its headers, from name to value. Host and the length of the body are added.
    #[serde(default)]
    pub(super) headers: IndexMap<String, String>,
    /// Bytes of its body, a counting pattern; default: none.
    #[schemars(range(max = 67_108_864))]
    pub(super) body: Option<u64>,
    /// Whether the body is sent in chunks, without its length; default: false.
    #[serde(default)]
    pub(super) chunked: bool,
    /// Whether it opens a new connection to ATS; default: false.
    #[serde(default)]
    pub(super) fresh: bool,
}

/// An origin and its answers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrialOriginEntry {
    /// Whether ATS is told to use TLS to it; default: true.
    #[serde(default = "yes")]
    pub(super) https: bool,
    /// Where it is; default: remote.
    pub(super) place: Option<OriginPlace>,
    /// Its TLS; default: all versions, suites and groups, and a good certificate.
    pub(super) tls: Option<TrialTlsEntry>,
    /// False for an origin that does not use TLS although ATS does: a `script` over plain TCP.
    pub(super) speaks_tls: Option<bool>,
    /// False if its port is closed; default: true.
    #[serde(default = "yes")]
    pub(super) listens: bool,
    /// The status of its answers; default: 200.
    #[schemars(range(min = 200, max = 599))]
    pub(super) status: Option<u16>,
    /// The headers of its answers, from name to value. The length of the body is added.
    #[serde(default)]
    pub(super) headers: IndexMap<String, String>,
    /// Bytes of the body of its answers, a counting pattern; default: 1000. With a script: those of the body that it sends.
    #[schemars(range(max = 67_108_864))]
    pub(super) body: Option<u64>,
    /// How long it waits before it answers; default: not at all.
    pub(super) delay: Option<String>,
    /// Whether it closes the connection after an answer (HTTP/1.1); default: false.
    #[serde(default)]
    pub(super) close: bool,
    /// What it does on every connection step by step, instead of answering.
    #[schemars(length(min = 1))]
    pub(super) script: Option<Vec<String>>,
}

/// Where an origin is.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum OriginPlace {
    /// On another host.
    Remote,
    /// On the host of ATS, at another port of 127.0.0.1.
    SameHost,
    /// On the host of ATS, on `::1`.
    SameHostV6,
    /// On another host; its name also has an address at which nothing listens.
    RemoteAndDead,
    /// On another host; its name also has an IPv6 address at which nothing listens.
    RemoteAndDeadV6,
}

impl From<OriginPlace> for Place {
    fn from(place: OriginPlace) -> Self {
        match place {
            OriginPlace::Remote => Self::Remote,
            OriginPlace::SameHost => Self::SameHost,
            OriginPlace::SameHostV6 => Self::SameHostV6,
            OriginPlace::RemoteAndDead => Self::RemoteAndDead,
            OriginPlace::RemoteAndDeadV6 => Self::RemoteAndDeadV6,
        }
    }
}

/// The TLS of an origin. Suites and groups have the names of rustls, as reports do.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrialTlsEntry {
    /// Versions that it accepts; default: all.
    #[serde(default)]
    pub(super) versions: Vec<TlsVersion>,
    /// Cipher suites that it accepts, such as `TLS13_AES_256_GCM_SHA384`; default: all.
    #[serde(default)]
    pub(super) suites: Vec<String>,
    /// Groups that it accepts, such as `X25519MLKEM768`, preferred ones first; default: all.
    #[serde(default)]
    pub(super) groups: Vec<String>,
    /// ALPN protocols that it accepts; default: it ignores ALPN. With h2 it speaks HTTP/2.
    #[serde(default)]
    pub(super) alpn: Vec<String>,
    /// The kind of its certificate; default: good.
    pub(super) certificate: Option<Certificate>,
    /// Whether it requires a client certificate; default: false.
    #[serde(default)]
    pub(super) client_auth: bool,
    /// Bytes of the largest ClientHello that it accepts; it resets the connection on a larger one.
    pub(super) largest_hello: Option<u32>,
}

/// An entry of sni.yaml.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrialSniEntry {
    /// Whose name it is for.
    pub(super) side: Side,
    /// Keys and values, under their 9.x names. `{dir}`, `{port}` and `{origin}` (the origin's host) are replaced.
    pub(super) keys: IndexMap<String, String>,
}

/// Versions that a trial needs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrialNeedsEntry {
    /// Version range of ATS.
    pub(super) ats: Option<String>,
    /// Version range of the OpenSSL that ATS has loaded.
    pub(super) openssl: Option<String>,
}

/// What must be seen of a trial. In texts `{origin}` is the origin's host, and `{host}` the one that clients ask for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WantedEntry {
    /// By the client.
    pub(super) client: Option<WantedOfClientEntry>,
    /// By the origin.
    pub(super) origin: Option<WantedOfOriginEntry>,
    /// In the packets between ATS and the origin.
    #[serde(default)]
    pub(super) wire: Vec<WireFact>,
    /// In the lines of ATS's logs that name the trial's hosts or port.
    pub(super) logs: Option<WantedOfLogsEntry>,
    /// When it ends.
    pub(super) end: Option<EndTime>,
}

/// What the client must see.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WantedOfClientEntry {
    /// Number of answers with status 200 and the whole body of the origin.
    #[schemars(range(min = 1, max = 1000))]
    pub(super) whole_answers: Option<u32>,
    /// The status of the last answer: one of these.
    #[schemars(length(min = 1))]
    pub(super) status: Option<Vec<u16>>,
    /// The statuses of all answers, in order.
    #[schemars(length(min = 1))]
    pub(super) statuses: Option<Vec<u16>>,
    /// Bytes of the bodies of all answers, in order, each a whole counting pattern.
    #[schemars(length(min = 1))]
    pub(super) bodies: Option<Vec<BodyLength>>,
    /// The status of an interim response before the last answer.
    #[schemars(range(min = 100, max = 199))]
    pub(super) interim: Option<u16>,
    /// The HTTP version of all answers: `HTTP/1.1` or `HTTP/2.0`.
    pub(super) http_version: Option<String>,
    /// Whose certificate it sees, with a front over TLS.
    pub(super) certificate_of: Option<CertificateOwner>,
    /// Headers of every answer, from name to value; `*` stands for any text.
    #[serde(default)]
    pub(super) headers: IndexMap<String, String>,
    /// Names of headers that no answer has.
    #[serde(default)]
    pub(super) no_headers: Vec<String>,
    /// True: it notices that the body is not complete.
    pub(super) cut_off: Option<bool>,
    /// True: it has no error.
    pub(super) no_error: Option<bool>,
}

/// Bytes of a body.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct BodyLength(#[schemars(range(max = 67_108_864))] pub(super) u64);

/// What the origin must see.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WantedOfOriginEntry {
    /// ATS refuses it: a 502 at the client, a ClientHello and no request at the origin, and this reason in ATS's logs or in
    /// the origin's error. `any` for every reason.
    pub(super) refused: Option<RefusalWord>,
    /// Number of requests.
    #[schemars(range(max = 1000))]
    pub(super) requests: Option<u32>,
    /// Number of connections that carried a request; needs `requests`.
    #[schemars(range(max = 1000))]
    pub(super) connections: Option<u32>,
    /// The TLS of all connections that carried a request.
    pub(super) tls: Option<WantedTls>,
    /// Their cipher suite.
    pub(super) suite: Option<String>,
    /// Their group.
    pub(super) group: Option<String>,
    /// Their ALPN protocol; `none` for none.
    pub(super) alpn: Option<String>,
    /// True: ATS sent a client certificate.
    pub(super) client_certificate: Option<bool>,
    /// True: ATS sent a ClientHello.
    pub(super) client_hello: Option<bool>,
    /// Most bytes of any ClientHello on the wire.
    pub(super) hello_at_most: Option<u32>,
    /// The server name in every ClientHello; `none` for none.
    pub(super) server_name: Option<String>,
    /// The handshakes, in order.
    #[schemars(length(min = 1))]
    pub(super) handshakes: Option<Vec<HandshakeWord>>,
    /// Bytes of the first request's body, a whole counting pattern.
    #[schemars(range(max = 67_108_864))]
    pub(super) body: Option<u64>,
    /// The HTTP version of all requests: `HTTP/1.1` or `HTTP/2.0`.
    pub(super) http_version: Option<String>,
    /// Method and target of all requests in order, such as `GET /`.
    #[schemars(length(min = 1))]
    pub(super) request_lines: Option<Vec<String>>,
    /// Headers of every request, from name to value; `*` stands for any text.
    #[serde(default)]
    pub(super) headers: IndexMap<String, String>,
    /// Names of headers that no request has.
    #[serde(default)]
    pub(super) no_headers: Vec<String>,
    /// The end that closed every connection first.
    pub(super) closed_by: Option<FirstCloser>,
    /// True: its script ran to the end, so that all it waited for came.
    pub(super) script_done: Option<bool>,
}

/// Why ATS refuses an origin, or any reason.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RefusalWord {
    /// For whatever reason.
    Any,
    /// The certificate has expired.
    Expired,
    /// The certificate is not yet valid.
    NotYetValid,
    /// The certificate is signed by itself.
    SelfSigned,
    /// Nobody that ATS trusts has signed the certificate.
    UnknownIssuer,
    /// The certificate is for another name.
    OtherName,
    /// The certificate is for another purpose.
    Purpose,
    /// The signature of the certificate is too weak.
    WeakSignature,
    /// The key of the certificate is too weak.
    WeakKey,
    /// The origin requires a client certificate.
    NoClientCertificate,
}

impl RefusalWord {
    /// The reason; `None` for any.
    pub(super) fn reason(self) -> Option<RefusalReason> {
        Some(match self {
            Self::Any => return None,
            Self::Expired => RefusalReason::Expired,
            Self::NotYetValid => RefusalReason::NotYetValid,
            Self::SelfSigned => RefusalReason::SelfSigned,
            Self::UnknownIssuer => RefusalReason::UnknownIssuer,
            Self::OtherName => RefusalReason::OtherName,
            Self::Purpose => RefusalReason::Purpose,
            Self::WeakSignature => RefusalReason::WeakSignature,
            Self::WeakKey => RefusalReason::WeakKey,
            Self::NoClientCertificate => RefusalReason::NoClientCertificate,
        })
    }
}

/// The TLS of a connection to the origin.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub(super) enum WantedTls {
    /// TLS of any version.
    #[serde(rename = "any")]
    Any,
    /// TLS 1.2.
    #[serde(rename = "TLSv1.2")]
    Tls12,
    /// TLS 1.3.
    #[serde(rename = "TLSv1.3")]
    Tls13,
    /// Plain HTTP.
    #[serde(rename = "none")]
    Plain,
}

/// A handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum HandshakeWord {
    /// A full one.
    Full,
    /// A resumed one.
    Resumed,
}

/// What the lines of ATS's logs that name the trial must say.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WantedOfLogsEntry {
    /// Texts that a line has.
    #[serde(default)]
    pub(super) contain: Vec<String>,
    /// Texts that no line has.
    #[serde(default)]
    pub(super) lack: Vec<String>,
}

/// The JSON schema (draft 2020-12) of a file with trials.
pub fn trials_schema() -> serde_json::Value {
    schemars::schema_for!(TrialsDocument).to_value()
}
