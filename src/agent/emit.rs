//! Writes evidence: sealed lines on stdout.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use super::seal::{Key, Sealer};
use crate::model::Line;

/// Writes evidence from any task, one whole line at a time.
#[derive(Clone)]
pub(super) struct Emitter(Arc<Mutex<Sink>>);

struct Sink {
    writer: Box<dyn Write + Send>,
    /// `None` in tests, which read unsealed lines.
    sealer: Option<Sealer>,
}

impl Emitter {
    /// Writes to stdout, sealed with `key`.
    pub(super) fn stdout(key: &Key) -> Self {
        Self::of(std::io::stdout(), Some(Sealer::new(key)))
    }

    /// Writes to any writer, unsealed.
    #[cfg(test)]
    pub(super) fn to(writer: impl Write + Send + 'static) -> Self {
        Self::of(writer, None)
    }

    fn of(writer: impl Write + Send + 'static, sealer: Option<Sealer>) -> Self {
        Self(Arc::new(Mutex::new(Sink { writer: Box::new(writer), sealer })))
    }

    /// Writes `line`. When the reader is gone the error is ignored: the watch on stdin ends the agent.
    pub(super) fn emit(&self, line: &Line) {
        let Ok(json) = serde_json::to_string(line) else { return };
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Numbered and written under one lock, so that lines are in the order of their numbers.
        let Sink { writer, sealer } = &mut *out;
        let mut text = sealer.as_mut().map_or_else(|| json.clone(), |sealer| sealer.seal(&json));
        text.push('\n');
        let _ = writer.write_all(text.as_bytes()).and_then(|()| writer.flush());
    }
}
