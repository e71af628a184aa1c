//! What decides how this ATS speaks TLS, besides the OpenSSL that it has loaded: its openssl.cnf, the crypto policy and
//! its environment. For comparison also the libssl of the controls.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::inventory::{has_extension, small_file, small_files};
use super::packages::Packages;
use super::{program, provenance};
use crate::config::matrix::sha256_hex;
use crate::distro::{config_files, library, loader, openssl_conf, process};
use crate::model::{Library, OpensslConf, Surroundings};

/// How deeply files may include each other.
const MAX_DEPTH: usize = 5;

/// Libraries that the loader puts into every program of the image.
const PRELOAD: &str = "/etc/ld.so.preload";

/// Files with the name of the crypto policy: the active one, else the configured one.
const POLICIES: [&str; 2] = ["/etc/crypto-policies/state/current", "/etc/crypto-policies/config"];

/// Characters kept of the name of a crypto policy, and of the list of preloaded libraries.
const MAX_POLICY: usize = 100;
const MAX_PRELOAD: usize = 500;

/// The controls that are programs of the image.
const CONTROLS: [&str; 2] = ["curl", "openssl"];

/// The surroundings of the ATS process `pid`, whose libcrypto has these bytes. If a trial started it without the
/// configuration of the distro (`bare_openssl`), they are reported as if it had been started with it.
pub(super) async fn gather(
    pid: Option<u32>,
    libcrypto: &[u8],
    bare_openssl: bool,
    packages: &Packages,
) -> Surroundings {
    let of_process = |file: &str| std::fs::read(format!("/proc/{}/{file}", pid?)).ok();
    let mut environment =
        of_process("environ").filter(|bytes| !bytes.is_empty()).map(|bytes| process::tls_variables(&bytes));
    if let Some(set) = environment.as_mut().filter(|_| bare_openssl) {
        match std::env::var("OPENSSL_CONF") {
            Ok(value) => set.insert("OPENSSL_CONF".to_owned(), value),
            Err(_) => set.remove("OPENSSL_CONF"),
        };
    }
    let named = environment.as_ref().and_then(|set| set.get("OPENSSL_CONF")).filter(|path| !path.is_empty()).cloned();
    if let Some((set, preload)) = environment.as_mut().zip(small_file(Path::new(PRELOAD))) {
        let words: Vec<&str> = preload.split_whitespace().collect();
        set.extend(
            (!words.is_empty()).then(|| (PRELOAD.to_owned(), words.join(" ").chars().take(MAX_PRELOAD).collect())),
        );
    }
    let usual = library::openssl_directory(libcrypto).map(|folder| Path::new(&folder).join("openssl.cnf"));
    Surroundings {
        openssl_conf: configuration(named.map(PathBuf::from), usual, packages).await,
        crypto_policy: crypto_policy(),
        environment,
        controls: controls(packages).await,
        nofile: of_process("limits").and_then(|bytes| process::open_file_limits(&String::from_utf8_lossy(&bytes))),
    }
}

/// The openssl.cnf in use: the one that the environment names, else the `usual` one of the distro.
async fn configuration(named: Option<PathBuf>, usual: Option<PathBuf>, packages: &Packages) -> Option<OpensslConf> {
    let same = |path: &PathBuf| usual.as_ref().is_some_and(|usual| real(path) == real(usual));
    let Some(named) = named.filter(|path| !same(path)) else {
        let usual = usual?;
        let read = openssl_cnf(&usual);
        return Some(OpensslConf {
            path: usual.display().to_string(),
            settings: openssl_conf::settings(&read.text),
            sha256: read.digest(),
            differs: changed(&read.files, packages).await,
        });
    };
    let read = openssl_cnf(&named);
    let settings = openssl_conf::settings(&read.text);
    let mut differs = vec!["OPENSSL_CONF names another file than that of the distro".to_owned()];
    if let Some(usual) = usual {
        let distro = openssl_cnf(&usual);
        differs = vec![format!("OPENSSL_CONF names it in place of {}", usual.display())];
        differs.extend(openssl_conf::differences(&settings, &openssl_conf::settings(&distro.text)));
        // The file of the distro may itself have been changed.
        differs.extend(changed(&distro.files, packages).await.unwrap_or_default());
    }
    Some(OpensslConf { path: named.display().to_string(), sha256: read.digest(), settings, differs: Some(differs) })
}

/// An openssl.cnf with its includes.
#[derive(Debug, Default)]
pub(super) struct OpensslCnf {
    /// Its text without comments, with the included text in place.
    pub(super) text: String,
    /// The file and those that it includes, as far as they exist.
    pub(super) files: Vec<PathBuf>,
}

impl OpensslCnf {
    fn digest(&self) -> Option<String> {
        (!self.files.is_empty()).then(|| format!("sha256:{}", sha256_hex(self.text.as_bytes())))
    }
}

/// Reads the `openssl.cnf` at `path`.
pub(super) fn openssl_cnf(path: &Path) -> OpensslCnf {
    let mut read = OpensslCnf::default();
    include(path, 0, &mut read);
    read
}

fn include(path: &Path, depth: usize, read: &mut OpensslCnf) {
    // /dev/null is not a regular file, but it exists.
    let text = small_file(path).or_else(|| path.exists().then(String::new).filter(|_| !path.is_dir()));
    let Some(text) = text else { return };
    read.files.push(path.to_owned());
    for line in config_files::openssl_without_comments(&text).lines() {
        let Some(included) = config_files::included(line).filter(|_| depth < MAX_DEPTH) else {
            read.text.push_str(line);
            read.text.push('\n');
            continue;
        };
        let included = PathBuf::from(included);
        if included.is_dir() {
            for name in small_files(&included).into_keys().filter(|name| has_extension(name, &["cnf", "conf"])) {
                include(&included.join(name), depth + 1, read);
            }
        } else {
            include(&included, depth + 1, read);
        }
    }
}

/// How `files` differ from their packages. `None` when there is no package manager to ask.
async fn changed(files: &[PathBuf], packages: &Packages) -> Option<Vec<String>> {
    let mut changes = Vec::new();
    for file in files {
        let path = real(file).display().to_string();
        match packages.owner(&path).await {
            Some(owner) => {
                if !packages.is_unchanged(&path, &owner).await? {
                    changes.push(format!("{path} differs from its package ({})", owner.package));
                }
            }
            None if packages.list().await.is_none() => return None,
            None => changes.push(format!("{path} belongs to no package")),
        }
    }
    Some(changes)
}

fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// The name of the crypto policy, with the digest of the OpenSSL ciphers that it sets.
fn crypto_policy() -> Option<String> {
    let first = |path: &&str| {
        let text = config_files::without_comments(&small_file(Path::new(path))?);
        text.lines().next().map(|line| line.chars().take(MAX_POLICY).collect::<String>())
    };
    let name = POLICIES.iter().find_map(first)?;
    let ciphers = config_files::FixedGroup::CryptoPolicy.files().find_map(|path| small_file(Path::new(path)));
    Some(match ciphers {
        Some(text) => format!("{name} sha256:{}", sha256_hex(text.as_bytes())),
        None => name,
    })
}

/// The libssl of each control, as the loader resolves it in the environment that controls run in.
async fn controls(packages: &Packages) -> BTreeMap<String, Library> {
    let mut found = BTreeMap::new();
    for name in CONTROLS {
        let Ok(output) = program::output(program::tool(name).env("LD_TRACE_LOADED_OBJECTS", "1")).await else {
            continue;
        };
        let Some(path) = loader::resolved(&output.stdout, "libssl") else { continue };
        let carrier = loader::resolved(&output.stdout, "libcrypto").unwrap_or(path);
        let path = real(Path::new(path)).display().to_string();
        if let Some(library) = provenance::library_of(&path, carrier, library::openssl_version, packages).await {
            found.insert(name.to_owned(), library);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_openssl_cnf_is_read_with_its_includes() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("d")).unwrap();
        std::fs::write(at("d/b.cnf"), "MinProtocol = TLSv1\n").unwrap();
        std::fs::write(at("d/a.conf"), "[own]\n").unwrap();
        std::fs::write(at("d/readme"), "no = configuration\n").unwrap();
        std::fs::write(at("loop"), format!(".include {}\n", at("loop").display())).unwrap();
        let main = format!(
            "# comment\n.include {}\n.include = {}\n.include /nowhere\nx = 1\n",
            at("d").display(),
            at("loop").display()
        );
        std::fs::write(at("openssl.cnf"), main).unwrap();
        let read = openssl_cnf(&at("openssl.cnf"));
        assert!(
            read.text.starts_with("[own]\nMinProtocol = TLSv1\n") && read.text.ends_with("x = 1\n"),
            "{}",
            read.text
        );
        assert!(read.files.starts_with(&[at("openssl.cnf"), at("d/a.conf"), at("d/b.cnf")]), "{:?}", read.files);
        assert!(read.digest().unwrap().starts_with("sha256:"));
        let nothing = openssl_cnf(Path::new("/dev/null"));
        assert_eq!((nothing.text.as_str(), nothing.files.len()), ("", 1));
        assert_eq!(openssl_cnf(&at("nowhere")).digest(), None);
    }
}
