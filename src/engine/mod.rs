//! Container engines: one trait, its implementation over the Engine API that Docker and Podman share,
//! and a scripted fake. Only this module uses bollard. It knows nothing of ATS, trials or cells: it
//! makes images, networks and containers and returns their output as lines.
//!
//! Everything made here has the labels of [`labels`]; [`sweep`] removes what a dead run left behind.

mod api;
mod connect;
mod credentials;
pub mod discovery;
pub mod doctor;
mod error;
pub mod fake;
mod kind;
pub mod labels;
pub mod lines;
pub mod patience;
mod podman;
pub mod sweep;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use tokio::sync::mpsc::UnboundedReceiver;

pub use connect::{Connected, NoEngine, connect};
pub use error::{Class, EngineError, Result};
pub use kind::EngineKind;

/// Longest line read from a container's stdout, bytes. Longer lines are cut and marked.
pub const LINE_MAX: usize = 4 << 20;

/// Most output read from one container's stdout, bytes. Further lines are dropped, and
/// [`ContainerExit::truncated`] is set.
pub const OUTPUT_MAX: usize = 64 << 20;

/// How much of a container's stderr is kept, bytes.
pub const STDERR_TAIL: usize = 64 << 10;

/// Longest environment entry `NAME=VALUE`, bytes: Linux's `MAX_ARG_STRLEN` without the final NUL (execve(2)).
pub const ENV_MAX: usize = (128 << 10) - 1;

/// A [`ContainerSpec::network`]: the engine's own network, for containers that need the Internet.
pub const DEFAULT_NETWORK: &str = "default";

/// How long an engine may take to list, remove or connect existing objects. Under load such calls take seconds; one
/// that takes longer hangs and would block its caller for ever.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The result of `work`, or an error if the engine does not answer within [`REQUEST_TIMEOUT`].
///
/// # Errors
/// Those of `work`, and the timeout.
pub async fn with_timeout<T>(
    operation: &'static str,
    object: &str,
    work: impl Future<Output = Result<T>> + Send,
) -> Result<T> {
    tokio::time::timeout(REQUEST_TIMEOUT, work).await.unwrap_or_else(|_| {
        let reason = format!("the engine does not answer within {} s", REQUEST_TIMEOUT.as_secs());
        Err(EngineError::new(operation, object, Class::Unreachable, &reason))
    })
}

/// Labels of an image, container or network: key to value.
pub type Labels = BTreeMap<String, String>;

/// Receives lines as they arrive: the progress of a pull, the log of a build. Lines are bounded and have no
/// newline, but are otherwise untrusted: escape them before printing.
pub type OnLine<'a> = &'a mut (dyn FnMut(&str) + Send);

/// A root file system as an uncompressed tar, in pieces. It must end with an error if its
/// producer fails: an engine accepts an empty or truncated tar as a small image.
pub type TarStream = BoxStream<'static, io::Result<Bytes>>;

/// A container engine. Every error names the operation and the object that failed.
///
/// Dropping the future of a pull, import or build stops the work on the engine. (Podman 4.3 finishes the
/// current build step.)
#[async_trait]
pub trait Engine: Send + Sync {
    /// Describes the engine: name, version, resources, limits.
    async fn info(&self) -> Result<EngineInfo>;

    /// The image with this tag, reference or id; `None` if the engine does not have it.
    async fn image(&self, reference: &str) -> Result<Option<ImageInfo>>;

    /// Images with the label `label` (`KEY` or `KEY=VALUE`), sorted by id.
    async fn images_with_label(&self, label: &str) -> Result<Vec<ImageInfo>>;

    /// Images with a tag in `repository` ([`ImageInfo::tags_of`]), sorted by id.
    async fn images_of(&self, repository: &str) -> Result<Vec<ImageInfo>>;

    /// Adds the tag `NAME:TAG` to an image, given by reference or id.
    async fn tag(&self, image: &str, tag: &str) -> Result<()>;

    /// Removes an image, or only this tag if it has others. A missing image is not an error.
    async fn remove_image(&self, reference: &str) -> Result<()>;

    /// Pulls an image from its registry. Every failure but a full disk is [`Class::Unreachable`]
    /// with the registry's own reason. Gives up if the engine reports no progress.
    async fn pull(&self, reference: &str, on_progress: OnLine<'_>) -> Result<ImageInfo>;

    /// Makes an image with the tag `tag` from a root file system. The tag moves only when the image is complete.
    async fn import(&self, tag: &str, labels: &Labels, tar: TarStream) -> Result<ImageInfo>;

    /// Builds an image with the classic builder. A failed step is [`Class::Build`].
    async fn build(&self, spec: &BuildSpec, on_log: OnLine<'_>) -> Result<ImageInfo>;

    /// Creates a bridge network and returns its id.
    async fn create_network(&self, spec: &NetworkSpec) -> Result<String>;

    /// Removes a network, waiting a bounded time for its last containers to leave it. A missing
    /// network is not an error.
    async fn remove_network(&self, id: &str) -> Result<()>;

    /// All networks of any run of atsmatrix (label [`labels::RUN`]), sorted by id.
    async fn networks(&self) -> Result<Vec<Labelled>>;

    /// Creates a container, attaches to it and starts it. If any of these fails, the container is removed.
    async fn start(&self, spec: &ContainerSpec) -> Result<Box<dyn Container>>;

    /// All containers, running or not, of any run of atsmatrix (label [`labels::RUN`]), sorted by id.
    async fn containers(&self) -> Result<Vec<Labelled>>;

    /// Kills and removes a container with its volumes. A missing container is not an error.
    async fn remove_container(&self, id: &str) -> Result<()>;

    /// Events of all containers of the engine from now on, in order, whoever caused them. The stream ends with
    /// an error if the engine closes it.
    async fn container_events(&self) -> Result<BoxStream<'static, Result<ContainerEvent>>>;
}

/// A started container. Its stdin stays open until [`Container::close_stdin`] is called, this value is
/// dropped, or the process ends.
///
/// Dropping it without [`Container::remove`] or [`Container::keep`] removes the container in the background
/// while the runtime is alive; otherwise the next sweep finds it by its labels.
#[async_trait]
pub trait Container: Send + Sync {
    /// The engine's id of the container.
    fn id(&self) -> &str;

    /// Its address in the network it was started in. An error if it is no longer running.
    async fn ip(&self) -> Result<IpAddr>;

    /// The lines of its stdout from its start until it closes stdout. There is only one
    /// receiver: a second call returns a closed one. See [`Container::logs`] about lost lines.
    fn lines(&mut self) -> UnboundedReceiver<String>;

    /// The last [`STDERR_TAIL`] bytes of its stderr so far, as text.
    fn stderr_tail(&self) -> String;

    /// Closes its stdin, which tells an agent to stop.
    async fn close_stdin(&self) -> Result<()>;

    /// Waits until it exits.
    async fn wait(&self) -> Result<ContainerExit>;

    /// Reads its whole stdout again, after [`Container::wait`]: attached streams may lose the
    /// last lines (moby#43860, podman#2692), logs do not. Bounded like [`Container::lines`] and by
    /// [`ContainerSpec::log_bytes`], beyond which the engine drops the oldest output.
    async fn logs(&self) -> Result<Vec<String>>;

    /// The file `path` in it, also after it has exited: a tar with this one entry.
    fn file(&self, path: &str) -> TarStream;

    /// Kills it. A container that has already exited is not an error.
    async fn kill(&self) -> Result<()>;

    /// Leaves it on the engine for inspection by hand, with its stdin closed.
    fn keep(self: Box<Self>);

    /// Kills it if it is running and removes it with its volumes.
    async fn remove(self: Box<Self>) -> Result<()>;
}

/// An event of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerEvent {
    /// When, by the clock of the engine's host, which its containers share: microseconds since the epoch.
    pub at_us: u64,
    /// The container's id.
    pub container: String,
    /// What happened to it.
    pub what: ContainerChange,
}

/// Events that make a container unavailable to others, or available again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerChange {
    /// Its first process exited.
    Died {
        /// Its exit code; 128 + N after signal N, -1 if the engine does not report it.
        code: i64,
    },
    /// It was paused, or stopped by a signal.
    Paused,
    /// It runs again.
    Resumed,
    /// It was disconnected from a network.
    LeftNetwork,
}

/// Description of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineInfo {
    /// Which engine it is.
    pub kind: EngineKind,
    /// Its version, for example `20.10.24`.
    pub version: String,
    /// The Engine API version in use, for example `1.41`.
    pub api: String,
    /// Operating system of its containers, for example `linux`.
    pub os: String,
    /// Architecture of its containers as the engine names it, for example `x86_64`.
    pub arch: String,
    /// Number of CPUs.
    pub cpus: u64,
    /// Memory, bytes.
    pub memory: u64,
    /// Whether it runs without root. Limits and capabilities are then those of the user.
    pub rootless: bool,
    /// Storage driver, for example `overlay2`. `vfs` copies whole images.
    pub storage: String,
    /// Whether memory limits work: rootless engines may lack the cgroup controller.
    pub limits_memory: bool,
    /// Whether process limits work.
    pub limits_pids: bool,
    /// Number of local bridge networks.
    pub networks: u32,
    /// About how many networks fit into its address pools; `None`: no practical limit.
    pub network_capacity: Option<u32>,
}

impl fmt::Display for EngineInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} (API {})", self.kind, self.version, self.api)
    }
}

/// An image of the engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageInfo {
    /// Its content digest, `sha256:...`.
    pub id: String,
    /// Its tags, `NAME:TAG`, sorted.
    pub tags: Vec<String>,
    /// Its labels.
    pub labels: Labels,
    /// Its size with all layers, bytes.
    pub size: u64,
    /// What starts in it: its entrypoint and command. Only known of an image that was asked for by name.
    pub command: Vec<String>,
    /// The user that it names; empty for root. Known like `command`.
    pub user: String,
}

impl ImageInfo {
    /// Its tags `REPOSITORY/NAME:TAG`. Podman prefixes names that have no host with `localhost/`.
    pub fn tags_of(&self, repository: &str) -> impl Iterator<Item = &str> {
        self.tags.iter().map(String::as_str).filter(move |tag| {
            let name = tag.strip_prefix("localhost/").unwrap_or(tag);
            name.strip_prefix(repository).is_some_and(|rest| rest.starts_with('/'))
        })
    }
}

/// A container or network with its labels, for sweeping.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Labelled {
    /// The engine's id of it, hex.
    pub id: String,
    /// Its labels.
    pub labels: Labels,
}

/// An image to build.
#[derive(Debug, Clone, Default)]
pub struct BuildSpec {
    /// The build context: an uncompressed tar. A fixed order and fixed times make the engine's cache work.
    pub context: Bytes,
    /// Path of the Containerfile inside the context.
    pub containerfile: String,
    /// Build arguments.
    pub args: BTreeMap<String, String>,
    /// Labels of the image.
    pub labels: Labels,
    /// Tag of the image, `NAME:TAG`.
    pub tag: String,
    /// Memory limit of each step, bytes; `None`: no limit.
    pub memory: Option<u64>,
    /// Whether to run every step, even if the engine has its result cached.
    pub no_cache: bool,
}

/// A network to create: a bridge on the engine's host.
#[derive(Debug, Clone, Default)]
pub struct NetworkSpec {
    /// Its name. Engines allow equal names, so make it unique (with the run's id).
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// Whether it is isolated: nothing is forwarded to or from it. The engine's host itself is still
    /// reachable at its own addresses (seen with Docker 20.10). On a host that also runs Docker, Docker's firewall
    /// (FORWARD policy DROP) also separates the containers of an internal Podman network from each other.
    pub internal: bool,
}

/// A container to start. It publishes no port, mounts nothing of the host, and has no health check. It runs as root with
/// `capabilities` alone, whatever user its image declares, unless it is started [as delivered](Self::as_delivered).
#[derive(Debug, Clone, Default)]
pub struct ContainerSpec {
    /// Its name, unique on the engine (make it so with the run's id).
    pub name: String,
    /// Tag, reference or id of its image.
    pub image: String,
    /// Replaces the image's command (the arguments of its entry point); `None`: keep the image's.
    pub command: Option<Vec<String>>,
    /// Written to its stdin first; stdin then stays open. Secrets go here: other processes in the container can read
    /// the environment of its first process, and the engine shows it.
    pub stdin: String,
    /// Environment. No entry may exceed [`ENV_MAX`].
    pub env: BTreeMap<String, String>,
    /// Its labels.
    pub labels: Labels,
    /// Whether it starts as `docker run` starts the image: as the user that the image names, with the engine's usual
    /// capabilities, without stdin.
    pub as_delivered: bool,
    /// Id of a container whose processes and network it shares.
    pub joins: Option<String>,
    /// Id of its only network, or [`DEFAULT_NETWORK`]; `None`: loopback only.
    pub network: Option<String>,
    /// Host name inside; `None`: the engine's choice.
    pub hostname: Option<String>,
    /// Capabilities to keep (`NET_RAW`); all others are dropped.
    pub capabilities: Vec<String>,
    /// Whether its root file system is read-only.
    pub read_only: bool,
    /// Kernel settings of its own namespaces (`net.ipv4.tcp_fastopen`). An engine refuses those of the
    /// host.
    pub sysctls: BTreeMap<String, String>,
    /// tmpfs mounts: path to options (`size=64m,mode=1777`).
    pub tmpfs: BTreeMap<String, String>,
    /// Memory limit without swap, bytes. Ignored by an engine that cannot limit it.
    pub memory: Option<u64>,
    /// Limit of processes and threads. Ignored by an engine that cannot limit them.
    pub pids: Option<u32>,
    /// Whether to keep set-uid programs from gaining privileges.
    pub no_new_privileges: bool,
    /// Limit of open files. Ignored by rootless engines, which cannot raise it above the user's own.
    pub nofile: Option<u32>,
    /// How much output the engine keeps for [`Container::logs`], bytes; `None`: the engine's choice.
    pub log_bytes: Option<u64>,
}

/// How a container exited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContainerExit {
    /// Exit code of its first process; 128 + N after signal N.
    pub code: i64,
    /// Whether the kernel killed a process in it because memory ran out. Podman 4.3 on cgroups v1 does not
    /// report this; the code is 137 all the same.
    pub oom_killed: bool,
    /// Whether stdout exceeded [`OUTPUT_MAX`] and lines were dropped.
    pub truncated: bool,
}
