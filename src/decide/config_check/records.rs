//! Settings: unknown ones, wrong types, values that ATS does not take, and what stays open by them.

use std::collections::BTreeMap;

use super::{Checking, Gravity, whole};
use crate::ats::Dialect;
use crate::ats::settings::{KnownSetting, guard, known_in, renamed};
use crate::ats::site::RecordLine;
use crate::config::matrix::did_you_mean;
use crate::model::RecordType;

/// 8.1: 0 does not verify, 1 refuses, 2 warns.
const VERIFY_8: &str = "proxy.config.ssl.client.verify.server";
const POLICY: &str = "proxy.config.ssl.client.verify.server.policy";
const PROPERTIES: &str = "proxy.config.ssl.client.verify.server.properties";

/// What ATS does about a certificate of an origin that does not verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verification {
    Off,
    Logged,
    Enforced,
}

impl Checking<'_> {
    /// The file whose settings are looked at: that of this version, or else the one that would be converted to it.
    pub(super) fn settings_file(&self) -> &'static str {
        let own = self.records_file();
        let other = if own == "records.config" { "records.yaml" } else { "records.config" };
        let has = |file: &str| self.input.folder.files.contains(file);
        if !has(own) && has(other) { other } else { own }
    }

    /// The value of a setting: the folder's, or the default.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        let own = self.input.folder.record(self.settings_file(), name).map(|record| record.value.clone());
        let default = || self.table.get(name).and_then(|known| known.default).map(str::to_owned);
        self.table.get(name)?;
        own.filter(|value| value != "NULL").or_else(default)
    }

    fn verification(&self) -> Verification {
        if self.dialect == Dialect::V8 {
            return match self.value(VERIFY_8).as_deref().map(str::trim) {
                Some("1") => Verification::Enforced,
                Some("2") => Verification::Logged,
                _ => Verification::Off,
            };
        }
        match (self.value(POLICY).as_deref(), self.value(PROPERTIES).as_deref()) {
            (_, Some("NONE")) => Verification::Off,
            (Some("ENFORCED"), _) => Verification::Enforced,
            (Some("PERMISSIVE"), _) => Verification::Logged,
            _ => Verification::Off,
        }
    }
}

pub(super) fn check(checking: &mut Checking<'_>) {
    let file = checking.settings_file();
    let folder = checking.input.folder;
    let mut last: BTreeMap<&str, &RecordLine> = BTreeMap::new();
    for record in folder.records.iter().filter(|record| record.at.file == file) {
        if let Some(before) = last.insert(&record.name, record)
            && before.value != record.value
        {
            let what = format!("{} = {} is overridden by {}", record.name, before.value, record.at);
            checking
                .find(Gravity::Ignored, "set-twice", before.at.clone(), what)
                .todo("remove one of the two lines")
                .seen();
        }
        match checking.table.get(&record.name).copied() {
            Some(known) => value(checking, record, &known),
            None => unknown(checking, record),
        }
    }
    unverified(checking);
}

/// A setting that this version does not know: it warns, and goes on with what it has.
fn unknown(checking: &mut Checking<'_>, record: &RecordLine) {
    let version = checking.target.version.to_string();
    let replaced = checking.table.replaced(&record.name);
    if checking.table.documented && replaced.is_none() && known_in(&record.name).is_empty() {
        // ATS 10 has settings that no table here has.
        let what = format!("{} is not among the settings that are known here of ATS {version}", record.name);
        let todo = did_you_mean(&record.name, checking.table.names());
        let todo = todo.unwrap_or_else(|| "look it up in the documentation of that version".into());
        checking.find(Gravity::Note, "unknown-setting", record.at.clone(), what).todo(todo);
        return;
    }
    let verifies = [VERIFY_8, POLICY, PROPERTIES].contains(&record.name.as_str());
    let covered = verifies && checking.verification() == Verification::Enforced;
    let opens =
        guard(&record.name).filter(|_| closes(record) && !covered && !replaced_in_folder(checking, &record.name));
    let gravity = if opens.is_some() { Gravity::FailsOpen } else { Gravity::Ignored };
    let mut what = format!("ATS {version} does not know {}, and goes on without it", record.name);
    if let Some(opens) = opens {
        what.push_str(": ");
        what.push_str(opens);
    }
    let todo = instead(checking, record);
    let found = checking.find(gravity, "unknown-setting", record.at.clone(), what).todo(todo);
    if let Some((_, source)) = replaced {
        found.source(source);
    }
}

/// Whether the value of a setting keeps something closed.
fn closes(record: &RecordLine) -> bool {
    !matches!(record.value.as_str(), "0" | "DISABLED" | "NONE" | "NULL" | "-1")
}

/// Whether the folder has what this version has in its place, too.
fn replaced_in_folder(checking: &Checking<'_>, name: &str) -> bool {
    let file = checking.settings_file();
    let has = |name: &str| checking.table.get(name).is_some() && checking.input.folder.record(file, name).is_some();
    renamed(name).into_iter().any(has)
}

/// What to write in place of an unknown setting.
fn instead(checking: &Checking<'_>, record: &RecordLine) -> String {
    let known = |name: &&str| checking.table.get(name).is_some();
    if let Some((Some(new), _)) = checking.table.replaced(&record.name) {
        return format!("write {new}");
    }
    if checking.table.replaced(&record.name).is_some() {
        return "remove it: nothing takes its place".into();
    }
    match (record.name.as_str(), checking.dialect) {
        (POLICY | PROPERTIES, Dialect::V8) => {
            return format!("write CONFIG {VERIFY_8} INT 1 (8.1: 0 does not verify, 1 refuses, 2 warns)");
        }
        (VERIFY_8, _) => return format!("write {POLICY} with ENFORCED, PERMISSIVE or DISABLED"),
        _ => {}
    }
    if let Some(other) = renamed(&record.name).into_iter().find(known) {
        return format!("write {other}");
    }
    let others = known_in(&record.name);
    match (others.first(), others.last()) {
        (Some(first), Some(last)) if first == last => {
            format!("ATS {first} knows it: remove it here, or keep it for that")
        }
        (Some(first), Some(last)) => format!("ATS {first} to {last} know it: remove it here, or keep it for those"),
        _ => {
            let near = did_you_mean(&record.name, checking.table.names());
            near.unwrap_or_else(|| "remove it, or correct the name; plugins may have settings of their own".into())
        }
    }
}

/// A known setting: its type and value.
fn value(checking: &mut Checking<'_>, record: &RecordLine, known: &KnownSetting) {
    // records.yaml declares no types, and what is converted to it has lost them.
    let declares = record.at.file == "records.config" && checking.dialect < Dialect::V10;
    if declares && record.kind != known.kind {
        let number = |kind| matches!(kind, RecordType::Int | RecordType::Float);
        let default = known.default.unwrap_or("NULL");
        let what = format!(
            "{} is {}, not {}: ATS ignores the line and keeps its default, {default}",
            record.name, known.kind, record.kind
        );
        let opens = guard(&record.name).filter(|_| closes(record));
        let gravity = if opens.is_some() { Gravity::FailsOpen } else { Gravity::Ignored };
        let kind = if number(known.kind) { "a number" } else { "a text" };
        let todo = format!("write {} and {kind}", known.kind);
        checking.find(gravity, "wrong-type", record.at.clone(), what).todo(todo);
        return;
    }
    if record.name == POLICY && !["ENFORCED", "PERMISSIVE", "DISABLED"].contains(&record.value.as_str()) {
        let what = format!("{} is no policy: ATS warns, and takes DISABLED", record.value);
        let todo = "write ENFORCED, PERMISSIVE or DISABLED, in capitals";
        checking.find(Gravity::FailsOpen, "bad-value", record.at.clone(), what).todo(todo);
        return;
    }
    if let Some(read) = known.misread(&record.value) {
        let what = format!("{} is a number, and {} is none: ATS reads {read}", record.name, record.value);
        let todo = "write a number; K, M, G or T may follow it";
        checking.find(Gravity::Ignored, "bad-value", record.at.clone(), what).todo(todo);
    }
}

/// Origins over TLS whose certificates nothing enforces, where no line says so.
fn unverified(checking: &mut Checking<'_>) {
    let folder = checking.input.folder;
    let tls = folder.rules.iter().filter(|rule| rule.kind.asks_origin() && rule.to.scheme == "https").count();
    let file = checking.settings_file();
    let named = [VERIFY_8, POLICY, PROPERTIES];
    let said = named.iter().any(|name| folder.record(file, name).is_some());
    let verification = checking.verification();
    if tls == 0 || said || verification == Verification::Enforced {
        return;
    }
    let does = if verification == Verification::Off { "does not verify" } else { "only logs faults of" };
    let rules = if tls == 1 { "1 rule leads".to_owned() } else { format!("{tls} rules lead") };
    let what =
        format!("{rules} to https, and by default ATS {} {does} the certificates of origins", checking.target.version);
    let todo = if checking.dialect == Dialect::V8 {
        format!("to refuse such origins: CONFIG {VERIFY_8} INT 1")
    } else {
        format!("to refuse such origins: {POLICY} ENFORCED")
    };
    checking.find(Gravity::Note, "unverified-origins", whole(file), what).todo(todo);
}
