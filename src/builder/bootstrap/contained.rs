//! A bootstrap in a container: no tool of the host's, no privilege, and no mount that a `kill -9` could leave behind.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, bail};

use super::super::Proxies;
use super::unpack;
use crate::config::matrix::Bootstrap;
use crate::engine::labels::{self, Owner, ResourceKind};
use crate::engine::{ContainerSpec, DEFAULT_NETWORK, Engine, ImageInfo, OnLine};

/// Where the recipe leaves the root file system.
const ROOT: &str = "/bootstrap/rootfs.tar";

/// `@@atsmatrix sha256 HEX`: the digest of that file.
const SHA256: &str = "@@atsmatrix sha256 ";

/// `@@atsmatrix reason bootstrap: TEXT`: why there is none.
const REASON: &str = "@@atsmatrix reason bootstrap: ";

/// What mmdebstrap needs as root of a container that mounts nothing: to give files to their owners and set their modes
/// all the same, to read what belongs to apt's own user, to become that user, and to run the new system's programs in it.
const CAPABILITIES: [&str; 6] = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID", "SYS_CHROOT"];

/// Memory limit, bytes: apt with the package lists of a whole distro.
const MEMORY: u64 = 1 << 30;

/// Where bases are made.
pub(in super::super) struct Shop<'a> {
    /// The engine.
    pub(in super::super) engine: &'a dyn Engine,
    /// Whose containers they are.
    pub(in super::super) owner: &'a Owner,
    /// The image with the tools.
    pub(in super::super) tools: &'a str,
    /// How they reach the mirrors.
    pub(in super::super) proxies: &'a Proxies,
}

/// Makes the base image `tag` in a container of the `shop`. `on_line` gets the progress.
///
/// # Errors
/// With mmdebstrap's error, or the engine's.
pub(in super::super) async fn run(
    shop: &Shop<'_>,
    bootstrap: &Bootstrap,
    tag: &str,
    on_line: OnLine<'_>,
) -> anyhow::Result<ImageInfo> {
    let mut container = shop.engine.start(&spec(shop, bootstrap)).await?;
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
    let failed = || format!("cannot bootstrap {}", bootstrap.suite);
    let sha256 = match output {
        BootstrapOutput { sha256: Some(sha256), .. } if exit.code == 0 => sha256,
        BootstrapOutput { reason: Some(reason), .. } => bail!("{}: {reason}", failed()),
        _ if exit.oom_killed => bail!("{}: it was killed for want of memory", failed()),
        _ => bail!("{}: it was killed, or ended with exit code {}", failed(), exit.code),
    };
    let root = unpack::file(container.file(ROOT), sha256);
    let imported = shop.engine.import(tag, &labels::image_labels(), root).await.with_context(failed);
    // The labels see to one that cannot be removed.
    let _ = container.remove().await;
    imported
}

/// Bootstraps of this process so far: tells the names of their containers apart.
static BEGUN: AtomicU32 = AtomicU32::new(1);

fn spec(shop: &Shop<'_>, bootstrap: &Bootstrap) -> ContainerSpec {
    let Shop { engine: _, owner, tools, proxies } = shop;
    let env = [
        ("SUITE", bootstrap.suite.clone()),
        ("SOURCES", bootstrap.sources.join("\n")),
        ("CHECK_VALID_UNTIL", bootstrap.check_valid_until.to_string()),
    ];
    let mut env: BTreeMap<_, _> = env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    proxies.add_to(&mut env);
    ContainerSpec {
        // Equal suites of other sources may be made at the same time.
        name: format!("atsmatrix-{}-bootstrap-{}", owner.run, BEGUN.fetch_add(1, Ordering::Relaxed)),
        image: (*tools).to_owned(),
        command: Some(["sh", "/recipe/bootstrap.sh"].map(str::to_owned).to_vec()),
        env,
        labels: owner.labels(ResourceKind::Bootstrap),
        network: Some(DEFAULT_NETWORK.to_owned()),
        capabilities: CAPABILITIES.map(str::to_owned).to_vec(),
        memory: Some(MEMORY),
        pids: Some(512),
        no_new_privileges: true,
        // apt and dpkg go through all numbers there may be.
        nofile: Some(4096),
        log_bytes: Some(1 << 20),
        ..ContainerSpec::default()
    }
}

/// What its lines tell of the end.
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
            self.reason = Some(reason.trim().chars().take(400).collect());
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
        Bootstrap { suite: "noble".to_owned(), sources: vec![source], archive: Vec::new(), check_valid_until: true }
    }

    /// What becomes of a bootstrap whose container says `lines`, has made `file` and ends with `code`.
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
        let shop = Shop { engine: &engine, owner: &owner, tools: "tools", proxies: &Proxies::default() };
        let made = run(&shop, &noble(), "atsmatrix/base:1", &mut |_| {}).await;
        (engine, made)
    }

    #[tokio::test]
    async fn the_root_of_the_container_becomes_the_image_and_nothing_is_left() {
        let digest = format!("{SHA256}{}", crate::config::matrix::sha256_hex(b"root"));
        let (engine, made) = bootstrapped(&["I: done", &digest], b"root", 0).await;
        assert_eq!(made.unwrap().tags, ["atsmatrix/base:1"]);
        assert!(engine.log().contains(&FakeOp::Import("atsmatrix/base:1".to_owned(), 4)), "{:?}", engine.log());
        assert!(engine.left().is_empty());
    }

    #[tokio::test]
    async fn one_that_fails_gives_no_image_and_its_own_words() {
        let digest = format!("{SHA256}{}", crate::config::matrix::sha256_hex(b"root"));
        let reason = "@@atsmatrix reason bootstrap: E: no Release file";
        for (lines, file, code, why) in [
            (vec!["I: x", reason], &b""[..], 1, "cannot bootstrap noble: E: no Release file"),
            (vec!["I: x"], b"", 137, "cannot bootstrap noble: it was killed, or ended with exit code 137"),
            (vec![digest.as_str()], b"roo", 0, "another file"),
        ] {
            let (engine, made) = bootstrapped(&lines, file, code).await;
            let error = format!("{:#}", made.unwrap_err());
            assert!(error.contains(why), "{error}");
            assert!(!engine.log().iter().any(|op| matches!(op, FakeOp::Import(..))), "{:?}", engine.log());
            // A handle that is dropped removes its container.
            assert!(engine.left().is_empty());
        }
    }

    #[tokio::test]
    async fn one_whose_run_is_dead_is_swept() {
        let owner = Owner { pid: u32::MAX, ..Owner::current("r1".parse().unwrap()).unwrap() };
        let hangs = Behaviour { end: FakeEnd::WhenKilled, ..Behaviour::default() };
        let engine = FakeEngine::new().with_image("tools", Labels::new()).with_containers(move |_| hangs.clone());
        let shop = Shop { engine: &engine, owner: &owner, tools: "tools", proxies: &Proxies::default() };
        let started = engine.start(&spec(&shop, &noble())).await.unwrap();
        assert_eq!(sweep::sweep(&engine, &owner.host).await.unwrap().containers, 1);
        assert!(engine.left().is_empty());
        drop(started);
    }
}
