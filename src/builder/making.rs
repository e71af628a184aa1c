//! Images in the making: each is known as soon as it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt as _, Shared, join_all};
use tokio_util::sync::CancellationToken;

use super::{ImageBuilder, ImageState, Turns, bootstrap};
use crate::config::plan::BuildStep;

pub(super) type Pending = Shared<BoxFuture<'static, ImageState>>;

/// Images in the making.
pub struct Making {
    builder: Arc<ImageBuilder>,
    images: BTreeMap<String, Pending>,
}

impl Making {
    /// Makes `steps`, those that come first first, and each after its parents, which come before it. They go on only
    /// while [`Making::finish`] or the states of all of them are waited for.
    pub fn new(builder: Arc<ImageBuilder>, steps: &[BuildStep], halt: &CancellationToken) -> Self {
        let mut images: BTreeMap<String, Pending> = BTreeMap::new();
        for (rank, step) in steps.iter().enumerate() {
            let parents: Vec<Pending> = step.parents.iter().filter_map(|tag| images.get(tag).cloned()).collect();
            if let Some(tools) = builder.tools_for(step) {
                builder.turns.may_need(&tools.tag, rank);
            }
            let ticket = builder.turns.expect_image(&step.tag, step.work.compiles(), rank, &step.parents);
            let (builder, made, halt) = (Arc::clone(&builder), step.clone(), halt.clone());
            let future = async move {
                let state = builder.after_parents(&made, parents, &halt).await;
                drop(ticket);
                state
            };
            images.insert(step.tag.clone(), future.boxed().shared());
        }
        Self { builder, images }
    }

    /// The state of the image `tag`, as soon as it is known; `None` if it is not among these.
    pub async fn state(&self, tag: &str) -> Option<ImageState> {
        match self.images.get(tag) {
            Some(image) => Some(image.clone().await),
            None => None,
        }
    }

    /// Waits for all images, and for what stopped bootstraps clean up; returns the state of each by tag.
    pub async fn finish(&self) -> BTreeMap<String, ImageState> {
        let made = join_all(self.images.values().cloned()).await;
        // Stopped bootstraps clean up, for a bounded time.
        self.builder.bootstraps.close();
        let _ = tokio::time::timeout(bootstrap::host::GRACE * 2, self.builder.bootstraps.wait()).await;
        self.images.keys().cloned().zip(made).collect()
    }

    /// Who may run now: cells take turns with what makes these images.
    pub fn turns(&self) -> &Arc<Turns> {
        &self.builder.turns
    }

    /// The failure with this program's own files, if there was one. No image was begun after it.
    pub fn fault(&self) -> Option<String> {
        self.builder.fault()
    }
}
