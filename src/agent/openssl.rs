//! `openssl s_client` of the distro as a control: it uses the libssl, the configuration and the crypto policy that the
//! distro has for all programs, but not ATS. What an image sets for its ATS does not affect it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;

use super::{MAX_ERROR, now_us, program};
use crate::catalogue::trials::body::Sum;
use crate::distro::loader;
use crate::model::{ClientError, ClientPhase, ClientRun, Exchange};

/// Requests `https://host:port/` from `address` through `openssl s_client`, which trusts `ca` alone.
pub(super) async fn run(host: &str, address: SocketAddr, ca: &Path, deadline: Duration) -> ClientRun {
    let mut exchange = Exchange { started_us: now_us(), ..Exchange::default() };
    let begun = Instant::now();
    exchange.error = match tokio::time::timeout(deadline, request(host, address, ca, &mut exchange)).await {
        Ok(answered) => answered.err(),
        Err(_) => Some(error(ClientPhase::Deadline, "openssl s_client does not end")),
    };
    exchange.total_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
    ClientRun { exchanges: vec![exchange], ..ClientRun::default() }
}

fn error(phase: ClientPhase, text: &str) -> ClientError {
    ClientError { phase, text: text.chars().take(MAX_ERROR).collect() }
}

async fn request(host: &str, address: SocketAddr, ca: &Path, exchange: &mut Exchange) -> Result<(), ClientError> {
    let mut child = program::tool("openssl")
        .args(["s_client", "-quiet", "-verify_return_error", "-servername", host, "-verify_hostname", host])
        .args(["-connect", &address.to_string(), "-CAfile"])
        .arg(ca)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|cause| match cause.kind() {
            std::io::ErrorKind::NotFound => error(ClientPhase::Missing, "this image has no openssl"),
            _ => error(ClientPhase::Connect, &format!("cannot start openssl: {cause}")),
        })?;
    // Kept open until the end: s_client stops reading when its stdin closes.
    let mut stdin = child.stdin.take();
    if let Some(stdin) = &mut stdin {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let _ = stdin.write_all(request.as_bytes()).await;
    }
    let output = child
        .wait_with_output()
        .await
        .map_err(|cause| error(ClientPhase::Exchange, &format!("cannot read the output of openssl: {cause}")))?;
    drop(stdin);
    let Some(at) = output.stdout.windows(4).position(|window| window == b"\r\n\r\n") else {
        let stderr = String::from_utf8_lossy(&output.stderr);
        if let Some(line) = stderr.lines().find(|line| loader::is_refusal(line)) {
            return Err(error(ClientPhase::Missing, &format!("this image's openssl does not start: {line}")));
        }
        let cause = stderr.lines().find(|line| line.contains("error") || line.contains("errno")).unwrap_or_default();
        return Err(error(ClientPhase::Handshake, cause));
    };
    let head = String::from_utf8_lossy(&output.stdout[..at]);
    exchange.status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (exchange.body_len, exchange.body_sha256) = Sum::of(&output.stdout[at + 4..]);
    Ok(())
}
