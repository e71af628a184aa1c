//! Settings: records.config of 8.1 and 9, records.yaml of 10.

use serde::Serialize;

use super::yaml::{self, YamlContent, YamlNode};
use super::{FileLine, Reading, lines};
use crate::model::RecordType;

/// A setting with its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordLine {
    /// Where.
    pub at: FileLine,
    /// Its full name, for example `proxy.config.http.server_ports`; of records.yaml put together from its keys.
    pub name: String,
    /// Its declared type; of records.yaml, which declares none, what its value looks like.
    pub kind: RecordType,
    /// Its value as text.
    pub value: String,
}

/// Words for who may set a setting. ATS takes both, and knows no others.
const SCOPES: &[&str] = &["CONFIG", "LOCAL"];

pub(super) fn read_config(reading: &mut Reading<'_>, file: &str) {
    let Some(text) = reading.text(file) else { return };
    for line in lines::plain(&text) {
        let at = FileLine::new(file, line.number);
        match record(&at, &line.text) {
            Ok(record) => reading.folder.records.push(record),
            Err((message, help)) => reading.fault(at, message, help, false),
        }
    }
}

/// `CONFIG NAME TYPE VALUE`; the value is the rest of the line.
fn record(at: &FileLine, line: &str) -> Result<RecordLine, (String, &'static str)> {
    let (scope, rest) = word(line);
    let (name, rest) = word(rest);
    let (kind, value) = word(rest);
    if !SCOPES.contains(&scope) {
        return Err((
            format!("the line begins with `{scope}`"),
            "begin it with CONFIG or LOCAL, or with # for a comment",
        ));
    }
    let known = [RecordType::Int, RecordType::String, RecordType::Float];
    let kind = match kind {
        "" => return Err(("the line ends before the type of the value".into(), "write CONFIG NAME TYPE VALUE")),
        // A counter is a number to ATS.
        "COUNTER" => RecordType::Int,
        word => known.into_iter().find(|kind| kind.word() == word).ok_or_else(|| {
            (format!("`{word}` is not a type of settings"), "write INT, FLOAT or STRING, in capitals")
        })?,
    };
    if value.is_empty() {
        return Err((format!("{name} has no value"), "write its value behind the type; NULL stands for none"));
    }
    Ok(RecordLine { at: at.clone(), name: name.to_owned(), kind, value: value.to_owned() })
}

/// The first word, and what follows it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let (word, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    (word, rest.trim())
}

pub(super) fn read_yaml(reading: &mut Reading<'_>, file: &str) {
    let Some(text) = reading.text(file) else { return };
    let documents = match yaml::documents(&text) {
        Ok(documents) => documents,
        Err(error) => {
            return reading.fault(FileLine::new(file, error.line), error.message, "correct the YAML", true);
        }
    };
    for document in documents.iter().filter(|document| !document.is_null()) {
        match document.get("records") {
            Some(records) => flatten(reading, file, "proxy.config", records),
            None => reading.fault(
                FileLine::new(file, document.line),
                "the file has no key `records`",
                "put all settings below `records:`, without `proxy.config.`",
                true,
            ),
        }
    }
}

fn flatten(reading: &mut Reading<'_>, file: &str, name: &str, node: &YamlNode) {
    match &node.content {
        YamlContent::Map(entries) => {
            for (key, value) in entries {
                flatten(reading, file, &format!("{name}.{}", key.text), value);
            }
        }
        YamlContent::List(_) => {
            reading.fault(FileLine::new(file, node.line), format!("{name} is a list"), "write one value", false);
        }
        YamlContent::Scalar { text, plain } => {
            let value = if node.is_null() { "NULL".to_owned() } else { text.clone() };
            let kind = kind_of(&value, *plain);
            let at = FileLine::new(file, node.line);
            reading.folder.records.push(RecordLine { at, name: name.to_owned(), kind, value });
        }
    }
}

fn kind_of(value: &str, plain: bool) -> RecordType {
    if plain && value.parse::<i64>().is_ok() {
        RecordType::Int
    } else if plain && value.parse::<f64>().is_ok_and(f64::is_finite) {
        RecordType::Float
    } else {
        RecordType::String
    }
}
