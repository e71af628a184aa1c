//! Origins that are other programs: `openssl s_server` of the distro, nginx, httpd. The agent listens in front of them
//! and forwards bytes, so that it reports the same about their connections as about those of its own origins.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::{Notes, SharedNotes, Unable, lock};
use crate::agent::program;
use crate::model::{Identity, Leaf};

/// Timeout for `openssl`, which takes milliseconds.
const OPENSSL_TIMEOUT: Duration = Duration::from_secs(10);

/// Offset from the origin port of a trial to the port of the program behind it, on loopback. The sum is below the ports
/// that the kernel assigns by itself (32768 and up), so no other program has it.
pub(super) const BACKEND_OFFSET: u16 = 10_000;

/// Characters of the last line of stderr that an error quotes.
const MAX_LAST_LINE: usize = 200;

/// The configuration that `openssl req` requires. It replaces that of the distro: what an origin can do must not depend
/// on the crypto policy that ATS is tested with.
const CONFIG: &str = "[req]\ndistinguished_name = none\n[none]\n";

/// A program that serves on a port of loopback. It is killed when this is dropped.
pub(super) struct Backend {
    address: SocketAddr,
    #[expect(dead_code, reason = "never read: dropping it kills the program")]
    child: Child,
    /// Reads what the program logged about the connection from a given port.
    log: Option<LogReader>,
}

/// Adds what the log of a program contains about the connection from a port.
pub(super) type LogReader = Box<dyn Fn(u16, &mut Notes) + Send + Sync>;

impl Backend {
    /// The program `child`, which serves on `port` of loopback.
    pub(super) fn new(port: u16, child: Child, log: Option<LogReader>) -> Self {
        Self { address: (Ipv4Addr::LOCALHOST, port).into(), child, log }
    }

    /// Adds what the program logged about a connection that is over.
    pub(super) fn add_logged(&self, notes: &mut Notes) {
        if let (Some(log), Some(port)) = (&self.log, notes.forwarded_from) {
            log(port, notes);
        }
    }

    /// Forwards bytes between `stream` and the program until both have closed.
    pub(super) async fn forward<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: S,
        notes: &SharedNotes,
    ) -> anyhow::Result<()> {
        let mut upstream =
            TcpStream::connect(self.address).await.context("the program of the origin does not answer")?;
        lock(notes).forwarded_from = Some(upstream.local_addr()?.port());
        tokio::io::copy_bidirectional(&mut stream, &mut upstream)
            .await
            .context("between ATS and the program of the origin")?;
        Ok(())
    }
}

/// Starts `command`, the server `program`, on `port` of loopback, and waits up to `timeout` for a line with `ready` on
/// its stderr. `parse` reads the file `log` for what it logged about a connection.
pub(super) async fn server(
    (program, mut command): (&str, Command),
    (ready, timeout): (&str, Duration),
    port: u16,
    (log, parse): (PathBuf, fn(&str, u16, &mut Notes)),
) -> anyhow::Result<Backend> {
    let path = Path::new(command.as_std().get_program()).display().to_string();
    let mut child = command.stderr(Stdio::piped()).spawn().with_context(|| format!("cannot start {path}"))?;
    let stderr = child.stderr.take().with_context(|| format!("{program} has no stderr"))?;
    let mut lines = BufReader::new(stderr).lines();
    let mut last = String::new();
    let serves = async {
        while let Ok(Some(line)) = lines.next_line().await {
            if line.contains(ready) {
                return true;
            }
            last = line;
        }
        false
    };
    if !tokio::time::timeout(timeout, serves).await.unwrap_or_default() {
        bail!("{program} does not start: {last:.300}");
    }
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let read = move |from: u16, notes: &mut Notes| {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        parse(&text, from, notes);
    };
    Ok(Backend::new(port, child, Some(Box::new(read))))
}

/// Starts `openssl s_server -www` with `args` behind the origin port `port`. It serves `good`, or if `sign` is not
/// empty a certificate for `name` with an RSA key of `rsa_bits`, signed with these arguments.
pub(super) async fn openssl(
    args: &[String],
    (rsa_bits, sign): (u32, &[String]),
    good: &Leaf,
    identity: &Identity,
    (name, port): (&str, u16),
    folder: &Path,
) -> Result<Backend, Unable> {
    let files = [("leaf.pem", &good.chain_pem), ("leaf.key", &good.key_pem), ("ca.pem", &identity.ca_pem)];
    for (file, text) in files.into_iter().chain([("ca.key", &identity.ca_key_pem)]) {
        write(folder, file, text)?;
    }
    write(folder, "openssl.cnf", CONFIG)?;
    if !sign.is_empty() {
        sign_leaf(rsa_bits, sign, name, folder).await?;
    }
    let port = port + BACKEND_OFFSET;
    let stderr_path = folder.join("s_server.err");
    let stderr =
        std::fs::File::create(&stderr_path).with_context(|| format!("cannot make {}", stderr_path.display()))?;
    let mut child = openssl_in(folder)
        .args(["s_server", "-accept", &format!("127.0.0.1:{port}"), "-cert", "leaf.pem", "-key", "leaf.key", "-www"])
        .args(args)
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .map_err(failed_start)?;
    let stdout = child.stdout.take();
    let ready = async {
        let mut lines = BufReader::new(stdout?).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if line.starts_with("ACCEPT") {
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Some(());
            }
        }
        None
    };
    match tokio::time::timeout(OPENSSL_TIMEOUT, ready).await {
        Ok(Some(())) => Ok(Backend::new(port, child, None)),
        Ok(None) => {
            let text = std::fs::read_to_string(&stderr_path).unwrap_or_default();
            Err(anyhow!("openssl s_server {} ended before it served: {}", args.join(" "), last_line(&text)).into())
        }
        Err(_) => {
            Err(anyhow!("openssl s_server {} does not serve within {} s", args.join(" "), OPENSSL_TIMEOUT.as_secs())
                .into())
        }
    }
}

/// The openssl of the distro without its configuration. RHEL 9 signs with SHA-1 despite its policy if the second
/// variable is set; other distros ignore it.
fn openssl_in(folder: &Path) -> Command {
    let mut command = program::tool("openssl");
    command
        .env("OPENSSL_CONF", folder.join("openssl.cnf"))
        .env("OPENSSL_ENABLE_SHA1_SIGNATURES", "1")
        .current_dir(folder);
    command
}

fn write(folder: &Path, file: &str, text: &str) -> anyhow::Result<()> {
    let path = folder.join(file);
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Only a missing program is something that the image lacks; everything else is a fault.
fn failed_start(error: std::io::Error) -> Unable {
    match error.kind() {
        std::io::ErrorKind::NotFound => Unable::Missing("this image has no openssl".into()),
        _ => Unable::Fault(anyhow::Error::new(error).context("cannot start openssl")),
    }
}

/// Replaces the leaf certificate by one that `openssl` makes: no library of the agent signs with SHA-1 or makes keys of
/// 1024 bits.
async fn sign_leaf(rsa_bits: u32, sign: &[String], name: &str, folder: &Path) -> Result<(), Unable> {
    write(folder, "leaf.ext", &format!("subjectAltName=DNS:{name}\nextendedKeyUsage=serverAuth\n"))?;
    let subject = format!("/CN={name}");
    let key = format!("rsa:{rsa_bits}");
    let request =
        ["req", "-new", "-newkey", &key, "-nodes", "-subj", &subject, "-keyout", "leaf.key", "-out", "leaf.csr"];
    run(&request, folder).await?;
    let mut signing =
        vec!["x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "4711"];
    signing.extend(["-days", "30", "-extfile", "leaf.ext", "-out", "leaf.pem"]);
    signing.extend(sign.iter().map(String::as_str));
    run(&signing, folder).await
}

/// Encrypts the private key `key` in `folder` with `passphrase`, into the file `locked` there.
pub(in crate::agent) async fn encrypt_key(
    folder: &Path,
    key: &str,
    locked: &str,
    passphrase: &str,
) -> Result<(), Unable> {
    write(folder, "openssl.cnf", CONFIG)?;
    let passphrase = format!("pass:{passphrase}");
    let args = ["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", key, "-out", locked, "-passout", &passphrase];
    run(&args, folder).await
}

async fn run(args: &[&str], folder: &Path) -> Result<(), Unable> {
    let output = tokio::time::timeout(OPENSSL_TIMEOUT, openssl_in(folder).args(args).output())
        .await
        .with_context(|| format!("openssl {} does not end within {} s", args[0], OPENSSL_TIMEOUT.as_secs()))?
        .map_err(failed_start)?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(anyhow!("openssl {} fails: {}", args.join(" "), last_line(&stderr)).into())
}

fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or("it printed nothing").chars().take(MAX_LAST_LINE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_program_that_does_not_exist_is_missing() {
        let of = |kind: std::io::ErrorKind| failed_start(kind.into());
        assert!(matches!(of(std::io::ErrorKind::NotFound), Unable::Missing(_)));
        assert!(matches!(of(std::io::ErrorKind::PermissionDenied), Unable::Fault(_)));
        assert!(matches!(of(std::io::ErrorKind::OutOfMemory), Unable::Fault(_)));
    }
}
