//! What makes base images where no registry has them: an image of its own, so that the host needs no tool, and every
//! suite is read by an apt that knows it.

use std::collections::BTreeMap;

use super::tag::Inputs;
use super::{Recipes, SelectionError, Step, Work, recipe};
use crate::config::matrix::{Bootstrap, Matrix};

/// Its recipe.
const CONTAINERFILE: &str = "bootstrap/Containerfile";

/// The image that makes base images, and the one that it is made on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootstrapper {
    /// The first base image of all, which nothing but a registry, the engine or the host can give.
    pub base: Step,
    /// The image with the tools.
    pub tools: Step,
}

impl Bootstrapper {
    /// By the recipes at hand, from the mirrors of `matrix`.
    ///
    /// # Errors
    /// When they have none for it.
    pub fn of(matrix: &Matrix, recipes: &Recipes) -> Result<Self, SelectionError> {
        let work = recipe::mirrored(debian_13(), &matrix.mirrors);
        let base = Step { name: "bootstrapper (base)".into(), tag: plain_tag(&work), parents: Vec::new(), work };
        let args = BTreeMap::from([("BASE".to_owned(), base.tag.clone())]);
        let parents = vec![base.tag.clone()];
        let tools =
            recipe::step(recipes, "bootstrapper", "bootstrapper", CONTAINERFILE, args, parents, &matrix.mirrors)?;
        Ok(Self { base, tools })
    }

    /// The tag of a base image. What is bootstrapped goes by what bootstraps it too: other tools give other images.
    pub(super) fn tag(&self, work: &Work) -> String {
        if *work == self.base.work || !matches!(work, Work::Base { bootstrap: Some(_), .. }) {
            return plain_tag(work);
        }
        inputs(work).with("bootstrapper", self.tools.tag.as_bytes()).tag("base")
    }
}

fn inputs(work: &Work) -> Inputs {
    // Debug of plain data is stable and names every field.
    Inputs::new("base").with("work", format!("{work:?}").as_bytes())
}

fn plain_tag(work: &Work) -> String {
    inputs(work).tag("base")
}

/// Debian 13: its mmdebstrap makes every suite without privileges, and it has a package of Ubuntu's keyring. To the letter
/// what the shipped matrix.yaml says of its row, so that both are one image.
fn debian_13() -> Work {
    let source = |line: &str| format!("deb http://deb.debian.org/{line} main");
    let sources = ["debian trixie", "debian trixie-updates", "debian-security trixie-security"];
    Work::Base {
        image: Some("docker.io/library/debian:trixie-slim".to_owned()),
        bootstrap: Some(Bootstrap {
            suite: "trixie".to_owned(),
            sources: sources.map(source).to_vec(),
            archive: Vec::new(),
            check_valid_until: true,
        }),
    }
}
