//! What this machine has and lacks, as a report: a pure function of facts, and the gathering of those.

use super::discovery::{Env, Probe};
use super::{Connected, EngineInfo, NoEngine};

/// Networks that should still fit: one or a few per run.
const NETWORKS_LEFT_MIN: u32 = 4;

/// Memory below which building ATS on all cores is likely to be killed, bytes: C++ takes 1 to 2 GiB a job.
const MEMORY_MIN: u64 = 4 << 30;

/// What the report is made from.
#[derive(Debug, Clone)]
pub struct Facts {
    /// What was tried to find an engine.
    pub probes: Vec<Probe>,
    /// The engine that was found.
    pub engine: Option<EngineInfo>,
    /// Whether `mmdebstrap` is in PATH.
    pub mmdebstrap: bool,
    /// Whether this very program is static.
    pub static_binary: bool,
}

impl Facts {
    /// Gathers the facts of this machine; `found` is what [`super::connect`] gave.
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

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Fine.
    Yes,
    /// Works, with limits.
    Warn,
    /// Missing: no cell can run.
    No,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoctorCheck {
    /// What it is about.
    pub name: &'static str,
    /// How it stands.
    pub ok: Health,
    /// What was found.
    pub text: String,
    /// What to do about it.
    pub fix: Option<String>,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoctorReport {
    /// Its lines.
    pub items: Vec<DoctorCheck>,
}

impl DoctorReport {
    /// Whether cells can be run here.
    pub fn is_usable(&self) -> bool {
        self.items.iter().all(|item| item.ok != Health::No)
    }

    /// The report on `facts`.
    pub fn of(facts: &Facts) -> Self {
        let mut items = vec![engine(facts)];
        if let Some(info) = &facts.engine {
            items.extend([resources(info), storage(info), networks(info), limits(info)]);
        }
        items.extend([bootstrap(facts), binary(facts)]);
        Self { items }
    }
}

fn item(name: &'static str, ok: Health, text: impl Into<String>, fix: impl Into<String>) -> DoctorCheck {
    let fix = Some(fix.into()).filter(|_| ok != Health::Yes);
    DoctorCheck { name, ok, text: text.into(), fix }
}

fn engine(facts: &Facts) -> DoctorCheck {
    let found = facts.probes.iter().find_map(|probe| probe.result.as_ref().ok().map(|_| probe));
    if let Some(probe) = found {
        return item("engine", Health::Yes, probe.to_string(), "");
    }
    let tried: Vec<String> = facts.probes.iter().map(Probe::to_string).collect();
    let text = format!("none answers. Tried: {}", tried.join("; "));
    item("engine", Health::No, text, "install and start Docker or Podman, or set DOCKER_HOST")
}

fn resources(info: &EngineInfo) -> DoctorCheck {
    let gib = |bytes: u64| format!("{}.{} GiB", bytes >> 30, ((bytes & ((1 << 30) - 1)) * 10) >> 30);
    let ok = if info.memory < MEMORY_MIN { Health::Warn } else { Health::Yes };
    let text = format!("{} CPUs, {} memory, {}/{}", info.cpus, gib(info.memory), info.os, info.arch);
    item(
        "resources",
        ok,
        text,
        "builds of ATS take few compilers at a time here and may be killed for want of memory all the same: make one \
         image at a time (`run --jobs 1`), or give the engine 4 GiB",
    )
}

fn storage(info: &EngineInfo) -> DoctorCheck {
    let ok = if info.storage == "vfs" { Health::Warn } else { Health::Yes };
    let fix = "vfs copies every image for every container: use overlay2 or fuse-overlayfs";
    item("storage driver", ok, info.storage.clone(), fix)
}

fn networks(info: &EngineInfo) -> DoctorCheck {
    let Some(capacity) = info.network_capacity else {
        return item("networks", Health::Yes, format!("{} in use, no shortage to expect", info.networks), "");
    };
    let left = capacity.saturating_sub(info.networks);
    let ok = match left {
        0 => Health::No,
        _ if left < NETWORKS_LEFT_MIN => Health::Warn,
        _ => Health::Yes,
    };
    let fix = "`atsmatrix clean`, `docker network prune`, or more `default-address-pools` in the engine's daemon.json";
    item("networks", ok, format!("{} in use, room for about {left} more", info.networks), fix)
}

fn limits(info: &EngineInfo) -> DoctorCheck {
    let mut lacks = Vec::new();
    if !info.limits_memory {
        lacks.push("memory");
    }
    if !info.limits_pids {
        lacks.push("process");
    }
    let root = if info.rootless { "rootless" } else { "as root" };
    if lacks.is_empty() {
        return item("limits", Health::Yes, format!("{root}; memory and process limits work"), "");
    }
    item(
        "limits",
        Health::Warn,
        format!("{root}; no {} limits: a runaway ATS can take all the engine has", lacks.join(" and ")),
        "delegate the cgroup controllers to your user: `systemctl edit user@.service`, with `Delegate=cpu memory pids`",
    )
}

fn bootstrap(facts: &Facts) -> DoctorCheck {
    if facts.mmdebstrap {
        return item("mmdebstrap", Health::Yes, "found: the first base image can be made without a registry", "");
    }
    let fix = "nothing, if a registry is in reach; else `docker load` an image docker.io/library/debian:trixie-slim, or \
                `apt-get install mmdebstrap` (or dnf)";
    item("mmdebstrap", Health::Warn, "not in PATH: the first base image comes from a registry or was loaded", fix)
}

fn binary(facts: &Facts) -> DoctorCheck {
    if facts.static_binary {
        return item("static binary", Health::Yes, "this program runs inside any distro", "");
    }
    let fix = "build it with `cargo build --release` in its own tree and without RUSTFLAGS in the environment, which \
                replaces the flags of .cargo/config.toml";
    item("static binary", Health::No, "this program is linked dynamically and cannot run inside the containers", fix)
}

#[cfg(test)]
mod tests {
    use super::Health::{No, Warn, Yes};
    use super::*;

    fn facts() -> Facts {
        let info = EngineInfo {
            name: "Docker".to_owned(),
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
            format!("{:?} {}: {}{fix}\n", item.ok, item.name, item.text)
        };
        report.items.iter().map(line).collect()
    }

    #[test]
    fn a_healthy_machine_has_nothing_to_mend() {
        let report = DoctorReport::of(&facts());
        assert!(report.is_usable());
        insta::assert_snapshot!(text(&report), @r"
        Yes engine: Docker's socket (unix:///var/run/docker.sock): Docker 20.10.24 (API 1.41)
        Yes resources: 2 CPUs, 23.5 GiB memory, linux/x86_64
        Yes storage driver: overlay2
        Yes networks: 3 in use, room for about 28 more
        Yes limits: as root; memory and process limits work
        Yes mmdebstrap: found: the first base image can be made without a registry
        Yes static binary: this program runs inside any distro
        ");
    }

    #[test]
    fn without_an_engine_it_is_not_usable_and_says_what_was_tried() {
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
    fn every_shortcoming_says_how_to_mend_it() {
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
        let standings: Vec<_> = report.items.iter().map(|item| item.ok).collect();
        assert_eq!(standings, [Yes, Warn, Warn, No, Warn, Warn, No]);
        assert!(report.items.iter().skip(1).all(|item| item.fix.as_ref().is_some_and(|fix| !fix.is_empty())));
    }
}
