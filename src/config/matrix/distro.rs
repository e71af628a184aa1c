//! The rows: distros and how their base images are had.

use std::collections::BTreeMap;

use crate::model::{DistroId, Os};

/// A distro: a row of the matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distro {
    /// Its name.
    pub id: DistroId,
    /// What the table calls it.
    pub title: String,
    /// The folder `images/<family>/` with the recipes for its packages.
    pub family: String,
    /// Reference of its base image. At least one of this and `bootstrap` is there.
    pub image: Option<String>,
    /// How to make the base image where no registry is in reach.
    pub bootstrap: Option<Bootstrap>,
    /// What its cells have to be; `None`: nobody says.
    pub os: Option<Os>,
    /// Whether its unavailable cells are reported without turning the run red.
    pub optional: bool,
    /// Whether anybody has seen it work.
    pub seen: bool,
    /// Whether it shows what is coming, not what is in use: its unavailable cells are excused too.
    pub forecast: bool,
    /// Build arguments for every recipe that runs on it.
    pub args: BTreeMap<String, String>,
}

/// How to make a base image from a package mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootstrap {
    /// The suite, for example `bookworm`.
    pub suite: String,
    /// Lines of sources.list.
    pub sources: Vec<String>,
    /// The same for when the suite has left its mirrors; none: it has no archive.
    pub archive: Vec<String>,
    /// `false` accepts a Release file past its Valid-Until date.
    pub check_valid_until: bool,
}
