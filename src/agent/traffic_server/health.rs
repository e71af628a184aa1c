//! Whether a running ATS still answers. A process may exist and answer no request.

use std::time::Duration;

use super::{Ports, READY_HOST, RunningAts, request};
use crate::model::AtsLife;

/// How often ATS is checked while trials run.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// How soon a request without an answer is repeated.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// Timeout for its answer. ATS has one thread for everything, and answers within milliseconds with fifty clients.
const HANG: Duration = Duration::from_secs(3);

impl RunningAts {
    /// Resolves when ATS has not answered any request for [`HANG`].
    pub(in crate::agent) async fn unresponsive(&self) {
        loop {
            tokio::time::sleep(CHECK_INTERVAL).await;
            if tokio::time::timeout(HANG, answered(self.ports)).await.is_err() {
                return;
            }
        }
    }

    /// Kills an ATS that is [unresponsive](Self::unresponsive), unless it has ended by itself.
    pub(in crate::agent) async fn kill_hung(&mut self) {
        if self.life() == AtsLife::Alive {
            self.hung = true;
            self.kill().await;
        }
    }

    /// Waits until it is known whether ATS is still alive after a client lost its connection: a process that ends
    /// closes its sockets before its end can be seen. One that neither ends nor answers hangs.
    pub(in crate::agent) async fn wait_for_fate(&mut self) {
        let ports = self.ports;
        let fate = async {
            tokio::select! {
                () = answered(ports) => {}
                _ = self.child.wait() => {}
            }
        };
        if tokio::time::timeout(HANG, fate).await.is_err() {
            self.kill_hung().await;
        }
    }
}

/// The cause of death of an ATS that hangs.
pub(super) fn hang() -> String {
    format!("hangs: no answer to any request for {} s", HANG.as_secs())
}

/// Resolves once the ATS on `ports` has answered.
async fn answered(ports: Ports) {
    while request(ports, READY_HOST, HANG).await.is_none() {
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}
