//! The network and the images that the cells of a run share, and the job of one cell.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Site;
use crate::builder::{AgentImages, ImageState};
use crate::catalogue::trials::Trial;
use crate::config::plan::{CellImage, PlannedCell, Recipes};
use crate::engine::labels::{self, ResourceKind};
use crate::engine::{NetworkSpec, with_timeout};
use crate::model::{CellKind, Place, Record, Swap};
use crate::run::cell::{Job, Limits, OriginImage, ParentJob};

/// The network and the images that all cells share.
pub struct Stage {
    agent: AgentImages,
    origin_image: String,
    network: String,
}

/// The variable part of a cell's job.
#[derive(Default)]
pub struct Variant {
    /// Last part of the names of its containers, unique in the run.
    pub name: String,
    /// The trials to run.
    pub trials: Vec<&'static Trial>,
    /// The parent, in a cell with two ATS.
    pub parent: Option<ParentJob>,
    /// Origins with a container of their own.
    pub origins: BTreeMap<Place, OriginImage>,
    /// Settings that override those of the trials.
    pub overrides: Vec<Record>,
    /// Keep the containers.
    pub keep: bool,
    /// Parts that the ATS process takes from another image.
    pub swap: Option<Swap>,
    /// Kernel settings of the cell's container.
    pub sysctls: BTreeMap<String, String>,
}

impl Stage {
    /// Makes the image of the origin that every cell has, and the network; `None` if the run was stopped first. With `keep`
    /// later runs do not sweep the network.
    ///
    /// # Errors
    /// The engine cannot make the image or the network.
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

    /// Adds the agent to the image `tag` as its last layer, and returns the new tag.
    ///
    /// # Errors
    /// The engine cannot build the image.
    pub async fn with_agent(&self, tag: &str) -> anyhow::Result<String> {
        self.agent.on(tag).await
    }

    /// The image of a cell with the agent as its last layer, and its parent with such an image if it has two ATS.
    ///
    /// # Errors
    /// As [`Stage::with_agent`].
    pub async fn images_of(&self, planned: &PlannedCell) -> anyhow::Result<(String, Option<ParentJob>)> {
        let image = self.with_agent(&planned.tag).await?;
        let Some(parent) = &planned.parent else { return Ok((image, None)) };
        let job = ParentJob { planned: parent.clone(), image: self.with_agent(&parent.tag).await? };
        Ok((image, Some(job)))
    }

    /// The origin with the image `tag`; `None` if this run did not make that image.
    ///
    /// # Errors
    /// As [`Stage::with_agent`].
    pub async fn origin(
        &self,
        site: &Site<'_>,
        made: &BTreeMap<String, ImageState>,
        tag: &str,
    ) -> anyhow::Result<Option<OriginImage>> {
        Ok(Some(match made.get(tag) {
            None => return Ok(None),
            Some(ImageState::Ready { .. }) => OriginImage::Image(self.with_agent(tag).await?),
            Some(other) => OriginImage::Missing(other.reason().map_or_else(|| site.deadline_message(), str::to_owned)),
        }))
    }

    /// The job of a cell. `image` has the agent as its last layer.
    pub fn job(&self, site: &Site<'_>, planned: &PlannedCell, image: String, variant: Variant) -> Job {
        let defaults = site.defaults;
        Job {
            id: planned.id.clone(),
            version: planned.version.clone(),
            os: planned.os.clone(),
            declared: planned.declared.clone(),
            child: planned.child.clone(),
            parent: variant.parent,
            upgraded: planned.image == CellImage::Upgraded,
            binary: planned.binary.clone(),
            // With two ATS it is not tried as delivered, but its command may say where ATS is.
            delivered: planned.own_image.then(|| planned.tag.clone()),
            image,
            origin_image: self.origin_image.clone(),
            origins: variant.origins,
            network: self.network.clone(),
            // Versions may contain characters that names of containers may not.
            name: format!("atsmatrix-{}-{}", site.owner.run, variant.name).replace(['+', '~'], "_"),
            labels: site.owner.labels(ResourceKind::Cell),
            trials: variant.trials,
            config: planned.config.clone(),
            limits: Limits {
                cell: defaults.deadlines.cell,
                trial: defaults.deadlines.trial,
                memory: defaults.memory,
                pids: defaults.pids,
            },
            overrides: variant.overrides,
            keep: variant.keep,
            swap: variant.swap,
            sysctls: variant.sysctls,
            patience: Arc::clone(&site.patience),
            neighbours: Arc::clone(&site.neighbours),
        }
    }
}

/// The places of origins with a container of their own that `trials` use.
pub fn required_origins<'a>(trials: impl IntoIterator<Item = &'a &'static Trial>) -> Vec<Place> {
    let places: Vec<Place> = trials.into_iter().map(|trial| trial.spec().place).collect();
    Place::BESIDE.into_iter().filter(|place| places.contains(place)).collect()
}

/// The trials of `selected` that the cell `planned` has.
pub fn trials_of(planned: &PlannedCell, selected: &[&'static Trial]) -> Vec<&'static Trial> {
    let has = |kind: CellKind| match kind {
        CellKind::OwnImage => planned.own_image && planned.parent.is_none(),
        CellKind::OwnConfig => planned.config.is_some(),
        CellKind::Tiers => planned.parent.is_some(),
    };
    selected.iter().copied().filter(|trial| trial.is_in(has)).collect()
}
