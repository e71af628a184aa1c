//! The server name that ATS asks for.

pub(super) mod none_for_address;
pub(super) mod pristine_host;
pub(super) mod pristine_remap_policy;
pub(super) mod pristine_verified;
pub(super) mod remap_target;
pub(super) mod yaml_verify;
