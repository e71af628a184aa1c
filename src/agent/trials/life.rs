//! Lives of ATS. The trials of one group run side by side in one life. If one of them ends it, by a crash or by
//! blocking it, each of them gets its own life.

use futures_util::stream::{self, StreamExt as _};

use super::{NoStart, TrialRunner, Wanted, own};
use crate::agent::traffic_server::{Installation, Ports, RunningAts};
use crate::model::{AtsLife, ClientRun, Line, Record, TrialPlan};

/// Trials that run at the same time in one life. Each has its own origin, port and host name, so their evidence can be
/// separated; most of their time they wait.
const PARALLEL_TRIALS: usize = 12;

/// The lowest status that reports an error (RFC 9110 section 15).
const FIRST_ERROR_STATUS: u16 = 400;

impl TrialRunner {
    /// Starts lives of ATS with the same settings until every trial of `batch` has run.
    pub(super) async fn run_group(&self, installation: &Installation, records: Vec<Record>, batch: Vec<TrialPlan>) {
        let mut left = vec![batch];
        while !left.is_empty() {
            left = self.run_life(installation, &records, left).await;
        }
    }

    /// Runs batches in one life of ATS until all are done or it dies. Returns the batches that need another life. When
    /// each trial of a batch has its own life, it is clear which of them ends ATS.
    async fn run_life(
        &self,
        installation: &Installation,
        records: &[Record],
        batches: Vec<Vec<TrialPlan>>,
    ) -> Vec<Vec<TrialPlan>> {
        let wanted = Wanted::of(records, &batches);
        let start = self.report_own(installation, &batches);
        let (mut running, root, ports) = match self.start_unless_down(installation, &wanted).await {
            Ok(started) => started,
            Err(why) => {
                batches.iter().flatten().for_each(|trial| self.report_not_run(&why, trial));
                return Vec::new();
            }
        };
        // The kernel shows nobody else what a process of another user has mapped; other lives tell.
        let telling = (!self.becomes_user(installation, &wanted)).then_some(wanted.bare_openssl);
        let mut batches = batches.into_iter();
        let (mut flush, mut again) = (false, Vec::new());
        for batch in batches.by_ref() {
            // The package manager is slow, so the trials do not wait for it.
            let provenance = self.report_provenance(installation, running.control().server_pid(), telling);
            let ((), runs) = tokio::join!(provenance, self.run_batch(installation, &mut running, &batch, ports));
            if runs.iter().flatten().flat_map(|run| &run.exchanges).any(|seen| seen.error.is_some()) {
                running.wait_for_fate().await;
            }
            let ats = running.life();
            let died = ats != AtsLife::Alive;
            flush |= died || runs.iter().flatten().any(may_have_logged);
            if died && batch.len() > 1 {
                again.extend(batch.into_iter().map(|trial| vec![trial]));
            } else {
                for (trial, run) in batch.into_iter().zip(runs) {
                    match run {
                        Some(run) => self.emitter.emit(&Line::Client { trial: trial.id, run, ats: ats.clone() }),
                        None => self.report_late(&trial.id),
                    }
                }
            }
            if died {
                break;
            }
        }
        if flush {
            running.flush_error_log().await;
        }
        self.report_inventory(installation, running.control().server_pid()).await;
        if let Some(trial) = &start {
            self.report_running(installation, trial, running.control().server_pid());
            self.report_complaints(trial, &running.output());
        }
        let logs = running.stop().await;
        self.report_logs(logs, again.is_empty());
        let _ = std::fs::remove_dir_all(&root);
        again.extend(batches);
        again
    }

    /// Runs all trials of `batch`, and checks ATS beside them: if it stops answering it is killed, so that the trials
    /// end too. A trial that is not over at the deadline of the cell has no run.
    async fn run_batch(
        &self,
        installation: &Installation,
        running: &mut RunningAts,
        batch: &[TrialPlan],
        ports: Ports,
    ) -> Vec<Option<ClientRun>> {
        let control = running.control().clone();
        let mut runs = vec![None; batch.len()];
        let trials = async {
            let run_one = async |(at, trial): (usize, &TrialPlan)| {
                let run = Box::pin(self.through_ats(trial, installation, &control, ports));
                (at, self.timed(trial, run).await)
            };
            let pending = batch.iter().enumerate().map(run_one);
            let mut pending = stream::iter(pending).buffer_unordered(PARALLEL_TRIALS);
            while let Some((at, run)) = pending.next().await {
                runs[at] = Some(run);
            }
        };
        let watched = async {
            tokio::pin!(trials);
            tokio::select! {
                () = &mut trials => return,
                () = running.unresponsive() => {}
            }
            running.kill_hung().await;
            trials.await;
        };
        // The trials without a run are the late ones.
        let _ = tokio::time::timeout_at(self.until, watched).await;
        runs
    }

    fn report_not_run(&self, why: &NoStart, trial: &TrialPlan) {
        let id = trial.id.clone();
        match why {
            NoStart::Settings(text) | NoStart::Unclear(text) => {
                self.emitter.emit(&Line::Fault { trial: Some(id), text: text.clone() });
            }
            NoStart::Ats(_) if self.is_told_elsewhere(trial) => {
                self.emitter.emit(&Line::Fault { trial: Some(id), text: own::NOT_STARTED.to_owned() });
            }
            NoStart::Ats(why) => {
                let ats = AtsLife::NeverReady(why.clone());
                self.emitter.emit(&Line::Client { trial: id, run: ClientRun::default(), ats });
            }
            NoStart::Late => self.report_late(&id),
        }
    }
}

/// Whether this run may have caused a line in `error.log`.
fn may_have_logged(run: &ClientRun) -> bool {
    run.exchanges.iter().any(|seen| seen.error.is_some() || seen.status.is_none_or(|code| code >= FIRST_ERROR_STATUS))
}
