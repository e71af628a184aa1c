//! One cell from the inside: start ATS once per group of settings, run each trial, tell what was
//! seen.

mod ask;
mod baseline;
mod lacks;
mod life;
mod lives;
mod reload;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::beat::{self, Door, Peer};
use super::capture::Capture;
use super::client::Target;
use super::dns::NameServer;
use super::emit::Emitter;
use super::origin::Origin;
use super::program::Forged;
use super::traffic_server::{self, Ats, By, Control, Installation, Ports};
use super::{inventory, now_us, provenance};
use crate::ats::{Dialect, config};
use crate::model::{
    Act, AtsLife, CellPlan, ClientRun, Flow, Line, LogFile, LogLine, Place, Port, Record, Route, Speak, TrialPlan,
    added_name, front_name, origin_name,
};
use ask::Asker;
use baseline::Started;
use lives::Lives;

/// The only writable place of the container.
pub(super) const ROOT: &str = "/run/atsmatrix";

/// Log lines told per log and ATS life; ATS can be made to log without end.
const MAX_LOG_LINES: usize = 500;

/// Lives of ATS at the same time, each with settings, ports and files of its own.
const LIVES: usize = 3;

/// What every trial of the cell needs.
struct Cell {
    plan: CellPlan,
    emitter: Emitter,
    asker: Asker,
    names: NameServer,
    here: Origin,
    provenance_told: Mutex<bool>,
    /// Paths of everything mapped by the ATS processes so far, where that is asked.
    inventoried: Mutex<BTreeSet<String>>,
    lives: AtomicU16,
    /// Why ATS does not come up with the baseline's settings, once that is known; `None` in it: it does.
    down: OnceCell<Option<NoStart>>,
    /// Ends the wait for other starts once it is known not to come up.
    is_down: CancellationToken,
    /// Where each life of ATS gets a directory.
    root: PathBuf,
    /// The cell's deadline: trials that are not over by then are told to be ours to blame, and what was seen of the
    /// others is told as always.
    until: Instant,
}

/// What goes on running after the trials, for inspection by hand.
#[expect(dead_code, reason = "held, not read: dropping it would end what is kept")]
pub(super) struct Kept {
    cell: Cell,
    ats: Option<Ats>,
}

/// Runs the whole plan. With its `keep` everything is left running, with the baseline's settings.
pub(super) async fn run(plan: CellPlan, emitter: Emitter) -> anyhow::Result<Option<Box<Kept>>> {
    let until = Instant::now() + Duration::from_millis(plan.deadline_ms);
    let ports: BTreeSet<u16> = plan.trials.iter().map(|trial| trial.port).collect();
    let capture = Capture::start(&ports).context("cannot capture packets: the container needs NET_RAW")?;
    // Who is not in this container has no business here: nobody has a token for this door.
    let door = Door::new("", &emitter);
    let here = Origin::start(&same_host_ports(&plan), &plan.identity, Path::new(ROOT), &emitter, &door).await;
    let names = NameServer::start(settings::addresses(&plan)?).await?;
    let beats = beat::start(peers(&plan, &names)?, &plan.token, &emitter).await?;
    settings::write_certificates(&plan.identity)?;
    let asker = Asker::new(&plan)?;

    let cell = Cell {
        plan,
        emitter,
        asker,
        names,
        here,
        provenance_told: Mutex::new(false),
        inventoried: Mutex::default(),
        lives: AtomicU16::new(0),
        down: OnceCell::new(),
        is_down: CancellationToken::new(),
        root: PathBuf::from(ROOT),
        until,
    };
    let through = async {
        let found = Installation::find(cell.plan.binary.as_deref()).await;
        match &found {
            Ok(installation) => cell.through(installation).await,
            Err(error) => cell.emitter.emit(&match error.downcast_ref::<Forged>() {
                Some(Forged { by, text }) => Line::Forged { by: by.clone(), text: text.clone() },
                None => Line::Fault { trial: None, text: format!("{error:#}") },
            }),
        }
        found
    };
    let (found, ()) = tokio::join!(through, cell.direct());
    let own = beats.own;
    drop(beats);
    if !*cell.provenance_told.lock().await {
        cell.emitter.emit(&Line::Provenance(Box::new(provenance::base())));
    }
    if !cell.plan.keep {
        let Cell { plan, emitter, here, .. } = cell;
        here.finish().await;
        tell_wire(&plan, &emitter, capture, own)?;
        return Ok(None);
    }
    tell_wire(&cell.plan, &cell.emitter, capture, own)?;
    let ats = match &found {
        Ok(installation) => cell.start_if_it_comes_up(installation, &Wanted::default()).await.ok().map(|(ats, ..)| ats),
        Err(_) => None,
    };
    Ok(Some(Box::new(Kept { cell, ats })))
}

fn same_host_ports(plan: &CellPlan) -> Vec<Port> {
    let here = plan.trials.iter().filter(|trial| matches!(trial.spec.place, Place::SameHost | Place::SameHostV6));
    here.map(Port::of).collect()
}

/// What trials that share a life of ATS want of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Wanted<'a> {
    /// Settings over the baseline.
    records: &'a [Record],
    /// Settings among them that ATS need not know.
    may_not_know: Vec<&'a str>,
    /// ATS can be told to read its configuration anew.
    reloads: bool,
    /// Its key for TLS clients is encrypted.
    locked_key: bool,
    /// Its OpenSSL has no configuration.
    bare_openssl: bool,
}

impl<'a> Wanted<'a> {
    /// What the trials of `batches`, whose settings are `records`, want.
    fn by(records: &'a [Record], batches: &'a [Vec<TrialPlan>]) -> Self {
        let specs = || batches.iter().flatten().map(|trial| &trial.spec);
        Self {
            records,
            may_not_know: specs().flat_map(|spec| &spec.may_not_know).map(String::as_str).collect(),
            reloads: specs().any(|spec| matches!(spec.client.act, Act::Reload { .. })),
            locked_key: specs().any(|spec| spec.locked_key),
            bare_openssl: specs().any(|spec| spec.bare_openssl),
        }
    }
}

/// Why ATS does not run.
#[derive(Clone)]
enum NoStart {
    /// The settings cannot be written for this ATS: ours.
    Settings(String),
    /// ATS itself did not come up.
    Ats(String),
    /// Nothing came up, and it is not known whether that was ATS.
    NotKnown(String),
    /// The cell's deadline came before.
    Late,
}

/// What to make of an ATS that did not come up.
fn no_start(installation: &Installation, error: &anyhow::Error) -> NoStart {
    let text = format!("{error:#}");
    if error.downcast_ref::<traffic_server::NothingOfAts>().is_none() || !installation.is_script() {
        return NoStart::Ats(text);
    }
    let binary = installation.binary.display();
    NoStart::NotKnown(format!(
        "{binary} is a script, and what it does ends here before any ATS has said a word: a cell lets nobody become \
         another user, and writes to no folder but its own. State the program that the script starts as `binary` of the \
         source in matrix.yaml. {text}"
    ))
}

impl Cell {
    /// The controls that need no ATS.
    async fn direct(&self) {
        for trial in self.plan.trials.iter().filter(|trial| trial.spec.route != Route::Ats) {
            let asked = self.timed(trial, Box::pin(self.ask(trial, Ports::of(0))));
            match tokio::time::timeout_at(self.until, asked).await {
                Ok(run) => {
                    self.emitter.emit(&Line::Client { trial: trial.id.clone(), run, ats: AtsLife::Alive });
                }
                Err(_) => self.late(&trial.id),
            }
        }
    }

    /// The trials through ATS; those that want to be alone come last.
    async fn through(&self, installation: &Installation) {
        let Lives { beside, together, alone } = Lives::of(&self.without_lacking(installation).await);
        let run = |groups, at_once| {
            stream::iter(groups)
                .for_each_concurrent(at_once, |(records, batch)| self.group(installation, records, batch))
        };
        let others = async {
            run(together, LIVES).await;
            run(alone, 1).await;
        };
        tokio::join!(run(beside, 1), others);
    }

    /// Tells that the cell's deadline came before `trial` was over.
    fn late(&self, trial: &str) {
        let seconds = self.plan.deadline_ms / 1000;
        let text = format!(
            "the cell's deadline of {seconds} s passed before this trial was over: give it longer \
             (`deadlines: {{ cell: ... }}` in matrix.yaml), or run fewer cells at once"
        );
        self.emitter.emit(&Line::Fault { trial: Some(trial.to_owned()), text });
    }

    /// Starts ATS in a root of its own, as it is `wanted`.
    async fn start(&self, installation: &Installation, wanted: &Wanted<'_>) -> Started {
        let number = self.lives.fetch_add(1, Ordering::Relaxed);
        let (root, ports) = (self.root.join(format!("ats-{number}")), Ports::of(number));
        let mut settings = settings::settings(&self.plan, ports, self.names.address().port(), wanted);
        settings.error_pages = Some(installation.error_pages(&root));
        let unwritten = |error: config::Unsupported| NoStart::Settings(error.to_string());
        let files = config::files(installation.dialect, &settings).map_err(unwritten)?;
        let written = config::names(installation.dialect, &settings).map_err(unwritten)?;
        let by = match &self.plan.swap {
            Some(_) if wanted.reloads => {
                return Err(NoStart::Settings("a reload cannot be run with parts swapped".into()));
            }
            Some(swap) => By::Swap(swap),
            None if wanted.reloads && installation.dialect < Dialect::V10 => By::Manager,
            None => By::Itself,
        };
        let files = (&files, wanted.bare_openssl);
        let started = Ats::start(installation, &root, files, ports, by, &self.emitter);
        let ats = match tokio::time::timeout_at(self.until, started).await {
            Ok(started) => started.map_err(|error| no_start(installation, &error))?,
            Err(_) => return Err(NoStart::Late),
        };
        let counts = |name: &String| written.contains(name) && !wanted.may_not_know.contains(&name.as_str());
        match ats.unknown_settings().into_iter().find(counts) {
            Some(name) => Err(NoStart::Settings(format!(
                "ATS {} does not know {name} and goes on without it: what is seen with it would mean nothing. Its \
                 dialect in src/ats/config has to learn that",
                installation.version
            ))),
            None => Ok((ats, root, ports)),
        }
    }

    /// Tells what runs here, once; while one life tells it, others go on.
    async fn tell_provenance(&self, installation: &Installation, pid: Option<u32>, bare: bool) {
        let Ok(mut told) = self.provenance_told.try_lock() else { return };
        if !*told {
            let provenance = provenance::gather(installation, pid, bare).await;
            self.emitter.emit(&Line::Provenance(Box::new(provenance)));
            *told = true;
        }
    }

    /// Tells what this ATS consists of, once its trials are over: what it loads late counts too. A life that
    /// has nothing more than those before it is not told.
    async fn tell_inventory(&self, installation: &Installation, pid: Option<u32>) {
        let Some((swap, pid)) = self.plan.swap.as_ref().zip(pid) else { return };
        let paths = inventory::paths(pid);
        let mut inventoried = self.inventoried.lock().await;
        if paths.is_subset(&inventoried) {
            return;
        }
        inventoried.extend(paths);
        let found = if swap.account { inventory::gather(installation, pid).await } else { inventory::mapped(pid) };
        self.emitter.emit(&Line::Inventory(Box::new(found)));
    }

    /// Tells when the client of a trial ran.
    async fn timed(&self, trial: &TrialPlan, asked: impl Future<Output = ClientRun>) -> ClientRun {
        let from_us = now_us();
        let run = asked.await;
        self.emitter.emit(&Line::Lasted { trial: trial.id.clone(), from_us, to_us: now_us() });
        run
    }

    /// Runs the client of a trial through `ats`.
    async fn through_ats(
        &self,
        trial: &TrialPlan,
        installation: &Installation,
        ats: &Control,
        ports: Ports,
    ) -> ClientRun {
        let (Act::Reload { at_once }, Speak::Http { body_len }) = (&trial.spec.client.act, &trial.spec.origin.speak)
        else {
            return self.ask(trial, ports).await;
        };
        self.emitter.emit(&Line::Began { trial: trial.id.clone() });
        let mut settings = settings::settings(&self.plan, ports, self.names.address().port(), &Wanted::default());
        settings.maps.push(settings::added(trial));
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.http));
        reload::run(&reload::Order {
            ats,
            installation,
            target: &Target::plain(at, front_name(&trial.id)),
            added: &Target::plain(at, added_name(&trial.id)),
            remap: config::remap(&settings),
            at_once: *at_once,
            body_len: *body_len,
            deadline: Duration::from_millis(trial.spec.deadline_ms),
        })
        .await
    }

    /// Runs a trial's client.
    async fn ask(&self, trial: &TrialPlan, ports: Ports) -> ClientRun {
        self.emitter.emit(&Line::Began { trial: trial.id.clone() });
        match self.here.missing(&trial.id) {
            Some(reason) => ask::missing(reason),
            None if trial.spec.timed => {
                let before = traffic_server::pulse(ports).await;
                let run = self.asker.ask(trial, ports).await;
                let after = traffic_server::pulse(ports).await;
                ClientRun { control_us: before.zip(after).map(|(before, after)| before.max(after)), ..run }
            }
            None => self.asker.ask(trial, ports).await,
        }
    }

    /// Tells the log lines, each with the trial whose host it names if they are to `count` as its evidence.
    fn tell_logs(&self, lines: Vec<(LogFile, String)>, count: bool) {
        let mut told: BTreeMap<&str, usize> = BTreeMap::new();
        for (file, text) in lines {
            if [traffic_server::READY_HOST, traffic_server::BARRIER_HOST]
                .iter()
                .any(|name| text.contains(&origin_name(name)))
            {
                continue;
            }
            let number = told.entry(file.name()).or_default();
            *number += 1;
            if *number > MAX_LOG_LINES {
                continue;
            }
            let of = self.plan.trials.iter().find(|trial| count && settings::names_trial(&text, &trial.id));
            let text = text.chars().take(2000).collect();
            self.emitter.emit(&Line::Log(LogLine { trial: of.map(|trial| trial.id.clone()), file, text }));
        }
    }
}

/// Tells what was captured of every trial.
fn tell_wire(plan: &CellPlan, emitter: &Emitter, capture: Capture, own: Option<IpAddr>) -> anyhow::Result<()> {
    let captured = capture.finish()?;
    for trial in &plan.trials {
        let pcapng = base64::engine::general_purpose::STANDARD.encode(captured.pcapng(trial.port, &trial.id));
        let mut flows = captured.flows(trial.port);
        flows.retain(|flow| opened_here(flow, own));
        emitter.emit(&Line::Wire { trial: trial.id.clone(), flows, pcapng, lost: captured.lost });
    }
    Ok(())
}

/// Whether a flow was opened in this container, whose address on its network is `own`: what others try at its
/// ports is no trial's.
fn opened_here(flow: &Flow, own: Option<IpAddr>) -> bool {
    let client = flow.client.parse::<SocketAddr>().map(|client| client.ip());
    client.is_ok_and(|client| client.is_loopback() || own.is_none_or(|own| client == own))
}

/// What the trials stand on outside of ATS.
fn peers(plan: &CellPlan, names: &NameServer) -> anyhow::Result<Vec<Peer>> {
    let parse = |text: &str| text.parse().with_context(|| format!("`{text}` is no address"));
    let mut peers = vec![Peer::Origin("origin", parse(&plan.origin_ip)?)];
    for (place, address) in &plan.beside {
        peers.push(Peer::Origin(place.program().unwrap_or("origin"), parse(address)?));
    }
    peers.push(Peer::Names(names.address()));
    Ok(peers)
}

#[cfg(test)]
mod tests;
