//! Evidence out: JSON lines on stdout.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::Line;

/// Writes evidence, one whole line at a time, from any task.
#[derive(Clone)]
pub(super) struct Emitter(Arc<Mutex<Box<dyn Write + Send>>>);

impl Emitter {
    /// To stdout.
    pub(super) fn stdout() -> Self {
        Self::to(std::io::stdout())
    }

    /// To any writer.
    pub(super) fn to(writer: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(writer))))
    }

    /// Writes `line`. A reader that is gone cannot be told so; the watch on stdin ends the agent.
    pub(super) fn emit(&self, line: &Line) {
        let Ok(mut json) = serde_json::to_vec(line) else { return };
        json.push(b'\n');
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writer.write_all(&json).and_then(|()| writer.flush());
    }
}
