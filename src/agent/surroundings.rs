//! What decides how this ATS speaks TLS besides the OpenSSL it has loaded: its openssl.cnf, the crypto policy, variables
//! of its process, and beside it what the controls have loaded.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::inventory::{folder, is_named, small};
use super::{program, provenance};
use crate::ats::{openssl_conf, provenance as read};
use crate::bisect::system;
use crate::config::matrix::sha256_hex;
use crate::model::{Library, OpensslConf, Surroundings};

/// Files that `openssl.cnf` may include, one inside the other.
const MAX_DEPTH: usize = 5;

/// What the loader puts into every program of the image.
const PRELOAD: &str = "/etc/ld.so.preload";

/// The name of the crypto policy, as it is set up, else as it is asked for.
const POLICIES: [&str; 2] = ["/etc/crypto-policies/state/current", "/etc/crypto-policies/config"];

/// The controls that are programs of the image.
const CONTROLS: [&str; 2] = ["curl", "openssl"];

/// What surrounds the ATS process `pid`, whose libcrypto has these bytes. A process that was started without the
/// distro's configuration for a trial (`bare`) counts as if it had been started with it.
pub(super) async fn gather(pid: Option<u32>, libcrypto: &[u8], bare: bool) -> Surroundings {
    let of_process = |file: &str| std::fs::read(format!("/proc/{}/{file}", pid?)).ok();
    let mut environment =
        of_process("environ").filter(|bytes| !bytes.is_empty()).map(|bytes| read::telling_variables(&bytes));
    if let Some(set) = environment.as_mut().filter(|_| bare) {
        match std::env::var("OPENSSL_CONF") {
            Ok(value) => set.insert("OPENSSL_CONF".to_owned(), value),
            Err(_) => set.remove("OPENSSL_CONF"),
        };
    }
    let named = environment.as_ref().and_then(|set| set.get("OPENSSL_CONF")).filter(|path| !path.is_empty()).cloned();
    if let Some((set, preload)) = environment.as_mut().zip(small(Path::new(PRELOAD))) {
        let words: Vec<&str> = preload.split_whitespace().collect();
        set.extend((!words.is_empty()).then(|| (PRELOAD.to_owned(), words.join(" ").chars().take(500).collect())));
    }
    let usual = system::openssl_directory(libcrypto).map(|folder| Path::new(&folder).join("openssl.cnf"));
    Surroundings {
        openssl_conf: configuration(named.map(PathBuf::from), usual).await,
        crypto_policy: crypto_policy(),
        environment,
        controls: controls().await,
        nofile: of_process("limits").and_then(|bytes| read::nofile(&String::from_utf8_lossy(&bytes))),
    }
}

/// The openssl.cnf that is read: the one `named`, else the `usual` one, which is the distro's.
async fn configuration(named: Option<PathBuf>, usual: Option<PathBuf>) -> Option<OpensslConf> {
    let same = |path: &PathBuf| usual.as_ref().is_some_and(|usual| real(path) == real(usual));
    let Some(named) = named.filter(|path| !same(path)) else {
        let usual = usual?;
        let read = openssl_cnf(&usual);
        return Some(OpensslConf {
            path: usual.display().to_string(),
            settings: openssl_conf::settings(&read.text),
            sha256: read.digest(),
            differs: changed(&read.files).await,
        });
    };
    let read = openssl_cnf(&named);
    let settings = openssl_conf::settings(&read.text);
    let mut differs = vec!["OPENSSL_CONF names another file than the distro's".to_owned()];
    if let Some(usual) = usual {
        let distro = openssl_cnf(&usual);
        differs = vec![format!("OPENSSL_CONF names it in place of {}", usual.display())];
        differs.extend(openssl_conf::differences(&settings, &openssl_conf::settings(&distro.text)));
        // What ours is held against may itself be changed.
        differs.extend(changed(&distro.files).await.unwrap_or_default());
    }
    Some(OpensslConf { path: named.display().to_string(), sha256: read.digest(), settings, differs: Some(differs) })
}

/// An openssl.cnf as it was read.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// With what it includes in place, without comments.
    pub(super) text: String,
    /// The file and those that it includes, as far as they are there.
    pub(super) files: Vec<PathBuf>,
}

impl Read {
    fn digest(&self) -> Option<String> {
        (!self.files.is_empty()).then(|| format!("sha256:{}", sha256_hex(self.text.as_bytes())))
    }
}

/// Reads the `openssl.cnf` at `path`.
pub(super) fn openssl_cnf(path: &Path) -> Read {
    let mut read = Read::default();
    take(path, 0, &mut read);
    read
}

fn take(path: &Path, depth: usize, read: &mut Read) {
    // /dev/null is no file, and there all the same.
    let text = small(path).or_else(|| path.exists().then(String::new).filter(|_| !path.is_dir()));
    let Some(text) = text else { return };
    read.files.push(path.to_owned());
    for line in system::bare_openssl(&text).lines() {
        let Some(included) = system::included(line).filter(|_| depth < MAX_DEPTH) else {
            read.text.push_str(line);
            read.text.push('\n');
            continue;
        };
        let included = PathBuf::from(included);
        if included.is_dir() {
            for name in folder(&included).into_keys().filter(|name| is_named(name, &["cnf", "conf"])) {
                take(&included.join(name), depth + 1, read);
            }
        } else {
            take(&included, depth + 1, read);
        }
    }
}

/// What of `files` is not as its package has it; `None`: nobody is there to say.
async fn changed(files: &[PathBuf]) -> Option<Vec<String>> {
    let mut told = Vec::new();
    for file in files {
        let path = real(file).display().to_string();
        match provenance::owner(&path).await {
            Some(package) => {
                if !as_packaged(&path, package.split(' ').next().unwrap_or_default()).await? {
                    told.push(format!("{path} is not as its package has it ({package})"));
                }
            }
            None if provenance::packages().await.is_none() => return None,
            None => told.push(format!("{path} is of no package")),
        }
    }
    Some(told)
}

/// Whether the file `path` is as `package` has it; `None`: the package manager does not say.
async fn as_packaged(path: &str, package: &str) -> Option<bool> {
    let mut command = if Path::new("/usr/bin/dpkg-query").exists() {
        let mut command = program::command("dpkg");
        command.args(["--verify", package]);
        command
    } else {
        let mut command = program::command("rpm");
        command.args(["--verify", "--nodeps", "--file", path]);
        command
    };
    let said = program::said(&mut command).await.ok()?;
    // `??5?????? c PATH`: a line for each file that differs, with what differs. A digest alone counts.
    let differs = said.out.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.last() == Some(&path) && fields.first().is_some_and(|how| how.contains('5') || *how == "missing")
    });
    Some(!differs)
}

fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// The crypto policy, with the digest of what it makes of OpenSSL's ciphers.
fn crypto_policy() -> Option<String> {
    let first = |path: &&str| {
        let text = system::bare(&small(Path::new(path))?);
        text.lines().next().map(|line| line.chars().take(100).collect::<String>())
    };
    let name = POLICIES.iter().find_map(first)?;
    let ciphers = system::FIXED_FILES.iter().find(|(_, what)| *what == system::FixedPart::CryptoPolicy);
    let ciphers = ciphers.and_then(|(path, _)| small(Path::new(path)));
    Some(match ciphers {
        Some(text) => format!("{name} sha256:{}", sha256_hex(text.as_bytes())),
        None => name,
    })
}

/// The `libssl` of each control, as the loader would find it for a program in an environment of its own.
async fn controls() -> BTreeMap<String, Library> {
    let mut found = BTreeMap::new();
    for name in CONTROLS {
        let Ok(said) = program::said(program::command(name).env("LD_TRACE_LOADED_OBJECTS", "1")).await else {
            continue;
        };
        let Some(path) = read::traced(&said.out, "libssl") else { continue };
        let carrier = read::traced(&said.out, "libcrypto").unwrap_or(path);
        let path = real(Path::new(path)).display().to_string();
        if let Some(library) = provenance::library(&path, carrier, read::openssl_version).await {
            found.insert(name.to_owned(), library);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_openssl_cnf_is_read_with_what_it_includes() {
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
