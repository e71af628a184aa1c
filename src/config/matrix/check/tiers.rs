//! Checks cells with two ATS and turns each pair into a source of a column of its own.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::super::diagnostic::{Path, known_names, quoted};
use super::super::distro::Distro;
use super::super::globs::Globs;
use super::super::source::{Ats, Source, SourceKind};
use super::super::tiers::{TierPair, TiersEntry};
use super::super::{Matrix, MatrixCell};
use super::Checker;
use super::rows::MAX_LINES;
use crate::model::{AtsId, CellId, IdError};

/// The names of the columns that `entries` make, as far as they can be told: other parts of the document may name them.
pub(super) fn columns(entries: &IndexMap<String, TiersEntry>) -> Vec<String> {
    let pairs = entries.values().flat_map(|entry| entry.child.iter().map(|child| (child, &entry.parent)));
    let names = pairs.flat_map(|(child, parents)| {
        parents.iter().filter_map(|parent| {
            let ((_, child), (distro, parent)) = (child.split_once('/')?, parent.split_once('/')?);
            Some(TierPair::column(child, distro, parent))
        })
    });
    let mut columns: Vec<String> = Vec::new();
    for name in names {
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    columns
}

impl Checker<'_> {
    /// Adds the columns of `entries` to `ats`, behind all others.
    pub(super) fn tiers(&mut self, entries: &IndexMap<String, TiersEntry>, distros: &[Distro], ats: &mut Vec<Ats>) {
        let path = Path::default().key("tiers");
        let count = ats.len() + columns(entries).len();
        if count > MAX_LINES {
            let message = format!("they make {count} columns, with all others");
            self.key_error(&path, message, format!("write at most {MAX_LINES}"));
            return;
        }
        let declared = ats.clone();
        for (name, entry) in entries {
            let path = path.key(name);
            if let Err(error) = name.parse::<AtsId>() {
                let IdError { rule, .. } = error;
                self.key_error(&path, format!("{} is not a valid name of tiers: {rule}", quoted(name)), "");
            }
            let children = self.cells_of(&path.key("child"), &entry.child, distros, &declared);
            let parents = self.cells_of(&path.key("parent"), &entry.parent, distros, &declared);
            for (i, child) in &children {
                for (_, parent) in &parents {
                    self.pair(&path.key("child").index(*i), name, child, parent, ats);
                }
            }
        }
    }

    /// The cells of one list, each with its place there.
    fn cells_of<'a>(
        &mut self,
        path: &Path,
        cells: &[String],
        distros: &'a [Distro],
        ats: &'a [Ats],
    ) -> Vec<(usize, MatrixCell<'a>)> {
        if cells.is_empty() {
            self.value_error(path, "the list is empty", "write at least one cell, like debian-12/9.2.9");
        }
        let mut ends = Vec::new();
        for (i, text) in cells.iter().enumerate() {
            let path = path.index(i);
            if cells[..i].contains(text) {
                self.value_error(&path, format!("duplicate cell {}", quoted(text)), "remove one of them");
                continue;
            }
            ends.extend(self.cell_of(&path, text, distros, ats).map(|cell| (i, cell)));
        }
        ends
    }

    fn cell_of<'a>(
        &mut self,
        path: &Path,
        text: &str,
        distros: &'a [Distro],
        ats: &'a [Ats],
    ) -> Option<MatrixCell<'a>> {
        let id: CellId = text.parse().map_err(|error: IdError| self.value_error(path, error.to_string(), "")).ok()?;
        let found = distros.iter().find(|distro| distro.id == id.distro).and_then(|distro| {
            let ats = ats.iter().find(|ats| ats.id == id.ats)?;
            Some(MatrixCell { distro, ats, source: ats.source(&distro.id)? })
        });
        let Some(cell) = found else {
            let has = |distro: &Distro| {
                let with = ats.iter().filter(move |ats| ats.source(&distro.id).is_some());
                with.map(|ats| format!("{}/{}", distro.id, ats.id)).collect::<Vec<_>>()
            };
            let known: Vec<String> = distros.iter().flat_map(has).collect();
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            self.value_error(path, format!("there is no cell {}", quoted(text)), known_names(text, &known));
            return None;
        };
        if cell.ats.config(cell.source).is_some() {
            let message = format!("{id} runs under a configuration of your own, which tiers do not do yet");
            self.value_error(path, message, "name a cell of a column without `config`");
            return None;
        }
        Some(cell)
    }

    fn pair(
        &mut self,
        path: &Path,
        name: &str,
        child: &MatrixCell<'_>,
        parent: &MatrixCell<'_>,
        ats: &mut Vec<Ats>,
    ) -> Option<()> {
        let (child_id, parent_id) = (child.id(), parent.id());
        let column = TierPair::column(child_id.ats.as_str(), parent_id.distro.as_str(), parent_id.ats.as_str());
        let Ok(id) = column.parse::<AtsId>() else {
            let message =
                format!("{child_id} over {parent_id} makes the column {}, which is too long", quoted(&column));
            self.value_error(path, message, "give the ATS or the distro a shorter name (64 characters in all)");
            return None;
        };
        let pair = TierPair { child: child_id.ats.clone(), parent: parent_id.clone(), entry: name.to_owned() };
        let source = Source {
            on: Globs::new([child_id.distro.as_str()]).ok()?,
            reports: Some(child.reports().to_owned()),
            optional: child.source.optional || child.ats.optional || parent.optional(),
            seen: child.source.seen && parent.seen(),
            config: None,
            args: BTreeMap::new(),
            kind: SourceKind::Tiers(pair),
        };
        let clash = |what: &str| format!("{child_id} over {parent_id} makes the column {}, {what}", quoted(&column));
        match ats.iter_mut().find(|ats| ats.id == id) {
            None => ats.push(Ats {
                title: format!("{} over {parent_id}", child.ats.title),
                version: child.ats.version.clone(),
                optional: false,
                config: None,
                sources: vec![source],
                upgraded: BTreeMap::new(),
                id,
            }),
            Some(known) => match known.sources.first().map(|source| &source.kind) {
                Some(SourceKind::Tiers(first)) if (&first.child, &first.parent) == (&child_id.ats, &parent_id) => {
                    if known.source(&child_id.distro).is_some() {
                        let message = format!("{child_id} over {parent_id} is there already");
                        self.value_error(path, message, "remove one of them");
                        return None;
                    }
                    known.sources.push(source);
                }
                Some(SourceKind::Tiers(other)) => {
                    let message = clash(&format!("and so does {} over {}", other.child, other.parent));
                    self.value_error(path, message, "rename one of the distros or ATS");
                }
                _ => self.value_error(path, clash("which `ats` has already"), "rename that one"),
            },
        }
        Some(())
    }

    /// A tier whose child or parent is excluded would bring it back by another name.
    pub(super) fn tiers_apply(&mut self, matrix: &Matrix, entries: &IndexMap<String, TiersEntry>) {
        for (name, entry) in entries {
            for (key, cells) in [("child", &entry.child), ("parent", &entry.parent)] {
                for (i, text) in cells.iter().enumerate() {
                    let Ok(id) = text.parse::<CellId>() else { continue };
                    if let Some(exclusion) = matrix.exclusion(&id.distro, &id.ats) {
                        let path = Path::default().key("tiers").key(name).key(key).index(i);
                        let message = format!("{id} is excluded: {}", exclusion.reason);
                        self.value_error(&path, message, "name another cell, or include it again");
                    }
                }
            }
        }
    }
}
