//! The rows: distros and where their base images come from.

use std::collections::BTreeMap;

use super::Bootstrap;
use crate::model::{DistroId, Os};

/// A distro: a row of the matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distro {
    /// Its name.
    pub id: DistroId,
    /// Its title in tables.
    pub title: String,
    /// The folder `images/<family>/` with the recipes for its packages.
    pub family: String,
    /// Reference of its base image. At least one of this and `bootstrap` is set.
    pub image: Option<String>,
    /// How to make the base image without a registry.
    pub bootstrap: Option<Bootstrap>,
    /// What `/etc/os-release` must contain in its cells; `None` if unknown.
    pub os: Option<Os>,
    /// The OpenSSL of its packages, for predictions; `None` if not stated.
    pub openssl: Option<String>,
    /// Whether the run stays green if its cells are unavailable.
    pub optional: bool,
    /// Whether it has ever worked.
    pub seen: bool,
    /// Whether it shows a future release: the run stays green if its cells are unavailable, too.
    pub forecast: bool,
    /// Build arguments for every recipe that runs on it.
    pub args: BTreeMap<String, String>,
    /// Set if its cells are upgraded in place from those of another row.
    pub upgrade: Option<UpgradeEnds>,
}

/// The rows that an upgrade in place starts from and ends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpgradeEnds {
    /// The row whose images are upgraded; it may be an upgrade too.
    pub from: DistroId,
    /// The distro that it ends on.
    pub to: DistroId,
}
