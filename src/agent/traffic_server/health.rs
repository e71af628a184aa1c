//! Whether a running ATS still does anything: a process that is there may answer nobody.

use std::time::Duration;

use super::{Ats, Ports, READY_HOST, ask};
use crate::model::AtsLife;

/// How often ATS is asked whether it still answers, while trials run.
const BEAT: Duration = Duration::from_millis(500);

/// How long it may take to answer that. It has one thread for all, and takes milliseconds with fifty clients.
const HANG: Duration = Duration::from_secs(3);

impl Ats {
    /// Resolves when ATS has answered nobody for [`HANG`], whatever is asked of it.
    pub(in crate::agent) async fn unresponsive(&self) {
        loop {
            tokio::time::sleep(BEAT).await;
            if tokio::time::timeout(HANG, answered(self.ports)).await.is_err() {
                return;
            }
        }
    }

    /// Ends an ATS that is [unresponsive](Self::unresponsive), unless it has ended by itself.
    pub(in crate::agent) async fn end_hung(&mut self) {
        if self.life() == AtsLife::Alive {
            self.hung = true;
            self.kill().await;
        }
    }

    /// Waits until it is known whether ATS lives on after a client lost its connection: a process that ends closes
    /// its sockets before it can be seen to have ended. One that neither ends nor answers hangs.
    pub(in crate::agent) async fn settle(&mut self) {
        let ports = self.ports;
        let known = async {
            tokio::select! {
                () = answered(ports) => {}
                _ = self.child.wait() => {}
            }
        };
        if tokio::time::timeout(HANG, known).await.is_err() {
            self.end_hung().await;
        }
    }
}

/// How the life of an ATS that hangs is said to have ended.
pub(super) fn hangs() -> String {
    format!("hangs: no answer to anybody for {} s", HANG.as_secs())
}

/// Resolves once the ATS on `ports` has answered.
async fn answered(ports: Ports) {
    while ask(ports, READY_HOST, HANG).await.is_none() {
        tokio::time::sleep(BEAT / 10).await;
    }
}
