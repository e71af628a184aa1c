//! nginx as an origin: one process per port, without a master, behind the listener of the agent. What it negotiated is
//! in its access log, which is written before a request counts as done, and so before its connection ends.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;

use super::Notes;
use super::backend::{self, Backend};
use crate::agent::program;
use crate::model::{Identity, Leaf, OriginRequest, TlsSeen};

/// Timeout for its start, which takes milliseconds.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// Where packages install it. Not every image has this directory in its PATH.
const PROGRAM: &str = "/usr/sbin/nginx";

/// The name of the access log in the folder of a port.
const ACCESS_LOG: &str = "access.log";

/// Starts nginx on `port` of loopback with `directives` in its server block. It answers with `body` under the
/// certificate `leaf`; its files are in `folder`.
pub(super) async fn start(
    body: &[u8],
    directives: &[String],
    leaf: &Leaf,
    identity: &Identity,
    port: u16,
    folder: &Path,
) -> anyhow::Result<Backend> {
    let text = config(port, directives, folder);
    let files: [(&str, &[u8]); 5] = [
        ("leaf.pem", leaf.chain_pem.as_bytes()),
        ("leaf.key", leaf.key_pem.as_bytes()),
        ("ca.pem", identity.ca_pem.as_bytes()),
        ("body", body),
        ("nginx.conf", text.as_bytes()),
    ];
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).with_context(|| format!("cannot write {name} for nginx"))?;
    }
    let mut command = program::tool(PROGRAM);
    command.args(["-e", "stderr", "-c"]).arg(folder.join("nginx.conf")).arg("-p").arg(folder);
    // When it logs which event method it uses, its sockets are open.
    backend::server(("nginx", command), ("event method", START_TIMEOUT), port, (folder.join(ACCESS_LOG), add_logged))
        .await
}

fn config(port: u16, directives: &[String], folder: &Path) -> String {
    let dir = folder.display().to_string();
    let more = directives.join("\n    ").replace("{dir}", &dir);
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {dir}/{what};"))
        .join("\n  ");
    format!(
        // A single process that stays the same user: it may not become another, or change the owner of its directories.
        "user root root;\ndaemon off;\nmaster_process off;\npid {dir}/nginx.pid;\nerror_log stderr notice;\n\
         events {{ worker_connections 256; }}\n\
         http {{\n  log_format facts escape=json '{{\"from\":\"$remote_port\",\"method\":\"$request_method\",\
         \"target\":\"$request_uri\",\"version\":\"$server_protocol\",\"host\":\"$http_host\",\
         \"tls\":\"$ssl_protocol\",\"suite\":\"$ssl_cipher\",\"group\":\"$ssl_curve\",\
         \"alpn\":\"$ssl_alpn_protocol\",\"reused\":\"$ssl_session_reused\",\
         \"client\":\"$ssl_client_verify\",\"at\":\"$msec\"}}';\n  access_log {dir}/{ACCESS_LOG} facts;\n  {temporary}\n  \
         server {{\n    listen 127.0.0.1:{port} ssl;\n    ssl_certificate {dir}/leaf.pem;\n    \
         ssl_certificate_key {dir}/leaf.key;\n    {more}\n    \
         location / {{ root {dir}; try_files /body =404; }}\n  }}\n}}\n"
    )
}

/// A line of the access log.
#[derive(Deserialize)]
struct NginxLogLine {
    from: String,
    method: String,
    target: String,
    version: String,
    host: String,
    tls: String,
    suite: String,
    group: String,
    alpn: String,
    reused: String,
    client: String,
    at: String,
}

/// Adds what the log contains about the connection from `port`.
fn add_logged(log: &str, port: u16, notes: &mut Notes) {
    let port = port.to_string();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<NginxLogLine>(line).ok());
    for line in lines.filter(|line| line.from == port) {
        notes.tls = Some(TlsSeen {
            version: line.tls,
            suite: line.suite,
            group: line.group,
            alpn: line.alpn,
            resumed: line.reused == "r",
            peer: if line.client == "SUCCESS" { "client".into() } else { String::new() },
        });
        notes.requests.push(OriginRequest {
            method: line.method,
            target: line.target,
            version: line.version,
            host: line.host,
            at_us: microseconds(&line.at),
            ..OriginRequest::default()
        });
    }
}

/// Converts `1732550000.123`, seconds with milliseconds, to microseconds.
fn microseconds(text: &str) -> u64 {
    let (seconds, milliseconds) = text.split_once('.').unwrap_or((text, "0"));
    let number = |text: &str| text.parse::<u64>().unwrap_or_default();
    number(seconds).saturating_mul(1_000_000).saturating_add(number(milliseconds).saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_is_found_in_the_log() {
        let line = |from: u16, client: &str| {
            format!(
                r#"{{"from":"{from}","method":"GET","target":"/","version":"HTTP/1.1","host":"a.t","tls":"TLSv1.3","suite":"TLS_AES_256_GCM_SHA384","group":"X25519","alpn":"","reused":"r","client":"{client}","at":"1732550000.123"}}"#
            )
        };
        let log = format!("{}\n{}\nnonsense\n{}\n", line(7, "NONE"), line(8, "SUCCESS"), line(7, "NONE"));
        let mut notes = Notes::default();
        add_logged(&log, 7, &mut notes);
        assert_eq!(notes.requests.len(), 2);
        assert_eq!(notes.requests[0].at_us, 1_732_550_000_123_000);
        let tls = notes.tls.unwrap();
        assert_eq!((tls.version.as_str(), tls.resumed, tls.peer.as_str()), ("TLSv1.3", true, ""));
        let mut other = Notes::default();
        add_logged(&log, 8, &mut other);
        assert_eq!((other.requests.len(), other.tls.unwrap().peer.as_str()), (1, "client"));
    }

    #[test]
    fn directives_are_in_the_server_block_with_their_directory() {
        let text = config(1234, &["ssl_client_certificate {dir}/ca.pem;".into()], Path::new("/run/x"));
        assert!(text.contains("listen 127.0.0.1:1234 ssl;"), "{text}");
        assert!(text.contains("    ssl_client_certificate /run/x/ca.pem;\n"), "{text}");
        assert_eq!(text.matches('{').count(), text.matches('}').count(), "{text}");
    }
}
