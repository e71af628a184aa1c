//! The client of a trial through ATS: a reload and a rotation of logs also act on ATS itself, and a user's rules have a
//! client of their own.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::{TrialRunner, Wanted, reload, rotate, settings};
use crate::agent::client::Target;
use crate::agent::own::OwnFiles;
use crate::agent::traffic_server::{Control, Installation, Ports};
use crate::ats::config;
use crate::model::{Act, ClientRun, Line, Speak, TrialPlan, added_name, front_name};

impl TrialRunner {
    /// Runs the client of a trial through `ats`.
    pub(super) async fn through_ats(
        &self,
        trial: &TrialPlan,
        installation: &Installation,
        ats: &Control,
        ports: Ports,
    ) -> ClientRun {
        let (act, deadline) = (&trial.spec.client.act, Duration::from_millis(trial.spec.deadline_ms));
        let begun = || self.emitter.emit(&Line::Began { trial: trial.id.clone() });
        let mut settings = settings::settings(&self.plan, ports, self.names.address().port(), &Wanted::default());
        if *act == Act::Rules {
            return self.ask_rules(trial, ports).await;
        }
        if *act == Act::RotateLogs {
            begun();
            return rotate::run(ats, ports, &self.requester.target(trial, ports), deadline).await;
        }
        if *act == Act::ReloadCertificate {
            begun();
            let multicert = config::multicert(&settings::renewed(settings));
            let (before, after) = (self.requester.target(trial, ports), self.requester.renewed_target(trial, ports));
            return reload::certificate((ats, installation), &multicert, (&before, &after), deadline).await;
        }
        let (Act::Reload { at_once }, Speak::Http { body_len }) = (act, &trial.spec.origin.speak) else {
            return self.request(trial, ports).await;
        };
        begun();
        settings.maps.push(settings::added_map(trial));
        settings.own_remap = self.own.as_ref().and_then(OwnFiles::remap);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.http));
        reload::run(&reload::ReloadPlan {
            ats,
            installation,
            target: &Target::plain(address, front_name(&trial.id)),
            added: &Target::plain(address, added_name(&trial.id)),
            remap: config::remap(&settings),
            at_once: *at_once,
            body_len: *body_len,
            deadline,
        })
        .await
    }
}
