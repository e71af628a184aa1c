//! The content of request and response bodies: a pattern that both ends can generate and check, so that a truncated,
//! doubled or altered body shows (a reset mid-body gives ATS clients a clean 200).

use std::sync::OnceLock;

use sha2::{Digest, Sha256};

/// Not a power of two, so that a lost or doubled block shifts the pattern.
const PERIOD: usize = 251;

/// `len` bytes of the pattern.
pub fn bytes(len: u64) -> Vec<u8> {
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let period: Vec<u8> = (0..PERIOD).map(|i| u8::try_from(i).unwrap_or(0)).collect();
    let mut bytes = period.repeat(len.div_ceil(PERIOD));
    bytes.truncate(len);
    bytes
}

/// SHA-256 of `len` bytes of the pattern, hex.
pub fn sha256(len: u64) -> String {
    static BLOCK: OnceLock<Vec<u8>> = OnceLock::new();
    let block = BLOCK.get_or_init(|| bytes((PERIOD * 256) as u64));
    let mut hash = Sha256::new();
    let mut left = len;
    while left > 0 {
        let take = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        hash.update(&block[..take]);
        left -= take as u64;
    }
    hex(&hash.finalize())
}

/// Length and SHA-256 of a body as it arrives.
#[derive(Debug, Clone, Default)]
pub struct Sum {
    len: u64,
    sha256: Sha256,
}

impl Sum {
    /// Length in bytes and SHA-256 in hex of a complete body.
    pub fn of(bytes: &[u8]) -> (u64, String) {
        let mut sum = Self::default();
        sum.add(bytes);
        sum.finish()
    }

    /// Adds the next bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.len += bytes.len() as u64;
        self.sha256.update(bytes);
    }

    /// Bytes so far.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether no bytes came so far.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The length, bytes, and the SHA-256 in hex.
    pub fn finish(self) -> (u64, String) {
        (self.len, hex(&self.sha256.finalize()))
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_bytes() {
        for len in [0, 1, 250, 251, 252, 64_256, 64_257, 1 << 20] {
            assert_eq!(sha256(len), hex(&Sha256::digest(bytes(len))), "{len}");
        }
    }
}
