//! Extracts one file from a tar that an engine streams and checks its digest: a truncated stream must not become an
//! image.

use std::io::{Error, Result};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sha2::{Digest, Sha256};

use crate::engine::TarStream;

/// Size of the blocks of a tar, bytes.
const BLOCK: usize = 512;

/// The first file in `tar`. The stream ends with an error unless the file is complete and its SHA-256 is `sha256`, in hex.
pub(super) fn file(tar: TarStream, sha256: String) -> TarStream {
    let start = (tar, Unpacker { position: TarPosition::Header, buffer: BytesMut::new() }, Sha256::new(), sha256);
    stream::try_unfold(start, |(mut tar, mut unpacker, mut digest, sha256)| async move {
        loop {
            if let Some(piece) = unpacker.next()? {
                digest.update(&piece);
                return Ok(Some((piece, (tar, unpacker, digest, sha256))));
            }
            if matches!(unpacker.position, TarPosition::End) {
                break;
            }
            match tar.try_next().await? {
                Some(piece) => unpacker.buffer.extend_from_slice(&piece),
                None => return Err(Error::other("the engine sent only part of the file")),
            }
        }
        let hex = digest.finalize().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        if hex == sha256 {
            return Ok(None);
        }
        Err(Error::other(format!("the engine sent a different file: its sha256 is {hex} instead of {sha256}")))
    })
    .boxed()
}

/// A position in a tar.
enum TarPosition {
    Header,
    /// In an entry with metadata of the next one: the bytes left of it.
    Metadata(u64),
    /// In the file: the bytes left of it.
    File(u64),
    End,
}

/// Finds the file in the received part of a tar.
struct Unpacker {
    position: TarPosition,
    buffer: BytesMut,
}

impl Unpacker {
    /// The next piece of the file; `None`: more of the tar is needed, or the file has ended.
    fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            match self.position {
                TarPosition::Header if self.buffer.len() >= BLOCK => {
                    let block = self.buffer.split_to(BLOCK);
                    self.position = after(&block)?;
                }
                TarPosition::Metadata(0) => self.position = TarPosition::Header,
                TarPosition::File(0) => self.position = TarPosition::End,
                TarPosition::Metadata(left) if !self.buffer.is_empty() => {
                    self.position = TarPosition::Metadata(left - self.take(left).len() as u64);
                }
                TarPosition::File(left) if !self.buffer.is_empty() => {
                    let piece = self.take(left);
                    self.position = TarPosition::File(left - piece.len() as u64);
                    return Ok(Some(piece));
                }
                TarPosition::Header | TarPosition::Metadata(_) | TarPosition::File(_) | TarPosition::End => {
                    return Ok(None);
                }
            }
        }
    }

    /// Takes at most `left` bytes from the buffer.
    fn take(&mut self, left: u64) -> Bytes {
        let count = usize::try_from(left).map_or(self.buffer.len(), |left| left.min(self.buffer.len()));
        self.buffer.split_to(count).freeze()
    }
}

/// The position after a header.
fn after(block: &[u8]) -> Result<TarPosition> {
    let mut header = tar::Header::new_old();
    header.as_mut_bytes().copy_from_slice(block);
    let size = header.entry_size()?;
    let kind = header.entry_type();
    if kind.is_file() {
        Ok(TarPosition::File(size))
    } else if kind.is_pax_local_extensions() || kind.is_pax_global_extensions() || kind.is_gnu_longname() {
        Ok(TarPosition::Metadata(size.div_ceil(BLOCK as u64) * BLOCK as u64))
    } else {
        Err(Error::other("the engine sent something other than a file"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tar of one file with additional headers, as engines write them.
    fn packed(content: &[u8]) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        archive.append_pax_extensions([("comment", &[b'x'; 600][..])]).unwrap();
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, "rootfs.tar", content).unwrap();
        archive.into_inner().unwrap()
    }

    async fn unpacked(tar: &[u8], piece: usize, sha256: &str) -> Result<Vec<u8>> {
        let pieces: Vec<Result<Bytes>> = tar.chunks(piece).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        file(stream::iter(pieces).boxed(), sha256.to_owned())
            .try_fold(Vec::new(), |mut all, piece| async move {
                all.extend_from_slice(&piece);
                Ok(all)
            })
            .await
    }

    #[tokio::test]
    async fn the_file_is_extracted_however_the_tar_is_split_into_pieces() {
        for size in [0, 1, 511, 512, 513, 4000] {
            let content: Vec<u8> = (0..size).map(|n| u8::try_from(n % 251).unwrap()).collect();
            let (tar, sha256) = (packed(&content), crate::config::matrix::sha256_hex(&content));
            for piece in [1, 7, 512, 1000, 100_000] {
                assert_eq!(unpacked(&tar, piece, &sha256).await.unwrap(), content, "{size} in pieces of {piece}");
            }
        }
    }

    #[tokio::test]
    async fn a_truncated_or_changed_file_ends_with_an_error() {
        let content = vec![7; 2000];
        let (tar, sha256) = (packed(&content), crate::config::matrix::sha256_hex(&content));
        let begin = tar.windows(8).position(|eight| eight == [7; 8]).unwrap();
        for end in [0, 511, begin, begin + 1999] {
            let error = unpacked(&tar[..end], 100, &sha256).await.unwrap_err();
            assert!(error.to_string().contains("only part"), "{end}: {error}");
        }
        let mut changed = tar.clone();
        changed[begin + 9] = 8;
        let error = unpacked(&changed, 100, &sha256).await.unwrap_err();
        assert!(error.to_string().contains("a different file"), "{error}");
    }
}
