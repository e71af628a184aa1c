//! Frames for a pcapng file, within a budget: the first and the last ones, since failures show at the beginning
//! (handshake) or at the end (which side closed).

use std::collections::VecDeque;

use super::segment::Frame;

/// What a kept frame costs besides its bytes.
const OVERHEAD: usize = 64;

/// The first and the last frames, within a budget of bytes.
#[derive(Debug)]
pub struct Recording {
    budget: usize,
    head: Vec<Kept>,
    head_left: usize,
    tail: VecDeque<Kept>,
    tail_used: usize,
    omitted: u64,
}

#[derive(Debug)]
struct Kept {
    at_ns: u64,
    outgoing: bool,
    len: u32,
    bytes: Box<[u8]>,
}

impl Recording {
    /// An empty recording that keeps at most `budget` bytes, counting 64 for each frame besides its own.
    pub fn new(budget: usize) -> Self {
        let half = budget / 2;
        Self { budget: half, head: Vec::new(), head_left: half, tail: VecDeque::new(), tail_used: 0, omitted: 0 }
    }

    /// Adds a frame. Half of the budget is for the first frames, half for the last.
    pub fn push(&mut self, frame: &Frame<'_>) {
        let cost = frame.bytes.len() + OVERHEAD;
        let kept = || Kept { at_ns: frame.at_ns, outgoing: frame.outgoing, len: frame.len, bytes: frame.bytes.into() };
        if self.tail.is_empty() && self.omitted == 0 && cost <= self.head_left {
            self.head_left -= cost;
            self.head.push(kept());
            return;
        }
        if cost > self.budget {
            self.omitted += 1;
            return;
        }
        self.tail.push_back(kept());
        self.tail_used += cost;
        while self.tail_used > self.budget
            && let Some(oldest) = self.tail.pop_front()
        {
            self.tail_used -= oldest.bytes.len() + OVERHEAD;
            self.omitted += 1;
        }
    }

    /// The kept frames, in order.
    pub fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        self.head.iter().chain(&self.tail).map(|kept| Frame {
            at_ns: kept.at_ns,
            outgoing: kept.outgoing,
            len: kept.len,
            bytes: &kept.bytes,
        })
    }

    /// How many frames were dropped.
    pub fn omitted(&self) -> u64 {
        self.omitted
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(budget: usize, sizes: &[usize]) -> Recording {
        let mut recording = Recording::new(budget);
        for (at_ns, size) in (0..).zip(sizes) {
            recording.push(&Frame { at_ns, outgoing: true, len: 0, bytes: &vec![0; *size] });
        }
        recording
    }

    #[test]
    fn the_first_and_the_last_frames_stay() {
        let recording = record(4 * (36 + OVERHEAD), &[36; 10]);
        assert_eq!(recording.frames().map(|frame| frame.at_ns).collect::<Vec<_>>(), [0, 1, 8, 9]);
        assert_eq!(recording.omitted(), 6);
    }

    proptest! {
        #[test]
        fn the_budget_holds_and_nothing_vanishes(budget in 0usize..5000, sizes in prop::collection::vec(0usize..3000, 0..60)) {
            let recording = record(budget, &sizes);
            let kept: Vec<_> = recording.frames().collect();
            prop_assert!(kept.iter().map(|frame| frame.bytes.len() + OVERHEAD).sum::<usize>() <= budget);
            prop_assert!(kept.is_sorted_by_key(|frame| frame.at_ns));
            prop_assert_eq!(kept.len() as u64 + recording.omitted(), sizes.len() as u64);
        }
    }
}
