//! Base images from a distro's package mirror, for machines without a registry: made in a container. Only the image
//! of that container itself is made by the host's own tool.

pub(super) mod contained;
pub(super) mod host;
mod unpack;

/// Most of a tool's last error that goes into an error, characters.
const MAX_REASON: usize = 240;
