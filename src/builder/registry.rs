//! Pulls, and what a run learns of registries by them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::StepFailure;
use crate::engine::{Class, Engine, ImageInfo, OnLine, patience};
use crate::model::registry_of;

/// What a run knows of registries, by host.
#[derive(Default)]
pub(super) struct Registries(Mutex<BTreeMap<String, Arc<Registry>>>);

/// What a run knows of a registry. Until it has answered once, one image at a time is asked for: those
/// of a registry that does not answer would each cost the whole wait.
type Registry = tokio::sync::Mutex<Reachability>;

/// How a registry answered.
#[derive(Debug, Default)]
enum Reachability {
    /// It was not asked yet.
    #[default]
    Unknown,
    /// It answers.
    Reachable,
    /// Nobody answers: why.
    Unreachable(String),
}

impl Registries {
    /// Pulls `reference`, unless its registry is known to be out of reach; else why not.
    pub(super) async fn pull(
        &self,
        engine: &Arc<dyn Engine>,
        reference: &str,
        on_line: OnLine<'_>,
    ) -> Result<ImageInfo, StepFailure> {
        // Each row names its own image, whichever was asked first.
        let told = |reason: &str, away| StepFailure { reason: format!("cannot pull {reference}: {reason}"), away };
        let registry =
            Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(host(reference)).or_default());
        let answer = registry.lock().await;
        let mut first = match &*answer {
            Reachability::Unreachable(reason) => return Err(told(reason, false)),
            // Nobody waits for the layers of another once it has answered.
            Reachability::Reachable => {
                drop(answer);
                None
            }
            Reachability::Unknown => Some(answer),
        };
        let pulled = engine
            .pull(reference, &mut |line| {
                // Engines report nothing before they have the image's manifest.
                if let Some(mut answer) = first.take() {
                    *answer = Reachability::Reachable;
                }
                on_line(line);
            })
            .await;
        let away = match &pulled {
            Ok(_) => false,
            Err(error) => error.class == Class::Interrupted || !patience::answers(engine).await,
        };
        if let Some(mut answer) = first {
            *answer = match &pulled {
                // An engine that is not there has not asked it.
                Err(_) if away => Reachability::Unknown,
                Err(error) if is_silence(&error.reason) => Reachability::Unreachable(error.reason.clone()),
                _ => Reachability::Reachable,
            };
        }
        pulled.map_err(|error| told(&error.reason, away))
    }
}

/// The registry part of an image reference; Docker's default where it names none.
pub(super) fn host(reference: &str) -> String {
    registry_of(reference).unwrap_or("docker.io").to_owned()
}

/// What resolvers, kernels, Go's HTTP client and our own patience say when there is no answer.
const SILENCE: [&str; 12] = [
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

/// Whether a pull failed because nobody answered, and not because the image is not there.
fn is_silence(reason: &str) -> bool {
    SILENCE.iter().any(|text| reason.contains(text))
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
    fn silence_is_told_from_refusal() {
        for silence in [
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
            assert!(is_silence(silence), "{silence}");
        }
        for refusal in
            ["manifest for r.test/x:1 not found: manifest unknown", "toomanyrequests: slow down", "unauthorized"]
        {
            assert!(!is_silence(refusal), "{refusal}");
        }
    }

    #[tokio::test]
    async fn a_registry_that_has_answered_is_asked_for_several_images_at_a_time() {
        let images = ["r.test/a:1", "r.test/b:1", "r.test/c:1"];
        let engine = images.iter().fold(FakeEngine::new(), |engine, image| engine.with_pullable(image));
        let shared: Arc<dyn Engine> = Arc::new(engine.clone());
        let registries = Registries::default();
        let pull =
            async |image: &str| registries.pull(&shared, image, &mut |_| {}).await.map_err(|trouble| trouble.reason);
        pull(images[0]).await.unwrap();
        assert_eq!(engine.most_pulling(), 1);
        let (b, c) = tokio::join!(pull(images[1]), pull(images[2]));
        assert!(b.is_ok() && c.is_ok());
        assert_eq!(engine.most_pulling(), 2);
    }
}
