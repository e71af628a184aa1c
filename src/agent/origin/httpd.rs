//! Apache httpd as an origin: one server per port, in the foreground, behind the listener of the agent. What it
//! negotiated is in its access log.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;

use super::Notes;
use super::backend::{self, Backend};
use crate::agent::program;
use crate::model::{Leaf, OriginRequest, TlsSeen};

/// Timeout for its start, which takes a second.
const START_TIMEOUT: Duration = Duration::from_secs(15);

/// Where packages install it, by distro family, and its modules.
const PROGRAMS: [(&str, &str); 2] =
    [("/usr/sbin/apache2", "/usr/lib/apache2/modules"), ("/usr/sbin/httpd", "/usr/lib64/httpd/modules")];

/// The user that it serves as: that of Debian, that of Fedora.
const USERS: [&str; 2] = ["www-data", "apache"];

/// The name of the access log in the folder of a port.
const ACCESS_LOG: &str = "access.log";

/// Starts httpd on `port` of loopback with a virtual host for each of `hosts`, a name and its certificate. It answers
/// with `body`; its files are in `folder`.
pub(super) async fn start(body: &[u8], hosts: &[(String, &Leaf)], port: u16, folder: &Path) -> anyhow::Result<Backend> {
    let found = PROGRAMS.iter().zip(USERS).find(|((path, _), _)| Path::new(path).exists());
    let (&(path, modules), user) = found.context("this image has no httpd")?;
    let pages = folder.join("pages");
    std::fs::create_dir_all(&pages).with_context(|| format!("cannot make {}", pages.display()))?;
    // Its user must be able to enter these directories.
    for place in folder.ancestors().take(2).chain([pages.as_path()]) {
        std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o711))
            .with_context(|| format!("cannot open {} to httpd", place.display()))?;
    }
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.join(name), bytes).with_context(|| format!("cannot write {name} for httpd"))
    };
    write("pages/body", body)?;
    std::fs::set_permissions(folder.join("pages/body"), std::fs::Permissions::from_mode(0o644))
        .context("cannot open the body to httpd")?;
    for (number, (_, leaf)) in hosts.iter().enumerate() {
        write(&format!("leaf-{number}.pem"), leaf.chain_pem.as_bytes())?;
        write(&format!("leaf-{number}.key"), leaf.key_pem.as_bytes())?;
    }
    let names: Vec<&str> = hosts.iter().map(|(name, _)| name.as_str()).collect();
    write("httpd.conf", config(port, &names, (modules, user), folder).as_bytes())?;
    let mut command = program::tool(path);
    command.args(["-D", "FOREGROUND", "-f"]).arg(folder.join("httpd.conf"));
    let ready = ("resuming normal operations", START_TIMEOUT);
    backend::server(("httpd", command), ready, port, (folder.join(ACCESS_LOG), add_logged)).await
}

fn config(port: u16, hosts: &[&str], (modules, user): (&str, &str), folder: &Path) -> String {
    let dir = folder.display().to_string();
    let mut text = format!(
        "ServerRoot {dir}\nDefaultRuntimeDir {dir}\nPidFile {dir}/httpd.pid\nServerName httpd.invalid\n\
         Listen 127.0.0.1:{port}\nErrorLog /dev/stderr\nLogLevel notice\nUser {user}\nGroup {user}\n"
    );
    // Writing into a String cannot fail. These modules are part of the program in some distros, and files in others.
    for module in ["mpm_event", "unixd", "authz_core", "log_config", "ssl", "rewrite"] {
        let _ = write!(
            text,
            "<IfModule !{module}_module>\n  <IfFile {modules}/mod_{module}.so>\n    LoadModule {module}_module \
             {modules}/mod_{module}.so\n  </IfFile>\n</IfModule>\n"
        );
    }
    let _ = write!(
        text,
        "ServerLimit 1\nStartServers 1\nThreadsPerChild 8\nMaxRequestWorkers 8\n\
         LogFormat \"{{\\\"from\\\":\\\"%{{remote}}p\\\",\\\"method\\\":\\\"%m\\\",\\\"target\\\":\\\"%U\\\",\
         \\\"version\\\":\\\"%H\\\",\\\"host\\\":\\\"%{{Host}}i\\\",\\\"tls\\\":\\\"%{{SSL_PROTOCOL}}x\\\",\
         \\\"suite\\\":\\\"%{{SSL_CIPHER}}x\\\",\\\"resumed\\\":\\\"%{{SSL_SESSION_RESUMED}}x\\\",\
         \\\"at\\\":\\\"%{{usec}}t\\\"}}\" facts\nCustomLog {dir}/{ACCESS_LOG} facts\n"
    );
    for (number, name) in hosts.iter().enumerate() {
        let _ = write!(
            text,
            "<VirtualHost 127.0.0.1:{port}>\n  ServerName {name}\n  SSLEngine on\n  SSLCertificateFile \
             {dir}/leaf-{number}.pem\n  SSLCertificateKeyFile {dir}/leaf-{number}.key\n  DocumentRoot {dir}/pages\n  \
             RewriteEngine on\n  RewriteRule ^/$ /body [L]\n</VirtualHost>\n"
        );
    }
    text
}

/// A line of the access log.
#[derive(Deserialize)]
struct HttpdLogLine {
    from: String,
    method: String,
    target: String,
    version: String,
    host: String,
    tls: String,
    suite: String,
    resumed: String,
    at: String,
}

/// Adds what the log contains about the connection from `port`.
fn add_logged(log: &str, port: u16, notes: &mut Notes) {
    let port = port.to_string();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<HttpdLogLine>(line).ok());
    for line in lines.filter(|line| line.from == port) {
        notes.tls = Some(TlsSeen {
            version: line.tls,
            suite: line.suite,
            resumed: line.resumed == "Resumed",
            ..TlsSeen::default()
        });
        notes.requests.push(OriginRequest {
            method: line.method,
            target: line.target,
            version: line.version,
            host: line.host,
            at_us: line.at.parse().unwrap_or_default(),
            ..OriginRequest::default()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_is_found_in_the_log() {
        let line = |from: u16, resumed: &str| {
            format!(
                r#"{{"from":"{from}","method":"GET","target":"/","version":"HTTP/1.1","host":"a.t","tls":"TLSv1.3","suite":"TLS_AES_256_GCM_SHA384","resumed":"{resumed}","at":"1795657991034478"}}"#
            )
        };
        let log = format!("{}\nnonsense\n{}\n", line(7, "Initial"), line(8, "Resumed"));
        let mut notes = Notes::default();
        add_logged(&log, 7, &mut notes);
        assert_eq!((notes.requests.len(), notes.requests[0].at_us), (1, 1_795_657_991_034_478));
        assert!(!notes.tls.unwrap().resumed);
    }

    #[test]
    fn each_host_has_its_own_certificate() {
        let text = config(1234, &["a.test", "a.t"], ("/m", "www-data"), Path::new("/run/x"));
        for wanted in ["ServerName a.test", "leaf-0.pem", "ServerName a.t\n", "leaf-1.pem", "Listen 127.0.0.1:1234"] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
    }
}
