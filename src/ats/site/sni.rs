//! Settings by server name: sni.yaml of 9 and 10, `ssl_server_name.yaml` of 8.1.

use serde::Serialize;

use super::yaml::{self, YamlContent, YamlNode};
use super::{FileLine, Reading};

/// What is set for a server name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServerName {
    /// Where.
    pub at: FileLine,
    /// The name, which may have a `*`.
    pub fqdn: String,
    /// Its other keys, in order.
    pub keys: Vec<NameKey>,
}

/// A key of a server name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NameKey {
    /// Where.
    pub at: FileLine,
    /// As written, for example `verify_server_policy`.
    pub key: String,
    /// Its value; of a list, its items with commas between.
    pub value: String,
}

impl ServerName {
    /// The key `key`.
    pub fn key(&self, key: &str) -> Option<&NameKey> {
        self.keys.iter().find(|own| own.key == key)
    }
}

pub(super) fn read(reading: &mut Reading<'_>, file: &str) {
    let Some(text) = reading.text(file) else { return };
    let documents = match yaml::documents(&text) {
        Ok(documents) => documents,
        Err(error) => {
            return reading.fault(FileLine::new(file, error.line), error.message, "correct the YAML", true);
        }
    };
    let Some(root) = documents.first().filter(|root| !root.is_null()) else { return };
    // In 8.1 the file is just the list.
    let list = root.get("sni").unwrap_or(root);
    match &list.content {
        YamlContent::List(items) => {
            for item in items {
                match entry(file, item) {
                    Some(name) => reading.folder.names.push(name),
                    None => reading.fault(
                        FileLine::new(file, item.line),
                        "this entry has no `fqdn`",
                        "write the server name as `- fqdn: NAME`",
                        true,
                    ),
                }
            }
        }
        YamlContent::Scalar { .. } if list.is_null() => {}
        YamlContent::Map(_) | YamlContent::Scalar { .. } => reading.fault(
            FileLine::new(file, list.line),
            "the file has no list of server names",
            "put entries `- fqdn: NAME` below the key `sni` (8.1: at the top)",
            true,
        ),
    }
}

fn entry(file: &str, item: &YamlNode) -> Option<ServerName> {
    let fqdn = item.get("fqdn")?.text()?.to_owned();
    let YamlContent::Map(entries) = &item.content else { return None };
    let keys = entries.iter().filter(|(key, _)| key.text != "fqdn").map(|(key, value)| NameKey {
        at: FileLine::new(file, key.line),
        key: key.text.clone(),
        value: value_text(value),
    });
    Some(ServerName { at: FileLine::new(file, item.line), fqdn, keys: keys.collect() })
}

fn value_text(value: &YamlNode) -> String {
    match &value.content {
        YamlContent::Scalar { text, .. } => text.clone(),
        YamlContent::List(items) => items.iter().map(|item| value_text(item)).collect::<Vec<_>>().join(","),
        YamlContent::Map(entries) => {
            let pairs = entries.iter().map(|(key, value)| format!("{}={}", key.text, value_text(value)));
            pairs.collect::<Vec<_>>().join(",")
        }
    }
}
