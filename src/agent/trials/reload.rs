//! A reload of the configuration of ATS under traffic: clients keep sending requests while a remap rule is added and
//! ATS is told to reload.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::time::{MissedTickBehavior, interval};

use crate::agent::client::{self, Target};
use crate::agent::traffic_server::{Control, Installation};
use crate::agent::{now_us, program};
use crate::catalogue::trials::body;
use crate::model::{ClientError, ClientPhase, ClientRun, Exchange, Load, RequestSpec};

/// Time between two requests of a client. Some hundred requests in all keep the evidence small.
const PACE: Duration = Duration::from_millis(50);

/// Time between two requests for the new rule. ATS does not report the end of a reload, so the rule is requested until
/// it works.
const RULE_POLL: Duration = Duration::from_millis(50);

/// Timeout for `traffic_ctl`, which returns before the reload itself is done.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(10);

/// Requests that each client sends after the reload.
const AFTER: u32 = 2;

/// What a reload needs.
pub(super) struct ReloadPlan<'a> {
    /// The running ATS.
    pub(super) ats: &'a Control,
    /// Its installation.
    pub(super) installation: &'a Installation,
    /// The host that clients request all the time.
    pub(super) target: &'a Target,
    /// The host of the new rule.
    pub(super) added: &'a Target,
    /// The full text of remap.config with the new rule.
    pub(super) remap: String,
    /// Number of clients.
    pub(super) at_once: u32,
    /// Length of every response body, in bytes.
    pub(super) body_len: u64,
    /// Timeout for the whole reload.
    pub(super) deadline: Duration,
}

/// Reloads under traffic. The first exchange is the one with the new rule; the others are those that went wrong.
pub(super) async fn run(plan: &ReloadPlan<'_>) -> ClientRun {
    let (over, started_us) = (AtomicBool::new(false), now_us());
    let before = plan.ats.server_pid();
    let reload = async {
        let added = tokio::time::timeout(plan.deadline, reload(plan)).await;
        over.store(true, Ordering::Relaxed);
        added.unwrap_or_else(|_| {
            let text = format!("the new rule was not in effect within {} s", plan.deadline.as_secs());
            Err(ClientError { phase: ClientPhase::Deadline, text })
        })
    };
    let clients = (0..plan.at_once).map(|_| client(plan, &over));
    let (added, tallies) = tokio::join!(reload, join_all(clients));
    let mut load = Load::default();
    let mut exchanges = vec![added.unwrap_or_else(|error| Exchange { error: Some(error), ..Exchange::default() })];
    for ClientTally { sent, whole, wrong } in tallies {
        (load.sent, load.whole) = (load.sent + sent, load.whole + whole);
        exchanges.extend(wrong);
    }
    // Requests at the origin count from the first one on.
    exchanges[0].started_us = started_us;
    exchanges.truncate(client::MAX_FAILED_EXCHANGES + 1);
    load.same_process = Some(before.is_some() && plan.ats.server_pid() == before);
    ClientRun { exchanges, load: Some(load), control_us: None }
}

/// The results of one client.
#[derive(Default)]
struct ClientTally {
    sent: u32,
    whole: u32,
    wrong: Vec<Exchange>,
}

/// Sends requests until the reload is over, and [`AFTER`] more.
async fn client(plan: &ReloadPlan<'_>, over: &AtomicBool) -> ClientTally {
    let get = [RequestSpec { method: "GET".into(), ..RequestSpec::default() }];
    let expected = body::sha256(plan.body_len);
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut tally, mut after) = (ClientTally::default(), 0);
    while after < AFTER {
        pace.tick().await;
        if over.load(Ordering::Relaxed) {
            after += 1;
        }
        tally.sent += 1;
        for exchange in client::run(plan.target, &get, plan.deadline).await.exchanges {
            if exchange.status == Some(200) && exchange.error.is_none() && exchange.body_sha256 == expected {
                tally.whole += 1;
            } else {
                tally.wrong.push(exchange);
            }
        }
    }
    tally
}

/// Adds the rule, has ATS load it, and returns the first answer by it.
async fn reload(plan: &ReloadPlan<'_>) -> Result<Exchange, ClientError> {
    let failed = |text: String| ClientError { phase: ClientPhase::Exchange, text };
    plan.ats.write("remap.config", &plan.remap).map_err(|error| failed(format!("{error:#}")))?;
    let program = plan.installation.program("traffic_ctl");
    control(&program, plan.ats.root()).await.map_err(failed)?;
    let get = [RequestSpec { method: "GET".into(), ..RequestSpec::default() }];
    let begun = Instant::now();
    let mut poll = interval(RULE_POLL);
    loop {
        poll.tick().await;
        let left = plan.deadline.saturating_sub(begun.elapsed());
        let answer = client::run(plan.added, &get, left).await.exchanges.pop();
        // Status 404: ATS has no rule for this host yet.
        if let Some(exchange) = answer.filter(|exchange| exchange.status != Some(404)) {
            return Ok(exchange);
        }
    }
}

/// Has ATS reload with `multicert`, and sends GETs to `after` until it presents the certificate expected there: a reload under
/// traffic, which ATS 9.1.1 does not survive. The exchanges are the one before and the last.
pub(super) async fn certificate(
    (ats, installation): (&Control, &Installation),
    multicert: &str,
    (before, after): (&Target, &Target),
    deadline: Duration,
) -> ClientRun {
    let get = [RequestSpec { method: "GET".into(), ..RequestSpec::default() }];
    let mut run = client::run(before, &get, deadline).await;
    let mut load = Load { sent: 1, whole: run.exchanges.iter().map(whole).sum(), same_process: None };
    let renewed = async {
        ats.write("ssl_multicert.config", multicert).map_err(|error| format!("{error:#}"))?;
        control(&installation.program("traffic_ctl"), ats.root()).await?;
        let mut poll = interval(RULE_POLL);
        loop {
            poll.tick().await;
            load.sent += 1;
            let answer = client::run(after, &get, deadline).await.exchanges.pop().unwrap_or_default();
            load.whole += whole(&answer);
            if answer.tls.as_ref().is_some_and(|tls| tls.peer == "ats") || answer.error.is_some() {
                return Ok::<Exchange, String>(answer);
            }
        }
    };
    let failed = |phase, text| {
        let error = Some(ClientError { phase, text });
        Exchange { error, started_us: now_us(), ..Exchange::default() }
    };
    run.exchanges.push(match tokio::time::timeout(deadline, renewed).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(text)) => failed(ClientPhase::Exchange, text),
        Err(_) => {
            let text = format!("the new certificate was not presented within {} s", deadline.as_secs());
            failed(ClientPhase::Deadline, text)
        }
    });
    run.load = Some(load);
    run
}

/// 1 if a request was answered with 200.
fn whole(exchange: &Exchange) -> u32 {
    (exchange.error.is_none() && exchange.status == Some(200)).into()
}

async fn control(traffic_ctl: &Path, root: &Path) -> Result<(), String> {
    let mut command = program::in_image(traffic_ctl);
    command.args(["config", "reload"]).env("TS_RUNROOT", root);
    let output = tokio::time::timeout(CONTROL_TIMEOUT, command.output())
        .await
        .map_err(|_| "traffic_ctl config reload does not end".to_owned())?
        .map_err(|error| format!("cannot start {}: {error}", traffic_ctl.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(format!("traffic_ctl config reload: {}: {stderr:.200}", output.status))
}
