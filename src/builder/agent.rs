//! The program itself as the last layer of an image: on an ATS image it makes a cell, on an empty one
//! the origin.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use bytes::Bytes;

use super::context;
use crate::config::matrix::sha256_hex;
use crate::engine::{BuildSpec, Engine, labels};

/// Name of the binary in the build context.
pub(super) const BINARY: &str = "atsmatrix";

/// The empty image.
const SCRATCH: &str = "scratch";

/// The recipe, in the images folder.
const RECIPE: &str = "agent/Containerfile";

/// Adds the agent, which is this program, to images.
pub struct AgentImages {
    engine: Arc<dyn Engine>,
    context: Bytes,
    digest: String,
}

impl AgentImages {
    /// Reads this program and its recipe from `recipes`.
    ///
    /// # Errors
    /// If the program is not static (it could not start in another distro) or cannot be read.
    pub fn new(engine: Arc<dyn Engine>, recipes: &BTreeMap<String, Vec<u8>>) -> anyhow::Result<Self> {
        ensure!(
            cfg!(target_feature = "crt-static"),
            "this atsmatrix is not a static binary and cannot run in containers of other distros: build it with RUSTFLAGS \
             unset, which overrides .cargo/config.toml"
        );
        let path = std::env::current_exe().context("cannot find the file of this program")?;
        let binary = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let recipe = recipes.get(RECIPE).with_context(|| format!("images/{RECIPE} is missing: restore it"))?;
        let files = BTreeMap::from([("Containerfile".to_owned(), recipe.clone()), (BINARY.to_owned(), binary)]);
        let context = context::tar(&files)?;
        let digest = sha256_hex(&context);
        Ok(Self { engine, context, digest })
    }

    /// The tag of the image `base` (a tag, or `scratch`) with the agent on top; built if it does not exist. The tag
    /// depends on the content of `base`, because a rebuild or a pull may move the tag of `base` to another image.
    ///
    /// # Errors
    /// Those of the engine, or that `base` does not exist.
    pub async fn on(&self, base: &str) -> anyhow::Result<String> {
        let content = match base {
            SCRATCH => SCRATCH.to_owned(),
            _ => {
                self.engine
                    .image(base)
                    .await?
                    .with_context(|| format!("the engine no longer has the image {base}: run again to make it"))?
                    .id
            }
        };
        let hex = &sha256_hex(format!("{} {content}", self.digest).as_bytes())[..16];
        let tag = format!("atsmatrix/agent:{hex}");
        if self.engine.image(&tag).await?.is_some() {
            return Ok(tag);
        }
        let spec = BuildSpec {
            context: self.context.clone(),
            containerfile: "Containerfile".to_owned(),
            args: BTreeMap::from([("BASE".to_owned(), base.to_owned())]),
            labels: labels::image_labels(),
            tag: tag.clone(),
            ..BuildSpec::default()
        };
        self.engine.build(&spec, &mut |_| {}).await.with_context(|| format!("cannot add the agent to {base}"))?;
        Ok(tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Labels;
    use crate::engine::fake::{FakeEngine, FakeOp};

    #[tokio::test]
    async fn a_tag_that_moves_to_another_image_gets_its_own_agent() {
        let engine = FakeEngine::new().with_image("r.test/ats:1", Labels::new());
        let recipes = BTreeMap::from([(RECIPE.to_owned(), b"FROM scratch".to_vec())]);
        let agent = AgentImages::new(Arc::new(engine.clone()), &recipes).unwrap();
        let builds = || engine.log().iter().filter(|op| matches!(op, FakeOp::Build(_))).count();
        let first = agent.on("r.test/ats:1").await.unwrap();
        assert_eq!((agent.on("r.test/ats:1").await.unwrap(), builds()), (first.clone(), 1));

        let pulled_again = Labels::from([("built".to_owned(), "later".to_owned())]);
        let _ = engine.clone().with_image("r.test/ats:1", pulled_again);
        assert_ne!(agent.on("r.test/ats:1").await.unwrap(), first);
        assert_eq!(builds(), 2);

        agent.on(SCRATCH).await.unwrap();
        let error = agent.on("r.test/gone:1").await.unwrap_err();
        assert!(error.to_string().contains("r.test/gone:1"), "{error}");
    }
}
