//! The parent in a cell with two ATS: one life with the settings of the baseline, which asks the origins for the child.
//!
//! It starts when the child's first heartbeat tells whose requests it may answer, and answers heartbeats when it is up: no
//! request of the child comes too early.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::wire::report_wire;
use super::{KeptCell, NoStart, ROOT, TrialRunner, Wanted, peers, settings};
use crate::agent::capture::Capture;
use crate::agent::dns::NameServer;
use crate::agent::emit::Emitter;
use crate::agent::heartbeat::{self, OriginGuard};
use crate::agent::origin::Origin;
use crate::agent::traffic_server::{Installation, RunningAts};
use crate::model::{AtsLife, CellPlan, Line, Tier};

/// Serves the child until stdin closes, then reports what was seen.
pub(in crate::agent) async fn serve(
    mut plan: CellPlan,
    emitter: Emitter,
    mut stdin_closed: oneshot::Receiver<()>,
) -> anyhow::Result<Option<Box<KeptCell>>> {
    let Some(Tier::Parent { token, child }) = &mut plan.tier else { bail!("the plan is not that of a parent") };
    let until = Instant::now() + Duration::from_millis(plan.deadline_ms);
    let ports: BTreeSet<u16> = plan.trials.iter().map(|trial| trial.port).collect();
    let capture = Capture::start(&ports).context("cannot capture packets: the container needs NET_RAW")?;
    let guard = OriginGuard::silent(token, &emitter);
    let _echo = heartbeat::echo(guard.clone()).await?;
    emitter.emit(&Line::Listening);
    let address = tokio::select! {
        address = guard.first_sender() => address,
        _ = &mut stdin_closed => bail!("stdin closed: the run that started this parent is gone"),
    };
    *child = Some(address.to_string());

    let names = NameServer::start(settings::addresses(&plan)?).await?;
    let heartbeats = heartbeat::start(peers(&plan, &names)?, &plan.token, &emitter).await?;
    settings::write_certificates(&plan.identity)?;
    let nobody = OriginGuard::new(&[], &emitter);
    let here = Origin::start(&[], &plan.identity, Path::new(ROOT), &emitter, &nobody).await;
    let runner = TrialRunner::new(plan, emitter, names, here, until)?;
    let found = Installation::find(runner.plan.binary.as_deref(), &runner.plan.command).await;
    let mut ats = match &found {
        Ok(installation) => runner.start_parent(installation).await,
        Err(error) => {
            runner.report_unfound(error);
            None
        }
    };
    guard.speak();
    if let Some(ats) = &mut ats {
        runner.attend(ats, &found, &mut stdin_closed).await;
    } else {
        let _ = stdin_closed.await;
    }
    runner.report_base(found.as_ref().ok()).await;
    let own = heartbeats.own;
    drop(heartbeats);
    if let Some(ats) = ats {
        // Its end also ends its connections, which origins then report.
        ats.flush_error_log().await;
        runner.report_logs(ats.stop().await, true);
    }
    report_wire(&runner.plan, &runner.emitter, capture, own)?;
    if !runner.plan.keep {
        return Ok(None);
    }
    // On the ports that the child knows.
    runner.lives.store(0, Ordering::Relaxed);
    let ats = match &found {
        Ok(installation) => runner.start(installation, &Wanted::default()).await.ok().map(|(ats, ..)| ats),
        Err(_) => None,
    };
    Ok(Some(Box::new(KeptCell { runner, ats })))
}

impl TrialRunner {
    /// Starts the parent's ATS. If it does not start, reports why.
    async fn start_parent(&self, installation: &Installation) -> Option<RunningAts> {
        let why = match self.start(installation, &Wanted::default()).await {
            Ok((ats, ..)) => return Some(ats),
            Err(why) => why,
        };
        self.emitter.emit(&match why {
            NoStart::Ats(why) => Line::Parent(AtsLife::NeverReady(why)),
            NoStart::Settings(text) | NoStart::Unclear(text) => Line::Fault { trial: None, text },
            NoStart::Late => {
                let text = "the cell's deadline passed before the parent's ATS was up";
                Line::Fault { trial: None, text: text.to_owned() }
            }
        });
        None
    }

    /// Reports what `ats` is, and how it is when stdin closes. An ATS that no longer answers is ended, so that the trials
    /// through it end too.
    async fn attend(
        &self,
        ats: &mut RunningAts,
        found: &anyhow::Result<Installation>,
        stdin_closed: &mut oneshot::Receiver<()>,
    ) {
        if let Ok(installation) = found {
            self.report_provenance(installation, ats.control().server_pid(), Some(false)).await;
        }
        let closed = &mut *stdin_closed;
        let is_over = tokio::select! {
            _ = closed => true,
            () = ats.unresponsive() => false,
        };
        if !is_over {
            ats.kill_hung().await;
            let _ = stdin_closed.await;
        }
        self.emitter.emit(&Line::Parent(ats.life()));
    }
}
