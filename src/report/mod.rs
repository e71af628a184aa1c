//! Results in every format: one file or folder per format. Pure: opens no file, reads no environment and no clock. What
//! formats share is in [`crate::words`].

pub mod behaviour;
pub mod bisection;
pub mod details;
pub mod format;
pub mod github;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod terminal;
