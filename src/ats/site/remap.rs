//! remap.config: rules with their targets and plugins, filters, and what is included.

use std::collections::BTreeSet;

use serde::Serialize;

use super::lines::{self, TextLine};
use super::plugins::{self, PluginUse};
use super::{FileLine, Reading, inside};

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Where it begins.
    pub at: FileLine,
    /// What it does.
    pub kind: RuleKind,
    /// Whether its host is a regular expression (`regex_map` and so on).
    pub regex: bool,
    /// What clients ask for.
    pub from: RuleUrl,
    /// Where it leads.
    pub to: RuleUrl,
    /// Its plugins, in order.
    pub plugins: Vec<PluginUse>,
    /// Its other words with `@`, without it, for example `method=GET` and `action=allow`.
    pub options: Vec<String>,
    /// Names of the filters that are active for it.
    pub filters: Vec<String>,
    /// Words behind the second URL: a tag, or the referers of `map_with_referer`.
    pub rest: Vec<String>,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// Sends requests to another URL.
    Map,
    /// Like `map`, by the port at which the request came in.
    MapWithRecvPort,
    /// Like `map`, for requests with certain referers.
    MapWithReferer,
    /// Rewrites the Location of answers.
    ReverseMap,
    /// Answers with 301.
    Redirect,
    /// Answers with 307 (8.1: 302).
    RedirectTemporary,
}

/// A URL of a rule, in parts; the host of a regular expression is that expression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleUrl {
    /// As written.
    pub text: String,
    /// In lower case; empty: only a path is written.
    pub scheme: String,
    /// As written; empty: any.
    pub host: String,
    /// The port, if one is written.
    pub port: Option<u16>,
    /// With the slash at its start; empty: none is written.
    pub path: String,
}

/// A path of an `.include` line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IncludeLine {
    /// Where.
    pub at: FileLine,
    /// As written.
    pub path: String,
    /// The files of the folder that it means, in the order in which ATS reads them; none: it is missing.
    pub files: Vec<String>,
    /// Whether it leads out of the folder.
    pub outside: bool,
}

const KINDS: &[(&str, RuleKind)] = &[
    ("map", RuleKind::Map),
    ("map_with_recv_port", RuleKind::MapWithRecvPort),
    ("map_with_referer", RuleKind::MapWithReferer),
    ("reverse_map", RuleKind::ReverseMap),
    ("redirect", RuleKind::Redirect),
    ("redirect_temporary", RuleKind::RedirectTemporary),
];

/// Most levels of includes. A file that includes itself would never end, in ATS too.
const MAX_DEPTH: usize = 16;
/// Most files that are read through includes.
const MAX_FILES: usize = 20_000;

impl RuleKind {
    /// The word in remap.config.
    pub fn word(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("map", |(word, _)| word)
    }

    /// Whether ATS asks an origin for such a rule.
    pub fn asks_origin(self) -> bool {
        matches!(self, Self::Map | Self::MapWithRecvPort | Self::MapWithReferer)
    }
}

impl RuleUrl {
    /// Splits `text`. `None`: it is no URL with a scheme, and no path.
    pub fn parse(text: &str) -> Option<Self> {
        let whole = || text.to_owned();
        if text.starts_with('/') {
            let (scheme, host) = (String::new(), String::new());
            return Some(Self { text: whole(), scheme, host, port: None, path: text.to_owned() });
        }
        let (scheme, rest) = text.split_once("://")?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        if scheme.is_empty() || !scheme.chars().all(plain) {
            return None;
        }
        let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        // An address of IPv6 has colons in brackets.
        let split = authority.rsplit_once(':').filter(|(_, port)| !port.contains(']'));
        let port = split.and_then(|(_, port)| port.parse().ok());
        let host = split.filter(|_| port.is_some()).map_or(authority, |(host, _)| host);
        Some(Self {
            text: whole(),
            scheme: scheme.to_ascii_lowercase(),
            host: host.to_owned(),
            port,
            path: path.to_owned(),
        })
    }

    /// The port, that of the scheme if none is written.
    pub fn port_or_default(&self) -> Option<u16> {
        self.port.or(match self.scheme.as_str() {
            "http" | "ws" => Some(80),
            "https" | "wss" => Some(443),
            _ => None,
        })
    }
}

/// What a directive does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Directive {
    Define,
    Delete,
    Activate,
    Deactivate,
    Include,
}

const DIRECTIVES: &[(&[&str], Directive)] = &[
    (&[".definefilter", ".deffilter", ".defflt"], Directive::Define),
    (&[".deletefilter", ".delfilter", ".delflt"], Directive::Delete),
    (&[".usefilter", ".activefilter", ".activatefilter", ".useflt"], Directive::Activate),
    (&[".unusefilter", ".deactivatefilter", ".unactivefilter", ".deuseflt", ".unuseflt"], Directive::Deactivate),
    (&[".include"], Directive::Include),
];

/// The state that included files share with those that include them.
#[derive(Default)]
struct Walk {
    defined: BTreeSet<String>,
    active: Vec<String>,
    /// Files that are open, outermost first.
    open: Vec<String>,
    read: usize,
}

pub(super) fn read(reading: &mut Reading<'_>, file: &str) {
    read_file(reading, &mut Walk::default(), file);
}

fn read_file(reading: &mut Reading<'_>, walk: &mut Walk, file: &str) {
    let Some(text) = reading.text(file) else { return };
    walk.read += 1;
    walk.open.push(file.to_owned());
    for line in lines::joined(&text) {
        let at = FileLine::new(file, line.number);
        if line.is_comment() {
            if line.joined > 0 {
                let message =
                    format!("this comment ends with a backslash, and takes {} with it", following(line.joined));
                reading.fault(at, message, "take the backslash away, or write # before each line", false);
            }
            continue;
        }
        read_line(reading, walk, at, &line);
    }
    walk.open.pop();
}

fn following(lines: usize) -> String {
    if lines == 1 { "the line that follows".to_owned() } else { format!("{lines} lines that follow") }
}

fn read_line(reading: &mut Reading<'_>, walk: &mut Walk, at: FileLine, line: &TextLine) {
    let (mut words, mut arguments) = (Vec::new(), Vec::new());
    for word in line.text.split_whitespace() {
        match word.strip_prefix('@') {
            Some("") => {}
            Some(argument) => arguments.push(argument.to_owned()),
            None => words.push(word),
        }
    }
    match words.as_slice() {
        [directive, names @ ..] if directive.starts_with('.') => {
            read_directive(reading, walk, &at, directive, names, &arguments);
        }
        [kind, from, to, rest @ ..] => match rule(walk, at.clone(), (*kind, *from, *to), &arguments, rest) {
            Ok((rule, stray)) => {
                if let Some(param) = stray {
                    let message = format!("@pparam={param} stands before any @plugin=");
                    reading.fault(at, message, "ATS refuses the file: write @plugin=NAME before it", true);
                }
                reading.folder.rules.push(rule);
            }
            Err((message, help)) => reading.fault(at, message, help, true),
        },
        _ => reading.fault(at, "the line has fewer than two URLs", "write KIND FROM TO, on one line", true),
    }
}

type Words<'a> = (&'a str, &'a str, &'a str);

fn rule(
    walk: &Walk,
    at: FileLine,
    (kind, from, to): Words<'_>,
    arguments: &[String],
    rest: &[&str],
) -> Result<(Rule, Option<String>), (String, String)> {
    let lower = kind.to_ascii_lowercase();
    let plain = lower.strip_prefix("regex_");
    let word = plain.unwrap_or(&lower);
    let Some((_, kind)) = KINDS.iter().find(|(known, _)| *known == word) else {
        let known: Vec<&str> = KINDS.iter().map(|(word, _)| *word).collect();
        return Err((format!("`{kind}` is no kind of rule"), format!("write one of {}", known.join(", "))));
    };
    let url = |text: &str| {
        let help = "write SCHEME://HOST:PORT/PATH";
        RuleUrl::parse(text).ok_or_else(|| (format!("`{text}` is no URL"), help.to_owned()))
    };
    let (plugins, stray) = plugins::chain(arguments);
    let of_plugins = |argument: &&String| argument.starts_with("plugin=") || argument.starts_with("pparam=");
    let rule = Rule {
        at,
        kind: *kind,
        regex: plain.is_some(),
        from: url(from)?,
        to: url(to)?,
        plugins,
        options: arguments.iter().filter(|argument| !of_plugins(argument)).cloned().collect(),
        filters: walk.active.clone(),
        rest: rest.iter().map(|&word| word.to_owned()).collect(),
    };
    Ok((rule, stray))
}

fn read_directive(
    reading: &mut Reading<'_>,
    walk: &mut Walk,
    at: &FileLine,
    directive: &str,
    names: &[&str],
    arguments: &[String],
) {
    let known = DIRECTIVES.iter().find(|(words, _)| words.contains(&directive));
    let Some((_, what)) = known else {
        let help = "write .definefilter, .activatefilter, .deactivatefilter, .deletefilter or .include";
        return reading.fault(at.clone(), format!("`{directive}` is no directive"), help, true);
    };
    let Some(name) = names.first().map(|&name| name.to_owned()) else {
        return reading.fault(at.clone(), format!("{directive} has no name behind it"), "add it", true);
    };
    match what {
        Directive::Include => names.iter().for_each(|path| include(reading, walk, at, path)),
        Directive::Define if arguments.is_empty() => {
            reading.fault(
                at.clone(),
                format!("the filter {name} has no conditions"),
                "add some, such as @src_ip=",
                true,
            );
        }
        Directive::Define => {
            walk.defined.insert(name);
        }
        Directive::Delete => {
            walk.defined.remove(&name);
            walk.active.retain(|active| *active != name);
        }
        Directive::Activate | Directive::Deactivate if !walk.defined.contains(&name) => {
            let message = format!("the filter {name} is not defined before this line");
            reading.fault(at.clone(), message, "define it above with .definefilter", true);
        }
        Directive::Activate if walk.active.contains(&name) => {}
        Directive::Activate => walk.active.push(name),
        Directive::Deactivate => walk.active.retain(|active| *active != name),
    }
}

fn include(reading: &mut Reading<'_>, walk: &mut Walk, at: &FileLine, path: &str) {
    let within = inside(path);
    let files = within.as_ref().map_or_else(Vec::new, |within| {
        if reading.files.contains_key(within) {
            vec![within.clone()]
        } else {
            reading.folder.in_directory(within).map(str::to_owned).collect()
        }
    });
    let outside = within.is_none();
    reading.folder.includes.push(IncludeLine { at: at.clone(), path: path.to_owned(), files: files.clone(), outside });
    for file in files {
        if walk.open.contains(&file) {
            reading.fault(at.clone(), format!("{file} includes itself"), "ATS would never end: remove the line", true);
        } else if walk.open.len() >= MAX_DEPTH || walk.read >= MAX_FILES {
            reading.fault(at.clone(), format!("{file} is not read: too many includes"), "include less", false);
        } else {
            read_file(reading, walk, &file);
        }
    }
}
