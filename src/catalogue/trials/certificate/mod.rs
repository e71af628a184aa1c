//! Certificates that ATS accepts, and how strictly it looks.

pub(super) mod cert_chain;
pub(super) mod cert_ed25519;
pub(super) mod cert_long_chain;
pub(super) mod cert_p384;
pub(super) mod cert_rsa;
pub(super) mod cert_wildcard;
pub(super) mod verify_disabled;
pub(super) mod verify_enforced;
pub(super) mod verify_integer_key;
pub(super) mod verify_permissive;
pub(super) mod verify_signature_only;
