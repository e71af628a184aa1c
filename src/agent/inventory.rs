//! Everything a running ATS consists of and reads, as far as a distro decides it: for bisecting.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tokio::process::Command;

use super::traffic_server::Installation;
use super::{program, surroundings};
use crate::ats::provenance as read;
use crate::bisect::{loader, system};
use crate::catalogue::trials::body;
use crate::model::{Inventory, Mapped};

/// Most bytes of one configuration file; larger ones are no configuration that a person wrote.
const MAX_FILE: u64 = 64 << 10;

/// What the process `pid` has mapped: sonames and paths, and nothing that takes time.
pub(super) fn mapped(pid: u32) -> Inventory {
    let libraries = libraries(pid).into_iter().map(|(soname, path, _)| Mapped { soname, path, ..Mapped::default() });
    Inventory { libraries: libraries.collect(), ..Inventory::default() }
}

/// The whole inventory of the process `pid`.
pub(super) async fn gather(installation: &Installation, pid: u32) -> Inventory {
    let found = libraries(pid);
    let mut paths: Vec<&str> = found.iter().map(|(_, path, _)| path.as_str()).collect();
    let binary = installation.binary.display().to_string();
    paths.push(&binary);
    let owners = owners(&paths).await;
    let ats = owners.get(&binary).map(|owner| owner.source.clone());
    let mut inventory = Inventory { binary: sha256(&installation.binary), ..Inventory::default() };
    for (soname, path, bytes) in &found {
        let owner = owners.get(path);
        if soname.starts_with("libcrypto.so")
            && let Some(folder) = system::openssl_directory(bytes)
        {
            let text = surroundings::openssl_cnf(&Path::new(&folder).join("openssl.cnf")).text;
            inventory.files.insert("openssl.cnf".to_owned(), text);
        }
        inventory.libraries.push(Mapped {
            own: is_own(installation, soname, path)
                || (ats.is_some() && owner.map(|owner| owner.source.clone()) == ats),
            soname: soname.clone(),
            path: path.clone(),
            sha256: body::hex(&Sha256::digest(bytes)),
            version: version(soname, bytes),
            package: owner.map(|owner| owner.package.clone()),
            source: owner.map(|owner| owner.source.clone()),
        });
    }
    for (path, _) in system::FIXED_FILES {
        inventory.files.insert((*path).to_owned(), system::bare(&small(Path::new(path)).unwrap_or_default()));
    }
    inventory.config = folder(Path::new(&installation.layout.sysconfdir)).into_iter().collect();
    inventory.locale = locale();
    inventory.sysctls = sysctls();
    inventory.wanted_sysctls = wanted_sysctls();
    inventory
}

/// Paths of all files that the process `pid` has mapped.
pub(super) fn paths(pid: u32) -> BTreeSet<String> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    maps.lines().filter_map(|line| Some(line[line.find('/')?..].to_owned())).collect()
}

/// Soname, path and bytes of every mapped shared library, sorted by soname.
fn libraries(pid: u32) -> Vec<(String, String, Vec<u8>)> {
    let mut found: Vec<_> = paths(pid)
        .into_iter()
        .filter_map(|path| {
            let bytes = std::fs::read(&path).ok()?;
            Some((loader::soname(&bytes)?, path, bytes))
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Whether a library is a part of ATS: with another one the ATS would be another.
fn is_own(installation: &Installation, soname: &str, path: &str) -> bool {
    let prefix = installation.layout.prefix.trim_end_matches('/');
    soname.starts_with("libts") || (!matches!(prefix, "" | "/usr") && path.starts_with(&format!("{prefix}/")))
}

/// The version that a library's own bytes tell.
fn version(soname: &str, bytes: &[u8]) -> Option<String> {
    match soname.split('.').next()? {
        "libcrypto" => read::openssl_version(bytes),
        "libc" => read::glibc_version(bytes),
        _ => None,
    }
}

/// Who owns a file.
struct Owner {
    package: String,
    source: String,
}

/// The owners of `paths`, where a package manager knows them.
async fn owners(paths: &[&str]) -> BTreeMap<String, Owner> {
    if Path::new("/usr/bin/dpkg-query").exists() { by_dpkg(paths).await } else { by_rpm(paths).await }
}

async fn by_dpkg(paths: &[&str]) -> BTreeMap<String, Owner> {
    // Before the /usr merge was finished, dpkg knew files by their old place.
    let old = paths.iter().filter_map(|path| path.strip_prefix("/usr"));
    let found = output(program::command("dpkg-query").arg("--search").args(paths.iter().copied().chain(old))).await;
    let mut of_path: BTreeMap<&str, &str> = BTreeMap::new();
    for line in found.lines() {
        if let Some((packages, file)) = line.split_once(": ")
            && let Some(package) = packages.split(", ").next()
            && let Some(path) = paths.iter().find(|path| **path == file || path.strip_prefix("/usr") == Some(file))
        {
            of_path.insert(path, package);
        }
    }
    let names: BTreeSet<&str> = of_path.values().copied().collect();
    let format = "--showformat=${binary:Package}\\t${Package} ${Version}\\t${source:Package}\\n";
    let shown = output(program::command("dpkg-query").args(["--show", format]).args(&names)).await;
    let mut of_package = BTreeMap::new();
    for line in shown.lines() {
        let mut fields = line.split('\t');
        if let (Some(name), Some(package), Some(source)) = (fields.next(), fields.next(), fields.next()) {
            of_package.insert(name, (package, source));
        }
    }
    let owner = |(path, name): (&str, &str)| {
        let (package, source) = of_package.get(name)?;
        Some((path.to_owned(), Owner { package: (*package).to_owned(), source: (*source).to_owned() }))
    };
    of_path.into_iter().filter_map(owner).collect()
}

async fn by_rpm(paths: &[&str]) -> BTreeMap<String, Owner> {
    let mut owners = BTreeMap::new();
    for path in paths {
        let format = "%{NAME} %{VERSION}-%{RELEASE}\\t%{SOURCERPM}\\n";
        let shown = output(program::command("rpm").args(["--query", "--file", path, "--queryformat", format])).await;
        let Some((package, source)) = shown.lines().next().and_then(|line| line.split_once('\t')) else { continue };
        // NAME-VERSION-RELEASE.src.rpm
        let source = source.rsplitn(3, '-').nth(2).unwrap_or(source);
        owners.insert((*path).to_owned(), Owner { package: package.to_owned(), source: source.to_owned() });
    }
    owners
}

/// What a program prints on stdout, whatever its exit status; nothing when it is not there.
async fn output(command: &mut Command) -> String {
    let done = command.env("LC_ALL", "C").output().await;
    done.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

fn sha256(path: &Path) -> String {
    std::fs::read(path).map(|bytes| body::hex(&Sha256::digest(&bytes))).unwrap_or_default()
}

/// A text file of a size that people write; `None` for all else.
pub(super) fn small(path: &Path) -> Option<String> {
    let size = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?.len();
    if size > MAX_FILE {
        return None;
    }
    std::fs::read_to_string(path).ok()
}

/// The small text files of a folder by name, without comments.
pub(super) fn folder(path: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        if let Some(text) = small(&entry.path()) {
            files.insert(entry.file_name().to_string_lossy().into_owned(), system::bare(&text));
        }
    }
    files
}

/// Whether a file name has one of these extensions.
pub(super) fn is_named(name: &str, extensions: &[&str]) -> bool {
    Path::new(name).extension().is_some_and(|extension| extensions.iter().any(|wanted| extension == *wanted))
}

fn locale() -> BTreeMap<String, String> {
    let files = system::LOCALE_FILES.iter().filter_map(|path| small(Path::new(path)));
    let mut found: BTreeMap<String, String> = files.flat_map(|text| system::locale(&text)).collect();
    found.extend(std::env::vars().filter(|(name, _)| system::is_locale(name)));
    found
}

/// The kernel settings of this container, as they are.
fn sysctls() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for area in ["net/ipv4", "net/ipv6", "net/core", "kernel", "fs/mqueue"] {
        for entry in std::fs::read_dir(Path::new("/proc/sys").join(area)).into_iter().flatten().flatten() {
            let key = format!("{}.{}", area.replace('/', "."), entry.file_name().to_string_lossy());
            // A key is made anew for every container.
            if !system::belongs_to_container(&key) || key.ends_with("_key") {
                continue;
            }
            if let Ok(value) = std::fs::read_to_string(entry.path()) {
                found.insert(key, value.split_whitespace().collect::<Vec<_>>().join(" "));
            }
        }
    }
    found
}

/// What this distro's sysctl.d would set on a host.
fn wanted_sysctls() -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for path in system::SYSCTL_FOLDERS {
        files.extend(folder(Path::new(path)).into_iter().filter(|(name, _)| is_named(name, &["conf"])));
    }
    let last = small(Path::new("/etc/sysctl.conf")).unwrap_or_default();
    let set = files.into_values().chain(std::iter::once(last)).flat_map(|text| system::sysctls(&text));
    // No pattern, and nothing that this kernel or a container does not have: an engine would refuse to start it.
    let exists = |key: &str| !key.contains('*') && Path::new("/proc/sys").join(key.replace('.', "/")).is_file();
    set.filter(|(key, _)| system::belongs_to_container(key) && exists(key)).collect()
}
