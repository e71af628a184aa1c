//! One attempt at a cell: start the origin, start the cell beside it, collect what both say, remove
//! both. Whatever goes wrong on our side becomes a fault of the attempt, never a failure of ATS.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::future::join_all;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::evidence::{Agent, Gathered};
use super::trouble::{self, Trouble};
use super::watch::Watch;
use super::{Beside, Job, Progress, identity};
use crate::agent::seal::{Key, Opener, SealError};
use crate::agent::{PLAN_VARIABLE, pack};
use crate::engine::{Container, ContainerSpec, Engine, answered, labels, patience};
use crate::model::{AgentPlan, CellPlan, Identity, Line, OriginPlan, Place, Port, TrialPlan};

/// How long the origin may take to listen. It starts in 0.4 s here; engines under load take longer.
const ORIGIN_START: Duration = Duration::from_secs(30);

/// How long an agent may take to say its last line after it was told to end.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Beyond the agent's own deadline, before the cell is killed from outside.
const GRACE: Duration = Duration::from_secs(15);

/// Writable memory of a container: ATS's configuration and logs, curl's body file.
const SCRATCH: &str = "size=64m,mode=0700";

/// Log bytes the engine keeps of a container.
const LOG_BYTES: u64 = 64 << 20;

/// Runs `plans` in fresh containers.
pub(super) async fn run(
    engine: &Arc<dyn Engine>,
    job: &Job,
    plans: &[TrialPlan],
    number: u32,
    progress: &dyn Progress,
    stop: &CancellationToken,
) -> Gathered {
    let mut pair =
        Pair { engine, job, number, token: String::new(), gathered: Gathered::default(), started: Vec::new() };
    let mut watch = Watch::default();
    let limit = job.limits.cell + ORIGIN_START + GRACE;
    // Boxed: what waits for a whole cell holds all of this, and so do those who wait for it.
    let attempt = Box::pin(pair.run(plans, progress, &mut watch));
    let done = tokio::select! {
        done = tokio::time::timeout(limit, attempt) =>
            done.unwrap_or_else(|_| bail!("the cell did not end within {} s", limit.as_secs())),
        () = stop.cancelled() => Err(anyhow::anyhow!("interrupted")),
    };
    pair.gathered.troubles.extend(watch.troubles());
    if let Err(error) = done {
        pair.gathered.away = !stop.is_cancelled() && (patience::broke_off(&error) || !patience::answers(engine).await);
        pair.gathered.faults.push((None, format!("{error:#}")));
    }
    pair.finish().await
}

/// 128 bits that nobody can guess, in hex.
fn unguessable() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// A container that was started: whose it is, its place among those started, and what it says.
struct Stream {
    agent: Agent,
    place: usize,
    lines: UnboundedReceiver<String>,
    key: Key,
    opener: Opener,
}

/// The containers of an attempt and what they have said.
struct Pair<'a> {
    engine: &'a Arc<dyn Engine>,
    job: &'a Job,
    number: u32,
    /// By it the origins know their cell.
    token: String,
    gathered: Gathered,
    started: Vec<Box<dyn Container>>,
}

impl Pair<'_> {
    async fn run(&mut self, plans: &[TrialPlan], progress: &dyn Progress, watch: &mut Watch) -> anyhow::Result<()> {
        self.token = unguessable().context("the system gives no randomness")?;
        watch.begin(self.engine).await?;
        let keep = self.job.keep;
        let identity = identity::of(plans)?;
        let at = |wanted: fn(Place) -> bool| -> Vec<Port> {
            plans.iter().filter(|plan| wanted(plan.spec.place)).map(Port::of).collect()
        };
        let remote = at(|place| matches!(place, Place::Remote | Place::RemoteAndDead | Place::RemoteAndDeadV6));
        let mut origins = vec![self.origin(Agent::Origin, &self.job.origin_image, remote, &identity).await?];
        for (place, beside) in &self.job.beside {
            let ports: Vec<Port> = plans.iter().filter(|plan| plan.spec.place == *place).map(Port::of).collect();
            if let (Beside::Image(image), Some(agent), false) = (beside, Agent::beside(*place), ports.is_empty()) {
                origins.push(self.origin(agent, image, ports, &identity).await?);
            }
        }
        let mut addresses = BTreeMap::new();
        for origin in &mut origins {
            tokio::time::timeout(ORIGIN_START, listening(origin, &mut self.gathered)).await.with_context(|| {
                format!("{} did not listen within {} s", origin.agent.name(), ORIGIN_START.as_secs())
            })??;
            let address = self.started[origin.place].ip().await;
            let address = address.with_context(|| format!("{} has no address", origin.agent.name()))?;
            addresses.insert(origin.agent, address.to_string());
            watch.over(self.started[origin.place].id(), origin.agent);
        }

        let beside =
            Place::BESIDE.into_iter().filter_map(|place| Some((place, addresses.get(&Agent::beside(place)?)?.clone())));
        let cell_plan = AgentPlan::Cell(Box::new(CellPlan {
            origin_ip: addresses.get(&Agent::Origin).cloned().unwrap_or_default(),
            beside: beside.collect(),
            identity,
            trials: plans.to_vec(),
            binary: self.job.binary.clone(),
            deadline_ms: u64::try_from(self.job.limits.cell.as_millis()).unwrap_or(u64::MAX),
            keep,
            swap: self.job.swap.clone(),
            token: self.token.clone(),
        }));
        // A program that was given the right to low ports as its own cannot be started where nobody has it.
        let rights = ["NET_RAW", "NET_BIND_SERVICE"];
        let cell = self.start(Agent::Cell, &self.job.image, &rights, &cell_plan).await?;
        watch.over(self.started[cell.place].id(), Agent::Cell);
        // One that has ended already needs no name.
        if let Ok(address) = self.started[cell.place].ip().await {
            self.job.neighbours.arrived(address, format!("the cell container of {}", self.job.id));
        }
        tokio::select! {
            done = self.listen(cell, progress) => done?,
            why = watch.hopeless() => return Err(why),
        }

        for origin in origins {
            let agent = origin.agent;
            self.started[origin.place].close_stdin().await?;
            tokio::time::timeout(LAST_WORDS, self.listen(origin, progress))
                .await
                .with_context(|| format!("{} did not say its last line", agent.name()))??;
        }
        Ok(())
    }

    /// Starts a container that plays the origins of `ports`.
    async fn origin(
        &mut self,
        agent: Agent,
        image: &str,
        ports: Vec<Port>,
        identity: &Identity,
    ) -> anyhow::Result<Stream> {
        let plan = AgentPlan::Origin(Box::new(OriginPlan {
            ports,
            identity: identity.clone(),
            keep: self.job.keep,
            token: self.token.clone(),
        }));
        // httpd serves as another user than root, and says so by becoming one.
        let rights: &[&str] = if agent == Agent::Httpd { &["SETUID", "SETGID"] } else { &[] };
        self.start(agent, image, rights, &plan).await
    }

    /// Kernel settings of the cell's container.
    ///
    /// Engines give containers of networks without IPv6 a loopback without it as well. A kernel that has none
    /// would refuse the setting; containers share it with this machine, or with one like it.
    fn sysctls(&self) -> BTreeMap<String, String> {
        let mut sysctls = self.job.sysctls.clone();
        // Trials of TCP Fast Open have their origin beside ATS: 1 lets clients ask for it (the kernel's default), 2
        // lets servers take it, 1024 all of them without asking.
        sysctls.entry("net.ipv4.tcp_fastopen".to_owned()).or_insert_with(|| "1027".to_owned());
        if Path::new("/proc/sys/net/ipv6").exists() {
            sysctls.entry("net.ipv6.conf.lo.disable_ipv6".to_owned()).or_insert_with(|| "0".to_owned());
        }
        sysctls
    }

    /// Starts a container, with a key of its own.
    async fn start(
        &mut self,
        agent: Agent,
        image: &str,
        capabilities: &[&str],
        plan: &AgentPlan,
    ) -> anyhow::Result<Stream> {
        let key = Key::random()?;
        let kind = agent.name();
        let mut marks = self.job.labels.clone();
        marks.insert(labels::KIND.to_owned(), kind.to_owned());
        if self.job.keep {
            marks.insert(labels::KEEP.to_owned(), "true".to_owned());
        }
        let spec = ContainerSpec {
            name: format!("{}-{}-{kind}", self.job.name, self.number),
            image: image.to_owned(),
            stdin: key.line(),
            env: BTreeMap::from([(PLAN_VARIABLE.to_owned(), pack(plan)?)]),
            labels: marks,
            network: Some(self.job.network.clone()),
            capabilities: capabilities.iter().map(ToString::to_string).collect(),
            read_only: true,
            sysctls: if agent == Agent::Cell { self.sysctls() } else { BTreeMap::new() },
            tmpfs: BTreeMap::from([("/run/atsmatrix".to_owned(), SCRATCH.to_owned())]),
            memory: Some(self.job.limits.memory),
            pids: Some(self.job.limits.pids),
            no_new_privileges: true,
            log_bytes: Some(LOG_BYTES),
            ..ContainerSpec::default()
        };
        self.started.push(self.engine.start(&spec).await?);
        self.gathered.started(agent);
        let place = self.started.len() - 1;
        let opener = Opener::new(&key);
        Ok(Stream { agent, place, lines: self.started[place].lines(), key, opener })
    }

    /// Takes lines until the agent's last one, or until its stdout closes. Attached streams may lose
    /// the end, so a stream without a last line is read again from the engine's log.
    ///
    /// # Errors
    /// At the first line that the agent did not write: nothing after it counts.
    async fn listen(&mut self, mut stream: Stream, progress: &dyn Progress) -> anyhow::Result<()> {
        let (agent, before) = (stream.agent, stream.opener.opened());
        let (mut taken, mut broken) = (Vec::new(), false);
        while let Some(text) = stream.lines.recv().await {
            match stream.opener.open(&text) {
                // What comes after a gap is read again with the gap.
                _ if broken => {}
                Ok(line) => {
                    if let Line::Began { trial } = &line {
                        progress.began(trial);
                    }
                    let told = matches!(line, Line::End | Line::Forged { .. });
                    taken.push(line);
                    if told {
                        break;
                    }
                }
                Err(SealError::Broken) => broken = true,
                Err(SealError::Forged(text)) => return self.forged(agent, &text),
            }
        }
        if !matches!(taken.last(), Some(Line::End | Line::Forged { .. })) {
            let exit = self.started[stream.place].wait().await?;
            let mut again = Vec::new();
            let mut opener = Opener::new(&stream.key);
            for text in self.started[stream.place].logs().await? {
                match opener.open(&text) {
                    Ok(line) => again.push(line),
                    Err(SealError::Broken) => break,
                    Err(SealError::Forged(text)) => return self.forged(agent, &text),
                }
            }
            // What was taken before this is known.
            let again = again.split_off(usize::try_from(before)?.min(again.len()));
            if again.len() > taken.len() {
                taken = again;
            }
            if taken.last() != Some(&Line::End) {
                let text = trouble::ended(agent, exit.code, exit.oom_killed);
                self.gathered.troubles.push(Trouble::whole(agent, text.clone()));
                self.gathered.faults.push((None, text));
            }
        }
        for line in taken {
            self.gathered.add(agent, line);
        }
        match &self.gathered.tampered {
            Some(text) => bail!("{text}"),
            None => Ok(()),
        }
    }

    /// Gives up an attempt in which somebody wrote to an agent's stdout.
    fn forged(&mut self, agent: Agent, text: &str) -> anyhow::Result<()> {
        self.gathered.tamper(agent, &format!("a line on its stdout is not its agent's: {text}"));
        bail!("evidence was tampered with")
    }

    /// Removes the containers, unless they are to be kept, and returns what was gathered.
    async fn finish(mut self) -> Gathered {
        let mut removals = Vec::new();
        for container in self.started.drain(..) {
            let stderr = container.stderr_tail();
            if !stderr.trim().is_empty() {
                self.gathered.stderr.push(stderr);
            }
            if self.job.keep {
                // Dropped without removal it would be removed in the background.
                std::mem::forget(container);
                continue;
            }
            let id = container.id().to_owned();
            removals.push(async move {
                let removed = answered("remove container", &id, container.remove()).await;
                (id, removed)
            });
        }
        for (id, removed) in join_all(removals).await {
            if let Err(error) = removed {
                // All is said by then: no fault. The end of the run tries once more, and tells.
                self.gathered.left.push(id);
                self.gathered.notes.push(error.to_string());
            }
        }
        self.gathered.tell_unended();
        self.gathered.sort();
        self.gathered
    }
}

/// Waits until the origin listens. The trials whose ports it could not serve are noted; the others go on.
async fn listening(origin: &mut Stream, gathered: &mut Gathered) -> anyhow::Result<()> {
    let agent = origin.agent;
    while let Some(text) = origin.lines.recv().await {
        match origin.opener.open(&text) {
            Ok(Line::Listening) => return Ok(()),
            Ok(Line::Fault { trial: None, text }) => bail!("{}: {text}", agent.name()),
            Ok(Line::Forged { by, text }) => {
                gathered.add(agent, Line::Forged { by, text });
                bail!("evidence was tampered with");
            }
            Ok(fault @ Line::Fault { .. }) => gathered.add(agent, fault),
            Ok(_) => {}
            Err(SealError::Forged(text)) => {
                gathered.tamper(agent, &format!("a line on its stdout is not its agent's: {text}"));
                bail!("evidence was tampered with");
            }
            Err(SealError::Broken) => bail!("{}: lines of it are missing", agent.name()),
        }
    }
    bail!("{} ended before it listened", agent.name())
}
