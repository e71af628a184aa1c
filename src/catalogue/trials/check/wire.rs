//! What the captured packets must show.

use super::Check;
use crate::model::{Direction, Flow, Observation, Packet};
use crate::wire::facts;

/// Seen where the capture lost packets: what it does not show may still have happened.
pub(super) const INCOMPLETE: &str = "an incomplete capture";

/// The capture contains a flow like this.
fn flow(observation: &Observation, expected: &str, otherwise: &str, holds: impl Fn(&Flow) -> bool) -> Check {
    let held = observation.wire.iter().any(holds);
    let seen = match (held, observation.wire_lost) {
        (true, _) => expected,
        (false, 0) => otherwise,
        (false, _) => INCOMPLETE,
    };
    Check::new(held, expected, seen)
}

/// The origin's host answered a SYN with a RST: the port is closed.
pub(in crate::catalogue::trials) fn turned_away(observation: &Observation) -> Check {
    flow(observation, "a refused connection on the wire", "no refused connection on the wire", facts::refused)
}

/// The origin accepted, and then reset.
pub(in crate::catalogue::trials) fn reset_by_origin(observation: &Observation) -> Check {
    let reset = |flow: &Flow| facts::handshake_completed(flow) && facts::reset_by(flow) == Some(Direction::ToClient);
    flow(observation, "a reset by the origin on the wire", "no reset by the origin on the wire", reset)
}

/// A SYN carried data: TCP Fast Open (RFC 7413).
pub(in crate::catalogue::trials) fn syn_data(observation: &Observation) -> Check {
    let syn = |packet: &Packet| packet.direction == Direction::ToServer && packet.flags.contains('S');
    let carries = |flow: &Flow| flow.packets.iter().any(|packet| syn(packet) && packet.len > 0);
    flow(observation, "data in a SYN", "no data in any SYN", carries)
}

/// ATS did not try to connect.
pub(in crate::catalogue::trials) fn no_flow(observation: &Observation) -> Check {
    let held = observation.wire.is_empty();
    Check::new(held, "no packet to the origin", if held { "no packet to the origin" } else { "packets to the origin" })
}
