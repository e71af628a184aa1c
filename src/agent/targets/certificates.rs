//! Certificates of stand-ins: each server name gets one of the run's CA when ATS asks for it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use rcgen::{CertificateParams, DnType, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::model::{CA_NAME, Identity};

/// Most names with a certificate: names come from rules, and from plugins.
const MAX_NAMES: usize = 50_000;

/// The name in the certificate for a client that sends none.
const NAMELESS: &str = "no-server-name.test";

/// The configuration of all stand-ins.
pub(super) fn server(identity: &Identity) -> anyhow::Result<Arc<ServerConfig>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let signer = OnDemand::new(identity, &provider)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(signer));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Makes certificates, all for one key.
struct OnDemand {
    issuer: Issuer<'static, KeyPair>,
    key: KeyPair,
    provider: Arc<CryptoProvider>,
    made: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl fmt::Debug for OnDemand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnDemand").finish_non_exhaustive()
    }
}

impl OnDemand {
    fn new(identity: &Identity, provider: &Arc<CryptoProvider>) -> anyhow::Result<Self> {
        let key = KeyPair::from_pem(&identity.ca_key_pem).context("cannot read the key of the plan's CA")?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, CA_NAME);
        Ok(Self {
            issuer: Issuer::new(params, key),
            key: KeyPair::generate()?,
            provider: Arc::clone(provider),
            made: Mutex::default(),
        })
    }

    fn make(&self, name: &str) -> anyhow::Result<CertifiedKey> {
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, "stand-in");
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&self.key, &self.issuer)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        Ok(CertifiedKey::new(vec![certificate.der().clone()], self.provider.key_provider.load_private_key(key)?))
    }
}

impl ResolvesServerCert for OnDemand {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().unwrap_or(NAMELESS).to_ascii_lowercase();
        let known = |made: &HashMap<String, Arc<CertifiedKey>>| made.get(&name).cloned();
        if let Some(known) = known(&self.made.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Some(known);
        }
        let made = Arc::new(self.make(&name).ok()?);
        let mut all = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MAX_NAMES {
            all.insert(name, Arc::clone(&made));
        }
        Some(made)
    }
}
