//! Everything a running ATS consists of and reads, as far as the distro decides it. Bisections compare it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::packages::Packages;
use super::surroundings;
use super::traffic_server::Installation;
use crate::config::matrix::sha256_hex;
use crate::distro::{config_files, library, process};
use crate::model::{Inventory, Mapped};

/// Most bytes of a configuration file. Larger files are not written by people.
const MAX_FILE: u64 = 64 << 10;

/// A shared library that a process has mapped.
struct MappedLibrary {
    soname: String,
    path: String,
    bytes: Vec<u8>,
}

/// Sonames and paths of what the process `pid` has mapped: the part of its inventory that takes no time.
pub(super) fn mapped(pid: u32) -> Inventory {
    let libraries = libraries(pid).into_iter();
    let libraries = libraries.map(|found| Mapped { soname: found.soname, path: found.path, ..Mapped::default() });
    Inventory { libraries: libraries.collect(), ..Inventory::default() }
}

/// The whole inventory of the process `pid`.
pub(super) async fn gather(installation: &Installation, pid: u32, packages: &Packages) -> Inventory {
    let found = libraries(pid);
    let mut paths: Vec<&str> = found.iter().map(|library| library.path.as_str()).collect();
    let binary = installation.binary.display().to_string();
    paths.push(&binary);
    let owners = packages.owners(&paths).await;
    let ats = owners.get(&binary).map(|owner| owner.source.clone());
    let mut inventory = Inventory { binary: sha256(&installation.binary), ..Inventory::default() };
    for MappedLibrary { soname, path, bytes } in &found {
        let owner = owners.get(path);
        if soname.starts_with("libcrypto.so")
            && let Some(folder) = library::openssl_directory(bytes)
        {
            let text = surroundings::openssl_cnf(&Path::new(&folder).join("openssl.cnf")).text;
            inventory.files.insert("openssl.cnf".to_owned(), text);
        }
        inventory.libraries.push(Mapped {
            own: belongs_to_ats(installation, soname, path)
                || (ats.is_some() && owner.map(|owner| owner.source.clone()) == ats),
            soname: soname.clone(),
            path: path.clone(),
            sha256: sha256_hex(bytes),
            version: library::version(soname, bytes),
            package: owner.map(|owner| owner.package.clone()),
            source: owner.map(|owner| owner.source.clone()),
        });
    }
    for (path, _) in config_files::FIXED_FILES {
        let text = small_file(Path::new(path)).unwrap_or_default();
        inventory.files.insert((*path).to_owned(), config_files::without_comments(&text));
    }
    inventory.config = small_files(Path::new(&installation.layout.sysconfdir)).into_iter().collect();
    inventory.locale = locale();
    inventory.sysctls = sysctls();
    inventory.wanted_sysctls = wanted_sysctls();
    inventory
}

/// Paths of all files that the process `pid` has mapped.
pub(super) fn paths(pid: u32) -> BTreeSet<String> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    process::mapped_files(&maps).map(str::to_owned).collect()
}

/// Every mapped shared library, sorted by soname.
fn libraries(pid: u32) -> Vec<MappedLibrary> {
    let mut found: Vec<_> = paths(pid)
        .into_iter()
        .filter_map(|path| {
            let bytes = std::fs::read(&path).ok()?;
            Some(MappedLibrary { soname: library::soname(&bytes)?, path, bytes })
        })
        .collect();
    found.sort_by(|a, b| a.soname.cmp(&b.soname));
    found
}

/// Whether a library is part of ATS: replacing it would replace ATS.
fn belongs_to_ats(installation: &Installation, soname: &str, path: &str) -> bool {
    let prefix = installation.layout.prefix.trim_end_matches('/');
    soname.starts_with("libts") || (!matches!(prefix, "" | "/usr") && path.starts_with(&format!("{prefix}/")))
}

fn sha256(path: &Path) -> String {
    std::fs::read(path).map(|bytes| sha256_hex(&bytes)).unwrap_or_default()
}

/// A text file that is small enough to be written by people; `None` for all others.
pub(super) fn small_file(path: &Path) -> Option<String> {
    let size = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?.len();
    if size > MAX_FILE {
        return None;
    }
    std::fs::read_to_string(path).ok()
}

/// The small text files of a directory by name, without comments.
pub(super) fn small_files(path: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        if let Some(text) = small_file(&entry.path()) {
            files.insert(entry.file_name().to_string_lossy().into_owned(), config_files::without_comments(&text));
        }
    }
    files
}

/// Whether a file name has one of these extensions.
pub(super) fn has_extension(name: &str, extensions: &[&str]) -> bool {
    Path::new(name).extension().is_some_and(|extension| extensions.iter().any(|wanted| extension == *wanted))
}

fn locale() -> BTreeMap<String, String> {
    let files = config_files::LOCALE_FILES.iter().filter_map(|path| small_file(Path::new(path)));
    let mut found: BTreeMap<String, String> = files.flat_map(|text| config_files::locale(&text)).collect();
    found.extend(std::env::vars().filter(|(name, _)| config_files::is_locale(name)));
    found
}

/// The kernel settings of this container.
fn sysctls() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for area in ["net/ipv4", "net/ipv6", "net/core", "kernel", "fs/mqueue"] {
        for entry in std::fs::read_dir(Path::new("/proc/sys").join(area)).into_iter().flatten().flatten() {
            let key = format!("{}.{}", area.replace('/', "."), entry.file_name().to_string_lossy());
            // Every container has random keys of its own.
            if !config_files::is_namespaced(&key) || key.ends_with("_key") {
                continue;
            }
            if let Ok(value) = std::fs::read_to_string(entry.path()) {
                found.insert(key, value.split_whitespace().collect::<Vec<_>>().join(" "));
            }
        }
    }
    found
}

/// The kernel settings that the sysctl.d of this distro would set on a host.
fn wanted_sysctls() -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for path in config_files::SYSCTL_FOLDERS {
        files.extend(small_files(Path::new(path)).into_iter().filter(|(name, _)| has_extension(name, &["conf"])));
    }
    let last = small_file(Path::new("/etc/sysctl.conf")).unwrap_or_default();
    let set = files.into_values().chain(std::iter::once(last)).flat_map(|text| config_files::sysctls(&text));
    // No pattern, and no setting that this kernel or a container lacks: an engine would refuse to start a container
    // with it.
    let exists = |key: &str| !key.contains('*') && Path::new("/proc/sys").join(key.replace('.', "/")).is_file();
    set.filter(|(key, _)| config_files::is_namespaced(key) && exists(key)).collect()
}
