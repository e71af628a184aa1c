//! A configuration of the user's own under that of a cell: theirs is the base, and ours is laid over it only where the cell
//! would otherwise not work, and where a trial states its premises. Every such place is told.

mod insert;
mod needed;
mod parents;
pub mod user;

use std::collections::BTreeMap;

use super::{
    EMPTY, ERROR_PAGE, ERROR_PAGES, ERROR_PAGES_INFO, Settings, Unsupported, baseline, merge, records, translate,
};
use crate::ats::Dialect;
use crate::ats::site::{ConfigFolder, SYSCONFDIR};
use crate::model::{Overlay, Record, RecordType};
use needed::{BY_RUNROOT, IF_SET, IF_UNSET, NEEDED};

/// What a life of ATS is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Trials of the catalogue: their premises are laid over the user's settings.
    Trials,
    /// The user's own configuration, with as little of ours as possible.
    Own,
}

/// A configuration of the user's own.
#[derive(Debug, Clone, Copy)]
pub struct Theirs<'a> {
    /// What it says.
    pub folder: &'a ConfigFolder,
    /// Its files by path.
    pub files: &'a BTreeMap<String, Vec<u8>>,
    /// The text of its `ssl_multicert.config`, with stand-ins for what is missing.
    pub multicert: &'a str,
    /// A directory of this life for a cache.
    pub cache: &'a str,
    /// The users of the image, as in passwd(5).
    pub passwd: &'a str,
}

/// The files of ours for a life, and what they replace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Laid {
    /// Files by their names in the sysconfdir of ATS. The user's other files stay as they are.
    pub files: BTreeMap<String, String>,
    /// What of the user's they replace, sorted by name.
    pub overlays: Vec<Overlay>,
}

/// Why nothing can be laid over a configuration.
#[derive(Debug, thiserror::Error)]
pub enum Unlaid {
    /// This ATS does not support a setting.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// A file of theirs has a form in which nothing of ours can be put.
    #[error(
        "nothing can be put into your {0}: write it as a list in block style, one entry per line that begins with `-`"
    )]
    Form(&'static str),
}

/// The files of an ATS of `dialect` with `settings` over those of `theirs`.
///
/// # Errors
/// This ATS does not support one of the settings, or a file of theirs has a form that is not understood.
pub fn lay(dialect: Dialect, settings: &Settings, theirs: &Theirs<'_>, purpose: Purpose) -> Result<Laid, Unlaid> {
    let mut laying = Laying { dialect, settings, theirs, purpose, laid: Laid::default() };
    laying.records()?;
    laying.remap();
    laying.certificates();
    laying.names()?;
    laying.ip_allow()?;
    laying.storage();
    laying.parents();
    laying.absent();
    laying.laid.overlays.sort();
    Ok(laying.laid)
}

struct Laying<'a> {
    dialect: Dialect,
    settings: &'a Settings,
    theirs: &'a Theirs<'a>,
    purpose: Purpose,
    laid: Laid,
}

impl Laying<'_> {
    /// The text of the user's file `name`, if there is one.
    fn text(&self, name: &str) -> Option<String> {
        self.theirs.files.get(name).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    fn put(&mut self, name: &str, text: String) {
        self.laid.files.insert(name.to_owned(), text);
    }

    fn tell(&mut self, name: &str, ours: &str, trials_only: bool) {
        let (name, ours) = (name.to_owned(), ours.to_owned());
        self.laid.overlays.push(Overlay { name, theirs: None, ours, trials_only });
    }

    /// The user's value of a setting, in the file that this ATS reads.
    fn value(&self, name: &str) -> Option<&str> {
        self.theirs.value(self.dialect, name)
    }

    fn records(&mut self) -> Result<(), Unlaid> {
        let file = self.dialect.records_file();
        let mut laid = Vec::new();
        for record in self.of_baseline() {
            let (needed, why) = (self.is_needed(&record.name), why(&record.name));
            // Without a translation, a setting does not exist in this ATS.
            for record in translate::translate(self.dialect, std::slice::from_ref(&record))? {
                let value = self.value(&record.name).map(str::to_owned);
                if needed || value.as_ref().is_some_and(|value| *value != record.value) {
                    let ours = why.map_or_else(|| record.value.clone(), str::to_owned);
                    let (name, trials_only) = (record.name.clone(), !needed);
                    self.laid.overlays.push(Overlay { name, theirs: value, ours, trials_only });
                }
                laid.push(record);
            }
        }
        let trial = translate::translate(self.dialect, &self.settings.records)?;
        let mut laid = merge(laid, &self.if_set());
        laid = merge(laid, &trial);
        let ours = records::text(self.dialect, &laid)?;
        let text = match self.text(file) {
            // ATS 10 reads all documents of the file, and of a setting in several of them the last (its documentation of
            // records.yaml, and RecYAMLConfigFileParse); nobody has seen it do so here.
            Some(theirs) if self.dialect.has_records_yaml() => format!("{}\n---\n{ours}", theirs.trim_end()),
            Some(theirs) => format!("{}\n{ours}", theirs.trim_end()),
            None => ours,
        };
        self.put(file, text);
        Ok(())
    }

    /// The settings of the baseline that are laid over, by their 9.x names.
    fn of_baseline(&self) -> Vec<Record> {
        let is_kept = |record: &Record| match short(&record.name) {
            // Theirs, if it writes error.log, which the cell reads.
            "log.logging_enabled" => !matches!(self.value(&record.name), None | Some("1" | "3")),
            "body_factory.template_sets_dir" => !self.has_error_pages(),
            _ => self.purpose == Purpose::Trials || self.is_needed(&record.name),
        };
        baseline::records(self.settings).into_iter().filter(is_kept).collect()
    }

    /// Whether every life needs a setting; the others are premises of trials.
    fn is_needed(&self, name: &str) -> bool {
        is_needed(name) && !(name == USER && self.theirs.user(self.dialect).is_some())
    }

    fn has_error_pages(&self) -> bool {
        let below = |name: &String| name.split_once('/').is_some_and(|(top, _)| top == ERROR_PAGES);
        self.value("proxy.config.body_factory.template_sets_dir").is_some() || self.theirs.files.keys().any(below)
    }

    /// What is laid over only where the user sets it; tells of it.
    fn if_set(&mut self) -> Vec<Record> {
        let mut laid = Vec::new();
        let sni = ("ssl.servername.filename", self.dialect.sni_file(), false, "the file that begins with ours");
        for (name, ours, is_number, why) in IF_SET.iter().copied().chain([sni]) {
            let name = format!("proxy.config.{name}");
            let Some(theirs) = self.value(&name).filter(|value| *value != ours).map(str::to_owned) else { continue };
            let kind = if is_number { RecordType::Int } else { RecordType::String };
            self.laid.overlays.push(Overlay {
                name: name.clone(),
                theirs: Some(theirs),
                ours: why.to_owned(),
                trials_only: false,
            });
            laid.push(Record { name, kind, value: ours.to_owned() });
        }
        for (name, ours) in BY_RUNROOT {
            let name = format!("proxy.config.{name}");
            if let Some(theirs) = self.value(&name).map(str::to_owned) {
                let ours = (*ours).to_owned();
                self.laid.overlays.push(Overlay { name, theirs: Some(theirs), ours, trials_only: false });
            }
        }
        for name in IF_UNSET.iter().map(|name| format!("proxy.config.{name}")) {
            if self.value(&name).is_none() {
                laid.push(Record { name, kind: RecordType::String, value: SYSCONFDIR.to_owned() });
            }
        }
        laid.extend(self.absolute());
        laid
    }

    /// Paths relative to the prefix of an installation, which a package does not have: they mean /etc/trafficserver.
    fn absolute(&mut self) -> Vec<Record> {
        let file = self.dialect.records_file();
        let relative = self.theirs.folder.records.iter().filter(|record| record.at.file == file).filter_map(|record| {
            let value = record.value.trim_matches(['\'', '"']);
            let below = value.strip_prefix(&SYSCONFDIR[1..])?;
            let is_path = below.is_empty() || below.starts_with('/');
            let overlaid = is_needed(&record.name);
            (is_path && !overlaid).then(|| (record.name.clone(), value.to_owned(), format!("/{value}")))
        });
        let relative: Vec<_> = relative.collect();
        let mut laid = Vec::new();
        for (name, theirs, value) in relative {
            let ours = value.clone();
            self.laid.overlays.push(Overlay { name: name.clone(), theirs: Some(theirs), ours, trials_only: false });
            laid.push(Record { name, kind: RecordType::String, value });
        }
        laid
    }

    /// Our rules, then theirs: they are included, so that ATS tells of them by their own file and line.
    fn remap(&mut self) {
        let settings = Settings { own_remap: self.theirs.remap(), ..self.settings.clone() };
        if settings.own_remap.is_some() {
            self.tell("remap.config", "rules of the cell for hosts in .t come first, then yours", false);
        }
        self.put("remap.config", super::remap(&settings));
    }

    fn certificates(&mut self) {
        let ours = super::multicert(self.settings);
        let theirs = self.theirs.multicert;
        if !theirs.trim().is_empty() {
            self.tell("ssl_multicert.config", "a certificate of the cell for hosts in .t comes after yours", false);
        }
        // Of two default certificates ATS takes the last.
        let ours = if theirs.trim().is_empty() { ours } else { ours.replacen("dest_ip=* ", "", 1) };
        self.put("ssl_multicert.config", format!("{}\n{ours}", theirs.trim_end()).trim_start().to_owned());
    }

    fn names(&mut self) -> Result<(), Unlaid> {
        let file = self.dialect.sni_file();
        let theirs = self.text(&self.theirs.folder.file_name(file));
        let is_ours = self.purpose == Purpose::Trials && !self.settings.sni.is_empty();
        let theirs = match theirs {
            Some(theirs) if is_ours => theirs,
            Some(theirs) => {
                // Nothing of ours is put in: 9.2 ends if `sni:` has no list.
                self.put(file, theirs);
                return Ok(());
            }
            None if is_ours => {
                self.put(file, super::sni(self.dialect, &self.settings.sni));
                return Ok(());
            }
            None => return Ok(()),
        };
        let entries: Vec<Vec<String>> =
            self.settings.sni.iter().map(|entry| super::sni_lines(self.dialect, entry)).collect();
        self.tell(file, "entries of trials come first, then yours", true);
        let key = (self.dialect != Dialect::V8).then_some("sni");
        let text = insert::first(&theirs, key, &entries).ok_or(Unlaid::Form(file))?;
        self.put(file, text);
        Ok(())
    }

    /// Lets the cell's clients in, and ATS out to its origins.
    fn ip_allow(&mut self) -> Result<(), Unlaid> {
        let file = self.dialect.ip_allow_file();
        let Some(theirs) = self.text(file) else {
            self.tell(file, "one that allows all, as you have none: without one ATS refuses every client", false);
            self.put(file, super::ip_allow(self.dialect, None));
            return Ok(());
        };
        self.tell(file, "127.0.0.1 and all origins of the cell are allowed first, then come your rules", false);
        let text = if self.dialect == Dialect::V8 {
            let ours = "src_ip=127.0.0.1 action=ip_allow method=ALL\n\
                        dest_ip=0.0.0.0-255.255.255.255 action=ip_allow method=ALL\n";
            format!("{ours}{theirs}")
        } else {
            let entry = |apply: &str, addresses: &str| -> Vec<String> {
                let lines = ["apply: ", "ip_addrs: ", "action: allow", "methods: ALL"];
                let values = [apply, addresses, "", ""];
                lines.iter().zip(values).map(|(line, value)| format!("{line}{value}")).collect()
            };
            let entries = [entry("in", "127.0.0.1"), entry("out", "0/0"), entry("out", "::/0")];
            insert::first(&theirs, Some("ip_allow"), &entries).ok_or(Unlaid::Form(file))?
        };
        self.put(file, text);
        Ok(())
    }

    /// Without a cache for trials, which are about origins; for the user's own, a small one in the cell.
    fn storage(&mut self) {
        let has_cache = !self.theirs.folder.storage.is_empty();
        let (text, ours) = if self.purpose == Purpose::Own && has_cache {
            (format!("{} 32M\n", self.theirs.cache), "a cache of 32 MB in the cell")
        } else {
            (EMPTY.to_owned(), "no cache")
        };
        self.put("storage.config", text);
        for file in ["volume.config", "hosting.config"] {
            if self.text(file).is_some() {
                self.put(file, EMPTY.to_owned());
                self.tell(file, "none, as the cell has a storage of its own", false);
            }
        }
        if has_cache {
            self.tell("storage.config", ours, self.purpose == Purpose::Trials);
        }
    }

    fn parents(&mut self) {
        let Some(theirs) = self.text(&self.theirs.folder.file_name("parent.config")) else { return };
        let (theirs, has_addresses) = parents::with_names(&theirs, &self.theirs.folder.parents);
        if has_addresses {
            self.tell("parent.config", "parents by address have names, as their addresses are not in the cell", false);
        }
        if self.purpose == Purpose::Trials && !self.theirs.folder.parents.is_empty() {
            self.tell("parent.config", "origins of trials, in .test, are asked without parents", true);
            return self.put("parent.config", format!("dest_domain=test go_direct=true\n{theirs}"));
        }
        self.put("parent.config", theirs);
    }

    /// ATS warns of files that are missing, and 8.1 without error pages looks dead.
    fn absent(&mut self) {
        let mut ours = vec![
            ("plugin.config", super::lines(self.settings.plugins.iter().cloned())),
            ("logging.yaml", "logging:\n  formats: []\n  logs: []\n".to_owned()),
        ];
        for name in ["parent.config", "hosting.config", "volume.config", "cache.config", "splitdns.config"] {
            ours.push((name, EMPTY.to_owned()));
        }
        if !self.has_error_pages() {
            ours.push((ERROR_PAGES_INFO, EMPTY.to_owned()));
            ours.push((ERROR_PAGE, super::ERROR_TEXT.to_owned()));
        }
        ours.push((self.dialect.sni_file(), EMPTY.to_owned()));
        for (name, text) in ours {
            if !self.theirs.files.contains_key(name) {
                self.laid.files.entry(name.to_owned()).or_insert(text);
            }
        }
    }
}

impl Theirs<'_> {
    /// Their value of a setting, in the file that an ATS of `dialect` reads.
    fn value(&self, dialect: Dialect, name: &str) -> Option<&str> {
        let found = self.folder.record(dialect.records_file(), name)?;
        Some(found.value.trim_matches(['\'', '"']))
    }

    /// The user that they name, if an ATS of `dialect` becomes it where it runs for [`Purpose::Own`]: the image must have it.
    pub fn user(&self, dialect: Dialect) -> Option<&str> {
        self.value(dialect, USER).filter(|value| user::is_known(value, self.passwd))
    }

    /// The path of their remap.config in the cell, if there is one.
    pub fn remap(&self) -> Option<String> {
        let name = self.folder.file_name("remap.config");
        self.files.contains_key(&name).then(|| format!("{SYSCONFDIR}/{name}"))
    }
}

/// The user as which ATS runs.
const USER: &str = "proxy.config.admin.user_id";

fn short(name: &str) -> &str {
    name.strip_prefix("proxy.config.").unwrap_or(name)
}

/// Whether every life needs a setting, except for a user that the image has.
fn is_needed(name: &str) -> bool {
    matches!(short(name), "log.logging_enabled" | "body_factory.template_sets_dir")
        || NEEDED.iter().any(|(needed, _)| *needed == short(name))
}

/// What reports say in place of the value of a setting that every life needs.
fn why(name: &str) -> Option<&'static str> {
    match short(name) {
        "log.logging_enabled" => Some("1, as the cell reads error.log"),
        "body_factory.template_sets_dir" => Some("a page of the cell, as you have no error pages"),
        short => NEEDED.iter().find(|(needed, _)| *needed == short).and_then(|(_, why)| *why),
    }
}

#[cfg(test)]
mod tests;
