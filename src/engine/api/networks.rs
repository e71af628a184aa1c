//! Bridge networks: create and remove.

use std::collections::HashMap;
use std::time::Duration;

use bollard::errors::Error as ApiError;
use bollard::models::NetworkCreateRequest;
use bollard::query_parameters::{EventsOptionsBuilder, InspectNetworkOptions};
use futures_util::{Stream, StreamExt};
use tokio::time::Instant;

use super::{ApiEngine, describe};
use crate::engine::{NetworkSpec, Result};

/// How long a network's last endpoints may take to disappear. Engines drop them a little after the
/// container (moby#42119, moby#17217).
const EMPTY_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a network is retried in which the engine itself shows no container. Engines sometimes miscount endpoints and then let
/// nobody remove it until they are restarted (moby#17217); every later run would wait for it.
const MISCOUNT_TIMEOUT: Duration = Duration::from_secs(3);

/// Stale endpoints disappear without an event, so removal is retried at least this often.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

impl ApiEngine {
    pub(super) async fn make_network(&self, spec: &NetworkSpec) -> Result<String> {
        let request = NetworkCreateRequest {
            name: spec.name.clone(),
            driver: Some("bridge".to_owned()),
            internal: Some(spec.internal),
            labels: Some(spec.labels.clone().into_iter().collect()),
            ..NetworkCreateRequest::default()
        };
        let created = self.docker.create_network(request).await;
        created.map(|network| network.id).map_err(|error| describe("create network", &spec.name, error))
    }

    /// Whether a network has containers, or may have.
    async fn has_containers(&self, id: &str) -> bool {
        let found = self.docker.inspect_network(id, None::<InspectNetworkOptions>).await;
        found.map_or(true, |network| network.containers.is_some_and(|containers| !containers.is_empty()))
    }

    pub(super) async fn drop_network(&self, id: &str) -> Result<()> {
        let (until, soon) = (Instant::now() + EMPTY_TIMEOUT, Instant::now() + MISCOUNT_TIMEOUT);
        let filters = HashMap::from([("type", vec!["network"]), ("event", vec!["disconnect"]), ("network", vec![id])]);
        let mut leaving = Box::pin(self.docker.events(Some(EventsOptionsBuilder::default().filters(&filters).build())));
        loop {
            let error = match self.docker.remove_network(id).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            match error {
                ApiError::DockerResponseServerError { status_code: 404, .. } => return Ok(()),
                // 403: Docker's answer to "has active endpoints"; 409: Podman's.
                ApiError::DockerResponseServerError { status_code: 403 | 409, .. }
                    if Instant::now() < soon || (Instant::now() < until && self.has_containers(id).await) =>
                {
                    next_or_tick(&mut leaving).await;
                }
                error => return Err(describe("remove network", id, error)),
            }
        }
    }
}

/// Waits for the next event, at most [`RETRY_PAUSE`]; exactly that long if the stream is broken.
async fn next_or_tick(events: &mut (impl Stream<Item = std::result::Result<impl Sized, ApiError>> + Unpin)) {
    let tick = Instant::now() + RETRY_PAUSE;
    match tokio::time::timeout_at(tick, events.next()).await {
        Ok(Some(Ok(_))) | Err(_) => {}
        Ok(None | Some(Err(_))) => tokio::time::sleep_until(tick).await,
    }
}
