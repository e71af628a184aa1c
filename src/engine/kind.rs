//! The engines that speak the Engine API. Everything particular to one of them starts here: a new one is a variant of
//! [`EngineKind`], and the compiler lists what it needs.

use std::fmt;
use std::path::{Path, PathBuf};

use super::discovery::Env;

/// An engine, by its maker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// The Docker Engine.
    Docker,
    /// Podman's API service.
    Podman,
    /// The scripted engine of tests: [`super::fake`].
    Fake,
}

impl EngineKind {
    /// The engines to look for, in order.
    pub(super) const SUPPORTED: [Self; 2] = [Self::Docker, Self::Podman];

    /// The engine whose version report lists these components.
    pub(super) fn of_components<'a>(mut names: impl Iterator<Item = &'a str>) -> Self {
        if names.any(|name| name.starts_with("Podman")) { Self::Podman } else { Self::Docker }
    }

    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Docker => "Docker",
            Self::Podman => "Podman",
            Self::Fake => "Fake",
        }
    }

    /// What to install to have it.
    fn package(self) -> &'static str {
        match self {
            Self::Docker => "Docker (package docker.io or docker-ce)",
            Self::Podman | Self::Fake => self.name(),
        }
    }

    /// What to install to have an engine: `Docker (package ...) or Podman`.
    pub(super) fn packages() -> String {
        Self::SUPPORTED.map(Self::package).join(" or ")
    }

    /// Its usual sockets, with what they are called.
    pub(super) fn sockets(self, env: &Env) -> Vec<(&'static str, PathBuf)> {
        let (home, runtime) = (env.home.as_deref(), env.runtime_dir.as_deref());
        let below = |base: Option<&Path>, name: &str| base.map(|base| base.join(name));
        let at = |path: &str| Some(Path::new(path).to_owned());
        let sockets = match self {
            Self::Docker => vec![
                ("Docker's socket", at("/var/run/docker.sock")),
                ("rootless Docker's socket", below(runtime, "docker.sock")),
                ("Docker Desktop's socket", below(home, ".docker/run/docker.sock")),
            ],
            Self::Podman => vec![
                ("rootless Podman's socket", below(runtime, "podman/podman.sock")),
                ("Podman's socket", at("/run/podman/podman.sock")),
            ],
            Self::Fake => Vec::new(),
        };
        sockets.into_iter().filter_map(|(via, path)| Some((via, path?))).collect()
    }

    /// The log driver whose logs can be bounded and read back.
    pub(super) fn log_driver(self) -> &'static str {
        match self {
            Self::Docker | Self::Fake => "json-file",
            Self::Podman => "k8s-file",
        }
    }

    /// Whether its address pools have room for a few networks only. Podman's netavark assigns /24 networks from
    /// 10.89.0.0 to 10.255.0.0: tens of thousands.
    pub(super) fn has_few_networks(self) -> bool {
        match self {
            Self::Docker | Self::Fake => true,
            Self::Podman => false,
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
