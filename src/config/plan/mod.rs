//! Plans a run: the selected cells of the matrix in order, and the steps that make their images. Pure: the caller reads
//! the images folder, and the user's own files into the matrix.

mod bootstrapper;
mod fit;
mod local;
mod order;
mod recipe;
mod selection;
mod steps;
mod tag;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use bootstrapper::Bootstrapper;
pub use local::LocalRecipe;
pub use recipe::{BuildSystem, Recipe};
pub use selection::{Selection, SelectionError};

use crate::config::matrix::{Bootstrap, LocalFiles, Matrix, MatrixCell, SourceKind};
use crate::model::{CellId, CellKind, Os, Place};
use steps::Steps;

/// The files of the images folder, by path within it.
pub type Recipes = BTreeMap<String, Vec<u8>>;

/// The cells of a run and how their images are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Row by row.
    pub cells: Vec<PlannedCell>,
    /// Tags of the images of separate origins, without the agent's layer.
    pub beside: BTreeMap<Place, String>,
    steps: Vec<BuildStep>,
    bootstrapper: Bootstrapper,
}

/// How the image of a cell comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellImage {
    /// It is a ready one of the user's own.
    Ready,
    /// It is made here.
    Made,
    /// It is made here from that of another row, whose distro is upgraded in place.
    Upgraded,
}

/// A cell to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedCell {
    /// Its name.
    pub id: CellId,
    /// The assumed version of its ATS.
    pub version: String,
    /// What `/etc/os-release` must contain; `None` if unknown.
    pub os: Option<Os>,
    /// What `traffic_server -V` must report: a version, or a range of versions.
    pub declared: String,
    /// The path of `traffic_server`, if it is known.
    pub binary: Option<String>,
    /// Whether the run stays green if it is unavailable.
    pub optional: bool,
    /// Whether it has ever worked.
    pub seen: bool,
    /// Tag or reference of its image, without the agent's layer.
    pub tag: String,
    /// How that image comes about.
    pub image: CellImage,
    /// The cell whose image it has: its own name, unless it has two ATS.
    pub child: CellId,
    /// The parent, if it has two ATS. All else here is about the child.
    pub parent: Option<PlannedParent>,
    /// Whether it is the user's own, ready or made by a Dockerfile.
    pub own_image: bool,
    /// The configuration of the user's own under which its ATS runs.
    pub config: Option<Arc<LocalFiles>>,
    /// Where its ATS comes from, in words: `package trafficserver 9.2.5+ds-0+deb12u4`.
    pub origin: String,
}

/// The parent in a cell with two ATS: another cell, as far as its image is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedParent {
    /// The cell whose image it has.
    pub id: CellId,
    /// The assumed version of its ATS.
    pub version: String,
    /// What `/etc/os-release` must contain; `None` if unknown.
    pub os: Option<Os>,
    /// What `traffic_server -V` must report.
    pub declared: String,
    /// The path of `traffic_server`, if it is known.
    pub binary: Option<String>,
    /// Tag or reference of its image, without the agent's layer.
    pub tag: String,
    /// Whether it is the user's own, ready or made by a Dockerfile.
    pub own_image: bool,
    /// How that image comes about.
    pub image: CellImage,
}

/// One image to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildStep {
    /// A readable name, for example `debian-12/9.2.5 (build)`.
    pub name: String,
    /// Its tag: a digest of all inputs. Equal steps have equal tags.
    pub tag: String,
    /// Tags of the images it starts from.
    pub parents: Vec<String>,
    /// How the image is made.
    pub work: Work,
}

/// How an image is made.
///
/// Tags are digests of the `Debug` form of `Base` (`bootstrapper`): renaming its fields makes every base image anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// A base image: pulled, or made from a package mirror.
    Base {
        /// Its reference in a registry.
        image: Option<String>,
        /// How to make it without a registry.
        bootstrap: Option<Bootstrap>,
    },
    /// A ready image of the user's own.
    Ready {
        /// Its reference.
        reference: String,
    },
    /// A Containerfile of the images folder.
    Recipe {
        /// Which one.
        recipe: Recipe,
        /// Its build arguments.
        args: BTreeMap<String, String>,
    },
    /// From files of the user's own.
    Local {
        /// What makes it of them.
        recipe: LocalRecipe,
        /// The files.
        files: Arc<LocalFiles>,
        /// Its build arguments.
        args: BTreeMap<String, String>,
    },
}

impl Work {
    /// Whether it compiles ATS.
    pub fn compiles(&self) -> bool {
        match self {
            Self::Recipe { recipe, .. } => recipe.compiles(),
            // A Dockerfile of the user's own may.
            Self::Local { recipe, .. } => *recipe != LocalRecipe::Packages,
            Self::Base { .. } | Self::Ready { .. } => false,
        }
    }
}

impl Plan {
    /// Plans the cells of `matrix` that match `selection`, with images by `recipes`.
    ///
    /// # Errors
    /// If a pattern matches nothing, a recipe is missing, or its arguments are not those that it declares.
    pub fn of(matrix: &Matrix, selection: &Selection, recipes: &Recipes) -> Result<Self, SelectionError> {
        selection.check(matrix)?;
        let mut steps = Steps::new(matrix, recipes)?;
        let mut cells = Vec::new();
        for cell in matrix.cells().filter(|cell| selection.matches(&cell.id())) {
            let planned = match matrix.tiers_of(&cell) {
                None => planned(&mut steps, &cell)?,
                Some((child, parent)) => {
                    let (child, parent) = (planned(&mut steps, &child)?, planned(&mut steps, &parent)?);
                    PlannedCell {
                        id: cell.id(),
                        optional: cell.optional(),
                        seen: cell.seen(),
                        origin: format!("child {}, parent {} of {}", child.origin, parent.origin, parent.id),
                        parent: Some(PlannedParent {
                            id: parent.id,
                            version: parent.version,
                            os: parent.os,
                            declared: parent.declared,
                            binary: parent.binary,
                            tag: parent.tag,
                            own_image: parent.own_image,
                            image: parent.image,
                        }),
                        ..child
                    }
                }
            };
            cells.push(planned);
        }
        let (steps, bootstrapper) = steps.into_parts();
        Ok(Self { cells, beside: BTreeMap::new(), steps, bootstrapper })
    }

    /// A plan without cells, to add origins to.
    ///
    /// # Errors
    /// See [`Plan::of`].
    pub fn empty(matrix: &Matrix, recipes: &Recipes) -> Result<Self, SelectionError> {
        let (steps, bootstrapper) = Steps::new(matrix, recipes)?.into_parts();
        Ok(Self { cells: Vec::new(), beside: BTreeMap::new(), steps, bootstrapper })
    }

    /// Adds the separate origin at `place`, if `matrix` has it.
    ///
    /// # Errors
    /// See [`Plan::of`].
    pub fn add_origin(&mut self, matrix: &Matrix, recipes: &Recipes, place: Place) -> Result<(), SelectionError> {
        let mut steps = Steps::new(matrix, recipes)?.with(std::mem::take(&mut self.steps));
        let tag = steps.add_origin(place);
        (self.steps, _) = steps.into_parts();
        self.beside.extend(tag?.map(|tag| (place, tag)));
        Ok(())
    }

    /// Keeps the cells that `choose` returns and the steps that they need.
    pub fn keep(&mut self, choose: impl FnOnce(Vec<PlannedCell>) -> Vec<PlannedCell>) {
        self.cells = choose(std::mem::take(&mut self.cells));
        let mut needed: BTreeSet<String> = self
            .cells
            .iter()
            .flat_map(PlannedCell::tags)
            .map(str::to_owned)
            .chain(self.beside.values().cloned())
            .collect();
        // Parents come before their children.
        for step in self.steps.iter().rev() {
            if needed.contains(&step.tag) {
                needed.extend(step.parents.iter().cloned());
            }
        }
        self.steps.retain(|step| needed.contains(&step.tag));
    }

    /// The images that make base images which no registry has.
    pub fn bootstrapper(&self) -> &Bootstrapper {
        &self.bootstrapper
    }

    /// Every step once, each after its parents.
    pub fn steps(&self) -> &[BuildStep] {
        &self.steps
    }
}

impl PlannedCell {
    /// Tags or references of the images that it has, without the agent's layer.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.tag.as_str()).chain(self.parent.as_ref().map(|parent| parent.tag.as_str()))
    }
}

/// Plans a cell with one ATS.
fn planned(steps: &mut Steps<'_>, cell: &MatrixCell<'_>) -> Result<PlannedCell, SelectionError> {
    let matrix = steps.matrix;
    fit::check(matrix, cell, steps.recipes)?;
    let tag = steps.add_cell(cell)?;
    Ok(PlannedCell {
        id: cell.id(),
        version: cell.version(),
        declared: cell.reports().to_owned(),
        seen: cell.seen(),
        os: cell.distro.os.clone(),
        binary: steps::binary(matrix, cell),
        optional: cell.optional(),
        tag,
        own_image: cell.is(CellKind::OwnImage),
        image: match cell.source.kind {
            SourceKind::Image(_) => CellImage::Ready,
            SourceKind::Upgrade(_) => CellImage::Upgraded,
            _ => CellImage::Made,
        },
        child: cell.id(),
        parent: None,
        config: local::config(matrix, cell)?,
        origin: steps::describe(cell),
    })
}

#[cfg(test)]
mod tests;
