//! Live progress: one line per image that is built and per cell that runs, the total below them, finished cells above
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::model::{CellId, Event};
use crate::words::escape::{SHORT, terminal};

use super::line::{Tally, permanent_line, suspected};

/// Interval at which spinners and elapsed times are redrawn.
const TICK: Duration = Duration::from_millis(120);

const IMAGE: &str = "{spinner} {prefix}  {wide_msg} {elapsed:>4}";
const CELL: &str = "{spinner} {prefix}  {pos}/{len} trials  {wide_msg} {elapsed:>4}";
const TOTAL: &str = "{bar:24} {pos}/{len} cells  {wide_msg} {elapsed:>4}";

/// Bars on a terminal.
pub(super) struct Bars {
    screen: MultiProgress,
    tick: Option<Duration>,
    total: ProgressBar,
    images: BTreeMap<String, ProgressBar>,
    cells: BTreeMap<CellId, Running>,
    experiments: BTreeMap<usize, ProgressBar>,
}

/// A running cell.
struct Running {
    bar: ProgressBar,
    /// Finished trials; a repeated trial counts once.
    trials: BTreeSet<String>,
}

impl Bars {
    /// Bars on stderr; `None` if stderr is not a terminal.
    pub(super) fn on_stderr() -> Option<Self> {
        let bars = Self::on_target(ProgressDrawTarget::stderr(), Some(TICK));
        (!bars.screen.is_hidden()).then_some(bars)
    }

    /// Bars on `target`, redrawn at each event and every `tick`.
    pub(super) fn on_target(target: ProgressDrawTarget, tick: Option<Duration>) -> Self {
        let screen = MultiProgress::with_draw_target(target);
        let total = screen.add(ProgressBar::new(0).with_style(template(TOTAL)));
        Self { screen, tick, total, images: BTreeMap::new(), cells: BTreeMap::new(), experiments: BTreeMap::new() }
    }

    /// Displays `event`.
    pub(super) fn on(&mut self, event: &Event, tally: &Tally, colour: bool) {
        if let Some(line) = permanent_line(event, tally, colour) {
            let _ = self.screen.println(line);
        }
        match event {
            Event::Started { cells, .. } => {
                self.total.set_length(*cells as u64);
                self.start(&self.total);
            }
            Event::ImageStarted(work) => {
                let bar = self.add(ProgressBar::no_length().with_style(template(IMAGE)), &work.name);
                self.replace_image(&work.name, Some(bar));
            }
            Event::ImageStep { name, step } => {
                if let Some(bar) = self.images.get(name) {
                    bar.set_message(terminal(step, SHORT));
                }
            }
            Event::ImageFinished { name, .. } => self.replace_image(name, None),
            Event::CellStarted { cell, trials } => {
                let bar = ProgressBar::new(*trials as u64).with_style(template(CELL));
                let bar = self.add(bar, &cell.to_string());
                self.replace_cell(cell, Some(Running { bar, trials: BTreeSet::new() }));
            }
            Event::TrialBegan { cell, trial } => {
                if let Some(running) = self.cells.get(cell) {
                    running.bar.set_message(terminal(trial, SHORT));
                }
            }
            Event::TrialFinished { cell, trial, outcome } => {
                if let Some(running) = self.cells.get_mut(cell) {
                    running.trials.insert(trial.clone());
                    running.bar.set_position(running.trials.len() as u64);
                    running.bar.set_message(format!("{} {outcome}", terminal(trial, SHORT)));
                }
            }
            Event::CellFinished { result, .. } => {
                self.replace_cell(&result.id, None);
                self.total.set_position(tally.done as u64);
                self.total.set_message(tally.kinds());
            }
            Event::ExperimentStarted { number, what, suspects, ruled_out } => {
                let bar = self.add(ProgressBar::no_length().with_style(template(IMAGE)), &format!("[{number}] {what}"));
                bar.set_message(suspected(suspects, ruled_out));
                self.replace_experiment(*number, Some(bar));
            }
            Event::ExperimentFinished { number, .. } => self.replace_experiment(*number, None),
            Event::Finished { .. } => self.clear(),
            Event::Swept { .. } | Event::Note(_) => (),
        }
    }

    /// Adds a line above the total.
    fn add(&self, bar: ProgressBar, name: &str) -> ProgressBar {
        let bar = self.screen.insert_before(&self.total, bar);
        bar.set_prefix(terminal(name, SHORT));
        self.start(&bar);
        bar
    }

    fn start(&self, bar: &ProgressBar) {
        match self.tick {
            Some(tick) => bar.enable_steady_tick(tick),
            None => bar.tick(),
        }
    }

    fn replace_image(&mut self, name: &str, bar: Option<ProgressBar>) {
        if let Some(old) = self.images.remove(name) {
            old.finish_and_clear();
            self.screen.remove(&old);
        }
        self.images.extend(bar.map(|bar| (name.to_owned(), bar)));
    }

    fn replace_experiment(&mut self, number: usize, bar: Option<ProgressBar>) {
        if let Some(old) = self.experiments.remove(&number) {
            old.finish_and_clear();
            self.screen.remove(&old);
        }
        self.experiments.extend(bar.map(|bar| (number, bar)));
    }

    fn replace_cell(&mut self, cell: &CellId, running: Option<Running>) {
        if let Some(old) = self.cells.remove(cell) {
            old.bar.finish_and_clear();
            self.screen.remove(&old.bar);
        }
        self.cells.extend(running.map(|running| (cell.clone(), running)));
    }

    fn clear(&mut self) {
        let bars = std::mem::take(&mut self.images).into_values();
        let cells = std::mem::take(&mut self.cells).into_values().map(|running| running.bar);
        let experiments = std::mem::take(&mut self.experiments).into_values();
        for bar in bars.chain(cells).chain(experiments) {
            bar.finish_and_clear();
        }
        self.total.finish_and_clear();
        let _ = self.screen.clear();
    }
}

/// Clears the screen for the error message of a run that fails.
impl Drop for Bars {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Parses a constant template, which tests cover; an invalid one would give the default style.
fn template(text: &str) -> ProgressStyle {
    ProgressStyle::with_template(text).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
