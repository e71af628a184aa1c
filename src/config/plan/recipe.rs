//! The Containerfiles of the images folder.

/// A Containerfile of the images folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipe {
    /// Compiles ATS from a release tarball.
    Build,
    /// Compiles ATS again in another build tree, with further patches.
    Rebuild,
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
            Self::Build => "tarball/build.Containerfile".to_owned(),
            Self::Rebuild => "tarball/rebuild.Containerfile".to_owned(),
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
            Self::Build | Self::Rebuild => true,
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
            Self::Build | Self::Rebuild => "build",
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
