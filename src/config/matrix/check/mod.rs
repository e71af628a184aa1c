//! From a document of the right shape to a [`Matrix`]: what the values mean. First every value and
//! every name (`rows`, `columns`, `rules`), then, when those are right, the combinations (`cells`).

mod cells;
mod columns;
mod rows;
mod rules;
mod values;

use super::diagnostic::{Diagnostic, Path, known_names, nearest, quoted};
use super::document::Document;
use super::globs::Globs;
use super::outline::{Outline, Position};
use super::source::Ats;
use super::{Distro, Matrix, Places};

/// The one format there is.
const FORMAT: &str = "1";

/// A file of another format is told so, and not that it is full of unknown keys.
pub(super) fn format_version(file: &str, outline: &Outline) -> Option<Diagnostic> {
    let (text, at) = outline.root_scalar("version")?;
    let newer = text != FORMAT && !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    newer.then(|| {
        let message = format!("the file is of format {}", quoted(text));
        let help = format!("this atsmatrix reads format {FORMAT}; a newer one may read it");
        Diagnostic::new(file, at, &Path::default().key("version"), message, help)
    })
}

/// Serde refuses what the passes before it took: both YAML readers disagree. Its own words must do.
pub(super) fn unforeseen(file: &str, error: &serde_yaml::Error) -> Diagnostic {
    let at = error.location().map_or(Position::START, |at| Position { line: at.line(), column: at.column() });
    let message = quoted(&error.to_string()).trim_matches('`').to_owned();
    Diagnostic::new(file, at, &Path::default(), message, "write it in a plainer way".to_owned())
}

/// Checks `document`, whose positions `outline` has.
pub(super) fn check(file: &str, outline: &Outline, document: Document) -> Result<Matrix, Vec<Diagnostic>> {
    let names =
        Names { distros: document.distros.keys().cloned().collect(), ats: document.ats.keys().cloned().collect() };
    let mut checker = Checker { file, outline, names, found: Vec::new() };
    let distros: Vec<Distro> = checker.distros(document.distros);
    let ats = checker.columns(document.ats);
    let origins = checker.origins(document.origins);
    let (exclude, include) = checker.choices(document.exclude, document.include);
    let expect = checker.expectations(document.expect);
    let defaults = checker.defaults(document.defaults);
    let mirrors = checker.mirrors(&document.mirrors);
    checker.done()?;
    let file = file.to_owned();
    let places = checker.places(&distros, &ats);
    let matrix = Matrix {
        digest: String::new(),
        sha256: String::new(),
        distros,
        ats,
        origins,
        exclude,
        include,
        expect,
        defaults,
        mirrors,
        file,
        places,
    };
    checker.combinations(&matrix);
    checker.done()?;
    Ok(matrix)
}

/// Every name that may be referred to.
struct Names {
    distros: Vec<String>,
    ats: Vec<String>,
}

/// Which axis a name is of.
#[derive(Clone, Copy)]
enum Axis {
    Distro,
    Ats,
}

impl Axis {
    fn word(self) -> &'static str {
        match self {
            Self::Distro => "distro",
            Self::Ats => "ATS",
        }
    }
}

/// Collects what is wrong.
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

    /// Where sources, families and build arguments stand.
    fn places(&self, distros: &[Distro], ats: &[Ats]) -> Places {
        let mut places = Places::default();
        let pair = |at: Position| (at.line, at.column);
        let mut args = |of: &Path, names: &mut dyn Iterator<Item = &String>| {
            for path in names.map(|name| of.key("args").key(name)) {
                places.named.insert(path.to_string(), pair(self.outline.key_position(&path)));
            }
        };
        for distro in distros {
            args(&Path::default().key("distros").key(distro.id.as_str()), &mut distro.args.keys());
        }
        for ats in ats {
            let sources = Path::default().key("ats").key(ats.id.as_str()).key("sources");
            for (i, source) in ats.sources.iter().enumerate() {
                args(&sources.index(i), &mut source.args.keys());
            }
        }
        for distro in distros {
            let family = Path::default().key("distros").key(distro.id.as_str()).key("family");
            places.named.insert(family.to_string(), pair(self.outline.value_position(&family)));
        }
        let of = |ats: &Ats| {
            let path = Path::default().key("ats").key(ats.id.as_str()).key("sources");
            (0..ats.sources.len()).map(|i| pair(self.outline.value_position(&path.index(i)))).collect()
        };
        places.sources = ats.iter().map(of).collect();
        places
    }

    /// Something is wrong with the value at `path`.
    fn at_value(&mut self, path: &Path, message: impl Into<String>, help: impl Into<String>) {
        let at = self.outline.value_position(path);
        self.found.push(Diagnostic::new(self.file, at, path, message.into(), help.into()));
    }

    /// Something is wrong with the key that `path` ends in.
    fn at_key(&mut self, path: &Path, message: impl Into<String>, help: impl Into<String>) {
        let at = self.outline.key_position(path);
        self.found.push(Diagnostic::new(self.file, at, path, message.into(), help.into()));
    }

    /// The text, or a diagnostic that it is no `what`.
    fn text(&mut self, path: &Path, text: &str, is_good: fn(&str) -> bool, what: &str, help: &str) -> String {
        if !is_good(text) {
            self.at_value(path, format!("{} is no {what}", quoted(text)), help);
        }
        text.to_owned()
    }

    fn title(&mut self, path: &Path, title: Option<String>, name: &str) -> String {
        let Some(title) = title else { return name.to_owned() };
        let is_title: fn(&str) -> bool = |text| values::is_line(text, 60);
        self.text(&path.key("title"), &title, is_title, "title", "write one line of at most 60 characters")
    }

    fn reason(&mut self, path: &Path, reason: &str) -> String {
        let is_reason: fn(&str) -> bool = |text| values::is_line(text, 400);
        self.text(&path.key("reason"), reason, is_reason, "reason", "write one line of at most 400 characters")
    }

    fn urls(&mut self, path: &Path, urls: &[String]) -> Vec<String> {
        let path = path.key("urls");
        urls.iter().enumerate().map(|(i, url)| self.url(&path.index(i), url)).collect()
    }

    fn url(&mut self, path: &Path, url: &str) -> String {
        self.text(path, url, values::is_url, "URL", "write http:// or https://, and no blanks or quotes")
    }

    fn args(&mut self, path: &Path, args: &std::collections::BTreeMap<String, String>) {
        let path = path.key("args");
        for (name, value) in args {
            let path = path.key(name);
            if !values::is_arg_name(name) {
                self.at_key(&path, format!("{} is no build argument", quoted(name)), "write A-Z, 0-9 and _ only");
            } else if super::RESERVED_ARGS.contains(&name.as_str()) {
                self.at_key(&path, format!("`{name}` is set by atsmatrix itself"), "remove it");
            }
            if !values::is_arg_value(value) {
                self.at_value(&path, "the value is too long or has control characters", "write at most 4096 bytes");
            }
        }
    }

    /// Patterns over the names of an axis, each of which must match one.
    fn globs(&mut self, path: &Path, patterns: &[String], axis: Axis) -> Globs {
        let globs = self.well_written(path, patterns);
        let names = self.axis(axis);
        for (i, pattern) in patterns.iter().enumerate() {
            let dangling = Globs::new([pattern]).is_ok_and(|glob| !names.iter().any(|name| glob.matches(name)));
            if dangling {
                self.unknown(&path.index(i), pattern, axis);
            }
        }
        globs
    }

    /// Patterns, not empty and well written.
    fn well_written(&mut self, path: &Path, patterns: &[String]) -> Globs {
        if patterns.is_empty() {
            self.at_value(path, "the list is empty", "name something, or remove the key");
        }
        for (i, pattern) in patterns.iter().enumerate() {
            if let Err(error) = Globs::new([pattern]) {
                self.at_value(&path.index(i), error.to_string(), "write a name, with `*` for any characters");
            }
            if patterns[..i].contains(pattern) {
                self.at_value(&path.index(i), format!("{} stands here twice", quoted(pattern)), "remove one");
            }
        }
        Globs::new(patterns).unwrap_or_else(|_| Globs::any())
    }

    fn axis(&self, axis: Axis) -> Vec<String> {
        match axis {
            Axis::Distro => self.names.distros.clone(),
            Axis::Ats => self.names.ats.clone(),
        }
    }

    fn unknown(&mut self, path: &Path, name: &str, axis: Axis) {
        let names = self.axis(axis);
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        let message = format!("no {} is named {}", axis.word(), quoted(name));
        let help = if name.contains(['*', '?', '[', '{']) && nearest(name, known.iter().copied()).is_none() {
            known_names("", &known)
        } else {
            known_names(name, &known)
        };
        self.at_value(path, message, help);
    }
}
