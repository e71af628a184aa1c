//! The history of a cell over the revisions of results/matrix.json: since when its verdict holds, and what changed
//! then. Pure: revisions are added one by one, oldest first.

mod words;

use serde::Serialize;

use crate::decide::compare::{self, CellChange};
use crate::model::{CellId, CellResult, MatrixResult, Verdict};

pub use words::{json, outline};

/// A revision of the results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Revision {
    /// Its full commit id, or `-` for what is not committed yet.
    pub commit: String,
    /// Its day, like `2026-11-23`.
    pub day: String,
    /// The first line of its message (hostile text).
    pub subject: String,
}

/// The history of a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct History {
    /// The cell.
    pub cell: CellId,
    /// Revisions in which anything about the cell changed, oldest first.
    pub events: Vec<HistoryEvent>,
    /// Since when its latest answer holds; `None`: it never had one.
    pub since: Option<Since>,
    /// Revisions whose results could not be read, with the error.
    pub unreadable: Vec<(Revision, String)>,
    /// Whether there may be earlier revisions.
    pub cut: bool,
    /// The number of revisions read.
    pub revisions: usize,
}

/// A revision in which something about the cell changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryEvent {
    /// The revision.
    pub revision: Revision,
    /// The verdict from then on; `None`: the cell is absent.
    pub verdict: Option<Verdict>,
    /// What changed since the previous revision.
    pub change: CellChange,
}

/// Since when a verdict holds. Revisions without an answer neither start nor end it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Since {
    /// The verdict.
    pub verdict: Verdict,
    /// The first revision with it.
    pub revision: Revision,
    /// The previous answer; `None`: there was none.
    pub before: Option<Verdict>,
    /// What changed since the previous answer; `None`: there was none.
    pub change: Option<CellChange>,
    /// Whether the newest revision has no answer, so that this one is older.
    pub stale: bool,
}

/// Builds a [`History`], keeping only the cell of each revision.
#[derive(Debug)]
pub struct Gathering {
    history: History,
    /// The cell in the previous revision.
    last: Option<CellResult>,
    /// The cell's last answer.
    answer: Option<CellResult>,
}

impl Gathering {
    /// An empty history.
    pub fn new(cell: CellId) -> Self {
        let history =
            History { cell, events: Vec::new(), since: None, unreadable: Vec::new(), cut: false, revisions: 0 };
        Self { history, last: None, answer: None }
    }

    /// Adds the next newer revision. `Ok(None)`: the file did not exist. An error: the results could not be read, which
    /// says nothing about the cell.
    pub fn add(&mut self, revision: Revision, results: Result<Option<MatrixResult>, String>) {
        self.history.revisions += 1;
        let results = match results {
            Ok(results) => results,
            Err(why) => return self.history.unreadable.push((revision, why)),
        };
        let id = &self.history.cell;
        let cell = results.and_then(|results| results.cells.into_iter().find(|cell| cell.id == *id));
        if let Some(cell) = cell.as_ref().filter(|cell| cell.verdict.is_answer()) {
            let same = self.history.since.as_ref().is_some_and(|since| since.verdict == cell.verdict);
            if !same {
                let before = self.answer.as_ref();
                let change = before.and_then(|before| compare::cell(id, Some(before), Some(cell)));
                let (verdict, before) = (cell.verdict, before.map(|before| before.verdict));
                let revision = revision.clone();
                self.history.since = Some(Since { verdict, revision, before, change, stale: false });
            }
            self.answer = Some(cell.clone());
        }
        if let Some(since) = &mut self.history.since {
            since.stale = !cell.as_ref().is_some_and(|cell| cell.verdict.is_answer());
        }
        if let Some(change) = compare::cell(id, self.last.as_ref(), cell.as_ref()) {
            let verdict = cell.as_ref().map(|cell| cell.verdict);
            self.history.events.push(HistoryEvent { revision, verdict, change });
        }
        self.last = cell;
    }

    /// Finishes the history. `cut`: there may be earlier revisions.
    pub fn finish(self, cut: bool) -> History {
        History { cut, ..self.history }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::decide::compare::fixture::{cell, matrix};

    pub(super) fn revision(day: u8) -> Revision {
        Revision {
            commit: format!("{day:040x}"),
            day: format!("2026-11-{day:02}"),
            subject: format!("Results of day {day}"),
        }
    }

    fn history(states: &[Option<Verdict>]) -> History {
        let id = "debian-13/9.2.5";
        let mut gathering = Gathering::new(id.parse().unwrap());
        for (day, state) in states.iter().enumerate() {
            let mut results = matrix(&[("debian-12/9.2.5", Verdict::Pass)]);
            results.cells.extend(state.map(|verdict| cell(id, verdict)));
            if let (Some(cell), true) = (results.cells.get_mut(1), *state == Some(Verdict::Pass)) {
                cell.provenance.openssl.as_mut().unwrap().version = "3.1.9".into();
            }
            gathering.add(revision(u8::try_from(day + 1).unwrap()), Ok(Some(results)));
        }
        gathering.finish(false)
    }

    const PASS: Option<Verdict> = Some(Verdict::Pass);
    const FAIL: Option<Verdict> = Some(Verdict::Fail);
    const ERROR: Option<Verdict> = Some(Verdict::Error);

    #[test]
    fn since_is_the_first_revision_of_the_last_streak() {
        let since = |states: &[_]| history(states).since.map(|since| (since.verdict, since.revision.day, since.before));
        let at = |verdict, day: u8, before| Some((verdict, format!("2026-11-{day:02}"), before));
        assert_eq!(since(&[PASS, FAIL, FAIL]), at(Verdict::Fail, 2, PASS));
        assert_eq!(since(&[FAIL, PASS, FAIL, FAIL]), at(Verdict::Fail, 3, PASS));
        assert_eq!(
            since(&[PASS, FAIL, ERROR, None, FAIL]),
            at(Verdict::Fail, 2, PASS),
            "revisions without an answer end no streak"
        );
        assert_eq!(since(&[PASS, ERROR, FAIL]), at(Verdict::Fail, 3, PASS));
        assert_eq!(since(&[None, FAIL]), at(Verdict::Fail, 2, None));
        assert_eq!(since(&[None, ERROR]), None);
        assert!(history(&[PASS, ERROR]).since.unwrap().stale);
        assert!(!history(&[PASS, ERROR, PASS]).since.unwrap().stale);
    }

    #[test]
    fn only_revisions_that_changed_something_are_events() {
        let history = history(&[None, PASS, PASS, FAIL, FAIL, None]);
        let days: Vec<_> = history.events.iter().map(|event| (event.revision.day.as_str(), event.verdict)).collect();
        assert_eq!(days, [("2026-11-02", PASS), ("2026-11-04", FAIL), ("2026-11-06", None)]);
        assert_eq!(history.revisions, 6);
    }

    #[test]
    fn changes_are_found_across_revisions_without_an_answer() {
        let change = history(&[PASS, ERROR, FAIL]).since.unwrap().change.unwrap();
        assert_eq!(change.provenance[0].before.as_deref(), Some("3.1.9"));
        assert_eq!(change.known_issues.gained, ["ATS-11465"]);
    }

    #[test]
    fn the_answer_is_the_first_line_and_the_cause_follows() {
        assert_snapshot!(outline(&history(&[PASS, PASS, ERROR, FAIL])).text(), @"
        debian-13/9.2.5: fail since 2026-11-04 (000000000000, Results of day 4); pass before
          what changed then:
            regressed: tls-remote-origin pass -> fail (200 -> 502 Invalid argument)
            now matches: ATS-11465
            OpenSSL 3.1.9 -> 3.5.7
          all changes, newest first:
            2026-11-04 (000000000000, Results of day 4): newly failing, error -> fail
            2026-11-03 (000000000000, Results of day 3): infrastructure, pass -> error; also changed: what ran
            2026-11-01 (000000000000, Results of day 1): newly tested, absent -> pass
        ");
        assert_snapshot!(outline(&history(&[PASS, FAIL])).markdown(), @"
        **debian-13/9.2.5**: fail since 2026-11-02 (000000000000, Results of day 2); pass before

        - what changed then:
          - regressed: tls-remote-origin pass -&gt; fail (200 -&gt; 502 Invalid argument)
          - now matches: ATS-11465
          - OpenSSL 3.1.9 -&gt; 3.5.7
        - all changes, newest first:
          - 2026-11-02 (000000000000, Results of day 2): regressed, pass -&gt; fail; also changed: what ran
          - 2026-11-01 (000000000000, Results of day 1): newly tested, absent -&gt; pass
        ");
    }

    #[test]
    fn unknown_history_is_stated() {
        assert_snapshot!(outline(&history(&[None, None])).text(), @"
        debian-13/9.2.5 never had an answer in 2 revisions
        ");
        let mut gathering = Gathering::new("debian-13/9.2.5".parse().unwrap());
        gathering.add(revision(1), Err("schema 99".into()));
        gathering.add(revision(2), Ok(None));
        gathering.add(revision(3), Ok(Some(matrix(&[("debian-13/9.2.5", Verdict::Pass)]))));
        gathering.add(revision(4), Ok(Some(matrix(&[("debian-13/9.2.5", Verdict::Error)]))));
        assert_snapshot!(outline(&gathering.finish(true)).text(), @"
        debian-13/9.2.5: no answer now; the last one is pass since at least 2026-11-03 (000000000000, Results of day 3); no answer before
          all changes, newest first:
            2026-11-04 (000000000000, Results of day 4): infrastructure, pass -> error
            2026-11-03 (000000000000, Results of day 3): newly tested, absent -> pass
          unreadable: 2026-11-01 (000000000000, Results of day 1)
            schema 99
          note: there may be earlier revisions (a shallow clone, --limit, or a renamed file)
        ");
    }

    #[test]
    fn json_has_the_whole_history() {
        let value: serde_json::Value = serde_json::from_str(&json(&history(&[PASS, FAIL]))).unwrap();
        assert_eq!(value["since"]["verdict"], "fail");
        assert_eq!(value["since"]["revision"]["day"], "2026-11-02");
        assert_eq!(value["events"][1]["change"]["provenance"][0]["field"], "openssl");
    }
}
