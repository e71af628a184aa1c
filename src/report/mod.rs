//! Results as text: one file a format. Takes values and returns values: it opens no file, reads no
//! environment and knows no clock. All text that came out of a container passes [`escape`].

pub mod answer;
pub mod escape;
pub mod finding;
pub mod grid;
pub mod ink;
pub mod json;
pub mod legend;
pub mod mark;
pub mod markdown;
pub mod outline;
mod paragraph;
pub mod terminal;

#[cfg(test)]
pub(crate) mod fixture;
