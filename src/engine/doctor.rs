//! A report on this machine: what it has and what is missing. [`Facts::gather`] collects the facts; the rest is pure.

use super::discovery::{Env, Probe};
use super::{Connected, EngineInfo, EngineKind, NoEngine};

/// Networks that should still fit: a run creates one or a few.
const MIN_FREE_NETWORKS: u32 = 4;

/// Memory below which a build of ATS on all cores is likely to be killed, bytes: C++ takes 1 to 2 GiB a job.
const MIN_MEMORY: u64 = 4 << 30;

/// The input of the report.
#[derive(Debug, Clone)]
pub struct Facts {
    /// What was tried to find an engine.
    pub probes: Vec<Probe>,
    /// The engine that was found, if any.
    pub engine: Option<EngineInfo>,
    /// Whether `mmdebstrap` is in PATH.
    pub mmdebstrap: bool,
    /// Whether this program is statically linked.
    pub static_binary: bool,
}

impl Facts {
    /// Gathers the facts of this machine; `found` is the result of [`super::connect`].
    pub fn gather(env: &Env, found: &Result<Connected, NoEngine>) -> Self {
        let (probes, engine) = match found {
            Ok(connected) => (connected.probes.clone(), Some(connected.info.clone())),
            Err(none) => (none.probes.clone(), None),
        };
        Self {
            probes,
            engine,
            mmdebstrap: env.program("mmdebstrap").is_some(),
            static_binary: cfg!(target_feature = "crt-static"),
        }
    }
}

/// Result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// In order.
    Yes,
    /// Works with limitations.
    Warn,
    /// Missing or broken: no cell can run.
    No,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoctorCheck {
    /// What was checked.
    pub name: &'static str,
    /// Its result.
    pub health: Health,
    /// What was found.
    pub text: String,
    /// What to do; `None` if it is in order.
    pub fix: Option<String>,
}

/// The report of `atsmatrix doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoctorReport {
    /// Its lines, in order.
    pub items: Vec<DoctorCheck>,
}

impl DoctorReport {
    /// Whether cells can run here.
    pub fn is_usable(&self) -> bool {
        self.items.iter().all(|item| item.health != Health::No)
    }

    /// Makes the report from `facts`.
    pub fn of(facts: &Facts) -> Self {
        let mut items = vec![engine(facts)];
        if let Some(info) = &facts.engine {
            items.extend([resources(info), storage(info), networks(info), limits(info)]);
        }
        items.extend([bootstrap(facts), binary(facts)]);
        Self { items }
    }
}

fn item(name: &'static str, health: Health, text: impl Into<String>, fix: impl Into<String>) -> DoctorCheck {
    let fix = Some(fix.into()).filter(|_| health != Health::Yes);
    DoctorCheck { name, health, text: text.into(), fix }
}

fn engine(facts: &Facts) -> DoctorCheck {
    let found = facts.probes.iter().find_map(|probe| probe.result.as_ref().ok().map(|_| probe));
    if let Some(probe) = found {
        return item("engine", Health::Yes, probe.to_string(), "");
    }
    let tried: Vec<String> = facts.probes.iter().map(Probe::to_string).collect();
    let text = format!("none answers. Tried: {}", tried.join("; "));
    let fix = format!("install and start {}, or set DOCKER_HOST", EngineKind::packages());
    item("engine", Health::No, text, fix)
}

fn resources(info: &EngineInfo) -> DoctorCheck {
    let gib = |bytes: u64| format!("{}.{} GiB", bytes >> 30, ((bytes & ((1 << 30) - 1)) * 10) >> 30);
    let ok = if info.memory < MIN_MEMORY { Health::Warn } else { Health::Yes };
    let text = format!("{} CPUs, {} memory, {}/{}", info.cpus, gib(info.memory), info.os, info.arch);
    item(
        "resources",
        ok,
        text,
        "builds of ATS may run out of memory and be killed: build one image at a time (`run --jobs 1`) or give the \
         engine 4 GiB",
    )
}

fn storage(info: &EngineInfo) -> DoctorCheck {
    let ok = if info.storage == "vfs" { Health::Warn } else { Health::Yes };
    let fix = "use overlay2 or fuse-overlayfs: vfs copies every image for every container";
    item("storage driver", ok, info.storage.clone(), fix)
}

fn networks(info: &EngineInfo) -> DoctorCheck {
    let Some(capacity) = info.network_capacity else {
        return item("networks", Health::Yes, format!("{} in use, no practical limit", info.networks), "");
    };
    let left = capacity.saturating_sub(info.networks);
    let ok = match left {
        0 => Health::No,
        _ if left < MIN_FREE_NETWORKS => Health::Warn,
        _ => Health::Yes,
    };
    let fix = "remove unused networks (`atsmatrix clean`, `docker network prune`) or add `default-address-pools` to the \
               engine's daemon.json";
    item("networks", ok, format!("{} in use, room for about {left} more", info.networks), fix)
}

fn limits(info: &EngineInfo) -> DoctorCheck {
    let mut missing = Vec::new();
    if !info.limits_memory {
        missing.push("memory");
    }
    if !info.limits_pids {
        missing.push("process");
    }
    let root = if info.rootless { "rootless" } else { "as root" };
    if missing.is_empty() {
        return item("limits", Health::Yes, format!("{root}; memory and process limits work"), "");
    }
    item(
        "limits",
        Health::Warn,
        format!("{root}; no {} limits: a runaway ATS can use up all resources of the engine", missing.join(" and ")),
        "delegate the cgroup controllers to your user: run `systemctl edit user@.service` and add \
         `Delegate=cpu memory pids`",
    )
}

fn bootstrap(facts: &Facts) -> DoctorCheck {
    if facts.mmdebstrap {
        return item("mmdebstrap", Health::Yes, "found: the first base image can be made without a registry", "");
    }
    let fix = "needed only if no registry can be reached: install it (`apt-get install mmdebstrap`, or with dnf) or \
               `docker load` the image docker.io/library/debian:trixie-slim";
    item("mmdebstrap", Health::Warn, "not in PATH: the first base image must come from a registry or be loaded", fix)
}

fn binary(facts: &Facts) -> DoctorCheck {
    if facts.static_binary {
        return item("static binary", Health::Yes, "this program runs in any distro", "");
    }
    let fix = "run `cargo build --release` in its source tree, with RUSTFLAGS unset (it overrides .cargo/config.toml)";
    item("static binary", Health::No, "this program is dynamically linked and cannot run inside the containers", fix)
}

#[cfg(test)]
mod tests {
    use super::Health::{No, Warn, Yes};
    use super::*;

    fn facts() -> Facts {
        let info = EngineInfo {
            kind: EngineKind::Docker,
            version: "20.10.24".to_owned(),
            api: "1.41".to_owned(),
            os: "linux".to_owned(),
            arch: "x86_64".to_owned(),
            cpus: 2,
            memory: (23 << 30) + (1 << 29),
            rootless: false,
            storage: "overlay2".to_owned(),
            limits_memory: true,
            limits_pids: true,
            networks: 3,
            network_capacity: Some(31),
        };
        let probe = Probe {
            via: "Docker's socket".to_owned(),
            target: "unix:///var/run/docker.sock".to_owned(),
            result: Ok(info.to_string()),
        };
        Facts { probes: vec![probe], engine: Some(info), mmdebstrap: true, static_binary: true }
    }

    fn text(report: &DoctorReport) -> String {
        let line = |item: &DoctorCheck| {
            let fix = item.fix.as_ref().map(|fix| format!(" -> {fix}")).unwrap_or_default();
            format!("{:?} {}: {}{fix}\n", item.health, item.name, item.text)
        };
        report.items.iter().map(line).collect()
    }

    #[test]
    fn a_healthy_machine_has_nothing_to_fix() {
        let report = DoctorReport::of(&facts());
        assert!(report.is_usable());
        insta::assert_snapshot!(text(&report), @r"
        Yes engine: Docker's socket (unix:///var/run/docker.sock): Docker 20.10.24 (API 1.41)
        Yes resources: 2 CPUs, 23.5 GiB memory, linux/x86_64
        Yes storage driver: overlay2
        Yes networks: 3 in use, room for about 28 more
        Yes limits: as root; memory and process limits work
        Yes mmdebstrap: found: the first base image can be made without a registry
        Yes static binary: this program runs in any distro
        ");
    }

    #[test]
    fn without_an_engine_the_report_says_what_was_tried() {
        let tried = Probe {
            via: "DOCKER_HOST".to_owned(),
            target: "tcp://10.0.0.5:2375".to_owned(),
            result: Err("refused".to_owned()),
        };
        let report = DoctorReport::of(&Facts { probes: vec![tried], engine: None, ..facts() });
        assert!(!report.is_usable());
        assert!(report.items[0].text.contains("DOCKER_HOST (tcp://10.0.0.5:2375): refused"));
        assert!(report.items[0].fix.is_some());
    }

    #[test]
    fn every_problem_says_how_to_fix_it() {
        let mut sick = facts();
        sick.mmdebstrap = false;
        sick.static_binary = false;
        if let Some(info) = &mut sick.engine {
            info.memory = 1 << 30;
            info.storage = "vfs".to_owned();
            info.networks = 31;
            info.rootless = true;
            info.limits_memory = false;
        }
        let report = DoctorReport::of(&sick);
        let results: Vec<_> = report.items.iter().map(|item| item.health).collect();
        assert_eq!(results, [Yes, Warn, Warn, No, Warn, Warn, No]);
        assert!(report.items.iter().skip(1).all(|item| item.fix.as_ref().is_some_and(|fix| !fix.is_empty())));
    }
}
