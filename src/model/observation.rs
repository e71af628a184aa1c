//! Evidence as data: what client, origin, wire and logs saw of one trial.
//!
//! Times are microseconds since the Unix epoch. All come from one host, whose clock containers share, so they can be compared
//! across sources. Texts from containers are bounded and escaped when they are read from the engine.

use serde::{Deserialize, Serialize};

use super::line::LogLine;
use super::own::OwnSeen;
use super::tier::ParentSeen;

/// All evidence of one trial in one attempt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// What the client saw; `None` if it did not run.
    pub client: Option<ClientRun>,
    /// Every connection to the trial's origin, in order of acceptance.
    pub origin: Vec<OriginConnection>,
    /// TCP flows between ATS (or the direct client) and the trial's origin, as captured in ATS's
    /// network namespace.
    pub wire: Vec<Flow>,
    /// Number of packets of the whole capture that were lost because they were not read in time: `wire` may be incomplete.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub wire_lost: u64,
    /// Lines of ATS's logs that name this trial's host.
    pub logs: Vec<LogLine>,
    /// What was seen of the user's own configuration, in trials of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<OwnSeen>,
    /// The state of ATS while this trial ran.
    pub ats: AtsLife,
    /// What became of the image when it was started as it is delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<ImageStart>,
    /// What was seen at the parent, in a cell with two ATS. `wire` is then what the parent sent, and `logs` are the child's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ParentSeen>,
}

/// An image that was started as it is delivered: its entrypoint, user, environment and configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageStart {
    /// Its entrypoint and command.
    pub command: Vec<String>,
    /// The user that it names; empty for root.
    pub user: String,
    /// What its processes and ports showed, if they could be watched.
    pub served: Option<Served>,
    /// The exit code of its command, if that ended.
    pub exit: Option<i64>,
    /// Why the engine could not start its command at all.
    pub refused: Option<String>,
    /// The last lines of its output, bounded and escaped.
    pub said: Vec<String>,
}

/// What the processes and ports of a started image showed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// Whether one of its processes has the threads of `traffic_server`.
    pub server: bool,
    /// The TCP ports that listened, sorted, at most 16.
    pub ports: Vec<u16>,
    /// The first line of what one of them answered to a request, bounded.
    pub answer: Option<String>,
    /// Whether the same process still served and answered a second after that.
    pub stayed: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// How much earlier than the client the origin may apply the deadline, microseconds.
const DEADLINE_SKEW_US: u64 = 500_000;

impl Observation {
    /// The time from which on connections end because of the trial's deadline, microseconds since the epoch. Client and
    /// origin apply it independently, so which of them closes first is random.
    pub fn deadline_us(&self) -> u64 {
        let overdue =
            |exchange: &&Exchange| exchange.error.as_ref().is_some_and(|error| error.text.starts_with(OVERDUE));
        let ended = |exchange: &Exchange| exchange.started_us.saturating_add(exchange.total_us);
        let exchanges = self.client.iter().flat_map(|run| &run.exchanges);
        exchanges.filter(overdue).map(ended).min().map_or(u64::MAX, |at| at.saturating_sub(DEADLINE_SKEW_US))
    }
}

/// The state of the ATS process while a trial ran.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AtsLife {
    /// It ran before and after the trial.
    #[default]
    Alive,
    /// It never became ready; the reason.
    NeverReady(String),
    /// It ended by itself; the exit status or signal.
    Died(String),
}

/// What the client did and saw.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ClientRun {
    /// One exchange per request, in order. Of a load only requests that were not answered with 200, at most 5; of a load during
    /// a reload also the first request under the new rule, before them.
    pub exchanges: Vec<Exchange>,
    /// The outcome of a load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
    /// How long this ATS took for a response that needs no origin, microseconds: the slower of one right before and one right
    /// after the trial. Times of a timed trial are compared with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_us: Option<u64>,
}

/// The outcome of many equal requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Number of requests sent.
    pub sent: u32,
    /// Number of requests answered with 200 and the whole body.
    pub whole: u32,
    /// During a reload: whether the same `traffic_server` process runs before and after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_process: Option<bool>,
}

/// Start of the error text when the trial's deadline passed without activity and the client closed the connection.
pub const OVERDUE: &str = "nothing more within the trial's deadline";

/// One request and what came back.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// HTTP status; `None` without a response.
    pub status: Option<u16>,
    /// The reason phrase as sent; ATS puts the text of its error there.
    pub reason: String,
    /// `HTTP/1.1` or `HTTP/2.0`; empty if not recorded.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Response headers (names in lower case), at most 32.
    pub headers: Vec<(String, String)>,
    /// Body bytes received.
    pub body_len: u64,
    /// SHA-256 of the body received, hex.
    pub body_sha256: String,
    /// The first 16 KiB of a body with a content type, escaped: an error page, or the response of another program.
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
    /// When the client started to connect, microseconds since the epoch.
    pub started_us: u64,
    /// Microseconds from the start to the response head, if any.
    pub head_us: Option<u64>,
    /// Microseconds from the start to the end of the exchange.
    pub total_us: u64,
}

/// Why an exchange did not complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientError {
    /// The phase in which it failed.
    pub phase: ClientPhase,
    /// The error's text, bounded.
    pub text: String,
}

/// The phase in which a client failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientPhase {
    /// The program (curl) is missing in the image.
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
    /// At a client: the owner of the peer's certificate, `ats` or `origin`. At an origin: `client` if the client sent one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub peer: String,
}

/// One TCP connection as its origin saw it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OriginConnection {
    /// The trial of the port.
    pub trial: String,
    /// The origin's port.
    pub port: u16,
    /// The peer's address, `IP:PORT`.
    pub peer: String,
    /// When the connection was accepted.
    pub accepted_us: u64,
    /// When the first byte was received.
    pub first_byte_us: Option<u64>,
    /// The ClientHello, if one was received.
    pub hello: Option<Hello>,
    /// What was negotiated, if the handshake completed.
    pub tls: Option<TlsSeen>,
    /// Requests received, in order.
    pub requests: Vec<OriginRequest>,
    /// Bytes received from the peer on the socket.
    pub bytes_in: u64,
    /// Bytes sent to the peer on the socket.
    pub bytes_out: u64,
    /// Why the origin ended the connection, if it did: handshake failure, alert or HTTP error.
    pub error: Option<String>,
    /// Which end closed first, and when.
    pub closed: Option<Closed>,
}

/// The end of a connection as its origin saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// The end that closed first.
    pub by: ClosedBy,
    /// When it closed, microseconds since the epoch.
    pub at_us: u64,
}

/// The end that closed a connection first.
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

/// The parts of a ClientHello (RFC 8446 section 4.1.2) that trials need.
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
    /// Extensions as sent, by IANA name (or number), GREASE left out. Empty in observations of an older atsmatrix.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<String>,
    /// Signature algorithms as sent, by IANA name (or hex). Empty in observations of an older atsmatrix.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<String>,
}

/// Bytes of a TLS record's header (RFC 8446 section 5.1).
const RECORD_HEADER: u32 = 5;

impl Hello {
    /// Bytes that it takes on the wire in one record.
    pub fn on_the_wire(&self) -> u32 {
        self.len.saturating_add(RECORD_HEADER)
    }
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
    /// When the request head was complete, microseconds since the epoch.
    pub at_us: u64,
}

/// One TCP connection as captured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// The end that opened the connection, `IP:PORT`.
    pub client: String,
    /// The other end, `IP:PORT`.
    pub server: String,
    /// Packets in order, at most 64 from the start and 64 from the end.
    pub packets: Vec<Packet>,
    /// Number of packets omitted from `packets`.
    pub dropped: u32,
    /// Payload bytes from client to server.
    pub bytes_to_server: u64,
    /// Payload bytes from server to client.
    pub bytes_to_client: u64,
}

/// One TCP segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packet {
    /// When the kernel saw it, microseconds since the epoch.
    pub at_us: u64,
    /// Direction of the segment.
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
    /// From the server to the client.
    ToClient,
}
