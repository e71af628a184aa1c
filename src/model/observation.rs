//! Evidence as data: what the client, the origin, the wire and the logs saw of one trial.
//!
//! Times are microseconds since the Unix epoch, taken on one host (containers share its clock), so
//! they can be compared across sources. Texts from containers are bounded and escaped by whoever
//! reads them off the engine.

use serde::{Deserialize, Serialize};

use super::line::LogLine;

/// All evidence of one trial in one attempt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// What the client saw; `None` when it never got to run.
    pub client: Option<ClientRun>,
    /// Every connection the trial's origin saw, in order of acceptance.
    pub origin: Vec<OriginConnection>,
    /// TCP flows between ATS (or the direct client) and the trial's origin, as captured in ATS's
    /// network namespace.
    pub wire: Vec<Flow>,
    /// Packets of the whole capture that were lost, since nobody took them in time: `wire` may lack some.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub wire_lost: u64,
    /// Lines of ATS's logs that name this trial's host.
    pub logs: Vec<LogLine>,
    /// What became of ATS while this trial ran.
    pub ats: AtsLife,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What became of the ATS process while a trial ran.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AtsLife {
    /// It ran before and after.
    #[default]
    Alive,
    /// It never became ready: the reason.
    NeverReady(String),
    /// It ended by itself: exit status or signal.
    Died(String),
}

/// What the client did and saw.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ClientRun {
    /// One exchange per request, in order; of a load only those that were not answered with 200, at most 5, and of
    /// one beside a reload before them the first by the new rule.
    pub exchanges: Vec<Exchange>,
    /// What a load came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
    /// How long this very ATS took for an answer that needs no origin, the slower of one right before and one right
    /// after, microseconds: what the times of a trial that is about time are held against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_us: Option<u64>,
}

/// What many equal requests came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Requests sent.
    pub sent: u32,
    /// Those answered with 200 and the whole body.
    pub whole: u32,
    /// Beside a reload: whether the same `traffic_server` runs before and after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_process: Option<bool>,
}

/// How the text of an error begins that our own deadline brought about: nobody did anything, and the client hung up.
pub const OVERDUE: &str = "nothing more within the trial's deadline";

/// One request and what came back.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// HTTP status, `None` when no response came.
    pub status: Option<u16>,
    /// The reason phrase as sent. ATS puts the error's text here.
    pub reason: String,
    /// `HTTP/1.1` or `HTTP/2.0`; empty where nobody looked.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Response headers (names in lower case), at most 32.
    pub headers: Vec<(String, String)>,
    /// Body bytes received.
    pub body_len: u64,
    /// SHA-256 of the body received, hex.
    pub body_sha256: String,
    /// The first 16 KiB of a body that has a type, escaped: an error page, or what another program serves.
    pub body_head: String,
    /// Interim responses (1xx) before the response, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interim: Vec<u16>,
    /// Trailers, names in lower case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trailers: Vec<(String, String)>,
    /// What the client negotiated itself (direct TLS control only).
    pub tls: Option<TlsSeen>,
    /// Why the exchange did not complete.
    pub error: Option<ClientError>,
    /// When the client began (connect), microseconds since the epoch.
    pub started_us: u64,
    /// Microseconds from the begin to the response head, if any.
    pub head_us: Option<u64>,
    /// Microseconds from the begin to the end of the exchange.
    pub total_us: u64,
}

/// Why an exchange did not complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientError {
    /// How far it got.
    pub phase: ClientPhase,
    /// The error's text, bounded.
    pub text: String,
}

/// How far a client got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientPhase {
    /// The program (curl) could not be started: it is not in this image.
    Missing,
    /// TCP connect.
    Connect,
    /// TLS handshake (direct control).
    Handshake,
    /// Sending the request or reading the response head.
    Exchange,
    /// Reading the body.
    Body,
    /// The trial's deadline passed.
    Deadline,
}

/// What TLS was negotiated, as one end reports it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsSeen {
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: String,
    /// IANA name, for example `TLS13_AES_256_GCM_SHA384`.
    pub suite: String,
    /// Key exchange group, for example `X25519MLKEM768`; empty when unknown.
    pub group: String,
    /// ALPN protocol, empty when none.
    pub alpn: String,
    /// Whether the session was resumed.
    pub resumed: bool,
    /// At a client: whose certificate was shown, `ats` or `origin`. At an origin: `client` when one was shown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub peer: String,
}

/// One TCP connection as its origin saw it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OriginConnection {
    /// The trial whose port was connected to.
    pub trial: String,
    /// The port.
    pub port: u16,
    /// The peer's address, `IP:PORT`.
    pub peer: String,
    /// When it was accepted.
    pub accepted_us: u64,
    /// When the first byte came in.
    pub first_byte_us: Option<u64>,
    /// The ClientHello, when one came.
    pub hello: Option<Hello>,
    /// What was negotiated, when the handshake was completed.
    pub tls: Option<TlsSeen>,
    /// Requests received, in order.
    pub requests: Vec<OriginRequest>,
    /// Bytes received from the peer on the socket.
    pub bytes_in: u64,
    /// Bytes sent to the peer on the socket.
    pub bytes_out: u64,
    /// Why the origin gave up, if it did (handshake failure, alert, HTTP error).
    pub error: Option<String>,
    /// Who closed, and when.
    pub closed: Option<Closed>,
}

/// The end of a connection as its origin saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// Who was first.
    pub by: ClosedBy,
    /// When.
    pub at_us: u64,
}

/// Who closed a connection first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClosedBy {
    /// The peer sent FIN.
    Peer,
    /// The peer sent RST.
    PeerReset,
    /// The origin closed.
    Origin,
}

/// A ClientHello (RFC 8446 section 4.1.2), as far as trials need it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Length of the handshake message with its header, bytes.
    pub len: u32,
    /// Versions offered, newest first as sent: `TLSv1.3`, `TLSv1.2`, GREASE left out.
    pub versions: Vec<String>,
    /// Cipher suites as sent, four hex digits each.
    pub suites: Vec<String>,
    /// Named groups as sent, by IANA name (or hex).
    pub groups: Vec<String>,
    /// Groups for which a key share was sent.
    pub key_shares: Vec<String>,
    /// Server name, if sent.
    pub sni: Option<String>,
    /// ALPN protocols offered.
    pub alpn: Vec<String>,
    /// Whether a session ticket or pre-shared key was offered.
    pub resuming: bool,
}

/// A request as the origin received it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginRequest {
    /// Method.
    pub method: String,
    /// Request target, bounded.
    pub target: String,
    /// `HTTP/1.1`.
    pub version: String,
    /// The Host header.
    pub host: String,
    /// Body bytes received.
    pub body_len: u64,
    /// SHA-256 of the body received, hex.
    pub body_sha256: String,
    /// Headers, names in lower case, at most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// When the request head was complete.
    pub at_us: u64,
}

/// One TCP connection as captured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Who opened it, `IP:PORT`.
    pub client: String,
    /// Who was connected to, `IP:PORT`.
    pub server: String,
    /// Packets in order, at most 64 from the start and 64 from the end.
    pub packets: Vec<Packet>,
    /// Packets left out of `packets`.
    pub dropped: u32,
    /// Payload bytes from client to server.
    pub bytes_to_server: u64,
    /// Payload bytes from server to client.
    pub bytes_to_client: u64,
}

/// One TCP segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packet {
    /// When the kernel saw it.
    pub at_us: u64,
    /// Which way.
    pub direction: Direction,
    /// Flags as tcpdump writes them: `S`, `S.`, `.`, `P.`, `F.`, `R`, `R.`.
    pub flags: String,
    /// Sequence number relative to the sender's initial one (SYN is 0, first byte is 1).
    pub seq: u32,
    /// Payload bytes.
    pub len: u32,
}

/// The direction of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the client (ATS) to the server (origin).
    ToServer,
    /// The other way.
    ToClient,
}
