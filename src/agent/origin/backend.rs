//! Origins that are other programs: the distro's own `openssl s_server`, nginx. The agent listens in their
//! place and passes bytes on, so that what it tells of a connection is the same as of its own origins.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use super::{Notes, SharedNotes, lock};
use crate::model::{Identity, Leaf};

/// `openssl` answers within milliseconds.
const START: Duration = Duration::from_secs(10);

/// A program that serves on a port of loopback, until dropped.
pub(super) struct Backend {
    address: SocketAddr,
    #[expect(dead_code, reason = "held, not read: dropping it kills the program")]
    child: Child,
    /// Reads what the program has logged of the connection from this port.
    log: Option<Log>,
}

/// Adds what a program's log has about the connection from a port to what is known of it.
pub(super) type Log = Box<dyn Fn(u16, &mut Notes) + Send + Sync>;

impl Backend {
    /// The program `child`, which serves on `port` of loopback.
    pub(super) fn new(port: u16, child: Child, log: Option<Log>) -> Self {
        Self { address: (Ipv4Addr::LOCALHOST, port).into(), child, log }
    }

    /// Adds what the program itself says of a connection that is over.
    pub(super) fn told(&self, notes: &mut Notes) {
        if let (Some(log), Some(port)) = (&self.log, notes.forwarded_from) {
            log(port, notes);
        }
    }

    /// Passes bytes between `stream` and the program until both have ended.
    pub(super) async fn forward<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: S,
        notes: &SharedNotes,
    ) -> anyhow::Result<()> {
        let mut upstream = TcpStream::connect(self.address).await.context("the origin's program does not answer")?;
        lock(notes).forwarded_from = Some(upstream.local_addr()?.port());
        tokio::io::copy_bidirectional(&mut stream, &mut upstream)
            .await
            .context("between ATS and the origin's program")?;
        Ok(())
    }
}

/// Starts `openssl s_server -www` with `args`, serving `good` or a certificate for `name` signed with
/// the arguments `sign`. The error says what this image's openssl cannot do.
pub(super) async fn openssl(
    args: &[String],
    sign: &[String],
    good: &Leaf,
    identity: &Identity,
    name: &str,
    folder: &Path,
) -> Result<Backend, String> {
    let files = [("leaf.pem", &good.chain_pem), ("leaf.key", &good.key_pem), ("ca.pem", &identity.ca_pem)];
    for (file, text) in files.into_iter().chain([("ca.key", &identity.ca_key_pem)]) {
        std::fs::write(folder.join(file), text).map_err(|error| format!("cannot write {file}: {error}"))?;
    }
    if !sign.is_empty() {
        sign_leaf(sign, name, folder).await?;
    }
    let port = free_port().await.map_err(|error| error.to_string())?;
    let mut child = Command::new("openssl")
        .args(["s_server", "-accept", &format!("127.0.0.1:{port}"), "-cert", "leaf.pem", "-key", "leaf.key", "-www"])
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| missing(&error))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
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
    if tokio::time::timeout(START, ready).await.ok().flatten().is_some() {
        if let Some(stderr) = stderr {
            let mut lines = BufReader::new(stderr).lines();
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        }
        return Ok(Backend::new(port, child, None));
    }
    Err(format!("this image's openssl s_server cannot serve with {}", args.join(" ")))
}

/// A port that nobody has, for a program that cannot be handed a socket.
pub(super) async fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?.port())
}

fn missing(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "this image has no openssl".into(),
        _ => format!("cannot start openssl: {error}"),
    }
}

/// Replaces the leaf by one that `openssl` signs as told: no library of ours would sign with SHA-1.
async fn sign_leaf(sign: &[String], name: &str, folder: &Path) -> Result<(), String> {
    let extensions = format!("subjectAltName=DNS:{name}\nextendedKeyUsage=serverAuth\n");
    std::fs::write(folder.join("leaf.ext"), extensions).map_err(|error| error.to_string())?;
    let subject = format!("/CN={name}");
    let request =
        ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", &subject, "-keyout", "leaf.key", "-out", "leaf.csr"];
    run(&request, folder).await?;
    let mut signing =
        vec!["x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "4711"];
    signing.extend(["-days", "30", "-extfile", "leaf.ext", "-out", "leaf.pem"]);
    signing.extend(sign.iter().map(String::as_str));
    run(&signing, folder).await
}

async fn run(args: &[&str], folder: &Path) -> Result<(), String> {
    let command =
        Command::new("openssl").args(args).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(START, command)
        .await
        .map_err(|_| format!("openssl {} does not end", args[0]))?
        .map_err(|error| missing(&error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or_default();
    Err(format!("this image's openssl {} cannot {}: {last:.200}", args[0], args.join(" ")))
}
