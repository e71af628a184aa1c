//! The image that makes base images where no registry has them. The host needs no tools, and an apt that knows every
//! suite reads it.

use std::collections::BTreeMap;

use super::tag::Inputs;
use super::{BuildStep, Recipe, Recipes, SelectionError, Work, steps};
use crate::config::matrix::{Bootstrap, Matrix};

/// The image that makes base images, and its own base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootstrapper {
    /// The base of `tools`, which only a registry, the engine or the host can provide.
    pub base: BuildStep,
    /// The image with the tools.
    pub tools: BuildStep,
}

impl Bootstrapper {
    /// Plans both with the mirrors of `matrix`.
    ///
    /// # Errors
    /// If `recipes` lack its recipe.
    pub fn of(matrix: &Matrix, recipes: &Recipes) -> Result<Self, SelectionError> {
        let work = steps::mirrored(debian_13(), &matrix.mirrors);
        let base = BuildStep { name: "bootstrapper (base)".into(), tag: plain_tag(&work), parents: Vec::new(), work };
        let args = BTreeMap::from([("BASE".to_owned(), base.tag.clone())]);
        let parents = vec![base.tag.clone()];
        let tools = steps::step(recipes, "bootstrapper", Recipe::Bootstrapper, args, parents, &matrix.mirrors)?;
        Ok(Self { base, tools })
    }

    /// The tag of a base image. Other tools make other images, so the tag of a bootstrapped one includes the tools' tag.
    pub(super) fn tag(&self, work: &Work) -> String {
        if *work == self.base.work || !matches!(work, Work::Base { bootstrap: Some(_), .. }) {
            return plain_tag(work);
        }
        inputs(work).with("bootstrapper", self.tools.tag.as_bytes()).tag("base")
    }
}

fn inputs(work: &Work) -> Inputs {
    // The Debug form of plain data is stable and has every field. Renaming `Work::Base`, `Bootstrap` or their fields
    // changes every tag.
    Inputs::new("base").with("work", format!("{work:?}").as_bytes())
}

fn plain_tag(work: &Work) -> String {
    inputs(work).tag("base")
}

/// Debian 13: its mmdebstrap makes every suite without privileges, and it packages Ubuntu's keyring. Equal to the row of
/// the shipped matrix.yaml, so that both are one image.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_bases_stay_as_they_are() {
        assert_eq!(plain_tag(&debian_13()), "atsmatrix/base:572d1f377e24f042");
    }
}
