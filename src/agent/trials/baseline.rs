//! Whether ATS comes up at all. Where it does not with the settings of the baseline, no trial has anything to find
//! out: one start says so for all.

use std::path::PathBuf;

use super::super::traffic_server::{Ats, Installation, Ports};
use super::{Cell, NoStart, Wanted};

/// A life of ATS, its folder and its ports.
pub(super) type Started = Result<(Ats, PathBuf, Ports), NoStart>;

impl Cell {
    /// As [`Cell::start`], unless the baseline is known not to come up. Where a start fails with settings of its own,
    /// the baseline tells whether these are why.
    pub(super) async fn start_if_it_comes_up(&self, installation: &Installation, wanted: &Wanted<'_>) -> Started {
        if let Some(Some(why)) = self.down.get() {
            return Err(why.clone());
        }
        if *wanted == Wanted::default() {
            let mut first = None;
            let down = self.down.get_or_init(|| async {
                let started = self.start(installation, &Wanted::default()).await;
                let why = why_not(&started);
                first = Some(started);
                why
            });
            let down = self.known(down.await.as_ref());
            return match (first, down) {
                (Some(started), _) => started,
                (None, Some(why)) => Err(why),
                (None, None) => self.start(installation, &Wanted::default()).await,
            };
        }
        // ATS's manager starts it again and again, and has the last word only after its patience.
        let started = tokio::select! {
            started = self.start(installation, wanted) => started,
            () = self.is_down.cancelled() => Err(NoStart::Ats("ATS does not come up".to_owned())),
        };
        if why_not(&started).is_none() {
            return started;
        }
        let down = self.down.get_or_init(|| async {
            let started = self.start(installation, &Wanted::default()).await;
            let why = why_not(&started);
            if let Ok((ats, root, _)) = started {
                ats.stop().await;
                let _ = std::fs::remove_dir_all(root);
            }
            why
        });
        self.known(down.await.as_ref()).map_or(started, Err)
    }

    /// What is known of the baseline, told to those who still wait for a start.
    fn known(&self, down: Option<&NoStart>) -> Option<NoStart> {
        if down.is_some() {
            self.is_down.cancel();
        }
        down.cloned()
    }
}

/// Why nothing came up, where that is not for want of settings or of time.
fn why_not(started: &Started) -> Option<NoStart> {
    match started {
        Err(why @ (NoStart::Ats(_) | NoStart::NotKnown(_))) => Some(why.clone()),
        _ => None,
    }
}
