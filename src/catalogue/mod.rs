//! What the program knows: the trials, and the known issues that explain their failures.

pub mod known_issues;
pub mod trials;

/// How many entries `groups` have.
const fn count<T>(groups: &[&[T]]) -> usize {
    let mut count = 0;
    let mut group = 0;
    while group < groups.len() {
        count += groups[group].len();
        group += 1;
    }
    count
}

/// The entries of `groups`, in order. Constant functions have no iterators.
const fn flatten<T, const N: usize>(groups: &'static [&'static [T]]) -> [&'static T; N] {
    let mut entries = [&groups[0][0]; N];
    let mut next = 0;
    let mut group = 0;
    while group < groups.len() {
        let mut at = 0;
        while at < groups[group].len() {
            entries[next] = &groups[group][at];
            next += 1;
            at += 1;
        }
        group += 1;
    }
    entries
}
