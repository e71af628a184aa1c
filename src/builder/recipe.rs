//! Images from a Containerfile of the images folder.

use std::collections::BTreeMap;

use super::{BuildLog, ImageBuilder, ImageState, StepFailure, context, removal};
use crate::config::plan::{BuildStep, Recipe};
use crate::engine::{BuildSpec, Class, labels};
use crate::model::Event;

/// Label of an image that records a failed compilation: the compiler's first errors.
pub(super) const UNBUILDABLE: &str = "atsmatrix.unbuildable";

impl ImageBuilder {
    /// Builds the image of a step. If it replaces an `existing` one, that is removed.
    pub(super) async fn recipe(
        &self,
        step: &BuildStep,
        recipe: &Recipe,
        args: &BTreeMap<String, String>,
        existing: Option<ImageState>,
    ) -> Result<ImageState, StepFailure> {
        let _turn = self.turn(step).await;
        let spec = self.build_spec(step, recipe, args);
        let (spec, mut log) = match spec.and_then(|spec| Ok((spec, BuildLog::create(&self.log_folder, &step.name)?))) {
            Ok(ready) => ready,
            Err(error) => return Ok(self.stop_all(&error)),
        };
        let built = self
            .engine
            .build(&spec, &mut |line| {
                log.add(line);
                self.report_line(&step.name, line);
            })
            .await;
        match built {
            Ok(image) => {
                let made = ImageState::Ready { id: image.id };
                if let Some(ImageState::Ready { id }) = existing.filter(|existing| *existing != made) {
                    removal::superseded(self.engine.as_ref(), &id).await;
                }
                Ok(made)
            }
            Err(error) if matches!(error.class, Class::Build { .. }) && log.is_finding() => {
                Ok(self.remember_unbuildable(step, &log).await)
            }
            Err(error) if matches!(error.class, Class::Build { .. }) && log.is_lacking() => {
                Ok(ImageState::Unbuildable { reason: log.first_errors() })
            }
            Err(error) => {
                let failure = StepFailure::from(error);
                Err(StepFailure { reason: log.reason(failure.reason), ..failure })
            }
        }
    }

    fn build_spec(
        &self,
        step: &BuildStep,
        recipe: &Recipe,
        args: &BTreeMap<String, String>,
    ) -> anyhow::Result<BuildSpec> {
        let mut args = args.clone();
        self.policy.proxies.add_to(&mut args);
        Ok(BuildSpec {
            context: context::tar(&self.recipes)?,
            containerfile: recipe.path(),
            args,
            labels: labels::image_labels(),
            tag: step.tag.clone(),
            memory: None,
            no_cache: self.policy.rebuild,
        })
    }

    /// Records on the engine that these inputs do not compile, so that the next run need not try
    /// again: an empty image with the step's tag and the compiler's errors as a label.
    async fn remember_unbuildable(&self, step: &BuildStep, log: &BuildLog) -> ImageState {
        let reason = log.first_errors();
        let mut labels = labels::image_labels();
        labels.insert(UNBUILDABLE.to_owned(), reason.clone());
        if let Ok(spec) = context::empty_image(&step.tag, labels)
            && let Err(error) = self.engine.build(&spec, &mut |_| {}).await
        {
            self.send(Event::Note(format!("cannot remember that {} does not compile: {error}", step.name)));
        }
        ImageState::Unbuildable { reason }
    }
}
