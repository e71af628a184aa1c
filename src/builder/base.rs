//! Base images: from a registry, from the engine, or made from the distro's package mirror.

use std::sync::{Arc, PoisonError};

use anyhow::{Context as _, bail};

use super::bootstrap::{contained, host};
use super::{BuildLog, ImageBuilder, ImageState, StepFailure};
use crate::config::matrix::Bootstrap;
use crate::config::plan::{Bootstrapper, BuildStep, Work};
use crate::engine::labels::Owner;
use crate::engine::{Class, EngineError, ImageInfo, OnLine, patience};
use crate::model::Event;

impl ImageBuilder {
    /// A base image: from the registry or the engine, or else from the distro's package mirror.
    pub(super) async fn base(
        &self,
        step: &BuildStep,
        image: Option<&str>,
        bootstrap: Option<&Bootstrap>,
    ) -> Result<ImageState, StepFailure> {
        let pull = match image {
            Some(reference) => match self.pull_base(step, reference).await {
                Err(failure) if !failure.outage => Some(failure.reason),
                done => return done,
            },
            None => None,
        };
        let Some(bootstrap) = bootstrap else {
            return Err(StepFailure::new(pull.unwrap_or_default(), false).with_load_hint());
        };
        let log = match BuildLog::create(&self.log_folder, &step.name) {
            Ok(log) => log,
            Err(error) => return Ok(self.stop_all(&error)),
        };
        match self.bootstrap(step, bootstrap, log).await {
            Ok(image) => Ok(ImageState::Ready { id: image.id }),
            Err(error) if patience::is_outage(&error) => Err(StepFailure::new(format!("{error:#}"), true)),
            Err(error) => {
                let reason = bootstrap_failure(&error, image);
                let failure = StepFailure::new(base_failure(pull.as_deref(), &reason), false);
                Err(StepFailure { bootstrap: Some(reason), ..failure })
            }
        }
    }

    async fn pull_base(&self, step: &BuildStep, reference: &str) -> Result<ImageState, StepFailure> {
        let image = self.pull_or_local(step, reference).await?;
        self.engine.tag(&image.id, &step.tag).await?;
        Ok(ImageState::Ready { id: image.id })
    }

    /// The id of the image with the tools for `bootstrap`. It is made when it is first needed: never, if a registry
    /// has all bases.
    async fn tools(&self, bootstrapper: &Bootstrapper, bootstrap: &Bootstrap) -> anyhow::Result<String> {
        let tool = match bootstrap {
            Bootstrap::Suite(_) => "mmdebstrap",
            Bootstrap::Release(_) => "dnf",
        };
        let mut id = String::new();
        for step in [&bootstrapper.base, bootstrapper.tools(bootstrap)] {
            let made = match self.inspect(step).await? {
                Some(existing) if !self.policy.rebuild => Ok(existing),
                // A row with the same base may be making it at the same time. The result is one image all the same.
                existing => Box::pin(self.make_image(step, existing)).await,
            };
            match made {
                Ok(ImageState::Ready { id: made }) => id = made,
                Ok(ImageState::Stopped) => bail!("{} was stopped", step.name),
                Err(StepFailure { reason, outage: true, .. }) => {
                    return Err(EngineError::new("make image", &step.name, Class::Interrupted, &reason).into());
                }
                // Its own base: the image that needs the tools reports the registry's reason already.
                Err(StepFailure { bootstrap: Some(reason), .. }) => bail!("{reason}"),
                Ok(failed) => bail!("cannot make the image with {tool}: {}", failed.reason().unwrap_or_default()),
                Err(StepFailure { reason, .. }) => bail!("cannot make the image with {tool}: {reason}"),
            }
        }
        Ok(id)
    }

    /// Makes a base from the distro's package mirror. Rows with the same sources share it.
    async fn bootstrap(&self, step: &BuildStep, bootstrap: &Bootstrap, mut log: BuildLog) -> anyhow::Result<ImageInfo> {
        let contained = self.bootstrapper_of(step).is_some();
        let made = {
            let mut all = self.bootstrapped.lock().unwrap_or_else(PoisonError::into_inner);
            // Debug of plain data is stable and names every field.
            Arc::clone(all.entry(format!("{contained} {bootstrap:?}")).or_default())
        };
        let mut on_line = |line: &str| {
            log.add(line);
            self.report_line(&step.name, line);
        };
        // After a failure the next row tries again: the mirror may be back.
        let run = async || match self.make_root(step, bootstrap, &mut on_line).await {
            Err(error) => {
                let Some(archived) = bootstrap.archived() else { return Err(error) };
                self.send(Event::Note(format!("{}: trying the archive: {error:#}", step.name)));
                let made = self.make_root(step, &archived, &mut on_line).await;
                made.with_context(|| format!("{error:#}; its archive failed too"))
            }
            made => made,
        };
        let image = made.get_or_try_init(run).await?;
        self.engine.tag(&image.id, &step.tag).await?;
        Ok(image.clone())
    }

    /// The image with the tools that `step` needs if no registry has its base.
    pub(super) fn tools_for(&self, step: &BuildStep) -> Option<&BuildStep> {
        let Work::Base { bootstrap: Some(bootstrap), .. } = &step.work else { return None };
        self.bootstrapper_of(step).map(|(_, it)| it.tools(bootstrap))
    }

    /// The owner and the bootstrapper for the base of `step`; `None`: the host makes it, as it does for the
    /// bootstrapper's own base.
    fn bootstrapper_of(&self, step: &BuildStep) -> Option<&(Owner, Bootstrapper)> {
        self.bootstrapper.as_ref().filter(|(_, it)| it.base.tag != step.tag)
    }

    /// Makes a root file system and imports it.
    async fn make_root(
        &self,
        step: &BuildStep,
        bootstrap: &Bootstrap,
        on_line: OnLine<'_>,
    ) -> anyhow::Result<ImageInfo> {
        let engine = self.engine.as_ref();
        let Some((owner, bootstrapper)) = self.bootstrapper_of(step) else {
            let Bootstrap::Suite(suite) = bootstrap else { bail!("only a container can make it") };
            let _turn = self.turn(step).await;
            return host::run(engine, suite, &step.tag, &self.bootstraps, on_line).await;
        };
        let tools = match bootstrap {
            Bootstrap::Suite(_) => &self.apt_tools,
            Bootstrap::Release(_) => &self.dnf_tools,
        };
        let tools = tools.get_or_try_init(|| self.tools(bootstrapper, bootstrap)).await?;
        // After the tools, which take turns of their own.
        let _turn = self.turn(step).await;
        let workshop = contained::Workshop { engine, owner, tools, proxies: &self.policy.proxies };
        contained::run(&workshop, bootstrap, &step.tag, on_line).await
    }

    /// The image `reference` from its registry, or else the image of that name that was loaded into the engine.
    async fn pull_or_local(&self, step: &BuildStep, reference: &str) -> Result<ImageInfo, StepFailure> {
        let failure = match self.pull(step, reference).await {
            Err(failure) if !failure.outage => failure,
            pulled => return pulled,
        };
        let Some(local) = self.engine.image(reference).await? else { return Err(failure) };
        self.send(Event::Note(format!("{}: using the local image: {}", step.name, failure.reason)));
        Ok(local)
    }
}

/// Why a bootstrap failed and, if it is the tool that is missing, what to do. `image`: reference of the base image.
fn bootstrap_failure(error: &anyhow::Error, image: Option<&str>) -> String {
    if !error.is::<host::NotInstalled>() {
        return format!("{error:#}");
    }
    let (and, fix) = match image {
        Some(image) => {
            (format!(" and the engine does not have {image}"), "install mmdebstrap or `docker load` the image")
        }
        None => (String::new(), "install mmdebstrap"),
    };
    format!("cannot make it from its package mirror: mmdebstrap is not installed{and} ({fix})")
}

/// Why there is no base image: the failures of the pull and of the bootstrap.
fn base_failure(pull: Option<&str>, bootstrap: &str) -> String {
    pull.map_or_else(|| bootstrap.to_owned(), |pull| format!("{pull}; {bootstrap}"))
}

#[cfg(test)]
mod tests {
    use super::super::registry::pull_failure;
    use super::*;

    #[test]
    fn without_registry_and_mmdebstrap_the_error_names_each_once_and_says_what_to_do() {
        let (first, row) = ("docker.io/library/debian:trixie-slim", "docker.io/library/debian:bookworm-slim");
        let bootstrap = bootstrap_failure(&anyhow::Error::from(host::NotInstalled), Some(first));
        let reason = "Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io: no such host";
        let text = base_failure(Some(&pull_failure(row, reason, false).reason), &bootstrap);
        insta::assert_snapshot!(text, @r#"cannot pull docker.io/library/debian:bookworm-slim: Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host; cannot make it from its package mirror: mmdebstrap is not installed and the engine does not have docker.io/library/debian:trixie-slim (install mmdebstrap or `docker load` the image)"#);
        assert!(text.len() <= 400, "{}", text.len());
    }

    #[test]
    fn other_failures_of_a_bootstrap_keep_their_own_reason() {
        let error = anyhow::anyhow!("E: no Release file").context("cannot bootstrap noble");
        assert_eq!(bootstrap_failure(&error, None), "cannot bootstrap noble: E: no Release file");
    }
}
