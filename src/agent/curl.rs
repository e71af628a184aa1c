//! The curl of the distro as a control: it uses the OpenSSL and the crypto policy of the distro, but not ATS.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{MAX_ERROR, now_us, program};
use crate::catalogue::trials::body::Sum;
use crate::distro::loader;
use crate::model::{ClientError, ClientPhase, ClientRun, Exchange};

/// What curl prints about the exchange, one value a line.
const WRITE_OUT: &str = "%{http_code}\\n%{time_starttransfer}\\n";

/// Requests `https://host:port/` from `address` with curl, which trusts `ca` alone. The body goes through a file in
/// `folder`.
pub(super) async fn run(host: &str, address: SocketAddr, ca: &Path, folder: &Path, deadline: Duration) -> ClientRun {
    let mut exchange = Exchange { started_us: now_us(), ..Exchange::default() };
    let begun = Instant::now();
    let file = folder.join("curl.body");
    exchange.error = request(host, address, ca, &file, deadline, &mut exchange).await.err();
    if let Ok(bytes) = std::fs::read(&file) {
        (exchange.body_len, exchange.body_sha256) = Sum::of(&bytes);
        let _ = std::fs::remove_file(&file);
    }
    exchange.total_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
    ClientRun { exchanges: vec![exchange], ..ClientRun::default() }
}

async fn request(
    host: &str,
    address: SocketAddr,
    ca: &Path,
    file: &Path,
    deadline: Duration,
    exchange: &mut Exchange,
) -> Result<(), ClientError> {
    let error = |phase, text: String| ClientError { phase, text: text.chars().take(MAX_ERROR).collect() };
    let output = program::tool("curl")
        // First, so that curl reads no configuration file of the image.
        .args(["--disable", "--silent", "--show-error", "--noproxy", "*", "--write-out", WRITE_OUT])
        .arg("--max-time")
        .arg(deadline.as_secs().max(1).to_string())
        .arg("--resolve")
        .arg(format!("{host}:{}:{}", address.port(), address.ip()))
        .arg("--cacert")
        .arg(ca)
        .arg("--output")
        .arg(file)
        .arg(format!("https://{host}:{}/", address.port()))
        .output()
        .await
        .map_err(|cause| match cause.kind() {
            std::io::ErrorKind::NotFound => error(ClientPhase::Missing, "this image has no curl".into()),
            _ => error(ClientPhase::Connect, format!("cannot start curl: {cause}")),
        })?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let mut values = printed.lines();
    exchange.status = values.next().and_then(|code| code.parse().ok()).filter(|&code| code != 0);
    exchange.head_us = values.next().and_then(|seconds| seconds.parse::<f64>().ok()).map(micros);
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    if let Some(line) = stderr.lines().find(|line| loader::is_refusal(line)) {
        return Err(error(ClientPhase::Missing, format!("this image's curl does not start: {line}")));
    }
    Err(error(ClientPhase::Exchange, stderr.trim().to_owned()))
}

/// curl prints seconds as a decimal fraction.
fn micros(seconds: f64) -> u64 {
    u64::try_from(Duration::try_from_secs_f64(seconds).unwrap_or_default().as_micros()).unwrap_or(u64::MAX)
}
