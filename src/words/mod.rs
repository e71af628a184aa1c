//! Structured text shared by report formats and decisions: outlines, paragraphs, marks, findings, answers.
//! All text from containers goes through [`escape`].

pub mod answer;
pub mod bisection;
pub mod escape;
pub mod finding;
pub mod grid;
pub mod ink;
pub mod legend;
pub mod limits;
pub mod mark;
pub mod outline;
pub mod paragraph;
pub mod unexpected;
pub mod workaround;

/// A number of things: `1 cell`, `2 cells`.
pub fn count(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

#[cfg(test)]
pub(crate) mod fixture;
