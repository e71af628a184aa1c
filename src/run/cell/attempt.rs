//! One attempt at a cell: starts the origins and the cell's container, collects their evidence, and removes them. A failure
//! of the setup becomes a fault of the attempt, never a failure of ATS.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::future::join_all;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::evidence::{Agent, Gathered};
use super::incident::{self, Incident};
use super::watch::Watch;
use super::{Job, OriginImage, Progress, delivered, identity};
use crate::agent::seal::{Key, Opener, SealError};
use crate::agent::{PLAN_VARIABLE, own, pack};
use crate::engine::{Container, ContainerSpec, Engine, labels, patience, with_timeout};
use crate::model::{AgentPlan, CellPlan, Identity, Line, OriginPlan, OwnPlan, Place, Port, Route, Tier, TrialPlan};

/// Time for an origin to start listening. It takes 0.4 s on an idle machine; engines under load take longer.
pub(super) const ORIGIN_START: Duration = Duration::from_secs(30);

/// Time for an agent to send its last line after its stdin was closed.
const LAST_LINE: Duration = Duration::from_secs(10);

/// Extra time beyond the agent's own deadline before the cell is killed.
const GRACE: Duration = Duration::from_secs(15);

/// Options of the writable tmpfs of a container, for ATS's configuration and logs and curl's body file.
const SCRATCH: &str = "size=64m,mode=0700";

/// The same for a cell with a configuration of the user's own: ATS loads plugins of remap rules from copies below it.
const SCRATCH_WITH_PLUGINS: &str = "size=64m,mode=0700,exec";

/// Options of the tmpfs for a configuration of the user's own.
const OWN_FILES: &str = "size=96m,mode=0755";

/// Maximum bytes of a container's log that the engine keeps.
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
    let mut running = RunningAttempt {
        engine,
        job,
        number,
        token: String::new(),
        parent_token: String::new(),
        gathered: Gathered::default(),
        started: Vec::new(),
    };
    let mut watch = Watch::default();
    let limit = job.limits.cell + ORIGIN_START + GRACE;
    let (apart, inside): (Vec<TrialPlan>, Vec<TrialPlan>) =
        plans.iter().cloned().partition(|plan| plan.spec.route == Route::AsDelivered);
    // Boxed: the future is large, and would be part of every future that awaits it.
    let attempt = Box::pin(running.run(&inside, progress, &mut watch));
    let both =
        async { tokio::join!(tokio::time::timeout(limit, attempt), delivered::run(engine, job, number, &apart)) };
    let (done, lines) = tokio::select! {
        (done, lines) = both =>
            (done.unwrap_or_else(|_| bail!("the cell did not end within {} s", limit.as_secs())), lines),
        () = stop.cancelled() => (Err(anyhow::anyhow!("interrupted")), Vec::new()),
    };
    for line in lines {
        running.gathered.add(Agent::Cell, line);
    }
    running.gathered.incidents.extend(watch.incidents());
    if let Err(error) = done {
        running.gathered.engine_away =
            !stop.is_cancelled() && (patience::is_outage(&error) || !patience::answers(engine).await);
        running.gathered.faults.push((None, format!("{error:#}")));
    }
    running.finish().await
}

/// A random token of 128 bits, in hex.
fn random_token() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// The evidence stream of a started container.
pub(super) struct AgentStream {
    pub(super) agent: Agent,
    /// Index of the container in [`RunningAttempt::started`].
    pub(super) index: usize,
    pub(super) lines: UnboundedReceiver<String>,
    key: Key,
    pub(super) opener: Opener,
}

/// An attempt in progress: its containers and the evidence so far.
pub(super) struct RunningAttempt<'a> {
    pub(super) engine: &'a Arc<dyn Engine>,
    pub(super) job: &'a Job,
    number: u32,
    /// Secret by which origins and the parent recognise their cell.
    pub(super) token: String,
    /// Secret by which origins recognise the parent; empty: there is none.
    pub(super) parent_token: String,
    pub(super) gathered: Gathered,
    pub(super) started: Vec<Box<dyn Container>>,
}

impl RunningAttempt<'_> {
    /// Runs the whole attempt: origins, cell, then the last lines of the origins.
    async fn run(&mut self, plans: &[TrialPlan], progress: &dyn Progress, watch: &mut Watch) -> anyhow::Result<()> {
        self.token = random_token().context("the system provides no random bytes")?;
        if self.job.parent.is_some() {
            self.parent_token = random_token().context("the system provides no random bytes")?;
        }
        watch.start(self.engine).await?;
        let identity = identity::of(plans)?;
        let mut origins = self.start_origins(plans, &identity).await?;
        let mut addresses = BTreeMap::new();
        for origin in &mut origins {
            self.wait_until_listening(origin, &mut addresses, watch).await?;
        }
        if let Some(parent) = &self.job.parent {
            let mut parent = self.start_parent(parent, plans, &identity, &addresses).await?;
            self.wait_until_listening(&mut parent, &mut addresses, watch).await?;
            self.note_parent(plans, &addresses);
            // Its last lines come before those of the origins that it asks.
            origins.insert(0, parent);
        }
        let cell = self.start_cell(plans, identity, &addresses).await?;
        watch.add(self.started[cell.index].id(), Agent::Cell);
        // A container that has ended already has no address, and needs no name.
        if let Ok(address) = self.started[cell.index].ip().await {
            self.job.neighbours.insert(address, format!("the cell container of {}", self.job.id));
        }
        tokio::select! {
            done = self.listen(cell, progress) => done?,
            why = watch.wait_for_loss() => return Err(why),
        }
        for origin in origins {
            let agent = origin.agent;
            self.started[origin.index].close_stdin().await?;
            tokio::time::timeout(LAST_LINE, self.listen(origin, progress))
                .await
                .with_context(|| format!("{} did not send its last line", agent.name()))??;
        }
        Ok(())
    }

    /// Starts the instrumented origin, and the other origins that `plans` use.
    async fn start_origins(&mut self, plans: &[TrialPlan], identity: &Identity) -> anyhow::Result<Vec<AgentStream>> {
        let ports = |is_there: &dyn Fn(Place) -> bool| -> Vec<Port> {
            plans.iter().filter(|plan| is_there(plan.spec.place)).map(Port::of).collect()
        };
        let remote = ports(&|place| matches!(place, Place::Remote | Place::RemoteAndDead | Place::RemoteAndDeadV6));
        let job = self.job;
        let mut origins = vec![self.origin(Agent::Origin, &job.origin_image, remote, identity).await?];
        for (place, image) in &job.origins {
            let ports = ports(&|other| other == *place);
            if let (OriginImage::Image(image), Some(agent), false) = (image, Agent::of_origin(*place), ports.is_empty())
            {
                origins.push(self.origin(agent, image, ports, identity).await?);
            }
        }
        Ok(origins)
    }

    /// Starts the cell's container. `addresses` are those of the origins.
    async fn start_cell(
        &mut self,
        plans: &[TrialPlan],
        identity: Identity,
        addresses: &BTreeMap<Agent, String>,
    ) -> anyhow::Result<AgentStream> {
        let command = self.command_of(self.job.delivered.as_deref()).await?;
        let address = |place: Place| Some((place, addresses.get(&Agent::of_origin(place)?)?.clone()));
        let plan = AgentPlan::Cell(Box::new(CellPlan {
            origin_ip: addresses.get(&Agent::Origin).cloned().unwrap_or_default(),
            beside: Place::BESIDE.into_iter().filter_map(address).collect(),
            identity,
            trials: plans.to_vec(),
            binary: self.job.binary.clone(),
            command,
            deadline_ms: u64::try_from(self.job.limits.cell.as_millis()).unwrap_or(u64::MAX),
            keep: self.job.keep,
            swap: self.job.swap.clone(),
            own: self.job.config.as_ref().map(|files| OwnPlan {
                digest: files.digest().to_owned(),
                files: u32::try_from(files.count()).unwrap_or(u32::MAX),
            }),
            token: self.token.clone(),
            tier: addresses.get(&Agent::Parent).map(|parent| Tier::Child { parent: parent.clone() }),
        }));
        // Low ports: a binary with that file capability. Then: to become the user that a configuration names, and to end it.
        let all = ["NET_RAW", "NET_BIND_SERVICE", "SETUID", "SETGID", "KILL"];
        let capabilities = if self.job.config.is_some() { &all[..] } else { &all[..2] };
        self.start(Agent::Cell, &self.job.image, capabilities, &plan).await
    }

    /// Starts the container of an origin that serves `ports`.
    async fn origin(
        &mut self,
        agent: Agent,
        image: &str,
        ports: Vec<Port>,
        identity: &Identity,
    ) -> anyhow::Result<AgentStream> {
        let plan = AgentPlan::Origin(Box::new(OriginPlan {
            ports,
            identity: identity.clone(),
            keep: self.job.keep,
            token: self.token.clone(),
            parent_token: self.parent_token.clone(),
        }));
        let capabilities = match agent {
            Agent::Beside(program) => program.capabilities(),
            Agent::Cell | Agent::Parent | Agent::Origin => &[],
        };
        self.start(agent, image, capabilities, &plan).await
    }

    /// Kernel settings of the cell's container.
    ///
    /// On a network without IPv6, engines disable IPv6 on the loopback interface as well. A kernel without IPv6 would refuse
    /// the setting, so this checks the kernel of this machine, which containers share or resemble.
    fn sysctls(&self) -> BTreeMap<String, String> {
        let mut sysctls = self.job.sysctls.clone();
        // For trials of TCP Fast Open, whose origin is in this container: 1 enables it for clients (the kernel's default),
        // 2 for servers, 1024 for all listeners without the socket option.
        sysctls.entry("net.ipv4.tcp_fastopen".to_owned()).or_insert_with(|| "1027".to_owned());
        if Path::new("/proc/sys/net/ipv6").exists() {
            sysctls.entry("net.ipv6.conf.lo.disable_ipv6".to_owned()).or_insert_with(|| "0".to_owned());
        }
        sysctls
    }

    /// Starts a container with its own key.
    pub(super) async fn start(
        &mut self,
        agent: Agent,
        image: &str,
        capabilities: &[&str],
        plan: &AgentPlan,
    ) -> anyhow::Result<AgentStream> {
        let key = Key::random()?;
        let kind = agent.name();
        let mut marks = self.job.labels.clone();
        marks.insert(labels::KIND.to_owned(), kind.to_owned());
        if self.job.keep {
            marks.insert(labels::KEEP.to_owned(), "true".to_owned());
        }
        let mut tmpfs = BTreeMap::from([("/run/atsmatrix".to_owned(), SCRATCH.to_owned())]);
        let config = self.job.config.as_ref().filter(|_| agent == Agent::Cell);
        let files = config.map(|files| own::pack(files)).transpose()?.unwrap_or_default();
        if config.is_some() {
            tmpfs.insert("/run/atsmatrix".to_owned(), SCRATCH_WITH_PLUGINS.to_owned());
            tmpfs.insert(own::FOLDER.to_owned(), OWN_FILES.to_owned());
        }
        let spec = ContainerSpec {
            name: format!("{}-{}-{kind}", self.job.name, self.number),
            image: image.to_owned(),
            stdin: key.line() + &files,
            env: BTreeMap::from([(PLAN_VARIABLE.to_owned(), pack(plan)?)]),
            labels: marks,
            network: Some(self.job.network.clone()),
            capabilities: capabilities.iter().map(ToString::to_string).collect(),
            read_only: true,
            sysctls: if matches!(agent, Agent::Cell | Agent::Parent) { self.sysctls() } else { BTreeMap::new() },
            tmpfs,
            memory: Some(self.job.limits.memory),
            pids: Some(self.job.limits.pids),
            no_new_privileges: true,
            log_bytes: Some(LOG_BYTES),
            ..ContainerSpec::default()
        };
        self.started.push(self.engine.start(&spec).await?);
        self.gathered.started(agent);
        let index = self.started.len() - 1;
        let opener = Opener::new(&key);
        Ok(AgentStream { agent, index, lines: self.started[index].lines(), key, opener })
    }

    /// Reads lines until the agent's last one, or until its stdout closes. Attached streams may lose their end, so a stream
    /// without a last line is read again from the engine's log.
    ///
    /// # Errors
    /// A line was not written by the agent; nothing after it counts.
    async fn listen(&mut self, mut stream: AgentStream, progress: &dyn Progress) -> anyhow::Result<()> {
        let (agent, before) = (stream.agent, stream.opener.opened());
        let (mut taken, mut broken) = (Vec::new(), false);
        while let Some(text) = stream.lines.recv().await {
            match stream.opener.open(&text) {
                // Lines after a gap are read again together with the gap.
                _ if broken => {}
                Ok(line) => {
                    if let Line::Began { trial } = &line {
                        progress.trial_started(trial);
                    }
                    let is_last = matches!(line, Line::End | Line::Forged { .. });
                    taken.push(line);
                    if is_last {
                        break;
                    }
                }
                Err(SealError::Broken) => broken = true,
                Err(SealError::Forged(text)) => return self.forged(agent, &text),
            }
        }
        if !matches!(taken.last(), Some(Line::End | Line::Forged { .. })) {
            let exit = self.started[stream.index].wait().await?;
            let mut again = Vec::new();
            let mut opener = Opener::new(&stream.key);
            for text in self.started[stream.index].logs().await? {
                match opener.open(&text) {
                    Ok(line) => again.push(line),
                    Err(SealError::Broken) => break,
                    Err(SealError::Forged(text)) => return self.forged(agent, &text),
                }
            }
            // Lines from before this call are gathered already.
            let again = again.split_off(usize::try_from(before)?.min(again.len()));
            if again.len() > taken.len() {
                taken = again;
            }
            if taken.last() != Some(&Line::End) {
                let text = incident::ended_early(agent, exit.code, exit.oom_killed);
                self.gathered.incidents.push(Incident::whole(agent, text.clone()));
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

    /// Aborts an attempt in which another process wrote to an agent's stdout.
    fn forged(&mut self, agent: Agent, text: &str) -> anyhow::Result<()> {
        self.gathered.tamper(agent, &format!("a line on its stdout was not written by its agent: {text}"));
        bail!("evidence was tampered with")
    }

    /// Removes the containers, unless they are kept, and returns the evidence.
    async fn finish(mut self) -> Gathered {
        let mut removals = Vec::new();
        for container in self.started.drain(..) {
            let stderr = container.stderr_tail();
            if !stderr.trim().is_empty() {
                self.gathered.stderr.push(stderr);
            }
            if self.job.keep {
                container.keep();
                continue;
            }
            let id = container.id().to_owned();
            removals.push(async move {
                let removed = with_timeout("remove container", &id, container.remove()).await;
                (id, removed)
            });
        }
        for (id, removed) in join_all(removals).await {
            if let Err(error) = removed {
                // The evidence is complete, so this is not a fault. The end of the run tries again and reports it.
                self.gathered.unremoved.push(id);
                self.gathered.notes.push(error.to_string());
            }
        }
        self.gathered.report_unfinished();
        self.gathered.sort();
        self.gathered
    }
}
