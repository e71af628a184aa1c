//! A bootstrap in a container: without tools of the host, without privileges, and without mounts that a `kill -9`
//! would leave behind.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, bail};

use super::super::Proxies;
use super::{MAX_REASON, unpack};
use crate::config::matrix::{AptSuite, Bootstrap, RpmRelease};
use crate::engine::labels::{self, Owner, ResourceKind};
use crate::engine::{ContainerSpec, DEFAULT_NETWORK, Engine, ImageInfo, OnLine};

/// Where the recipe puts the root file system.
const ROOT: &str = "/bootstrap/rootfs.tar";

/// `@@atsmatrix sha256 HEX`: the digest of that file.
const SHA256: &str = "@@atsmatrix sha256 ";

/// `@@atsmatrix reason bootstrap: TEXT`: why it failed.
const REASON: &str = "@@atsmatrix reason bootstrap: ";

/// What mmdebstrap needs as root of a container without mounts: change owners and modes of files, read the files of
/// apt's own user, switch to that user, and run programs of the new system in it.
const CAPABILITIES: [&str; 6] = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID", "SYS_CHROOT"];

/// What rpm needs besides: packages contain programs with capabilities and set-group-id ones, and their scripts want a
/// /dev/null.
const RPM_CAPABILITIES: [&str; 3] = ["FSETID", "MKNOD", "SETFCAP"];

/// Memory limit, bytes: apt with the package lists of a whole distro.
const MEMORY: u64 = 1 << 30;

/// The same of dnf, whose lists also name files.
const DNF_MEMORY: u64 = 2 << 30;

/// Limit of processes: apt and dpkg run a few at a time.
const PIDS: u32 = 512;

/// Limit of open files: apt and dpkg close every descriptor up to it.
const OPEN_FILES: u32 = 4096;

/// Output that the engine keeps for reading it again, bytes.
const LOG_BYTES: u64 = 1 << 20;

/// What every bootstrap of a run needs.
pub(in super::super) struct Workshop<'a> {
    /// The engine.
    pub(in super::super) engine: &'a dyn Engine,
    /// The owner of the containers.
    pub(in super::super) owner: &'a Owner,
    /// Id of the image with the tools.
    pub(in super::super) tools: &'a str,
    /// Proxies for the package mirrors.
    pub(in super::super) proxies: &'a Proxies,
}

/// Makes the base image `tag` in a container. `on_line` receives the progress.
///
/// # Errors
/// The error of mmdebstrap or dnf, or of the engine.
pub(in super::super) async fn run(
    workshop: &Workshop<'_>,
    bootstrap: &Bootstrap,
    tag: &str,
    on_line: OnLine<'_>,
) -> anyhow::Result<ImageInfo> {
    let mut container = workshop.engine.start(&spec(workshop, bootstrap)).await?;
    let mut output = BootstrapOutput::default();
    let mut lines = container.lines();
    while let Some(line) = lines.recv().await {
        on_line(&line);
        output.line(&line);
    }
    let exit = container.wait().await?;
    if output.sha256.is_none() && output.reason.is_none() {
        // An attached stream may lose the last lines.
        container.logs().await?.iter().for_each(|line| output.line(line));
    }
    let failed = || format!("cannot bootstrap {}", bootstrap.subject());
    let sha256 = match output {
        BootstrapOutput { sha256: Some(sha256), .. } if exit.code == 0 => sha256,
        BootstrapOutput { reason: Some(reason), .. } => bail!("{}: {reason}", failed()),
        _ if exit.oom_killed => bail!("{}: it ran out of memory and was killed", failed()),
        _ => bail!("{}: it was killed or failed with exit code {}", failed(), exit.code),
    };
    let root = unpack::file(container.file(ROOT), sha256);
    let imported = workshop.engine.import(tag, &labels::image_labels(), root).await.with_context(failed);
    // If this fails, the next sweep removes it.
    let _ = container.remove().await;
    imported
}

/// Number of the next bootstrap of this process: makes the names of containers unique.
static NUMBER: AtomicU32 = AtomicU32::new(1);

fn spec(workshop: &Workshop<'_>, bootstrap: &Bootstrap) -> ContainerSpec {
    let Workshop { engine: _, owner, tools, proxies } = workshop;
    let mut env: BTreeMap<_, _> =
        variables(bootstrap).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    proxies.add_to(&mut env);
    let (more, memory): (&[&str], u64) = match bootstrap {
        Bootstrap::Suite(_) => (&[], MEMORY),
        Bootstrap::Release(_) => (&RPM_CAPABILITIES, DNF_MEMORY),
    };
    ContainerSpec {
        // The same system may be made from different sources at the same time.
        name: format!("atsmatrix-{}-bootstrap-{}", owner.run, NUMBER.fetch_add(1, Ordering::Relaxed)),
        image: (*tools).to_owned(),
        command: Some(["sh", "/recipe/bootstrap.sh"].map(str::to_owned).to_vec()),
        env,
        labels: owner.labels(ResourceKind::Bootstrap),
        network: Some(DEFAULT_NETWORK.to_owned()),
        capabilities: CAPABILITIES.iter().chain(more).map(ToString::to_string).collect(),
        memory: Some(memory),
        pids: Some(PIDS),
        no_new_privileges: true,
        nofile: Some(OPEN_FILES),
        log_bytes: Some(LOG_BYTES),
        ..ContainerSpec::default()
    }
}

/// What the script in the container reads.
fn variables(bootstrap: &Bootstrap) -> Vec<(&'static str, String)> {
    match bootstrap {
        Bootstrap::Suite(AptSuite { suite, sources, archive: _, check_valid_until }) => vec![
            ("SUITE", suite.clone()),
            ("SOURCES", sources.join("\n")),
            ("CHECK_VALID_UNTIL", check_valid_until.to_string()),
        ],
        Bootstrap::Release(RpmRelease { release, repositories, archive: _, gpg_keys, packages }) => vec![
            ("RELEASE", release.clone()),
            ("REPOSITORIES", repositories.join("\n")),
            ("GPG_KEYS", gpg_keys.join("\n")),
            ("PACKAGES", packages.join("\n")),
        ],
    }
}

/// The result, as the container's output reports it.
#[derive(Default)]
struct BootstrapOutput {
    sha256: Option<String>,
    reason: Option<String>,
}

impl BootstrapOutput {
    fn line(&mut self, line: &str) {
        if let Some(hex) = line.strip_prefix(SHA256) {
            self.sha256 = Some(hex.trim().to_owned());
        } else if let Some(reason) = line.strip_prefix(REASON) {
            self.reason = Some(reason.trim().chars().take(MAX_REASON).collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake::{Behaviour, FakeEnd, FakeEngine, FakeOp};
    use crate::engine::{Labels, sweep};

    fn noble() -> Bootstrap {
        let source = "deb http://m.test/ubuntu noble main".to_owned();
        let suite = "noble".to_owned();
        Bootstrap::Suite(AptSuite { suite, sources: vec![source], archive: Vec::new(), check_valid_until: true })
    }

    /// The result of a bootstrap whose container prints `lines`, has made `file` and exits with `code`.
    async fn bootstrapped(lines: &[&str], file: &[u8], code: i64) -> (FakeEngine, anyhow::Result<ImageInfo>) {
        let behaviour = Behaviour {
            lines: lines.iter().map(ToString::to_string).collect(),
            lost: usize::from(code == 0),
            file: file.to_vec(),
            end: FakeEnd::Exits { code, oom_killed: false },
            ..Behaviour::default()
        };
        let engine = FakeEngine::new().with_image("tools", Labels::new()).with_containers(move |_| behaviour.clone());
        let owner = Owner::current("r1".parse().unwrap()).unwrap();
        let workshop = Workshop { engine: &engine, owner: &owner, tools: "tools", proxies: &Proxies::default() };
        let made = run(&workshop, &noble(), "atsmatrix/base:1", &mut |_| {}).await;
        (engine, made)
    }

    #[tokio::test]
    async fn the_root_file_system_becomes_the_image_and_nothing_is_left() {
        let digest = format!("{SHA256}{}", crate::config::matrix::sha256_hex(b"root"));
        let (engine, made) = bootstrapped(&["I: done", &digest], b"root", 0).await;
        assert_eq!(made.unwrap().tags, ["atsmatrix/base:1"]);
        assert!(engine.log().contains(&FakeOp::Import("atsmatrix/base:1".to_owned(), 4)), "{:?}", engine.log());
        assert!(engine.left().is_empty());
    }

    #[tokio::test]
    async fn a_failed_bootstrap_makes_no_image_and_reports_its_reason() {
        let digest = format!("{SHA256}{}", crate::config::matrix::sha256_hex(b"root"));
        let reason = "@@atsmatrix reason bootstrap: E: no Release file";
        for (lines, file, code, why) in [
            (vec!["I: x", reason], &b""[..], 1, "cannot bootstrap noble: E: no Release file"),
            (vec!["I: x"], b"", 137, "cannot bootstrap noble: it was killed or failed with exit code 137"),
            (vec![digest.as_str()], b"roo", 0, "a different file"),
        ] {
            let (engine, made) = bootstrapped(&lines, file, code).await;
            let error = format!("{:#}", made.unwrap_err());
            assert!(error.contains(why), "{error}");
            assert!(!engine.log().iter().any(|op| matches!(op, FakeOp::Import(..))), "{:?}", engine.log());
            // Dropping the handle removes the container.
            assert!(engine.left().is_empty());
        }
    }

    #[test]
    fn each_tool_gets_what_it_reads_and_no_more_capabilities_than_it_needs() {
        let release = Bootstrap::Release(RpmRelease {
            release: "40".to_owned(),
            repositories: vec!["http://m.test/a".to_owned(), "http://m.test/b".to_owned()],
            archive: vec!["http://old.test/".to_owned()],
            gpg_keys: vec!["fedora/KEY".to_owned()],
            packages: vec!["bash".to_owned(), "dnf".to_owned()],
        });
        let engine = FakeEngine::new();
        let owner = Owner::current("r1".parse().unwrap()).unwrap();
        let workshop = Workshop { engine: &engine, owner: &owner, tools: "tools", proxies: &Proxies::default() };
        let (apt, dnf) = (spec(&workshop, &noble()), spec(&workshop, &release));
        assert_eq!(dnf.env["REPOSITORIES"], "http://m.test/a\nhttp://m.test/b");
        assert_eq!((dnf.env["GPG_KEYS"].as_str(), dnf.env["PACKAGES"].as_str()), ("fedora/KEY", "bash\ndnf"));
        assert!(!dnf.env.contains_key("SUITE") && !apt.env.contains_key("RELEASE"));
        assert!(dnf.capabilities.iter().any(|name| name == "SETFCAP"), "rpm sets capabilities of files");
        assert_eq!(apt.capabilities, CAPABILITIES);
        assert!(dnf.no_new_privileges && apt.no_new_privileges);
    }

    #[tokio::test]
    async fn the_container_of_a_dead_run_is_swept() {
        let owner = Owner { pid: u32::MAX, ..Owner::current("r1".parse().unwrap()).unwrap() };
        let hangs = Behaviour { end: FakeEnd::WhenKilled, ..Behaviour::default() };
        let engine = FakeEngine::new().with_image("tools", Labels::new()).with_containers(move |_| hangs.clone());
        let workshop = Workshop { engine: &engine, owner: &owner, tools: "tools", proxies: &Proxies::default() };
        let started = engine.start(&spec(&workshop, &noble())).await.unwrap();
        assert_eq!(sweep::sweep(&engine, &owner.host).await.unwrap().containers, 1);
        assert!(engine.left().is_empty());
        drop(started);
    }
}
