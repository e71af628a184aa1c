//! Images from a Containerfile of the images folder, or from the user's own files.

use anyhow::bail;

use super::log::BuildFinding;
use super::{BuildLog, ImageBuilder, ImageState, StepFailure, context, removal};
use crate::config::plan::{BuildStep, Work};
use crate::engine::{BuildSpec, Class, EngineError, ImageInfo, labels};
use crate::model::Event;

/// Label of an image that records a failed compilation: the compiler's first errors.
pub(super) const UNBUILDABLE: &str = "atsmatrix.unbuildable";

impl ImageBuilder {
    /// Builds the image of a step. If it replaces an `existing` one, that is removed.
    pub(super) async fn recipe(
        &self,
        step: &BuildStep,
        existing: Option<ImageState>,
    ) -> Result<ImageState, StepFailure> {
        let _turn = self.turn(step).await;
        let is_local = matches!(step.work, Work::Local { .. });
        let mut ended = self.build(step, self.policy.rebuild).await;
        if let Ok((Err(error), log)) = &ended
            && is_local
            && log.is_cached()
            && matches!(error.class, Class::Build { code: Some(_) })
        {
            // Package lists of an earlier build explain a failure as well as anything.
            ended = self.build(step, true).await;
        }
        let (built, log) = match ended {
            Ok(ended) => ended,
            Err(error) => return Ok(self.stop_all(&error)),
        };
        let finding = match built.as_ref().map_err(|error| &error.class) {
            Err(Class::Build { code }) if is_local => log.local_finding(*code),
            Err(Class::Build { .. }) => log.finding(),
            _ => None,
        };
        match built {
            Ok(image) => {
                let made = ImageState::Ready { id: image.id };
                if let Some(ImageState::Ready { id }) = existing.filter(|existing| *existing != made) {
                    removal::superseded(self.engine.as_ref(), &id).await;
                }
                Ok(made)
            }
            Err(error) => match finding {
                Some(BuildFinding::Lasting) => Ok(self.remember_unbuildable(step, &log).await),
                Some(BuildFinding::Passing(reason)) => Ok(ImageState::Unbuildable { reason }),
                Some(BuildFinding::Broken(reason)) => Ok(ImageState::UpgradeBroke { reason }),
                None => {
                    let failure = StepFailure::from(error);
                    Err(StepFailure { reason: log.reason(failure.reason), ..failure })
                }
            },
        }
    }

    /// Builds the image of a step. The outer error is one of this program's own files.
    async fn build(
        &self,
        step: &BuildStep,
        no_cache: bool,
    ) -> anyhow::Result<(Result<ImageInfo, EngineError>, BuildLog)> {
        let spec = BuildSpec { no_cache, ..self.build_spec(step)? };
        let mut log = BuildLog::create(&self.log_folder, &step.name)?;
        let mut on_line = |line: &str| {
            log.add(line);
            self.report_line(&step.name, line);
        };
        let built = self.engine.build(&spec, &mut on_line).await;
        Ok((built, log))
    }

    fn build_spec(&self, step: &BuildStep) -> anyhow::Result<BuildSpec> {
        let (context, containerfile, args) = match &step.work {
            Work::Recipe { recipe, args } => (context::tar(&self.recipes)?, recipe.path(), args),
            Work::Local { recipe, files, args } => {
                (context::local_tar(recipe, files, &self.recipes)?, recipe.path(), args)
            }
            Work::Base { .. } | Work::Ready { .. } => bail!("{} is not built", step.name),
        };
        let mut args = args.clone();
        self.policy.proxies.add_to(&mut args);
        let (labels, tag) = (labels::image_labels(), step.tag.clone());
        Ok(BuildSpec { context, containerfile, args, labels, tag, ..BuildSpec::default() })
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
