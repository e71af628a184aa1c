//! Packets of a capture file, pcap or pcapng, read as a stream through pcap-parser. Memory does not grow with the file.

use std::io::Read;

use pcap_parser::{Block, Linktype, PcapBlockOwned, PcapError, create_reader};

use super::segment::{LinkType, TcpSegment};

/// Bytes of the file held at a time, which bounds a block: packets have at most 256 KiB (tcpdump's largest snaplen).
const BUFFER: usize = 1 << 20;

/// Interfaces of a pcapng file that are kept apart.
const MAX_INTERFACES: usize = 4096;

/// What a capture file held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaptureSummary {
    /// Packets of all kinds.
    pub packets: u64,
    /// Packets that are no TCP, or of a link type that is not known.
    pub ignored: u64,
    /// Whether the file ended within a packet, as a capture that was killed or copied while it ran.
    pub cut: bool,
}

/// A file that is no capture, or a damaged one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// It is neither pcap nor pcapng.
    #[error("not a capture file: neither pcap nor pcapng")]
    NotACapture,
    /// A block that makes no sense; how many packets were read before it.
    #[error("damaged after packet {0}")]
    Damaged(u64),
    /// It could not be read.
    #[error("it cannot be read")]
    Unreadable,
}

/// One packet with a TCP segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapturedSegment<'a> {
    /// When it was captured, microseconds since the epoch; 0 if the file does not say.
    pub at_us: u64,
    /// The segment.
    pub segment: TcpSegment,
    /// Its payload, as far as it was captured.
    pub payload: &'a [u8],
}

/// How the packets of an interface are read.
#[derive(Debug, Clone, Copy)]
struct Interface {
    link: Option<LinkType>,
    /// Units of time in a second.
    resolution: u64,
    /// Seconds added to each time.
    offset: i64,
}

/// Gives every TCP segment of `file` to `take`, in order.
///
/// # Errors
/// When it is no capture, or damaged. What was read before that has been given.
pub fn read(
    file: impl Read + Send,
    mut take: impl FnMut(&CapturedSegment<'_>),
) -> Result<CaptureSummary, CaptureError> {
    let mut summary = CaptureSummary::default();
    let mut interfaces = Vec::new();
    let mut reader = create_reader(BUFFER, file).map_err(|error| match error {
        PcapError::ReadError => CaptureError::Unreadable,
        _ => CaptureError::NotACapture,
    })?;
    loop {
        match reader.next() {
            Ok((length, block)) => {
                on_block(&block, &mut interfaces, &mut summary, &mut take);
                reader.consume(length);
            }
            Err(PcapError::Eof) => return Ok(summary),
            Err(PcapError::UnexpectedEof) => {
                summary.cut = true;
                return Ok(summary);
            }
            Err(PcapError::ReadError) => return Err(CaptureError::Unreadable),
            Err(PcapError::Incomplete(_)) => {
                let before = reader.data().len();
                reader.refill().map_err(|_| CaptureError::Unreadable)?;
                // A block larger than the buffer would be asked for again and again.
                if reader.data().len() == before && !reader.reader_exhausted() {
                    return Err(CaptureError::Damaged(summary.packets));
                }
            }
            Err(_) => return Err(CaptureError::Damaged(summary.packets)),
        }
    }
}

fn on_block(
    block: &PcapBlockOwned<'_>,
    interfaces: &mut Vec<Interface>,
    summary: &mut CaptureSummary,
    take: &mut impl FnMut(&CapturedSegment<'_>),
) {
    let link_of = |link: Linktype| LinkType::of(link.0);
    let mut packet = |interface: Option<&Interface>, at_us: u64, bytes: &[u8], len: u32| {
        summary.packets += 1;
        match interface.and_then(|interface| interface.link).and_then(|link| link.segment(bytes, len)) {
            Some((segment, payload)) => take(&CapturedSegment { at_us, segment, payload }),
            None => summary.ignored += 1,
        }
    };
    match block {
        PcapBlockOwned::LegacyHeader(header) => {
            let resolution = if header.is_nanosecond_precision() { 1_000_000_000 } else { 1_000_000 };
            *interfaces = vec![Interface { link: link_of(header.network), resolution, offset: 0 }];
        }
        PcapBlockOwned::Legacy(it) => {
            let interface = interfaces.first();
            let fraction = interface.map_or(0, |one| to_us(u64::from(it.ts_usec), one));
            let at_us = u64::from(it.ts_sec).saturating_mul(1_000_000).saturating_add(fraction);
            packet(interface, at_us, it.data, it.origlen);
        }
        // Interfaces are counted anew in each section.
        PcapBlockOwned::NG(Block::SectionHeader(_)) => interfaces.clear(),
        PcapBlockOwned::NG(Block::InterfaceDescription(it)) if interfaces.len() < MAX_INTERFACES => {
            let resolution = it.ts_resolution().unwrap_or(1_000_000);
            interfaces.push(Interface { link: link_of(it.linktype), resolution, offset: it.ts_offset() });
        }
        PcapBlockOwned::NG(Block::EnhancedPacket(it)) => {
            let interface = usize::try_from(it.if_id).ok().and_then(|at| interfaces.get(at));
            let units = u64::from(it.ts_high) << 32 | u64::from(it.ts_low);
            let at_us = interface.map_or(0, |one| to_us(units, one));
            // The data has the padding of the block.
            let captured = usize::try_from(it.caplen).map_or(it.data, |len| &it.data[..len.min(it.data.len())]);
            packet(interface, at_us, captured, it.origlen);
        }
        PcapBlockOwned::NG(Block::SimplePacket(it)) => packet(interfaces.first(), 0, it.data, it.origlen),
        PcapBlockOwned::NG(_) => {}
    }
}

/// Microseconds of a time of this interface.
fn to_us(units: u64, interface: &Interface) -> u64 {
    let us = u128::from(units) * 1_000_000 / u128::from(interface.resolution.max(1));
    let offset = interface.offset.saturating_mul(1_000_000);
    u64::try_from(us).unwrap_or(u64::MAX).saturating_add_signed(offset)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::segment::tests::frame;
    use crate::wire::{Frame, pcapng};

    /// A classic pcap file with one packet.
    fn pcap(link: u32, bytes: &[u8], magic: u32) -> Vec<u8> {
        let length = u32::try_from(bytes.len()).unwrap();
        let words = [magic, 0x0004_0002, 0, 0, 65535, link, 7, 500, length, length];
        words.iter().flat_map(|word| word.to_le_bytes()).chain(bytes.iter().copied()).collect()
    }

    /// Time, addresses with flags, and length of the payload of each segment; and how it ended.
    type Segments = (Vec<(u64, String, usize)>, Result<CaptureSummary, CaptureError>);

    fn segments(file: &[u8]) -> Segments {
        let mut seen = Vec::new();
        let summary = read(file, |it| {
            let flags = it.segment.flags;
            seen.push((
                it.at_us,
                format!("{} > {} {flags}", it.segment.source, it.segment.destination),
                it.payload.len(),
            ));
        });
        (seen, summary)
    }

    #[test]
    fn both_formats_and_every_link_type_are_read() {
        let ethernet = frame((1, 40000), (2, 443), 0x18, 7, b"hello");
        let ip = &ethernet[14..];
        let cooked: Vec<u8> = [&[0; 14], &[8, 0][..], ip].concat();
        let cooked_2: Vec<u8> = [&[8, 0][..], &[0; 18], ip].concat();
        let expected = |at| vec![(at, "10.0.0.1:40000 > 10.0.0.2:443 P.".to_owned(), 5)];
        for (link, bytes) in [(1, ethernet.as_slice()), (101, ip), (113, &cooked), (276, &cooked_2)] {
            assert_eq!(segments(&pcap(link, bytes, 0xA1B2_C3D4)).0, expected(7_000_500), "link type {link}");
        }
        // Times in nanoseconds.
        assert_eq!(segments(&pcap(1, &ethernet, 0xA1B2_3C4D)).0, expected(7_000_000));
        let len = u32::try_from(ethernet.len()).unwrap();
        let own = pcapng::file([Frame { at_ns: 7_000_500_000, outgoing: true, len, bytes: &ethernet }], 256, "trial");
        assert_eq!(segments(&own).0, expected(7_000_500));
    }

    #[test]
    fn other_files_damage_and_a_cut_are_told_apart() {
        assert_eq!(
            segments(b"12:00:01 IP 10.0.0.1.4 > 10.0.0.2.443: Flags [S], length 0\n").1,
            Err(CaptureError::NotACapture)
        );
        let whole = pcap(1, &frame((1, 40000), (2, 443), 2, 7, b""), 0xA1B2_C3D4);
        let cut = segments(&[whole.as_slice(), &whole[24..40]].concat());
        assert_eq!((cut.0.len(), cut.1), (1, Ok(CaptureSummary { packets: 1, ignored: 0, cut: true })));
        let other = segments(&pcap(147, b"who knows", 0xA1B2_C3D4)).1;
        assert_eq!(other, Ok(CaptureSummary { packets: 1, ignored: 1, cut: false }));
    }

    proptest! {
        #[test]
        fn no_bytes_cause_a_panic_or_an_endless_loop(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = segments(&bytes);
        }

        #[test]
        fn no_damage_causes_a_panic_or_an_endless_loop(at in 0usize..200, value in any::<u8>(), cut in 0usize..300) {
            let bytes = frame((1, 40000), (2, 443), 0x18, 7, &[0; 20]);
            let len = u32::try_from(bytes.len()).unwrap();
            for mut file in [pcap(1, &bytes, 0xA1B2_C3D4), pcapng::file([Frame { at_ns: 1, outgoing: true, len, bytes: &bytes }], 99, "")] {
                let at = at % file.len();
                file[at] = value;
                file.truncate(cut);
                let _ = segments(&file);
            }
        }
    }
}
