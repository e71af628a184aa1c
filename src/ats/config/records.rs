//! The text of settings: lines of records.config, or the tree of records.yaml.

use std::collections::BTreeMap;

use super::{Dialect, Unsupported};
use crate::model::{Record, RecordType};

/// The text of the records file of `dialect`; the settings must have the names of that dialect.
pub(super) fn text(dialect: Dialect, records: &[Record]) -> Result<String, Unsupported> {
    for record in records {
        check(record).map_err(|reason| unsupported(dialect, record, reason))?;
    }
    if dialect.has_records_yaml() { yaml(dialect, records) } else { Ok(lines(records)) }
}

fn unsupported(dialect: Dialect, record: &Record, reason: &str) -> Unsupported {
    Unsupported { record: record.name.clone(), dialect, reason: reason.into() }
}

/// A setting is one line in either format. Whatever would not stay in its line is refused.
fn check(record: &Record) -> Result<(), &'static str> {
    let number = match record.kind {
        RecordType::Int => record.value.parse::<i64>().is_ok(),
        RecordType::Float => record.value.parse::<f64>().is_ok(),
        RecordType::String => !record.value.is_empty() && !record.value.contains(|c: char| c.is_control()),
    };
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !record.name.starts_with("proxy.") || !record.name.chars().all(legal) || record.name.contains("..") {
        return Err("its name is not a setting of ATS (proxy.config...)");
    }
    if number { Ok(()) } else { Err("its value does not fit its type") }
}

fn lines(records: &[Record]) -> String {
    let scope = |record: &Record| if record.name.starts_with("proxy.local.") { "LOCAL" } else { "CONFIG" };
    records.iter().flat_map(|r| [scope(r), " ", &r.name, " ", r.kind.word(), " ", &r.value, "\n"]).collect()
}

/// A node of records.yaml: the value of a setting, or a group of settings by the next part of their names.
enum RecordsNode {
    Value(String),
    Group(BTreeMap<String, RecordsNode>),
}

fn yaml(dialect: Dialect, records: &[Record]) -> Result<String, Unsupported> {
    let mut root = BTreeMap::new();
    for record in records {
        let path = record.name.strip_prefix("proxy.config.").unwrap_or(&record.name);
        insert(&mut root, path, scalar(record)).map_err(|()| {
            unsupported(dialect, record, "records.yaml cannot have a value and a group of the same name")
        })?;
    }
    let mut text = String::from("records:\n");
    write(&mut text, &root, 1);
    Ok(text)
}

fn scalar(record: &Record) -> String {
    // Strings are always quoted, or YAML would read some as numbers, booleans or null. ATS itself takes the string NULL
    // as unset.
    if record.kind == RecordType::String {
        format!("'{}'", record.value.replace('\'', "''"))
    } else {
        record.value.clone()
    }
}

fn insert(group: &mut BTreeMap<String, RecordsNode>, path: &str, value: String) -> Result<(), ()> {
    match path.split_once('.') {
        Some((head, rest)) => match group.entry(head.to_owned()).or_insert_with(|| RecordsNode::Group(BTreeMap::new()))
        {
            RecordsNode::Group(inner) => insert(inner, rest, value),
            RecordsNode::Value(_) => Err(()),
        },
        None => match group.insert(path.to_owned(), RecordsNode::Value(value)) {
            Some(RecordsNode::Group(_)) => Err(()),
            Some(RecordsNode::Value(_)) | None => Ok(()),
        },
    }
}

fn write(text: &mut String, group: &BTreeMap<String, RecordsNode>, depth: usize) {
    for (name, node) in group {
        text.push_str(&"  ".repeat(depth));
        text.push_str(name);
        match node {
            RecordsNode::Value(value) => {
                text.push_str(": ");
                text.push_str(value);
                text.push('\n');
            }
            RecordsNode::Group(inner) => {
                text.push_str(":\n");
                write(text, inner, depth + 1);
            }
        }
    }
}
