//! Apache httpd as an origin with two virtual hosts.

pub(super) mod get;
pub(super) mod pristine_name_source;
pub(super) mod pristine_remap_policy;
