//! Lives of ATS: the trials of one group are asked side by side in one, and each in a life of its own once one of
//! them has ended it, by a crash or by taking all its attention.

use futures_util::stream::{self, StreamExt as _};

use super::super::traffic_server::{Ats, Installation, Ports};
use super::{Cell, NoStart, Wanted};
use crate::model::{AtsLife, ClientRun, Line, Record, TrialPlan};

/// Trials that run at the same time. Each has its own origin, port and host name, so they tell apart;
/// what they wait for is mostly time.
const AT_ONCE: usize = 12;

impl Cell {
    /// Lives of ATS with the same settings, until every trial of `batch` has had its turn.
    pub(super) async fn group(&self, installation: &Installation, records: Vec<Record>, batch: Vec<TrialPlan>) {
        let mut left = vec![batch];
        while !left.is_empty() {
            left = self.life(installation, &records, left).await;
        }
    }

    /// One life of ATS: runs batches until all are done or it dies; returns those to be run in another
    /// life. Whose trial it was that ended it shows when each of its batch has a life of its own.
    async fn life(
        &self,
        installation: &Installation,
        records: &[Record],
        batches: Vec<Vec<TrialPlan>>,
    ) -> Vec<Vec<TrialPlan>> {
        let wanted = Wanted::by(records, &batches);
        let (mut running, root, ports) = match self.start_if_it_comes_up(installation, &wanted).await {
            Ok(started) => started,
            Err(why) => {
                batches.iter().flatten().for_each(|trial| self.not_run(&why, trial));
                return Vec::new();
            }
        };
        let bare = wanted.bare_openssl;
        let mut batches = batches.into_iter();
        let (mut trouble, mut again) = (false, Vec::new());
        for batch in batches.by_ref() {
            // The package manager takes its time to say whose the libraries are.
            let provenance = self.tell_provenance(installation, running.control().server_pid(), bare);
            let ((), runs) = tokio::join!(provenance, self.batch(installation, &mut running, &batch, ports));
            if runs.iter().flatten().flat_map(|run| &run.exchanges).any(|seen| seen.error.is_some()) {
                running.settle().await;
            }
            let ats = running.life();
            let died = ats != AtsLife::Alive;
            trouble |= died || runs.iter().flatten().any(in_trouble);
            if died && batch.len() > 1 {
                again.extend(batch.into_iter().map(|trial| vec![trial]));
            } else {
                for (trial, run) in batch.into_iter().zip(runs) {
                    match run {
                        Some(run) => self.emitter.emit(&Line::Client { trial: trial.id, run, ats: ats.clone() }),
                        None => self.late(&trial.id),
                    }
                }
            }
            if died {
                break;
            }
        }
        if trouble {
            running.flush_error_log().await;
        }
        self.tell_inventory(installation, running.control().server_pid()).await;
        let logs = running.stop().await;
        self.tell_logs(logs, again.is_empty());
        let _ = std::fs::remove_dir_all(&root);
        again.extend(batches);
        again
    }

    /// Asks all of `batch`, and ATS itself beside them: one that answers nobody any more is ended, so that its
    /// trials end too. What is not over at the cell's deadline has no run.
    async fn batch(
        &self,
        installation: &Installation,
        running: &mut Ats,
        batch: &[TrialPlan],
        ports: Ports,
    ) -> Vec<Option<ClientRun>> {
        let control = running.control().clone();
        let mut runs = vec![None; batch.len()];
        let asked = async {
            let ask = async |(at, trial): (usize, &TrialPlan)| {
                let asked = Box::pin(self.through_ats(trial, installation, &control, ports));
                (at, self.timed(trial, asked).await)
            };
            let asking = batch.iter().enumerate().map(ask);
            let mut asking = stream::iter(asking).buffer_unordered(AT_ONCE);
            while let Some((at, run)) = asking.next().await {
                runs[at] = Some(run);
            }
        };
        let watched = async {
            tokio::pin!(asked);
            tokio::select! {
                () = &mut asked => return,
                () = running.unresponsive() => {}
            }
            running.end_hung().await;
            asked.await;
        };
        // Late trials are those without a run.
        let _ = tokio::time::timeout_at(self.until, watched).await;
        runs
    }

    fn not_run(&self, why: &NoStart, trial: &TrialPlan) {
        let id = trial.id.clone();
        match why {
            NoStart::Settings(text) | NoStart::NotKnown(text) => {
                self.emitter.emit(&Line::Fault { trial: Some(id), text: text.clone() });
            }
            NoStart::Ats(why) => {
                let ats = AtsLife::NeverReady(why.clone());
                self.emitter.emit(&Line::Client { trial: id, run: ClientRun::default(), ats });
            }
            NoStart::Late => self.late(&id),
        }
    }
}

/// Whether something may stand in `error.log` of this run.
fn in_trouble(run: &ClientRun) -> bool {
    run.exchanges.iter().any(|seen| seen.error.is_some() || seen.status.is_none_or(|code| code >= 400))
}
