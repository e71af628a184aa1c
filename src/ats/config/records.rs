//! How settings are written: lines of records.config, or the tree of records.yaml.

use std::collections::BTreeMap;

use super::{Dialect, Unsupported};
use crate::model::{Record, RecordType};

/// The text of the dialect's records file, with names as that dialect has them.
pub(super) fn text(dialect: Dialect, records: &[Record]) -> Result<String, Unsupported> {
    for record in records {
        check(record).map_err(|reason| unsupported(dialect, record, reason))?;
    }
    if dialect.has_records_yaml() { yaml(dialect, records) } else { Ok(lines(records)) }
}

fn unsupported(dialect: Dialect, record: &Record, reason: &str) -> Unsupported {
    Unsupported { record: record.name.clone(), dialect, reason: reason.into() }
}

/// One setting is one line in either format; what would break out of it is refused.
fn check(record: &Record) -> Result<(), &'static str> {
    let number = match record.kind {
        RecordType::Int => record.value.parse::<i64>().is_ok(),
        RecordType::Float => record.value.parse::<f64>().is_ok(),
        RecordType::String => !record.value.is_empty() && !record.value.contains(|c: char| c.is_control()),
    };
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !record.name.starts_with("proxy.") || !record.name.chars().all(legal) || record.name.contains("..") {
        return Err("its name is none of ATS's (proxy.config...)");
    }
    if number { Ok(()) } else { Err("its value does not fit its type") }
}

fn lines(records: &[Record]) -> String {
    let scope = |record: &Record| if record.name.starts_with("proxy.local.") { "LOCAL" } else { "CONFIG" };
    records.iter().flat_map(|r| [scope(r), " ", &r.name, " ", r.kind.word(), " ", &r.value, "\n"]).collect()
}

/// A node of records.yaml: the value of a setting, or settings by the next part of their names.
enum Node {
    Value(String),
    Group(BTreeMap<String, Node>),
}

fn yaml(dialect: Dialect, records: &[Record]) -> Result<String, Unsupported> {
    let mut root = BTreeMap::new();
    for record in records {
        let path = record.name.strip_prefix("proxy.config.").unwrap_or(&record.name);
        insert(&mut root, path, scalar(record))
            .map_err(|()| unsupported(dialect, record, "records.yaml cannot hold a value and a group of one name"))?;
    }
    let mut text = String::from("records:\n");
    write(&mut text, &root, 1);
    Ok(text)
}

fn scalar(record: &Record) -> String {
    // Texts are always quoted, or YAML would make numbers, booleans and nulls of some. ATS itself takes
    // the text NULL for none.
    if record.kind == RecordType::String {
        format!("'{}'", record.value.replace('\'', "''"))
    } else {
        record.value.clone()
    }
}

fn insert(group: &mut BTreeMap<String, Node>, path: &str, value: String) -> Result<(), ()> {
    match path.split_once('.') {
        Some((head, rest)) => match group.entry(head.to_owned()).or_insert_with(|| Node::Group(BTreeMap::new())) {
            Node::Group(inner) => insert(inner, rest, value),
            Node::Value(_) => Err(()),
        },
        None => match group.insert(path.to_owned(), Node::Value(value)) {
            Some(Node::Group(_)) => Err(()),
            _ => Ok(()),
        },
    }
}

fn write(text: &mut String, group: &BTreeMap<String, Node>, depth: usize) {
    for (name, node) in group {
        text.push_str(&"  ".repeat(depth));
        text.push_str(name);
        match node {
            Node::Value(value) => {
                text.push_str(": ");
                text.push_str(value);
                text.push('\n');
            }
            Node::Group(inner) => {
                text.push_str(":\n");
                write(text, inner, depth + 1);
            }
        }
    }
}
