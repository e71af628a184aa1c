//! results/behaviour.json: what trials negotiated and exchanged. It is read back. Equal parts and equal behaviours are stored once,
//! each under the first digits of the SHA-256 of its content, so that the file stays small and its lines stay where they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::matrix::sha256_hex;
use crate::model::{BehaviourRecords, CellBehaviour, CellId, TrialBehaviour};

use super::json;

/// Schema version of behaviour.json. Increases with every change that an older reader would misunderstand.
pub const BEHAVIOUR_SCHEMA: u32 = 1;

/// Hex digits of a key.
const DIGITS: usize = 12;

/// The whole of results/behaviour.json.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "results/behaviour.json of atsmatrix")]
struct BehaviourFile {
    /// Schema version of the writer.
    #[schemars(range(max = BEHAVIOUR_SCHEMA))]
    schema: u32,
    /// Parts of behaviours, by key: one part with its aspects and their values.
    parts: BTreeMap<String, TrialBehaviour>,
    /// Behaviours, by key: the keys of their parts.
    behaviours: BTreeMap<String, Vec<String>>,
    /// The key of the behaviour of each trial, by cell and trial.
    cells: BTreeMap<String, BTreeMap<String, String>>,
}

/// Why behaviour.json cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BehaviourError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] json::ReadError),
    /// Its keys are not those of its content.
    #[error("behaviour.json was edited: {0}; run the cells again")]
    Edited(String),
}

/// The key of `content`.
fn key(content: &impl Serialize) -> String {
    // Maps with string keys can always be written as JSON.
    let bytes = serde_json::to_vec(content).unwrap_or_default();
    sha256_hex(&bytes).chars().take(DIGITS).collect()
}

impl BehaviourFile {
    fn of(records: &BehaviourRecords) -> Self {
        let (mut parts, mut behaviours, mut cells) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (id, cell) in records {
            let mut trials = BTreeMap::new();
            for (trial, behaviour) in cell {
                let mut keys = Vec::new();
                for (part, aspects) in &behaviour.0 {
                    let alone = TrialBehaviour([(*part, aspects.clone())].into());
                    let name = key(&alone);
                    parts.insert(name.clone(), alone);
                    keys.push(name);
                }
                let name = key(&keys);
                behaviours.insert(name.clone(), keys);
                trials.insert(trial.clone(), name);
            }
            cells.insert(id.to_string(), trials);
        }
        Self { schema: BEHAVIOUR_SCHEMA, parts, behaviours, cells }
    }

    fn records(&self) -> Result<BehaviourRecords, BehaviourError> {
        let edited = |what: &str, name: &str| BehaviourError::Edited(format!("{what} {name} is not its content"));
        if let Some((name, _)) = self.parts.iter().find(|(name, part)| **name != key(part)) {
            return Err(edited("part", name));
        }
        if let Some((name, _)) = self.behaviours.iter().find(|(name, keys)| **name != key(keys)) {
            return Err(edited("behaviour", name));
        }
        let part = |name: &String| {
            self.parts.get(name).ok_or_else(|| BehaviourError::Edited(format!("there is no part {name}")))
        };
        let behaviour = |name: &String| -> Result<TrialBehaviour, BehaviourError> {
            let keys = self.behaviours.get(name);
            let keys = keys.ok_or_else(|| BehaviourError::Edited(format!("there is no behaviour {name}")))?;
            let mut whole = TrialBehaviour::default();
            for name in keys {
                whole.0.extend(part(name)?.0.clone());
            }
            Ok(whole)
        };
        let mut records = BehaviourRecords::new();
        for (id, trials) in &self.cells {
            let id: CellId = id.parse().map_err(|error| BehaviourError::Edited(format!("{error}")))?;
            let trials = trials.iter().map(|(trial, name)| Ok((trial.clone(), behaviour(name)?)));
            records.insert(id, trials.collect::<Result<CellBehaviour, BehaviourError>>()?);
        }
        Ok(records)
    }
}

/// `records` as JSON with a newline at the end: a line for each part, behaviour and trial, sorted.
pub fn write(records: &BehaviourRecords) -> Vec<u8> {
    let file = BehaviourFile::of(records);
    let mut text = format!("{{\n  \"schema\": {},\n", file.schema);
    section(&mut text, "parts", &file.parts);
    text.push_str(",\n");
    section(&mut text, "behaviours", &file.behaviours);
    text.push_str(",\n  \"cells\": {");
    for (at, (id, trials)) in file.cells.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{}\n    {}: {{", if at == 0 { "" } else { "," }, line(id));
        for (at, (trial, name)) in trials.iter().enumerate() {
            let _ = write!(text, "{}\n      {}: {}", if at == 0 { "" } else { "," }, line(trial), line(name));
        }
        text.push_str("\n    }");
    }
    text.push_str("\n  }\n}\n");
    text.into_bytes()
}

fn section(text: &mut String, name: &str, entries: &BTreeMap<String, impl Serialize>) {
    let _ = write!(text, "  \"{name}\": {{");
    for (at, (key, value)) in entries.iter().enumerate() {
        let _ = write!(text, "{}\n    {}: {}", if at == 0 { "" } else { "," }, line(key), line(value));
    }
    text.push_str("\n  }");
}

/// Data as JSON on one line.
fn line(value: &impl Serialize) -> String {
    // Maps with string keys, lists and texts can always be written as JSON.
    serde_json::to_string(value).unwrap_or_default()
}

/// Reads a file that [`write()`] wrote. Every key is checked against its content.
///
/// # Errors
/// It is damaged, newer, or edited.
pub fn read(bytes: &[u8]) -> Result<BehaviourRecords, BehaviourError> {
    json::parse::<BehaviourFile>(bytes, "behaviour.json", BEHAVIOUR_SCHEMA)?.records()
}

/// The JSON schema (draft 2020-12) of [`write()`].
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(BehaviourFile).to_value()
}

/// `records` of `cells` alone.
pub fn only(mut records: BehaviourRecords, cells: &BTreeSet<&CellId>) -> BehaviourRecords {
    records.retain(|id, own| cells.contains(id) && !own.is_empty());
    records
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::BehaviourPart;

    fn behaviour(group: &str) -> TrialBehaviour {
        let aspect = |name: &str, value: &str| [(name.to_owned(), value.to_owned())].into();
        let parts = [
            (BehaviourPart::Tls, aspect("group", group)),
            (BehaviourPart::Headers, aspect("via", "a \"b\"\n")),
            (BehaviourPart::Size, aspect("size", "517")),
        ];
        TrialBehaviour(parts.into())
    }

    fn records() -> BehaviourRecords {
        let cell = |group: &str| [("a".to_owned(), behaviour(group)), ("b".to_owned(), behaviour(group))].into();
        [("debian-12/9.2.9", "X25519"), ("debian-13/9.2.9", "X25519MLKEM768"), ("debian-14/9.2.9", "X25519MLKEM768")]
            .into_iter()
            .map(|(id, group)| (id.parse().unwrap(), cell(group)))
            .collect()
    }

    #[test]
    fn what_is_written_is_read_and_equal_behaviour_is_stored_once() {
        let bytes = write(&records());
        assert_eq!(read(&bytes).unwrap(), records());
        assert_eq!(write(&read(&bytes).unwrap()), bytes);
        let file: BehaviourFile = serde_json::from_slice(&bytes).unwrap();
        assert_eq!((file.parts.len(), file.behaviours.len(), file.cells.len()), (4, 2, 3));
        assert_eq!(read(&write(&BehaviourRecords::new())).unwrap(), BehaviourRecords::new());
        let validator = jsonschema::validator_for(&schema()).unwrap();
        assert!(validator.is_valid(&serde_json::from_slice(&bytes).unwrap()));
    }

    #[test]
    fn an_edited_file_is_refused() {
        let text = String::from_utf8(write(&records())).unwrap();
        let keys: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("      \"b\": \"")).collect();
        let last = keys.last().unwrap().trim_end_matches('"');
        for (edit, why) in [
            (text.replace("\"X25519\"", "\"x448\""), "is not its content"),
            (text.replace(last, "0123456789ab"), "is not its content"),
            (text.replace(&format!("\"b\": \"{last}\""), "\"b\": \"000000000000\""), "there is no behaviour"),
            (text.replace("\"schema\": 1", "\"schema\": 9"), "use a newer atsmatrix"),
            ("<<<<<<< HEAD".to_owned(), "damaged"),
        ] {
            let error = read(edit.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why), "{why}: {error}");
        }
    }
}
