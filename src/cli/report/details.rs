//! Collects the details of a report beside the committed result: from the catalogue, the folders of runs, and git.

use std::collections::BTreeMap;

use anyhow::Context as _;

use super::EvidenceChoice;
use crate::catalogue::trials::{Catalogue, Kind};
use crate::cli::PathArgs;
use crate::cli::cited::KeptRuns;
use crate::cli::source::ResultsSource;
use crate::console;
use crate::decide::behaviour;
use crate::decide::history::{self, Gathering};
use crate::exit::{Exit, Failure};
use crate::git::{CommitLog, GitRevision};
use crate::model::{BehaviourRecords, CellId, CellResult, MatrixResult, RunEvidence};
use crate::report::details::{About, CellPast, Moment, Past};
use crate::report::json;
use crate::store::Results;
use crate::words::outline::TextOutline;

/// Maximum number of revisions to read.
const REVISIONS: usize = 300;

/// Descriptions of the trials of `catalogue`.
pub(super) fn trials(catalogue: Catalogue) -> BTreeMap<String, About> {
    let about = catalogue.trials().iter().map(|trial| {
        let direct = trial.kind == Kind::DirectControl;
        let (title, why, link) = (trial.title.to_owned(), trial.why.to_owned(), trial.link.to_owned());
        (trial.id.to_owned(), About { title, why, link, direct })
    });
    about.collect()
}

/// The raw evidence of every cell that ran trials.
pub(super) fn evidence(
    places: &PathArgs,
    result: &MatrixResult,
    raw: Option<&EvidenceChoice>,
) -> anyhow::Result<BTreeMap<CellId, RunEvidence>> {
    let results = Results::new(places.results());
    let cells = result.cells.iter().filter(|cell| !cell.trials.is_empty());
    match raw {
        Some(EvidenceChoice::None) => Ok(BTreeMap::new()),
        // A run that the user names is shown as it is, whatever it came to.
        Some(EvidenceChoice::Of(id)) => {
            let folder = results.run(id).map_err(|error| Failure::new(Exit::Usage, format!("{error:#}")))?;
            let mut found = BTreeMap::new();
            for cell in cells {
                let attempts = folder.read_evidence(&cell.id)?;
                if !attempts.is_empty() {
                    found.insert(cell.id.clone(), RunEvidence { run: id.clone(), attempts });
                }
            }
            Ok(found)
        }
        None => {
            let runs = KeptRuns::of(&results)?;
            Ok(cells.filter_map(|cell| Some((cell.id.clone(), runs.cited(cell)?))).collect())
        }
    }
}

/// How each cell behaves differently from the same ATS on the release before. Records that cannot be used are left out, with a
/// note: the page is written all the same.
pub(super) fn behaviour(
    places: &PathArgs,
    source: &ResultsSource,
    result: &MatrixResult,
) -> BTreeMap<CellId, TextOutline> {
    let records = source.behaviour(places).unwrap_or_else(|error| {
        console::eprint(&format!("note: the page does not compare behaviour: {error:#}\n"));
        BehaviourRecords::new()
    });
    let compared = |cell: &CellResult| {
        let side = |cell| behaviour::BehaviourSide::of(cell, &records);
        records.get(&cell.id)?;
        let before = behaviour::predecessor(result, &records, cell)?;
        let difference = behaviour::compare(side(before), side(cell));
        Some((cell.id.clone(), behaviour::words::outline(&[difference])))
    };
    result.cells.iter().filter_map(compared).collect()
}

/// The results in each revision of git; `None` if they are not in a repository.
pub(super) fn past(places: &PathArgs, source: &ResultsSource, result: &MatrixResult) -> anyhow::Result<Option<Past>> {
    let states = || "cannot read earlier results from git; --no-history leaves them out";
    let Some((repository, name)) = source.repository(places).with_context(states)? else { return Ok(None) };
    let log = if repository.has_commits().with_context(states)? {
        repository.log(&GitRevision::head(), &name, REVISIONS).with_context(states)?
    } else {
        CommitLog { commits: Vec::new(), cut: false }
    };
    let mut histories = CellHistories::new(result, log.cut);
    let mut newest = None;
    repository
        .each_state(&log, &name, |commit, bytes| {
            let (id, day) = (commit.id.clone(), commit.time.strftime("%F").to_string());
            let revision = history::Revision { commit: id, day, subject: commit.subject.clone() };
            let state = bytes.map(|bytes| json::read(&bytes)).transpose().map_err(|error| error.to_string());
            histories.add(&revision, &state);
            newest = state.ok().flatten();
            Ok(())
        })
        .with_context(states)?;
    let ordered = |result: &MatrixResult| json::write(result);
    if newest.is_none_or(|newest| ordered(&newest) != ordered(result)) {
        let now = history::Revision { commit: "-".into(), day: "now".into(), subject: "not committed yet".into() };
        histories.add(&now, &Ok(Some(result.clone())));
    }
    Ok(Some(histories.finish()))
}

/// Builds the histories of all cells in one pass over the revisions.
struct CellHistories {
    past: Past,
    cells: BTreeMap<CellId, (Gathering, CellPast)>,
}

impl CellHistories {
    fn new(result: &MatrixResult, cut: bool) -> Self {
        let begin = |cell: &CellResult| (cell.id.clone(), (Gathering::new(cell.id.clone()), CellPast::default()));
        Self { past: Past { cut, ..Past::default() }, cells: result.cells.iter().map(begin).collect() }
    }

    fn add(&mut self, revision: &history::Revision, state: &Result<Option<MatrixResult>, String>) {
        let history::Revision { commit, day, subject } = revision.clone();
        self.past.revisions.push(Moment { commit, day, subject });
        for (id, (gathering, past)) in &mut self.cells {
            let alone = state.as_ref().map_err(String::clone).map(|state| state.as_ref().map(|state| only(state, id)));
            let verdict = alone.as_ref().ok().and_then(|state| Some(state.as_ref()?.cells.first()?.verdict));
            past.verdicts.push(verdict);
            gathering.add(revision.clone(), alone);
        }
    }

    fn finish(mut self) -> Past {
        for (id, (gathering, mut past)) in self.cells {
            past.words = history::outline(&gathering.finish(self.past.cut));
            self.past.cells.insert(id, past);
        }
        self.past
    }
}

/// `result` reduced to one cell, which is all that its history needs.
fn only(result: &MatrixResult, id: &CellId) -> MatrixResult {
    MatrixResult {
        schema: result.schema,
        matrix: result.matrix.clone(),
        distros: Vec::new(),
        ats: Vec::new(),
        cells: result.cells.iter().find(|cell| cell.id == *id).cloned().into_iter().collect(),
    }
}
