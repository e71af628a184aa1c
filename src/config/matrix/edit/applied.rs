//! Checks an edited text: compares its expectations with those of the original, entry by entry.

use super::{Addition, Edit};
use crate::config::matrix::expectation::Expectation;
use crate::config::matrix::globs::Globs;

/// Whether `after` is `before` with `edits` applied and nothing else changed.
pub(in crate::config::matrix) fn is_applied(before: &[Expectation], after: &[Expectation], edits: &[Edit]) -> bool {
    let is_removed =
        |number: usize| edits.iter().any(|edit| matches!(edit, Edit::Remove { entry } if *entry == number));
    let stay = before.iter().enumerate().filter(|(number, _)| !is_removed(*number));
    let kept = stay.clone().count();
    let added: Vec<&Addition> = edits.iter().filter_map(Edit::addition).collect();
    after.len() == kept + added.len()
        && stay.zip(after).all(|((number, before), after)| {
            let mut wanted = EntryContent::of(before);
            edits
                .iter()
                .filter(|edit| edit.changed_entry() == Some(number))
                .for_each(|edit| edit.apply_to(&mut wanted));
            wanted == EntryContent::of(after)
        })
        && added.iter().zip(&after[kept..]).all(|(addition, entry)| addition.content() == EntryContent::of(entry))
}

/// The patterns of a condition; `None` if the entry does not have the condition.
type Patterns = Option<Vec<String>>;

/// The content of an entry without its position, split into what edits can change and the rest.
#[derive(Debug, Clone, PartialEq)]
struct EntryContent {
    cells: Patterns,
    except: Patterns,
    trials: Patterns,
    rest: Expectation,
}

impl EntryContent {
    fn of(entry: &Expectation) -> Self {
        let patterns =
            |globs: &Option<Globs>| globs.as_ref().map(|globs| globs.patterns().map(str::to_owned).collect());
        let rest = Expectation {
            cells: None,
            except: None,
            trials: None,
            at: (0, 0),
            trials_at: (0, 0),
            issue_at: (0, 0),
            ..entry.clone()
        };
        let (cells, except, trials) = (patterns(&entry.cells), patterns(&entry.except), patterns(&entry.trials));
        Self { cells, except, trials, rest }
    }
}

impl Edit {
    fn addition(&self) -> Option<&Addition> {
        if let Self::Add(addition) = self { Some(addition) } else { None }
    }

    /// The entry that it changes without removing it.
    fn changed_entry(&self) -> Option<usize> {
        match self {
            Self::Except { entry, .. } | Self::Unname { entry, .. } | Self::Uncover { entry, .. } => Some(*entry),
            Self::Remove { .. } | Self::Add(_) => None,
        }
    }

    fn apply_to(&self, content: &mut EntryContent) {
        let remove = |patterns: &mut Patterns, name: &str| {
            let patterns = patterns.get_or_insert_default();
            if let Some(at) = patterns.iter().position(|known| known == name) {
                patterns.remove(at);
            }
        };
        match self {
            Self::Except { cells, .. } => {
                content.except.get_or_insert_default().extend(cells.iter().map(ToString::to_string));
            }
            Self::Unname { cell, .. } => remove(&mut content.cells, &cell.to_string()),
            Self::Uncover { trial, .. } => remove(&mut content.trials, trial),
            Self::Remove { .. } | Self::Add(_) => {}
        }
    }
}

impl Addition {
    fn content(&self) -> EntryContent {
        EntryContent {
            cells: Some(self.cells.iter().map(ToString::to_string).collect()),
            except: None,
            trials: (!self.trials.is_empty()).then(|| self.trials.clone()),
            rest: Expectation {
                distro: None,
                ats: None,
                cells: None,
                except: None,
                openssl: None,
                ats_version: None,
                trials: None,
                issue: self.issue.clone(),
                verdict: self.verdict,
                reason: self.reason.clone(),
                link: self.link.clone(),
                expires: self.expires,
                at: (0, 0),
                trials_at: (0, 0),
                issue_at: (0, 0),
            },
        }
    }
}
