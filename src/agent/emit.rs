//! Evidence out: sealed lines on stdout.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use super::seal::{Key, Sealer};
use crate::model::Line;

/// Writes evidence, one whole line at a time, from any task.
#[derive(Clone)]
pub(super) struct Emitter(Arc<Mutex<Out>>);

struct Out {
    writer: Box<dyn Write + Send>,
    /// Only tests read what is not sealed.
    sealer: Option<Sealer>,
}

impl Emitter {
    /// To stdout, sealed with `key`.
    pub(super) fn stdout(key: &Key) -> Self {
        Self::of(std::io::stdout(), Some(Sealer::new(key)))
    }

    /// To any writer, not sealed.
    #[cfg(test)]
    pub(super) fn to(writer: impl Write + Send + 'static) -> Self {
        Self::of(writer, None)
    }

    fn of(writer: impl Write + Send + 'static, sealer: Option<Sealer>) -> Self {
        Self(Arc::new(Mutex::new(Out { writer: Box::new(writer), sealer })))
    }

    /// Writes `line`. A reader that is gone cannot be told so; the watch on stdin ends the agent.
    pub(super) fn emit(&self, line: &Line) {
        let Ok(json) = serde_json::to_string(line) else { return };
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Numbered and written under one lock: lines go out in the order of their numbers.
        let Out { writer, sealer } = &mut *out;
        let mut text = sealer.as_mut().map_or_else(|| json.clone(), |sealer| sealer.seal(&json));
        text.push('\n');
        let _ = writer.write_all(text.as_bytes()).and_then(|()| writer.flush());
    }
}
