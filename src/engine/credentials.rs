//! Credentials for private registries, from where docker and podman store them: config.json with its helpers, auth.json,
//! `REGISTRY_AUTH_FILE`. They are sent to the engine with a pull and nowhere else; they are never shown or written.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bollard::auth::DockerCredentials;
use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::discovery::Env;
use crate::model::registry_of;

/// How long a credential helper may take. One that prompts the user would never exit.
const HELPER_TIMEOUT: Duration = Duration::from_secs(20);

/// Docker's name for its hub in these files.
const HUB: &str = "https://index.docker.io/v1/";

/// The files that hold credentials.
#[derive(Default)]
pub(super) struct Credentials {
    /// In order of precedence: the first file that has the registry counts.
    files: Vec<PathBuf>,
    env: Env,
}

impl Credentials {
    pub(super) fn of(env: &Env) -> Self {
        let files = match &env.registry_auth_file {
            // It replaces all others, as in podman.
            Some(file) => vec![file.clone()],
            None => [
                env.runtime_dir.as_ref().map(|folder| folder.join("containers/auth.json")),
                env.home.as_ref().map(|folder| folder.join(".config/containers/auth.json")),
                env.config_dir().map(|folder| folder.join("config.json")),
            ]
            .into_iter()
            .flatten()
            .collect(),
        };
        Self { files, env: env.clone() }
    }

    /// The credentials for the registry of the image `reference`; `None`: pull without any.
    pub(super) async fn of_image(&self, reference: &str) -> Option<DockerCredentials> {
        for file in &self.files {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            let found = match source(&text, reference) {
                Some(CredentialSource::File(credentials)) => Some(*credentials),
                Some(CredentialSource::Helper { name, server }) => self.ask_helper(&name, &server).await,
                None => None,
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Runs a credential helper; `None` if it fails or has no entry.
    async fn ask_helper(&self, name: &str, server: &str) -> Option<DockerCredentials> {
        let program = self.env.program(&format!("docker-credential-{name}"))?;
        let mut command = Command::new(program);
        command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let output = async {
            let mut child = command.spawn().ok()?;
            child.stdin.take()?.write_all(server.as_bytes()).await.ok()?;
            let output = child.wait_with_output().await.ok().filter(|output| output.status.success())?;
            serde_json::from_slice::<HelperOutput>(&output.stdout).ok()
        };
        let HelperOutput { username, secret } = tokio::time::timeout(HELPER_TIMEOUT, output).await.ok()??;
        let server = Some(server.to_owned());
        Some(if username == "<token>" {
            DockerCredentials { identitytoken: Some(secret), serveraddress: server, ..DockerCredentials::default() }
        } else {
            DockerCredentials {
                username: Some(username),
                password: Some(secret),
                serveraddress: server,
                ..DockerCredentials::default()
            }
        })
    }
}

/// Output of a credential helper.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HelperOutput {
    username: String,
    secret: String,
}

/// Where the credentials of a registry come from.
enum CredentialSource {
    File(Box<DockerCredentials>),
    Helper { name: String, server: String },
}

/// The relevant part of config.json and auth.json.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct AuthFile {
    auths: BTreeMap<String, Auth>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Auth {
    auth: String,
    identitytoken: Option<String>,
}

/// The source that the configuration `text` names for the image `reference`.
fn source(text: &str, reference: &str) -> Option<CredentialSource> {
    let config: AuthFile = serde_json::from_str(text).ok()?;
    let name = full_name(reference);
    let host = name.split('/').next()?.to_owned();
    let server = if host == "docker.io" { HUB.to_owned() } else { host.clone() };
    let helper = |name: &String| {
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        plain.then(|| CredentialSource::Helper { name: name.clone(), server: server.clone() })
    };
    if let Some((_, name)) = config.cred_helpers.iter().find(|(key, _)| plain_key(key) == host) {
        return helper(name);
    }
    // auth.json may have entries for parts of a registry: the most specific one counts.
    let under =
        |key: &str| name.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':', '@']));
    let given =
        config.auths.iter().filter(|(key, _)| under(&plain_key(key))).max_by_key(|(key, _)| plain_key(key).len());
    if let Some(credentials) = given.and_then(|(_, auth)| decoded(auth, &server)) {
        return Some(CredentialSource::File(Box::new(credentials)));
    }
    config.creds_store.as_ref().and_then(helper)
}

/// A reference with its registry, which references to Docker's hub leave out.
fn full_name(reference: &str) -> String {
    if registry_of(reference).is_some() { reference.to_owned() } else { format!("docker.io/{reference}") }
}

/// A key of `auths` as the beginning of a reference. Over the years these files have used several spellings.
fn plain_key(key: &str) -> String {
    let key = key.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    let key = key.strip_suffix("/v1").or_else(|| key.strip_suffix("/v2")).unwrap_or(key);
    if matches!(key, "index.docker.io" | "registry-1.docker.io") { "docker.io".to_owned() } else { key.to_owned() }
}

/// The credentials in an entry of `auths`; `None` if it is empty, as when a store holds them.
fn decoded(auth: &Auth, server: &str) -> Option<DockerCredentials> {
    let serveraddress = Some(server.to_owned());
    if let Some(token) = auth.identitytoken.clone().filter(|token| !token.is_empty()) {
        return Some(DockerCredentials { identitytoken: Some(token), serveraddress, ..DockerCredentials::default() });
    }
    let text = String::from_utf8(BASE64_STANDARD.decode(auth.auth.trim()).ok()?).ok()?;
    let (username, password) = text.split_once(':')?;
    let (username, password) = (Some(username.to_owned()), Some(password.trim_end_matches('\0').to_owned()));
    Some(DockerCredentials { username, password, serveraddress, ..DockerCredentials::default() })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const CONFIG: &str = r#"{
        "auths": {
            "https://index.docker.io/v1/": { "auth": "aHViOnNlY3JldA==" },
            "registry.test": { "auth": "YTpiOmM=" },
            "registry.test/team": { "auth": "dGVhbTp4" },
            "token.test": { "identitytoken": "t" },
            "stored.test": {}
        },
        "credHelpers": { "helped.test:5000": "corp" },
        "credsStore": "store"
    }"#;

    fn who(reference: &str) -> String {
        match source(CONFIG, reference) {
            None => "none".to_owned(),
            Some(CredentialSource::Helper { name, server }) => format!("{name} for {server}"),
            Some(CredentialSource::File(it)) => format!("{:?} {:?} {:?}", it.username, it.password, it.identitytoken)
                .replace("Some(", "")
                .replace(')', ""),
        }
    }

    #[test]
    fn the_most_specific_entry_wins_then_the_store() {
        for (reference, expected) in [
            ("debian:12", "\"hub\" \"secret\" None"),
            ("docker.io/library/debian:12", "\"hub\" \"secret\" None"),
            ("registry.test/x:1", "\"a\" \"b:c\" None"),
            ("registry.test/team/x@sha256:0", "\"team\" \"x\" None"),
            ("registry.test/teams/x", "\"a\" \"b:c\" None"),
            ("token.test/x", "None None \"t\""),
            ("helped.test:5000/x", "corp for helped.test:5000"),
            ("stored.test/x", "store for stored.test"),
            ("other.test/x", "store for other.test"),
        ] {
            assert_eq!(who(reference), expected, "{reference}");
        }
        assert!(source("{}", "debian").is_none() && source("garbage", "debian").is_none());
        assert!(source(r#"{"credsStore": "../x"}"#, "debian").is_none(), "a path is not a name");
    }

    #[tokio::test]
    async fn a_helper_is_queried_for_the_registry_and_a_failing_helper_gives_none() {
        let folder = tempfile::tempdir().unwrap();
        let helper = |name: &str, script: &str| {
            let file = folder.path().join(format!("docker-credential-{name}"));
            fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        };
        helper("corp", r#"read server; echo "{\"Username\":\"u\",\"Secret\":\"$1 $server\"}""#);
        helper("empty", "echo 'credentials not found in native keychain'; exit 1");
        let config = r#"{"credHelpers": {"a.test": "corp", "b.test": "empty", "c.test": "missing"}}"#;
        fs::write(folder.path().join("config.json"), config).unwrap();
        let env = Env {
            docker_config: Some(folder.path().to_owned()),
            path: vec![folder.path().to_owned()],
            ..Env::default()
        };
        let credentials = Credentials::of(&env);
        let found = credentials.of_image("a.test/x:1").await.unwrap();
        assert_eq!((found.username.as_deref(), found.password.as_deref()), (Some("u"), Some("get a.test")));
        for none in ["b.test/x", "c.test/x", "d.test/x"] {
            assert!(credentials.of_image(none).await.is_none(), "{none}");
        }
        // Podman's variable replaces every other file.
        let other = folder.path().join("auth.json");
        fs::write(&other, r#"{"auths": {"a.test": {"auth": "eDp5"}}}"#).unwrap();
        let credentials = Credentials::of(&Env { registry_auth_file: Some(other), ..env });
        assert_eq!(credentials.of_image("a.test/x").await.unwrap().username.as_deref(), Some("x"));
    }
}
