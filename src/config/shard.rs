//! Splits the cells between several machines. Depends on positions only, so every machine with the same list computes the
//! same parts without talking to the others.

use std::fmt;
use std::str::FromStr;

/// Most shards: more than any matrix has use for.
const MAX_SHARDS: usize = 1000;

/// How much of an invalid text an error repeats, in characters.
const MAX_SHOWN: usize = 40;

/// One of several equal parts: `2/4` is the second of four.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 1 to `count`.
    index: usize,
    /// At least 1.
    count: usize,
}

/// The text is not a valid [`Shard`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a shard: write it like 2/4, the second of four (at most {MAX_SHARDS})")]
pub struct ShardError(String);

impl FromStr for Shard {
    type Err = ShardError;
    fn from_str(text: &str) -> Result<Self, ShardError> {
        let error = || ShardError(text.chars().take(MAX_SHOWN).flat_map(char::escape_debug).collect());
        let (index, count) = text.split_once('/').ok_or_else(error)?;
        let (index, count) = (index.parse().map_err(|_| error())?, count.parse().map_err(|_| error())?);
        if index == 0 || index > count || count > MAX_SHARDS {
            return Err(error());
        }
        Ok(Self { index, count })
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl Shard {
    /// Its part of `all`, in order: every `count`-th item, so that the sizes of shards differ by at most one and a slow row
    /// is spread over all of them. Every item is in exactly one shard; if there are more shards than items, some are
    /// empty.
    pub fn of<T>(self, all: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
        all.into_iter().skip(self.index - 1).step_by(self.count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shards_are_counted_from_one() {
        let shard: Shard = "2/3".parse().unwrap();
        assert_eq!(shard.of(["a", "b", "c", "d", "e"]).collect::<Vec<_>>(), ["b", "e"]);
        assert_eq!(shard.to_string(), "2/3");
        for bad in ["", "1", "0/3", "4/3", "1/0", "-1/2", "1/2/3", "1/1001", "a/b"] {
            assert!(bad.parse::<Shard>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn shards_are_balanced_and_contain_each_cell_once(cells in 0..50_usize, count in 1..12_usize) {
            let shards: Vec<Vec<usize>> =
                (1..=count).map(|index| Shard { index, count }.of(0..cells).collect()).collect();
            let mut all: Vec<usize> = shards.concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..cells).collect::<Vec<_>>());
            let sizes = || shards.iter().map(Vec::len);
            prop_assert!(sizes().max().unwrap() - sizes().min().unwrap() <= 1);
        }
    }
}
