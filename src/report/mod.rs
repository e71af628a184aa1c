//! Results in each format: one file a format. Takes values and returns values: it opens no file, reads no
//! environment and no clock. What the formats have in common is in [`crate::words`].

pub mod bisection;
pub mod details;
pub mod format;
pub mod github;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod terminal;
