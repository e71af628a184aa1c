//! A cell from the inside: starts ATS once per group of settings, runs each trial and reports what was seen.

mod baseline;
mod life;
mod lives;
mod logs;
mod missing;
mod own;
pub(super) mod parent;
mod reload;
mod requester;
mod rotate;
mod rules;
mod settings;
mod through;
mod wire;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::capture::Capture;
use super::dns::NameServer;
use super::emit::Emitter;
use super::heartbeat::{self, OriginGuard, Peer};
use super::origin::Origin;
use super::own::{Delivered, OwnFiles};
use super::packages::Packages;
use super::traffic_server::{self, Installation, Launch, LaunchedBy, Ports, RunningAts};
use super::{inventory, now_us, provenance};
use crate::ats::{Dialect, config};
use crate::model::{Act, AtsLife, CellPlan, ClientRun, Line, Place, Port, Provenance, Record, Route, Tier, TrialPlan};
use baseline::Started;
use lives::Lives;
use requester::Requester;
use wire::report_wire;

/// The only writable directory of the container.
pub(super) const ROOT: &str = "/run/atsmatrix";

/// Lives of ATS at the same time, each with its own settings, ports and files.
const PARALLEL_LIVES: usize = 3;

/// Runs the trials of a cell, and holds what all of them need.
struct TrialRunner {
    plan: CellPlan,
    emitter: Emitter,
    requester: Requester,
    names: NameServer,
    here: Origin,
    packages: Packages,
    /// The configuration of the user's own, from which every life of ATS starts.
    own: Option<OwnFiles>,
    provenance_reported: Mutex<bool>,
    /// Paths of everything that the ATS processes so far had mapped. Only used with parts swapped.
    inventoried: Mutex<BTreeSet<String>>,
    lives: AtomicU16,
    /// Once known: why ATS does not start with the baseline settings, or `None` if it does.
    down: OnceCell<Option<NoStart>>,
    /// Cancels other pending starts once ATS is known not to start.
    is_down: CancellationToken,
    /// The directory in which each life of ATS gets its own.
    root: PathBuf,
    /// The deadline of the cell. Trials that are not over by then are errors of atsmatrix; the others are reported as
    /// always.
    until: Instant,
}

/// What keeps running after the trials, for inspection by hand.
#[expect(dead_code, reason = "never read: dropping it would stop what is kept running")]
pub(super) struct KeptCell {
    runner: TrialRunner,
    ats: Option<RunningAts>,
}

/// Runs the whole plan. With `keep` the origins and an ATS with the baseline settings keep running.
pub(super) async fn run(
    plan: CellPlan,
    files: Option<Delivered>,
    emitter: Emitter,
) -> anyhow::Result<Option<Box<KeptCell>>> {
    let until = Instant::now() + Duration::from_millis(plan.deadline_ms);
    let ports: BTreeSet<u16> = plan.trials.iter().map(|trial| trial.port).collect();
    let capture = Capture::start(&ports).context("cannot capture packets: the container needs NET_RAW")?;
    // Only programs in this container may connect: no heartbeat has its token.
    let guard = OriginGuard::new(&[], &emitter);
    let here = Origin::start(&same_host_ports(&plan), &plan.identity, Path::new(ROOT), &emitter, &guard).await;
    let own = own::install(&plan, files)?;
    let names = NameServer::start(own::names(&plan, own.as_ref())?).await?;
    let heartbeats = heartbeat::start(peers(&plan, &names)?, &plan.token, &emitter).await?;
    settings::write_certificates(&plan.identity)?;
    let runner = TrialRunner { own, ..TrialRunner::new(plan, emitter, names, here, until)? };
    let through = async {
        let found = Installation::find(runner.plan.binary.as_deref(), &runner.plan.command).await;
        match &found {
            Ok(installation) => runner.through(installation).await,
            Err(error) => runner.report_unfound(error),
        }
        found
    };
    let (found, ()) = tokio::join!(through, runner.direct());
    let own = heartbeats.own;
    drop(heartbeats);
    runner.report_base(found.as_ref().ok()).await;
    if !runner.plan.keep {
        let TrialRunner { plan, emitter, here, .. } = runner;
        here.finish().await;
        report_wire(&plan, &emitter, capture, own)?;
        return Ok(None);
    }
    report_wire(&runner.plan, &runner.emitter, capture, own)?;
    let ats = match &found {
        Ok(installation) => runner.start_unless_down(installation, &Wanted::default()).await.ok().map(|(ats, ..)| ats),
        Err(_) => None,
    };
    Ok(Some(Box::new(KeptCell { runner, ats })))
}

fn same_host_ports(plan: &CellPlan) -> Vec<Port> {
    let here = plan.trials.iter().filter(|trial| matches!(trial.spec.place, Place::SameHost | Place::SameHostV6));
    here.map(Port::of).collect()
}

/// What the trials that share a life of ATS need from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a need of its own, and any of them can meet any other")]
struct Wanted<'a> {
    /// Settings in addition to the baseline.
    records: &'a [Record],
    /// Settings among them that this ATS may not know.
    may_not_know: Vec<&'a str>,
    /// ATS must be able to reload its configuration.
    reloads: bool,
    /// Its key for TLS clients is encrypted.
    locked_key: bool,
    /// Its OpenSSL has no configuration.
    bare_openssl: bool,
    /// It has a disk cache.
    cache: bool,
    /// It runs the user's own configuration, without the premises of other trials.
    own: bool,
}

impl<'a> Wanted<'a> {
    /// What the trials of `batches` need, whose settings are `records`.
    fn of(records: &'a [Record], batches: &'a [Vec<TrialPlan>]) -> Self {
        let specs = || batches.iter().flatten().map(|trial| &trial.spec);
        Self {
            records,
            may_not_know: specs().flat_map(|spec| &spec.may_not_know).map(String::as_str).collect(),
            reloads: specs().any(|spec| spec.client.act.reloads()),
            locked_key: specs().any(|spec| spec.locked_key),
            bare_openssl: specs().any(|spec| spec.bare_openssl),
            cache: specs().any(|spec| spec.cache),
            own: specs().any(|spec| matches!(spec.client.act, Act::Start | Act::Rules)),
        }
    }
}

/// Why ATS does not run.
#[derive(Clone)]
enum NoStart {
    /// The settings cannot be written for this ATS: an error of atsmatrix.
    Settings(String),
    /// ATS itself did not start.
    Ats(String),
    /// Nothing started, and it is not known whether ATS is the cause.
    Unclear(String),
    /// The deadline of the cell passed before.
    Late,
}

/// The cause of a failed start: ATS, or a script of the image.
fn failed_start(installation: &Installation, error: &anyhow::Error) -> NoStart {
    let text = format!("{error:#}");
    if error.downcast_ref::<traffic_server::NothingOfAts>().is_none() || !installation.is_script() {
        return NoStart::Ats(text);
    }
    let binary = installation.binary.display();
    NoStart::Unclear(format!(
        "{binary} is a script that ended before ATS printed anything. In a cell it cannot become another user or \
         write outside of {ROOT}. Name the program that it starts as `binary` of the source in matrix.yaml. {text}"
    ))
}

impl TrialRunner {
    /// A runner without a configuration of the user's own.
    fn new(plan: CellPlan, emitter: Emitter, names: NameServer, here: Origin, until: Instant) -> anyhow::Result<Self> {
        Ok(Self {
            requester: Requester::new(&plan)?,
            plan,
            emitter,
            names,
            here,
            packages: Packages::detect(),
            own: None,
            provenance_reported: Mutex::new(false),
            inventoried: Mutex::default(),
            lives: AtomicU16::new(0),
            down: OnceCell::new(),
            is_down: CancellationToken::new(),
            root: PathBuf::from(ROOT),
            until,
        })
    }

    /// Runs the controls, which need no ATS.
    async fn direct(&self) {
        for trial in self.plan.trials.iter().filter(|trial| trial.spec.route != Route::Ats) {
            let run = self.timed(trial, Box::pin(self.request(trial, Ports::of(0))));
            match tokio::time::timeout_at(self.until, run).await {
                Ok(run) => {
                    self.emitter.emit(&Line::Client { trial: trial.id.clone(), run, ats: AtsLife::Alive });
                }
                Err(_) => self.report_late(&trial.id),
            }
        }
    }

    /// Runs the trials through ATS. Those that must run alone come last.
    async fn through(&self, installation: &Installation) {
        let Lives { beside, together, alone } = Lives::of(&self.runnable_trials(installation).await);
        let run = |groups, at_once| {
            stream::iter(groups)
                .for_each_concurrent(at_once, |(records, batch)| self.run_group(installation, records, batch))
        };
        let others = async {
            run(together, PARALLEL_LIVES).await;
            run(alone, 1).await;
        };
        tokio::join!(run(beside, 1), others);
    }

    /// Reports that the deadline of the cell passed before `trial` was over.
    fn report_late(&self, trial: &str) {
        let seconds = self.plan.deadline_ms / 1000;
        let text = format!(
            "the cell's deadline of {seconds} s passed before this trial was over: give it longer \
             (`deadlines: {{ cell: ... }}` in matrix.yaml), or run fewer cells at once"
        );
        self.emitter.emit(&Line::Fault { trial: Some(trial.to_owned()), text });
    }

    /// Starts ATS in its own directory, as `wanted`.
    async fn start(&self, installation: &Installation, wanted: &Wanted<'_>) -> Started {
        let number = self.lives.fetch_add(1, Ordering::Relaxed);
        let (root, ports) = (self.root.join(format!("ats-{number}")), Ports::of(number));
        let mut settings = settings::settings(&self.plan, ports, self.names.address().port(), wanted);
        settings.error_pages = Some(installation.error_pages(&root));
        settings.cache = wanted.cache.then(|| installation.cache(&root));
        let unwritten = |error: config::Unsupported| NoStart::Settings(error.to_string());
        let files = self.files(installation, &settings, wanted, &root)?;
        let written = config::names(installation.dialect, &settings).map_err(unwritten)?;
        let by = match &self.plan.swap {
            Some(_) if wanted.reloads => {
                return Err(NoStart::Settings("a reload cannot run with parts swapped".into()));
            }
            Some(swap) => LaunchedBy::Swap(swap),
            None if wanted.reloads && installation.dialect < Dialect::V10 => LaunchedBy::Manager,
            None => LaunchedBy::Itself,
        };
        let own = self.own.as_ref().map(|_| Path::new(super::own::FOLDER));
        let launch = Launch {
            files: &files,
            own,
            becomes_user: self.becomes_user(installation, wanted),
            bare_openssl: wanted.bare_openssl,
            opens_late: wanted.cache,
            by,
        };
        let started = RunningAts::start(installation, &root, launch, ports, &self.emitter);
        let ats = match tokio::time::timeout_at(self.until, started).await {
            Ok(started) => started.map_err(|error| failed_start(installation, &error))?,
            Err(_) => return Err(NoStart::Late),
        };
        let is_needed = |name: &String| written.contains(name) && !wanted.may_not_know.contains(&name.as_str());
        match ats.unknown_settings().into_iter().find(is_needed) {
            Some(name) => Err(NoStart::Settings(format!(
                "ATS {} does not know the setting {name} and ignores it, so the results of its trials would mean \
                 nothing. Its dialect in src/ats/config must be corrected",
                installation.version
            ))),
            None => Ok((ats, root, ports)),
        }
    }

    /// Reports the provenance, once, by a life that shows it: `Some`, whether its OpenSSL has no configuration. While one life does
    /// that, others do not wait for it.
    async fn report_provenance(&self, installation: &Installation, pid: Option<u32>, bare_openssl: Option<bool>) {
        let Some(bare_openssl) = bare_openssl else { return };
        let Ok(mut reported) = self.provenance_reported.try_lock() else { return };
        if !*reported {
            let found = provenance::gather(installation, pid, bare_openssl, &self.packages).await;
            let provenance = Provenance { config: self.own_provenance(installation), ..found };
            self.emitter.emit(&Line::Provenance(Box::new(provenance)));
            *reported = true;
        }
    }

    /// Reports what this ATS consists of. Called after its trials, so that libraries loaded late are included. A life
    /// that has nothing new is not reported.
    async fn report_inventory(&self, installation: &Installation, pid: Option<u32>) {
        let Some((swap, pid)) = self.plan.swap.as_ref().zip(pid) else { return };
        let paths = inventory::paths(pid);
        let mut inventoried = self.inventoried.lock().await;
        if paths.is_subset(&inventoried) {
            return;
        }
        inventoried.extend(paths);
        let found = if swap.account {
            inventory::gather(installation, pid, &self.packages).await
        } else {
            inventory::mapped(pid)
        };
        self.emitter.emit(&Line::Inventory(Box::new(found)));
    }

    /// Runs the client of a trial and reports when it ran.
    async fn timed(&self, trial: &TrialPlan, run: impl Future<Output = ClientRun>) -> ClientRun {
        let from_us = now_us();
        let run = run.await;
        self.emitter.emit(&Line::Lasted { trial: trial.id.clone(), from_us, to_us: now_us() });
        run
    }

    /// Runs the client of a trial.
    async fn request(&self, trial: &TrialPlan, ports: Ports) -> ClientRun {
        self.emitter.emit(&Line::Began { trial: trial.id.clone() });
        match self.here.missing(&trial.id) {
            Some(reason) => requester::missing(reason),
            None if trial.spec.timed => {
                let before = traffic_server::response_time(ports).await;
                let run = self.requester.request(trial, ports).await;
                let after = traffic_server::response_time(ports).await;
                ClientRun { control_us: before.zip(after).map(|(before, after)| before.max(after)), ..run }
            }
            None => self.requester.request(trial, ports).await,
        }
    }
}

/// The peers that trials need besides ATS.
fn peers(plan: &CellPlan, names: &NameServer) -> anyhow::Result<Vec<Peer>> {
    let parse = |text: &str| text.parse().with_context(|| format!("`{text}` is not an address"));
    let mut peers = vec![Peer::Origin("origin", parse(&plan.origin_ip)?)];
    for (place, address) in &plan.beside {
        peers.push(Peer::Origin(place.program().unwrap_or("origin"), parse(address)?));
    }
    peers.push(Peer::Names(names.address()));
    if let Some(Tier::Child { parent }) = &plan.tier {
        peers.push(Peer::Parent(parse(parent)?));
    }
    Ok(peers)
}

#[cfg(test)]
mod tests;
