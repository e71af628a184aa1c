//! Builds with the classic builder, which every engine has (`BuildKit` needs a session over gRPC).
//! The log is passed on and never interpreted: its wording differs between engines.

use serde::Deserialize;

use super::{ApiEngine, raw_failed};
use crate::engine::error::{Class, EngineError};
use crate::engine::lines::LineSplitter;
use crate::engine::{BuildSpec, ImageInfo, OnLine, Result};

/// Longest message of the build stream, bytes: a message holds a fragment of the log.
const MAX_MESSAGE: usize = 1 << 20;

/// Longest log line passed on, bytes. A compiler's command line fits.
const MAX_LOG_LINE: usize = 16 << 10;

/// A message of the build stream.
#[derive(Deserialize)]
struct BuildMessage {
    stream: Option<String>,
    status: Option<String>,
    error: Option<String>,
    #[serde(rename = "errorDetail")]
    detail: Option<ErrorDetail>,
}

#[derive(Deserialize)]
struct ErrorDetail {
    code: Option<i64>,
    message: Option<String>,
}

/// Decodes a build stream: joins fragments into log lines and keeps the error that it may end with.
struct BuildStream {
    messages: LineSplitter,
    log: LineSplitter,
    error: Option<(Option<i64>, String)>,
}

impl BuildStream {
    fn new() -> Self {
        Self { messages: LineSplitter::new(MAX_MESSAGE), log: LineSplitter::new(MAX_LOG_LINE), error: None }
    }

    /// Adds a piece of the stream and returns the log lines that it completes.
    fn push(&mut self, piece: &[u8]) -> Vec<String> {
        let messages = self.messages.push(piece);
        messages.iter().flat_map(|message| self.message(message)).collect()
    }

    /// The remaining log lines, at the end of the stream.
    fn finish(&mut self) -> Vec<String> {
        let message = self.messages.finish();
        let mut lines = message.map(|message| self.message(&message)).unwrap_or_default();
        lines.extend(self.log.finish());
        lines
    }

    fn message(&mut self, text: &str) -> Vec<String> {
        // Other output does not matter: the image itself is inspected at the end.
        let Ok(message) = serde_json::from_str::<BuildMessage>(text) else { return Vec::new() };
        let code = message.detail.as_ref().and_then(|detail| detail.code);
        if let Some(reason) = message.detail.and_then(|detail| detail.message).or(message.error) {
            self.error = Some((code.filter(|code| *code != 0).or_else(|| exit_status(&reason)), reason));
        }
        let mut lines = message.stream.map(|fragment| self.log.push(fragment.as_bytes())).unwrap_or_default();
        if let Some(status) = message.status {
            lines.extend(self.log.push(status.as_bytes()));
            lines.extend(self.log.push(b"\n"));
        }
        lines
    }
}

/// The exit code at the end of Podman's message (`... while running runtime: exit status 65`), which has no field for it.
fn exit_status(reason: &str) -> Option<i64> {
    reason.trim_end().rsplit_once("exit status ")?.1.parse().ok()
}

impl ApiEngine {
    pub(super) async fn build_image(&self, spec: &BuildSpec, on_log: OnLine<'_>) -> Result<ImageInfo> {
        let args = serde_json::json!(spec.args).to_string();
        let labels = serde_json::json!(spec.labels).to_string();
        let memory = spec.memory.filter(|_| self.quirks.limits_memory).unwrap_or(0).to_string();
        let query = [
            ("t", spec.tag.as_str()),
            ("dockerfile", spec.containerfile.as_str()),
            ("buildargs", args.as_str()),
            ("labels", labels.as_str()),
            ("memory", memory.as_str()),
            // Without swap: with it, the limit would only slow the build down.
            ("memswap", memory.as_str()),
            ("rm", "1"),
            ("forcerm", "1"),
            ("nocache", if spec.no_cache { "1" } else { "0" }),
            ("version", "1"),
        ];
        let failed = |class, reason: &str| EngineError::from_engine("build image", &spec.tag, class, reason);
        let mut response = match self.raw.post("/build", &query, "application/x-tar", spec.context.clone()).await {
            Ok(response) => response,
            // The engine answered and refused: the recipe is invalid.
            Err(error) if error.class == Class::Other => {
                return Err(failed(Class::Build { code: None }, &error.reason));
            }
            Err(error) => return Err(raw_failed("build image", &spec.tag)(error)),
        };
        let mut log = BuildStream::new();
        while let Some(piece) = response.next().await.map_err(raw_failed("build image", &spec.tag))? {
            log.push(&piece).iter().for_each(|line| on_log(line));
        }
        log.finish().iter().for_each(|line| on_log(line));
        match log.error {
            Some((code, reason)) => Err(failed(Class::Build { code }, &reason)),
            None => self.made_image("build image", &spec.tag).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&str]) -> (Vec<String>, Option<(Option<i64>, String)>) {
        let mut log = BuildStream::new();
        let mut lines: Vec<String> = pieces.iter().flat_map(|piece| log.push(piece.as_bytes())).collect();
        lines.extend(log.finish());
        (lines, log.error)
    }

    #[test]
    fn log_lines_are_joined_from_fragments_of_fragments() {
        let (lines, error) = read(&[
            "{\"stream\":\"Step 1/2 : FROM scratch\"}\r\n{\"stream\":\"\\n\"}\r\n{\"str",
            "eam\":\"checking for\"}\r\n{\"stream\":\" gcc... yes\\r\\n\"}\r\n{\"aux\":{\"ID\":\"sha256:1\"}}\r\n",
            "{\"status\":\"Pulling\",\"id\":\"x\"}\r\n{\"stream\":\"no newline\"}",
        ]);
        assert_eq!(lines, ["Step 1/2 : FROM scratch", "checking for gcc... yes", "Pulling", "no newline"]);
        assert_eq!(error, None);
    }

    #[test]
    fn the_exit_code_of_a_failed_step_is_kept() {
        let (lines, error) = read(&[
            "{\"stream\":\"boom\\n\"}\n{\"errorDetail\":{\"code\":65,\"message\":\"The command returned a non-zero code: 65\"},\"error\":\"x\"}\n",
        ]);
        assert_eq!(lines, ["boom"]);
        assert_eq!(error, Some((Some(65), "The command returned a non-zero code: 65".to_owned())));
    }

    #[test]
    fn an_error_without_detail_is_an_error_too() {
        assert_eq!(read(&["{\"error\":\"no such stage\"}\n"]).1, Some((None, "no such stage".to_owned())));
    }

    #[test]
    fn podmans_exit_code_is_read_from_its_message() {
        let message = "error building at STEP \"RUN make\": error while running runtime: exit status 65";
        assert_eq!(exit_status(message), Some(65));
        assert_eq!(exit_status("exit status 65 was not"), None);
    }
}
