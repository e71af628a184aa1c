//! Reports what the capture saw.

use std::net::{IpAddr, SocketAddr};

use base64::Engine as _;

use crate::agent::capture::Capture;
use crate::agent::emit::Emitter;
use crate::model::{CellPlan, Flow, Line};

/// Reports the captured packets of every trial.
pub(super) fn report_wire(
    plan: &CellPlan,
    emitter: &Emitter,
    capture: Capture,
    own: Option<IpAddr>,
) -> anyhow::Result<()> {
    let captured = capture.finish()?;
    for trial in &plan.trials {
        let pcapng = base64::engine::general_purpose::STANDARD.encode(captured.pcapng(trial.port, &trial.id));
        let mut flows = captured.flows(trial.port);
        flows.retain(|flow| opened_here(flow, own));
        emitter.emit(&Line::Wire { trial: trial.id.clone(), flows, pcapng, lost: captured.lost });
    }
    Ok(())
}

/// Whether a flow was opened in this container, whose address is `own`. Flows that others open at its ports belong to
/// no trial.
fn opened_here(flow: &Flow, own: Option<IpAddr>) -> bool {
    let client = flow.client.parse::<SocketAddr>().map(|client| client.ip());
    client.is_ok_and(|client| client.is_loopback() || own.is_none_or(|own| client == own))
}
