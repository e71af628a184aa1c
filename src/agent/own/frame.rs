//! How the files of a configuration of the user's own reach the agent of a cell: in one piece on stdin, behind its key. They
//! may hold keys, so they are in no image, environment, label or log.

use std::collections::BTreeMap;
use std::io::{BufRead, Read, Write as _};

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::config::matrix::{LocalContent, LocalFile, LocalFiles};

/// Most characters of the piece. Files are limited to 64 MiB where they are read; what cannot be compressed grows by base64,
/// twice.
const MAX_PIECE: u64 = 160 << 20;

/// Most bytes of the line with its length.
const MAX_LENGTH_LINE: u64 = 16;

/// Bytes of the files in it, unpacked.
const MAX_UNPACKED: u64 = 160 << 20;

/// A file on its way.
#[derive(Serialize, Deserialize)]
struct PackedFile {
    path: String,
    mode: u32,
    #[serde(flatten)]
    content: PackedContent,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PackedContent {
    Base64(String),
    Folder(()),
    Unreadable(String),
}

/// `files` as a piece of stdin: a line with its length, then that many characters.
///
/// # Errors
/// The files are too large for a cell.
pub fn pack(files: &LocalFiles) -> anyhow::Result<String> {
    let mut packed = Vec::new();
    for (path, LocalFile { mode, content }) in files.entries() {
        let content = match content {
            LocalContent::Bytes(bytes) => PackedContent::Base64(STANDARD.encode(bytes)),
            LocalContent::Folder => PackedContent::Folder(()),
            LocalContent::Unreadable(why) => PackedContent::Unreadable(why.clone()),
            // Links are followed where the files are read.
            LocalContent::Link(_) => continue,
        };
        packed.push(PackedFile { path: path.clone(), mode: *mode, content });
    }
    let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    deflate.write_all(&serde_json::to_vec(&packed)?)?;
    let piece = STANDARD.encode(deflate.finish()?);
    ensure!(
        piece.len() as u64 <= MAX_PIECE,
        "the configuration is too large for a cell: leave out what ATS does not read"
    );
    Ok(format!("{}\n{piece}", piece.len()))
}

/// Reads what [`pack`] made.
pub(in crate::agent) fn unpack(stdin: &mut impl BufRead) -> anyhow::Result<BTreeMap<String, LocalFile>> {
    const CUT: &str = "the configuration did not arrive on stdin: the run that started this container is gone";
    let mut line = String::new();
    stdin.by_ref().take(MAX_LENGTH_LINE).read_line(&mut line).context(CUT)?;
    let length: u64 = line.trim_end_matches('\n').parse().context(CUT)?;
    ensure!(length <= MAX_PIECE, "the configuration on stdin is said to have {length} characters");
    let mut piece = Vec::new();
    stdin.by_ref().take(length).read_to_end(&mut piece).context(CUT)?;
    ensure!(piece.len() as u64 == length, CUT);
    let deflated = STANDARD.decode(piece).context("the configuration on stdin is not base64")?;
    let mut json = Vec::new();
    let unpacked = flate2::read::ZlibDecoder::new(deflated.as_slice()).take(MAX_UNPACKED).read_to_end(&mut json);
    unpacked.context("cannot inflate the configuration on stdin")?;
    let packed: Vec<PackedFile> = serde_json::from_slice(&json)
        .context("the configuration on stdin was written by another version of atsmatrix")?;
    let mut files = BTreeMap::new();
    for PackedFile { path, mode, content } in packed {
        let stays = !path.is_empty() && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        ensure!(stays, "a file of the configuration has the path {path:?}");
        let content = match content {
            PackedContent::Base64(text) => LocalContent::Bytes(STANDARD.decode(text).context("a file is not base64")?),
            PackedContent::Folder(()) => LocalContent::Folder,
            PackedContent::Unreadable(why) => LocalContent::Unreadable(why),
        };
        files.insert(path, LocalFile { mode, content });
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(content: &[u8]) -> LocalFiles {
        LocalFiles::new(BTreeMap::from([
            ("ssl".to_owned(), LocalFile { mode: 0o700, content: LocalContent::Folder }),
            ("ssl/a.key".to_owned(), LocalFile { mode: 0o400, content: LocalContent::Bytes(content.to_vec()) }),
            ("b.key".to_owned(), LocalFile { mode: 0, content: LocalContent::Unreadable("permission denied".into()) }),
        ]))
    }

    #[test]
    fn files_arrive_as_they_were_and_nothing_behind_them_is_taken() {
        let sent = files(&[0, 255, 10, 13]);
        let mut stdin = std::io::Cursor::new(format!("{}rest", pack(&sent).unwrap()));
        assert_eq!(&unpack(&mut stdin).unwrap(), sent.entries());
        let mut rest = String::new();
        stdin.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "rest");
    }

    #[test]
    fn a_cut_or_foreign_piece_is_refused() {
        let whole = pack(&files(b"x")).unwrap();
        let refused = |text: &str| unpack(&mut std::io::Cursor::new(text.to_owned())).is_err();
        assert!(!refused(&whole));
        for cut in 0..whole.len() {
            assert!(refused(&whole[..cut]), "{cut}");
        }
        assert!(refused(&format!("{}\n", u64::MAX)) && refused("9\nnot a zip"));
        let climbing = LocalFile { mode: 0o644, content: LocalContent::Bytes(Vec::new()) };
        let climbing = LocalFiles::new(BTreeMap::from([("../x".to_owned(), climbing)]));
        assert!(refused(&pack(&climbing).unwrap()));
    }
}
