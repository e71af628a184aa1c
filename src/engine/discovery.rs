//! Where an engine may listen: environment, docker contexts, usual sockets. Pure: what to try, in which
//! order, and why something cannot be tried. [`super::connect`] connects.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

use super::EngineKind;

/// Where an engine listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A unix socket.
    Unix(PathBuf),
    /// Plain HTTP over TCP. Always an address: a static program does not resolve names.
    Tcp(SocketAddr),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

/// The environment variables that discovery reads.
#[derive(Debug, Clone, Default)]
pub struct Env {
    /// `DOCKER_HOST`.
    pub docker_host: Option<String>,
    /// Whether `DOCKER_TLS_VERIFY` is set and not empty.
    pub docker_tls: bool,
    /// `DOCKER_CONTEXT`.
    pub docker_context: Option<String>,
    /// `DOCKER_CONFIG`: the folder with config.json.
    pub docker_config: Option<PathBuf>,
    /// `REGISTRY_AUTH_FILE`: credentials for registries.
    pub registry_auth_file: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`.
    pub runtime_dir: Option<PathBuf>,
    /// The folders of `PATH`.
    pub path: Vec<PathBuf>,
}

impl Env {
    /// The environment of this process; empty variables count as unset.
    pub fn from_process() -> Self {
        let text = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let folder = |name| text(name).map(PathBuf::from);
        Self {
            docker_host: text("DOCKER_HOST"),
            docker_tls: text("DOCKER_TLS_VERIFY").is_some(),
            docker_context: text("DOCKER_CONTEXT"),
            docker_config: folder("DOCKER_CONFIG"),
            registry_auth_file: folder("REGISTRY_AUTH_FILE"),
            home: folder("HOME"),
            runtime_dir: folder("XDG_RUNTIME_DIR"),
            path: std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default(),
        }
    }

    /// The folder with docker's config.json and contexts.
    pub fn config_dir(&self) -> Option<PathBuf> {
        self.docker_config.clone().or_else(|| Some(self.home.as_ref()?.join(".docker")))
    }

    /// The file of the program `name` in `PATH`.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        self.path.iter().map(|folder| folder.join(name)).find(|file| file.is_file())
    }
}

/// Docker's client configuration as read: the text of config.json and of each context's meta.json.
#[derive(Debug, Clone, Default)]
pub struct ClientConfig {
    /// The text of config.json.
    pub config: Option<String>,
    /// Path and text of each contexts/meta/*/meta.json.
    pub contexts: Vec<(PathBuf, String)>,
}

/// An endpoint to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Where it was found, for example `DOCKER_HOST` or `docker context "prod"`.
    pub via: String,
    /// The endpoint, or why it cannot be used and what to do.
    pub endpoint: Result<Endpoint, String>,
    /// Whether the user named it in the environment. Then nothing else is tried: using another engine
    /// would be a surprise.
    pub binding: bool,
}

/// The endpoints to try, in order.
pub fn candidates(env: &Env, client: &ClientConfig) -> Vec<Candidate> {
    if let Some(host) = &env.docker_host {
        let endpoint = parse_host(host, env.docker_tls);
        return vec![Candidate { via: "DOCKER_HOST".to_owned(), endpoint, binding: true }];
    }
    if let Some(name) = env.docker_context.as_ref().filter(|name| *name != "default") {
        let via = format!("DOCKER_CONTEXT={name}");
        return vec![Candidate { via, endpoint: context_endpoint(name, client), binding: true }];
    }
    let mut found = Vec::new();
    match current_context(client) {
        // An explicit DOCKER_CONTEXT=default overrides config.json.
        Ok(Some(name)) if env.docker_context.is_none() => {
            let via = format!("docker context \"{name}\" of config.json");
            found.push(Candidate { via, endpoint: context_endpoint(&name, client), binding: false });
        }
        Ok(_) => {}
        Err(why) => {
            found.push(Candidate { via: "docker's config.json".to_owned(), endpoint: Err(why), binding: false });
        }
    }
    let sockets = EngineKind::SUPPORTED.into_iter().flat_map(|kind| kind.sockets(env));
    found.extend(sockets.map(|(via, path)| Candidate {
        via: via.to_owned(),
        endpoint: Ok(Endpoint::Unix(path)),
        binding: false,
    }));
    found
}

const FORWARD: &str = "forward its socket with `ssh -nNT -L /tmp/engine.sock:/var/run/docker.sock USER@HOST` and set \
                       DOCKER_HOST=unix:///tmp/engine.sock";

/// Parses a value of `DOCKER_HOST`; `tls` says whether TLS was requested.
pub fn parse_host(host: &str, tls: bool) -> Result<Endpoint, String> {
    let (scheme, rest) = host
        .split_once("://")
        .ok_or_else(|| format!("`{host}` is not the address of an engine: write unix:///PATH or tcp://IP:PORT"))?;
    match scheme {
        "unix" if rest.starts_with('/') => Ok(Endpoint::Unix(PathBuf::from(rest))),
        "unix" => Err(format!("`{host}`: the path of the socket must be absolute, as in unix:///var/run/docker.sock")),
        "tcp" | "http" if !tls => parse_address(rest.trim_end_matches('/')),
        "tcp" | "http" | "https" => Err(format!("an engine behind TLS is not supported: {FORWARD}")),
        "ssh" => Err(format!("ssh:// is not supported: {FORWARD}")),
        _ => Err(format!("`{scheme}://` is not supported: write unix:///PATH or tcp://IP:PORT")),
    }
}

fn parse_address(text: &str) -> Result<Endpoint, String> {
    // The only name with the same address everywhere.
    if let Some(port) = text.strip_prefix("localhost:").and_then(|port| port.parse().ok()) {
        return Ok(Endpoint::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
    }
    text.parse().map(Endpoint::Tcp).map_err(|_| {
        format!("tcp://{text} cannot be used: write it with address and port, tcp://IP:2375 (this static program cannot resolve names)")
    })
}

#[derive(Deserialize)]
struct ConfigFile {
    #[serde(rename = "currentContext")]
    current_context: Option<String>,
}

#[derive(Deserialize)]
struct ContextFile {
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "Endpoints")]
    endpoints: ContextEndpoints,
}

#[derive(Deserialize)]
struct ContextEndpoints {
    docker: Option<ContextHost>,
}

#[derive(Deserialize)]
struct ContextHost {
    #[serde(rename = "Host", default)]
    host: String,
}

/// The context that config.json names; `None`: the default context.
fn current_context(client: &ClientConfig) -> Result<Option<String>, String> {
    let Some(text) = &client.config else { return Ok(None) };
    let config: ConfigFile =
        serde_json::from_str(text).map_err(|error| format!("config.json is not valid JSON: {error}"))?;
    Ok(config.current_context.filter(|name| !name.is_empty() && name != "default"))
}

fn context_endpoint(name: &str, client: &ClientConfig) -> Result<Endpoint, String> {
    let parsed = client.contexts.iter().filter_map(|(_, text)| serde_json::from_str::<ContextFile>(text).ok());
    let mut known = Vec::new();
    for context in parsed {
        if context.name == name {
            let host = context.endpoints.docker.map(|docker| docker.host).unwrap_or_default();
            if host.is_empty() {
                return Err("this context has no docker endpoint".to_owned());
            }
            return parse_host(&host, false);
        }
        known.push(context.name);
    }
    known.sort();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(format!("there is no such context: choose one that `docker context ls` lists (known here: {known})"))
}

/// One endpoint that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Where it was found: see [`Candidate::via`].
    pub via: String,
    /// The endpoint, or `-` if there was none to try.
    pub target: String,
    /// The engine found there, for example `Docker 20.10.24 (API 1.41)`, or why it cannot be used.
    pub result: Result<String, String>,
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Ok(text) | Err(text)) = &self.result;
        write!(f, "{} ({}): {text}", self.via, self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env() -> Env {
        Env { home: Some("/home/u".into()), runtime_dir: Some("/run/user/1000".into()), ..Env::default() }
    }

    fn client(current: &str) -> ClientConfig {
        ClientConfig {
            config: Some(format!(r#"{{"auths": {{}}, "currentContext": "{current}"}}"#)),
            contexts: vec![
                (
                    "a/meta.json".into(),
                    r#"{"Name":"rootless","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///run/user/1000/docker.sock","SkipTLSVerify":false}}}"#.to_owned(),
                ),
                ("b/meta.json".into(), r#"{"Name":"far","Endpoints":{"docker":{"Host":"ssh://u@far"}}}"#.to_owned()),
                ("c/meta.json".into(), "garbage".to_owned()),
            ],
        }
    }

    #[test]
    fn with_docker_host_nothing_else_is_tried() {
        let env = Env { docker_host: Some("tcp://10.0.0.5:2375".to_owned()), ..env() };
        let found = candidates(&env, &client("rootless"));
        assert_eq!(found.len(), 1);
        assert!(found[0].binding);
        assert_eq!(found[0].endpoint, Ok(Endpoint::Tcp("10.0.0.5:2375".parse().unwrap())));
    }

    #[test]
    fn without_docker_host_the_current_context_comes_before_the_usual_sockets() {
        let found = candidates(&env(), &client("rootless"));
        let places: Vec<_> = found.iter().map(|it| it.endpoint.as_ref().unwrap().to_string()).collect();
        assert_eq!(
            places,
            [
                "unix:///run/user/1000/docker.sock",
                "unix:///var/run/docker.sock",
                "unix:///run/user/1000/docker.sock",
                "unix:///home/u/.docker/run/docker.sock",
                "unix:///run/user/1000/podman/podman.sock",
                "unix:///run/podman/podman.sock",
            ]
        );
    }

    #[test]
    fn docker_context_names_an_endpoint_and_default_means_the_usual_sockets() {
        let named = Env { docker_context: Some("far".to_owned()), ..env() };
        let found = candidates(&named, &client("rootless"));
        assert_eq!(found.len(), 1);
        assert!(found[0].endpoint.as_ref().unwrap_err().contains("ssh -nNT -L"));

        let default = Env { docker_context: Some("default".to_owned()), ..env() };
        assert_eq!(candidates(&default, &client("rootless"))[0].via, "Docker's socket");

        let unknown = Env { docker_context: Some("nix".to_owned()), ..env() };
        let why = candidates(&unknown, &client(""))[0].endpoint.clone().unwrap_err();
        assert_eq!(
            why,
            "there is no such context: choose one that `docker context ls` lists (known here: far, rootless)"
        );
    }

    #[test]
    fn a_damaged_config_is_reported_and_does_not_stop_the_search() {
        let damaged = ClientConfig { config: Some("{".to_owned()), contexts: Vec::new() };
        let found = candidates(&env(), &damaged);
        assert!(found[0].endpoint.as_ref().unwrap_err().starts_with("config.json is not valid JSON"));
        assert!(found.len() > 1);
    }

    #[test]
    fn unsupported_hosts_say_what_to_do() {
        for (host, tls, says) in [
            ("ssh://u@h", false, "ssh -nNT -L"),
            ("tcp://10.0.0.5:2376", true, "ssh -nNT -L"),
            ("https://10.0.0.5:2376", false, "ssh -nNT -L"),
            ("tcp://build.example:2375", false, "cannot resolve names"),
            ("tcp://10.0.0.5", false, "with address and port"),
            ("npipe:////./pipe/docker_engine", false, "write unix:///PATH"),
            ("unix://docker.sock", false, "absolute"),
            ("/var/run/docker.sock", false, "write unix:///PATH"),
        ] {
            let why = parse_host(host, tls).unwrap_err();
            assert!(why.contains(says), "{host}: {why}");
        }
        let local = Endpoint::Tcp("127.0.0.1:2375".parse().unwrap());
        assert_eq!(parse_host("tcp://localhost:2375/", false), Ok(local));
    }
}
