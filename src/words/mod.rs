//! Structured text that formats and decisions share: outlines, paragraphs, marks, findings, answers, and the
//! escaping that all text from containers passes ([`escape`]). Knows no format of a report.

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
