//! What the cells of a run share. It is set up for the first cell that runs: a run without one makes nothing.

use std::collections::BTreeMap;

use super::{Run, Stage};
use crate::engine::patience::MAX_OUTAGES;
use crate::model::Place;
use crate::run::cell::OriginImage;

/// Resources shared by the cells of this run.
pub(super) struct Shared {
    pub(super) stage: Stage,
    /// Origins with a container of their own that this run has.
    pub(super) origins: BTreeMap<Place, OriginImage>,
}

impl Run<'_> {
    /// The shared resources; `None` if the run was stopped, or ends because the engine cannot set them up. The images of
    /// the origins must be known.
    pub(super) async fn shared(&self) -> Option<&Shared> {
        let set_up = async || match self.try_set_up().await {
            Ok(shared) => shared,
            Err(error) => {
                let _ = self.engine_failure.set(error);
                self.halt.cancel();
                None
            }
        };
        self.shared.get_or_init(set_up).await.as_ref()
    }

    /// Sets up the shared resources, and retries if the engine was away; `None` if the run was stopped first.
    async fn try_set_up(&self) -> anyhow::Result<Option<Shared>> {
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.set_up().await {
                Ok(shared) => return Ok(shared),
                Err(error) => error,
            };
            if tries > MAX_OUTAGES || !self.site.recovers_from(&error).await {
                return Err(error);
            }
        }
    }

    /// Creates the network and the images of the origins.
    async fn set_up(&self) -> anyhow::Result<Option<Shared>> {
        let Some(stage) = Stage::new(self.site, &self.request.recipes, self.request.keep).await? else {
            return Ok(None);
        };
        let origins = async {
            let mut origins = BTreeMap::new();
            for (place, tag) in &self.request.plan.beside {
                let made = self.images.state(tag).await.map(|state| (tag.clone(), state));
                origins.extend(stage.origin(self.site, &made.into_iter().collect(), tag).await?.map(|it| (*place, it)));
            }
            anyhow::Ok(origins)
        };
        let origins = self.site.stop.run_until_cancelled(origins).await.transpose()?;
        Ok(origins.map(|origins| Shared { stage, origins }))
    }
}
