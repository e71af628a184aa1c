//! Origins that ATS must refuse.

pub(super) mod client_certificate;
pub(super) mod cut_chain;
pub(super) mod expired;
pub(super) mod not_yet_valid;
pub(super) mod rsa1024;
pub(super) mod self_signed;
pub(super) mod sha1_signature;
pub(super) mod signature_only;
pub(super) mod tls10_only;
pub(super) mod untrusted_ca;
pub(super) mod wrong_name;
