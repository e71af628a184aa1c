//! Exactly what runs, from the running system: the mappings of the process, the package database, `traffic_server -V`.
//! Nothing is taken from matrix.yaml or from the build.

use std::path::Path;

use super::packages::Packages;
use super::surroundings;
use super::traffic_server::Installation;
use crate::ats;
use crate::config::matrix::sha256_hex;
use crate::distro::{library, process, release, upgrade};
use crate::model::{AtsBuild, Library, Provenance, Release};

/// Where the recipes record where an ATS came from.
const FACTS: [&str; 2] = ["/opt/ats/share/atsmatrix/provenance", "/usr/share/atsmatrix/provenance"];

/// What runs in this cell, with ATS as process `pid`. `bare_openssl`: a trial started it without the openssl.cnf of the
/// distro.
pub(super) async fn gather(
    installation: &Installation,
    pid: Option<u32>,
    bare_openssl: bool,
    packages: &Packages,
) -> Provenance {
    let maps = pid.and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/maps")).ok()).unwrap_or_default();
    let mut provenance = base();
    // A program linked statically contains OpenSSL itself.
    let program =
        pid.and_then(|pid| std::fs::read_link(format!("/proc/{pid}/exe")).ok()).map(|exe| exe.display().to_string());
    let libssl = process::libssl(&maps).or(program.as_deref().filter(|_| !maps.is_empty()));
    // Both come from one package, but only libcrypto contains the version text.
    let libcrypto = process::libcrypto(&maps).or(libssl);
    let libc = process::libc(&maps);
    let binary = installation.binary.display().to_string();
    // One look-up for all of them; the calls below find their answers remembered.
    let paths: Vec<&str> = [libssl, libc, Some(&binary)].into_iter().flatten().collect();
    let owners = packages.owners(&paths).await;
    if let (Some(path), Some(carrier)) = (libssl, libcrypto) {
        provenance.openssl = library_of(path, carrier, library::openssl_version, packages).await;
    }
    let libcrypto = libcrypto.and_then(|carrier| std::fs::read(carrier).ok()).unwrap_or_default();
    provenance.surroundings = Some(surroundings::gather(pid, &libcrypto, bare_openssl, packages).await);
    if let Some(path) = libc {
        provenance.libc = library_of(path, path, library::glibc_version, packages).await;
    }
    provenance.ats = Some(AtsBuild {
        reported: installation.version.clone(),
        package: owners.get(&binary).map(|owner| owner.package.clone()),
        source: source(&installation.binary, provenance.distro.as_ref()),
        binary,
    });
    provenance.content = packages.list().await.map(|list| format!("sha256:{}", sha256_hex(list.as_bytes())));
    provenance
}

/// The source of this ATS, from the facts recorded for exactly this program.
fn source(binary: &Path, here: Option<&Release>) -> Option<String> {
    let facts: Vec<String> = FACTS.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    if facts.is_empty() {
        return None;
    }
    let digest = sha256_hex(&std::fs::read(binary).ok()?);
    facts.iter().find_map(|facts| ats::provenance::source(facts, &digest, here))
}

/// What is known before any ATS runs: the distro, its upgrade and the kernel.
pub(super) fn base() -> Provenance {
    let os_release =
        std::fs::read_to_string("/etc/os-release").or_else(|_| std::fs::read_to_string("/usr/lib/os-release"));
    Provenance {
        distro: os_release.ok().and_then(|text| release::release(&text)),
        upgrade: std::fs::read_to_string(upgrade::RECORD).ok().and_then(|text| upgrade::record(&text)),
        kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease").ok().map(|text| text.trim().to_owned()),
        ..Provenance::default()
    }
}

/// The library at `path`, whose version is in the bytes of the file `carrier`. `None` when no version is found there.
pub(super) async fn library_of(
    path: &str,
    carrier: &str,
    version: fn(&[u8]) -> Option<String>,
    packages: &Packages,
) -> Option<Library> {
    let version = version(&std::fs::read(carrier).ok()?)?;
    let owner = packages.owner(path).await;
    Some(Library { version, path: path.to_owned(), package: owner.map(|owner| owner.package) })
}
