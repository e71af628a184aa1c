//! Waits for an engine that is temporarily unreachable: a restart, a broken tunnel. Work that it interrupted is retried.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Class, Engine, EngineError};

/// How long an engine may be unreachable. Docker restarts within seconds; a machine takes a minute or two.
const MAX_OUTAGE: Duration = Duration::from_mins(2);

/// Pause between two checks: no event announces that the engine is back.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// How long it may take to answer such a check.
const REPLY_TIMEOUT: Duration = Duration::from_secs(10);

/// How many times outages may interrupt the same work before it counts as failed.
pub const MAX_OUTAGES: usize = 3;

/// Receives messages for the user about the wait.
pub type Note<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Shared by all images and cells of a run: one of them waits for the engine, and once a wait has failed nothing
/// waits again.
#[derive(Debug, Default)]
pub struct Patience {
    /// Held while waiting.
    waiting: Mutex<()>,
    given_up: AtomicBool,
}

impl Patience {
    /// Waits a bounded time until `engine` answers; returns whether it does.
    pub async fn wait_until_back(&self, engine: &Arc<dyn Engine>, note: Note<'_>, stop: &CancellationToken) -> bool {
        let _first = self.waiting.lock().await;
        if answers(engine).await {
            return true;
        }
        if self.given_up.load(Ordering::Relaxed) {
            return false;
        }
        let started = Instant::now();
        note(&format!("the engine does not answer: waiting for it, at most {} s", MAX_OUTAGE.as_secs()));
        let back = async {
            loop {
                tokio::time::sleep(RETRY_PAUSE).await;
                if answers(engine).await {
                    return;
                }
            }
        };
        let back = tokio::select! {
            back = tokio::time::timeout(MAX_OUTAGE, back) => back.is_ok(),
            () = stop.cancelled() => return false,
        };
        self.given_up.store(!back, Ordering::Relaxed);
        note(&if back {
            format!(
                "the engine answers again after {:.1} s: retrying what it interrupted",
                started.elapsed().as_secs_f64()
            )
        } else {
            format!("the engine has not come back within {} s: run `atsmatrix doctor`", MAX_OUTAGE.as_secs())
        });
        back
    }
}

/// Whether `error` comes from an unreachable engine or a broken connection to it.
pub fn is_outage(error: &anyhow::Error) -> bool {
    let outage = |error: &EngineError| match error.class {
        Class::Unreachable | Class::Interrupted => true,
        Class::NotFound | Class::Build { .. } | Class::NoSpace | Class::Resources | Class::Other => false,
    };
    error.chain().any(|cause| cause.downcast_ref::<EngineError>().is_some_and(outage))
}

/// Whether `engine` answers now.
pub async fn answers(engine: &Arc<dyn Engine>) -> bool {
    matches!(tokio::time::timeout(REPLY_TIMEOUT, engine.info()).await, Ok(Ok(_)))
}
