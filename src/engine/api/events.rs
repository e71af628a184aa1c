//! Events of containers, as the engine reports them: one JSON object per line on a connection that
//! stays open.

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use hyper::Method;
use serde::Deserialize;

use super::raw::{RawClient, RawError, StreamedResponse};
use super::raw_failed;
use crate::engine::error::{Class, EngineError};
use crate::engine::lines::LineSplitter;
use crate::engine::{ContainerChange, ContainerEvent, Result};

const OPERATION: &str = "follow events of";

/// Longest event read, bytes: events contain the labels of arbitrary images.
const MAX_EVENT: usize = 1 << 20;

/// Subscribes to events from now on.
pub(super) async fn follow(raw: &RawClient, engine: String) -> Result<BoxStream<'static, Result<ContainerEvent>>> {
    let filters = r#"{"type":["container","network"]}"#;
    let response = raw.send(Method::GET, "/events", &[("filters", filters)], "application/json", Bytes::new()).await;
    let response = response.map_err(raw_failed(OPERATION, &engine))?;
    let events = EventStream { response, lines: LineSplitter::new(MAX_EVENT), pending: Vec::new(), engine };
    Ok(stream::unfold(Some(events), next).boxed())
}

struct EventStream {
    response: StreamedResponse,
    lines: LineSplitter,
    pending: Vec<ContainerEvent>,
    engine: String,
}

/// The next event. A broken stream ends with an error, so that it does not look as if nothing happened.
async fn next(events: Option<EventStream>) -> Option<(Result<ContainerEvent>, Option<EventStream>)> {
    let mut events = events?;
    loop {
        if !events.pending.is_empty() {
            return Some((Ok(events.pending.remove(0)), Some(events)));
        }
        let error = match events.response.next().await {
            Ok(Some(piece)) => {
                events.pending = events.lines.push(&piece).iter().filter_map(|line| read(line)).collect();
                continue;
            }
            Ok(None) => RawError { class: Class::Interrupted, reason: "the engine closed the stream".to_owned() },
            Err(error) => error,
        };
        let error = EngineError::new(OPERATION, &events.engine, error.class, &error.reason);
        return Some((Err(error), None));
    }
}

#[derive(Deserialize)]
struct EngineEvent {
    #[serde(rename = "Action", default)]
    action: String,
    #[serde(rename = "Actor")]
    actor: Actor,
    #[serde(rename = "timeNano", default)]
    time_nano: u64,
}

#[derive(Deserialize)]
struct Actor {
    #[serde(rename = "ID", default)]
    id: String,
    #[serde(rename = "Attributes", default)]
    attributes: Attributes,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Attributes {
    #[serde(rename = "exitCode")]
    exit_code: String,
    /// The same in Podman.
    #[serde(rename = "containerExitCode")]
    container_exit_code: String,
    signal: String,
    container: String,
}

/// The event on a line; `None` if it is not one of [`ContainerChange`].
fn read(line: &str) -> Option<ContainerEvent> {
    let event: EngineEvent = serde_json::from_str(line).ok()?;
    let Attributes { exit_code, container_exit_code, signal, container } = event.actor.attributes;
    let number = |text: &str| text.parse::<i64>().ok();
    let (container, what) = match event.action.as_str() {
        "die" | "died" => {
            let code = number(&exit_code).or_else(|| number(&container_exit_code)).unwrap_or(-1);
            (event.actor.id, ContainerChange::Died { code })
        }
        "pause" => (event.actor.id, ContainerChange::Paused),
        "unpause" => (event.actor.id, ContainerChange::Resumed),
        // SIGSTOP and SIGCONT. Other signals matter only if the container exits, which is an event of its own.
        "kill" if matches!(signal.as_str(), "19" | "SIGSTOP") => (event.actor.id, ContainerChange::Paused),
        "kill" if matches!(signal.as_str(), "18" | "SIGCONT") => (event.actor.id, ContainerChange::Resumed),
        "disconnect" => (container, ContainerChange::LeftNetwork),
        _ => return None,
    };
    Some(ContainerEvent { at_us: event.time_nano / 1000, container, what })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(action: &str, attributes: &str) -> Option<(String, ContainerChange)> {
        let line = format!(
            r#"{{"Type":"x","Action":"{action}","Actor":{{"ID":"c","Attributes":{{{attributes}}}}},"timeNano":5000}}"#
        );
        read(&line).map(|event| {
            assert_eq!(event.at_us, 5);
            (event.container, event.what)
        })
    }

    #[test]
    fn events_that_stop_a_container_are_read_and_others_are_ignored() {
        let own = |what| Some(("c".to_owned(), what));
        assert_eq!(of("die", r#""exitCode":"137","name":"n""#), own(ContainerChange::Died { code: 137 }));
        assert_eq!(of("died", r#""containerExitCode":"1""#), own(ContainerChange::Died { code: 1 }));
        assert_eq!(of("die", ""), own(ContainerChange::Died { code: -1 }));
        assert_eq!(of("pause", ""), own(ContainerChange::Paused));
        assert_eq!(of("unpause", ""), own(ContainerChange::Resumed));
        assert_eq!(of("kill", r#""signal":"19""#), own(ContainerChange::Paused));
        assert_eq!(of("kill", r#""signal":"18""#), own(ContainerChange::Resumed));
        assert_eq!(of("kill", r#""signal":"15""#), None);
        assert_eq!(
            of("disconnect", r#""container":"d","name":"net""#),
            Some(("d".to_owned(), ContainerChange::LeftNetwork))
        );
        assert_eq!(of("exec_create: sh", ""), None);
        assert_eq!(read("garbage"), None);
    }
}
