//! From the matrix and a selection to the cells to run, in order, and the image steps they need.
//! Pure: the files of the images folder come in as bytes.

mod bootstrapper;
mod fit;
mod recipe;
mod selection;
mod tag;

use std::collections::{BTreeMap, BTreeSet};

pub use bootstrapper::Bootstrapper;
pub use selection::{Selection, SelectionError};

use crate::config::matrix::{Bootstrap, Matrix, SourceKind};
use crate::model::{CellId, Os, Place};

/// The files of the images folder, by their path within it.
pub type Recipes = BTreeMap<String, Vec<u8>>;

/// The cells of a run and how their images are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Row by row.
    pub cells: Vec<PlannedCell>,
    /// Tags of the images of origins that are containers of their own, the agent's layer not counted.
    pub beside: BTreeMap<Place, String>,
    steps: Vec<Step>,
    bootstrapper: Bootstrapper,
}

/// A cell to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedCell {
    /// Which.
    pub id: CellId,
    /// The version that its ATS is taken for.
    pub version: String,
    /// What `/etc/os-release` must say; `None`: nobody says.
    pub os: Option<Os>,
    /// What `traffic_server -V` must report: a version, or a range of versions.
    pub declared: String,
    /// Where `traffic_server` is, if matrix.yaml says so.
    pub binary: Option<String>,
    /// Whether its being unavailable is excused.
    pub optional: bool,
    /// Whether anybody has seen it work.
    pub seen: bool,
    /// Tag (or reference) of its image, the agent's layer not counted.
    pub tag: String,
    /// Whether that image is made by recipes; a ready one is not.
    pub made: bool,
    /// Where its ATS comes from, for people: `package trafficserver 9.2.5+ds-0+deb12u4`.
    pub origin: String,
}

/// One image to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// A readable name, for example `debian-12/9.2.5 (build)`.
    pub name: String,
    /// Its tag: a digest of everything that goes in. Equal steps have equal tags.
    pub tag: String,
    /// Tags of the images it starts from.
    pub parents: Vec<String>,
    /// What is done.
    pub work: Work,
}

/// How an image is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// A base image: pulled, or made from the package mirror.
    Base {
        /// Reference in a registry.
        image: Option<String>,
        /// How to do without one.
        bootstrap: Option<Bootstrap>,
    },
    /// A ready image of the user's own.
    Ready {
        /// Its reference.
        reference: String,
    },
    /// A Containerfile of the images folder.
    Recipe {
        /// Its path within the images folder.
        containerfile: String,
        /// Its build arguments.
        args: BTreeMap<String, String>,
    },
}

impl Plan {
    /// The cells of `matrix` that `selection` takes, with their images by the files in `recipes`.
    ///
    /// # Errors
    /// A pattern that matches nothing, or a recipe that the images folder does not have or that is not
    /// given the arguments it declares.
    pub fn of(matrix: &Matrix, selection: &Selection, recipes: &Recipes) -> Result<Self, SelectionError> {
        selection.check(matrix)?;
        let mut book = recipe::Book::new(matrix, recipes)?;
        let mut cells = Vec::new();
        for cell in matrix.cells().filter(|cell| selection.takes(&cell.id())) {
            fit::check(matrix, &cell, recipes)?;
            let tag = book.cell(&cell)?;
            cells.push(PlannedCell {
                id: cell.id(),
                version: cell.version(),
                declared: cell.reports().to_owned(),
                seen: cell.seen(),
                os: cell.distro.os.clone(),
                binary: recipe::binary(&cell),
                optional: cell.optional(),
                tag,
                made: !matches!(cell.source.kind, SourceKind::Image(_)),
                origin: recipe::describe(&cell),
            });
        }
        let (steps, bootstrapper) = book.into_steps();
        Ok(Self { cells, beside: BTreeMap::new(), steps, bootstrapper })
    }

    /// No cells: to add origins to.
    ///
    /// # Errors
    /// As [`Plan::of`].
    pub fn empty(matrix: &Matrix, recipes: &Recipes) -> Result<Self, SelectionError> {
        let (steps, bootstrapper) = recipe::Book::new(matrix, recipes)?.into_steps();
        Ok(Self { cells: Vec::new(), beside: BTreeMap::new(), steps, bootstrapper })
    }

    /// Adds the origin at `place`, a container of its own, if `matrix` has it.
    ///
    /// # Errors
    /// As [`Plan::of`].
    pub fn add_origin(&mut self, matrix: &Matrix, recipes: &Recipes, place: Place) -> Result<(), SelectionError> {
        let mut book = recipe::Book::new(matrix, recipes)?.with(std::mem::take(&mut self.steps));
        let tag = book.origin(place);
        (self.steps, _) = book.into_steps();
        self.beside.extend(tag?.map(|tag| (place, tag)));
        Ok(())
    }

    /// Keeps the cells that `choose` takes, and the steps that they need.
    pub fn keep(&mut self, choose: impl FnOnce(Vec<PlannedCell>) -> Vec<PlannedCell>) {
        self.cells = choose(std::mem::take(&mut self.cells));
        let mut needed: BTreeSet<String> =
            self.cells.iter().map(|cell| cell.tag.clone()).chain(self.beside.values().cloned()).collect();
        // Parents stand before their children.
        for step in self.steps.iter().rev() {
            if needed.contains(&step.tag) {
                needed.extend(step.parents.iter().cloned());
            }
        }
        self.steps.retain(|step| needed.contains(&step.tag));
    }

    /// What makes those base images that can be had no other way.
    pub fn bootstrapper(&self) -> &Bootstrapper {
        &self.bootstrapper
    }

    /// Every step, each after its parents, none twice.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

#[cfg(test)]
mod tests;
