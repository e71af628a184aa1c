//! Base images from a distro's package mirror, for machines with no registry in reach: in a container, and only the
//! first one, which that container is made of, by the host's own tool.

pub(super) mod contained;
pub(super) mod host;
mod unpack;
