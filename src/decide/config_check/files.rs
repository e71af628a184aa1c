//! Files: those that nobody reads, those that are referred to and missing, keys that others can read, and lines that
//! no version understands.

use std::collections::BTreeSet;

use super::{Checking, Gravity, whole};
use crate::ats::Dialect;
use crate::ats::settings::{OTHER_FILES, OtherFile, Without, file_params, reads};
use crate::ats::site::{FileLine, inside};

/// Directories that are not looked at for files without a use: they are read by name at run time.
const DIRECTORIES: &[&str] = &["body_factory/", "cripts/"];
/// Most files that a finding names.
const MAX_NAMED: usize = 12;
/// Permission bits of others: to read.
const OTHERS_READ: u32 = 0o004;

/// A file that a line refers to.
struct Reference {
    at: FileLine,
    /// As written.
    path: String,
    /// Where relative paths begin, a path within the folder; `None`: outside of it.
    base: Option<String>,
    what: &'static str,
    /// What its absence comes to.
    gravity: Gravity,
    /// Whether it is a private key.
    key: bool,
}

impl Reference {
    /// Its path within the folder.
    fn within(&self) -> Option<String> {
        if self.path.starts_with('/') {
            return inside(&self.path);
        }
        let base = self.base.as_ref()?;
        inside(format!("{base}/{}", self.path).trim_start_matches('/'))
    }
}

pub(super) fn check(checking: &mut Checking<'_>) {
    faults(checking);
    let read = unread(checking);
    let references = references(checking);
    let mut used: BTreeSet<String> = read;
    used.extend(references.iter().filter_map(Reference::within));
    used.extend(checking.input.folder.includes.iter().flat_map(|include| include.files.iter().cloned()));
    includes(checking);
    access(checking);
    missing(checking, &references);
    outside(checking, &references);
    readable_keys(checking, &references);
    unreadable(checking);
    useless(checking, &used);
}

/// Lines that are not understood, of files that this version reads.
fn faults(checking: &mut Checking<'_>) {
    let folder = checking.input.folder;
    let (settings, names) = (checking.settings_file(), checking.names_file());
    for fault in &folder.faults {
        let file = fault.at.file.as_str();
        let is_other = OTHER_FILES.iter().any(|other| other.name == file);
        if is_other && file != settings && file != names {
            continue;
        }
        let (gravity, does) = consequence(checking, file, &names, fault.refused);
        let what = if does.is_empty() { fault.message.clone() } else { format!("{}: {does}", fault.message) };
        let found = checking.find(gravity, "malformed", fault.at.clone(), what).todo(fault.help.clone());
        found.column = fault.column;
    }
}

/// What ATS does about a line that it does not understand: of remap.config it ends, of records.config and parent.config it
/// leaves the line out (seen on 8.1, 9.1 and 9.2).
fn consequence(checking: &Checking<'_>, file: &str, names: &str, refused: bool) -> (Gravity, &'static str) {
    if file == names {
        return super::names::refused(checking, super::names::closes(checking, file));
    }
    match (refused, file) {
        (true, "records.yaml") => (Gravity::Breaks, "settings that cannot be read have their defaults"),
        (true, _) => (Gravity::Breaks, "ATS does not start"),
        (false, "records.config" | "parent.config") => (Gravity::Ignored, "ATS leaves the line out"),
        (false, "ssl_multicert.config") if checking.dialect >= Dialect::V9_2 => (Gravity::Breaks, "ATS does not start"),
        (false, _) => (Gravity::Ignored, ""),
    }
}

/// Without a file that says who may connect, 8.1, 9.1 and 9.2 refuse everybody.
fn access(checking: &mut Checking<'_>) {
    let (folder, own) = (checking.input.folder, checking.dialect.ip_allow_file());
    let any = ["ip_allow.yaml", "ip_allow.config"].iter().any(|file| folder.files.contains(*file));
    let named = folder.record(checking.settings_file(), "proxy.config.cache.ip_allow.filename").is_some();
    if !any && !named {
        let what = format!("{own} is missing: ATS refuses every client");
        let todo = "copy it from the package, or from where your hosts have it";
        checking.find(Gravity::Breaks, "missing-file", whole(own), what).todo(todo);
    }
}

/// Files that this version does not read. Returns those that it does, with those that would be renamed.
fn unread(checking: &mut Checking<'_>) -> BTreeSet<String> {
    let folder = checking.input.folder;
    let mut read = BTreeSet::new();
    let renamed: BTreeSet<String> =
        ["remap.config", "parent.config", "ssl_multicert.config", "sni.yaml", "storage.config"]
            .map(|usual| folder.file_name(usual))
            .into();
    for file in &folder.files {
        match reads(checking.dialect, file) {
            Some(true) => {
                read.insert(file.clone());
            }
            Some(false) => {
                read.insert(file.clone());
                if let Some(other) = OTHER_FILES.iter().find(|other| other.name == file) {
                    unread_file(checking, other);
                }
            }
            None if renamed.contains(file) => {
                read.insert(file.clone());
            }
            None => {}
        }
    }
    read
}

fn unread_file(checking: &mut Checking<'_>, file: &OtherFile) {
    let version = checking.target.version.to_string();
    let replaced = checking.input.folder.files.contains(file.instead);
    let mut what = format!("ATS {version} does not read {}", file.name);
    let mut todo = match (file.instead, replaced) {
        ("", _) => "remove it".to_owned(),
        (instead, true) => format!("remove it: ATS {version} reads {instead}, which is there"),
        (instead, false) => format!("write {instead} in its place"),
    };
    let (gravity, does) = match file.without {
        Without::Opens(opens) if !replaced => (Gravity::FailsOpen, opens),
        Without::Breaks(breaks) if !replaced => (Gravity::Breaks, breaks),
        _ => (Gravity::Ignored, ""),
    };
    if !does.is_empty() {
        what = format!("{what}: {does}");
    }
    if file.name == "records.config" && checking.dialect >= Dialect::V10 && !replaced {
        todo = "convert it to records.yaml with the script that comes with ATS 10; it is checked here as if it were"
            .into();
    }
    let found = checking.find(gravity, "unread-file", whole(file.name), what).todo(todo);
    if let Some(source) = file.source {
        found.source(source);
    }
}

fn references(checking: &Checking<'_>) -> Vec<Reference> {
    let folder = checking.input.folder;
    let mut found = Vec::new();
    let (certificates, keys) = (
        base(checking, "proxy.config.ssl.server.cert.path"),
        base(checking, "proxy.config.ssl.server.private_key.path"),
    );
    let authorities = base(checking, "proxy.config.ssl.CA.cert.path");
    for line in &folder.certificates {
        let mut add = |paths: &[String], base: &Option<String>, what, key| {
            found.extend(paths.iter().map(|path| Reference {
                at: line.at.clone(),
                path: path.clone(),
                base: base.clone(),
                what,
                gravity: Gravity::Breaks,
                key,
            }));
        };
        // Without keys of their own, certificates hold them.
        add(&line.certificates, &certificates, "certificate", line.keys.is_empty());
        add(&line.keys, &keys, "key", true);
        add(&line.chains, &authorities, "CA certificate", false);
    }
    found.extend(of_settings(checking));
    found.extend(of_names(checking));
    found.extend(of_plugins(checking));
    found
}

/// The directory that a setting names, within the folder; its default is the folder itself.
fn base(checking: &Checking<'_>, setting: &str) -> Option<String> {
    match checking.input.folder.record(checking.settings_file(), setting).map(|record| record.value.as_str()) {
        None | Some("NULL") => Some(String::new()),
        Some(path) if path.starts_with('/') => inside(path),
        // Relative to the prefix of the installation: of a package, etc/trafficserver below /usr or /.
        Some(path) => inside(&format!("/{path}")),
    }
}

/// `(the setting with the name, the setting with the directory, what it is, whether it is a key)`.
type SettingFile = (&'static str, &'static str, &'static str, bool);

const SETTING_FILES: &[SettingFile] = &[
    ("proxy.config.ssl.client.CA.cert.filename", "proxy.config.ssl.client.CA.cert.path", "CA certificate", false),
    ("proxy.config.ssl.CA.cert.filename", "proxy.config.ssl.CA.cert.path", "CA certificate", false),
    ("proxy.config.ssl.client.cert.filename", "proxy.config.ssl.client.cert.path", "client certificate", false),
    ("proxy.config.ssl.client.private_key.filename", "proxy.config.ssl.client.private_key.path", "client key", true),
    ("proxy.config.ssl.server.cert_chain.filename", "proxy.config.ssl.server.cert.path", "certificate chain", false),
    ("proxy.config.ssl.server.ticket_key.filename", "proxy.config.ssl.server.cert.path", "ticket key", true),
    ("proxy.config.ssl.server.dhparams_file", "", "file of DH parameters", false),
    ("proxy.config.log.config.filename", "", "logging configuration", false),
    ("proxy.config.url_remap.filename", "", "remap.config", false),
    ("proxy.config.url_remap.strategies.filename", "", "strategies", false),
];

fn of_settings(checking: &Checking<'_>) -> Vec<Reference> {
    let file = checking.settings_file();
    let mut found = Vec::new();
    for (name, directory, what, key) in SETTING_FILES {
        let record = checking.input.folder.record(file, name).filter(|record| record.value != "NULL");
        let Some(record) = record.filter(|_| checking.table.get(name).is_some()) else { continue };
        let base = if directory.is_empty() { Some(String::new()) } else { base(checking, directory) };
        let (at, path) = (record.at.clone(), record.value.clone());
        found.push(Reference { at, path, base, what, gravity: Gravity::Breaks, key: *key });
    }
    found
}

fn of_names(checking: &Checking<'_>) -> Vec<Reference> {
    let file = checking.names_file();
    let (certificates, keys) = (
        base(checking, "proxy.config.ssl.client.cert.path"),
        base(checking, "proxy.config.ssl.client.private_key.path"),
    );
    let entries = checking.input.folder.names.iter().filter(|name| name.at.file == file);
    let of_key = |(key, is_key): (&'static str, bool)| {
        let base = if is_key { keys.clone() } else { certificates.clone() };
        let what = if is_key { "client key" } else { "client certificate" };
        entries.clone().filter_map(move |name| name.key(key)).map(move |own| Reference {
            at: own.at.clone(),
            path: own.value.clone(),
            base: base.clone(),
            what,
            gravity: Gravity::Breaks,
            key: is_key,
        })
    };
    of_key(("client_cert", false)).chain(of_key(("client_key", true))).collect()
}

fn of_plugins(checking: &Checking<'_>) -> Vec<Reference> {
    let folder = checking.input.folder;
    let of_rules = folder
        .rules
        .iter()
        .flat_map(|rule| rule.plugins.iter().map(|plugin| (&rule.at, plugin.file_name(), plugin.params.as_slice())));
    let lines = folder.plugins.iter().map(|line| (&line.at, line.file_name(), line.params.as_slice()));
    let mut found = Vec::new();
    for (at, plugin, params) in of_rules.chain(lines) {
        let paths = file_params(plugin, params).unwrap_or_else(|| likely_files(params));
        found.extend(paths.into_iter().map(|path| Reference {
            at: at.clone(),
            path: path.to_owned(),
            base: Some(String::new()),
            what: "file of a plugin",
            gravity: Gravity::Breaks,
            key: false,
        }));
    }
    found
}

/// Parameters of a plugin that nothing is known about, which look like files of the folder.
fn likely_files(params: &[String]) -> Vec<&str> {
    let ends = [".conf", ".config", ".lua", ".yaml", ".json", ".pem", ".txt"];
    let looks = |param: &&str| !param.contains("://") && ends.iter().any(|end| param.ends_with(end));
    let value = |param: &'_ str| param.rsplit_once('=').map_or(0, |(name, _)| name.len() + 1);
    params.iter().map(|param| &param[value(param)..]).filter(looks).collect()
}

fn includes(checking: &mut Checking<'_>) {
    let folder = checking.input.folder;
    for include in folder.includes.iter().filter(|include| include.files.is_empty()) {
        if include.outside {
            let what = format!("{} is outside of the folder and was not read", include.path);
            checking
                .find(Gravity::Note, "outside", include.at.clone(), what)
                .todo("copy it into the folder, and include it by its relative path, to have it checked")
                .seen();
        } else {
            let what = format!("the included file {} is missing", include.path);
            checking
                .find(Gravity::Breaks, "missing-file", include.at.clone(), what)
                .todo("add it, or take the line out");
        }
    }
}

fn missing(checking: &mut Checking<'_>, references: &[Reference]) {
    let folder = checking.input.folder;
    let mut told = BTreeSet::new();
    for reference in references {
        let Some(path) = reference.within().filter(|path| !folder.files.contains(path)) else { continue };
        // One finding for a file that hundreds of rules name.
        if !told.insert(path.clone()) {
            continue;
        }
        let places = references.iter().filter(|other| other.within().as_deref() == Some(path.as_str())).count();
        let more = if places > 1 { format!(", which {places} lines name") } else { String::new() };
        let what = format!("the {} {path} is missing{more}", reference.what);
        checking
            .find(reference.gravity, "missing-file", reference.at.clone(), what)
            .todo("add it to the folder, or correct the name");
    }
}

fn outside(checking: &mut Checking<'_>, references: &[Reference]) {
    let away: Vec<&Reference> = references.iter().filter(|reference| reference.within().is_none()).collect();
    let Some(first) = away.first() else { return };
    let paths: BTreeSet<&str> = away.iter().map(|reference| reference.path.as_str()).collect();
    let what = format!("not looked at, as they are outside of the folder: {}", named(paths.iter().copied()));
    checking
        .find(Gravity::Note, "outside", first.at.clone(), what)
        .todo("see that they are on every host, readable for ATS")
        .seen();
}

fn readable_keys(checking: &mut Checking<'_>, references: &[Reference]) {
    let mut told = BTreeSet::new();
    for reference in references.iter().filter(|reference| reference.key) {
        let Some(path) = reference.within() else { continue };
        let Some(state) = checking.input.states.get(&path) else { continue };
        if state.mode & OTHERS_READ == 0 || !told.insert(path.clone()) {
            continue;
        }
        let what = format!("the {} {path} can be read by everyone (mode {:04o})", reference.what, state.mode & 0o7777);
        checking
            .find(Gravity::Note, "readable-key", reference.at.clone(), what)
            .todo(format!("chmod 0400 {path} where ATS runs, if the user that ATS starts as may read it"))
            .seen();
    }
}

fn unreadable(checking: &mut Checking<'_>) {
    let states = checking.input.states.iter().filter(|(_, state)| !state.readable);
    let paths: Vec<String> = states.map(|(path, _)| path.clone()).collect();
    let Some(first) = paths.first() else { return };
    let what = format!(
        "could not be read here, so nothing is said of their content: {}",
        named(paths.iter().map(String::as_str))
    );
    checking
        .find(Gravity::Note, "unreadable", whole(first), what)
        .todo("run the check as a user who may read them, if they are configuration")
        .seen();
}

/// Files that nothing refers to.
fn useless(checking: &mut Checking<'_>, used: &BTreeSet<String>) {
    let is_used =
        |file: &&String| used.contains(*file) || DIRECTORIES.iter().any(|directory| file.starts_with(directory));
    let files: Vec<&str> =
        checking.input.folder.files.iter().filter(|file| !is_used(file)).map(String::as_str).collect();
    let Some(first) = files.first() else { return };
    let what = format!("nothing refers to {}", named(files.iter().copied()));
    let at = whole(first);
    checking
        .find(Gravity::Note, "unused-file", at, what)
        .todo("remove what is left over; scripts may read the others")
        .seen();
}

/// Names with commas, not too many.
fn named<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let shown = names.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MAX_NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
