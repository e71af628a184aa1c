//! Whether a text that was edited says what the edits wanted, read with the eyes of the matrix: entry by entry, against
//! the entries before.

use super::{Addition, Edit};
use crate::config::matrix::expectation::Expectation;
use crate::config::matrix::globs::Globs;

/// Whether `after` is `before` with `edits` made to the entries that they name, and all others as they were.
pub(in crate::config::matrix) fn shows(before: &[Expectation], after: &[Expectation], edits: &[Edit]) -> bool {
    let is_gone = |number: usize| edits.iter().any(|edit| matches!(edit, Edit::Remove { entry } if *entry == number));
    let stay = before.iter().enumerate().filter(|(number, _)| !is_gone(*number));
    let kept = stay.clone().count();
    let added: Vec<&Addition> = edits.iter().filter_map(Edit::added).collect();
    after.len() == kept + added.len()
        && stay.zip(after).all(|((number, before), after)| {
            let mut wanted = unplaced(before);
            edits.iter().filter(|edit| edit.within() == Some(number)).for_each(|edit| edit.made(&mut wanted));
            wanted == unplaced(after)
        })
        && added.iter().zip(&after[kept..]).all(|(addition, entry)| addition.written() == unplaced(entry))
}

/// The patterns of a condition; `None`: there is no such condition.
type Names = Option<Vec<String>>;

/// What an entry says, by what edits can change and the rest, wherever it stands.
#[derive(Debug, Clone, PartialEq)]
struct Said {
    cells: Names,
    except: Names,
    trials: Names,
    rest: Expectation,
}

fn unplaced(entry: &Expectation) -> Said {
    let names = |globs: &Option<Globs>| globs.as_ref().map(|globs| globs.patterns().map(str::to_owned).collect());
    let rest = Expectation {
        cells: None,
        except: None,
        trials: None,
        at: (0, 0),
        trials_at: (0, 0),
        issue_at: (0, 0),
        ..entry.clone()
    };
    Said { cells: names(&entry.cells), except: names(&entry.except), trials: names(&entry.trials), rest }
}

impl Edit {
    fn added(&self) -> Option<&Addition> {
        if let Self::Add(addition) = self { Some(addition) } else { None }
    }

    /// The entry that it changes and leaves there.
    fn within(&self) -> Option<usize> {
        match self {
            Self::Except { entry, .. } | Self::Unname { entry, .. } | Self::Uncover { entry, .. } => Some(*entry),
            Self::Remove { .. } | Self::Add(_) => None,
        }
    }

    fn made(&self, said: &mut Said) {
        let take = |names: &mut Names, name: &str| {
            let names = names.get_or_insert_default();
            if let Some(at) = names.iter().position(|known| known == name) {
                names.remove(at);
            }
        };
        match self {
            Self::Except { cells, .. } => {
                said.except.get_or_insert_default().extend(cells.iter().map(ToString::to_string));
            }
            Self::Unname { cell, .. } => take(&mut said.cells, &cell.to_string()),
            Self::Uncover { trial, .. } => take(&mut said.trials, trial),
            Self::Remove { .. } | Self::Add(_) => {}
        }
    }
}

impl Addition {
    fn written(&self) -> Said {
        Said {
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
