//! Checks exclude, include, expect and defaults, each for itself.

use std::time::Duration;

use super::super::Exclusion;
use super::super::diagnostic::{Path, quoted};
use super::super::document::{DefaultsEntry, ExcludeEntry, ExpectEntry, ExpectedVerdict, IncludeEntry};
use super::super::expectation::Expectation;
use super::super::globs::Globs;
use super::super::limits::{self, Defaults};
use super::{Axis, Checker};
use crate::model::{CellId, VersionRange};

impl Checker<'_> {
    pub(super) fn choices(
        &mut self,
        exclude: Vec<ExcludeEntry>,
        include: Vec<IncludeEntry>,
    ) -> (Vec<Exclusion>, Vec<CellId>) {
        let path = Path::default().key("exclude");
        let exclude = exclude.into_iter().enumerate().map(|(i, entry)| self.exclusion(&path.index(i), entry)).collect();
        let path = Path::default().key("include");
        let include =
            include.into_iter().enumerate().filter_map(|(i, entry)| self.inclusion(&path.index(i), &entry)).collect();
        (exclude, include)
    }

    fn exclusion(&mut self, path: &Path, entry: ExcludeEntry) -> Exclusion {
        if entry.distro.is_none() && entry.ats.is_none() {
            self.at_value(path, "it leaves out every cell", "write `distro`, `ats`, or both");
        }
        let distro = self.some_globs(&path.key("distro"), entry.distro, Axis::Distro);
        let ats = self.some_globs(&path.key("ats"), entry.ats, Axis::Ats);
        Exclusion { distro, ats, reason: self.reason(path, &entry.reason) }
    }

    fn some_globs(&mut self, path: &Path, patterns: Option<Vec<String>>, axis: Axis) -> Option<Globs> {
        patterns.map(|patterns| self.globs(path, &patterns, axis))
    }

    fn inclusion(&mut self, path: &Path, entry: &IncludeEntry) -> Option<CellId> {
        if !self.names.distros.contains(&entry.distro) {
            self.unknown(&path.key("distro"), &entry.distro, Axis::Distro);
        }
        if !self.names.ats.contains(&entry.ats) {
            self.unknown(&path.key("ats"), &entry.ats, Axis::Ats);
        }
        Some(CellId { distro: entry.distro.parse().ok()?, ats: entry.ats.parse().ok()? })
    }

    pub(super) fn expectations(&mut self, entries: Vec<ExpectEntry>) -> Vec<Expectation> {
        let path = Path::default().key("expect");
        entries.into_iter().enumerate().map(|(i, entry)| self.expectation(&path.index(i), entry)).collect()
    }

    fn expectation(&mut self, path: &Path, entry: ExpectEntry) -> Expectation {
        let somewhere = [
            entry.distro.is_some(),
            entry.ats.is_some(),
            entry.cells.is_some(),
            entry.openssl.is_some(),
            entry.ats_version.is_some(),
        ];
        if !somewhere.contains(&true) {
            let help = "write at least one of `distro`, `ats`, `cells`, `openssl`, `ats_version`";
            self.at_value(path, "it says nothing about where it applies", help);
        }
        if matches!(entry.verdict, ExpectedVerdict::Unbuildable) {
            let never_runs = [
                ("trials", entry.trials.is_some()),
                ("openssl", entry.openssl.is_some()),
                ("ats_version", entry.ats_version.is_some()),
                ("issue", entry.issue.is_some()),
            ];
            for (key, _) in never_runs.into_iter().filter(|(_, given)| *given) {
                self.at_key(&path.key(key), "what does not compile is never run, so this is never known", "remove it");
            }
        }
        if matches!(entry.verdict, ExpectedVerdict::Pass) && entry.issue.is_none() {
            let help = "name the known limitation that does not show here: `issue`";
            self.at_value(&path.key("verdict"), "that a cell passes is expected anyway", help);
        }
        let distro = self.some_globs(&path.key("distro"), entry.distro, Axis::Distro);
        let ats = self.some_globs(&path.key("ats"), entry.ats, Axis::Ats);
        let cells = entry.cells.map(|patterns| self.well_written(&path.key("cells"), &patterns));
        let except = entry.except.map(|patterns| self.well_written(&path.key("except"), &patterns));
        let openssl = self.range(&path.key("openssl"), entry.openssl);
        let ats_version = self.range(&path.key("ats_version"), entry.ats_version);
        let trials_at = self.outline.value_position(&path.key("trials"));
        let trials = entry.trials.map(|patterns| self.well_written(&path.key("trials"), &patterns));
        let issue_at = self.outline.value_position(&path.key("issue"));
        let link = entry.link.map(|link| self.url(&path.key("link"), &link));
        let expires = entry.expires.and_then(|day| {
            let parsed = day.parse().ok();
            if parsed.is_none() {
                self.at_value(&path.key("expires"), format!("{} is no day", quoted(&day)), "write it like 2027-06-30");
            }
            parsed
        });
        let reason = self.reason(path, &entry.reason);
        let trials_at = (trials_at.line, trials_at.column);
        let at = self.outline.value_position(path);
        Expectation {
            distro,
            ats,
            cells,
            except,
            openssl,
            ats_version,
            trials,
            issue: entry.issue,
            verdict: entry.verdict.into(),
            reason,
            link,
            expires,
            at: (at.line, at.column),
            trials_at,
            issue_at: (issue_at.line, issue_at.column),
        }
    }

    fn range(&mut self, path: &Path, text: Option<String>) -> Option<VersionRange> {
        let text = text?;
        let range = text.parse();
        if range.is_err() {
            let help = "write it like \">=3.2\" or \">=9.2.0,<9.2.7\"";
            self.at_value(path, format!("{} is no version range", quoted(&text)), help);
        }
        range.ok()
    }

    pub(super) fn defaults(&mut self, entry: Option<DefaultsEntry>) -> Defaults {
        let mut defaults = Defaults::default();
        let Some(entry) = entry else { return defaults };
        let path = Path::default().key("defaults");
        if let Some(deadlines) = entry.deadlines {
            let path = path.key("deadlines");
            let parts = [
                ("trial", deadlines.trial, &mut defaults.deadlines.trial),
                ("cell", deadlines.cell, &mut defaults.deadlines.cell),
                ("run", deadlines.run, &mut defaults.deadlines.run),
            ];
            for (key, text, deadline) in parts {
                if let Some(text) = text {
                    *deadline = self.duration(&path.key(key), &text);
                }
            }
            let order = &defaults.deadlines;
            if !(order.trial <= order.cell && order.cell <= order.run) {
                self.at_value(&path, "a part may take longer than the whole", "keep trial <= cell <= run");
            }
        }
        if let Some(text) = entry.memory {
            defaults.memory = limits::size(&text).unwrap_or_else(|| {
                let help = "write a whole number with KiB, MiB or GiB, from 16MiB to 1024GiB";
                self.at_value(&path.key("memory"), format!("{} is no amount of memory", quoted(&text)), help);
                0
            });
        }
        defaults.pids = entry.pids.unwrap_or(defaults.pids);
        defaults
    }

    fn duration(&mut self, path: &Path, text: &str) -> Duration {
        limits::duration(text).unwrap_or_else(|| {
            let help = "write a number with a unit, like 20s, 2m or 1h30m, at most 168h";
            self.at_value(path, format!("{} is no duration", quoted(text)), help);
            Duration::ZERO
        })
    }
}
