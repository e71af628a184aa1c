//! The logs of ATS as evidence: bounded, and each line with the trial whose host it names.

use std::collections::{BTreeMap, BTreeSet};

use super::{TrialRunner, settings};
use crate::agent::traffic_server;
use crate::model::{LOG_CUT, Line, LogFile, LogLine, origin_name};

/// Log lines reported per log and life: ATS can be made to log without end.
const MAX_LOG_LINES: usize = 500;

/// Characters reported of a log line.
pub(super) const MAX_LOG_LINE: usize = 2000;

impl TrialRunner {
    /// Reports log lines. If they `count` as evidence, each goes to the trial whose host it names.
    pub(super) fn report_logs(&self, lines: Vec<(LogFile, String)>, count: bool) {
        let mut reported: BTreeMap<&str, usize> = BTreeMap::new();
        let mut cut: BTreeSet<(&str, &str)> = BTreeSet::new();
        for (file, text) in lines {
            if [traffic_server::READY_HOST, traffic_server::BARRIER_HOST]
                .iter()
                .any(|name| text.contains(&origin_name(name)))
            {
                continue;
            }
            let number = reported.entry(file.name()).or_default();
            *number += 1;
            let trial = self.plan.trials.iter().find(|trial| count && settings::names_trial(&text, &trial.id));
            let mut text: String = text.chars().take(MAX_LOG_LINE).collect();
            if *number > MAX_LOG_LINES {
                // A trial learns once that lines of it are missing.
                if !trial.is_some_and(|trial| cut.insert((file.name(), trial.id.as_str()))) {
                    continue;
                }
                LOG_CUT.clone_into(&mut text);
            }
            self.emitter.emit(&Line::Log(LogLine { trial: trial.map(|trial| trial.id.clone()), file, text }));
        }
    }
}
