//! Containers: create, attach, start, read, stop, remove.

use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bollard::Docker;
use bollard::container::{AttachContainerResults, LogOutput};
use bollard::errors::Error as ApiError;
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, DownloadFromContainerOptionsBuilder,
    KillContainerOptions, LogsOptionsBuilder, RemoveContainerOptionsBuilder, StartContainerOptions,
    WaitContainerOptionsBuilder,
};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::task::AbortOnDropHandle;

use super::create::{check_env, create_body};
use super::raw::RawClient;
use super::{ApiEngine, describe, raw_failed};
use crate::engine::error::{Class, EngineError};
use crate::engine::lines::{LineSplitter, Tail};
use crate::engine::podman::PodmanService;
use crate::engine::{Container, ContainerExit, ContainerSpec, LINE_MAX, OUTPUT_MAX, Result, STDERR_TAIL, TarStream};

type Stdin = Pin<Box<dyn AsyncWrite + Send>>;

/// A started container of a real engine.
struct ApiContainer {
    docker: Docker,
    /// For requests that last until the work is done: [`ApiEngine::without_timeout`].
    unhurried: Docker,
    raw: RawClient,
    id: String,
    name: String,
    network: Option<String>,
    lines: Option<UnboundedReceiver<String>>,
    stdin: tokio::sync::Mutex<Option<Stdin>>,
    stderr: Arc<Mutex<Tail>>,
    truncated: Arc<AtomicBool>,
    removal: Removal,
    _reader: AbortOnDropHandle<()>,
    _service: Option<Arc<PodmanService>>,
}

/// Removes a container in the background when dropped.
struct Removal {
    docker: Docker,
    /// The container; `None`: nothing to remove any more.
    id: Option<String>,
}

impl Drop for Removal {
    fn drop(&mut self) {
        let Some(id) = self.id.take() else { return };
        // Without a runtime the process is exiting: the next run sweeps the container.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let docker = self.docker.clone();
            runtime.spawn(async move { remove(&docker, &id).await });
        }
    }
}

impl ApiEngine {
    pub(super) async fn start_container(&self, spec: &ContainerSpec) -> Result<Box<dyn Container>> {
        let failed = |error| describe("start container", &spec.name, error);
        check_env(spec)?;
        let options = CreateContainerOptionsBuilder::default().name(&spec.name).build();
        let created = self.docker.create_container(Some(options), create_body(spec, self.quirks)).await;
        let id = created.map_err(failed)?.id;
        let mut removal = Removal { docker: self.docker.clone(), id: Some(id.clone()) };
        match self.attach_and_start(&id, spec).await {
            Ok(attached) => Ok(Box::new(self.container(spec, id, attached, removal))),
            Err(error) => {
                let error = failed(error);
                if remove(&self.docker, &id).await.is_ok() {
                    removal.id = None;
                }
                Err(error)
            }
        }
    }

    /// Attaches before the start, so that no output is lost, and writes `stdin` after it.
    async fn attach_and_start(
        &self,
        id: &str,
        spec: &ContainerSpec,
    ) -> std::result::Result<AttachContainerResults, ApiError> {
        let stdin = &spec.stdin;
        let options = AttachContainerOptionsBuilder::default().stream(true).stdin(!spec.as_delivered);
        let options = options.stdout(true).stderr(true).build();
        let mut attached = self.docker.attach_container(id, Some(options)).await?;
        self.docker.start_container(id, None::<StartContainerOptions>).await?;
        if !stdin.is_empty() {
            // A container that has already exited does not read it; its exit is reported later.
            let _ = attached.input.write_all(stdin.as_bytes()).await;
            let _ = attached.input.flush().await;
        }
        Ok(attached)
    }

    fn container(
        &self,
        spec: &ContainerSpec,
        id: String,
        attached: AttachContainerResults,
        removal: Removal,
    ) -> ApiContainer {
        let (sender, lines) = unbounded_channel();
        let stderr = Arc::new(Mutex::new(Tail::new(STDERR_TAIL)));
        let truncated = Arc::new(AtomicBool::new(false));
        let reader = read(attached.output, sender, Arc::clone(&stderr), Arc::clone(&truncated));
        ApiContainer {
            docker: self.docker.clone(),
            unhurried: self.without_timeout(),
            raw: self.raw.clone(),
            id,
            name: spec.name.clone(),
            network: spec.network.clone(),
            lines: Some(lines),
            stdin: tokio::sync::Mutex::new(Some(attached.input)),
            stderr,
            truncated,
            removal,
            _reader: AbortOnDropHandle::new(tokio::spawn(reader)),
            _service: self.service.clone(),
        }
    }
}

/// Reads a container's output to its end. It reads on if there is no receiver or the limit is reached: a
/// container whose output is not read blocks.
async fn read(
    mut output: impl Stream<Item = std::result::Result<LogOutput, ApiError>> + Unpin,
    lines: UnboundedSender<String>,
    stderr: Arc<Mutex<Tail>>,
    truncated: Arc<AtomicBool>,
) {
    let mut splitter = LineSplitter::new(LINE_MAX);
    let mut room = OUTPUT_MAX;
    // An error means that the connection is broken; `wait` reports what became of the container.
    while let Some(Ok(piece)) = output.next().await {
        match piece {
            LogOutput::StdErr { message } => stderr.lock().unwrap_or_else(PoisonError::into_inner).push(&message),
            LogOutput::StdOut { message } | LogOutput::Console { message } if message.len() <= room => {
                room -= message.len();
                for line in splitter.push(&message) {
                    // Fails if the receiver was dropped: the lines are not wanted.
                    let _ = lines.send(line);
                }
            }
            LogOutput::StdOut { .. } | LogOutput::Console { .. } => {
                room = 0;
                truncated.store(true, Ordering::Relaxed);
            }
            LogOutput::StdIn { .. } => {}
        }
    }
    if let Some(line) = splitter.finish() {
        let _ = lines.send(line);
    }
}

/// The relevant part of an inspected container.
#[derive(Deserialize)]
struct InspectedContainer {
    #[serde(rename = "State")]
    state: ContainerState,
    #[serde(rename = "NetworkSettings")]
    network_settings: Option<NetworkSettings>,
}

#[derive(Deserialize)]
struct ContainerState {
    #[serde(rename = "Running", default)]
    running: bool,
    #[serde(rename = "ExitCode", default)]
    exit_code: i64,
    #[serde(rename = "OOMKilled", default)]
    oom_killed: bool,
}

#[derive(Deserialize)]
struct NetworkSettings {
    #[serde(rename = "Networks")]
    networks: Option<HashMap<String, NetworkEnd>>,
}

#[derive(Deserialize)]
struct NetworkEnd {
    #[serde(rename = "NetworkID", default)]
    network: String,
    #[serde(rename = "IPAddress", default)]
    address: String,
}

impl InspectedContainer {
    /// The address in `network`. Podman may give a network's name instead of its id; a container is in
    /// one network only, so a single entry is the right one.
    fn address(&self, network: &str) -> Option<IpAddr> {
        let ends = self.network_settings.as_ref()?.networks.as_ref()?;
        let named = ends.iter().find(|(name, end)| end.network == network || *name == network).map(|(_, end)| end);
        let end = named.or_else(|| ends.values().next().filter(|_| ends.len() == 1))?;
        end.address.parse().ok()
    }
}

impl ApiContainer {
    async fn inspect(&self, operation: &'static str) -> Result<InspectedContainer> {
        self.raw.get(&format!("/containers/{}/json", self.id), &[]).await.map_err(raw_failed(operation, &self.name))
    }
}

#[async_trait]
impl Container for ApiContainer {
    fn id(&self) -> &str {
        &self.id
    }

    async fn ip(&self) -> Result<IpAddr> {
        const OPERATION: &str = "find the address of container";
        let fail = |reason: &str| EngineError::new(OPERATION, &self.name, Class::Other, reason);
        let network = self.network.as_ref().ok_or_else(|| fail("it is not in a network"))?;
        let inspected = self.inspect(OPERATION).await?;
        inspected.address(network).ok_or_else(|| {
            if inspected.state.running {
                return fail("the engine did not assign one");
            }
            fail(&format!("it has exited with code {}: {}", inspected.state.exit_code, self.stderr_tail()))
        })
    }

    fn lines(&mut self) -> UnboundedReceiver<String> {
        self.lines.take().unwrap_or_else(|| unbounded_channel().1)
    }

    fn stderr_tail(&self) -> String {
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner).text()
    }

    async fn close_stdin(&self) -> Result<()> {
        let Some(mut stdin) = self.stdin.lock().await.take() else { return Ok(()) };
        match stdin.shutdown().await {
            // These two mean that stdin is closed already, for example because the container has exited.
            Err(error)
                if error.kind() != std::io::ErrorKind::NotConnected
                    && error.kind() != std::io::ErrorKind::BrokenPipe =>
            {
                Err(EngineError::new("close stdin of container", &self.name, Class::Interrupted, &error.to_string()))
            }
            _ => Ok(()),
        }
    }

    async fn wait(&self) -> Result<ContainerExit> {
        const OPERATION: &str = "wait for container";
        loop {
            let options = WaitContainerOptionsBuilder::default().condition("not-running").build();
            let exited = self.unhurried.wait_container(&self.id, Some(options)).next().await;
            match exited {
                // bollard returns every exit code but 0 as an error.
                Some(Ok(_) | Err(ApiError::DockerContainerWaitError { .. })) => {}
                Some(Err(error)) => return Err(describe(OPERATION, &self.name, error)),
                None => {
                    return Err(EngineError::new(OPERATION, &self.name, Class::Interrupted, "the connection broke"));
                }
            }
            let state = self.inspect(OPERATION).await?.state;
            if !state.running {
                return Ok(ContainerExit {
                    code: state.exit_code,
                    oom_killed: state.oom_killed,
                    truncated: self.truncated.load(Ordering::Relaxed),
                });
            }
        }
    }

    async fn logs(&self) -> Result<Vec<String>> {
        let options = LogsOptionsBuilder::default().stdout(true).tail("all").build();
        let mut output = Box::pin(self.docker.logs(&self.id, Some(options)));
        let mut splitter = LineSplitter::new(LINE_MAX);
        let mut lines = Vec::new();
        let mut room = OUTPUT_MAX;
        while let Some(piece) = output.next().await {
            let piece = piece.map_err(|error| describe("read logs of container", &self.name, error))?.into_bytes();
            if piece.len() > room {
                break;
            }
            room -= piece.len();
            lines.extend(splitter.push(&piece));
        }
        lines.extend(splitter.finish());
        Ok(lines)
    }

    fn file(&self, path: &str) -> TarStream {
        let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
        let unhurried = self.unhurried.clone();
        let pieces = unhurried.download_from_container(&self.id, Some(options));
        let name = self.name.clone();
        let failed = move |error| std::io::Error::other(describe("read a file of container", &name, error));
        pieces.map(move |piece| piece.map_err(&failed)).boxed()
    }

    async fn kill(&self) -> Result<()> {
        match self.docker.kill_container(&self.id, None::<KillContainerOptions>).await {
            Ok(()) | Err(ApiError::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
            // For an exited container Docker answers 409, Podman 500.
            Err(error) => match self.inspect("kill container").await {
                Ok(it) if !it.state.running => Ok(()),
                _ => Err(describe("kill container", &self.name, error)),
            },
        }
    }

    fn keep(mut self: Box<Self>) {
        self.removal.id = None;
    }

    async fn remove(mut self: Box<Self>) -> Result<()> {
        remove(&self.docker, &self.id).await?;
        self.removal.id = None;
        Ok(())
    }
}

/// Kills and removes a container with its anonymous volumes.
pub(super) async fn remove(docker: &Docker, id: &str) -> Result<()> {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    match docker.remove_container(id, Some(options)).await {
        Ok(()) | Err(ApiError::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
        // Another process (another run's sweep) is removing it: wait until it is gone.
        Err(ApiError::DockerResponseServerError { status_code: 409, .. }) => {
            let options = WaitContainerOptionsBuilder::default().condition("removed").build();
            match docker.wait_container(id, Some(options)).next().await {
                Some(Err(error @ ApiError::DockerResponseServerError { status_code: 500.., .. })) => {
                    Err(describe("remove container", id, error))
                }
                _ => Ok(()),
            }
        }
        Err(error) => Err(describe("remove container", id, error)),
    }
}
