//! pcapng files of Ethernet frames (draft-ietf-opsawg-pcapng): Section Header, Interface Description, Enhanced Packet
//! and Decryption Secrets Blocks, little-endian.

use super::segment::Frame;

const SECTION_HEADER: u32 = 0x0A0D_0D0A;
const INTERFACE: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const SECRETS: u32 = 0x0A;
const BYTE_ORDER: u32 = 0x1A2B_3C4D;
/// Secrets type `TLSK`: lines of an SSLKEYLOGFILE.
const TLS_KEY_LOG: u32 = 0x544C_534B;
const ETHERNET: u16 = 1;

const OPT_COMMENT: u16 = 1;
const EPB_FLAGS: u16 = 2;
const IF_TSRESOL: u16 = 9;
const SHB_USERAPPL: u16 = 4;

/// Longest comment, bytes; longer ones are cut.
const MAX_COMMENT: usize = 1024;

/// Longest key log, bytes: about 300 connections. Longer ones are cut.
const MAX_SECRETS: usize = 256 * 1024;

/// A pcapng file of `frames` with times in nanoseconds, directions, and `comment` (a trial's id) on the section. Its
/// size is that of the frames plus 44 to 47 bytes each.
pub fn file<'a>(frames: impl IntoIterator<Item = Frame<'a>>, snaplen: u32, comment: &str) -> Vec<u8> {
    let mut out = Vec::new();
    block(&mut out, SECTION_HEADER, |body| {
        body.extend(BYTE_ORDER.to_le_bytes());
        body.extend([1, 0, 0, 0]);
        body.extend(u64::MAX.to_le_bytes());
        option(body, OPT_COMMENT, bounded(comment, MAX_COMMENT).as_bytes());
        option(body, SHB_USERAPPL, b"atsmatrix");
        option(body, 0, &[]);
    });
    block(&mut out, INTERFACE, |body| {
        body.extend(ETHERNET.to_le_bytes());
        body.extend([0, 0]);
        body.extend(snaplen.to_le_bytes());
        option(body, IF_TSRESOL, &[9]);
        option(body, 0, &[]);
    });
    for frame in frames {
        packet(&mut out, &frame);
    }
    out
}

fn packet(out: &mut Vec<u8>, frame: &Frame<'_>) {
    // Frames of a packet socket are far shorter than 4 GiB; a longer one would be cut.
    let captured = u32::try_from(frame.bytes.len()).unwrap_or(u32::MAX);
    block(out, ENHANCED_PACKET, |body| {
        body.extend(0u32.to_le_bytes());
        let at = frame.at_ns.to_le_bytes();
        body.extend(&at[4..]);
        body.extend(&at[..4]);
        body.extend(captured.to_le_bytes());
        body.extend(frame.len.max(captured).to_le_bytes());
        body.extend(&frame.bytes[..captured as usize]);
        pad(body);
        // Bits 0 and 1: 01 came in, 10 went out.
        option(body, EPB_FLAGS, &(if frame.outgoing { 2u32 } else { 1 }).to_le_bytes());
        option(body, 0, &[]);
    });
}

/// `file` with the lines of an SSLKEYLOGFILE in a Decryption Secrets Block right after the section header, where
/// Wireshark reads it before the packets. The lines come from another container, after the packets, so they are
/// inserted afterwards. `None` if `file` does not start with a section header as [`file()`] writes it.
pub fn with_secrets(file: &[u8], key_log: &str) -> Option<Vec<u8>> {
    let begin = SECTION_HEADER.to_le_bytes();
    let len = u32::from_le_bytes(file.strip_prefix(&begin)?.first_chunk().copied()?);
    let (section, rest) = file.split_at_checked(len as usize)?;
    let key_log = bounded(key_log, MAX_SECRETS);
    let mut out = section.to_vec();
    block(&mut out, SECRETS, |body| {
        body.extend(TLS_KEY_LOG.to_le_bytes());
        // At most MAX_SECRETS, so it fits.
        body.extend(u32::try_from(key_log.len()).unwrap_or(0).to_le_bytes());
        body.extend(key_log.as_bytes());
        pad(body);
    });
    out.extend(rest);
    Some(out)
}

/// Writes a block: type, length, body, length again.
fn block(out: &mut Vec<u8>, kind: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let mut content = Vec::new();
    body(&mut content);
    let len = u32::try_from(content.len() + 12).unwrap_or(u32::MAX).to_le_bytes();
    out.extend(kind.to_le_bytes());
    out.extend(len);
    out.extend(content);
    out.extend(len);
}

/// Writes an option: code, length of the value, value, padding. Code 0 ends the list.
fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    body.extend(code.to_le_bytes());
    body.extend(u16::try_from(value.len()).unwrap_or(0).to_le_bytes());
    body.extend(value);
    pad(body);
}

/// Pads to whole words of four bytes.
fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}

fn bounded(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_small_file_is_exactly_these_bytes() {
        let frame = Frame { at_ns: 0x0102_0304_0506_0708, outgoing: true, len: 60, bytes: &[0xaa, 0xbb, 0xcc] };
        let expected = [
            "0a0d0d0a 3c000000 4d3c2b1a 01000000 ffffffffffffffff",
            "0100 0700 746c732d67657400 0400 0900 6174736d6174726978000000 0000 0000 3c000000",
            "01000000 20000000 0100 0000 00080000 0900 0100 09000000 0000 0000 20000000",
            "06000000 30000000 00000000 04030201 08070605 03000000 3c000000 aabbcc00",
            "0200 0400 02000000 0000 0000 30000000",
        ];
        let hex = expected.concat().replace(' ', "");
        let bytes: Vec<u8> =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        assert_eq!(file([frame], 2048, "tls-get"), bytes);
    }

    /// Blocks of a file as (type, body), checking both lengths of each.
    fn blocks(mut file: &[u8]) -> Vec<(u32, &[u8])> {
        let mut blocks = Vec::new();
        while !file.is_empty() {
            let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
            let len = word(4) as usize;
            assert_eq!((len % 4, word(len - 4) as usize), (0, len));
            blocks.push((word(0), &file[8..len - 4]));
            file = &file[len..];
        }
        blocks
    }

    #[test]
    fn secrets_come_before_the_packets() {
        let frame = Frame { at_ns: 1, outgoing: false, len: 1, bytes: &[1] };
        let plain = file([frame], 2048, "x");
        let keyed = with_secrets(&plain, "CLIENT_RANDOM 00 11\n").unwrap();
        let kinds: Vec<u32> = blocks(&keyed).iter().map(|block| block.0).collect();
        assert_eq!(kinds, [SECTION_HEADER, SECRETS, INTERFACE, ENHANCED_PACKET]);
        assert_eq!(blocks(&keyed)[1].1, b"KSLT\x14\0\0\0CLIENT_RANDOM 00 11\n");
        for wrong in [&b"no pcapng"[..], &plain[..20], &[]] {
            assert_eq!(with_secrets(wrong, "x"), None);
        }
    }

    proptest! {
        #[test]
        fn every_frame_can_be_read_back(
            frames in prop::collection::vec((any::<u64>(), any::<bool>(), prop::collection::vec(any::<u8>(), 0..50)), 0..5),
            comment in "\\PC{0,600}",
        ) {
            let frame = |(at_ns, outgoing, bytes): &'_ (u64, bool, Vec<u8>)| (*at_ns, *outgoing, bytes.clone());
            let owned: Vec<_> = frames.iter().map(frame).collect();
            let file = file(owned.iter().map(|(at_ns, outgoing, bytes)| Frame { at_ns: *at_ns, outgoing: *outgoing, len: 99, bytes }), 2048, &comment);
            let blocks = blocks(&file);
            prop_assert_eq!(blocks.len(), 2 + frames.len());
            for ((at_ns, outgoing, bytes), (kind, body)) in owned.iter().zip(&blocks[2..]) {
                let word = |at: usize| u32::from_le_bytes(body[at..at + 4].try_into().unwrap());
                prop_assert_eq!(*kind, ENHANCED_PACKET);
                prop_assert_eq!(u64::from(word(4)) << 32 | u64::from(word(8)), *at_ns);
                prop_assert_eq!(word(12) as usize, bytes.len());
                prop_assert_eq!(&body[20..20 + bytes.len()], &bytes[..]);
                prop_assert_eq!(word(20 + bytes.len().next_multiple_of(4) + 4), if *outgoing { 2 } else { 1 });
            }
        }
    }
}
