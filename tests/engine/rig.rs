//! The set-up of every test: the engine, an image with busybox, and a run of its own, which is cleaned up afterwards.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::process::Command;
use std::sync::Arc;

use atsmatrix::engine::discovery::Env;
use atsmatrix::engine::labels::{Owner, ResourceKind};
use atsmatrix::engine::{BuildSpec, Connected, Container, ContainerSpec, Engine, NetworkSpec, connect, sweep};
use bytes::Bytes;
use futures_util::FutureExt;
use tokio::sync::Mutex;

/// Number of tests that use the image. The first one makes it, the last one removes it.
static USERS: Mutex<usize> = Mutex::const_new(0);

#[derive(Clone)]
pub(crate) struct Rig {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) owner: Owner,
    /// An image whose entry point is busybox.
    pub(crate) image: String,
}

/// Runs a test with a rig and cleans up, also if the test fails.
pub(crate) async fn with_rig<F: Future<Output = ()>>(name: &str, test: impl FnOnce(Rig) -> F) {
    let rig = Rig::new(name).await;
    let result = AssertUnwindSafe(test(rig.clone())).catch_unwind().await;
    rig.clean().await;
    if let Err(panic) = result {
        resume_unwind(panic);
    }
}

pub(crate) async fn connected() -> Connected {
    connect(&Env::from_process()).await.expect("these tests need a container engine")
}

impl Rig {
    async fn new(name: &str) -> Self {
        let engine = connected().await.engine;
        let run = format!("test-{name}-{}", std::process::id()).parse().expect("a legal run id");
        let owner = Owner::current(run).expect("/proc is readable");
        let image = format!("atsmatrix-test:{}", std::process::id());
        let rig = Self { engine, owner, image };
        let mut users = USERS.lock().await;
        if *users == 0 {
            let busybox = std::fs::read("/bin/busybox").expect("/bin/busybox (apt-get install busybox-static)");
            let recipe = "FROM scratch\nCOPY busybox /bin/busybox\nENTRYPOINT [\"/bin/busybox\"]\n";
            let context = context(&[("Containerfile", recipe.as_bytes(), 0o644), ("busybox", &busybox, 0o755)]);
            rig.build(&rig.image, context).await;
        }
        *users += 1;
        drop(users);
        rig
    }

    async fn clean(&self) {
        let swept =
            sweep::remove_run(&*self.engine, &self.owner.run).await.expect("its containers and networks can be listed");
        assert!(swept.failed.is_empty(), "{:?}", swept.failed);
        let mut users = USERS.lock().await;
        *users -= 1;
        if *users == 0 {
            self.engine.remove_image(&self.image).await.expect("the image of the tests can be removed");
        }
    }

    pub(crate) async fn build(&self, tag: &str, context: Bytes) {
        let spec = recipe(tag, context);
        self.engine.build(&spec, &mut |_| {}).await.expect("the image can be built");
    }

    /// A name that is unique among tests and runs of the tests.
    pub(crate) fn name(&self, what: &str) -> String {
        format!("{}-{what}", self.owner.run)
    }

    /// A container that runs `script` in busybox's shell.
    pub(crate) fn shell(&self, what: &str, script: &str) -> ContainerSpec {
        ContainerSpec {
            name: self.name(what),
            image: self.image.clone(),
            command: Some(["sh", "-c", script].map(str::to_owned).to_vec()),
            labels: self.owner.labels(ResourceKind::Cell),
            ..ContainerSpec::default()
        }
    }

    pub(crate) async fn start(&self, spec: &ContainerSpec) -> Box<dyn Container> {
        self.engine.start(spec).await.expect("the container starts")
    }

    pub(crate) async fn network(&self, what: &str, internal: bool) -> String {
        let spec = NetworkSpec { name: self.name(what), labels: self.owner.labels(ResourceKind::Network), internal };
        self.engine.create_network(&spec).await.expect("the network can be created")
    }

    /// The number of containers of this test's run.
    pub(crate) async fn containers(&self) -> usize {
        let all = self.engine.containers().await.expect("containers can be listed");
        all.iter().filter(|it| it.labels["atsmatrix.run"] == self.owner.run.as_str()).count()
    }
}

/// Runs `spec` and returns the lines of its stdout, its exit code and its stderr.
pub(crate) async fn run(rig: &Rig, spec: &ContainerSpec) -> (Vec<String>, i64, String) {
    let mut container = rig.start(spec).await;
    let lines = all_lines(&mut *container).await;
    let exit = container.wait().await.expect("it can be waited for");
    let stderr = container.stderr_tail();
    container.remove().await.expect("it can be removed");
    (lines, exit.code, stderr)
}

pub(crate) async fn all_lines(container: &mut dyn Container) -> Vec<String> {
    let mut receiver = container.lines();
    let mut lines = Vec::new();
    while let Some(line) = receiver.recv().await {
        lines.push(line);
    }
    lines
}

/// A tar of files, each with name, content and mode.
pub(crate) fn context(files: &[(&str, &[u8], u32)]) -> Bytes {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content, mode) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(*mode);
        tar.append_data(&mut header, name, *content).expect("writing to memory");
    }
    tar.into_inner().expect("writing to memory").into()
}

/// Output of the docker client, which shares no code with this program.
pub(crate) fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).output().expect("docker is in PATH");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The build of an image from `context`, whose recipe is named Containerfile.
pub(crate) fn recipe(tag: &str, context: Bytes) -> BuildSpec {
    BuildSpec { context, containerfile: "Containerfile".into(), tag: tag.to_owned(), ..BuildSpec::default() }
}
