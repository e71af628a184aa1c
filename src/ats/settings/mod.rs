//! What each version of ATS knows: its settings with type, default and permitted values; the files it reads; the
//! plugins of packages; and what changed its meaning between versions.
//!
//! Data of 8.1 and 9 come from running ATS (`measured.tsv`, `plugins.tsv`, made by `scripts/settings.sh`). No ATS 10
//! has been run for them: `documented.tsv` has what upstream's notes and sources say, and [`SettingsTable::documented`]
//! says so.

mod changes;
mod files;
mod plugins;
mod table;

pub use changes::{Applies, CHANGES, Changed, guard};
pub use files::{OTHER_FILES, OtherFile, Without, name_keys, reads};
pub use plugins::{PackagedPlugins, file_params, packaged};
pub use table::{KnownSetting, SettingsTable, known_in, renamed};
