//! Plugins: lines of plugin.config, and the `@plugin=` chains of remap rules.

use serde::Serialize;

use super::{FileLine, Reading, lines};

/// A plugin with its parameters, as a rule uses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PluginUse {
    /// As written, for example `cachekey.so`.
    pub name: String,
    /// Its `@pparam=` values, in order.
    pub params: Vec<String>,
}

/// A line of plugin.config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PluginLine {
    /// Where.
    pub at: FileLine,
    /// As written, for example `header_rewrite.so`.
    pub name: String,
    /// Its arguments, without quotes.
    pub params: Vec<String>,
}

impl PluginUse {
    /// The file name of the plugin, without directories.
    pub fn file_name(&self) -> &str {
        file_name(&self.name)
    }
}

impl PluginLine {
    /// The file name of the plugin, without directories.
    pub fn file_name(&self) -> &str {
        file_name(&self.name)
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The plugins among the arguments of a rule (the words with `@`, without it): each takes the parameters that follow.
/// The second value is a parameter without a plugin before it.
pub(super) fn chain(arguments: &[String]) -> (Vec<PluginUse>, Option<String>) {
    let mut chain: Vec<PluginUse> = Vec::new();
    let mut stray = None;
    for argument in arguments {
        if let Some(name) = argument.strip_prefix("plugin=") {
            chain.push(PluginUse { name: name.to_owned(), params: Vec::new() });
        } else if let Some(param) = argument.strip_prefix("pparam=") {
            match chain.last_mut() {
                Some(plugin) => plugin.params.push(param.to_owned()),
                None => stray = Some(param.to_owned()),
            }
        }
    }
    (chain, stray)
}

pub(super) fn read(reading: &mut Reading<'_>, file: &str) {
    let Some(text) = reading.text(file) else { return };
    for line in lines::plain(&text) {
        let at = FileLine::new(file, line.number);
        let Some(mut words) = lines::quoted_words(&line.text) else {
            reading.fault(at, "a double quote is not closed", "close it, or take it out", false);
            continue;
        };
        // A comment may follow.
        if let Some(comment) = words.iter().position(|word| word.starts_with('#')) {
            words.truncate(comment);
        }
        if words.is_empty() {
            continue;
        }
        let name = words.remove(0);
        reading.folder.plugins.push(PluginLine { at, name, params: words });
    }
}
