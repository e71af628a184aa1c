//! Waits for an engine that is away: a restart, a broken tunnel. What it broke is done once more and does not count.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Class, Engine, EngineError};

/// How long an engine may be away. Docker restarts within seconds; a machine takes a minute or two.
const MAX_OUTAGE: Duration = Duration::from_mins(2);

/// Between two questions whether it is back: an engine that is away announces nothing.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// How long it may take to answer what it is.
const REPLY_TIMEOUT: Duration = Duration::from_secs(10);

/// How often the engine may break the same work by going away, before that counts.
pub const MAX_OUTAGES: usize = 3;

/// Gets what is to be told of the waiting.
pub type Note<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// What all images and cells of a run know about whether the engine is there. Once one has waited in vain, none waits
/// again.
#[derive(Debug, Default)]
pub struct Patience {
    /// Held by the one that waits.
    waiting: Mutex<()>,
    given_up: AtomicBool,
}

impl Patience {
    /// Waits until `engine` answers, for a bounded time; whether it does.
    pub async fn wait_until_back(&self, engine: &Arc<dyn Engine>, note: Note<'_>, stop: &CancellationToken) -> bool {
        let _first = self.waiting.lock().await;
        if answers(engine).await {
            return true;
        }
        if self.given_up.load(Ordering::Relaxed) {
            return false;
        }
        let begun = Instant::now();
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
            format!("the engine answers again, after {:.1} s: what it broke runs again", begun.elapsed().as_secs_f64())
        } else {
            format!("the engine has not come back within {} s: `atsmatrix doctor` tells more", MAX_OUTAGE.as_secs())
        });
        back
    }
}

/// Whether `error` is that of an engine that went away.
pub fn is_outage(error: &anyhow::Error) -> bool {
    let away = |error: &EngineError| matches!(error.class, Class::Unreachable | Class::Interrupted);
    error.chain().any(|cause| cause.downcast_ref::<EngineError>().is_some_and(away))
}

/// Whether `engine` answers now.
pub async fn answers(engine: &Arc<dyn Engine>) -> bool {
    matches!(tokio::time::timeout(REPLY_TIMEOUT, engine.info()).await, Ok(Ok(_)))
}
