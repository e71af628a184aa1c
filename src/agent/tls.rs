//! TLS of the agent, as client and as origin, through rustls with aws-lc-rs.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, CommonState, DigitallySignedStruct, HandshakeKind, RootCertStore, ServerConfig, SignatureScheme,
    SupportedProtocolVersion,
};

use crate::model::{Identity, Leaf, OriginTls, TlsSeen, TlsVersion};

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn version(version: TlsVersion) -> &'static SupportedProtocolVersion {
    match version {
        TlsVersion::Tls12 => &rustls::version::TLS12,
        TlsVersion::Tls13 => &rustls::version::TLS13,
    }
}

/// The server configuration for an origin as specified by `origin`.
pub(super) fn server(origin: &OriginTls, identity: &Identity) -> anyhow::Result<Arc<ServerConfig>> {
    let leaf = identity
        .origins
        .get(&origin.certificate)
        .with_context(|| format!("the plan lacks the certificate {:?}", origin.certificate))?;
    let all: &[&SupportedProtocolVersion] = rustls::ALL_VERSIONS;
    let versions: Vec<_> = origin.versions.iter().map(|&wanted| version(wanted)).collect();
    let builder = ServerConfig::builder_with_provider(limited(origin)?)
        .with_protocol_versions(if versions.is_empty() { all } else { &versions })?;
    let builder = if origin.client_auth {
        let verifier = WebPkiClientVerifier::builder_with_provider(roots(identity)?.into(), provider()).build()?;
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let (chain, key) = read(leaf).context("cannot read the origin's certificate")?;
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = origin.alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Ok(Arc::new(config))
}

/// A provider with only the suites and groups of `origin`, by name. The names in rustls are those of IANA, with
/// `TLS13_` instead of `TLS_` where both TLS versions have
/// such a suite.
fn limited(origin: &OriginTls) -> anyhow::Result<Arc<CryptoProvider>> {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    if !origin.suites.is_empty() {
        provider.cipher_suites.retain(|suite| origin.suites.contains(&format!("{:?}", suite.suite())));
        ensure!(!provider.cipher_suites.is_empty(), "rustls has none of the suites {:?}", origin.suites);
    }
    if !origin.groups.is_empty() {
        let known = rustls::crypto::aws_lc_rs::ALL_KX_GROUPS;
        let wanted =
            origin.groups.iter().map(|name| known.iter().find(|group| format!("{:?}", group.name()) == *name).copied());
        provider.kx_groups =
            wanted.collect::<Option<_>>().with_context(|| format!("rustls lacks one of {:?}", origin.groups))?;
    }
    Ok(Arc::new(provider))
}

fn read(leaf: &Leaf) -> anyhow::Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let chain = CertificateDer::pem_slice_iter(leaf.chain_pem.as_bytes()).collect::<Result<Vec<_>, _>>()?;
    Ok((chain, PrivateKeyDer::from_pem_slice(leaf.key_pem.as_bytes())?))
}

fn roots(identity: &Identity) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for ca in CertificateDer::pem_slice_iter(identity.ca_pem.as_bytes()) {
        roots.add(ca.context("cannot read the plan's CA")?)?;
    }
    Ok(roots)
}

/// The configuration of the agent's client: it trusts only the CA of the plan, and offers `alpn`.
pub(super) fn client(identity: &Identity, alpn: &[&str]) -> anyhow::Result<Arc<ClientConfig>> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(identity)?)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Ok(Arc::new(config))
}

/// A client that takes any certificate: it asks an ATS that has the certificates of its user.
pub(super) fn unverifying_client() -> anyhow::Result<Arc<ClientConfig>> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider())))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Verifies signatures, but neither names nor issuers.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// What `connection` negotiated. `peer` is left empty.
pub(super) fn negotiated(connection: &CommonState) -> TlsSeen {
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2".to_owned(),
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3".to_owned(),
        other => format!("{other:?}"),
    };
    let suite = connection.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite())).unwrap_or_default();
    let group = connection.negotiated_key_exchange_group().map(|group| format!("{:?}", group.name()));
    TlsSeen {
        version,
        suite,
        group: group.unwrap_or_default(),
        alpn: connection.alpn_protocol().map(|alpn| String::from_utf8_lossy(alpn).into_owned()).unwrap_or_default(),
        resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
        peer: String::new(),
    }
}
