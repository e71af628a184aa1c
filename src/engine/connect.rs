//! Tries the endpoints of [`super::discovery`] until an engine answers, and records what was tried.

use std::fmt;
use std::fs;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};

use super::api::ApiEngine;
use super::credentials::Credentials;
use super::discovery::{self, Candidate, ClientConfig, Endpoint, Env, Probe};
use super::podman::PodmanService;
use super::{Engine, EngineInfo, EngineKind};

/// How long one endpoint may take to answer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// An engine that answers.
pub struct Connected {
    /// The engine.
    pub engine: Arc<dyn Engine>,
    /// Its description.
    pub info: EngineInfo,
    /// What was tried. The last entry is this engine.
    pub probes: Vec<Probe>,
}

impl fmt::Debug for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connected").field("info", &self.info).field("probes", &self.probes).finish_non_exhaustive()
    }
}

/// No engine answers. Its text lists what was tried and why each attempt failed. Exit with [`crate::exit::Exit::NoEngine`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoEngine {
    /// What was tried, in order.
    pub probes: Vec<Probe>,
}

impl std::error::Error for NoEngine {}

impl fmt::Display for NoEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "no container engine answers. Tried:")?;
        for probe in &self.probes {
            writeln!(f, "  {probe}")?;
        }
        write!(
            f,
            "Install {} and start it, or set DOCKER_HOST. Run `atsmatrix doctor` for details.",
            EngineKind::packages()
        )
    }
}

/// Finds an engine. If the environment names one (`DOCKER_HOST`, `DOCKER_CONTEXT`), only that is tried. Otherwise the
/// current docker context, the usual sockets and finally a Podman service of this process are tried.
pub async fn connect(env: &Env) -> Result<Connected, NoEngine> {
    let mut probes = Vec::new();
    for candidate in discovery::candidates(env, &client_config(env)) {
        let Candidate { via, endpoint, binding } = candidate;
        let target = endpoint.as_ref().map_or_else(|_| "-".to_owned(), Endpoint::to_string);
        // The current context often names one of the usual sockets: try each only once.
        if probes.iter().any(|probe: &Probe| probe.target == target && target != "-") {
            continue;
        }
        let found = match endpoint {
            Ok(endpoint) => try_endpoint(env, endpoint, None).await,
            Err(why) => Err(why),
        };
        match found {
            Ok((engine, info)) => return Ok(connected(engine, info, probes, via, target)),
            Err(why) => probes.push(Probe { via, target, result: Err(why) }),
        }
        if binding {
            return Err(NoEngine { probes });
        }
    }
    let via = "podman system service".to_owned();
    match own_podman(env).await {
        Ok((engine, info, target)) => Ok(connected(engine, info, probes, via, target)),
        Err(why) => {
            probes.push(Probe { via, target: "-".to_owned(), result: Err(why) });
            Err(NoEngine { probes })
        }
    }
}

fn connected(engine: ApiEngine, info: EngineInfo, mut probes: Vec<Probe>, via: String, target: String) -> Connected {
    probes.push(Probe { via, target, result: Ok(info.to_string()) });
    Connected { engine: Arc::new(engine), info, probes }
}

async fn own_podman(env: &Env) -> Result<(ApiEngine, EngineInfo, String), String> {
    let podman = env.program("podman").ok_or("no podman in PATH")?;
    let (service, socket) = PodmanService::start(env, &podman).await.map_err(|error| format!("{error:#}"))?;
    let target = format!("{} at unix://{}", podman.display(), socket.display());
    let (engine, info) = try_endpoint(env, Endpoint::Unix(socket), Some(service)).await?;
    Ok((engine, info, target))
}

async fn try_endpoint(
    env: &Env,
    endpoint: Endpoint,
    service: Option<PodmanService>,
) -> Result<(ApiEngine, EngineInfo), String> {
    let attempt = async {
        reach(&endpoint).await?;
        let engine = ApiEngine::connect(endpoint, service, Credentials::of(env)).await.map_err(|error| error.reason)?;
        let info = engine.info().await.map_err(|error| error.reason)?;
        usable(&info)?;
        Ok((engine, info))
    };
    tokio::time::timeout(PROBE_TIMEOUT, attempt)
        .await
        .unwrap_or_else(|_| Err(format!("does not answer within {} s", PROBE_TIMEOUT.as_secs())))
}

/// Checks that something listens there. A plain connection gives a clearer reason than an HTTP client.
async fn reach(endpoint: &Endpoint) -> Result<(), String> {
    match endpoint {
        Endpoint::Unix(socket) => UnixStream::connect(socket).await.map(drop),
        Endpoint::Tcp(address) => TcpStream::connect(address).await.map(drop),
    }
    .map_err(|error| why_unreachable(&error))
}

fn why_unreachable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such socket".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "permission denied: add yourself to the group of the socket (`sudo usermod -aG docker $USER`, then log in \
             again) or use rootless Podman"
                .to_owned()
        }
        io::ErrorKind::ConnectionRefused => {
            "nothing listens on this socket: start the engine (`sudo systemctl start docker`)".to_owned()
        }
        _ => error.to_string(),
    }
}

/// Checks that this static binary can run inside the engine's containers.
fn usable(info: &EngineInfo) -> Result<(), String> {
    let same = matches!((info.arch.as_str(), std::env::consts::ARCH), ("amd64", "x86_64") | ("arm64", "aarch64"));
    if info.os != "linux" {
        return Err(format!("{info} runs {} containers; Linux containers are needed", info.os));
    }
    if !same && info.arch != std::env::consts::ARCH {
        let here = std::env::consts::ARCH;
        return Err(format!("{info} runs {} containers, but this program is built for {here}", info.arch));
    }
    Ok(())
}

/// Reads docker's client configuration. Missing or unreadable files count as absent: the docker client
/// need not be installed.
fn client_config(env: &Env) -> ClientConfig {
    let Some(folder) = env.config_dir() else { return ClientConfig::default() };
    let config = fs::read_to_string(folder.join("config.json")).ok();
    let mut contexts = Vec::new();
    for entry in fs::read_dir(folder.join("contexts/meta")).into_iter().flatten().flatten() {
        let file = entry.path().join("meta.json");
        if let Ok(text) = fs::read_to_string(&file) {
            contexts.push((file, text));
        }
    }
    contexts.sort();
    ClientConfig { config, contexts }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> EngineInfo {
        EngineInfo {
            kind: EngineKind::Docker,
            version: "20.10.24".to_owned(),
            api: "1.41".to_owned(),
            os: "linux".to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            cpus: 2,
            memory: 1 << 30,
            rootless: false,
            storage: "overlay2".to_owned(),
            limits_memory: true,
            limits_pids: true,
            networks: 1,
            network_capacity: Some(31),
        }
    }

    #[test]
    fn an_engine_for_another_platform_is_refused_with_the_reason() {
        assert_eq!(usable(&info()), Ok(()));
        let windows = EngineInfo { os: "windows".to_owned(), ..info() };
        assert!(usable(&windows).unwrap_err().contains("Linux containers are needed"));
        let other = EngineInfo { arch: "riscv64".to_owned(), ..info() };
        assert!(usable(&other).unwrap_err().contains("riscv64"));
    }

    #[tokio::test]
    async fn only_docker_host_is_tried_if_it_is_set() {
        let env = Env { docker_host: Some("unix:///nonexistent/docker.sock".to_owned()), ..Env::default() };
        let error = connect(&env).await.unwrap_err();
        insta::assert_snapshot!(error, @r"
        no container engine answers. Tried:
          DOCKER_HOST (unix:///nonexistent/docker.sock): there is no such socket
        Install Docker (package docker.io or docker-ce) or Podman and start it, or set DOCKER_HOST. Run `atsmatrix doctor` for details.
        ");
    }

    #[tokio::test]
    async fn a_socket_that_answers_garbage_is_not_an_engine() {
        let folder = std::env::temp_dir().join(format!("atsmatrix-rubbish-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let socket = folder.join("docker.sock");
        let listener = tokio::net::UnixListener::bind(&socket).unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"hello\r\n").await;
            }
        });
        let env = Env { docker_host: Some(format!("unix://{}", socket.display())), ..Env::default() };
        let error = connect(&env).await.unwrap_err();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(error.probes.len(), 1);
        assert!(error.probes[0].result.is_err());
    }
}
