//! Certificates of a run: a CA of its own and one leaf for every trial's origin.

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

use crate::model::Identity;

/// Makes a CA and a leaf that is good for every name of `names`. Names only: ATS ignores IP
/// addresses in certificates.
///
/// # Errors
/// When a name is no DNS name.
pub(crate) fn make(names: &[String]) -> anyhow::Result<Identity> {
    let mut ca = CertificateParams::new(Vec::new())?;
    ca.distinguished_name.push(DnType::CommonName, "atsmatrix CA of one run");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate()?)?;

    let mut leaf = CertificateParams::new(names.to_vec()).context("an origin's name is no DNS name")?;
    leaf.distinguished_name.push(DnType::CommonName, "origin.test");
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let leaf = leaf.signed_by(&key, &ca)?;
    Ok(Identity { ca_pem: ca.pem(), cert_pem: leaf.pem(), key_pem: key.serialize_pem() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_is_made_for_all_names() {
        let identity = make(&["a.test".into(), "b.test".into()]).unwrap();
        assert!(identity.cert_pem.starts_with("-----BEGIN CERTIFICATE-----"));
        assert_ne!(identity.ca_pem, identity.cert_pem);
        assert!(make(&["ä.test".into()]).is_err());
    }
}
