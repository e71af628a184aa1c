//! Whether the size of a ClientHello changed by as much as what is in it.

use crate::model::BehaviourPart;

use super::defaults::HYBRID;
use super::expected::Case;
use super::record::THEN;
use super::turn::{PADDED, bytes};

/// The least size on the wire of a ClientHello that OpenSSL pads.
const LEAST_PADDED: i64 = 261;

/// The sizes of each `ClientHello` of a trial, in pairs: of the older and of the newer OpenSSL. Empty if they did not change, or
/// another number was sent.
pub(super) struct Sizes(Vec<(u32, u32)>);

impl Sizes {
    pub(super) fn of(cases: &[Case<'_>]) -> Self {
        let size = |case: &Case<'_>| -> Option<Vec<(u32, u32)>> {
            let all = |value: Option<&str>| value?.split(THEN).map(bytes).collect::<Option<Vec<u32>>>();
            let (older, newer) = (all(case.older())?, all(case.newer())?);
            (older.len() == newer.len()).then(|| older.into_iter().zip(newer).collect())
        };
        Self(cases.iter().find(|case| case.part == BehaviourPart::Size).and_then(size).unwrap_or_default())
    }

    fn all(&self, is: impl Fn(u32, u32) -> bool) -> bool {
        !self.0.is_empty() && self.0.iter().all(|(older, newer)| is(*older, *newer))
    }

    /// Whether all were padded, and are now too large for it.
    pub(super) fn outgrew_padding(&self) -> bool {
        self.all(|older, newer| older == PADDED && newer > PADDED)
    }

    /// Whether all were at most `limit`, and are now larger.
    pub(super) fn outgrew(&self, limit: u32) -> bool {
        self.all(|older, newer| older <= limit && newer > limit)
    }

    /// Whether the sizes changed by as much as the entries that were gained and lost are large.
    pub(super) fn follow_from(&self, cases: &[Case<'_>]) -> bool {
        let Some((least, most)) = growth(cases) else { return false };
        self.all(|older, newer| {
            // What was padded was smaller by an unknown number of bytes.
            let unpadded = |size: u32| {
                let least = if size == PADDED { LEAST_PADDED } else { i64::from(size) };
                (least, i64::from(size))
            };
            let (older, newer) = (unpadded(older), unpadded(newer));
            newer.0 <= older.1 + most && newer.1 >= older.0 + least
        })
    }
}

/// By how many bytes the entries that were gained and lost make a ClientHello larger: at least and at most.
fn growth(cases: &[Case<'_>]) -> Option<(i64, i64)> {
    let (mut least, mut most) = (0, 0);
    for case in cases.iter().filter(|case| case.part == BehaviourPart::Hello) {
        let (gained, lost) = case.moved()?;
        for name in &gained {
            let (small, large) = length(case.aspect, name)?;
            (least, most) = (least + small, most + large);
        }
        for name in &lost {
            let (small, large) = length(case.aspect, name)?;
            (least, most) = (least - large, most - small);
        }
    }
    Some((least, most))
}

/// Bytes that an entry of a list takes in a ClientHello, at least and at most; `None`: unknown.
fn length(aspect: &str, name: &str) -> Option<(i64, i64)> {
    let exact = |bytes| Some((bytes, bytes));
    match (aspect, name) {
        ("suites" | "groups" | "signature algorithms", _) => exact(2),
        // A group, a length, and the key (RFC 8446 section 4.2.8; draft-ietf-tls-ecdhe-mlkem).
        ("key shares", HYBRID) => exact(2 + 2 + 1216),
        ("key shares", "x25519") => exact(2 + 2 + 32),
        // A number, two lengths, and one to three algorithms (RFC 8879 section 3).
        ("extensions", "compress_certificate") => Some((5 + 2, 5 + 6)),
        // A number and two lengths (RFC 5746 section 3.2).
        ("extensions", "renegotiation_info") => exact(5),
        // Its bytes are part of the range of a padded size.
        ("extensions", "padding") => exact(0),
        _ => None,
    }
}
