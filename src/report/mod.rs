//! Results as text: one file a format. Takes values and returns values: it opens no file, reads no
//! environment and knows no clock. All text that came out of a container passes [`escape`].

pub mod answer;
pub mod bisection;
pub mod details;
pub mod escape;
pub mod finding;
pub mod format;
pub mod github;
pub mod grid;
pub mod html;
pub mod ink;
pub mod json;
pub mod junit;
pub mod legend;
pub mod limits;
pub mod mark;
pub mod markdown;
pub mod outline;
pub mod paragraph;
pub mod terminal;
pub mod unexpected;
pub mod workaround;

#[cfg(test)]
pub(crate) mod fixture;
