//! Turns: what may run now. Images are made in their order. Cells and compilers take turns: a compiler beside a trial
//! would turn its deadlines into noise. Knows no engine.
//!
//! - A cell starts as soon as its images are there, unless a compiler runs at that moment.
//! - A compiler starts when no cell runs or could, and nothing that answers sooner is left to do. As there are
//!   only so many cells and steps, it does start.
//! - Other images are made at any time, fewer beside cells: these and images together are as many as there are jobs, but
//!   one image is always made, unless there is only one job.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// What takes a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TurnKind {
    /// An image that needs no compiler, or only part of one: a pull, a bootstrap.
    Image,
    /// An image for which ATS is compiled.
    Compiler,
    /// A cell.
    Cell,
}

/// Gives turns to the images and cells of a run.
pub struct Turns {
    /// How many images are made at the same time.
    jobs: usize,
    /// How many of them with a compiler.
    compilers: usize,
    state: Mutex<TurnState>,
}

#[derive(Default)]
struct TurnState {
    /// How many cells run at the same time.
    cell_jobs: usize,
    /// Images to come, by tag.
    images: BTreeMap<String, PendingImage>,
    /// Cells to come, by their number, with the images that they need.
    cells: BTreeMap<usize, Vec<String>>,
    /// Who waits for a turn, by rank and number.
    waiting: BTreeMap<(usize, u64), (TurnKind, oneshot::Sender<()>)>,
    /// Who has a turn, by number.
    running: BTreeMap<u64, TurnKind>,
    /// Number of the next one.
    next: u64,
}

/// An image that is not over yet.
struct PendingImage {
    kind: TurnKind,
    rank: usize,
    parents: Vec<String>,
}

impl Turns {
    /// Turns for `jobs` images at the same time, of which `compilers` may compile.
    pub(super) fn new(jobs: usize, compilers: usize) -> Arc<Self> {
        Arc::new(Self { jobs: jobs.max(1), compilers: compilers.max(1), state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, TurnState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Announces the image `tag`, which is over when the result is dropped. Nobody with a later `rank` compiles before.
    pub(super) fn expect_image(
        self: &Arc<Self>,
        tag: &str,
        compiles: bool,
        rank: usize,
        parents: &[String],
    ) -> ImageTicket {
        let kind = if compiles { TurnKind::Compiler } else { TurnKind::Image };
        let image = PendingImage { kind, rank, parents: parents.to_vec() };
        self.state().images.insert(tag.to_owned(), image);
        ImageTicket { turns: Arc::clone(self), tag: tag.to_owned() }
    }

    /// Announces cells, of which `jobs` run at the same time, with the images that each needs.
    pub fn expect_cells(self: &Arc<Self>, jobs: usize, cells: impl Iterator<Item = Vec<String>>) -> Vec<CellTicket> {
        let mut state = self.state();
        state.cell_jobs = jobs.max(1);
        let ticket = |(number, images)| {
            state.cells.insert(number, images);
            CellTicket { turns: Arc::clone(self), number }
        };
        cells.enumerate().map(ticket).collect()
    }

    /// A turn for work on the image `tag`. What was not announced is needed by something that is being made, and comes first.
    pub(super) async fn image(self: &Arc<Self>, tag: &str, compiles: bool) -> HeldTurn {
        let rank = self.state().images.get(tag).map_or(0, |image| image.rank);
        self.take(if compiles { TurnKind::Compiler } else { TurnKind::Image }, rank).await
    }

    async fn take(self: &Arc<Self>, kind: TurnKind, rank: usize) -> HeldTurn {
        let (sender, granted) = oneshot::channel();
        let turn = {
            let mut state = self.state();
            let number = state.next;
            state.next += 1;
            state.waiting.insert((rank, number), (kind, sender));
            HeldTurn { turns: Arc::clone(self), key: (rank, number) }
        };
        self.change(|_| ());
        // The sender stays in `waiting` until the turn comes.
        let _ = granted.await;
        turn
    }

    /// Changes the state and gives the turns that this makes possible.
    fn change(&self, change: impl FnOnce(&mut TurnState)) {
        let mut state = self.state();
        change(&mut state);
        while let Some(key) = self.next(&state) {
            let Some((kind, sender)) = state.waiting.remove(&key) else { return };
            state.running.insert(key.1, kind);
            // Fails if it no longer waits; its `HeldTurn` is being dropped then, and ends the turn.
            let _ = sender.send(());
        }
    }

    /// Whose turn it is now.
    fn next(&self, state: &TurnState) -> Option<(usize, u64)> {
        let first = |kind| state.waiting.iter().find(|(_, waiting)| waiting.0 == kind).map(|(key, _)| *key);
        let running = |kind| state.running.values().filter(|running| **running == kind).count();
        let (cells, images, compilers) =
            (running(TurnKind::Cell), running(TurnKind::Image), running(TurnKind::Compiler));
        let only_one = self.jobs == 1 && state.cell_jobs <= 1;
        if compilers == 0
            && cells < state.cell_jobs
            && !(only_one && images > 0)
            && let Some(cell) = first(TurnKind::Cell)
        {
            return Some(cell);
        }
        let made = images + compilers;
        let free = cells == 0 && compilers < self.compilers && made < self.jobs;
        if let Some(compiler) = first(TurnKind::Compiler).filter(|(rank, _)| free && !state.has_sooner(*rank)) {
            return Some(compiler);
        }
        let beside_cells = self.jobs.saturating_sub(cells).max(usize::from(!only_one || cells == 0));
        first(TurnKind::Image).filter(|_| made < beside_cells)
    }
}

impl TurnState {
    /// Whether anything is left to do now that answers sooner than the compiler of this rank: a cell whose images are
    /// there, or an image of a lower rank that needs no compiler. What waits for a compiler itself is not to be waited for.
    fn has_sooner(&self, rank: usize) -> bool {
        let over = |tags: &[String]| !tags.iter().any(|tag| self.images.contains_key(tag));
        self.cells.values().any(|needs| over(needs))
            || self
                .images
                .values()
                .any(|image| image.kind == TurnKind::Image && image.rank < rank && over(&image.parents))
    }
}

/// A turn, which ends when this is dropped.
#[must_use]
pub struct HeldTurn {
    turns: Arc<Turns>,
    key: (usize, u64),
}

impl Drop for HeldTurn {
    fn drop(&mut self) {
        self.turns.change(|state| {
            state.waiting.remove(&self.key);
            state.running.remove(&self.key.1);
        });
    }
}

/// An announced image, which is over when this is dropped.
#[must_use]
pub(super) struct ImageTicket {
    turns: Arc<Turns>,
    tag: String,
}

impl Drop for ImageTicket {
    fn drop(&mut self) {
        self.turns.change(|state| drop(state.images.remove(&self.tag)));
    }
}

/// An announced cell. It is over when this is dropped.
#[must_use]
pub struct CellTicket {
    turns: Arc<Turns>,
    number: usize,
}

impl CellTicket {
    /// Waits for the turn of the cell. Its images must be over.
    pub async fn turn(&self) -> HeldTurn {
        self.turns.take(TurnKind::Cell, self.number).await
    }
}

impl Drop for CellTicket {
    fn drop(&mut self) {
        self.turns.change(|state| drop(state.cells.remove(&self.number)));
    }
}
