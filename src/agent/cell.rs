//! One cell from the inside: start ATS once per group of settings, run each trial, tell what was
//! seen.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use rustls::ClientConfig;

use super::ats::{self, Ats, Installation};
use super::capture::Capture;
use super::client::{self, Target};
use super::dns::NameServer;
use super::emit::Emitter;
use super::origin::Origin;
use super::{curl, provenance, tls};
use crate::ats::config::{self, FileRef, Map, Settings};
use crate::model::{AtsLife, CellPlan, ClientRun, Line, LogFile, LogLine, Place, Port, Record, Route, TrialPlan};

/// The only writable place of the container.
const ROOT: &str = "/run/atsmatrix";

/// The CA's file in it.
const CA: &str = "ca.pem";

/// Log lines told per log and ATS life; ATS can be made to log without end.
const MAX_LOG_LINES: usize = 500;

/// A port on which nothing listens: the target of the rules that lead nowhere.
const NOWHERE: u16 = 1;

/// What every trial of the cell needs.
struct Cell {
    plan: CellPlan,
    emitter: Emitter,
    tls: Arc<ClientConfig>,
    names: NameServer,
    ca: PathBuf,
    provenance_told: bool,
    lives: u32,
}

/// What goes on running after the trials, for a look by hand.
#[expect(dead_code, reason = "held, not read: dropping it would end what is kept")]
pub(super) struct Kept {
    cell: Cell,
    ats: Option<Ats>,
    here: Origin,
}

/// Runs the whole plan. With its `keep` everything is left running, with the baseline's settings.
pub(super) async fn run(plan: CellPlan, emitter: Emitter) -> anyhow::Result<Option<Box<Kept>>> {
    let ports: BTreeSet<u16> = plan.trials.iter().map(|trial| trial.port).collect();
    let capture = Capture::start(&ports).context("cannot capture packets: the container needs NET_RAW")?;
    let here = Origin::start(&same_host_ports(&plan), &plan.identity, &emitter).await?;
    let names = NameServer::start(addresses(&plan)?).await?;
    let tls = tls::client(&plan.identity)?;
    let ca = Path::new(ROOT).join(CA);
    std::fs::write(&ca, &plan.identity.ca_pem).with_context(|| format!("cannot write {}", ca.display()))?;

    let mut cell = Cell { plan, emitter, tls, names, ca, provenance_told: false, lives: 0 };
    let found = Installation::find(cell.plan.binary.as_deref()).await;
    cell.direct().await;
    match &found {
        Ok(installation) => cell.through(installation).await,
        Err(error) => cell.emitter.emit(&Line::Fault { trial: None, text: format!("{error:#}") }),
    }
    if !cell.provenance_told {
        cell.emitter.emit(&Line::Provenance(Box::new(provenance::base())));
    }
    if !cell.plan.keep {
        here.finish().await;
        cell.tell_wire(capture)?;
        return Ok(None);
    }
    cell.tell_wire(capture)?;
    let ats = match &found {
        Ok(installation) => cell.start(installation, &[]).await.ok().map(|(ats, _)| ats),
        Err(_) => None,
    };
    Ok(Some(Box::new(Kept { cell, ats, here })))
}

fn same_host_ports(plan: &CellPlan) -> Vec<Port> {
    let here = plan.trials.iter().filter(|trial| trial.spec.place == Place::SameHost);
    here.map(|trial| Port { trial: trial.id.clone(), port: trial.port, origin: trial.spec.origin.clone() }).collect()
}

/// The host name of a trial's origin.
fn origin_name(trial: &str) -> String {
    format!("{trial}.test")
}

fn place_address(plan: &CellPlan, place: Place) -> anyhow::Result<IpAddr> {
    match place {
        Place::Remote => plan.origin_ip.parse().with_context(|| format!("`{}` is no address", plan.origin_ip)),
        Place::SameHost => Ok(Ipv4Addr::LOCALHOST.into()),
    }
}

/// Every name ATS may ask for.
fn addresses(plan: &CellPlan) -> anyhow::Result<BTreeMap<String, IpAddr>> {
    let mut names = BTreeMap::new();
    for nowhere in [ats::READY_HOST, ats::BARRIER_HOST] {
        names.insert(origin_name(nowhere), Ipv4Addr::LOCALHOST.into());
    }
    for trial in &plan.trials {
        names.insert(origin_name(&trial.id), place_address(plan, trial.spec.place)?);
    }
    Ok(names)
}

/// Why ATS does not run.
enum NoStart {
    /// The settings cannot be written for this ATS: ours.
    Settings(String),
    /// ATS itself did not come up.
    Ats(String),
}

impl NoStart {
    /// What is told of a trial that could not be run for this reason.
    fn line(&self, trial: &str) -> Line {
        let trial = trial.to_owned();
        match self {
            Self::Settings(text) => Line::Fault { trial: Some(trial), text: text.clone() },
            Self::Ats(why) => Line::Client { trial, run: ClientRun::default(), ats: AtsLife::NeverReady(why.clone()) },
        }
    }
}

impl Cell {
    /// The controls that need no ATS.
    async fn direct(&self) {
        for trial in self.plan.trials.iter().filter(|trial| trial.spec.route != Route::Ats) {
            self.emitter.emit(&Line::Began { trial: trial.id.clone() });
            let run = self.ask(trial).await;
            self.emitter.emit(&Line::Client { trial: trial.id.clone(), run, ats: AtsLife::Alive });
        }
    }

    /// The trials through ATS, grouped by the settings they need.
    async fn through(&mut self, installation: &Installation) {
        let mut groups: Vec<(Vec<Record>, Vec<TrialPlan>)> = Vec::new();
        for trial in self.plan.trials.iter().filter(|trial| trial.spec.route == Route::Ats) {
            match groups.iter_mut().find(|(records, _)| *records == trial.spec.records) {
                Some((_, trials)) => trials.push(trial.clone()),
                None => groups.push((trial.spec.records.clone(), vec![trial.clone()])),
            }
        }
        for (records, trials) in groups {
            let mut left = trials.as_slice();
            while !left.is_empty() {
                left = self.life(installation, &records, left).await;
            }
        }
    }

    /// One life of ATS: runs trials until all are done or it dies; returns those not begun.
    async fn life<'a>(
        &mut self,
        installation: &Installation,
        records: &[Record],
        trials: &'a [TrialPlan],
    ) -> &'a [TrialPlan] {
        let (mut running, root) = match self.start(installation, records).await {
            Ok(started) => started,
            Err(why) => {
                for trial in trials {
                    self.emitter.emit(&why.line(&trial.id));
                }
                return &[];
            }
        };
        if !self.provenance_told {
            let provenance = provenance::gather(installation, running.pid()).await;
            self.emitter.emit(&Line::Provenance(Box::new(provenance)));
            self.provenance_told = true;
        }
        let mut left = trials;
        let mut trouble = false;
        while let Some((trial, rest)) = left.split_first() {
            left = rest;
            self.emitter.emit(&Line::Began { trial: trial.id.clone() });
            let run = self.ask(trial).await;
            let ats = running.life();
            let died = ats != AtsLife::Alive;
            trouble |= died || run.exchanges.iter().any(|seen| seen.status.is_none_or(|code| code >= 400));
            self.emitter.emit(&Line::Client { trial: trial.id.clone(), run, ats });
            if died {
                break;
            }
        }
        if trouble {
            running.flush_error_log().await;
        }
        let logs = running.stop().await;
        self.tell_logs(logs);
        let _ = std::fs::remove_dir_all(&root);
        left
    }

    /// Starts ATS in a root of its own, with `records` over the baseline.
    async fn start(&mut self, installation: &Installation, records: &[Record]) -> Result<(Ats, PathBuf), NoStart> {
        self.lives += 1;
        let root = Path::new(ROOT).join(format!("ats-{}", self.lives));
        let files = config::files(installation.dialect, &self.settings(records))
            .map_err(|error| NoStart::Settings(error.to_string()))?;
        let ats = Ats::start(installation, &root, &files).await.map_err(|error| NoStart::Ats(format!("{error:#}")))?;
        Ok((ats, root))
    }

    /// Tells what was captured of every trial.
    fn tell_wire(&self, capture: Capture) -> anyhow::Result<()> {
        let captured = capture.finish()?;
        for trial in &self.plan.trials {
            let pcapng = base64::engine::general_purpose::STANDARD.encode(captured.pcapng(trial.port, &trial.id));
            let flows = captured.flows(trial.port);
            self.emitter.emit(&Line::Wire { trial: trial.id.clone(), flows, pcapng });
        }
        Ok(())
    }

    fn settings(&self, records: &[Record]) -> Settings {
        let map = |name: &str, scheme: &str, port: u16| Map {
            from: format!("http://{name}.t/"),
            to: format!("{scheme}://{}:{port}/", origin_name(name)),
        };
        let nowhere = [ats::READY_HOST, ats::BARRIER_HOST].map(|name| map(name, "http", NOWHERE));
        let trials = self.plan.trials.iter().map(|trial| {
            let scheme = if trial.spec.origin.tls.is_some() { "https" } else { "http" };
            map(&trial.id, scheme, trial.port)
        });
        Settings {
            http_port: ats::PORT,
            dns_port: self.names.address().port(),
            ca: Some(FileRef { directory: ROOT.to_owned(), name: CA.to_owned() }),
            maps: nowhere.into_iter().chain(trials).collect(),
            records: records.to_vec(),
            ..Settings::default()
        }
    }

    /// Runs a trial's client.
    async fn ask(&self, trial: &TrialPlan) -> ClientRun {
        let deadline = Duration::from_millis(trial.spec.deadline_ms);
        let ip = place_address(&self.plan, trial.spec.place).unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        let direct = SocketAddr::from((ip, trial.port));
        let requests = &trial.spec.client.requests;
        match trial.spec.route {
            Route::Ats => {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ats::PORT));
                client::run(&Target { address, host: format!("{}.t", trial.id), tls: None }, requests, deadline).await
            }
            Route::DirectAgent => {
                let tls = trial.spec.origin.tls.is_some().then(|| Arc::clone(&self.tls));
                client::run(&Target { address: direct, host: origin_name(&trial.id), tls }, requests, deadline).await
            }
            Route::DirectCurl => curl::run(&origin_name(&trial.id), direct, &self.ca, Path::new(ROOT), deadline).await,
        }
    }

    /// Tells the log lines, each with the trial whose host it names.
    fn tell_logs(&self, lines: Vec<(LogFile, String)>) {
        let mut told: BTreeMap<&str, usize> = BTreeMap::new();
        for (file, text) in lines {
            if [ats::READY_HOST, ats::BARRIER_HOST].iter().any(|name| text.contains(&origin_name(name))) {
                continue;
            }
            let count = told.entry(file.name()).or_default();
            *count += 1;
            if *count > MAX_LOG_LINES {
                continue;
            }
            let of = self.plan.trials.iter().find(|trial| names_host(&text, &origin_name(&trial.id)));
            let text = text.chars().take(2000).collect();
            self.emitter.emit(&Line::Log(LogLine { trial: of.map(|trial| trial.id.clone()), file, text }));
        }
    }
}

/// Whether `text` names `host`, and not just a longer name that ends in it.
fn names_host(text: &str, host: &str) -> bool {
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    text.match_indices(host).any(|(at, _)| !text[..at].chars().next_back().is_some_and(part_of_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_belongs_to_the_host_it_names() {
        let line = "connection_result=Invalid argument [22] url='https://tls-get.test:20003/'";
        assert!(names_host(line, "tls-get.test"));
        assert!(!names_host(line, "get.test"));
    }
}
