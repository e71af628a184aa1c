//! Origins below today's security levels, with the settings that let ATS reach them.

pub(super) mod seclevel0_rsa1024;
pub(super) mod seclevel0_sha1;
pub(super) mod tls10_legacy_on;
