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
    /// Ranks of images that are made only if something needs them, by tag.
    on_demand: BTreeMap<String, usize>,
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

    /// Says that what has this `rank` may need the image `tag`: if it is made, it comes as early as the first that needs it,
    /// and no earlier.
    pub(super) fn may_need(&self, tag: &str, rank: usize) {
        let mut state = self.state();
        let first = state.on_demand.entry(tag.to_owned()).or_insert(rank);
        *first = rank.min(*first);
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

    /// A turn for work on the image `tag`. One of which nothing was said is needed by something that is being made, and
    /// comes first.
    pub(super) async fn image(self: &Arc<Self>, tag: &str, compiles: bool) -> HeldTurn {
        let rank = self.state().rank(tag);
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
    fn rank(&self, tag: &str) -> usize {
        let announced = self.images.get(tag).map(|image| image.rank);
        announced.or_else(|| self.on_demand.get(tag).copied()).unwrap_or(0)
    }

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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    /// Turns of two jobs with one compiler.
    fn two_jobs() -> Arc<Turns> {
        Turns::new(2, 1)
    }

    fn strings(tags: &[&str]) -> Vec<String> {
        tags.iter().map(ToString::to_string).collect()
    }

    /// The turn, if it comes at once.
    macro_rules! now {
        ($waiting:expr) => {
            (&mut $waiting).now_or_never()
        };
    }

    #[test]
    fn cells_and_compilers_take_turns() {
        let turns = two_jobs();
        let _build = turns.expect_image("build", true, 0, &[]);
        let cells = turns.expect_cells(2, [strings(&[]), strings(&["build"])].into_iter());
        let mut compiler = Box::pin(turns.image("build", true));
        assert!(now!(compiler).is_none(), "a cell could run");
        let cell = cells[0].turn().now_or_never().unwrap();
        assert!(now!(compiler).is_none());
        drop((cell, cells.into_iter().next()));
        let compiling = now!(compiler).unwrap();

        let late = turns.expect_cells(2, [strings(&[])].into_iter());
        let mut cell = Box::pin(late[0].turn());
        assert!(now!(cell).is_none());
        drop(compiling);
        assert!(now!(cell).is_some());
    }

    #[test]
    fn an_image_made_on_demand_comes_with_the_first_that_needs_it() {
        let turns = Turns::new(1, 1);
        turns.may_need("tools", 5);
        turns.may_need("tools", 3);
        turns.may_need("tools", 4);
        let _images = [("sooner", 2), ("later", 4)].map(|(tag, rank)| turns.expect_image(tag, false, rank, &[]));
        let held = turns.image("unknown", false).now_or_never().unwrap();
        let [mut later, mut tools, mut sooner] =
            ["later", "tools", "sooner"].map(|tag| Box::pin(turns.image(tag, false)));
        assert!(now!(later).is_none() && now!(tools).is_none() && now!(sooner).is_none());
        drop(held);
        let first = now!(sooner).unwrap();
        assert!(now!(tools).is_none());
        drop(first);
        let second = now!(tools).unwrap();
        assert!(now!(later).is_none());
        drop(second);
        assert!(now!(later).is_some());
    }

    #[test]
    fn a_compiler_waits_for_what_answers_sooner_but_not_for_what_waits_for_a_compiler() {
        let turns = Turns::new(8, 2);
        let base = turns.expect_image("base", false, 0, &[]);
        let package = turns.expect_image("package", false, 1, &strings(&["base"]));
        let _first = turns.expect_image("first", true, 2, &[]);
        let _moved = turns.expect_image("moved", false, 3, &strings(&["first"]));
        let _second = turns.expect_image("second", true, 4, &[]);
        let _last = turns.expect_image("last", false, 5, &[]);
        let cell = turns.expect_cells(2, [strings(&["package"])].into_iter());
        let (mut first, mut second) = (Box::pin(turns.image("first", true)), Box::pin(turns.image("second", true)));
        assert!(now!(first).is_none());
        // Nobody waits for a turn in between: what comes next counts before it asks.
        drop(base);
        assert!(now!(first).is_none(), "the package comes first");
        drop(package);
        assert!(now!(first).is_none(), "its cell comes first");
        drop(cell);
        assert!(now!(first).is_some());
        assert!(now!(second).is_some(), "what the first makes possible is not to be waited for");
    }

    #[test]
    fn what_a_compiler_made_possible_comes_before_the_next_compiler() {
        let turns = two_jobs();
        let first = turns.expect_image("first", true, 0, &[]);
        let moved = turns.expect_image("moved", false, 1, &strings(&["first"]));
        let _second = turns.expect_image("second", true, 2, &[]);
        let compiling = turns.image("first", true).now_or_never().unwrap();
        let mut second = Box::pin(turns.image("second", true));
        assert!(now!(second).is_none(), "one compiler at a time");
        drop((first, compiling));
        assert!(now!(second).is_none());
        drop(moved);
        assert!(now!(second).is_some());
    }

    #[test]
    fn images_are_made_in_their_order_and_fewer_beside_cells() {
        let turns = two_jobs();
        let tickets = ["a", "b", "c"].map(|tag| turns.expect_image(tag, false, usize::from(tag.as_bytes()[0]), &[]));
        let cells = turns.expect_cells(2, std::iter::repeat_n(Vec::new(), 2));
        let running = [0, 1].map(|cell| cells[cell].turn().now_or_never().unwrap());
        let mut c = Box::pin(turns.image("c", false));
        let first = now!(c).unwrap();
        let (mut b, mut a) = (Box::pin(turns.image("b", false)), Box::pin(turns.image("a", false)));
        assert!(now!(b).is_none() && now!(a).is_none(), "one beside two cells");
        drop(first);
        assert!(now!(b).is_none() && now!(a).is_some(), "in their order, not in that of asking");
        drop((running, cells));
        assert!(now!(b).is_some(), "two without cells");
        drop(tickets);
    }

    #[test]
    fn one_job_is_one_image_or_one_cell() {
        let turns = Turns::new(1, 1);
        let cells = turns.expect_cells(1, std::iter::once(Vec::new()));
        let image = turns.image("a", false).now_or_never().unwrap();
        let mut cell = Box::pin(cells[0].turn());
        assert!(now!(cell).is_none());
        let mut next = Box::pin(turns.image("b", false));
        drop(image);
        assert!(now!(next).is_none(), "a cell that could run comes first");
        let running = now!(cell).unwrap();
        assert!(now!(next).is_none());
        drop(running);
        assert!(now!(next).is_some());
    }

    #[test]
    fn who_stops_waiting_passes_the_turn_on() {
        let turns = Turns::new(1, 1);
        let first = turns.image("a", false).now_or_never().unwrap();
        let (mut second, mut third) = (Box::pin(turns.image("b", false)), Box::pin(turns.image("c", false)));
        assert!(now!(second).is_none() && now!(third).is_none());
        // It is the second's turn now, but nobody takes it.
        drop(first);
        drop(second);
        assert!(now!(third).is_some());
    }
}
