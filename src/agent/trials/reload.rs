//! A reload of ATS's configuration under traffic: clients go on asking while a remap rule is added and ATS is told
//! to read its configuration anew.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::time::{MissedTickBehavior, interval};

use super::super::client::{self, Target};
use super::super::traffic_server::{Control, Installation};
use super::super::{now_us, program};
use crate::catalogue::trials::body;
use crate::model::{ClientError, ClientPhase, ClientRun, Exchange, Load, RequestSpec};

/// Each client asks once in so long: some hundred requests in all, so that evidence stays small.
const PACE: Duration = Duration::from_millis(50);

/// ATS tells nobody when a reload is over, so its new rule is asked for until it holds.
const LOOK: Duration = Duration::from_millis(50);

/// `traffic_ctl` answers at once; the reload itself goes on behind it.
const CONTROL: Duration = Duration::from_secs(10);

/// Requests of each client after the reload.
const AFTER: u32 = 2;

/// What a reload is about.
pub(super) struct Order<'a> {
    /// The ATS that runs.
    pub(super) ats: &'a Control,
    /// As it is installed.
    pub(super) installation: &'a Installation,
    /// The host that is asked for all the time.
    pub(super) target: &'a Target,
    /// The host that only the new rule knows.
    pub(super) added: &'a Target,
    /// The whole of remap.config with the new rule.
    pub(super) remap: String,
    /// Clients.
    pub(super) at_once: u32,
    /// Length of the answers.
    pub(super) body_len: u64,
    /// For all of it.
    pub(super) deadline: Duration,
}

/// Reloads under traffic. The first exchange is the new rule's, those after it went wrong.
pub(super) async fn run(order: &Order<'_>) -> ClientRun {
    let (over, started_us) = (AtomicBool::new(false), now_us());
    let before = order.ats.server_pid();
    let reload = async {
        let added = tokio::time::timeout(order.deadline, reload(order)).await;
        over.store(true, Ordering::Relaxed);
        added.unwrap_or_else(|_| {
            let text = format!("the new rule did not hold within {} s", order.deadline.as_secs());
            Err(ClientError { phase: ClientPhase::Deadline, text })
        })
    };
    let clients = (0..order.at_once).map(|_| client(order, &over));
    let (added, seen) = tokio::join!(reload, join_all(clients));
    let mut load = Load::default();
    let mut exchanges = vec![added.unwrap_or_else(|error| Exchange { error: Some(error), ..Exchange::default() })];
    for Seen { sent, whole, wrong } in seen {
        (load.sent, load.whole) = (load.sent + sent, load.whole + whole);
        exchanges.extend(wrong);
    }
    // What the origin saw counts from the first request on.
    exchanges[0].started_us = started_us;
    exchanges.truncate(client::LOAD_EXCHANGES + 1);
    load.same_process = Some(before.is_some() && order.ats.server_pid() == before);
    ClientRun { exchanges, load: Some(load), control_us: None }
}

/// What one client has seen.
#[derive(Default)]
struct Seen {
    sent: u32,
    whole: u32,
    wrong: Vec<Exchange>,
}

/// Asks until the reload is over, and some times more.
async fn client(order: &Order<'_>, over: &AtomicBool) -> Seen {
    let get = [RequestSpec { method: "GET".into(), ..RequestSpec::default() }];
    let expected = body::sha256(order.body_len);
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut seen, mut after) = (Seen::default(), 0);
    while after < AFTER {
        pace.tick().await;
        if over.load(Ordering::Relaxed) {
            after += 1;
        }
        seen.sent += 1;
        for exchange in client::run(order.target, &get, order.deadline).await.exchanges {
            if exchange.status == Some(200) && exchange.error.is_none() && exchange.body_sha256 == expected {
                seen.whole += 1;
            } else {
                seen.wrong.push(exchange);
            }
        }
    }
    seen
}

/// Adds the rule, has ATS read it, and returns the first answer by it.
async fn reload(order: &Order<'_>) -> Result<Exchange, ClientError> {
    let failed = |text: String| ClientError { phase: ClientPhase::Exchange, text };
    order.ats.write("remap.config", &order.remap).map_err(|error| failed(format!("{error:#}")))?;
    let program = order.installation.program("traffic_ctl");
    control(&program, order.ats.root()).await.map_err(failed)?;
    let get = [RequestSpec { method: "GET".into(), ..RequestSpec::default() }];
    let begun = Instant::now();
    let mut look = interval(LOOK);
    loop {
        look.tick().await;
        let left = order.deadline.saturating_sub(begun.elapsed());
        let answer = client::run(order.added, &get, left).await.exchanges.pop();
        // 404: no rule for this host yet.
        if let Some(exchange) = answer.filter(|exchange| exchange.status != Some(404)) {
            return Ok(exchange);
        }
    }
}

async fn control(traffic_ctl: &Path, root: &Path) -> Result<(), String> {
    let mut command = program::of_image(traffic_ctl);
    command.args(["config", "reload"]).env("TS_RUNROOT", root);
    let output = tokio::time::timeout(CONTROL, command.output())
        .await
        .map_err(|_| "traffic_ctl config reload does not end".to_owned())?
        .map_err(|error| format!("cannot start {}: {error}", traffic_ctl.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("traffic_ctl config reload: {}: {said:.200}", output.status))
}
