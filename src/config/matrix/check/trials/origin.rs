//! Checks the origin of a trial.

use super::super::super::diagnostic::{Path, quoted};
use super::super::super::limits;
use super::super::super::trial::{TrialOriginEntry, TrialTlsEntry};
use super::super::Checker;
use crate::model::{Answer, OriginSpec, OriginTls, Place, Speak, TRIAL_BODY};

impl Checker<'_> {
    /// Where the origin is, what it does, and the length of the bodies that it sends.
    pub(super) fn trial_origin(&mut self, path: &Path, entry: Option<TrialOriginEntry>) -> (Place, OriginSpec, u64) {
        let Some(mut entry) = entry else {
            let speak = Speak::Http { body_len: TRIAL_BODY };
            return (Place::Remote, OriginSpec { https: true, tls: Some(OriginTls::default()), speak }, TRIAL_BODY);
        };
        let uses_tls = entry.speaks_tls.unwrap_or(entry.https);
        if uses_tls && !entry.https {
            let help = "remove it, or write `https: true`";
            self.key_error(&path.key("speaks_tls"), "ATS is told not to use TLS to this origin", help);
        }
        if entry.tls.is_some() && !uses_tls {
            self.key_error(&path.key("tls"), "this origin does not use TLS", "remove it, or `https` and `speaks_tls`");
        }
        if entry.https && !uses_tls && entry.script.is_none() {
            let help = "write what it does over plain TCP: `script`";
            self.value_error(path, "ATS uses TLS to this origin, which cannot answer without", help);
        }
        let tls = entry.tls.take().unwrap_or_default();
        let tls = uses_tls.then(|| self.origin_tls(&path.key("tls"), tls));
        let place = entry.place.map_or(Place::Remote, Place::from);
        let (https, empty) = (entry.https, matches!(entry.status, Some(204 | 304)));
        let body_len = entry.body.unwrap_or(if empty { 0 } else { TRIAL_BODY });
        if empty && body_len > 0 {
            self.value_error(&path.key("body"), "an answer of this status has no body", "remove it");
        }
        let speak = self.speak(path, entry, body_len);
        (place, OriginSpec { https, tls, speak }, body_len)
    }

    fn speak(&mut self, path: &Path, entry: TrialOriginEntry, body_len: u64) -> Speak {
        let TrialOriginEntry { listens, status, headers, body, delay, close, script, .. } = entry;
        let answers = [
            ("status", status.is_some()),
            ("headers", !headers.is_empty()),
            ("delay", delay.is_some()),
            ("close", close),
        ];
        let unused = |what: &str, checker: &mut Self, keys: &[(&str, bool)]| {
            for (key, _) in keys.iter().filter(|(_, given)| *given) {
                checker.key_error(&path.key(key), what, "remove it");
            }
        };
        if !listens {
            unused("nobody listens at this origin", self, &answers);
            unused("nobody listens at this origin", self, &[("script", script.is_some()), ("body", body.is_some())]);
            return Speak::Nobody;
        }
        if let Some(script) = script {
            unused("the script alone says what this origin does", self, &answers);
            return Speak::Script(vec![self.script(&path.key("script"), &script)]);
        }
        let headers =
            self.headers(&path.key("headers"), headers, &["content-length", "transfer-encoding", "connection"]);
        let delay_ms = delay.map_or(0, |text| {
            limits::duration(&text).and_then(|delay| u64::try_from(delay.as_millis()).ok()).unwrap_or_else(|| {
                let help = "write a number with a unit, like 500ms or 2s";
                self.value_error(&path.key("delay"), format!("{} is not a duration", quoted(&text)), help);
                0
            })
        });
        let answer = Answer { status: status.unwrap_or(200), headers, body_len, delay_ms, close };
        if answer == (Answer { status: 200, headers: Vec::new(), body_len, delay_ms: 0, close: false }) {
            return Speak::Http { body_len };
        }
        Speak::Answer(answer)
    }

    fn origin_tls(&mut self, path: &Path, entry: TrialTlsEntry) -> OriginTls {
        let TrialTlsEntry { versions, suites, groups, alpn, certificate, client_auth, largest_hello } = entry;
        let is_name: fn(&str) -> bool = |text| {
            let legal = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
            !text.is_empty() && text.len() <= 64 && text.chars().all(legal)
        };
        for (key, names) in [("suites", &suites), ("groups", &groups), ("alpn", &alpn)] {
            for (i, name) in names.iter().enumerate() {
                self.text(&path.key(key).index(i), name, is_name, "name", "write it as reports do");
            }
        }
        let certificate = certificate.unwrap_or_default();
        OriginTls { versions, suites, groups, alpn, certificate, client_auth, largest_hello }
    }
}
