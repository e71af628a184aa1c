//! Trials of the user's own: entries of the catalogue that are made from data.

use super::check::{self, Check};
use super::{Need, SUBJECT, Trial};
use crate::model::{
    CertificateOwner, ClientRun, EndTime, Exchange, Hello, Observation, OwnTrial, TrialExpectation as Expects, WireFact,
};

impl Trial {
    /// The trial that `own` states. It lives as long as the program, see [`super::Catalogue::with`].
    pub(super) fn of(own: &OwnTrial) -> &'static Self {
        let own: &'static OwnTrial = Box::leak(Box::new(own.clone()));
        let need = |of: fn(&'static str, &'static str) -> Need, what: &str, range: &'static str| {
            of(range, Box::leak(format!("it needs {what} {range}").into_boxed_str()))
        };
        let ats = own.ats.as_deref().map(|range| need(Need::Ats, "ATS", range));
        let openssl = own.openssl.as_deref().map(|range| need(Need::OpenSsl, "OpenSSL", range));
        let needs: Vec<Need> = [ats, openssl].into_iter().flatten().collect();
        let OwnTrial { id, title, why, link, .. } = own;
        Box::leak(Box::new(Self { id, title, why, link, needs: needs.leak(), own: Some(own), ..SUBJECT }))
    }
}

/// The checks of `own` over what was seen.
pub(super) fn checks(own: &OwnTrial, seen: &Observation) -> Vec<Check> {
    own.wanted.iter().flat_map(|wanted| checks_of(wanted, seen)).collect()
}

/// The expectations of `own` in the words of reports: the first halves of its checks, over answers that have nothing.
pub(super) fn expectations(own: &OwnTrial) -> Vec<String> {
    let answers = own.wanted.iter().map(|wanted| match wanted {
        Expects::WholeAnswers { count, .. } => *count,
        _ => 0,
    });
    let exchanges = vec![Exchange::default(); answers.max().unwrap_or_default()];
    let client = Some(ClientRun { exchanges, ..ClientRun::default() });
    let nothing = Observation { client, ..Observation::default() };
    checks(own, &nothing).into_iter().map(|check| check.expected).collect()
}

fn checks_of(wanted: &Expects, seen: &Observation) -> Vec<Check> {
    match wanted {
        Expects::WholeAnswers { count, body_len } => check::answers(seen, *count, *body_len),
        Expects::Refused(None) => check::refused(seen),
        Expects::Refused(Some(reason)) => check::refused_for(seen, *reason),
        other => vec![one(other, seen)],
    }
}

/// Every expectation that is one check.
fn one(wanted: &Expects, seen: &Observation) -> Check {
    match wanted {
        // These are several.
        Expects::WholeAnswers { .. } | Expects::Refused(_) => Check::new(false, "one check", "several"),
        Expects::Status(list) => check::status(seen, list),
        Expects::Statuses(list) => check::statuses(seen, list),
        Expects::Bodies(lengths) => check::bodies(seen, lengths),
        Expects::Interim(status) => check::interim(seen, *status),
        Expects::AnsweredBy(version) => check::answered_by(seen, version),
        Expects::Shown(owner) => check::shown(seen, certificate_owner(*owner)),
        Expects::AnswerHeader(pattern) => check::answer_header(seen, pattern),
        Expects::NoAnswerHeader(name) => check::no_answer_header(seen, name),
        Expects::CutOff(whole) => check::not_a_clean_success(seen, *whole),
        Expects::NoError => check::no_error(seen),
        Expects::Served { requests, connections } => check::served(seen, *requests, *connections),
        Expects::OverTls(None) => check::over_tls(seen),
        Expects::OverTls(Some(version)) => check::over_version(seen, version),
        Expects::OverPlain => check::over_plain(seen),
        Expects::OverSuite(suite) => check::over_suite(seen, suite),
        Expects::OverGroup(group) => check::over_group(seen, group),
        Expects::OverAlpn(alpn) => check::over_alpn(seen, alpn),
        Expects::ClientCertificate => check::with_client_certificate(seen),
        Expects::ClientHello => check::client_hello(seen),
        Expects::HelloAtMost(most) => hello_at_most(seen, *most),
        Expects::ServerName(name) => check::server_name(seen, name.as_deref()),
        Expects::Resumed(list) => check::resumed(seen, list),
        Expects::Posted(len) => check::posted(seen, *len),
        Expects::RequestedBy(version) => check::requested_by(seen, version),
        Expects::RequestLines(lines) => check::request_lines(seen, lines),
        Expects::RequestHeader(pattern) => check::request_header(seen, pattern),
        Expects::NoRequestHeader(name) => check::no_request_header(seen, name),
        Expects::ClosedFirst(by) => check::closed_first(seen, *by),
        Expects::ScriptDone => check::script_done(seen),
        Expects::OnTheWire(WireFact::Refused) => check::turned_away(seen),
        Expects::OnTheWire(WireFact::ResetByOrigin) => check::reset_by_origin(seen),
        Expects::OnTheWire(WireFact::DataInSyn) => check::syn_data(seen),
        Expects::OnTheWire(WireFact::NoPacket) => check::no_flow(seen),
        Expects::Logged(text) => check::logged(seen, text, true),
        Expects::NotLogged(text) => check::not_logged(seen, text),
        Expects::Ended(EndTime::AtOnce) => check::at_once(seen),
        Expects::Ended(EndTime::AfterASecond) => check::after_a_second(seen),
    }
}

fn certificate_owner(owner: CertificateOwner) -> &'static str {
    match owner {
        CertificateOwner::Ats => "ats",
        CertificateOwner::Origin => "origin",
    }
}

fn hello_at_most(seen: &Observation, most: u32) -> Check {
    let size = |hello: &Hello| format!("a ClientHello of {} bytes on the wire", check::on_the_wire(hello));
    let expected = format!("a ClientHello of at most {most} bytes on the wire");
    check::hello(seen, expected, |hello| check::on_the_wire(hello) <= most, size)
}
