//! Base images: from a registry, from the engine, or made from the distro's package mirror.

use std::sync::{Arc, PoisonError};

use anyhow::{Context as _, bail};

use super::bootstrap::{contained, host};
use super::{BuildLog, ImageBuilder, ImageState, StepFailure};
use crate::config::matrix::Bootstrap;
use crate::config::plan::{Bootstrapper, Step};
use crate::engine::labels::Owner;
use crate::engine::{Class, EngineError, ImageInfo, OnLine, patience};
use crate::model::Event;

impl ImageBuilder {
    /// A base image: from the registry or the engine, or else from the distro's package mirror.
    pub(super) async fn base(
        &self,
        step: &Step,
        image: Option<&str>,
        bootstrap: Option<&Bootstrap>,
    ) -> Result<ImageState, StepFailure> {
        let mut reasons = Vec::new();
        if let Some(reference) = image {
            match self.pulled_base(step, reference).await {
                Err(trouble) if !trouble.away => reasons.push(trouble.reason),
                made => return made,
            }
        }
        if let Some(bootstrap) = bootstrap {
            let log = match BuildLog::create(&self.log_folder, &step.name) {
                Ok(log) => log,
                Err(error) => return Ok(self.broke(&error)),
            };
            match self.bootstrapped(step, bootstrap, log).await {
                Ok(image) => return Ok(ImageState::Ready { id: image.id }),
                Err(error) if patience::is_outage(&error) => {
                    return Err(StepFailure { reason: format!("{error:#}"), away: true });
                }
                Err(error) => reasons.push(format!("{error:#}")),
            }
        }
        Err(StepFailure { reason: reasons.join("; "), away: false })
    }

    async fn pulled_base(&self, step: &Step, reference: &str) -> Result<ImageState, StepFailure> {
        let image = self.pulled_or_here(step, reference).await?;
        self.engine.tag(&image.id, &step.tag).await?;
        Ok(ImageState::Ready { id: image.id })
    }

    /// The image with the tools that bases are bootstrapped with. It is made when the first needs it: where a
    /// registry is in reach, never.
    async fn tools(&self, bootstrapper: &Bootstrapper) -> anyhow::Result<String> {
        let mut id = String::new();
        for step in [&bootstrapper.base, &bootstrapper.tools] {
            let made = match self.known(step).await? {
                Some(known) if !self.policy.rebuild => Ok(known),
                // In its row's own name this may be under way too: there is one such base all the same.
                known => Box::pin(self.make_one(step, known)).await,
            };
            match made {
                Ok(ImageState::Ready { id: made }) => id = made,
                Ok(ImageState::Stopped) => bail!("{} was stopped", step.name),
                Err(StepFailure { reason, away: true }) => {
                    return Err(EngineError::new("make image", &step.name, Class::Interrupted, &reason).into());
                }
                Ok(
                    ImageState::Unbuildable { reason }
                    | ImageState::Unavailable { reason }
                    | ImageState::Broken { reason },
                )
                | Err(StepFailure { reason, .. }) => {
                    bail!("{}, which makes base images where no registry has them: {reason}", step.name)
                }
            }
        }
        Ok(id)
    }

    /// A base from the distro's package mirror. Rows that are made of the same share it.
    async fn bootstrapped(&self, step: &Step, bootstrap: &Bootstrap, mut log: BuildLog) -> anyhow::Result<ImageInfo> {
        let contained = self.shop(step).is_some();
        let made = {
            let mut all = self.bootstrapped.lock().unwrap_or_else(PoisonError::into_inner);
            // Debug of plain data is stable and names every field.
            Arc::clone(all.entry(format!("{contained} {bootstrap:?}")).or_default())
        };
        let mut on_line = |line: &str| {
            log.add(line);
            self.told_line(&step.name, line);
        };
        // One that fails is tried again by the next: its mirror may be back.
        let run = async || match self.root(step, bootstrap, &mut on_line).await {
            Err(error) if !bootstrap.archive.is_empty() => {
                self.tell(Event::Note(format!("{}: its archive is asked: {error:#}", step.name)));
                let archived = Bootstrap { sources: bootstrap.archive.clone(), ..bootstrap.clone() };
                let made = self.root(step, &archived, &mut on_line).await;
                made.with_context(|| format!("{error:#}; and of its archive"))
            }
            made => made,
        };
        let image = made.get_or_try_init(run).await?;
        self.engine.tag(&image.id, &step.tag).await?;
        Ok(image.clone())
    }

    /// Who makes the base of `step` in containers, and with what. The bootstrapper's own is the host's to make.
    fn shop(&self, step: &Step) -> Option<&(Owner, Bootstrapper)> {
        self.workshop.as_ref().filter(|(_, it)| it.base.tag != step.tag)
    }

    /// The image of a root file system.
    async fn root(&self, step: &Step, bootstrap: &Bootstrap, on_line: OnLine<'_>) -> anyhow::Result<ImageInfo> {
        let engine = self.engine.as_ref();
        let Some((owner, it)) = self.shop(step) else {
            return host::run(engine, bootstrap, &step.tag, &self.bootstraps, on_line).await;
        };
        let tools = self.tools.get_or_try_init(|| self.tools(it)).await?;
        let shop = contained::Shop { engine, owner, tools, proxies: &self.policy.proxies };
        contained::run(&shop, bootstrap, &step.tag, on_line).await
    }

    /// The image `reference` from its registry, or else the one of that name that somebody loaded into the engine.
    async fn pulled_or_here(&self, step: &Step, reference: &str) -> Result<ImageInfo, StepFailure> {
        let trouble = match self.pulled(step, reference).await {
            Err(trouble) if !trouble.away => trouble,
            pulled => return pulled,
        };
        let Some(here) = self.engine.image(reference).await? else { return Err(trouble) };
        self.tell(Event::Note(format!("{}: the image that is here is used: {}", step.name, trouble.reason)));
        Ok(here)
    }
}
