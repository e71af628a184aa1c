//! Pulls, and what a run learns about registries from them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use super::{StepFailure, clip};
use crate::engine::{Class, Engine, ImageInfo, OnLine, patience};
use crate::model::registry_of;

/// What a run knows about registries, by host.
#[derive(Default)]
pub(super) struct Registries(Mutex<BTreeMap<String, Arc<Registry>>>);

/// What a run knows about a registry. Until it has answered once, images are pulled one at a time: if it is
/// unreachable, each pull would take the whole timeout.
type Registry = tokio::sync::Mutex<Reachability>;

/// Whether a registry answers.
#[derive(Debug, Default)]
enum Reachability {
    /// It was not contacted yet.
    #[default]
    Unknown,
    /// It answers.
    Reachable,
    /// It does not answer, for this reason.
    Unreachable(String),
}

/// Most of an engine's or registry's reason that goes into an error, characters.
const MAX_REASON: usize = 200;

/// The failure of the pull of `reference`.
pub(super) fn pull_failure(reference: &str, reason: &str, outage: bool) -> StepFailure {
    StepFailure::new(format!("cannot pull {reference}: {}", clip(reason, MAX_REASON)), outage)
}

impl Registries {
    /// Waits until it is known whether the registry of `reference` answers, or until nobody else is finding it out.
    /// The error, that it does not answer, names the image and the reason.
    pub(super) async fn contact(&self, reference: &str) -> Result<Contact, StepFailure> {
        let registry =
            Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(host(reference)).or_default());
        let known = registry.lock_owned().await;
        match &*known {
            Reachability::Unreachable(reason) => Err(pull_failure(reference, reason, false)),
            // Once it has answered, pulls run in parallel.
            Reachability::Reachable => Ok(Contact(None)),
            Reachability::Unknown => Ok(Contact(Some(known))),
        }
    }
}

/// A registry that answers, or that was not contacted yet and waits for the outcome of this.
pub(super) struct Contact(Option<OwnedMutexGuard<Reachability>>);

impl Contact {
    /// Whether this pull finds out if the registry answers.
    pub(super) fn is_first(&self) -> bool {
        self.0.is_some()
    }

    /// Pulls `reference`. The error names the image and the reason.
    pub(super) async fn pull(
        self,
        engine: &Arc<dyn Engine>,
        reference: &str,
        on_line: OnLine<'_>,
    ) -> Result<ImageInfo, StepFailure> {
        let Self(mut first) = self;
        let pulled = engine
            .pull(reference, &mut |line| {
                // Engines report nothing before they have the image's manifest.
                if let Some(mut known) = first.take() {
                    *known = Reachability::Reachable;
                }
                on_line(line);
            })
            .await;
        let outage = match &pulled {
            Ok(_) => false,
            Err(error) => error.class == Class::Interrupted || !patience::answers(engine).await,
        };
        if let Some(mut known) = first {
            *known = match &pulled {
                // The engine was unreachable, so the registry was not contacted.
                Err(_) if outage => Reachability::Unknown,
                Err(error) if is_unreachable(&error.reason) => Reachability::Unreachable(error.reason.clone()),
                Ok(_) | Err(_) => Reachability::Reachable,
            };
        }
        pulled.map_err(|error| pull_failure(reference, &error.reason, outage))
    }
}

/// The registry part of an image reference; Docker's default if it has none.
fn host(reference: &str) -> String {
    registry_of(reference).unwrap_or("docker.io").to_owned()
}

/// Messages of resolvers, kernels, Go's HTTP client and this program's own timeout if a registry does not answer.
const NO_ANSWER: [&str; 12] = [
    "no such host",
    "server misbehaving",
    "Temporary failure in name resolution",
    "connection refused",
    "no route to host",
    "network is unreachable",
    "i/o timeout",
    "TLS handshake timeout",
    "Client.Timeout exceeded while awaiting headers",
    "context deadline exceeded",
    "connection timed out",
    "no progress",
];

/// Whether a pull failed because the registry does not answer, and not because it does not have the image.
fn is_unreachable(reason: &str) -> bool {
    NO_ANSWER.iter().any(|text| reason.contains(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake::FakeEngine;

    #[test]
    fn the_registry_of_a_reference_is_its_first_part_if_that_looks_like_a_host() {
        assert_eq!(host("registry.fedoraproject.org/fedora:40"), "registry.fedoraproject.org");
        assert_eq!(host("localhost:5000/x"), "localhost:5000");
        assert_eq!(host("debian:trixie-slim"), "docker.io");
        assert_eq!(host("library/debian"), "docker.io");
    }

    #[test]
    fn an_unreachable_registry_is_distinguished_from_a_refusal() {
        for message in [
            "Get \"https://r.test/v2/\": dial tcp: lookup r.test on 10.0.0.1:53: server misbehaving",
            "Get \"https://r.test/v2/\": dial tcp: lookup r.test: Temporary failure in name resolution",
            "Get \"https://r.test/v2/\": dial tcp 10.0.0.2:443: connect: no route to host",
            "Get \"https://r.test/v2/\": net/http: TLS handshake timeout",
            "Get \"https://r.test/v2/\": net/http: request canceled while waiting for connection \
             (Client.Timeout exceeded while awaiting headers)",
            "Get \"https://r.test/v2/\": context deadline exceeded",
            "dial tcp 10.0.0.2:443: i/o timeout",
            "dial tcp 10.0.0.2:443: connect: connection refused",
        ] {
            assert!(is_unreachable(message), "{message}");
        }
        for refusal in
            ["manifest for r.test/x:1 not found: manifest unknown", "toomanyrequests: slow down", "unauthorized"]
        {
            assert!(!is_unreachable(refusal), "{refusal}");
        }
    }

    #[tokio::test]
    async fn images_of_a_registry_that_has_answered_are_pulled_in_parallel() {
        let images = ["r.test/a:1", "r.test/b:1", "r.test/c:1"];
        let engine = images.iter().fold(FakeEngine::new(), |engine, image| engine.with_pullable(image));
        let shared: Arc<dyn Engine> = Arc::new(engine.clone());
        let registries = Registries::default();
        let pull = async |image: &str| {
            let contact = registries.contact(image).await.map_err(|failure| failure.reason)?;
            contact.pull(&shared, image, &mut |_| {}).await.map_err(|failure| failure.reason)
        };
        pull(images[0]).await.unwrap();
        assert_eq!(engine.most_pulling(), 1);
        let (b, c) = tokio::join!(pull(images[1]), pull(images[2]));
        assert!(b.is_ok() && c.is_ok());
        assert_eq!(engine.most_pulling(), 2);
    }
}
