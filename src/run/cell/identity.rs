//! Certificates for one attempt: a new CA, and a leaf of every kind that the plan needs.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SignatureAlgorithm,
};

use crate::model::{
    CA_NAME, Certificate, Identity, Leaf, PARENT_NAME, Place, Speak, TrialPlan, front_name, origin_name, wild_name,
};

const DAY: Duration = Duration::from_hours(24);

/// Names in each certificate of the long chain, so that the chain exceeds the 16 KiB of a TLS record.
const LONG_NAMES: usize = 120;

/// Number of intermediate CAs of the long chain.
const LONG_DEPTH: usize = 3;

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// Makes the certificates that `plans` need.
///
/// # Errors
/// A trial's id is not valid in a DNS name.
pub(super) fn of(plans: &[TrialPlan]) -> anyhow::Result<Identity> {
    let fronts: Vec<String> = plans.iter().map(|plan| front_name(&plan.id)).collect();
    let mut origins: Vec<String> = plans.iter().map(|plan| origin_name(&plan.id)).collect();
    // A client that is tunnelled to an origin sends it the host name of ATS.
    let tunnels =
        |plan: &&TrialPlan| plan.spec.sni.iter().flat_map(|rule| &rule.keys).any(|(key, _)| key == "tunnel_route");
    origins.extend(plans.iter().filter(tunnels).map(|plan| front_name(&plan.id)));
    let mut kinds: BTreeSet<Certificate> =
        plans.iter().filter_map(|plan| plan.spec.origin.tls.as_ref()).map(|tls| tls.certificate).collect();
    if plans.iter().any(|plan| matches!(plan.spec.origin.speak, Speak::Openssl { .. })) {
        kinds.insert(Certificate::Good);
    }
    for plan in plans {
        if let Place::Beside(program) = plan.spec.place {
            kinds.extend(program.certificates());
        }
    }
    make(&origins, &fronts, &kinds)
}

/// Makes a CA, the leaves of `kinds` for all `origins`, the certificate of ATS for `fronts`, and a client certificate. They
/// contain names only, as ATS ignores IP addresses in certificates.
///
/// # Errors
/// A name is not a DNS name.
pub(crate) fn make(origins: &[String], fronts: &[String], kinds: &BTreeSet<Certificate>) -> anyhow::Result<Identity> {
    let ca = authority(CA_NAME, None)?;
    // The child asks for the origins by their own names, of which it verifies the certificate.
    let of_parent: Vec<String> = std::iter::once(PARENT_NAME.to_owned()).chain(origins.iter().cloned()).collect();
    let mut identity = Identity {
        ca_pem: ca.pem(),
        ca_key_pem: ca.key().serialize_pem(),
        front: leaf(&named(fronts, "ats.test")?, &rcgen::PKCS_ECDSA_P256_SHA256, &ca, "")?,
        renewed: leaf(&named(fronts, "ats.test")?, &rcgen::PKCS_ECDSA_P256_SHA256, &ca, "")?,
        client: leaf(&client_only(named(&["client.test".to_owned()], "client.test")?), P256, &ca, "")?,
        parent: leaf(&named(&of_parent, PARENT_NAME)?, &rcgen::PKCS_ECDSA_P256_SHA256, &ca, "")?,
        ..Identity::default()
    };
    for kind in kinds {
        let made = origin(*kind, origins, &ca).with_context(|| format!("cannot make the certificate {kind:?}"))?;
        identity.origins.insert(*kind, made);
    }
    Ok(identity)
}

const P256: &SignatureAlgorithm = &rcgen::PKCS_ECDSA_P256_SHA256;

/// Makes one kind of origin certificate.
fn origin(kind: Certificate, names: &[String], ca: &Issuer) -> anyhow::Result<Leaf> {
    let mut params = named(names, "origin.test")?;
    match kind {
        Certificate::Good => leaf(&params, P256, ca, ""),
        Certificate::Rsa => leaf(&params, &rcgen::PKCS_RSA_SHA256, ca, ""),
        Certificate::P384 => leaf(&params, &rcgen::PKCS_ECDSA_P384_SHA384, ca, ""),
        Certificate::Ed25519 => leaf(&params, &rcgen::PKCS_ED25519, ca, ""),
        Certificate::Wildcard => leaf(&named(&[wild_name("*")], "wildcard.example")?, P256, ca, ""),
        Certificate::Chain => {
            let middle = authority("atsmatrix intermediate CA", Some(ca))?;
            leaf(&params, P256, &middle, &middle.pem())
        }
        Certificate::LongChain => long_chain(names, ca),
        Certificate::ChainCut => leaf(&params, P256, &authority("atsmatrix intermediate CA", Some(ca))?, ""),
        Certificate::Untrusted => leaf(&params, P256, &authority("a CA that nobody knows", None)?, ""),
        Certificate::SelfSigned => {
            let key = KeyPair::generate_for(P256)?;
            Ok(Leaf { chain_pem: params.self_signed(&key)?.pem(), key_pem: key.serialize_pem() })
        }
        Certificate::WrongName => leaf(&named(&["wrong-name.example".to_owned()], "wrong-name.example")?, P256, ca, ""),
        Certificate::Expired => {
            params.not_after = (SystemTime::now() - DAY).into();
            leaf(&params, P256, ca, "")
        }
        Certificate::NotYetValid => {
            params.not_before = (SystemTime::now() + DAY).into();
            leaf(&params, P256, ca, "")
        }
        Certificate::ClientOnly => leaf(&client_only(params), P256, ca, ""),
    }
}

/// A leaf below several intermediate CAs, each with many names.
fn long_chain(names: &[String], ca: &Issuer) -> anyhow::Result<Leaf> {
    let mut chain = String::new();
    let mut issuer: Option<Issuer> = None;
    for depth in 0..LONG_DEPTH {
        let mut params = authority_params(&format!("atsmatrix intermediate CA {depth}"));
        let many = (0..LONG_NAMES).map(|n| format!("name-{n}.of-a-long-chain-of-certificates-{depth}.example"));
        params.subject_alt_names = CertificateParams::new(many.collect::<Vec<_>>())?.subject_alt_names;
        let next = CertifiedIssuer::signed_by(params, KeyPair::generate()?, issuer.as_ref().unwrap_or(ca))?;
        chain = format!("{}{chain}", next.pem());
        issuer = Some(next);
    }
    leaf(&named(names, "origin.test")?, P256, issuer.as_ref().unwrap_or(ca), &chain)
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params
}

fn authority(name: &str, above: Option<&Issuer>) -> anyhow::Result<Issuer> {
    let (params, key) = (authority_params(name), KeyPair::generate()?);
    Ok(match above {
        Some(above) => CertifiedIssuer::signed_by(params, key, above)?,
        None => CertifiedIssuer::self_signed(params, key)?,
    })
}

/// The contents of a server certificate.
fn named(names: &[String], common: &str) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::new(names.to_vec()).context("a host name is not a DNS name")?;
    params.distinguished_name.push(DnType::CommonName, common);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn client_only(mut params: CertificateParams) -> CertificateParams {
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

fn leaf(
    params: &CertificateParams,
    kind: &'static SignatureAlgorithm,
    by: &Issuer,
    rest: &str,
) -> anyhow::Result<Leaf> {
    let key = KeyPair::generate_for(kind)?;
    let signed = params.signed_by(&key, by)?;
    Ok(Leaf { chain_pem: format!("{}{rest}", signed.pem()), key_pem: key.serialize_pem() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Certificate; 14] = [
        Certificate::Good,
        Certificate::Rsa,
        Certificate::P384,
        Certificate::Ed25519,
        Certificate::Wildcard,
        Certificate::Chain,
        Certificate::LongChain,
        Certificate::ChainCut,
        Certificate::Untrusted,
        Certificate::SelfSigned,
        Certificate::WrongName,
        Certificate::Expired,
        Certificate::NotYetValid,
        Certificate::ClientOnly,
    ];

    #[test]
    fn every_kind_can_be_made_with_the_right_chain_length() {
        let identity = make(&["a.test".into(), "b.test".into()], &["a.t".into()], &ALL.into()).unwrap();
        let count = |kind| identity.origins[&kind].chain_pem.matches("BEGIN CERTIFICATE").count();
        assert_eq!(identity.origins.len(), ALL.len());
        assert_eq!((count(Certificate::Good), count(Certificate::Chain), count(Certificate::ChainCut)), (1, 2, 1));
        // PEM is a third larger than what is sent, which must exceed 16 KiB.
        assert!(identity.origins[&Certificate::LongChain].chain_pem.len() > 16 * 1024 * 4 / 3);
        assert!(make(&["ä.test".into()], &[], &[Certificate::Good].into()).is_err());
    }
}
