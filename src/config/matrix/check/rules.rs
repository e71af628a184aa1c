//! Checks exclude, include, expect and defaults, each entry on its own.

use std::time::Duration;

use jiff::civil::Date;

use super::super::Exclusion;
use super::super::diagnostic::{Path, quoted};
use super::super::document::{ExcludeEntry, ExpectEntry, ExpectedVerdict, IncludeEntry};
use super::super::expectation::Expectation;
use super::super::globs::Globs;
use super::super::limits::{self, Defaults, DefaultsEntry};
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
            self.value_error(path, "the entry excludes every cell", "write `distro`, `ats`, or both");
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
            self.unknown_name(&path.key("distro"), &entry.distro, Axis::Distro);
        }
        if !self.names.ats.contains(&entry.ats) {
            self.unknown_name(&path.key("ats"), &entry.ats, Axis::Ats);
        }
        Some(CellId { distro: entry.distro.parse().ok()?, ats: entry.ats.parse().ok()? })
    }

    pub(super) fn expectations(&mut self, entries: Vec<ExpectEntry>) -> Vec<Expectation> {
        let path = Path::default().key("expect");
        entries.into_iter().enumerate().map(|(i, entry)| self.expectation(&path.index(i), entry)).collect()
    }

    fn expectation(&mut self, path: &Path, entry: ExpectEntry) -> Expectation {
        self.conditions(path, &entry);
        let distro = self.some_globs(&path.key("distro"), entry.distro, Axis::Distro);
        let ats = self.some_globs(&path.key("ats"), entry.ats, Axis::Ats);
        let cells = entry.cells.map(|patterns| self.patterns(&path.key("cells"), &patterns));
        let except = entry.except.map(|patterns| self.patterns(&path.key("except"), &patterns));
        let openssl = self.range(&path.key("openssl"), entry.openssl);
        let ats_version = self.range(&path.key("ats_version"), entry.ats_version);
        let trials = entry.trials.map(|patterns| self.patterns(&path.key("trials"), &patterns));
        let link = entry.link.map(|link| self.url(&path.key("link"), &link));
        let expires = self.day(&path.key("expires"), entry.expires);
        let reason = self.reason(path, &entry.reason);
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
            at: self.outline.value_position(path).into(),
            trials_at: self.outline.value_position(&path.key("trials")).into(),
            issue_at: self.outline.value_position(&path.key("issue")).into(),
        }
    }

    /// Whether the conditions of an expectation and its verdict make sense together.
    fn conditions(&mut self, path: &Path, entry: &ExpectEntry) {
        let limits_cells = entry.distro.is_some() || entry.ats.is_some() || entry.cells.is_some();
        if !(limits_cells || entry.openssl.is_some() || entry.ats_version.is_some()) {
            let help = "write at least one of `distro`, `ats`, `cells`, `openssl`, `ats_version`";
            self.value_error(path, "the entry does not say which cells it applies to", help);
        }
        match entry.verdict {
            ExpectedVerdict::Unbuildable | ExpectedVerdict::Broken => {
                let needs_a_run = [
                    ("trials", entry.trials.is_some()),
                    ("openssl", entry.openssl.is_some()),
                    ("ats_version", entry.ats_version.is_some()),
                    ("issue", entry.issue.is_some()),
                ];
                for (key, _) in needs_a_run.into_iter().filter(|(_, given)| *given) {
                    let message = "an ATS that cannot be built or started never runs, so this is never known";
                    self.key_error(&path.key(key), message, "remove it");
                }
            }
            ExpectedVerdict::Pass if entry.issue.is_none() => {
                let help = "name the known limitation that this cell does not have: `issue`";
                self.value_error(&path.key("verdict"), "a cell is expected to pass anyway", help);
            }
            ExpectedVerdict::Pass | ExpectedVerdict::Fail | ExpectedVerdict::Flaky => {}
        }
    }

    fn day(&mut self, path: &Path, text: Option<String>) -> Option<Date> {
        let text = text?;
        let day = text.parse();
        if day.is_err() {
            self.value_error(path, format!("{} is not a date", quoted(&text)), "write it like 2027-06-30");
        }
        day.ok()
    }

    pub(super) fn range(&mut self, path: &Path, text: Option<String>) -> Option<VersionRange> {
        let text = text?;
        let range = text.parse();
        if range.is_err() {
            let help = "write it like \">=3.2\" or \">=9.2.0,<9.2.7\"";
            self.value_error(path, format!("{} is not a version range", quoted(&text)), help);
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
                self.value_error(&path, "a part has a longer deadline than the whole", "keep trial <= cell <= run");
            }
        }
        if let Some(text) = entry.memory {
            defaults.memory = limits::size(&text).unwrap_or_else(|| {
                let help = "write a whole number with KiB, MiB or GiB, from 16MiB to 1024GiB";
                self.value_error(&path.key("memory"), format!("{} is not an amount of memory", quoted(&text)), help);
                0
            });
        }
        defaults.pids = entry.pids.unwrap_or(defaults.pids);
        defaults
    }

    fn duration(&mut self, path: &Path, text: &str) -> Duration {
        limits::duration(text).unwrap_or_else(|| {
            let help = "write a number with a unit, like 20s, 2m or 1h30m, at most 168h";
            self.value_error(path, format!("{} is not a duration", quoted(text)), help);
            Duration::ZERO
        })
    }
}
