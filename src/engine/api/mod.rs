//! The Engine API of Docker and Podman: bollard for what it does well, [`raw`] for the rest.
//! Differences between engines are fields of [`Quirks`], computed once.

mod build;
mod container;
mod create;
mod events;
mod images;
mod info;
mod networks;
mod raw;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bollard::errors::Error as ApiError;
use bollard::{API_DEFAULT_VERSION, Docker};
use futures_util::stream::BoxStream;
use serde::Deserialize;

use self::raw::{RawClient, RawError};
use super::credentials::Credentials;
use super::discovery::Endpoint;
use super::error::{Class, EngineError, Result};
use super::podman::PodmanService;
use super::{
    BuildSpec, Container, ContainerEvent, ContainerSpec, Engine, EngineInfo, ImageInfo, Labelled, Labels, NetworkSpec,
    OnLine, TarStream, labels,
};

/// How long the engine may take to answer an ordinary request. The engine serialises starts: thirty
/// at a time took over a minute (docker/for-linux#269).
const ORDINARY_TIMEOUT: Duration = Duration::from_mins(5);

/// Timeout of requests that the engine answers when the work is done: waits and imports. They end
/// when their future is dropped, so this only has to be longer than any run.
const NO_TIMEOUT: Duration = Duration::from_hours(30 * 24);

/// An engine behind the Engine API.
pub(super) struct ApiEngine {
    docker: Docker,
    raw: RawClient,
    endpoint: Endpoint,
    quirks: Quirks,
    credentials: Credentials,
    /// A Podman service that this process started: it must outlive this value and all its containers.
    service: Option<Arc<PodmanService>>,
}

/// The relevant differences between engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Quirks {
    /// Memory limits work.
    limits_memory: bool,
    /// Process limits work.
    limits_pids: bool,
    /// The limit of open files can be set freely. Rootless engines cannot exceed the user's own.
    sets_nofile: bool,
    /// The log driver whose logs can be bounded and read back.
    log_driver: &'static str,
}

impl Quirks {
    fn of(info: &EngineInfo) -> Self {
        Self {
            limits_memory: info.limits_memory,
            limits_pids: info.limits_pids,
            sets_nofile: !info.rootless,
            log_driver: info.kind.log_driver(),
        }
    }
}

impl ApiEngine {
    /// Connects to `endpoint` and negotiates the API version: Engine 20.10 answers every call in a newer
    /// version with an error.
    pub(super) async fn connect(
        endpoint: Endpoint,
        service: Option<PodmanService>,
        credentials: Credentials,
    ) -> Result<Self> {
        let failed = |error: ApiError| describe("connect to engine", &endpoint.to_string(), error);
        let timeout = ORDINARY_TIMEOUT.as_secs();
        let docker = match &endpoint {
            Endpoint::Unix(path) => Docker::connect_with_unix(&path.to_string_lossy(), timeout, API_DEFAULT_VERSION),
            Endpoint::Tcp(address) => Docker::connect_with_http(&address.to_string(), timeout, API_DEFAULT_VERSION),
        }
        .map_err(failed)?;
        let docker = docker.negotiate_version().await.map_err(failed)?;
        let version = docker.client_version();
        let raw = RawClient::new(endpoint.clone(), format!("{}.{}", version.major_version, version.minor_version));
        let info = info::info(&docker, &endpoint).await?;
        Ok(Self { docker, raw, endpoint, quirks: Quirks::of(&info), credentials, service: service.map(Arc::new) })
    }

    /// The same client for requests that may take any time.
    fn without_timeout(&self) -> Docker {
        self.docker.clone().with_timeout(NO_TIMEOUT)
    }

    async fn labelled(&self, path: &str, all: bool) -> std::result::Result<Vec<Labelled>, RawError> {
        let filters = format!(r#"{{"label":["{}"]}}"#, labels::RUN);
        let all = if all { "1" } else { "0" };
        let found: Vec<ListedResource> = self.raw.get(path, &[("all", all), ("filters", &filters)]).await?;
        let mut found: Vec<Labelled> =
            found.into_iter().map(|row| Labelled { id: row.id, labels: row.labels.unwrap_or_default() }).collect();
        found.sort();
        Ok(found)
    }
}

/// The relevant part of a listed container or network.
#[derive(Deserialize)]
struct ListedResource {
    #[serde(rename = "Id")]
    id: String,
    #[serde(rename = "Labels")]
    labels: Option<Labels>,
}

/// An engine error from an error of bollard, whose own text does not name the operation.
fn describe(operation: &'static str, object: &str, error: ApiError) -> EngineError {
    match error {
        ApiError::DockerResponseServerError { status_code: 404, message } => {
            EngineError::from_engine(operation, object, Class::NotFound, &message)
        }
        ApiError::DockerResponseServerError { message, .. } | ApiError::DockerStreamError { error: message } => {
            EngineError::from_engine(operation, object, Class::Other, &message)
        }
        ApiError::HyperLegacyError { err } if err.is_connect() => {
            EngineError::new(operation, object, Class::Unreachable, &chain(&err))
        }
        ApiError::SocketNotFoundError(path) => {
            EngineError::new(operation, object, Class::Unreachable, &format!("the socket {path} does not exist"))
        }
        ApiError::RequestTimeoutError => {
            EngineError::new(operation, object, Class::Unreachable, "the engine does not answer")
        }
        ApiError::HyperLegacyError { err } => EngineError::new(operation, object, Class::Interrupted, &chain(&err)),
        ApiError::HyperResponseError { err } => EngineError::new(operation, object, Class::Interrupted, &chain(&err)),
        ApiError::IOError { err } => EngineError::new(operation, object, Class::Interrupted, &chain(&err)),
        other => EngineError::new(operation, object, Class::Other, &chain(&other)),
    }
}

/// An error with its causes, as one text without repetitions.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

fn raw_failed(operation: &'static str, object: &str) -> impl FnOnce(RawError) -> EngineError {
    move |error| EngineError::from_engine(operation, object, error.class, &error.reason)
}

#[async_trait]
impl Engine for ApiEngine {
    async fn info(&self) -> Result<EngineInfo> {
        info::info(&self.docker, &self.endpoint).await
    }

    async fn image(&self, reference: &str) -> Result<Option<ImageInfo>> {
        self.find_image(reference).await
    }

    async fn images_with_label(&self, label: &str) -> Result<Vec<ImageInfo>> {
        self.list_images(label).await
    }

    async fn images_of(&self, repository: &str) -> Result<Vec<ImageInfo>> {
        self.list_repository(repository).await
    }

    async fn tag(&self, image: &str, tag: &str) -> Result<()> {
        self.tag_image(image, tag).await
    }

    async fn remove_image(&self, reference: &str) -> Result<()> {
        self.drop_image(reference).await
    }

    async fn pull(&self, reference: &str, on_progress: OnLine<'_>) -> Result<ImageInfo> {
        self.pull_image(reference, on_progress).await
    }

    async fn import(&self, tag: &str, labels: &Labels, tar: TarStream) -> Result<ImageInfo> {
        self.import_image(tag, labels, tar).await
    }

    async fn build(&self, spec: &BuildSpec, on_log: OnLine<'_>) -> Result<ImageInfo> {
        self.build_image(spec, on_log).await
    }

    async fn create_network(&self, spec: &NetworkSpec) -> Result<String> {
        self.make_network(spec).await
    }

    async fn remove_network(&self, id: &str) -> Result<()> {
        self.drop_network(id).await
    }

    async fn networks(&self) -> Result<Vec<Labelled>> {
        self.labelled("/networks", false).await.map_err(raw_failed("list", "networks"))
    }

    async fn start(&self, spec: &ContainerSpec) -> Result<Box<dyn Container>> {
        self.start_container(spec).await
    }

    async fn containers(&self) -> Result<Vec<Labelled>> {
        self.labelled("/containers/json", true).await.map_err(raw_failed("list", "containers"))
    }

    async fn remove_container(&self, id: &str) -> Result<()> {
        container::remove(&self.docker, id).await
    }

    async fn container_events(&self) -> Result<BoxStream<'static, Result<ContainerEvent>>> {
        events::follow(&self.raw, self.endpoint.to_string()).await
    }
}
