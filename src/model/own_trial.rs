//! A trial of the user's own, as data: what matrix.yaml says that it does, and what must be seen of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::spec::TrialSpec;

/// A trial that matrix.yaml states. Its names for hosts are already replaced by the hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnTrial {
    /// Its name in options, files and tables; also the first label of its host names.
    pub id: String,
    /// What it shows, in one line.
    pub title: String,
    /// Why it exists.
    pub why: String,
    /// Where to read more; may be empty.
    pub link: String,
    /// The version range of ATS that it needs.
    pub ats: Option<String>,
    /// The version range of the loaded OpenSSL that it needs.
    pub openssl: Option<String>,
    /// What it does.
    pub spec: TrialSpec,
    /// What must be seen; all of it. Never empty, and never only what must not be seen.
    pub wanted: Vec<TrialExpectation>,
    /// Digest of what it does and expects.
    pub digest: String,
}

/// Something that must be seen of a trial. Each is one check in reports, apart from those that say otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrialExpectation {
    /// This many answers at the client, each of status 200 with the whole body: two checks for each.
    WholeAnswers {
        /// Number of answers.
        count: usize,
        /// Bytes of each body.
        body_len: u64,
    },
    /// The last answer has one of these statuses.
    Status(Vec<u16>),
    /// The answers have these statuses, in order.
    Statuses(Vec<u16>),
    /// The answers have bodies of the counting pattern with these lengths, bytes.
    Bodies(Vec<u64>),
    /// This interim response came before the last answer.
    Interim(u16),
    /// All answers have this HTTP version.
    AnsweredBy(String),
    /// The client saw the certificate of this end.
    Shown(CertificateOwner),
    /// Every answer has this header.
    AnswerHeader(HeaderPattern),
    /// No answer has a header of this name, in lower case.
    NoAnswerHeader(String),
    /// The client notices that the body of this many bytes is not complete.
    CutOff(u64),
    /// No error at the client.
    NoError,
    /// ATS refused the origin, and for this reason if one is given: three checks, and one for the reason.
    Refused(Option<RefusalReason>),
    /// The origin served this many requests, on this many connections if that is given.
    Served {
        /// Number of requests.
        requests: usize,
        /// Number of connections that carried one.
        connections: Option<usize>,
    },
    /// TLS to the origin: any version, or this one.
    OverTls(Option<String>),
    /// The requests came to the origin without TLS.
    OverPlain,
    /// This cipher suite, by its name in rustls.
    OverSuite(String),
    /// This group.
    OverGroup(String),
    /// This ALPN protocol; empty for none.
    OverAlpn(String),
    /// The origin got a client certificate.
    ClientCertificate,
    /// A ClientHello at the origin.
    ClientHello,
    /// Every ClientHello has at most this many bytes on the wire.
    HelloAtMost(u32),
    /// Every ClientHello asks for this server name; `None`: for none.
    ServerName(Option<String>),
    /// Which handshakes at the origin were resumed, in order.
    Resumed(Vec<bool>),
    /// The first request's body arrived whole, with this many bytes.
    Posted(u64),
    /// All requests at the origin have this HTTP version.
    RequestedBy(String),
    /// The requests at the origin, in order: method and target.
    RequestLines(Vec<String>),
    /// Every request at the origin has this header.
    RequestHeader(HeaderPattern),
    /// No request at the origin has a header of this name, in lower case.
    NoRequestHeader(String),
    /// This end closed every connection of the origin first.
    ClosedFirst(FirstCloser),
    /// The origin's script ran to its end.
    ScriptDone,
    /// The packets show this.
    OnTheWire(WireFact),
    /// A line of ATS's logs that names the trial has this text.
    Logged(String),
    /// No line of ATS's logs that names the trial has this text.
    NotLogged(String),
    /// When it ended, compared with an answer of ATS's own.
    Ended(EndTime),
}

impl TrialExpectation {
    /// Whether it asks for something to be there. What asks only for something not to be there also holds if nothing happened.
    pub fn asks_for_something(&self) -> bool {
        match self {
            Self::WholeAnswers { count, .. } => *count > 0,
            Self::Served { requests, .. } => *requests > 0,
            Self::OnTheWire(fact) => *fact != WireFact::NoPacket,
            Self::NotLogged(_) | Self::NoError => false,
            _ => true,
        }
    }
}

/// A header with a value, in which `*` stands for any text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeaderPattern {
    /// Its name, in lower case.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Whose certificate a client sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateOwner {
    /// That of ATS.
    Ats,
    /// That of the origin, through a tunnel.
    Origin,
}

/// Why ATS refuses an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalReason {
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

/// The end that closes a connection first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FirstCloser {
    /// ATS, with a FIN.
    Ats,
    /// ATS, with a RST.
    AtsReset,
    /// The origin.
    Origin,
}

/// What the packets between ATS and the origin show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WireFact {
    /// The origin's host refused a connection.
    Refused,
    /// The origin accepted a connection, and then reset it.
    ResetByOrigin,
    /// A SYN carried data: TCP Fast Open.
    DataInSyn,
    /// ATS did not try to connect.
    NoPacket,
}

/// When a trial ends. It is compared with how long this ATS takes for an answer of its own, so a loaded machine does not
/// matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EndTime {
    /// Before any timeout could be the cause.
    AtOnce,
    /// By a timeout of one second.
    AfterASecond,
}
