//! Container engines: one trait, its implementation over the Engine API that Docker and Podman both
//! speak, and a scripted fake. This is the only place that knows bollard. It must not know
//! what an ATS, a trial or a cell is: it makes images, networks and containers and hands out lines.
//!
//! Everything made here bears the labels of [`labels`], and [`sweep`] removes what a dead run left.

mod api;
mod connect;
mod credentials;
pub mod discovery;
pub mod doctor;
mod error;
pub mod fake;
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

/// Longest line taken from a container's stdout, bytes; longer ones are cut and marked.
pub const LINE_MAX: usize = 4 << 20;

/// Most that is taken from one container's stdout, bytes. Further lines are dropped, and
/// [`ContainerExit::truncated`] says so.
pub const OUTPUT_MAX: usize = 64 << 20;

/// How much of a container's stderr is kept, bytes.
pub const STDERR_TAIL: usize = 64 << 10;

/// Longest environment entry `NAME=VALUE`, bytes: Linux's `MAX_ARG_STRLEN` less the final NUL (execve(2)).
pub const ENV_MAX: usize = (128 << 10) - 1;

/// A [`ContainerSpec::network`] that is none of ours: the engine's own for containers that need the world outside.
pub const DEFAULT_NETWORK: &str = "default";

/// How long an engine may take to list, remove or connect what is there already. Under load such calls take seconds; one
/// that takes longer hangs, and whoever waits for it would wait for ever.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// What came of `work`, or an error when the engine does not answer within [`REQUEST_TIMEOUT`].
///
/// # Errors
/// Those of `work`, and that the engine does not answer.
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

/// Labels of images, containers and networks.
pub type Labels = BTreeMap<String, String>;

/// Gets lines as they come: progress of a pull, the log of a build. Lines are bounded and bear no
/// newline, but are otherwise what the other side sent: escape them before printing.
pub type OnLine<'a> = &'a mut (dyn FnMut(&str) + Send);

/// A root file system as an uncompressed tar, in pieces. It must end with an error when its
/// producer fails: an engine takes an empty or cut-off tar for a small image.
pub type TarStream = BoxStream<'static, io::Result<Bytes>>;

/// A container engine. Every error says which operation on which object failed.
///
/// Dropping the future of a pull, import or build stops the work on the engine. (Podman 4.3 finishes the
/// build step under way.)
#[async_trait]
pub trait Engine: Send + Sync {
    /// What the engine is and has.
    async fn info(&self) -> Result<EngineInfo>;

    /// The image with this tag, reference or id; `None` if the engine has none.
    async fn image(&self, reference: &str) -> Result<Option<ImageInfo>>;

    /// Images with the label `label` (`KEY` or `KEY=VALUE`), sorted by id.
    async fn images_with_label(&self, label: &str) -> Result<Vec<ImageInfo>>;

    /// Images with a tag in `repository` ([`ImageInfo::tags_of`]), sorted by id.
    async fn images_of(&self, repository: &str) -> Result<Vec<ImageInfo>>;

    /// Gives an image (by reference or id) one more tag, `NAME:TAG`.
    async fn tag(&self, image: &str, tag: &str) -> Result<()>;

    /// Removes an image, or only this tag of it if it has more. One that is not there counts as removed.
    async fn remove_image(&self, reference: &str) -> Result<()>;

    /// Pulls an image from its registry. All failures but a full disk are [`Class::Unreachable`]
    /// with the registry's own reason. Gives up when the engine shows no progress.
    async fn pull(&self, reference: &str, on_progress: OnLine<'_>) -> Result<ImageInfo>;

    /// Makes an image with the tag `tag` from a root file system. Until it is whole the tag is what it was.
    async fn import(&self, tag: &str, labels: &Labels, tar: TarStream) -> Result<ImageInfo>;

    /// Builds an image with the classic builder. A failed step is [`Class::Build`].
    async fn build(&self, spec: &BuildSpec, on_log: OnLine<'_>) -> Result<ImageInfo>;

    /// Creates a bridge network and returns its id.
    async fn create_network(&self, spec: &NetworkSpec) -> Result<String>;

    /// Removes a network, waiting a bounded time for its last containers to leave it. One that is
    /// not there counts as removed.
    async fn remove_network(&self, id: &str) -> Result<()>;

    /// All networks of any run of atsmatrix (label [`labels::RUN`]), sorted by id.
    async fn networks(&self) -> Result<Vec<Labelled>>;

    /// Creates a container, attaches to it and starts it. If any of that fails, nothing of it is left.
    async fn start(&self, spec: &ContainerSpec) -> Result<Box<dyn Container>>;

    /// All containers, running or not, of any run of atsmatrix (label [`labels::RUN`]), sorted by id.
    async fn containers(&self) -> Result<Vec<Labelled>>;

    /// Kills and removes a container with its volumes. One that is not there counts as removed.
    async fn remove_container(&self, id: &str) -> Result<()>;

    /// What happens to containers from now on, in order, anybody's and by anybody's hand. The stream ends with
    /// an error when the engine breaks it off.
    async fn container_events(&self) -> Result<BoxStream<'static, Result<ContainerEvent>>>;
}

/// A started container. Its stdin is open until [`Container::close_stdin`], or until this value or
/// the whole process is gone.
///
/// Dropping it without [`Container::remove`] removes the container in the background, as far as
/// the runtime still runs; its labels see to the rest.
#[async_trait]
pub trait Container: Send + Sync {
    /// The engine's id of it.
    fn id(&self) -> &str;

    /// Its address in the network it was started in. An error if it does not run any more.
    async fn ip(&self) -> Result<IpAddr>;

    /// The complete lines of its stdout from its start on, ending when it closes stdout. There is one
    /// such receiver: a second call returns a closed one. See [`Container::logs`] about lost lines.
    fn lines(&mut self) -> UnboundedReceiver<String>;

    /// The last [`STDERR_TAIL`] bytes of its stderr so far.
    fn stderr_tail(&self) -> String;

    /// Closes its stdin: agents take that as the sign to stop.
    async fn close_stdin(&self) -> Result<()>;

    /// Waits for its end.
    async fn wait(&self) -> Result<ContainerExit>;

    /// Its whole stdout read again, for use after [`Container::wait`]: attached streams may lose the
    /// last lines (moby#43860, podman#2692), logs do not. Bounded like [`Container::lines`] and by
    /// [`ContainerSpec::log_bytes`], beyond which the engine forgets the beginning.
    async fn logs(&self) -> Result<Vec<String>>;

    /// The file `path` in it, also after its end: a tar with this one entry.
    fn file(&self, path: &str) -> TarStream;

    /// Kills it. One that has ended counts as killed.
    async fn kill(&self) -> Result<()>;

    /// Kills it if need be and removes it with its volumes.
    async fn remove(self: Box<Self>) -> Result<()>;
}

/// Something that happened to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerEvent {
    /// When, by the clock of the engine's host, which is that of its containers: microseconds since the epoch.
    pub at_us: u64,
    /// The container's id.
    pub container: String,
    /// What.
    pub what: ContainerChange,
}

/// What can happen to a container, as far as it takes its service from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerChange {
    /// Its first process ended.
    Died {
        /// Its exit code; 128 + N after signal N, -1 where the engine does not say.
        code: i64,
    },
    /// It stands still: paused, or stopped by a signal.
    Paused,
    /// It goes on.
    Resumed,
    /// It was taken from a network.
    LeftNetwork,
}

/// What an engine is and has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineInfo {
    /// `Docker` or `Podman`.
    pub name: String,
    /// Its version, for example `20.10.24`.
    pub version: String,
    /// The Engine API version spoken with it, for example `1.41`.
    pub api: String,
    /// Operating system of its containers, for example `linux`.
    pub os: String,
    /// Architecture of its containers as it names it, for example `x86_64`.
    pub arch: String,
    /// CPUs it has.
    pub cpus: u64,
    /// Memory it has, bytes.
    pub memory: u64,
    /// Whether it runs without root: limits and capabilities are then those of the user.
    pub rootless: bool,
    /// Storage driver, for example `overlay2`. `vfs` copies whole images.
    pub storage: String,
    /// Whether memory limits work: rootless engines may lack the cgroup controller.
    pub limits_memory: bool,
    /// Whether process limits work.
    pub limits_pids: bool,
    /// Local bridge networks that exist.
    pub networks: u32,
    /// About how many fit into its address pools; `None`: so many that it does not matter.
    pub network_capacity: Option<u32>,
}

impl fmt::Display for EngineInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} (API {})", self.name, self.version, self.api)
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
}

impl ImageInfo {
    /// Its tags `REPOSITORY/NAME:TAG`. Podman writes its own host before names without one.
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
    /// The engine's id of it.
    pub id: String,
    /// Its labels.
    pub labels: Labels,
}

/// An image to build.
#[derive(Debug, Clone, Default)]
pub struct BuildSpec {
    /// The build context: an uncompressed tar. Made in a fixed order with fixed times, it is cached.
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
    /// Whether every step is run, also those whose result the engine has.
    pub no_cache: bool,
}

/// A network to create: a bridge on the engine's host.
#[derive(Debug, Clone, Default)]
pub struct NetworkSpec {
    /// Its name. Engines allow equal names, so make it unique (with the run's id).
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// Whether it has no way out: nothing is forwarded to or from it. The engine's host itself is still
    /// reached at its own addresses (seen with Docker 20.10). On a host where Docker runs too, its firewall
    /// (FORWARD policy DROP) also keeps the containers of an internal network of Podman's from each other.
    pub internal: bool,
}

/// A container to start. It publishes no port, mounts nothing of the host, runs as its own root and has no
/// health check, whatever its image says of the last two.
#[derive(Debug, Clone, Default)]
pub struct ContainerSpec {
    /// Its name, unique on the engine (make it so with the run's id).
    pub name: String,
    /// Tag, reference or id of its image.
    pub image: String,
    /// Replaces the image's command (the arguments of its entry point); `None`: the image's own.
    pub command: Option<Vec<String>>,
    /// What its stdin begins with. It stays open after that. (No environment: that of a container's first process can
    /// be read by others in it, and is shown by the engine.)
    pub stdin: String,
    /// Environment. No entry may exceed [`ENV_MAX`].
    pub env: BTreeMap<String, String>,
    /// Its labels.
    pub labels: Labels,
    /// Id of the one network it is in, or [`DEFAULT_NETWORK`]; `None`: none but its own loopback.
    pub network: Option<String>,
    /// Host name inside; `None`: the engine's choice.
    pub hostname: Option<String>,
    /// Capabilities it has (`NET_RAW`); all others are dropped.
    pub capabilities: Vec<String>,
    /// Whether its root file system is read-only.
    pub read_only: bool,
    /// Kernel settings of its own namespaces (`net.ipv4.tcp_fastopen`). An engine refuses those that are
    /// not a container's.
    pub sysctls: BTreeMap<String, String>,
    /// tmpfs mounts: path to options (`size=64m,mode=1777`).
    pub tmpfs: BTreeMap<String, String>,
    /// Memory limit without swap, bytes. Left out on an engine that cannot limit it.
    pub memory: Option<u64>,
    /// Most processes and threads. Left out on an engine that cannot limit them.
    pub pids: Option<u32>,
    /// Whether set-uid programs inside gain nothing.
    pub no_new_privileges: bool,
    /// Limit of open files. Rootless engines cannot raise it above the user's own: left out there.
    pub nofile: Option<u32>,
    /// How much of its output the engine keeps for [`Container::logs`], bytes; `None`: the engine's choice.
    pub log_bytes: Option<u64>,
}

/// How a container ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContainerExit {
    /// Exit code of its first process; 128 + N after signal N.
    pub code: i64,
    /// Whether the kernel killed a process in it for want of memory. Podman 4.3 on cgroups v1 does not
    /// notice; the code is 137 all the same.
    pub oom_killed: bool,
    /// Whether stdout exceeded [`OUTPUT_MAX`], so that lines were dropped.
    pub truncated: bool,
}
