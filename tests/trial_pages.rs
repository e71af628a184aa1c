//! Every trial has a page in docs/trials/ and a row in docs/trials.md, generated from the catalogue.
//! `ATSMATRIX_BLESS=1 cargo test --test trial_pages` writes them.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the docs has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use atsmatrix::catalogue::known_issues::by_id;
use atsmatrix::catalogue::trials::{CATALOGUE, Kind, Need, Trial};
use atsmatrix::model::{Observation, OriginTls, Place, Record, Remap, Route, Side, SniRule, Speak, TrialSpec};

/// The header before the rows of docs/trials.md.
const HEAD: &str = "| id | shows | why |\n| --- | --- | --- |\n";

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// The right observations: judged, their checks name what they expect.
fn right() -> BTreeMap<String, Observation> {
    #[derive(serde::Deserialize)]
    struct Right {
        trial: String,
        observation: Observation,
    }
    let lines = include_str!("fixtures/judges/right.jsonl").lines();
    let read = lines.map(|line| serde_json::from_str::<Right>(line).unwrap());
    read.map(|right| (right.trial, right.observation)).collect()
}

fn page(trial: &Trial, right: &BTreeMap<String, Observation>) -> String {
    let spec = trial.spec();
    let kind = match trial.kind {
        Kind::DirectControl => "a control that bypasses ATS: when it fails, the origin or the network is at fault",
        Kind::PlainControl => "a control through ATS, but without TLS to the origin",
        Kind::Subject => "a subject: it tests ATS",
    };
    let mut page = format!("# {}\n\n{}: {}.\n\n", trial.id, capital(trial.title), kind);
    write!(page, "Why: {}. <{}>\n\n## What it does\n\n{}", trial.why, trial.link, does(&spec)).unwrap();
    page.push_str("\n## Passes when\n\n");
    for check in trial.judge(&right[trial.id]).checks {
        writeln!(page, "- {}", check.expected).unwrap();
    }
    if !trial.needs.is_empty() {
        page.push_str("\n## Unsupported where\n\n");
        for need in trial.needs {
            let (what, range, reason) = match need {
                Need::Ats(range, reason) => ("ATS", range, reason),
                Need::OpenSsl(range, reason) => ("OpenSSL", range, reason),
            };
            writeln!(page, "- {what} is not `{range}`: {reason}.").unwrap();
        }
    }
    if !trial.limitations.is_empty() {
        page.push_str("\n## Known limitations\n\n");
        for limitation in trial.limitations {
            let issue = by_id(limitation.issue).unwrap();
            let versions: Vec<String> = limitation.ats.iter().map(|range| format!("`{range}`")).collect();
            let versions = versions.join(" or ");
            writeln!(page, "- ATS {versions}: [{}]({}), {}.", issue.id, issue.link, issue.title).unwrap();
        }
    }
    page
}

fn does(spec: &TrialSpec) -> String {
    let mut lines = vec![
        ("route", route(spec.route).to_owned()),
        ("origin", place(spec.place)),
        ("origin speaks", speaks(&spec.origin.speak)),
    ];
    lines.extend(spec.origin.tls.as_ref().map(|tls| ("origin's TLS", limits(tls))));
    lines.push(("client", format!("{:?}", spec.client.front)));
    if spec.remap != Remap::ByName {
        lines.push(("remap", format!("{:?}", spec.remap)));
    }
    let setting = |record: &Record| ("setting", format!("`{} {} {}`", record.name, record.kind, record.value));
    lines.extend(spec.records.iter().map(setting));
    if spec.locked_key {
        lines.push(("ATS's key", "encrypted, with `ssl_key_dialog` in ssl_multicert.config".into()));
    }
    if spec.bare_openssl {
        lines.push(("ATS's OpenSSL", "without the distro's openssl.cnf".into()));
    }
    if spec.cache {
        lines.push(("ATS's cache", "on disk, 16 MB".into()));
    }
    lines.extend(spec.sni.iter().map(|rule| ("sni.yaml", sni(rule))));
    lines.push(("deadline", format!("{} s", spec.deadline_ms / 1000)));
    lines.iter().fold(String::new(), |text, (what, how)| text + &format!("- {what}: {how}\n"))
}

fn route(route: Route) -> &'static str {
    match route {
        Route::Ats => "client, ATS, origin",
        Route::DirectAgent => "the agent's client, origin",
        Route::DirectCurl => "the distro's curl, origin",
        Route::DirectOpenssl => "the distro's openssl s_client, origin",
        Route::AsDelivered => "none: the image is started as it is delivered, in a container of its own, and watched",
    }
}

fn place(place: Place) -> String {
    (match place {
        Place::Beside(program) => return format!("{}, on another host", program.title()),
        Place::Remote => "another host",
        Place::SameHost => "the same host, another port",
        Place::SameHostV6 => "the same host, on ::1",
        Place::RemoteAndDead => "another host, with a second address at which nothing listens",
        Place::RemoteAndDeadV6 => "another host, with an additional IPv6 address at which nothing listens",
    })
    .to_owned()
}

fn speaks(speak: &Speak) -> String {
    match speak {
        Speak::Http { body_len } => format!("HTTP, answering with {body_len} bytes"),
        Speak::Answer(answer) => format!("HTTP, answering with status {} and {} bytes", answer.status, answer.body_len),
        Speak::Script(_) => "a script".into(),
        Speak::Openssl { args, rsa_bits, sign } => {
            let key = if sign.is_empty() { String::new() } else { format!(", RSA key of {rsa_bits} bits,") };
            format!("openssl s_server {}{key} {}", args.join(" "), sign.join(" ")).trim().into()
        }
        Speak::Nginx { body_len, directives } => {
            format!("nginx with `{}`, answering with {body_len} bytes", directives.join(" "))
        }
        Speak::Httpd { body_len } => format!(
            "Apache httpd with two virtual hosts, the origin's name and the clients' host, each with its own \
             certificate; answering with {body_len} bytes"
        ),
        Speak::Nobody => "nothing: the port is closed".into(),
    }
}

fn limits(tls: &OriginTls) -> String {
    let versions = tls.versions.iter().map(|version| format!("{version:?}"));
    let others = [&tls.suites, &tls.groups, &tls.alpn].into_iter().flatten().cloned();
    let all: Vec<String> = versions.chain(others).collect();
    let only = if all.is_empty() { String::new() } else { format!(", only {}", all.join(", ")) };
    let client = if tls.client_auth { ", requires a client certificate" } else { "" };
    let largest = tls.largest_hello.map(|bytes| format!(", resets on a ClientHello of more than {bytes} bytes"));
    format!("certificate {:?}{only}{client}{}", tls.certificate, largest.unwrap_or_default())
}

fn sni(rule: &SniRule) -> String {
    let side = if rule.side == Side::Client { "clients'" } else { "origin's" };
    let keys: Vec<String> = rule.keys.iter().map(|(key, value)| format!("`{key}: {value}`")).collect();
    format!("for the {side} name {}", keys.join(", "))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn rows() -> String {
    let row =
        |trial: &&Trial| format!("| [`{id}`](trials/{id}.md) | {} | {} |\n", trial.title, trial.why, id = trial.id);
    CATALOGUE.iter().map(row).collect()
}

/// docs/trials.md with the rows of the catalogue.
fn index(text: &str) -> String {
    let start = text.find(HEAD).unwrap() + HEAD.len();
    let end = start + text[start..].find("\n\n").unwrap() + 1;
    format!("{}{}{}", &text[..start], rows(), &text[end..])
}

#[test]
fn pages_and_rows_match_the_catalogue() {
    let (folder, right) = (docs().join("trials"), right());
    if std::env::var_os("ATSMATRIX_BLESS").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for trial in CATALOGUE {
            fs::write(folder.join(format!("{}.md", trial.id)), page(trial, &right)).unwrap();
        }
        let text = fs::read_to_string(docs().join("trials.md")).unwrap();
        fs::write(docs().join("trials.md"), index(&text)).unwrap();
    }
    for trial in CATALOGUE {
        let text = fs::read_to_string(folder.join(format!("{}.md", trial.id))).unwrap_or_default();
        assert!(
            text == page(trial, &right),
            "docs/trials/{}.md: ATSMATRIX_BLESS=1 cargo test --test trial_pages",
            trial.id
        );
    }
    let text = fs::read_to_string(docs().join("trials.md")).unwrap();
    assert!(text == index(&text), "docs/trials.md: ATSMATRIX_BLESS=1 cargo test --test trial_pages");
}

#[test]
fn no_page_is_left_of_a_removed_trial() {
    let known: BTreeSet<String> = CATALOGUE.iter().map(|trial| format!("{}.md", trial.id)).collect();
    let pages = fs::read_dir(docs().join("trials")).unwrap().map(|entry| entry.unwrap().file_name());
    let strays: Vec<String> =
        pages.map(|name| name.into_string().unwrap()).filter(|name| !known.contains(name)).collect();
    assert_eq!(strays, Vec::<String>::new());
}
