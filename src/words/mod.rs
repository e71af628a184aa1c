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

#[cfg(test)]
pub(crate) mod fixture;
