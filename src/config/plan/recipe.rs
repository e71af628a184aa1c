//! The Containerfiles of the images folder.

use crate::model::Version;

/// What compiles ATS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildSystem {
    /// Up to ATS 9.
    Autotools,
    /// From ATS 10 on.
    Cmake,
}

impl BuildSystem {
    /// The build system of the ATS with this version. One that cannot be parsed is not planned: matrix.yaml is checked.
    pub(super) fn of(version: &str) -> Self {
        match (version.parse::<Version>(), "10".parse::<Version>()) {
            (Ok(version), Ok(ten)) if version >= ten => Self::Cmake,
            _ => Self::Autotools,
        }
    }

    /// The folder of its recipes.
    fn folder(self) -> &'static str {
        match self {
            Self::Autotools => "tarball",
            Self::Cmake => "cmake",
        }
    }
}

/// A Containerfile of the images folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipe {
    /// Compiles ATS from a release tarball.
    Build(BuildSystem),
    /// Compiles ATS again in another build tree, with further patches.
    Rebuild(BuildSystem),
    /// Installs a compiled ATS on the distro that it runs on.
    Runtime,
    /// Installs the ATS package of a distro family, by the family's folder.
    Package(String),
    /// Upgrades the distro of an image in place.
    Upgrade,
    /// Installs an origin that is a separate container, by its name in matrix.yaml.
    Origin(&'static str),
    /// Installs package files of the user's own.
    Local,
    /// Installs the tools that make base images of apt's suites.
    Bootstrapper,
    /// Installs the tools that make base images of dnf's releases.
    DnfBootstrapper,
}

impl Recipe {
    /// Its path within the images folder.
    pub fn path(&self) -> String {
        match self {
            Self::Build(system) => format!("{}/build.Containerfile", system.folder()),
            Self::Rebuild(system) => format!("{}/rebuild.Containerfile", system.folder()),
            Self::Runtime => "tarball/runtime.Containerfile".to_owned(),
            Self::Package(family) => format!("{family}/Containerfile"),
            Self::Upgrade => "upgrade/Containerfile".to_owned(),
            Self::Origin(program) => format!("{program}/Containerfile"),
            Self::Local => "local/Containerfile".to_owned(),
            Self::Bootstrapper => "bootstrap/Containerfile".to_owned(),
            Self::DnfBootstrapper => "dnf/Containerfile".to_owned(),
        }
    }

    /// Whether it compiles ATS.
    pub fn compiles(&self) -> bool {
        match self {
            Self::Build(_) | Self::Rebuild(_) => true,
            Self::Runtime
            | Self::Package(_)
            | Self::Upgrade
            | Self::Origin(_)
            | Self::Local
            | Self::Bootstrapper
            | Self::DnfBootstrapper => false,
        }
    }

    /// The kind of image that it makes, for the tag `atsmatrix/KIND:DIGEST`.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Build(_) | Self::Rebuild(_) => "build",
            Self::Runtime => "runtime",
            Self::Package(_) => "package",
            Self::Upgrade => "upgrade",
            Self::Origin(program) => program,
            Self::Local => "local",
            Self::Bootstrapper => "bootstrapper",
            Self::DnfBootstrapper => "dnf-bootstrapper",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ats_10_and_later_build_with_cmake() {
        let path = |version| Recipe::Build(BuildSystem::of(version)).path();
        for version in ["8.1.11", "9.2.5", "9.10"] {
            assert_eq!(path(version), "tarball/build.Containerfile", "{version}");
        }
        for version in ["10", "10.0.1", "10.2.0", "11.0.0"] {
            assert_eq!(path(version), "cmake/build.Containerfile", "{version}");
        }
    }
}
