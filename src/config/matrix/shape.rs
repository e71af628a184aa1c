//! Whether a document has the shape of the published schema: unknown and missing keys, a list where
//! a text belongs. Reports all such mistakes at once with their positions, where serde stops at the
//! first. Knows the part of JSON schema that `schemars` writes for our structs.

use serde_json::Value;

use super::diagnostic::{Diagnostic, Path, known_names, nearest, quoted};
use super::outline::{Child, Content, Entry, Outline, Position};

/// Everything that is wrong with the document's shape.
pub(super) fn check(file: &str, outline: &Outline, schema: &Value) -> Vec<Diagnostic> {
    let mut shape = Shape { file, schema, found: Vec::new() };
    shape.value(&outline.root, schema, &Path::default());
    shape.found
}

struct Shape<'a> {
    file: &'a str,
    schema: &'a Value,
    found: Vec<Diagnostic>,
}

impl<'a> Shape<'a> {
    fn value(&mut self, child: &Child, rule: &'a Value, path: &Path) {
        let rule = self.resolve(rule);
        if child.node.is_null() {
            return self.report(
                child.at,
                path,
                "it is empty".to_owned(),
                "write a value, or remove the key".to_owned(),
            );
        }
        match (&child.node.content, kind(rule)) {
            (Content::Map(entries), "object") => self.map(child.at, entries, rule, path),
            (Content::List(items), "array") => self.list(child.at, items, rule, path),
            (Content::Scalar { text, plain }, wanted @ ("string" | "integer" | "boolean")) => {
                self.scalar(child.at, text, *plain, rule, wanted, path);
            }
            (content, wanted) => {
                let message = format!("{} stands where {} belongs", described(content), wanted_words(wanted));
                self.report(child.at, path, message, hint(content, wanted));
            }
        }
    }

    fn map(&mut self, at: Position, entries: &[Entry], rule: &'a Value, path: &Path) {
        let Some(properties) = rule.get("properties").and_then(Value::as_object) else {
            let Some(rule) = rule.get("additionalProperties").filter(|rule| rule.is_object()) else { return };
            for entry in entries {
                self.value(&entry.value, rule, &path.key(&entry.key));
            }
            return;
        };
        let known: Vec<&str> = properties.keys().map(String::as_str).collect();
        for entry in entries {
            if let Some(rule) = properties.get(&entry.key) {
                self.value(&entry.value, rule, &path.key(&entry.key));
            } else {
                let message = format!("unknown key {}", quoted(&entry.key));
                self.report(entry.key_at, path, message, known_names(&entry.key, &known));
            }
        }
        let required = rule.get("required").and_then(Value::as_array).into_iter().flatten();
        for key in required.filter_map(Value::as_str) {
            if !entries.iter().any(|entry| entry.key == key) {
                let about = properties.get(key).map(|rule| self.description(rule)).unwrap_or_default();
                let help =
                    if about.is_empty() { "add it".to_owned() } else { format!("add it: {}", uncapitalised(&about)) };
                self.report(at, path, format!("the key `{key}` is missing"), help);
            }
        }
    }

    fn list(&mut self, at: Position, items: &[Child], rule: &'a Value, path: &Path) {
        if items.is_empty() && rule.get("minItems").is_some() {
            self.report(at, path, "the list is empty".to_owned(), "write at least one entry".to_owned());
        }
        let Some(rule) = rule.get("items") else { return };
        for (i, item) in items.iter().enumerate() {
            self.value(item, rule, &path.index(i));
        }
    }

    fn scalar(&mut self, at: Position, text: &str, plain: bool, rule: &Value, wanted: &str, path: &Path) {
        let words = words(rule);
        if !words.is_empty() {
            if !words.contains(&text) {
                let help = nearest(text, words.iter().copied()).map_or_else(
                    || format!("write one of {}", words.join(", ")),
                    |word| format!("did you mean `{word}`?"),
                );
                self.report(at, path, format!("{} is none of the words for this", quoted(text)), help);
            }
            return;
        }
        let bound = |name: &str| rule.get(name).and_then(Value::as_u64);
        match wanted {
            "boolean" if !(plain && matches!(text, "true" | "false")) => {
                self.report(at, path, format!("{} is no flag", quoted(text)), "write true or false".to_owned());
            }
            "integer" => {
                let (low, high) = (bound("minimum").unwrap_or(0), bound("maximum").unwrap_or(u64::from(u32::MAX)));
                let digits = plain && text.chars().all(|c| c.is_ascii_digit());
                if !digits || !text.parse().is_ok_and(|number: u64| (low..=high).contains(&number)) {
                    let help = format!("write a number from {low} to {high}");
                    self.report(at, path, format!("{} is no such number", quoted(text)), help);
                }
            }
            _ => {}
        }
    }

    /// The rule behind references and behind the "or null" of an optional key.
    fn resolve(&self, mut rule: &'a Value) -> &'a Value {
        // Our structs refer to each other at most a few deep; the bound keeps a wrong schema from looping.
        for _ in 0..8 {
            let some = rule
                .get("anyOf")
                .and_then(Value::as_array)
                .and_then(|any| any.iter().find(|rule| rule.get("type").and_then(Value::as_str) != Some("null")));
            let referred = rule
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|reference| reference.strip_prefix('#'))
                .and_then(|pointer| self.schema.pointer(pointer));
            match some.or(referred) {
                Some(next) => rule = next,
                None => break,
            }
        }
        rule
    }

    /// The first sentence about a key, for the one who forgot it.
    fn description(&self, rule: &'a Value) -> String {
        let own = rule.get("description").or_else(|| self.resolve(rule).get("description"));
        let text = own.and_then(Value::as_str).unwrap_or_default();
        let line: String = text.split('\n').next().unwrap_or_default().to_owned();
        line.trim_end_matches('.').to_owned()
    }

    fn report(&mut self, at: Position, path: &Path, message: String, help: String) {
        self.found.push(Diagnostic::new(self.file, at, path, message, help));
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

fn kind(rule: &Value) -> &str {
    match rule.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or(""),
        _ if !words(rule).is_empty() => "string",
        _ => "",
    }
}

/// The words of an enumeration: `enum`, or `oneOf` with a constant for each described word.
fn words(rule: &Value) -> Vec<&str> {
    let plain = rule.get("enum").and_then(Value::as_array).into_iter().flatten();
    let described = rule.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    plain.chain(described.filter_map(|one| one.get("const"))).filter_map(Value::as_str).collect()
}

fn described(content: &Content) -> String {
    match content {
        Content::Scalar { text, .. } => format!("the text {}", quoted(text)),
        Content::List(_) => "a list".to_owned(),
        Content::Map(_) => "a map".to_owned(),
    }
}

fn wanted_words(kind: &str) -> &'static str {
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
        (Content::Scalar { text, .. }, "array") => format!("write [{}]", quoted(text).trim_matches('`')),
        (Content::List(items), "string") if items.len() == 1 => "write it without the brackets".to_owned(),
        (_, "object") => "write `key: value` lines".to_owned(),
        _ => String::new(),
    }
}
