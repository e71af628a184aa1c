//! Files of `label=value` lines: parent.config and `ssl_multicert.config`; and storage.config.

use serde::Serialize;

use super::{FileLine, Reading, lines};

/// A line of parent.config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParentLine {
    /// Where.
    pub at: FileLine,
    /// What the line is for: its label and value, for example `dest_domain` and `example.com`.
    pub destination: (String, String),
    /// Parents as `HOST:PORT`, without weights.
    pub parents: Vec<String>,
    /// Secondary parents.
    pub secondary: Vec<String>,
    /// Whether ATS may ask the origin itself; without the label it may.
    pub go_direct: bool,
    /// All labels with their values, in order.
    pub labels: Vec<(String, String)>,
}

impl ParentLine {
    /// Whether the parents are proxies; without the label they are.
    pub fn is_proxy(&self) -> bool {
        !value(&self.labels, "parent_is_proxy").is_some_and(|value| value.eq_ignore_ascii_case("false"))
    }

    /// Whether the parents take turns, so that which of them gets a request is chance.
    pub fn takes_turns(&self) -> bool {
        value(&self.labels, "round_robin").is_some_and(|value| value.eq_ignore_ascii_case("strict"))
    }
}

/// A line of `ssl_multicert.config`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CertificateLine {
    /// Where.
    pub at: FileLine,
    /// Files with certificates, as written.
    pub certificates: Vec<String>,
    /// Files with keys, as written; empty: they are in the files of the certificates.
    pub keys: Vec<String>,
    /// Files with further certificates of the chain.
    pub chains: Vec<String>,
    /// All labels with their values, in order.
    pub labels: Vec<(String, String)>,
}

/// A line of storage.config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StorageLine {
    /// Where.
    pub at: FileLine,
    /// A file, directory or device.
    pub path: String,
    /// The size and everything else, as written.
    pub options: Vec<String>,
}

/// `label=value` pairs; quotes keep spaces in a value.
fn labels(line: &str) -> Result<Vec<(String, String)>, String> {
    let words = lines::quoted_words(line).ok_or("a double quote is not closed")?;
    let pair = |word: &String| {
        let (label, value) = word.split_once('=').ok_or_else(|| format!("`{word}` is no label=value"))?;
        Ok((label.to_owned(), value.to_owned()))
    };
    words.iter().map(pair).collect()
}

/// The labels of each line of a file.
fn labelled(reading: &mut Reading<'_>, file: &str) -> Vec<(FileLine, Vec<(String, String)>)> {
    let Some(text) = reading.text(file) else { return Vec::new() };
    let mut found = Vec::new();
    for line in lines::plain(&text) {
        let at = FileLine::new(file, line.number);
        match labels(&line.text) {
            Ok(labels) => found.push((at, labels)),
            Err(message) => reading.fault(at, message, "write label=value pairs with spaces between", false),
        }
    }
    found
}

fn value<'a>(labels: &'a [(String, String)], label: &str) -> Option<&'a str> {
    labels.iter().find(|(name, _)| name.eq_ignore_ascii_case(label)).map(|(_, value)| value.as_str())
}

/// Names of a list with `,` or `;` between.
fn list(value: Option<&str>) -> Vec<String> {
    let names = value.unwrap_or_default().split([',', ';']).map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// What lines of parent.config may be for.
const DESTINATIONS: &[&str] = &["dest_domain", "dest_host", "dest_ip", "url_regex", "host_regex", "url"];

pub(super) fn read_parents(reading: &mut Reading<'_>, file: &str) {
    for (at, labels) in labelled(reading, file) {
        let destination = labels.iter().find(|(label, _)| DESTINATIONS.iter().any(|it| label.eq_ignore_ascii_case(it)));
        let Some(destination) = destination.cloned() else {
            let help = format!("name one of {}", DESTINATIONS.join(", "));
            reading.fault(at, "the line does not say which destinations it is for", help, false);
            continue;
        };
        let without_weight = |parents: Vec<String>| {
            parents.into_iter().map(|it| it.split(['|', '&']).next().unwrap_or_default().to_owned()).collect()
        };
        reading.folder.parents.push(ParentLine {
            at,
            destination,
            parents: without_weight(list(value(&labels, "parent"))),
            secondary: without_weight(list(value(&labels, "secondary_parent"))),
            go_direct: value(&labels, "go_direct").is_none_or(|value| !value.eq_ignore_ascii_case("false")),
            labels,
        });
    }
}

pub(super) fn read_certificates(reading: &mut Reading<'_>, file: &str) {
    for (at, labels) in labelled(reading, file) {
        let certificates = list(value(&labels, "ssl_cert_name"));
        let tunnels = value(&labels, "action").is_some_and(|action| action.eq_ignore_ascii_case("tunnel"));
        if certificates.is_empty() && !tunnels {
            reading.fault(at, "the line names no certificate", "add ssl_cert_name=FILE", false);
            continue;
        }
        reading.folder.certificates.push(CertificateLine {
            at,
            certificates,
            keys: list(value(&labels, "ssl_key_name")),
            chains: list(value(&labels, "ssl_ca_name")),
            labels,
        });
    }
}

pub(super) fn read_storage(reading: &mut Reading<'_>, file: &str) {
    let Some(text) = reading.text(file) else { return };
    for line in lines::plain(&text) {
        let mut words = line.text.split_whitespace().map(str::to_owned);
        let Some(path) = words.next() else { continue };
        let options = words.collect();
        reading.folder.storage.push(StorageLine { at: FileLine::new(file, line.number), path, options });
    }
}
