//! Checks a document against the published schema and gives its values the types of the schema. Reports every unknown
//! key, missing key and value of the wrong type at once and with its position; serde would stop at the first. Handles
//! the part of JSON schema that `schemars` writes for the structs of `document`.

use serde_json::Value as Schema;
use serde_yaml::{Mapping, Value};

use super::diagnostic::{Diagnostic, Path, did_you_mean, known_names, quoted, shortened};
use super::outline::{Child, Content, Entry, Outline, Position};

/// Most references that are followed from one rule. The structs refer to each other through two or three; the limit
/// keeps a cyclic schema from looping.
const MAX_REFERENCES: usize = 8;

/// The values of the document, or everything that is wrong with its shape.
pub(super) fn typed(file: &str, outline: &Outline, schema: &Schema) -> Result<Value, Vec<Diagnostic>> {
    let mut shape = Shape { file, schema, found: Vec::new() };
    let value = shape.value(&outline.root, schema, &Path::default());
    if shape.found.is_empty() { Ok(value) } else { Err(shape.found) }
}

/// The check so far. Its methods return the value of a node; after a mistake the value is null and of no use.
struct Shape<'a> {
    file: &'a str,
    schema: &'a Schema,
    found: Vec<Diagnostic>,
}

impl<'a> Shape<'a> {
    fn value(&mut self, child: &Child, rule: &'a Schema, path: &Path) -> Value {
        let rule = self.resolve(rule);
        if child.node.is_null() {
            return self.refuse(child.at, path, "the value is empty", "write a value, or remove the key");
        }
        match (&child.node.content, kind(rule)) {
            (Content::Map(entries), "object") => self.map(child.at, entries, rule, path),
            (Content::List(items), "array") => self.list(child.at, items, rule, path),
            (Content::Scalar { text, plain }, wanted @ ("string" | "integer" | "boolean")) => {
                self.scalar(child.at, text, *plain, rule, wanted, path)
            }
            (content, wanted) => {
                let message = format!("expected {}, found {}", expected(wanted), described(content));
                self.refuse(child.at, path, message, hint(content, wanted))
            }
        }
    }

    fn map(&mut self, at: Position, entries: &[Entry], rule: &'a Schema, path: &Path) -> Value {
        let mut values = Mapping::new();
        let Some(properties) = rule.get("properties").and_then(Schema::as_object) else {
            let rule = rule.get("additionalProperties").filter(|rule| rule.is_object());
            for (entry, rule) in entries.iter().filter_map(|entry| Some((entry, rule?))) {
                let value = self.value(&entry.value, rule, &path.key(&entry.key));
                values.insert(entry.key.clone().into(), value);
            }
            return Value::Mapping(values);
        };
        let known: Vec<&str> = properties.keys().map(String::as_str).collect();
        for entry in entries {
            if let Some(rule) = properties.get(&entry.key) {
                let value = self.value(&entry.value, rule, &path.key(&entry.key));
                values.insert(entry.key.clone().into(), value);
            } else {
                let message = format!("unknown key {}", quoted(&entry.key));
                self.refuse(entry.key_at, path, message, known_names(&entry.key, &known));
            }
        }
        let required = rule.get("required").and_then(Schema::as_array).into_iter().flatten();
        for key in required.filter_map(Schema::as_str) {
            if !entries.iter().any(|entry| entry.key == key) {
                let about = properties.get(key).map(|rule| self.description(rule)).unwrap_or_default();
                let help =
                    if about.is_empty() { "add it".to_owned() } else { format!("add it: {}", uncapitalised(&about)) };
                self.refuse(at, path, format!("the key `{key}` is missing"), help);
            }
        }
        Value::Mapping(values)
    }

    fn list(&mut self, at: Position, items: &[Child], rule: &'a Schema, path: &Path) -> Value {
        if items.is_empty() && rule.get("minItems").is_some() {
            return self.refuse(at, path, "the list is empty", "write at least one entry");
        }
        let Some(rule) = rule.get("items") else { return Value::Null };
        let values = items.iter().enumerate().map(|(i, item)| self.value(item, rule, &path.index(i)));
        Value::Sequence(values.collect())
    }

    fn scalar(&mut self, at: Position, text: &str, plain: bool, rule: &Schema, wanted: &str, path: &Path) -> Value {
        let words = words(rule);
        if !words.is_empty() && !words.contains(&text) {
            let help = did_you_mean(text, words.iter().copied());
            let help = help.unwrap_or_else(|| format!("expected one of {}", words.join(", ")));
            return self.refuse(at, path, format!("{} is not an allowed value", quoted(text)), help);
        }
        match (wanted, text) {
            ("boolean", "true") if plain => Value::Bool(true),
            ("boolean", "false") if plain => Value::Bool(false),
            ("boolean", _) => {
                self.refuse(at, path, format!("{} is not a boolean", quoted(text)), "write true or false")
            }
            ("integer", _) => self.integer(at, text, plain, rule, path),
            _ => text.into(),
        }
    }

    fn integer(&mut self, at: Position, text: &str, plain: bool, rule: &Schema, path: &Path) -> Value {
        let bound = |name: &str| rule.get(name).and_then(Schema::as_u64);
        let (low, high) = (bound("minimum").unwrap_or(0), bound("maximum").unwrap_or(u64::from(u32::MAX)));
        let is_number = plain && text.chars().all(|c| c.is_ascii_digit());
        match text.parse::<u64>() {
            Ok(number) if is_number && (low..=high).contains(&number) => number.into(),
            _ => {
                let message = format!("{} is not a valid number here", quoted(text));
                self.refuse(at, path, message, format!("write a number from {low} to {high}"))
            }
        }
    }

    /// The rule behind references and behind the "or null" of an optional key.
    fn resolve(&self, mut rule: &'a Schema) -> &'a Schema {
        for _ in 0..MAX_REFERENCES {
            let some = rule
                .get("anyOf")
                .and_then(Schema::as_array)
                .and_then(|any| any.iter().find(|rule| rule.get("type").and_then(Schema::as_str) != Some("null")));
            let referred = rule
                .get("$ref")
                .and_then(Schema::as_str)
                .and_then(|reference| reference.strip_prefix('#'))
                .and_then(|pointer| self.schema.pointer(pointer));
            match some.or(referred) {
                Some(next) => rule = next,
                None => break,
            }
        }
        rule
    }

    /// The first line of a key's description, without its full stop.
    fn description(&self, rule: &'a Schema) -> String {
        let own = rule.get("description").or_else(|| self.resolve(rule).get("description"));
        let text = own.and_then(Schema::as_str).unwrap_or_default();
        let line: String = text.split('\n').next().unwrap_or_default().to_owned();
        line.trim_end_matches('.').to_owned()
    }

    /// Reports a mistake. Returns the null that stands for the invalid value.
    fn refuse(&mut self, at: Position, path: &Path, message: impl Into<String>, help: impl Into<String>) -> Value {
        self.found.push(Diagnostic::new(self.file, at, path, message.into(), help.into()));
        Value::Null
    }
}

/// A sentence as the end of another.
fn uncapitalised(text: &str) -> String {
    let mut rest = text.chars();
    // `SHA-256` stays as it is.
    let is_word = text.chars().nth(1).is_none_or(|c| !c.is_uppercase() && c != '-');
    match rest.next() {
        Some(first) if is_word => first.to_lowercase().chain(rest).collect(),
        _ => text.to_owned(),
    }
}

fn kind(rule: &Schema) -> &str {
    match rule.get("type") {
        Some(Schema::String(kind)) => kind,
        Some(Schema::Array(kinds)) => {
            kinds.iter().filter_map(Schema::as_str).find(|kind| *kind != "null").unwrap_or("")
        }
        _ if !words(rule).is_empty() => "string",
        _ => "",
    }
}

/// The words of an enumeration: `enum`, or `oneOf` with a constant for each described word.
fn words(rule: &Schema) -> Vec<&str> {
    let plain = rule.get("enum").and_then(Schema::as_array).into_iter().flatten();
    let described = rule.get("oneOf").and_then(Schema::as_array).into_iter().flatten();
    plain.chain(described.filter_map(|one| one.get("const"))).filter_map(Schema::as_str).collect()
}

fn described(content: &Content) -> String {
    match content {
        Content::Scalar { text, .. } => format!("the text {}", quoted(text)),
        Content::List(_) => "a list".to_owned(),
        Content::Map(_) => "a map".to_owned(),
    }
}

fn expected(kind: &str) -> &'static str {
    match kind {
        "object" => "a map",
        "array" => "a list",
        "integer" => "a number",
        "boolean" => "true or false",
        _ => "a text",
    }
}

fn hint(content: &Content, wanted: &str) -> String {
    match (content, wanted) {
        (Content::Scalar { text, .. }, "array") => format!("write [{}]", shortened(text)),
        (Content::List(items), "string") if items.len() == 1 => "write it without the brackets".to_owned(),
        (_, "object") => "write `key: value` lines".to_owned(),
        _ => String::new(),
    }
}
