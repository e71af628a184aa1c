//! The client of a trial: which route its requests take and which target they have.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::ROOT;
use super::settings::{self, CA};
use crate::agent::client::{self, Target, Tls};
use crate::agent::traffic_server::Ports;
use crate::agent::{curl, openssl, tls};
use crate::model::{
    CellPlan, ClientError, ClientPhase, ClientRun, Exchange, Front, Route, TrialPlan, front_name, origin_name,
};

/// Everything that clients need, whatever their route.
pub(super) struct Requester {
    origin_ip: IpAddr,
    plain: Arc<ClientConfig>,
    h2: Arc<ClientConfig>,
    /// The certificate that ATS presents to TLS clients, DER.
    front: Vec<u8>,
    /// The one that replaces it in a reload, DER.
    renewed: Vec<u8>,
}

impl Requester {
    pub(super) fn new(plan: &CellPlan) -> anyhow::Result<Self> {
        let read = |chain: &str| CertificateDer::from_pem_slice(chain.as_bytes()).map(|der| der.to_vec());
        let (front, renewed) = (read(&plan.identity.front.chain_pem), read(&plan.identity.renewed.chain_pem));
        Ok(Self {
            origin_ip: plan.origin_ip.parse().with_context(|| format!("`{}` is not an address", plan.origin_ip))?,
            plain: tls::client(&plan.identity, &[])?,
            h2: tls::client(&plan.identity, &["h2"])?,
            front: front.context("cannot read the certificate that ATS presents")?,
            renewed: renewed.context("cannot read the certificate that ATS presents after a reload")?,
        })
    }

    /// Runs the client of `trial`. `ports` are those of the ATS it goes through, if it goes through one.
    pub(super) async fn request(&self, trial: &TrialPlan, ports: Ports) -> ClientRun {
        let deadline = Duration::from_millis(trial.spec.deadline_ms);
        let origin = origin_name(&trial.id);
        let direct = SocketAddr::from((settings::direct(self.origin_ip, trial.spec.place), trial.port));
        let ca = Path::new(ROOT).join(CA);
        match trial.spec.route {
            Route::Ats => client::act(&self.target(trial, ports), &trial.spec.client.act, deadline).await,
            Route::DirectAgent => {
                let tls = trial.spec.origin.tls.is_some().then(|| tls_with(&self.plain, false, None));
                let target = Target { tls, ..Target::plain(direct, origin) };
                client::act(&target, &trial.spec.client.act, deadline).await
            }
            Route::DirectCurl => curl::run(&origin, direct, &ca, Path::new(ROOT), deadline).await,
            Route::AsDelivered => missing("no agent of a cell starts its image as it is delivered"),
            Route::DirectOpenssl => openssl::run(&origin, direct, &ca, deadline).await,
        }
    }

    /// The same for an ATS that is to present its other certificate.
    pub(super) fn renewed_target(&self, trial: &TrialPlan, ports: Ports) -> Target {
        let target = self.target(trial, ports);
        Target { tls: target.tls.map(|tls| Tls { ats: Some(self.renewed.clone()), ..tls }), ..target }
    }

    /// What the client of `trial` connects to by way of the ATS on `ports`.
    pub(super) fn target(&self, trial: &TrialPlan, ports: Ports) -> Target {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let front = || Some(self.front.clone());
        let plain = Target::plain(at(ports.http), front_name(&trial.id));
        let secure = |tls| Target { address: at(ports.tls), tls: Some(tls), ..plain.clone() };
        match trial.spec.client.front {
            Front::Http => plain,
            Front::Tls => secure(tls_with(&self.plain, false, front())),
            Front::H2 => secure(tls_with(&self.h2, false, front())),
            Front::TlsSplitHello => secure(tls_with(&self.plain, true, front())),
            Front::AbsoluteForm => Target { absolute: Some("http"), ..plain },
            Front::ForwardProxy => {
                let scheme = if trial.spec.origin.https { "https" } else { "http" };
                let host = format!("{}:{}", origin_name(&trial.id), trial.port);
                Target { host, absolute: Some(scheme), ..plain }
            }
            Front::Connect => {
                let authority = format!("{}:{}", origin_name(&trial.id), trial.port);
                let tls = Some(tls_with(&self.plain, false, front()));
                Target { host: authority.clone(), tls, connect: Some(authority), ..plain }
            }
        }
    }
}

fn tls_with(config: &Arc<ClientConfig>, split_hello: bool, ats: Option<Vec<u8>>) -> Tls {
    Tls { config: Arc::clone(config), split_hello, ats }
}

/// The run of a trial that this image lacks something for.
pub(super) fn missing(reason: &str) -> ClientRun {
    let error = ClientError { phase: ClientPhase::Missing, text: reason.to_owned() };
    ClientRun { exchanges: vec![Exchange { error: Some(error), ..Exchange::default() }], ..ClientRun::default() }
}
