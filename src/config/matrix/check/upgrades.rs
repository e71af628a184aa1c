//! Checks upgrades in place and turns each into a row, with a source for every ATS of the row that it starts from.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::super::diagnostic::{Path, known_names, quoted};
use super::super::distro::{Distro, UpgradeEnds};
use super::super::document::UpgradeEntry;
use super::super::globs::Globs;
use super::super::source::{Ats, Source, SourceKind};
use super::rows::MAX_LINES;
use super::{Axis, Checker, values};
use crate::model::{AtsId, DistroId, IdError};

impl Checker<'_> {
    /// Adds the rows of `entries` to `distros`, each below the row that it ends on, and their sources to `ats`.
    pub(super) fn upgrades(
        &mut self,
        entries: IndexMap<String, UpgradeEntry>,
        distros: &mut Vec<Distro>,
        ats: &mut [Ats],
    ) {
        let path = Path::default().key("upgrades");
        if distros.len() + entries.len() > MAX_LINES {
            let count = distros.len() + entries.len();
            self.key_error(&path, format!("there are {count} rows"), format!("write at most {MAX_LINES}"));
            return;
        }
        for (name, entry) in entries {
            self.upgrade(&path.key(&name), &name, &entry, distros, ats);
        }
    }

    fn upgrade(
        &mut self,
        path: &Path,
        name: &str,
        entry: &UpgradeEntry,
        distros: &mut Vec<Distro>,
        ats: &mut [Ats],
    ) -> Option<()> {
        let id: DistroId = name.parse().map_err(|error: IdError| self.key_error(path, error.to_string(), "")).ok()?;
        if distros.iter().any(|distro| distro.id == id) {
            self.key_error(path, format!("{} is a distro already", quoted(name)), "give the upgrade its own name");
            return None;
        }
        let title = entry.title.clone().unwrap_or_else(|| format!("{}, upgraded from {}", entry.to, entry.from));
        let title = self.title(path, Some(title), name);
        let from = self.row(&path.key("from"), &entry.from, distros)?.clone();
        let to = self.row(&path.key("to"), &entry.to, distros)?.clone();
        self.ends(path, &from, &to);
        let reports: Vec<(AtsId, String)> = self.reports(&path.key("reports"), &entry.reports);
        let with_cell: Vec<&str> =
            ats.iter().filter(|ats| can_be_upgraded(ats, &from)).map(|ats| ats.id.as_str()).collect();
        if with_cell.is_empty() {
            let message = format!("no ATS can be upgraded from {}", quoted(from.id.as_str()));
            self.value_error(
                &path.key("from"),
                message,
                "name a row with a package or a build of ATS; ready images are not upgraded",
            );
        }
        for (named, _) in reports.iter().filter(|(named, _)| !with_cell.contains(&named.as_str())) {
            let message = format!("{named} has no cell on {}", quoted(from.id.as_str()));
            self.key_error(&path.key("reports").key(named.as_str()), message, known_names(named.as_str(), &with_cell));
        }
        for ats in ats {
            let stated = reports.iter().find(|(named, _)| *named == ats.id).map(|(_, reports)| reports.clone());
            let source = source(ats, &from, name, stated);
            ats.upgraded.insert(id.clone(), source.map(|source| Source { seen: source.seen && entry.seen, ..source }));
        }
        let below = distros.iter().rposition(|row| ends_on(row, &to.id)).map_or(distros.len(), |at| at + 1);
        let row = Distro {
            title,
            optional: entry.optional || from.optional || to.optional,
            forecast: from.forecast || to.forecast,
            seen: entry.seen,
            upgrade: Some(UpgradeEnds { from: from.id, to: to.id.clone() }),
            id,
            ..to
        };
        distros.insert(below, row);
        Some(())
    }

    /// The row named `name`.
    fn row<'a>(&mut self, path: &Path, name: &str, distros: &'a [Distro]) -> Option<&'a Distro> {
        let found = distros.iter().find(|distro| distro.id.as_str() == name);
        if found.is_none() && self.names_of(Axis::Distro).iter().any(|known| known == name) {
            let message = format!("{} is not above this upgrade, or has mistakes", quoted(name));
            self.value_error(path, message, "an upgrade starts from a distro, or from an upgrade above it");
        } else if found.is_none() {
            self.unknown_name(path, name, Axis::Distro);
        }
        found
    }

    /// Checks that `from` can be upgraded to `to`.
    fn ends(&mut self, path: &Path, from: &Distro, to: &Distro) {
        if to.upgrade.is_some() {
            self.value_error(
                &path.key("to"),
                "an upgrade is no distro to upgrade to",
                "name the distro that it ends on",
            );
        }
        if from.id == to.id || ends_on(from, &to.id) {
            let message = format!("{} has this release already", quoted(from.id.as_str()));
            self.value_error(&path.key("to"), message, "name another distro");
        }
        if from.family != to.family {
            let message = format!("{} is of the family {}, and {} of {}", from.id, from.family, to.id, to.family);
            self.value_error(&path.key("to"), message, "name a distro of the same family");
        }
    }

    fn reports(&mut self, path: &Path, entries: &IndexMap<String, String>) -> Vec<(AtsId, String)> {
        let mut reports = Vec::new();
        for (name, version) in entries {
            let path = path.key(name);
            if !self.names_of(Axis::Ats).contains(name) {
                let names = self.names_of(Axis::Ats);
                let known: Vec<&str> = names.iter().map(String::as_str).collect();
                self.key_error(&path, format!("unknown ATS {}", quoted(name)), known_names(name, &known));
            }
            let help = "write a version like \"9.2.5\" or a range like \">=9.2.9,<9.3\"";
            self.text(&path, version, values::is_reported, "version", help);
            reports.extend(name.parse().ok().map(|ats| (ats, version.clone())));
        }
        reports
    }
}

/// The source of `ats` on the row `name`, which is upgraded from the row `from`; `None`: it has no cell there.
fn source(ats: &Ats, from: &Distro, name: &str, reports: Option<String>) -> Option<Source> {
    let before = ats.source(&from.id).filter(|_| can_be_upgraded(ats, from))?;
    Some(Source {
        on: Globs::new([name]).ok()?,
        kind: SourceKind::Upgrade(from.id.clone()),
        reports: reports.or_else(|| before.reports.clone()),
        optional: before.optional,
        seen: before.seen,
        // Hosts keep their files.
        config: before.config.clone(),
        args: BTreeMap::new(),
    })
}

/// Whether `row` is the distro `id`, or an upgrade to it.
fn ends_on(row: &Distro, id: &DistroId) -> bool {
    row.upgrade.as_ref().map_or(&row.id, |path| &path.to) == id
}

/// Whether an upgrade of `row` has a cell for `ats`. Hosts do not upgrade a ready image in place.
fn can_be_upgraded(ats: &Ats, row: &Distro) -> bool {
    ats.source(&row.id).is_some_and(|source| !matches!(source.kind, SourceKind::Image(_)))
}
