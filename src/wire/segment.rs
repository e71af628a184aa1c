//! A captured frame and the TCP segment in it: Ethernet, IPv4, IPv6 and TCP headers, through etherparse.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TcpSlice, TransportSlice};

/// A frame as a packet socket delivers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// When the kernel saw it, nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// Whether this host sent it (`PACKET_OUTGOING` of packet(7)).
    pub outgoing: bool,
    /// Its length on the wire, bytes; `bytes` may be shorter.
    pub len: u32,
    /// The bytes captured, from the Ethernet header on.
    pub bytes: &'a [u8],
}

/// Flags of a TCP segment (RFC 9293 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags(u8);

impl Flags {
    /// The sender has no more data.
    pub const FIN: u8 = 0x01;
    /// Opens a connection.
    pub const SYN: u8 = 0x02;
    /// Resets the connection.
    pub const RST: u8 = 0x04;
    /// Acknowledges data.
    pub const ACK: u8 = 0x10;

    /// Whether every flag of `mask` is set.
    pub fn has(self, mask: u8) -> bool {
        self.0 & mask == mask
    }
}

/// The letters of tcpdump, in its order.
const LETTERS: [(u8, &str); 8] = [
    (Flags::FIN, "F"),
    (Flags::SYN, "S"),
    (Flags::RST, "R"),
    (0x08, "P"),
    (Flags::ACK, "."),
    (0x20, "U"),
    (0x40, "E"),
    (0x80, "W"),
];

impl Flags {
    /// From the text that [`fmt::Display`] writes; `None`: it is not such a text.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "none" {
            return Some(Self(0));
        }
        let bit = |letter: char| LETTERS.iter().find(|(_, name)| name.starts_with(letter)).map(|(bit, _)| *bit);
        text.chars().map(bit).try_fold(0, |all, bit| Some(all | bit?)).map(Self)
    }
}

/// As tcpdump writes them: `S`, `S.`, `P.`, `FP.`, `SEW`, `none`.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("none");
        }
        LETTERS.iter().filter(|(bit, _)| self.has(*bit)).try_for_each(|(_, letter)| f.write_str(letter))
    }
}

/// A TCP segment without its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpSegment {
    /// Sender.
    pub source: SocketAddr,
    /// Receiver.
    pub destination: SocketAddr,
    /// Its flags.
    pub flags: Flags,
    /// Absolute sequence number.
    pub seq: u32,
    /// Payload bytes according to the IP header: the capture may have cut them.
    pub len: u32,
}

impl Frame<'_> {
    /// Whether this is the second copy of a frame on a loopback interface, where a packet socket sees
    /// each frame when it is sent and when it is received. Only there are both hardware addresses zero.
    pub fn is_loopback_copy(&self) -> bool {
        !self.outgoing && self.bytes.get(..12).is_some_and(|addresses| addresses.iter().all(|b| *b == 0))
    }

    /// The TCP segment in this frame; `None` for other protocols, VLAN tags and IP fragments.
    pub fn segment(&self) -> Option<TcpSegment> {
        let packet = LaxSlicedPacket::from_ethernet(self.bytes).ok()?;
        if !packet.link_exts.is_empty() {
            return None;
        }
        dissect(packet, self.bytes.len(), self.len).map(|(segment, _)| segment)
    }
}

/// What precedes the IP header of a captured packet (<https://www.tcpdump.org/linktypes.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkType {
    /// Ethernet, with or without VLAN tags.
    Ethernet,
    /// Linux cooked capture, 16 bytes: tcpdump's interface `any`.
    Cooked,
    /// Linux cooked capture, version 2, 20 bytes.
    CookedV2,
    /// Nothing.
    Ip,
    /// Four bytes with the address family: loopback interfaces of BSD.
    Loopback,
}

impl LinkType {
    /// By its number in capture files; `None`: not one that is known here.
    pub fn of(number: i32) -> Option<Self> {
        match number {
            0 | 108 => Some(Self::Loopback),
            1 => Some(Self::Ethernet),
            12 | 14 | 101 | 228 | 229 => Some(Self::Ip),
            113 => Some(Self::Cooked),
            276 => Some(Self::CookedV2),
            _ => None,
        }
    }

    /// The TCP segment in a packet that was `len` bytes long on the wire, and its payload as far as it was captured; `None`
    /// for other protocols and IP fragments.
    pub fn segment(self, bytes: &[u8], len: u32) -> Option<(TcpSegment, &[u8])> {
        // The EtherType is in the last two bytes of the one cooked header and in the first two of the other.
        let by_type = |header: usize, at: usize| {
            let number = u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]);
            Some(LaxSlicedPacket::from_ether_type(EtherType(number), bytes.get(header..)?))
        };
        let packet = match self {
            Self::Ethernet => LaxSlicedPacket::from_ethernet(bytes).ok()?,
            Self::Cooked => by_type(16, 14)?,
            Self::CookedV2 => by_type(20, 0)?,
            Self::Ip => LaxSlicedPacket::from_ip(bytes).ok()?,
            Self::Loopback => LaxSlicedPacket::from_ip(bytes.get(4..)?).ok()?,
        };
        dissect(packet, bytes.len(), len)
    }
}

/// The TCP segment of a packet, and its payload as far as it was captured: `captured` of `len` bytes.
fn dissect(packet: LaxSlicedPacket<'_>, captured: usize, len: u32) -> Option<(TcpSegment, &[u8])> {
    let Some(TransportSlice::Tcp(tcp)) = packet.transport else { return None };
    let tcp_header = u32::from(tcp.data_offset()) * 4;
    let (source, destination, payload): (IpAddr, IpAddr, Option<u32>) = match packet.net? {
        LaxNetSlice::Ipv4(ip) => {
            let header = ip.header();
            let headers = u32::from(header.ihl()) * 4 + tcp_header;
            let payload = u32::from(header.total_len()).checked_sub(headers);
            (header.source_addr().into(), header.destination_addr().into(), payload)
        }
        LaxNetSlice::Ipv6(ip) => {
            let header = ip.header();
            let extensions = u32::try_from(ip.extensions().slice().len()).ok()?;
            let payload = u32::from(header.payload_length()).checked_sub(extensions + tcp_header);
            (header.source_addr().into(), header.destination_addr().into(), payload)
        }
        LaxNetSlice::Arp(_) => return None,
    };
    // Segments above 64 KiB (BIG TCP) carry 0 in the IP header: then the frame's length counts.
    let by_frame = || len.checked_sub(u32::try_from(captured.checked_sub(tcp.payload().len())?).ok()?);
    let segment = TcpSegment {
        source: SocketAddr::new(source, tcp.source_port()),
        destination: SocketAddr::new(destination, tcp.destination_port()),
        flags: flags(&tcp),
        seq: tcp.sequence_number(),
        len: payload.or_else(by_frame)?,
    };
    Some((segment, tcp.payload()))
}

fn flags(tcp: &TcpSlice<'_>) -> Flags {
    // Byte 13 of the header. A slice has at least the 20 bytes of a header.
    Flags(tcp.slice().get(13).copied().unwrap_or_default())
}

#[cfg(test)]
pub(super) mod tests {
    use etherparse::PacketBuilder;
    use proptest::prelude::*;

    use super::*;

    /// An Ethernet frame with a TCP segment from and to `10.0.0.x:port`.
    pub(in crate::wire) fn frame(from: (u8, u16), to: (u8, u16), flags: u8, seq: u32, payload: &[u8]) -> Vec<u8> {
        let mut tcp = etherparse::TcpHeader::new(from.1, to.1, seq, 1000);
        tcp.fin = flags & 1 != 0;
        tcp.syn = flags & 2 != 0;
        tcp.rst = flags & 4 != 0;
        tcp.psh = flags & 8 != 0;
        tcp.ack = flags & 16 != 0;
        let builder =
            PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([10, 0, 0, from.0], [10, 0, 0, to.0], 64).tcp_header(tcp);
        let mut bytes = Vec::new();
        builder.write(&mut bytes, payload).unwrap();
        bytes
    }

    fn seen(bytes: &[u8]) -> Frame<'_> {
        Frame { at_ns: 0, outgoing: true, len: u32::try_from(bytes.len()).unwrap(), bytes }
    }

    #[test]
    fn lengths_come_from_the_ip_header_not_from_the_capture() {
        let whole = frame((1, 40000), (2, 8443), 0x18, 7, &[0; 1000]);
        let cut = Frame { bytes: &whole[..60], ..seen(&whole) };
        let segment = cut.segment().unwrap();
        assert_eq!((segment.len, segment.seq, segment.flags.to_string()), (1000, 7, "P.".into()));
        assert_eq!(segment.destination.to_string(), "10.0.0.2:8443");
    }

    #[test]
    fn padding_of_short_frames_is_not_payload() {
        let mut padded = frame((1, 40000), (2, 8443), 0x10, 7, &[]);
        padded.resize(80, 0);
        assert_eq!(seen(&padded).segment().unwrap().len, 0);
    }

    #[test]
    fn segments_above_64_kib_are_measured_by_the_frame() {
        let mut big = frame((1, 40000), (2, 8443), 0x10, 7, &[0; 100]);
        big[16..18].copy_from_slice(&[0, 0]);
        let segment = Frame { len: 54 + 200_000, ..seen(&big) }.segment();
        assert_eq!(segment.unwrap().len, 200_000);
    }

    #[test]
    fn ipv6_is_parsed_like_ipv4() {
        let mut bytes = Vec::new();
        PacketBuilder::ethernet2([2; 6], [4; 6])
            .ipv6([0xfd; 16], [0xfe; 16], 64)
            .tcp(1, 2, 3, 4)
            .syn()
            .write(&mut bytes, b"early")
            .unwrap();
        let segment = seen(&bytes).segment().unwrap();
        assert_eq!((segment.len, segment.source.port(), segment.source.is_ipv6()), (5, 1, true));
    }

    #[test]
    fn vlan_tags_and_other_protocols_are_ignored() {
        let mut udp = Vec::new();
        PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([1; 4], [2; 4], 9).udp(1, 2).write(&mut udp, &[]).unwrap();
        let mut vlan = Vec::new();
        PacketBuilder::ethernet2([2; 6], [4; 6])
            .single_vlan(etherparse::VlanId::ZERO)
            .ipv4([1; 4], [2; 4], 9)
            .tcp(1, 2, 3, 4)
            .write(&mut vlan, &[])
            .unwrap();
        assert_eq!((seen(&udp).segment(), seen(&vlan).segment()), (None, None));
    }

    #[test]
    fn the_received_copy_of_a_loopback_frame_is_recognised() {
        let mut bytes = frame((1, 1), (1, 2), 2, 0, &[]);
        assert!(!Frame { outgoing: false, ..seen(&bytes) }.is_loopback_copy(), "a frame of another host");
        bytes[..12].fill(0);
        assert!(Frame { outgoing: false, ..seen(&bytes) }.is_loopback_copy() && !seen(&bytes).is_loopback_copy());
    }

    #[test]
    fn flags_are_written_as_tcpdump_writes_them() {
        let flags = [2, 0x12, 0x10, 0x18, 0x11, 0x19, 4, 0x14, 0xc2, 0].map(Flags);
        assert_eq!(flags.map(|flags| Flags::parse(&flags.to_string())), flags.map(Some));
        let texts = flags.map(|flags| flags.to_string());
        assert_eq!(texts, ["S", "S.", ".", "P.", "F.", "FP.", "R", "R.", "SEW", "none"]);
    }

    proptest! {
        #[test]
        fn no_bytes_cause_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), len in any::<u32>()) {
            let _ = Frame { at_ns: 0, outgoing: false, len, bytes: &bytes }.segment();
        }

        #[test]
        fn no_damage_causes_a_panic(at in 0usize..154, value in any::<u8>(), cut in 0usize..154) {
            let mut bytes = frame((1, 40000), (2, 8443), 0x18, 7, &[0; 100]);
            bytes[at] = value;
            let _ = Frame { at_ns: 0, outgoing: false, len: 154, bytes: &bytes[..cut] }.segment();
        }
    }
}
