//! The images that make base images where no registry has them: one with mmdebstrap, one with dnf. The host needs no
//! tools, and an apt that knows every suite reads it.

use std::collections::BTreeMap;

use super::tag::Inputs;
use super::{BuildStep, Recipe, Recipes, SelectionError, Work, steps};
use crate::config::matrix::{AptSuite, Bootstrap, Matrix};

/// The images that make base images, and their own base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootstrapper {
    /// The base of both, which only a registry, the engine or the host can provide.
    pub base: BuildStep,
    /// The image with the tools for suites of apt.
    pub apt: BuildStep,
    /// The image with the tools for releases of dnf.
    pub dnf: BuildStep,
}

impl Bootstrapper {
    /// Plans them with the mirrors of `matrix`.
    ///
    /// # Errors
    /// If `recipes` lack a recipe.
    pub fn of(matrix: &Matrix, recipes: &Recipes) -> Result<Self, SelectionError> {
        let work = steps::mirrored(debian_13(), &matrix.mirrors);
        let base = BuildStep { name: "bootstrapper (base)".into(), tag: plain_tag(&work), parents: Vec::new(), work };
        let tools = |name, recipe| {
            let args = BTreeMap::from([("BASE".to_owned(), base.tag.clone())]);
            steps::step(recipes, name, recipe, args, vec![base.tag.clone()], &matrix.mirrors)
        };
        let apt = tools("bootstrapper", Recipe::Bootstrapper)?;
        let dnf = tools("bootstrapper with dnf", Recipe::DnfBootstrapper)?;
        Ok(Self { base, apt, dnf })
    }

    /// The image with the tools for `bootstrap`.
    pub fn tools(&self, bootstrap: &Bootstrap) -> &BuildStep {
        match bootstrap {
            Bootstrap::Suite(_) => &self.apt,
            Bootstrap::Release(_) => &self.dnf,
        }
    }

    /// The tag of a base image. Other tools make other images, so the tag of a bootstrapped one includes the tools' tag.
    pub(super) fn tag(&self, work: &Work) -> String {
        match work {
            Work::Base { bootstrap: Some(bootstrap), .. } if *work != self.base.work => {
                inputs(work).with("bootstrapper", self.tools(bootstrap).tag.as_bytes()).tag("base")
            }
            _ => plain_tag(work),
        }
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
        bootstrap: Some(Bootstrap::Suite(AptSuite {
            suite: "trixie".to_owned(),
            sources: sources.map(source).to_vec(),
            archive: Vec::new(),
            check_valid_until: true,
        })),
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
