//! Trials of a configuration of the user's own: each life of ATS starts from it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use super::logs::MAX_LOG_LINE;
use super::{NoStart, TrialRunner, Wanted, rules, settings};
use crate::agent::own::{Delivered, FOLDER, OwnFiles, OwnRules};
use crate::agent::program::Forged;
use crate::agent::provenance;
use crate::agent::targets::Targets;
use crate::agent::tls;
use crate::agent::traffic_server::{Installation, Ports};
use crate::ats::config::own::Purpose;
use crate::ats::config::{self, Settings};
use crate::ats::log;
use crate::distro::process;
use crate::model::{
    Act, CellPlan, ClientRun, Line, Load, LogFile, LogLine, OwnConfig, OwnSeen, Provenance, RulesSeen, TrialPlan,
};

/// Why a trial has no answer when ATS does not start with the user's configuration.
pub(super) const NOT_STARTED: &str = "ATS does not start with your configuration: `your-config-start` says why";

/// Complaints reported of one start.
const MAX_COMPLAINTS: usize = 100;

/// Writes the files that the plan announces.
pub(super) fn install(plan: &CellPlan, files: Option<Delivered>) -> anyhow::Result<Option<OwnFiles>> {
    let Some(own) = plan.own.clone() else { return Ok(None) };
    let files = files.context("the configuration did not arrive on stdin")?;
    OwnFiles::install(own, files, Path::new(FOLDER)).map(Some)
}

/// The addresses of all names that ATS may ask for. Those of trials are ours.
pub(super) fn names(plan: &CellPlan, own: Option<&OwnFiles>) -> anyhow::Result<BTreeMap<String, Vec<IpAddr>>> {
    let of_rules = own.into_iter().flat_map(|own| own.rules().addresses.names());
    Ok(of_rules.chain(settings::addresses(plan)?).collect())
}

impl TrialRunner {
    /// Reports why no ATS was found.
    pub(super) fn report_unfound(&self, error: &anyhow::Error) {
        self.emitter.emit(&match error.downcast_ref::<Forged>() {
            Some(Forged { by, text }) => Line::Forged { by: by.clone(), text: text.clone() },
            None => Line::Fault { trial: None, text: format!("{error:#}") },
        });
    }

    /// Reports what is known of the cell although no ATS ran.
    pub(super) async fn report_base(&self, installation: Option<&Installation>) {
        if !*self.provenance_reported.lock().await {
            let config = installation.and_then(|installation| self.own_provenance(installation));
            self.emitter.emit(&Line::Provenance(Box::new(Provenance { config, ..provenance::base() })));
        }
    }

    /// The configuration files of a life in `root`.
    pub(super) fn files(
        &self,
        installation: &Installation,
        settings: &Settings,
        wanted: &Wanted<'_>,
        root: &Path,
    ) -> Result<BTreeMap<String, String>, NoStart> {
        let dialect = installation.dialect;
        let Some(own) = &self.own else {
            return config::files(dialect, settings).map_err(|error| NoStart::Settings(error.to_string()));
        };
        let purpose = if wanted.own { Purpose::Own } else { Purpose::Trials };
        let cache = installation.layout.private_root(&root.display().to_string()).cachedir;
        // None of this is a failure of ATS.
        let laid = own.lay(dialect, settings, purpose, &cache);
        laid.map(|laid| laid.files).map_err(|error| NoStart::Settings(error.to_string()))
    }

    /// Whether ATS becomes the user that a configuration of the user's own names.
    pub(super) fn becomes_user(&self, installation: &Installation, wanted: &Wanted<'_>) -> bool {
        wanted.own && self.own.as_ref().is_some_and(|own| own.becomes_user(installation.dialect))
    }

    /// What results tell of the configuration of the user's own.
    pub(super) fn own_provenance(&self, installation: &Installation) -> Option<OwnConfig> {
        let own = self.own.as_ref()?;
        let mut settings = settings::settings(&self.plan, Ports::of(0), 0, &Wanted::default());
        settings.error_pages = Some(installation.error_pages(&self.root));
        Some(own.provenance(installation.dialect, &settings))
    }

    /// Reports what is known of the configuration without a start, to the trials of it among `batches`. Returns the one to
    /// which all that ATS logs belongs.
    pub(super) fn report_own(&self, installation: &Installation, batches: &[Vec<TrialPlan>]) -> Option<String> {
        let own = self.own.as_ref()?;
        let start = batches.iter().flatten().find(|trial| trial.spec.client.act == Act::Start)?.id.clone();
        self.emitter.emit(&Line::Own { trial: start.clone(), seen: own.seen(installation.dialect) });
        Some(start)
    }

    /// Reports what is known of the configuration to `trial` now that ATS runs as process `pid`.
    pub(super) fn report_running(&self, installation: &Installation, trial: &str, pid: Option<u32>) {
        let status = pid.and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/status")).ok());
        let (Some(own), Some(status)) = (&self.own, status) else { return };
        if let Some(id) = process::user(&status) {
            let seen = own.seen_running(installation.dialect, id);
            self.emitter.emit(&Line::Own { trial: trial.to_owned(), seen });
        }
    }

    /// Reports what ATS complained about in `output`.
    pub(super) fn report_complaints(&self, trial: &str, output: &[String]) {
        let complaints = output.iter().filter(|line| log::complaint(line).is_some());
        for line in complaints.take(MAX_COMPLAINTS) {
            let text = line.chars().take(MAX_LOG_LINE).collect();
            self.emitter.emit(&Line::Log(LogLine { trial: Some(trial.to_owned()), file: LogFile::Diags, text }));
        }
    }

    /// Asks for every remap rule of the user's own through the ATS on `ports`.
    pub(super) async fn ask_rules(&self, trial: &TrialPlan, ports: Ports) -> ClientRun {
        self.emitter.emit(&Line::Began { trial: trial.id.clone() });
        let (rules, fault) = match self.rules_seen(trial, ports).await {
            Ok(Some((rules, open))) => (Some(rules), open),
            Ok(None) => (None, None),
            Err(error) => (None, Some(format!("the stand-ins of your rules: {error:#}"))),
        };
        // A rule that leads elsewhere fails whatever became of the others.
        let fault = fault.filter(|_| rules.as_ref().is_none_or(|rules| rules.missed_count == 0));
        if let Some(text) = fault {
            self.emitter.emit(&Line::Fault { trial: Some(trial.id.clone()), text });
        }
        let load = rules.as_ref().map(|seen| Load { sent: seen.rules, whole: seen.reached, same_process: None });
        self.emitter.emit(&Line::Own { trial: trial.id.clone(), seen: OwnSeen { rules, ..OwnSeen::default() } });
        ClientRun { load, ..ClientRun::default() }
    }

    async fn rules_seen(&self, trial: &TrialPlan, ports: Ports) -> anyhow::Result<Option<(RulesSeen, Option<String>)>> {
        let Some(own) = &self.own else { return Ok(None) };
        let OwnRules { asks, unasked, parents, parents_take_turns, addresses } = own.rules();
        let targets = Targets::start(asks, parents, addresses, &self.plan.identity).await?;
        let plan = rules::RulesPlan {
            asks,
            unasked,
            parents,
            parents_take_turns: *parents_take_turns,
            targets: &targets,
            ports,
            tls: tls::unverifying_client()?,
            deadline: Duration::from_millis(trial.spec.deadline_ms),
        };
        Ok(Some(rules::run(&plan).await))
    }

    /// Whether another trial of the plan says why ATS does not start with the user's configuration.
    pub(super) fn is_told_elsewhere(&self, trial: &TrialPlan) -> bool {
        let is_start = |trial: &TrialPlan| trial.spec.client.act == Act::Start;
        let is_down = matches!(self.down.get(), Some(Some(_)));
        self.own.is_some() && is_down && !is_start(trial) && self.plan.trials.iter().any(is_start)
    }
}
