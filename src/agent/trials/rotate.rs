//! A rotation of the logs between two requests.

use std::time::Duration;

use crate::agent::client::{self, Target};
use crate::agent::now_us;
use crate::agent::traffic_server::{Control, Ports};
use crate::model::{ClientError, ClientPhase, ClientRun, Exchange, RequestSpec};

/// Sends a GET, rotates the logs of `ats`, and sends another if ATS has written to the new file.
pub(super) async fn run(ats: &Control, ports: Ports, target: &Target, deadline: Duration) -> ClientRun {
    let get = [RequestSpec { method: "GET".into(), ..RequestSpec::default() }];
    let mut run = client::run(target, &get, deadline).await;
    match ats.rotate_logs(ports, deadline).await {
        Ok(()) => run.exchanges.extend(client::run(target, &get, deadline).await.exchanges),
        Err(error) => {
            let error = ClientError { phase: ClientPhase::Exchange, text: format!("error.log: {error:#}") };
            run.exchanges.push(Exchange { error: Some(error), started_us: now_us(), ..Exchange::default() });
        }
    }
    run
}
