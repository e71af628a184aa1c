//! Starts the image of a cell as it is delivered, with its own entrypoint, user, environment and configuration, in a
//! container of its own without a network, and watches whether ATS serves there.
//!
//! Nothing of ours is in that container: what was seen comes from the engine, and from a probe in another container that
//! shares its processes and its network.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::Job;
use crate::agent::seal::{Key, Opener, SealError};
use crate::agent::{PLAN_VARIABLE, pack};
use crate::ats::log;
use crate::catalogue::trials::image;
use crate::engine::lines::one_line;
use crate::engine::{Container, ContainerSpec, Engine, labels, with_timeout};
use crate::model::{AgentPlan, AtsLife, ClientRun, ImageStart, Line, Route, Served, TrialPlan};

/// How long ATS may take to answer. The agent gives an ATS with settings of ours as long.
const PATIENCE: Duration = Duration::from_secs(15);

/// Time beyond that for the containers themselves.
const GRACE: Duration = Duration::from_secs(30);

/// How long a container that the probe lost may take to be reported as ended.
const END: Duration = Duration::from_secs(3);

/// Lines kept of the output, and characters of each.
const LAST_LINES: usize = 3;
const MAX_LINE: usize = 300;

/// Most output that the engine keeps of the image, bytes.
const LOG_BYTES: u64 = 1 << 20;

/// What an engine says when the image's own command cannot be started: a fault of the image.
const UNSTARTABLE: &[&str] = &[
    "executable file not found",
    "no such file or directory",
    "permission denied",
    "exec format error",
    "unable to find user",
    "no matching entries in passwd file",
    "not a directory",
];

/// Runs the trials among `plans` that start the image as it is delivered, and returns the evidence.
pub(super) async fn run(engine: &Arc<dyn Engine>, job: &Job, number: u32, plans: &[TrialPlan]) -> Vec<Line> {
    let mut lines = Vec::new();
    for plan in plans.iter().filter(|plan| plan.spec.route == Route::AsDelivered) {
        let Some(image) = &job.delivered else { continue };
        let watched = tokio::time::timeout(PATIENCE + GRACE, Box::pin(start(engine, job, number, image))).await;
        let trial = plan.id.clone();
        match watched.unwrap_or_else(|_| bail!("the engine did not start or end the image as it is delivered")) {
            Ok(start) => lines.extend(evidence(trial, start)),
            Err(error) => lines.push(Line::Fault { trial: Some(trial), text: format!("{error:#}") }),
        }
    }
    lines
}

/// The lines of a trial: it has neither an origin nor packets.
fn evidence(trial: String, start: ImageStart) -> [Line; 3] {
    let run = ClientRun { exchanges: vec![image::exchange_of(&start)], ..ClientRun::default() };
    [
        Line::Client { trial: trial.clone(), run, ats: AtsLife::Alive },
        Line::Wire { trial: trial.clone(), flows: Vec::new(), pcapng: String::new(), lost: 0 },
        Line::Start { trial, start },
    ]
}

/// Starts `image`, watches it, and removes it.
async fn start(engine: &Arc<dyn Engine>, job: &Job, number: u32, image: &str) -> anyhow::Result<ImageStart> {
    let found = engine.image(image).await?.with_context(|| format!("the engine no longer has the image {image}"))?;
    let bounded = |text: &String| one_line(text, MAX_LINE);
    let mut start = ImageStart {
        command: found.command.iter().take(8).map(bounded).collect(),
        user: one_line(&found.user, MAX_LINE),
        ..ImageStart::default()
    };
    // Nothing to start: the trial says so.
    if image::exchange_of(&start).error.is_some() {
        return Ok(start);
    }
    let spec = ContainerSpec {
        image: found.id,
        as_delivered: true,
        log_bytes: Some(LOG_BYTES),
        ..own(job, number, "delivered")
    };
    let container = match engine.start(&spec).await {
        Ok(container) => container,
        Err(error) if UNSTARTABLE.iter().any(|sign| error.reason.to_lowercase().contains(sign)) => {
            start.refused = Some(bounded(&error.reason));
            return Ok(start);
        }
        Err(error) => return Err(error.into()),
    };
    let watched = watch(engine, job, number, container.as_ref()).await;
    let said = said(container.as_ref()).await;
    let id = container.id().to_owned();
    // The end of the run removes what is left.
    let _ = with_timeout("remove container", &id, container.remove()).await;
    (start.served, start.exit) = watched?;
    start.said = said;
    Ok(start)
}

/// What all containers of this trial have in common.
fn own(job: &Job, number: u32, kind: &str) -> ContainerSpec {
    let mut marks = job.labels.clone();
    marks.insert(labels::KIND.to_owned(), kind.to_owned());
    ContainerSpec {
        name: format!("{}-{number}-{kind}", job.name),
        labels: marks,
        memory: Some(job.limits.memory),
        pids: Some(job.limits.pids),
        ..ContainerSpec::default()
    }
}

/// Watches a started image until ATS serves in it, it ends, or time is up: what its processes showed, or its exit code.
async fn watch(
    engine: &Arc<dyn Engine>,
    job: &Job,
    number: u32,
    image: &dyn Container,
) -> anyhow::Result<(Option<Served>, Option<i64>)> {
    let seen = tokio::select! {
        // An image that has ended also ends its probe.
        biased;
        exit = image.wait() => return Ok((None, Some(exit?.code))),
        seen = probe(engine, job, number, image.id()) => seen,
    };
    match seen {
        Ok(seen) => Ok((Some(seen), None)),
        Err(error) => match tokio::time::timeout(END, image.wait()).await {
            Ok(exit) => Ok((None, Some(exit?.code))),
            Err(_) => Err(error.context("cannot watch the image that was started as it is delivered")),
        },
    }
}

/// What a probe beside the container `id` sees.
async fn probe(engine: &Arc<dyn Engine>, job: &Job, number: u32, id: &str) -> anyhow::Result<Served> {
    let key = Key::random()?;
    let plan = AgentPlan::Probe { patience_ms: u64::try_from(PATIENCE.as_millis())? };
    let spec = ContainerSpec {
        image: job.origin_image.clone(),
        stdin: key.line(),
        env: BTreeMap::from([(PLAN_VARIABLE.to_owned(), pack(&plan)?)]),
        joins: Some(id.to_owned()),
        read_only: true,
        no_new_privileges: true,
        ..own(job, number, "probe")
    };
    let mut container = engine.start(&spec).await?;
    let mut opener = Opener::new(&key);
    let (mut seen, mut trouble) = (None, None);
    let mut lines = container.lines();
    while let Some(text) = lines.recv().await {
        match opener.open(&text) {
            Ok(Line::Served(served)) => seen = Some(served),
            Ok(Line::Trouble { text, .. } | Line::Fault { text, .. }) => trouble = Some(text),
            Ok(Line::End) => break,
            Ok(_) => {}
            Err(SealError::Forged(text)) => bail!("a line was not written by the probe: {text}"),
            Err(SealError::Broken) => bail!("lines of the probe are missing"),
        }
    }
    let said = one_line(&container.stderr_tail(), MAX_LINE);
    let id = container.id().to_owned();
    let _ = with_timeout("remove container", &id, container.remove()).await;
    match (seen, trouble) {
        (Some(seen), None) => Ok(seen),
        (Some(seen), Some(_)) if seen.stayed => Ok(seen),
        (_, Some(text)) => bail!("the probe container {text}"),
        (None, None) => bail!("the probe saw nothing: {said}"),
    }
}

/// What became of an image, in a few lines.
pub(super) fn summary(start: &ImageStart) -> Vec<String> {
    let user = if start.user.is_empty() { "root" } else { &start.user };
    let mut lines = vec![format!("image: `{}` as {user}", start.command.join(" "))];
    lines.extend(start.refused.iter().map(|why| format!("engine: {}", log::normalise(why))));
    lines.extend(start.exit.map(|code| format!("exit code: {code}")));
    lines.extend(start.said.iter().map(|line| format!("said: {}", log::normalise(line))));
    lines
}

/// The last lines that the image has printed.
async fn said(image: &dyn Container) -> Vec<String> {
    let mut lines = image.logs().await.unwrap_or_default();
    lines.extend(image.stderr_tail().lines().map(str::to_owned));
    let lines = lines.iter().map(|line| one_line(line, MAX_LINE)).filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].to_vec()
}
