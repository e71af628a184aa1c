//! Checks what the values of a document mean and makes a [`Matrix`] of them: first every value and every name (`rows`,
//! `columns`, `rules`), then, if those are valid, the combinations (`cells`).

mod bootstrap;
mod cells;
mod columns;
mod local;
mod rows;
mod rules;
mod tiers;
mod trials;
mod upgrades;
mod values;

use super::diagnostic::{Diagnostic, Path, known_names, nearest, quoted, shortened};
use super::document::Document;
use super::globs::Globs;
use super::outline::{Outline, Position};
use super::own_trials::{StatedTrial, trial_files_path};
use super::source::{Ats, SourceKind};
use super::trial::TrialsDocument;
use super::{Defaults, Distro, Matrix, Places};

/// The only format version.
const FORMAT: &str = "1";

/// Refuses a file of a newer format for that reason, not for its unknown keys.
pub(super) fn format_version(file: &str, outline: &Outline) -> Option<Diagnostic> {
    let (text, at) = outline.root_scalar("version")?;
    let newer = text != FORMAT && !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    newer.then(|| {
        let message = format!("unsupported format version {}", quoted(text));
        let help = format!("this atsmatrix reads version {FORMAT}; use a newer atsmatrix");
        Diagnostic::new(file, at, &Path::default().key("version"), message, help)
    })
}

/// The structs refuse what the schema, which is made from them, accepted: a defect of this program.
pub(super) fn schema_mismatch(file: &str, error: &serde_yaml::Error) -> Diagnostic {
    let message = shortened(&error.to_string());
    let help = "this is a bug of atsmatrix: please report it".to_owned();
    Diagnostic::new(file, Position::START, &Path::default(), message, help)
}

/// Checks `document`. `outline` has the positions of its values.
pub(super) fn check(file: &str, outline: &Outline, document: Document) -> Result<Matrix, Vec<Diagnostic>> {
    let rows = document.distros.keys().chain(document.upgrades.keys());
    let columns = document.ats.keys().cloned().chain(tiers::columns(&document.tiers));
    let names = Names { distros: rows.cloned().collect(), ats: columns.collect() };
    let mut checker = Checker { file, outline, names, found: Vec::new() };
    let mut distros: Vec<Distro> = checker.distros(document.distros);
    let mut ats = checker.columns(document.ats);
    checker.upgrades(document.upgrades, &mut distros, &mut ats);
    checker.tiers(&document.tiers, &distros, &mut ats);
    let origins = checker.origins(document.origins);
    let (exclude, include) = checker.choices(document.exclude, document.include);
    let expect = checker.expectations(document.expect);
    let defaults = checker.defaults(document.defaults);
    let trials = checker.own_trials(&Path::default().key("trials"), document.trials, &defaults);
    let trial_files = checker.trial_files(&document.trial_files);
    let mirrors = checker.mirrors(&document.mirrors);
    checker.done()?;
    let file = file.to_owned();
    let mut places = checker.places(&distros, &ats);
    for path in (0..trial_files.len()).map(trial_files_path) {
        places.named.insert(path.to_string(), outline.value_position(&path).into());
    }
    for path in document.tiers.keys().map(|name| super::tiers_path(name)) {
        places.named.insert(path.to_string(), outline.value_position(&path).into());
    }
    let matrix = Matrix {
        digest: String::new(),
        sha256: String::new(),
        distros,
        ats,
        origins,
        exclude,
        include,
        expect,
        trials,
        trial_files,
        defaults,
        mirrors,
        local: std::collections::BTreeMap::new(),
        file,
        places,
    };
    checker.combinations(&matrix);
    checker.tiers_apply(&matrix, &document.tiers);
    checker.done()?;
    Ok(matrix)
}

/// Checks a file with trials of the user's own.
pub(super) fn trials_of_file(
    file: &str,
    outline: &Outline,
    document: TrialsDocument,
    defaults: &Defaults,
) -> Result<Vec<StatedTrial>, Vec<Diagnostic>> {
    let names = Names { distros: Vec::new(), ats: Vec::new() };
    let mut checker = Checker { file, outline, names, found: Vec::new() };
    let trials = checker.own_trials(&Path::default().key("trials"), document.trials, defaults);
    checker.done()?;
    Ok(trials)
}

/// Paths of what reading the user's own files may refuse, for the source at `source`.
fn local_values(source: &Path, kind: &SourceKind) -> Vec<Path> {
    let of = source.key(kind.key());
    match kind {
        SourceKind::Dockerfile(_) => ["path", "context", "base_arg"].map(|key| of.key(key)).into(),
        SourceKind::Local(it) => (0..it.files.len()).map(|i| of.key("files").index(i)).collect(),
        _ => Vec::new(),
    }
}

/// The names that other parts of the document may refer to.
struct Names {
    distros: Vec<String>,
    ats: Vec<String>,
}

/// The axis of the matrix that a name belongs to.
#[derive(Clone, Copy)]
enum Axis {
    Distro,
    Ats,
}

impl Axis {
    fn noun(self) -> &'static str {
        match self {
            Self::Distro => "distro",
            Self::Ats => "ATS",
        }
    }
}

/// Collects mistakes.
struct Checker<'a> {
    file: &'a str,
    outline: &'a Outline,
    names: Names,
    found: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn done(&mut self) -> Result<(), Vec<Diagnostic>> {
        if self.found.is_empty() { Ok(()) } else { Err(std::mem::take(&mut self.found)) }
    }

    /// The positions of sources, families and build arguments.
    fn places(&self, distros: &[Distro], ats: &[Ats]) -> Places {
        let mut places = Places::default();
        let mut args = |of: &Path, names: &mut dyn Iterator<Item = &String>| {
            for path in names.map(|name| of.key("args").key(name)) {
                places.named.insert(path.to_string(), self.outline.key_position(&path).into());
            }
        };
        let mut local = Vec::new();
        for distro in distros.iter().filter(|distro| distro.upgrade.is_none()) {
            args(&Path::default().key("distros").key(distro.id.as_str()), &mut distro.args.keys());
        }
        for ats in ats {
            let column = Path::default().key("ats").key(ats.id.as_str());
            local.extend(ats.config.as_ref().map(|_| column.key("config")));
            let sources = column.key("sources");
            for (i, source) in ats.sources.iter().enumerate() {
                args(&sources.index(i), &mut source.args.keys());
                local.extend(local_values(&sources.index(i), &source.kind));
                local.extend(source.config.as_ref().map(|_| sources.index(i).key("config")));
            }
        }
        for path in local {
            places.named.insert(path.to_string(), self.outline.value_position(&path).into());
        }
        for distro in distros {
            let path = if distro.upgrade.is_some() {
                Path::default().key("upgrades").key(distro.id.as_str())
            } else {
                Path::default().key("distros").key(distro.id.as_str()).key("family")
            };
            places.named.insert(path.to_string(), self.outline.value_position(&path).into());
        }
        let of = |ats: &Ats| {
            let path = Path::default().key("ats").key(ats.id.as_str()).key("sources");
            (0..ats.sources.len()).map(|i| self.outline.value_position(&path.index(i)).into()).collect()
        };
        places.sources = ats.iter().map(of).collect();
        places
    }

    /// Reports a mistake at the value at `path`.
    fn value_error(&mut self, path: &Path, message: impl Into<String>, help: impl Into<String>) {
        let at = self.outline.value_position(path);
        self.found.push(Diagnostic::new(self.file, at, path, message.into(), help.into()));
    }

    /// Reports a mistake at the last key of `path`.
    fn key_error(&mut self, path: &Path, message: impl Into<String>, help: impl Into<String>) {
        let at = self.outline.key_position(path);
        self.found.push(Diagnostic::new(self.file, at, path, message.into(), help.into()));
    }

    /// Returns `text` and reports it if it is not a valid `what`.
    fn text(&mut self, path: &Path, text: &str, is_good: fn(&str) -> bool, what: &str, help: &str) -> String {
        if !is_good(text) {
            self.value_error(path, format!("{} is not a valid {what}", quoted(text)), help);
        }
        text.to_owned()
    }

    fn title(&mut self, path: &Path, title: Option<String>, name: &str) -> String {
        let Some(title) = title else { return name.to_owned() };
        let is_title: fn(&str) -> bool = |text| values::is_line(text, values::MAX_TITLE);
        let help = format!("write one line of at most {} characters", values::MAX_TITLE);
        self.text(&path.key("title"), &title, is_title, "title", &help)
    }

    fn reason(&mut self, path: &Path, reason: &str) -> String {
        let is_reason: fn(&str) -> bool = |text| values::is_line(text, values::MAX_REASON);
        let help = format!("write one line of at most {} characters", values::MAX_REASON);
        self.text(&path.key("reason"), reason, is_reason, "reason", &help)
    }

    fn urls(&mut self, path: &Path, urls: &[String]) -> Vec<String> {
        let path = path.key("urls");
        urls.iter().enumerate().map(|(i, url)| self.url(&path.index(i), url)).collect()
    }

    fn url(&mut self, path: &Path, url: &str) -> String {
        self.text(path, url, values::is_url, "URL", "write an http:// or https:// URL without spaces or quotes")
    }

    fn args(&mut self, path: &Path, args: &std::collections::BTreeMap<String, String>) {
        let path = path.key("args");
        for (name, value) in args {
            let path = path.key(name);
            if !values::is_arg_name(name) {
                self.key_error(
                    &path,
                    format!("{} is not a valid build argument", quoted(name)),
                    "use only A-Z, 0-9 and _",
                );
            } else if super::RESERVED_ARGS.contains(&name.as_str()) {
                self.key_error(&path, format!("atsmatrix sets `{name}` itself"), "remove it");
            }
            if !values::is_arg_value(value) {
                let help = format!("write at most {} bytes of text", values::MAX_ARG_VALUE);
                self.value_error(&path, "the value is too long or contains control characters", help);
            }
        }
    }

    /// Patterns over the names of an axis. Each must match a name.
    fn globs(&mut self, path: &Path, patterns: &[String], axis: Axis) -> Globs {
        let globs = self.patterns(path, patterns);
        let names = self.names_of(axis);
        for (i, pattern) in patterns.iter().enumerate() {
            let dangling = Globs::new([pattern]).is_ok_and(|glob| !names.iter().any(|name| glob.matches(name)));
            if dangling {
                self.unknown_name(&path.index(i), pattern, axis);
            }
        }
        globs
    }

    /// Patterns: at least one, all valid, none twice.
    fn patterns(&mut self, path: &Path, patterns: &[String]) -> Globs {
        if patterns.is_empty() {
            self.value_error(path, "the list is empty", "write at least one entry, or remove the key");
        }
        for (i, pattern) in patterns.iter().enumerate() {
            if let Err(error) = Globs::new([pattern]) {
                self.value_error(&path.index(i), error.to_string(), "write a name; `*` matches any characters");
            }
            if patterns[..i].contains(pattern) {
                self.value_error(
                    &path.index(i),
                    format!("duplicate pattern {}", quoted(pattern)),
                    "remove one of them",
                );
            }
        }
        Globs::new(patterns).unwrap_or_else(|_| Globs::any())
    }

    fn names_of(&self, axis: Axis) -> Vec<String> {
        match axis {
            Axis::Distro => self.names.distros.clone(),
            Axis::Ats => self.names.ats.clone(),
        }
    }

    fn unknown_name(&mut self, path: &Path, name: &str, axis: Axis) {
        let names = self.names_of(axis);
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        let message = format!("unknown {} {}", axis.noun(), quoted(name));
        let help = if name.contains(['*', '?', '[', '{']) && nearest(name, known.iter().copied()).is_none() {
            known_names("", &known)
        } else {
            known_names(name, &known)
        };
        self.value_error(path, message, help);
    }
}
