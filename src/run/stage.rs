//! What the cells of a run share, the network and the images of origins, and what one cell needs of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Site;
use crate::builder::{AgentImages, ImageState};
use crate::catalogue::trials::Trial;
use crate::config::plan::{PlannedCell, Recipes};
use crate::engine::labels::{self, ResourceKind};
use crate::engine::{NetworkSpec, with_timeout};
use crate::model::{Place, Record as Setting, Swap};
use crate::run::cell::{Beside, Job, Limits};

/// What all cells share.
pub struct Stage {
    agent: AgentImages,
    origin_image: String,
    network: String,
}

/// How a cell is run.
#[derive(Default)]
pub struct Variant {
    /// Tells its containers from those of other cells and variants: the last part of their names.
    pub name: String,
    /// Which trials.
    pub trials: Vec<&'static Trial>,
    /// The origins that are containers of their own.
    pub beside: BTreeMap<Place, Beside>,
    /// Settings laid over those of the trials.
    pub over: Vec<Setting>,
    /// Leave the containers.
    pub keep: bool,
    /// What the ATS process takes from another image.
    pub swap: Option<Swap>,
    /// Kernel settings of the cell's container.
    pub sysctls: BTreeMap<String, String>,
}

impl Stage {
    /// Makes the image of the origin that every cell has, and the network; `None` when the run was stopped first.
    /// With `keep` the network is not swept as a left-over.
    ///
    /// # Errors
    /// When the engine cannot make them.
    pub async fn new(site: &Site<'_>, recipes: &Recipes, keep: bool) -> anyhow::Result<Option<Self>> {
        let agent = AgentImages::new(Arc::clone(&site.engine), recipes)?;
        let Some(origin_image) = site.stop.run_until_cancelled(agent.on("scratch")).await.transpose()? else {
            return Ok(None);
        };
        let mut marks = site.owner.labels(ResourceKind::Network);
        if keep {
            marks.insert(labels::KEEP.to_owned(), "true".to_owned());
        }
        let spec = NetworkSpec { name: format!("atsmatrix-{}", site.owner.run), labels: marks, internal: true };
        let network = with_timeout("create network", &spec.name, site.engine.create_network(&spec)).await?;
        Ok(Some(Self { agent, origin_image, network }))
    }

    /// The image `tag` with the agent as its last layer.
    ///
    /// # Errors
    /// When the engine cannot make it.
    pub async fn on(&self, tag: &str) -> anyhow::Result<String> {
        self.agent.on(tag).await
    }

    /// The origin whose image is `tag`; `None`: it is not of this run.
    ///
    /// # Errors
    /// As [`Stage::on`].
    pub async fn beside(
        &self,
        site: &Site<'_>,
        made: &BTreeMap<String, ImageState>,
        tag: &str,
    ) -> anyhow::Result<Option<Beside>> {
        Ok(Some(match made.get(tag) {
            None => return Ok(None),
            Some(ImageState::Ready { .. }) => Beside::Image(self.on(tag).await?),
            Some(
                ImageState::Unbuildable { reason } | ImageState::Unavailable { reason } | ImageState::Broken { reason },
            ) => Beside::Missing(reason.clone()),
            Some(ImageState::Stopped) => Beside::Missing(site.overdue()),
        }))
    }

    /// What a cell needs to run. `image` has the agent as its last layer.
    pub fn job(&self, site: &Site<'_>, planned: &PlannedCell, image: String, variant: Variant) -> Job {
        let defaults = site.defaults;
        Job {
            id: planned.id.clone(),
            version: planned.version.clone(),
            os: planned.os.clone(),
            declared: planned.declared.clone(),
            binary: planned.binary.clone(),
            image,
            origin_image: self.origin_image.clone(),
            beside: variant.beside,
            network: self.network.clone(),
            // Names of containers have fewer characters than versions.
            name: format!("atsmatrix-{}-{}", site.owner.run, variant.name).replace(['+', '~'], "_"),
            labels: site.owner.labels(ResourceKind::Cell),
            trials: variant.trials,
            limits: Limits {
                cell: defaults.deadlines.cell,
                trial: defaults.deadlines.trial,
                memory: defaults.memory,
                pids: defaults.pids,
            },
            over: variant.over,
            keep: variant.keep,
            swap: variant.swap,
            sysctls: variant.sysctls,
            patience: Arc::clone(&site.patience),
            neighbours: Arc::clone(&site.neighbours),
        }
    }
}

/// The origins that are containers of their own and that `trials` ask for.
pub fn asked<'a>(trials: impl IntoIterator<Item = &'a &'static Trial>) -> Vec<Place> {
    let places: Vec<Place> = trials.into_iter().map(|trial| (trial.spec)().place).collect();
    Place::BESIDE.into_iter().filter(|place| places.contains(place)).collect()
}
