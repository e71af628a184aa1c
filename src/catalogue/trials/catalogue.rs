//! The trials that a matrix has: the built-in ones, and the user's own.

use super::{CATALOGUE, Trial, ids};
use crate::model::OwnTrial;

/// The trials of a matrix, in the order of tables and runs: the built-in ones first.
#[derive(Debug, Clone, Copy)]
pub struct Catalogue {
    trials: &'static [&'static Trial],
    ids: &'static [&'static str],
}

impl Catalogue {
    /// The built-in trials.
    pub fn built_in() -> Self {
        Self { trials: CATALOGUE, ids: ids() }
    }

    /// The built-in trials and `own`, whose ids are different.
    ///
    /// The result is never freed, so that a trial is the same small, copied value everywhere, whether it is built in or not. A
    /// command makes one from its matrix.yaml, which is bounded (`MAX_BYTES` for each file, 500 trials each), and then ends.
    pub fn with<'a>(own: impl IntoIterator<Item = &'a OwnTrial>) -> Self {
        let own: Vec<&'static Trial> = own.into_iter().map(Trial::of).collect();
        if own.is_empty() {
            return Self::built_in();
        }
        let trials: &'static [&'static Trial] = [CATALOGUE, own.as_slice()].concat().leak();
        let ids: Vec<&'static str> =
            trials.iter().filter(|trial| trial.only_for.is_none()).map(|trial| trial.id).collect();
        Self { trials, ids: ids.leak() }
    }

    /// Every trial.
    pub fn trials(self) -> &'static [&'static Trial] {
        self.trials
    }

    /// The id of every trial that all cells have.
    pub fn ids(self) -> &'static [&'static str] {
        self.ids
    }

    /// The trial named `id`.
    pub fn by_id(self, id: &str) -> Option<&'static Trial> {
        self.trials.iter().copied().find(|trial| trial.id == id)
    }
}

impl Default for Catalogue {
    fn default() -> Self {
        Self::built_in()
    }
}
