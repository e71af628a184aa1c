//! Exactly what runs, asked of the running system: the process's own mappings, the distro's package
//! database, `traffic_server -V`. Nothing declared, nothing from the build.

use std::path::Path;

use super::traffic_server::Installation;
use super::{program, surroundings};
use crate::ats::provenance as read;
use crate::config::matrix::sha256_hex;
use crate::model::{AtsBuild, Library, Provenance, Release};

/// What runs in this cell, with ATS as process `pid`.
///
/// `bare`: it was started without the distro's openssl.cnf, for a trial.
pub(super) async fn gather(installation: &Installation, pid: Option<u32>, bare: bool) -> Provenance {
    let maps = pid.and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/maps")).ok()).unwrap_or_default();
    let mut provenance = base();
    // libcrypto carries the version text; both come from one package. A program may hold them itself.
    let itself =
        pid.and_then(|pid| std::fs::read_link(format!("/proc/{pid}/exe")).ok()).map(|exe| exe.display().to_string());
    let path = read::libssl(&maps).or(itself.as_deref().filter(|_| !maps.is_empty()));
    let carrier = read::libcrypto(&maps).or(path);
    if let (Some(path), Some(carrier)) = (path, carrier) {
        provenance.openssl = library(path, carrier, read::openssl_version).await;
    }
    let libcrypto = carrier.and_then(|carrier| std::fs::read(carrier).ok()).unwrap_or_default();
    provenance.surroundings = Some(surroundings::gather(pid, &libcrypto, bare).await);
    if let Some(path) = read::libc(&maps) {
        provenance.libc = library(path, path, read::glibc_version).await;
    }
    let binary = installation.binary.display().to_string();
    provenance.ats = Some(AtsBuild {
        reported: installation.version.clone(),
        package: owner(&binary).await,
        source: source(&installation.binary, provenance.distro.as_ref()),
        binary,
    });
    provenance.content = packages().await.map(|list| format!("sha256:{}", sha256_hex(list.as_bytes())));
    provenance
}

/// Where the recipes leave what they found out of where an ATS is from.
const FACTS: [&str; 2] = ["/opt/ats/share/atsmatrix/provenance", "/usr/share/atsmatrix/provenance"];

/// Where the ATS is from, by the file that goes with this very program.
fn source(binary: &Path, here: Option<&Release>) -> Option<String> {
    let facts: Vec<String> = FACTS.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    if facts.is_empty() {
        return None;
    }
    let digest = sha256_hex(&std::fs::read(binary).ok()?);
    facts.iter().find_map(|facts| read::source(facts, &digest, here))
}

/// Every installed package with its version, in order; `None` where no package manager is there to say.
pub(super) async fn packages() -> Option<String> {
    let debian = ("dpkg-query", ["--show", "--showformat=${binary:Package} ${Version}\\n"]);
    let rpm = ("rpm", ["--query", "--queryformat=%{NAME} %{VERSION}-%{RELEASE} %{ARCH}\\n"]);
    let (name, arguments) = if Path::new("/usr/bin/dpkg-query").exists() { debian } else { rpm };
    let mut command = program::command(name);
    if name == "rpm" {
        command.arg("--all");
    }
    let output = command.args(arguments).output().await.ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    (output.status.success() && !lines.is_empty()).then(|| lines.join("\n"))
}

/// What is known before any ATS runs.
pub(super) fn base() -> Provenance {
    let release =
        std::fs::read_to_string("/etc/os-release").or_else(|_| std::fs::read_to_string("/usr/lib/os-release"));
    Provenance {
        distro: release.ok().and_then(|text| read::release(&text)),
        kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease").ok().map(|text| text.trim().to_owned()),
        ..Provenance::default()
    }
}

pub(super) async fn library(path: &str, carrier: &str, version: fn(&[u8]) -> Option<String>) -> Option<Library> {
    let bytes = std::fs::read(carrier).ok()?;
    Some(Library { version: version(&bytes)?, path: path.to_owned(), package: owner(path).await })
}

/// The package that owns `path`, as `name version-release`; `None` where no package does, or no
/// package manager is there to say.
pub(super) async fn owner(path: &str) -> Option<String> {
    if Path::new("/usr/bin/dpkg-query").exists() {
        // Before the /usr merge was finished, dpkg knew files by their old place.
        for known_as in [path, path.strip_prefix("/usr").unwrap_or(path)] {
            if let Some(line) = first_line("dpkg-query", &["--search", known_as]).await {
                let name = line.split(": ").next()?.to_owned();
                return first_line("dpkg-query", &["--show", "--showformat=${Package} ${Version}\n", &name]).await;
            }
        }
        return None;
    }
    let query = ["--query", "--file", path, "--queryformat", "%{NAME} %{VERSION}-%{RELEASE}\n"];
    first_line("rpm", &query).await
}

async fn first_line(name: &str, arguments: &[&str]) -> Option<String> {
    let output = program::command(name).args(arguments).output().await.ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().map(|line| line.chars().take(200).collect::<String>());
    line.filter(|line| output.status.success() && !line.is_empty())
}
