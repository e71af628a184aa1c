//! What happens to containers, as the engine tells it: one JSON object after another on a connection that
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

/// Longest event taken, bytes: labels of foreign images stand in it.
const EVENT_MAX: usize = 1 << 20;

/// Asks for events from now on.
pub(super) async fn follow(raw: &RawClient, engine: String) -> Result<BoxStream<'static, Result<ContainerEvent>>> {
    let filters = r#"{"type":["container","network"]}"#;
    let answer = raw.send(Method::GET, "/events", &[("filters", filters)], "application/json", Bytes::new()).await;
    let answer = answer.map_err(raw_failed(OPERATION, &engine))?;
    let followed = EventStream { answer, lines: LineSplitter::new(EVENT_MAX), waiting: Vec::new(), engine };
    Ok(stream::unfold(Some(followed), next).boxed())
}

struct EventStream {
    answer: StreamedResponse,
    lines: LineSplitter,
    waiting: Vec<ContainerEvent>,
    engine: String,
}

/// The next happening. A stream that breaks off ends with an error: whoever follows must not take it for calm.
async fn next(followed: Option<EventStream>) -> Option<(Result<ContainerEvent>, Option<EventStream>)> {
    let mut followed = followed?;
    loop {
        if !followed.waiting.is_empty() {
            return Some((Ok(followed.waiting.remove(0)), Some(followed)));
        }
        let error = match followed.answer.next().await {
            Ok(Some(piece)) => {
                followed.waiting = followed.lines.push(&piece).iter().filter_map(|line| read(line)).collect();
                continue;
            }
            Ok(None) => RawError { class: Class::Interrupted, reason: "the engine ended it".to_owned() },
            Err(error) => error,
        };
        let error = EngineError::new(OPERATION, &followed.engine, error.class, &error.reason);
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
    /// Podman's name of it.
    #[serde(rename = "containerExitCode")]
    container_exit_code: String,
    signal: String,
    container: String,
}

/// What a line tells of a container, if it is one of the things that matter.
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
        // SIGSTOP and SIGCONT; of the others only the end that they may lead to matters.
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
        read(&line).map(|happening| {
            assert_eq!(happening.at_us, 5);
            (happening.container, happening.what)
        })
    }

    #[test]
    fn what_stops_a_container_is_read_and_the_rest_is_not() {
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
        assert_eq!(read("rubbish"), None);
    }
}
