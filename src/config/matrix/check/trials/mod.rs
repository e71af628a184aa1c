//! Checks trials of the user's own, and makes specs and expectations of them.

mod expect;
mod origin;
mod steps;

use indexmap::IndexMap;

use super::super::diagnostic::{Path, quoted};
use super::super::own_trials::{StatedTrial, trial_files_path};
use super::super::trial::{TrialEntry, TrialNeedsEntry, TrialRequestEntry, TrialSniEntry};
use super::super::{Defaults, limits, normal, sha256_hex};
use super::{Checker, values};
use crate::model::{
    Act, ClientSpec, Front, OwnTrial, Record, RecordType, RequestSpec, Route, SniRule, TRIAL_DEADLINE_MS,
    TrialExpectation, TrialSpec,
};

/// Most trials of the user's own: each has a port in every cell.
const MAX_TRIALS: usize = 500;

/// Most requests or steps of a trial.
const MAX_ACTS: usize = 1000;

/// Longest id, bytes. Host names are made of it (RFC 1035: at most 63 in a label).
const MAX_ID: usize = 40;

/// Names that the agent uses for hosts of its own.
const TAKEN: [&str; 2] = ["ready", "barrier"];

/// Settings without which a cell does not work.
const FIXED: [&str; 7] = [
    "proxy.config.admin.user_id",
    "proxy.config.dns.nameservers",
    "proxy.config.dns.resolv_conf",
    "proxy.config.http.server_ports",
    "proxy.config.log.log_buffer_size",
    "proxy.config.log.logging_enabled",
    "proxy.config.log.max_secs_per_buffer",
];

impl Checker<'_> {
    /// The trials at `path`.
    pub(in crate::config::matrix) fn own_trials(
        &mut self,
        path: &Path,
        entries: IndexMap<String, TrialEntry>,
        defaults: &Defaults,
    ) -> Vec<StatedTrial> {
        if entries.len() > MAX_TRIALS {
            self.value_error(path, format!("there are {} trials", entries.len()), format!("the limit is {MAX_TRIALS}"));
        }
        let trials = entries.into_iter().take(MAX_TRIALS).map(|(id, entry)| {
            let path = path.key(&id);
            let at = self.outline.key_position(&path).into();
            StatedTrial { trial: self.own_trial(&path, id, entry, defaults), file: self.file.to_owned(), at }
        });
        trials.collect()
    }

    /// Patterns over files with trials.
    pub(in crate::config::matrix) fn trial_files(&mut self, patterns: &[String]) -> Vec<String> {
        let is_file: fn(&str) -> bool = |text| values::is_package_file(text, ".yaml");
        let check = |(i, pattern): (usize, &String)| {
            let help = "write it like trials/*.yaml, relative to the folder of matrix.yaml and without ..";
            self.text(&trial_files_path(i), pattern, is_file, "path of a file with trials", help)
        };
        patterns.iter().enumerate().map(check).collect()
    }

    fn own_trial(&mut self, path: &Path, id: String, entry: TrialEntry, defaults: &Defaults) -> OwnTrial {
        self.trial_id(path, &id);
        let title = self.trial_text(&path.key("title"), &entry.title);
        let why = self.trial_text(&path.key("why"), &entry.why);
        let link = entry.link.map(|link| self.url(&path.key("link"), &link)).unwrap_or_default();
        let [ats, openssl] = self.trial_needs(&path.key("needs"), entry.needs);
        let front = entry.front.unwrap_or_default();
        let act = self.act(path, front, entry.requests, entry.client_script);
        let (place, origin, body_len) = self.trial_origin(&path.key("origin"), entry.origin);
        let at = path.key("records");
        let records =
            entry.records.iter().enumerate().filter_map(|(i, line)| self.setting(&at.index(i), line)).collect();
        let at = path.key("sni");
        let sni = entry.sni.into_iter().enumerate().map(|(i, entry)| self.sni_rule(&at.index(i), entry)).collect();
        let deadline_ms = self.trial_deadline(&path.key("deadline"), entry.deadline, defaults);
        let wanted = self.wanted(&path.key("expect"), entry.expect, (&id, body_len));
        let spec = TrialSpec {
            route: Route::Ats,
            place,
            origin,
            client: ClientSpec { front, act },
            records,
            remap: entry.remap.unwrap_or_default(),
            sni,
            may_not_know: Vec::new(),
            locked_key: false,
            bare_openssl: false,
            cache: false,
            timed: wanted.iter().any(|it| matches!(it, TrialExpectation::Ended(_))),
            alone: entry.alone,
            deadline_ms,
        };
        let mut trial = OwnTrial { id, title, why, link, ats, openssl, spec, wanted, digest: String::new() };
        trial.digest = sha256_hex(normal::trial_form(&trial).as_bytes());
        trial
    }

    fn trial_id(&mut self, path: &Path, id: &str) {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let starts = id.starts_with(|c: char| c.is_ascii_lowercase());
        if !starts || id.ends_with('-') || id.len() > MAX_ID || !id.chars().all(legal) {
            let help = format!("use a-z, 0-9 and -, beginning with a letter, at most {MAX_ID} of them");
            self.key_error(path, format!("{} is not a valid id of a trial", quoted(id)), help);
        } else if TAKEN.contains(&id) {
            self.key_error(path, format!("atsmatrix uses the name {} itself", quoted(id)), "choose another");
        }
    }

    fn trial_text(&mut self, path: &Path, text: &str) -> String {
        let is_text: fn(&str) -> bool = |text| values::is_line(text, values::MAX_REASON);
        let help = format!("write one line of at most {} characters", values::MAX_REASON);
        self.text(path, text, is_text, "text", &help)
    }

    fn trial_needs(&mut self, path: &Path, entry: Option<TrialNeedsEntry>) -> [Option<String>; 2] {
        let Some(TrialNeedsEntry { ats, openssl }) = entry else { return [None, None] };
        [("ats", ats), ("openssl", openssl)]
            .map(|(key, range)| self.range(&path.key(key), range).map(|range| range.to_string()))
    }

    fn trial_deadline(&mut self, path: &Path, text: Option<String>, defaults: &Defaults) -> u64 {
        let Some(text) = text else { return TRIAL_DEADLINE_MS };
        let longest = defaults.deadlines.trial;
        match limits::duration(&text) {
            Some(deadline) if deadline <= longest => u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
            Some(_) => {
                let message = format!("{} is longer than any trial may take", quoted(&text));
                let help = format!("write at most {} s, or raise `defaults.deadlines.trial`", longest.as_secs());
                self.value_error(path, message, help);
                TRIAL_DEADLINE_MS
            }
            None => {
                let help = "write a number with a unit, like 500ms or 20s";
                self.value_error(path, format!("{} is not a duration", quoted(&text)), help);
                TRIAL_DEADLINE_MS
            }
        }
    }

    fn act(
        &mut self,
        path: &Path,
        front: Front,
        requests: Option<Vec<TrialRequestEntry>>,
        script: Option<Vec<String>>,
    ) -> Act {
        if requests.is_some() && script.is_some() {
            self.key_error(&path.key("client_script"), "there are `requests` as well", "remove one of them");
        }
        if let Some(script) = script {
            if front == Front::H2 {
                let help = "scripts are for HTTP/1.1: use the front http or tls, or `requests`";
                self.key_error(&path.key("client_script"), "no script can speak HTTP/2", help);
            }
            return Act::Script(self.script(&path.key("client_script"), &script));
        }
        let Some(requests) = requests else {
            return Act::Requests(vec![RequestSpec { method: "GET".into(), ..RequestSpec::default() }]);
        };
        let path = path.key("requests");
        if requests.len() > MAX_ACTS {
            self.value_error(
                &path,
                format!("there are {} requests", requests.len()),
                format!("the limit is {MAX_ACTS}"),
            );
        }
        let requests = requests.into_iter().enumerate().map(|(i, entry)| self.request(&path.index(i), entry));
        Act::Requests(requests.collect())
    }

    fn request(&mut self, path: &Path, entry: TrialRequestEntry) -> RequestSpec {
        let TrialRequestEntry { method, path: target, headers, body, chunked, fresh } = entry;
        let method = method.unwrap_or_else(|| "GET".to_owned());
        let is_method: fn(&str) -> bool = |text| {
            !text.is_empty() && text.len() <= 20 && text.chars().all(|c| c.is_ascii_uppercase()) && text != "CONNECT"
        };
        let help = "write it in capitals; for CONNECT use `front: connect`";
        let method = self.text(&path.key("method"), &method, is_method, "method", help);
        let target = target.map(|target| {
            let help = "begin with / and use only characters that a URL has";
            self.text(&path.key("path"), &target, is_target, "path", help)
        });
        if chunked && body.is_none() {
            self.key_error(&path.key("chunked"), "there is no body to send in chunks", "add `body`, or remove it");
        }
        let headers = self.headers(&path.key("headers"), headers, &["host", "content-length", "transfer-encoding"]);
        let target = target.filter(|target| target != "/").unwrap_or_default();
        RequestSpec { method, target, body_len: body.unwrap_or_default(), chunked, headers, fresh }
    }

    /// Headers to send. `set` are those that are set anyway.
    fn headers(&mut self, path: &Path, headers: IndexMap<String, String>, set: &[&str]) -> Vec<(String, String)> {
        for (name, value) in &headers {
            let path = path.key(name);
            self.header_name(&path, name);
            if set.contains(&name.to_ascii_lowercase().as_str()) {
                self.key_error(&path, format!("atsmatrix sets {} itself", quoted(name)), "remove it");
            }
            if value.len() > 4096 || !value.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
                let help = "write at most 4096 printable ASCII characters";
                self.value_error(&path, "the value is too long or has other characters", help);
            }
        }
        headers.into_iter().collect()
    }

    fn header_name(&mut self, path: &Path, name: &str) {
        let legal = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || name.len() > 200 || !name.chars().all(legal) {
            let help = "use letters, digits and -";
            self.key_error(path, format!("{} is not a valid name of a header", quoted(name)), help);
        }
    }

    /// A line as records.config has it.
    fn setting(&mut self, path: &Path, line: &str) -> Option<Record> {
        let help = "write it like `CONFIG proxy.config.url_remap.pristine_host_hdr INT 1`";
        let text = line.strip_prefix("CONFIG ").unwrap_or(line).trim();
        let parsed = parse_setting(text).filter(|_| line.len() <= 4096 && !line.chars().any(char::is_control));
        let Some(record) = parsed else {
            self.value_error(path, format!("{} is not a setting", quoted(line)), help);
            return None;
        };
        if FIXED.contains(&record.name.as_str()) {
            let message = format!("atsmatrix sets {} itself", quoted(&record.name));
            self.value_error(path, message, "remove it: no cell works without its own value");
        }
        Some(record)
    }

    fn sni_rule(&mut self, path: &Path, TrialSniEntry { side, keys }: TrialSniEntry) -> SniRule {
        let path = path.key("keys");
        if keys.is_empty() {
            self.value_error(&path, "there is no key", "write one like `verify_server_policy: ENFORCED`");
        }
        for (key, value) in &keys {
            let path = path.key(key);
            if !key.chars().all(|c| c.is_ascii_lowercase() || c == '_') || key == "fqdn" || key.is_empty() {
                let help = "write a key of sni.yaml other than fqdn, such as `verify_server_policy`";
                self.key_error(&path, format!("{} is no such key", quoted(key)), help);
            }
            if !values::is_line(value, values::MAX_REASON) || value.contains('\'') {
                self.value_error(&path, "the value is not one line without quotes", "correct it");
            }
        }
        SniRule { side, keys: keys.into_iter().collect() }
    }
}

/// `NAME TYPE VALUE`.
fn parse_setting(text: &str) -> Option<Record> {
    let (name, rest) = text.split_once(' ')?;
    let (kind, value) = rest.trim_start().split_once(' ')?;
    let value = value.trim_start();
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
    let is_named = name.strip_prefix("proxy.config.").is_some_and(|rest| !rest.is_empty() && rest.chars().all(legal));
    let is_whole = |text: &str| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let digits = digits.strip_suffix(['K', 'M', 'G', 'T']).unwrap_or(digits);
        !digits.is_empty() && digits.len() <= 18 && digits.chars().all(|c| c.is_ascii_digit())
    };
    let (kind, fits) = match kind {
        "INT" => (RecordType::Int, is_whole(value)),
        "FLOAT" => (RecordType::Float, value.parse::<f64>().is_ok_and(f64::is_finite)),
        "STRING" => (RecordType::String, !value.is_empty()),
        _ => return None,
    };
    (is_named && fits).then(|| Record { name: name.to_owned(), kind, value: value.to_owned() })
}

/// A path with a query, as it is written in a request line.
fn is_target(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-._~:/?[]@!$&'()*+,;=%".contains(c);
    text.starts_with('/') && text.len() <= 1000 && text.chars().all(legal)
}
