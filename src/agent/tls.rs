//! TLS at both ends that are ours, through rustls with aws-lc-rs.

use std::sync::Arc;

use anyhow::Context as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, CommonState, HandshakeKind, RootCertStore, ServerConfig, SupportedProtocolVersion};

use crate::model::{Identity, OriginTls, TlsSeen, TlsVersion};

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn version(version: TlsVersion) -> &'static SupportedProtocolVersion {
    match version {
        TlsVersion::Tls12 => &rustls::version::TLS12,
        TlsVersion::Tls13 => &rustls::version::TLS13,
    }
}

/// What an origin that behaves like `origin` accepts.
pub(super) fn server(origin: &OriginTls, identity: &Identity) -> anyhow::Result<Arc<ServerConfig>> {
    let versions: Vec<_> = origin.versions.iter().map(|&wanted| version(wanted)).collect();
    let chain = CertificateDer::pem_slice_iter(identity.cert_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .context("cannot read the origin's certificate")?;
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).context("cannot read the origin's key")?;
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&versions)?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(Arc::new(config))
}

/// The agent's own client: trusts the plan's CA and nothing else.
pub(super) fn client(identity: &Identity) -> anyhow::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for ca in CertificateDer::pem_slice_iter(identity.ca_pem.as_bytes()) {
        roots.add(ca.context("cannot read the plan's CA")?)?;
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// What `connection` negotiated.
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
    }
}
