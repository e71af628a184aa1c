//! What a trial does, as data: the route of the request, the behaviour of origin and client, and the settings of ATS. Agents
//! interpret it, and need no code for single trials.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::act::Act;
use super::program::OriginProgram;
use super::script::Step;

/// Response length of trials that are not about length, bytes: long enough for the body to be read and checked, shorter than a
/// segment.
pub const TRIAL_BODY: u64 = 1000;

/// Default deadline of a trial, milliseconds. ATS answers in a few; its connect timeout in the baseline is 4 s.
pub const TRIAL_DEADLINE_MS: u64 = 10_000;

/// The complete setup of a trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent property of a trial")]
pub struct TrialSpec {
    /// The route of the request.
    pub route: Route,
    /// The place of the origin.
    pub place: Place,
    /// The behaviour of the origin.
    pub origin: OriginSpec,
    /// What the client does.
    pub client: ClientSpec,
    /// ATS settings that differ from the baseline; trials with equal settings share an ATS. In values, `{dir}` is the folder with
    /// the cell's certificates, `{port}` the origin's port, and `{ports}` the ports of all listening origins of the cell.
    pub records: Vec<Record>,
    /// The remap rule for the origin.
    pub remap: Remap,
    /// Entries of sni.yaml for this trial.
    pub sni: Vec<SniRule>,
    /// Names of `records` that ATS may not know, as the trial tests an unknown setting. Any other unknown setting makes the trial
    /// an error.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_not_know: Vec<String>,
    /// Whether the key of the certificate that ATS presents to clients is encrypted, and a program returns its passphrase.
    #[serde(default)]
    pub locked_key: bool,
    /// Whether the OpenSSL of ATS has no configuration, neither the distro's nor a crypto policy.
    #[serde(default)]
    pub bare_openssl: bool,
    /// Whether ATS has a disk cache, of a few MB in the folder of its life.
    #[serde(default)]
    pub cache: bool,
    /// Whether the trial is about time: the time that ATS takes for a response of its own is measured as well.
    #[serde(default)]
    pub timed: bool,
    /// Whether the trial runs alone, because it puts load on ATS.
    pub alone: bool,
    /// Deadline of the trial, milliseconds.
    pub deadline_ms: u64,
}

/// The route of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// Through ATS.
    Ats,
    /// Straight from the agent to the origin (control).
    DirectAgent,
    /// Straight from the distro's own curl to the origin (control).
    DirectCurl,
    /// Straight from the distro's own `openssl s_client` to the origin (control).
    DirectOpenssl,
    /// None: the image is started as it is delivered, in a container of its own, and watched.
    AsDelivered,
}

/// The place of a trial's origin, and so the addresses of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// In the origin container, another host.
    Remote,
    /// In the ATS container, another port of 127.0.0.1.
    SameHost,
    /// In the ATS container, on `::1`.
    SameHostV6,
    /// In the origin container; its name also has an address at which nothing listens.
    RemoteAndDead,
    /// In the origin container; its name also has an IPv6 address at which nothing listens.
    RemoteAndDeadV6,
    /// In the program's own container, another host. Serialized as the program's name.
    #[serde(untagged)]
    Beside(OriginProgram),
}

impl Place {
    /// The places that are containers of other programs.
    pub const BESIDE: [Self; OriginProgram::ALL.len()] = {
        let mut places = [Self::Remote; OriginProgram::ALL.len()];
        let mut at = 0;
        while at < places.len() {
            places[at] = Self::Beside(OriginProgram::ALL[at]);
            at += 1;
        }
        places
    };

    /// The name of the program whose container it is, if it is one.
    pub fn program(self) -> Option<&'static str> {
        match self {
            Self::Beside(program) => Some(program.name()),
            Self::Remote | Self::SameHost | Self::SameHostV6 | Self::RemoteAndDead | Self::RemoteAndDeadV6 => None,
        }
    }
}

/// The rule for an origin in remap.config.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Remap {
    /// `map http://TRIAL.t/ SCHEME://TRIAL.test:PORT/`, and the same for https clients.
    #[default]
    ByName,
    /// The same to `TRIAL.wild.test`, as a wildcard is not valid for a whole top-level domain.
    ByWildName,
    /// The same to the origin's address.
    ByAddress,
    /// The same between `ws://` and `wss://`, for upgrades.
    WebSocket,
    /// No rule: ATS does not know the host.
    None,
}

/// One entry of sni.yaml (`ssl_server_name.yaml` in 8.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SniRule {
    /// The side whose name the entry matches.
    pub side: Side,
    /// Keys and values under their 9.x names; `{dir}`, `{port}` and `{origin}` (the host name) are replaced.
    pub keys: Vec<(String, String)>,
}

/// One side of ATS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The host that clients request, `TRIAL.t`.
    Client,
    /// The origin's host, `TRIAL.test`.
    Origin,
}

/// The behaviour of an origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginSpec {
    /// Whether ATS is configured to use TLS to it.
    pub https: bool,
    /// Its TLS settings; `None` if it does not use TLS, even if `https` is set.
    pub tls: Option<OriginTls>,
    /// What it does with connections.
    pub speak: Speak,
}

/// What an origin does with its connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Speak {
    /// Answers every request with 200 and `body_len` bytes of the counting pattern.
    Http {
        /// Bytes.
        body_len: u64,
    },
    /// Answers every request in a way of its own.
    Answer(Answer),
    /// Plays one script per connection, and the last one for all further connections. Connections are counted over the whole
    /// cell. A trial that shares ATS with others may run again, so it should have one script.
    Script(Vec<Vec<Step>>),
    /// The distro's own `openssl s_server -www` with additional arguments, in the ATS container.
    Openssl {
        /// Arguments.
        args: Vec<String>,
        /// Bits of the RSA key of its certificate, if `sign` is not empty.
        rsa_bits: u32,
        /// Arguments of `openssl x509 -req` for signing its certificate; if empty, it serves the [`Certificate::Good`] one.
        sign: Vec<String>,
    },
    /// nginx, which answers every GET with 200 and `body_len` bytes of the counting pattern.
    Nginx {
        /// Bytes.
        body_len: u64,
        /// Directives of its server block, each with its semicolon; `{dir}` is the folder with `ca.pem`.
        directives: Vec<String>,
    },
    /// Apache httpd with two virtual hosts, each with its own certificate for the origin's name. The first one is named like the
    /// origin, the second one like the host that clients request. Both answer every GET with 200 and `body_len` bytes of the
    /// counting pattern.
    Httpd {
        /// Bytes.
        body_len: u64,
    },
    /// Does not listen.
    Nobody,
}

/// How an origin answers every request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers besides those that frame the body.
    pub headers: Vec<(String, String)>,
    /// Bytes of the counting pattern.
    pub body_len: u64,
    /// How long it waits before it answers, milliseconds.
    pub delay_ms: u64,
    /// Whether it closes the connection after the response (HTTP/1.1).
    pub close: bool,
}

/// The TLS settings of an origin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginTls {
    /// Versions it accepts; empty for all it supports.
    pub versions: Vec<TlsVersion>,
    /// Cipher suites it accepts, by IANA name; empty for all it supports.
    pub suites: Vec<String>,
    /// Groups it accepts, by IANA name, preferred first; empty for all it supports.
    pub groups: Vec<String>,
    /// ALPN protocols it supports; empty to ignore ALPN.
    pub alpn: Vec<String>,
    /// The certificate it serves.
    pub certificate: Certificate,
    /// Whether it requires a client certificate of the cell's CA.
    pub client_auth: bool,
    /// Size in bytes, with record header, of the largest ClientHello that it accepts. On a larger one it resets the connection,
    /// like peers and middleboxes that read the ClientHello at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub largest_hello: Option<u32>,
}

/// The certificate of an origin. Apart from the stated flaw it is valid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Certificate {
    /// ECDSA P-256, signed by the CA, with every origin's name.
    #[default]
    Good,
    /// RSA 2048.
    Rsa,
    /// ECDSA P-384.
    P384,
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// Only for `*.wild.test`.
    Wildcard,
    /// Signed by an intermediate CA that is sent along.
    Chain,
    /// A chain of more than 16 KiB: it takes several TLS records.
    LongChain,
    /// Signed by an intermediate CA that is not sent.
    ChainCut,
    /// Signed by a CA that ATS does not know.
    Untrusted,
    /// Signed by itself.
    SelfSigned,
    /// Another name, in both subject and SAN: ATS accepts the CN of the subject even if there is a SAN.
    WrongName,
    /// Expired a day ago.
    Expired,
    /// Not valid until tomorrow.
    NotYetValid,
    /// For TLS clients only (extended key usage).
    ClientOnly,
}

/// A TLS version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum TlsVersion {
    /// RFC 5246.
    #[serde(rename = "TLSv1.2")]
    Tls12,
    /// RFC 8446.
    #[serde(rename = "TLSv1.3")]
    Tls13,
}

/// What the client does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSpec {
    /// Its protocol towards ATS.
    pub front: Front,
    /// What it sends.
    pub act: Act,
}

/// The client's protocol towards ATS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Front {
    /// Plain HTTP/1.1.
    #[default]
    Http,
    /// HTTP/1.1 over TLS.
    Tls,
    /// HTTP/2 over TLS.
    H2,
    /// HTTP/1.1 over TLS, with the ClientHello in two segments.
    TlsSplitHello,
    /// A CONNECT for the origin, then HTTP/1.1 over TLS with the origin itself.
    Connect,
    /// Plain HTTP/1.1 with the whole URL of the host that clients request as target (RFC 9112 section 3.2.2).
    AbsoluteForm,
    /// The same with the URL of the origin itself: ATS is a forward proxy.
    ForwardProxy,
}

/// One ATS setting, under its 9.x name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Record {
    /// The name with its prefix, for example `proxy.config.ssl.client.verify.server.policy`.
    pub name: String,
    /// The type of the value.
    pub kind: RecordType,
    /// The value as text.
    pub value: String,
}

/// The type of an ATS setting, serialized as records.config writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordType {
    /// A whole number.
    Int,
    /// A text.
    String,
    /// A number with a fraction.
    Float,
}

impl RecordType {
    /// The word in records.config.
    pub fn word(self) -> &'static str {
        match self {
            Self::Int => "INT",
            Self::String => "STRING",
            Self::Float => "FLOAT",
        }
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
