//! Whether ATS starts at all. If it does not start with the baseline settings, no trial can find out anything, and one
//! failed start answers for all.

use std::path::PathBuf;

use super::{NoStart, TrialRunner, Wanted};
use crate::agent::traffic_server::{Installation, Ports, RunningAts};

/// A life of ATS, its directory and its ports.
pub(super) type Started = Result<(RunningAts, PathBuf, Ports), NoStart>;

impl TrialRunner {
    /// Like [`TrialRunner::start`], but fails at once when ATS is known not to start with the baseline. After a failed
    /// start with other settings, the baseline is started to find out whether these settings are the cause.
    pub(super) async fn start_unless_down(&self, installation: &Installation, wanted: &Wanted<'_>) -> Started {
        if let Some(Some(why)) = self.down.get() {
            return Err(why.clone());
        }
        if *wanted == Wanted::default() {
            let mut first = None;
            let down = self.down.get_or_init(|| async {
                let started = self.start(installation, &Wanted::default()).await;
                let why = failure(&started);
                first = Some(started);
                why
            });
            let down = self.note_baseline(down.await.as_ref());
            return match (first, down) {
                (Some(started), _) => started,
                (None, Some(why)) => Err(why),
                (None, None) => self.start(installation, &Wanted::default()).await,
            };
        }
        // The manager of ATS restarts it again and again, and gives up only after its own timeout.
        let started = tokio::select! {
            started = self.start(installation, wanted) => started,
            () = self.is_down.cancelled() => Err(NoStart::Ats("ATS does not start".to_owned())),
        };
        if failure(&started).is_none() {
            return started;
        }
        let down = self.down.get_or_init(|| async {
            let started = self.start(installation, &Wanted::default()).await;
            let why = failure(&started);
            if let Ok((ats, root, _)) = started {
                ats.stop().await;
                let _ = std::fs::remove_dir_all(root);
            }
            why
        });
        self.note_baseline(down.await.as_ref()).map_or(started, Err)
    }

    /// Cancels pending starts if the baseline is `down`.
    fn note_baseline(&self, down: Option<&NoStart>) -> Option<NoStart> {
        if down.is_some() {
            self.is_down.cancel();
        }
        down.cloned()
    }
}

/// The failure, if neither the settings nor the deadline caused it.
fn failure(started: &Started) -> Option<NoStart> {
    match started {
        Err(why @ (NoStart::Ats(_) | NoStart::Unclear(_))) => Some(why.clone()),
        Err(NoStart::Settings(_) | NoStart::Late) | Ok(_) => None,
    }
}
