//! Checks what must be seen of a trial. Checks stand in reports in the order that is made here.

use indexmap::IndexMap;

use super::super::super::diagnostic::{Path, quoted};
use super::super::super::trial::{
    BodyLength, HandshakeWord, WantedEntry, WantedOfClientEntry, WantedOfLogsEntry, WantedOfOriginEntry, WantedTls,
};
use super::super::{Checker, values};
use crate::model::{HeaderPattern, TrialExpectation as Seen, front_name, origin_name};

/// Most values of a list.
const MAX_LIST: usize = 1000;

/// What the texts of expectations refer to.
#[derive(Clone, Copy)]
struct HostNames<'a> {
    id: &'a str,
    /// Bytes of the bodies that its origin sends.
    body_len: u64,
}

impl HostNames<'_> {
    /// `text` with the trial's hosts.
    fn filled(self, text: &str) -> String {
        text.replace("{origin}", &origin_name(self.id)).replace("{host}", &front_name(self.id))
    }
}

impl Checker<'_> {
    /// What must be seen of the trial `id`, whose origin sends bodies of `body_len` bytes.
    pub(super) fn wanted(&mut self, path: &Path, entry: WantedEntry, (id, body_len): (&str, u64)) -> Vec<Seen> {
        let before = self.found.len();
        let about = HostNames { id, body_len };
        let WantedEntry { client, origin, wire, logs, end } = entry;
        let mut wanted = self.of_client(&path.key("client"), client.unwrap_or_default(), about);
        wanted.extend(self.of_origin(&path.key("origin"), origin.unwrap_or_default(), about));
        wanted.extend(wire.into_iter().map(Seen::OnTheWire));
        wanted.extend(self.of_logs(&path.key("logs"), logs.unwrap_or_default(), about));
        wanted.extend(end.map(Seen::Ended));
        // What is wrong with the expectations themselves says more.
        if self.found.len() == before && wanted.is_empty() {
            let help = "write at least one, such as `client: { whole_answers: 1 }`";
            self.value_error(path, "the trial expects nothing, so it could never fail", help);
        } else if self.found.len() == before && !wanted.iter().any(Seen::asks_for_something) {
            let help = "add what must be seen, such as the status at the client";
            self.value_error(path, "all of this also holds if nothing happens at all", help);
        }
        wanted
    }

    fn of_client(&mut self, path: &Path, entry: WantedOfClientEntry, about: HostNames<'_>) -> Vec<Seen> {
        let mut seen = Vec::new();
        let WantedOfClientEntry { whole_answers, status, statuses, bodies, interim, http_version, .. } = entry;
        if let Some(count) = whole_answers.and_then(|count| usize::try_from(count).ok()) {
            seen.push(Seen::WholeAnswers { count, body_len: about.body_len });
        }
        seen.extend(status.map(|list| Seen::Status(self.statuses(&path.key("status"), list))));
        seen.extend(statuses.map(|list| Seen::Statuses(self.statuses(&path.key("statuses"), list))));
        if let Some(bodies) = bodies {
            self.bounded(&path.key("bodies"), bodies.len());
            seen.push(Seen::Bodies(bodies.into_iter().map(|BodyLength(bytes)| bytes).collect()));
        }
        seen.extend(interim.map(Seen::Interim));
        seen.extend(http_version.map(|text| Seen::AnsweredBy(self.http_version(&path.key("http_version"), text))));
        seen.extend(entry.certificate_of.map(Seen::Shown));
        let headers = self.wanted_headers(&path.key("headers"), entry.headers, about);
        seen.extend(headers.into_iter().map(Seen::AnswerHeader));
        let absent = self.absent_headers(&path.key("no_headers"), entry.no_headers);
        seen.extend(absent.into_iter().map(Seen::NoAnswerHeader));
        seen.extend(self.yes(&path.key("cut_off"), entry.cut_off).then_some(Seen::CutOff(about.body_len)));
        seen.extend(self.yes(&path.key("no_error"), entry.no_error).then_some(Seen::NoError));
        seen
    }

    fn of_origin(&mut self, path: &Path, entry: WantedOfOriginEntry, about: HostNames<'_>) -> Vec<Seen> {
        let mut seen = Vec::new();
        seen.extend(entry.refused.map(|word| Seen::Refused(word.reason())));
        seen.extend(self.served(path, entry.requests, entry.connections));
        seen.extend(entry.body.map(Seen::Posted));
        seen.extend(entry.tls.map(|tls| match tls {
            WantedTls::Any => Seen::OverTls(None),
            WantedTls::Tls12 => Seen::OverTls(Some("TLSv1.2".to_owned())),
            WantedTls::Tls13 => Seen::OverTls(Some("TLSv1.3".to_owned())),
            WantedTls::Plain => Seen::OverPlain,
        }));
        let mut word =
            |key: &str, text: Option<String>| text.map(|text| self.wanted_text(&path.key(key), &text, about));
        seen.extend(word("suite", entry.suite).map(Seen::OverSuite));
        seen.extend(word("group", entry.group).map(Seen::OverGroup));
        let given = |text: String| Some(text).filter(|text| text != "none");
        seen.extend(word("alpn", entry.alpn).map(|alpn| Seen::OverAlpn(given(alpn).unwrap_or_default())));
        let server_name = word("server_name", entry.server_name).map(|name| Seen::ServerName(given(name)));
        let sent = self.yes(&path.key("client_certificate"), entry.client_certificate);
        seen.extend(sent.then_some(Seen::ClientCertificate));
        seen.extend(self.yes(&path.key("client_hello"), entry.client_hello).then_some(Seen::ClientHello));
        seen.extend(entry.hello_at_most.map(Seen::HelloAtMost));
        seen.extend(server_name);
        if let Some(words) = entry.handshakes {
            self.bounded(&path.key("handshakes"), words.len());
            seen.push(Seen::Resumed(words.into_iter().map(|word| word == HandshakeWord::Resumed).collect()));
        }
        seen.extend(
            entry.http_version.map(|text| Seen::RequestedBy(self.http_version(&path.key("http_version"), text))),
        );
        if let Some(lines) = entry.request_lines {
            let path = path.key("request_lines");
            self.bounded(&path, lines.len());
            let lines = lines.iter().enumerate().map(|(i, line)| self.wanted_text(&path.index(i), line, about));
            seen.push(Seen::RequestLines(lines.collect()));
        }
        let headers = self.wanted_headers(&path.key("headers"), entry.headers, about);
        seen.extend(headers.into_iter().map(Seen::RequestHeader));
        let absent = self.absent_headers(&path.key("no_headers"), entry.no_headers);
        seen.extend(absent.into_iter().map(Seen::NoRequestHeader));
        seen.extend(entry.closed_by.map(Seen::ClosedFirst));
        seen.extend(self.yes(&path.key("script_done"), entry.script_done).then_some(Seen::ScriptDone));
        seen
    }

    fn of_logs(&mut self, path: &Path, entry: WantedOfLogsEntry, about: HostNames<'_>) -> Vec<Seen> {
        let WantedOfLogsEntry { contain, lack } = entry;
        let mut texts = |key: &str, texts: Vec<String>| -> Vec<String> {
            let path = path.key(key);
            self.bounded(&path, texts.len());
            texts.iter().enumerate().map(|(i, text)| self.wanted_text(&path.index(i), text, about)).collect()
        };
        let (contain, lack) = (texts("contain", contain), texts("lack", lack));
        contain.into_iter().map(Seen::Logged).chain(lack.into_iter().map(Seen::NotLogged)).collect()
    }

    fn served(&mut self, path: &Path, requests: Option<u32>, connections: Option<u32>) -> Option<Seen> {
        let count = |number: Option<u32>| number.and_then(|number| usize::try_from(number).ok());
        match (count(requests), count(connections)) {
            (None, Some(_)) => {
                let message = "the number of requests on these connections is missing";
                self.key_error(&path.key("connections"), message, "add `requests`");
                None
            }
            (Some(requests), Some(connections)) if connections > requests || (requests > 0 && connections == 0) => {
                let message = format!("{requests} requests cannot come on {connections} connections");
                self.value_error(&path.key("connections"), message, "correct one of them");
                None
            }
            (requests, connections) => requests.map(|requests| Seen::Served { requests, connections }),
        }
    }

    /// Whether a key that is only ever true is given.
    fn yes(&mut self, path: &Path, given: Option<bool>) -> bool {
        if given == Some(false) {
            self.value_error(path, "`false` asks for nothing", "write true, or remove the key");
        }
        given == Some(true)
    }

    fn bounded(&mut self, path: &Path, len: usize) {
        if len > MAX_LIST {
            self.value_error(path, format!("the list has {len} values"), format!("the limit is {MAX_LIST}"));
        }
    }

    fn statuses(&mut self, path: &Path, list: Vec<u16>) -> Vec<u16> {
        self.bounded(path, list.len());
        for (i, status) in list.iter().enumerate().filter(|(_, status)| !(200..=599).contains(*status)) {
            self.value_error(&path.index(i), format!("{status} is not the status of an answer"), "write 200 to 599");
        }
        list
    }

    fn http_version(&mut self, path: &Path, text: String) -> String {
        if !matches!(text.as_str(), "HTTP/1.0" | "HTTP/1.1" | "HTTP/2.0") {
            let help = "write HTTP/1.0, HTTP/1.1 or HTTP/2.0";
            self.value_error(path, format!("{} is not a version of HTTP", quoted(&text)), help);
        }
        text
    }

    /// A text that reports repeat.
    fn wanted_text(&mut self, path: &Path, text: &str, about: HostNames<'_>) -> String {
        let is_text: fn(&str) -> bool = |text| values::is_line(text, values::MAX_REASON);
        let help = format!("write one line of at most {} characters", values::MAX_REASON);
        about.filled(&self.text(path, text, is_text, "text", &help))
    }

    fn wanted_headers(
        &mut self,
        path: &Path,
        headers: IndexMap<String, String>,
        about: HostNames<'_>,
    ) -> Vec<HeaderPattern> {
        let pattern = |(name, value): (String, String)| {
            let path = path.key(&name);
            self.header_name(&path, &name);
            // Values are recorded up to 256 characters.
            if value.chars().count() > 200 || value.chars().any(char::is_control) {
                let help = "write at most 200 characters; `*` stands for any text";
                self.value_error(&path, "the value is too long or has control characters", help);
            }
            HeaderPattern { name: name.to_ascii_lowercase(), value: about.filled(&value) }
        };
        headers.into_iter().map(pattern).collect()
    }

    fn absent_headers(&mut self, path: &Path, names: Vec<String>) -> Vec<String> {
        for (i, name) in names.iter().enumerate() {
            self.header_name(&path.index(i), name);
        }
        names.into_iter().map(|name| name.to_ascii_lowercase()).collect()
    }
}
