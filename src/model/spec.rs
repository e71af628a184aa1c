//! What a trial does, as data: how the request travels, how its origin and its client behave, and what
//! ATS needs for it. The agents interpret it and know no trial by name.

use serde::{Deserialize, Serialize};

use super::program::OriginProgram;
use super::script::Step;

/// What a trial does: the whole of its set-up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own that a trial states by its name")]
pub struct TrialSpec {
    /// How the request travels.
    pub route: Route,
    /// Where its origin is.
    pub place: Place,
    /// How the origin behaves.
    pub origin: OriginSpec,
    /// What the client does.
    pub client: ClientSpec,
    /// ATS settings that differ from the baseline; trials with equal ones share an ATS. In values,
    /// `{dir}` stands for the directory with the cell's certificates, `{port}` for the origin's port and `{ports}`
    /// for those of all origins of the cell that listen.
    pub records: Vec<Record>,
    /// How ATS is told of the origin.
    pub remap: Remap,
    /// Lines of sni.yaml of this trial.
    pub sni: Vec<SniRule>,
    /// Names of `records` that this ATS need not know: the trial is about what becomes of a setting that is not
    /// known. Any other makes the trial an error.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_not_know: Vec<String>,
    /// The key of the certificate that ATS shows to clients is encrypted, and ATS is told who says its passphrase.
    #[serde(default)]
    pub locked_key: bool,
    /// The OpenSSL of ATS has no configuration, neither the distro's nor a crypto policy.
    #[serde(default)]
    pub bare_openssl: bool,
    /// It is about time: what ATS takes for an answer of its own is measured along with it.
    #[serde(default)]
    pub timed: bool,
    /// Runs while no other trial does: it loads ATS.
    pub alone: bool,
    /// How long the trial may take, milliseconds.
    pub deadline_ms: u64,
}

/// How a request travels.
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
}

/// Where a trial's origin is, and so what its name resolves to.
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

/// How ATS is told of an origin: its line of remap.config.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remap {
    /// `map http://TRIAL.t/ SCHEME://TRIAL.test:PORT/`, and the same for https clients.
    #[default]
    ByName,
    /// The same to `TRIAL.wild.test`: a wildcard is not good for a whole top-level domain.
    ByWildName,
    /// The same to the origin's address.
    ByAddress,
    /// The same between `ws://` and `wss://`, for upgrades.
    WebSocket,
    /// No line at all: ATS does not know the host.
    None,
}

/// One entry of sni.yaml (`ssl_server_name.yaml` in 8.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SniRule {
    /// Whose name it is about.
    pub side: Side,
    /// Keys and values by their 9.x names; `{dir}`, `{port}` and `{origin}` (its host name) are filled in.
    pub keys: Vec<(String, String)>,
}

/// One side of ATS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The host that clients ask for, `TRIAL.t`.
    Client,
    /// The origin's host, `TRIAL.test`.
    Origin,
}

/// How an origin behaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginSpec {
    /// Whether ATS is told to speak TLS to it.
    pub https: bool,
    /// How it speaks TLS; `None` with `https`: it does not, whatever ATS is told.
    pub tls: Option<OriginTls>,
    /// What it does once it is connected to.
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
    /// Plays one script a connection; the last one also for all further connections. Connections are counted
    /// over the whole cell: a trial that shares ATS with others may be run again, so one script should do.
    Script(Vec<Vec<Step>>),
    /// The distro's own `openssl s_server -www` with these arguments more, in the ATS container.
    Openssl {
        /// Arguments.
        args: Vec<String>,
        /// Bits of the RSA key of its certificate, where that is signed as `sign` says.
        rsa_bits: u32,
        /// Arguments of `openssl x509 -req` that its certificate is signed with; empty: it serves the
        /// [`Certificate::Good`] one.
        sign: Vec<String>,
    },
    /// nginx, which answers every GET with 200 and `body_len` bytes of the counting pattern.
    Nginx {
        /// Bytes.
        body_len: u64,
        /// Directives of its server block, each with its semicolon; `{dir}` stands for the folder with `ca.pem`.
        directives: Vec<String>,
    },
    /// Apache httpd with two virtual hosts, each with a certificate of its own that carries the origin's name: the first
    /// is the origin's, the second bears the host that clients ask for. Both answer every GET with 200 and `body_len`
    /// bytes of the counting pattern.
    Httpd {
        /// Bytes.
        body_len: u64,
    },
    /// Does not listen.
    Nobody,
}

/// How an origin speaks TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginTls {
    /// Versions it accepts; empty: all it can.
    pub versions: Vec<TlsVersion>,
    /// Cipher suites it accepts, by IANA name; empty: all it can.
    pub suites: Vec<String>,
    /// Groups it accepts, by IANA name, preferred first; empty: all it can.
    pub groups: Vec<String>,
    /// ALPN protocols it speaks; empty: it takes no part in ALPN.
    pub alpn: Vec<String>,
    /// The certificate it serves.
    pub certificate: Certificate,
    /// Whether it requires a client certificate of the cell's CA.
    pub client_auth: bool,
    /// Bytes of the largest ClientHello that it bears, with the header of its record. On a larger one it resets the
    /// connection, as peers and middleboxes do that read it in one go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub largest_hello: Option<u32>,
}

/// What certificate an origin serves. All but the stated flaw is as it should be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// `*.wild.test` alone.
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
    /// Another name, in subject and SAN: ATS accepts the subject's CN although a SAN is there.
    WrongName,
    /// Expired a day ago.
    Expired,
    /// Valid from tomorrow on.
    NotYetValid,
    /// For TLS clients only (extended key usage).
    ClientOnly,
}

/// A TLS version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// How it speaks to ATS.
    pub front: Front,
    /// What it says.
    pub act: Act,
}

/// How the client speaks to ATS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Front {
    /// Plain HTTP/1.1.
    #[default]
    Http,
    /// HTTP/1.1 over TLS.
    Tls,
    /// HTTP/2 over TLS.
    H2,
    /// TLS whose ClientHello leaves in two segments, then HTTP/1.1.
    TlsSplitHello,
    /// A CONNECT for the origin, then HTTP/1.1 over TLS with the origin itself.
    Connect,
}

/// What the client says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Requests in sequence; an error ends the sequence.
    Requests(Vec<RequestSpec>),
    /// The same GET on many connections.
    Load {
        /// Requests in all.
        requests: u32,
        /// How many at once.
        at_once: u32,
        /// Bytes of the counting pattern that each answer must have.
        body_len: u64,
    },
    /// GETs by so many clients without end, while ATS is given one remap rule more and told to read its
    /// configuration anew; ATS runs under its manager where it has one.
    Reload {
        /// Clients.
        at_once: u32,
    },
    /// Plays a script. `{host}` in what is sent stands for the host that ATS knows the trial by.
    Script(Vec<Step>),
}

/// One request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestSpec {
    /// Method.
    pub method: String,
    /// Length of the request body, bytes, of the counting pattern.
    pub body_len: u64,
    /// Sends the body in chunks, without its length.
    pub chunked: bool,
    /// Headers besides Host.
    pub headers: Vec<(String, String)>,
    /// On a new connection to ATS.
    pub fresh: bool,
}

/// One ATS setting, under its 9.x name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Record {
    /// The name with its prefix, for example `proxy.config.ssl.client.verify.server.policy`.
    pub name: String,
    /// `INT`, `STRING` or `FLOAT`, as records.config writes it.
    pub kind: String,
    /// The value.
    pub value: String,
}
