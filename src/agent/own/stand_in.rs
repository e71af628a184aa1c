//! Stand-ins for certificates and keys of the user's own that are not there: a private key often stays on its host.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;
use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::ats::site::{CertificateLine, ConfigFolder, SYSCONFDIR, inside};

/// The folder of the stand-ins below that of the configuration.
const STAND_INS: &str = ".atsmatrix";

/// Most lines with a stand-in: each costs a key.
const MAX_STAND_INS: usize = 500;

/// The OID `rsaEncryption` of the key in a certificate, in DER (RFC 8017).
const RSA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// The OID of subject alternative names, in DER (RFC 5280 section 4.2.1.6).
const ALTERNATIVE_NAMES: &[u8] = &[0x06, 0x03, 0x55, 0x1d, 0x11];

/// Most names of a stand-in.
const MAX_NAMES: usize = 100;

/// What was replaced.
pub(super) struct Replaced {
    /// The text of `ssl_multicert.config`, with the stand-ins.
    pub(super) multicert: String,
    /// One sentence for each stand-in.
    pub(super) notes: Vec<String>,
    /// Files that could not be read and have one.
    pub(super) unreadable: BTreeSet<String>,
}

/// Replaces each pair of certificate and key in `ssl_multicert.config` of which one is not there.
pub(super) fn replace(
    folder: &ConfigFolder,
    files: &BTreeMap<String, Vec<u8>>,
    unreadable: &BTreeMap<String, String>,
    at: &Path,
) -> anyhow::Result<Replaced> {
    let name = folder.file_name("ssl_multicert.config");
    let text = files.get(&name).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let (mut notes, mut replaced) = (Vec::new(), BTreeSet::new());
    let directory = |name: &str| {
        let found = folder.records.iter().rev().find(|record| record.name == format!("proxy.config.ssl.server.{name}"));
        found.map_or(SYSCONFDIR, |record| record.value.trim_matches(['\'', '"']))
    };
    let (certificates, keys) = (directory("cert.path"), directory("private_key.path"));
    for line in folder.certificates.iter().filter(|line| line.at.file == name) {
        let mut changed = line.clone();
        for (number, certificate) in line.certificates.iter().enumerate() {
            let certificate = absolute(certificates, certificate);
            let key = line.keys.get(number).map(|key| absolute(keys, key));
            let paths: Vec<&String> = std::iter::once(&certificate).chain(&key).collect();
            let Some(missing) = paths.iter().find(|path| !is_there(path, files)) else { continue };
            if notes.len() >= MAX_STAND_INS {
                break;
            }
            let bytes = inside(&certificate).and_then(|name| files.get(&name).cloned());
            let made = StandIn::like(bytes.or_else(|| std::fs::read(&certificate).ok()).as_deref())?;
            let path = made.write(&at.join(STAND_INS), notes.len())?;
            notes.push(note(line, missing, unreadable, made.kind));
            replaced.extend(paths.iter().filter_map(|path| inside(path)).filter(|path| unreadable.contains_key(path)));
            changed.put("ssl_cert_name", number, &path);
            if key.is_some() {
                changed.put("ssl_key_name", number, &path);
            }
        }
        if changed != *line
            && let Some(text) = lines.get_mut(line.at.line.saturating_sub(1))
        {
            *text = written(&changed.labels);
        }
    }
    let multicert = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    Ok(Replaced { multicert, notes, unreadable: replaced })
}

fn note(line: &CertificateLine, missing: &str, unreadable: &BTreeMap<String, String>, kind: &str) -> String {
    let why = inside(missing).and_then(|name| unreadable.get(&name));
    let why = why.map_or("is not there".to_owned(), |why| format!("could not be read where atsmatrix runs ({why})"));
    format!("{}: {missing} {why}: a self-signed stand-in ({kind}) is in its place", line.at)
}

impl CertificateLine {
    /// Sets file number `number` of a label that lists files.
    fn put(&mut self, label: &str, number: usize, path: &str) {
        for (_, value) in self.labels.iter_mut().filter(|(name, _)| name == label) {
            let mut files: Vec<&str> = value.split(',').map(str::trim).collect();
            if let Some(file) = files.get_mut(number) {
                *file = path;
            }
            *value = files.join(",");
        }
    }
}

/// The labels as a line. A value that cannot be quoted is left as it is.
fn written(labels: &[(String, String)]) -> String {
    let word = |(label, value): &(String, String)| {
        let quote = if value.contains([' ', '\t', '=']) && !value.contains('"') { "\"" } else { "" };
        format!("{label}={quote}{value}{quote}")
    };
    labels.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// The path that the file `name` of a setting means, whose directory is `directory`.
pub(super) fn absolute(directory: &str, name: &str) -> String {
    let name = name.trim_matches(['\'', '"']);
    if name.starts_with('/') {
        return name.to_owned();
    }
    let directory = directory.trim_end_matches('/');
    // Relative to the prefix, which an ATS of a package does not have.
    let root = if directory.starts_with('/') { "" } else { "/" };
    format!("{root}{directory}/{name}")
}

/// Whether the absolute path `path` is among `files`, or in the image.
pub(super) fn is_there(path: &str, files: &BTreeMap<String, Vec<u8>>) -> bool {
    match inside(path) {
        Some(name) => files.contains_key(&name),
        None => std::fs::File::open(path).is_ok(),
    }
}

/// A certificate with its key.
struct StandIn {
    pem: String,
    kind: &'static str,
}

impl StandIn {
    /// For the names of the certificate `pem` and with the same type of key, as far as they are known.
    fn like(pem: Option<&[u8]>) -> anyhow::Result<Self> {
        let der = pem.and_then(|pem| CertificateDer::from_pem_slice(pem).ok());
        let der = der.as_deref().unwrap_or_default();
        let is_rsa = der.windows(RSA.len()).any(|window| window == RSA);
        let (algorithm, kind) = if is_rsa {
            (&rcgen::PKCS_RSA_SHA256, "RSA 2048")
        } else {
            (&rcgen::PKCS_ECDSA_P256_SHA256, "ECDSA P-256")
        };
        let mut names = dns_names(der);
        if names.is_empty() {
            names.push("stand-in.test".to_owned());
        }
        let common = names[0].clone();
        let mut params = CertificateParams::new(names).context("cannot make a stand-in for a certificate")?;
        params.distinguished_name.push(DnType::CommonName, common);
        let key = KeyPair::generate_for(algorithm)?;
        let certificate = params.self_signed(&key)?;
        Ok(Self { pem: format!("{}{}", certificate.pem(), key.serialize_pem()), kind })
    }

    /// Writes both into one file and returns its path.
    fn write(&self, folder: &Path, number: usize) -> anyhow::Result<String> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let path = folder.join(format!("{number}.pem"));
        std::fs::write(&path, &self.pem).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path.display().to_string())
    }
}

/// The DNS names among the alternative names of a certificate.
fn dns_names(der: &[u8]) -> Vec<String> {
    let Some(at) = der.windows(ALTERNATIVE_NAMES.len()).position(|window| window == ALTERNATIVE_NAMES) else {
        return Vec::new();
    };
    let value = |bytes| {
        let (mut tag, mut value, rest) = element(bytes)?;
        // Whether the extension is critical comes first.
        if tag == 0x01 {
            (tag, value, _) = element(rest)?;
        }
        element(value).filter(|_| tag == 0x04)
    };
    let Some((0x30, mut names, _)) = value(&der[at + ALTERNATIVE_NAMES.len()..]) else { return Vec::new() };
    let mut found = Vec::new();
    while let Some((tag, value, rest)) = element(names) {
        if let (0x82, Ok(name), true) = (tag, std::str::from_utf8(value), found.len() < MAX_NAMES)
            && name.is_ascii()
        {
            found.push(name.to_owned());
        }
        names = rest;
    }
    found
}

/// The first element of DER: its tag, its value, and what follows.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => (usize::from(*rest.first()?), &rest[1..]),
        0x82 => {
            let (high, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*high)), rest)
        }
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((tag, value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_in_has_the_names_and_the_type_of_key_of_the_certificate() {
        for (algorithm, kind) in
            [(&rcgen::PKCS_RSA_SHA256, "RSA 2048"), (&rcgen::PKCS_ECDSA_P256_SHA256, "ECDSA P-256")]
        {
            let names = vec!["www.example.com".to_owned(), "*.example.org".to_owned()];
            let key = KeyPair::generate_for(algorithm).unwrap();
            let theirs = CertificateParams::new(names.clone()).unwrap().self_signed(&key).unwrap().pem();
            let made = StandIn::like(Some(theirs.as_bytes())).unwrap();
            assert_eq!(made.kind, kind);
            let der = CertificateDer::from_pem_slice(made.pem.as_bytes()).unwrap();
            assert_eq!(dns_names(&der), names);
            assert!(!made.pem.contains(&key.serialize_pem()));
        }
        for odd in [None, Some(b"not a certificate".as_slice())] {
            assert_eq!(StandIn::like(odd).unwrap().kind, "ECDSA P-256");
        }
    }

    #[test]
    fn only_pairs_that_are_not_whole_are_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let multicert = "# ours\nssl_cert_name=a.pem ssl_key_name=a.key\ndest_ip=* ssl_cert_name=/nowhere/b.pem,c.pem \
                         ssl_key_name=b.key,c.key action=tunnel\n";
        let files: BTreeMap<String, Vec<u8>> =
            [("ssl_multicert.config", multicert), ("a.pem", ""), ("a.key", ""), ("c.pem", "")]
                .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
                .into();
        let unreadable = BTreeMap::from([("c.key".to_owned(), "permission denied".to_owned())]);
        let done = replace(&ConfigFolder::read(&files), &files, &unreadable, dir.path()).unwrap();
        let at = dir.path().display();
        assert_eq!(
            done.multicert,
            format!(
                "# ours\nssl_cert_name=a.pem ssl_key_name=a.key\ndest_ip=* ssl_cert_name={at}/.atsmatrix/0.pem,{at}/.atsmatrix/1.pem \
                 ssl_key_name={at}/.atsmatrix/0.pem,{at}/.atsmatrix/1.pem action=tunnel\n"
            )
        );
        assert_eq!(
            done.notes,
            [
                "ssl_multicert.config:3: /nowhere/b.pem is not there: a self-signed stand-in (ECDSA P-256) is in its place",
                "ssl_multicert.config:3: /etc/trafficserver/c.key could not be read where atsmatrix runs (permission denied): a \
                 self-signed stand-in (ECDSA P-256) is in its place",
            ]
        );
        assert_eq!(done.unreadable, BTreeSet::from(["c.key".to_owned()]));
    }
}
