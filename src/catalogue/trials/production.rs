//! What only shows in production: a cache, threads, clients that go away, forward proxies, sloppy requests.

use super::check::{self, Check};
use super::{Need, SUBJECT, Trial, spec};
use crate::model::{
    Act, ClientSpec, Front, Observation, OriginRequest, OriginSpec, Record, RequestSpec, Speak, Step, TrialSpec,
};

/// GETs of one URL. The first fills the cache, and the next ones can come before that is done.
const GETS: usize = 10;

/// Requests to an ATS with several threads, and how many of them at once: enough for all threads, few enough for
/// trials beside it.
const REQUESTS: u32 = 60;
const AT_ONCE: u32 = 12;

/// More than the buffers on the way hold, so that ATS still sends when the client goes away, bytes.
const LONG: u64 = 10 << 20;

/// When the client goes away, and when the origin answers, milliseconds after the request.
const GONE_MS: u64 = 100;
const LATE_MS: u64 = 300;

/// A disk cache, which ATS waits for before it opens its ports, and retries.
fn caching(origin: Vec<Step>, requests: Vec<RequestSpec>) -> TrialSpec {
    let cache = [spec::int("http.cache.http", 1), spec::int("http.wait_for_cache", 1)];
    TrialSpec {
        cache: true,
        records: cache.into_iter().chain(spec::retries()).collect(),
        origin: spec::scripted(vec![origin]),
        client: spec::requests(requests),
        ..spec::https_get()
    }
}

/// [`spec::answer`] with a lifetime.
fn cacheable() -> Vec<Step> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nCache-Control: max-age=300\r\n\r\n", spec::BODY);
    vec![Step::ReadHead, spec::send(&head), Step::SendPattern(spec::BODY)]
}

fn get_of(target: &str) -> RequestSpec {
    RequestSpec { target: target.into(), ..spec::get() }
}

/// A client that plays `steps` on one connection, then sends a GET on another.
fn gone_then_get(steps: Vec<Step>) -> ClientSpec {
    let acts = vec![Act::Script(steps), Act::Requests(vec![spec::get()])];
    ClientSpec { act: Act::Series(acts), ..spec::https_get().client }
}

/// A step that sends a GET.
fn send_get() -> Step {
    spec::send("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

/// The client got an answer `before` it went away, or none, and a whole one after that.
fn served_the_next(seen: &Observation, before: Option<u16>, body_len: u64) -> Vec<Check> {
    let mut last = seen.clone();
    if let Some(run) = &mut last.client {
        run.exchanges.drain(..run.exchanges.len().saturating_sub(1));
    }
    check::and(vec![check::statuses_if_any(seen, &[before, Some(200)])], check::answers(&last, 1, body_len))
}

/// A POST with this head and body.
fn sloppy(head: &str, body: &str) -> TrialSpec {
    let request = format!("POST / HTTP/1.1\r\nHost: {{host}}\r\n{head}\r\n\r\n{body}");
    let client = spec::script(vec![spec::send(&request), Step::ReadHead, Step::ReadBody]);
    TrialSpec { client, ..spec::https_get() }
}

/// ATS refused the request itself.
fn refused(seen: &Observation) -> Vec<Check> {
    vec![check::status(seen, &[400]), check::no_error(seen), check::served(seen, 0, None)]
}

/// The origin got one request like this.
fn clean_request(seen: &Observation, expected: &str, holds: impl Fn(&OriginRequest) -> bool) -> Check {
    let requests: Vec<&OriginRequest> = seen.origin.iter().flat_map(|connection| &connection.requests).collect();
    let framing = |request: &OriginRequest| {
        let framing = request.headers.iter().filter(|(name, _)| FRAMING.contains(&name.as_str()));
        framing.map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join(", ")
    };
    let held = requests.len() == 1 && requests.iter().all(|request| holds(request));
    let saw: Vec<String> =
        requests.iter().map(|request| format!("{} [{}]", request.target, framing(request))).collect();
    Check::new(held, expected, if held { expected.to_owned() } else { format!("at the origin: {}", saw.join(" and ")) })
}

/// The headers that say where a request ends.
const FRAMING: &[&str] = &["content-length", "transfer-encoding"];

/// Number of headers of this name.
fn count(request: &OriginRequest, name: &str) -> usize {
    request.headers.iter().filter(|(known, _)| known == name).count()
}

/// The origin got the path alone as target, and its own name as host.
fn origin_form(seen: &Observation, host: &str) -> Check {
    let name = |request: &OriginRequest| request.host.split(':').next().is_some_and(|name| name == host);
    let expected = format!("target / for the host {host} at the origin");
    clean_request(seen, &expected, |request| request.target == "/" && name(request))
}

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "cache-hit",
        title: "with a disk cache ATS answers a repeated request itself",
        why: "what production does most: an ATS without its cache still answers everything, from the origin",
        link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/storage/index.en.html",
        spec: || {
            let answers = std::iter::repeat_n(cacheable(), GETS).flatten();
            let origin = answers.chain([Step::Hang]).collect();
            caching(origin, vec![spec::get(); GETS])
        },
        judge: |seen| {
            let more = [check::last_from_cache(seen), check::rest_from_origin(seen, GETS), check::over_tls(seen)];
            check::answers_and(seen, GETS, more)
        },
        ..SUBJECT
    },
    Trial {
        id: "cache-retry",
        title: "with a disk cache ATS retries a request that meets a closing connection, and stores its answer",
        why: "a retry finds the cache entry open for writing: what is stored must be the second answer, whole",
        link: "https://github.com/apache/trafficserver/issues/12428",
        spec: || {
            let origin = [cacheable(), vec![Step::ReadHead, Step::Close]].concat();
            let others = std::iter::repeat_n(get_of("/other"), GETS);
            caching(origin, std::iter::once(get_of("/first")).chain(others).collect())
        },
        judge: |seen| {
            let more = [check::last_from_cache(seen), check::rest_from_origin(seen, 1), check::retried(seen, 1)];
            check::answers_and(seen, GETS + 1, more)
        },
        ..SUBJECT
    },
    Trial {
        id: "threads-pool",
        title: "with four threads and one pool concurrent clients share kept-alive connections to the TLS origin",
        why: "production runs a thread per CPU, and a connection moves between them: locks of the pool and of TLS",
        link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html\
               #proxy-config-http-server-session-sharing-pool",
        spec: || {
            let act = Act::Load { requests: REQUESTS, at_once: AT_ONCE, body_len: spec::BODY };
            let threads: Vec<Record> =
                vec![spec::int("exec_thread.limit", 4), spec::string("http.server_session_sharing.pool", "global")];
            TrialSpec { client: ClientSpec { act, ..spec::https_get().client }, records: threads, ..spec::https_get() }
        },
        judge: |seen| {
            let more = [check::reused(seen), check::over_tls(seen)];
            check::and(vec![check::all_whole(seen, REQUESTS), check::served(seen, REQUESTS as usize, None)], more)
        },
        ..SUBJECT
    },
    Trial {
        id: "log-rotation",
        // As seen with 8.1.11 and 9.1.1.
        needs: &[Need::Ats(">=9.2", "before 9.2 ATS does not open error.log anew on SIGUSR2")],
        title: "after its log is renamed and SIGUSR2 ATS writes to a new one, and answers on",
        why: "logrotate does so every night: an ATS that keeps the old file open fills the disk, and its log stays empty",
        link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/logging/rotation.en.html",
        spec: || TrialSpec {
            client: ClientSpec { act: Act::RotateLogs, ..spec::https_get().client },
            // Others rotate, not ATS itself. No other trial says so, and that gives this one an ATS of its own.
            records: vec![spec::int("log.rolling_enabled", 0)],
            ..spec::https_get()
        },
        judge: |seen| check::answers_and(seen, 2, [check::served(seen, 2, None), check::over_tls(seen)]),
        ..SUBJECT
    },
    Trial {
        id: "certificate-reload",
        title: "after a reload ATS presents the new certificate to clients",
        why: "certificates are renewed on running proxies every few weeks: one that is not picked up expires in use",
        link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/ssl_multicert.config.en.html",
        spec: || TrialSpec {
            client: ClientSpec { front: Front::Tls, act: Act::ReloadCertificate },
            // As in load-reload, with which it shares an ATS.
            records: vec![spec::int("config_update_interval_ms", 100)],
            deadline_ms: 20_000,
            ..spec::https_get()
        },
        judge: |seen| check::answers_and(seen, 2, [check::shown(seen, "ats"), check::over_tls(seen)]),
        ..SUBJECT
    },
    Trial {
        id: "client-gone-before",
        title: "a client that goes away before the answer harms nobody else",
        why: "impatient clients are normal; the answer then has nobody to go to",
        link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html\
               #proxy-config-http-background-fill-active-timeout",
        spec: || {
            // ATS may keep the connection, and then sends the next request there.
            let mut origin = spec::answer_and(&spec::answer_and(&[Step::Hang]));
            origin.insert(2, Step::Pause(LATE_MS));
            let client = gone_then_get(vec![send_get(), Step::Pause(GONE_MS), Step::Reset]);
            TrialSpec { origin: spec::scripted(vec![origin]), client, ..spec::https_get() }
        },
        judge: |seen| served_the_next(seen, None, spec::BODY),
        ..SUBJECT
    },
    Trial {
        id: "client-gone-during",
        title: "a client that goes away during the answer harms nobody else",
        why: "downloads are broken off: ATS has to let go of an origin that still sends",
        link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html\
               #proxy-config-http-background-fill-active-timeout",
        spec: || {
            let origin = OriginSpec { speak: Speak::Http { body_len: LONG }, ..spec::https_get().origin };
            let client = gone_then_get(vec![send_get(), Step::ReadHead, Step::Reset]);
            TrialSpec { origin, client, ..spec::https_get() }
        },
        judge: |seen| served_the_next(seen, Some(200), LONG),
        ..SUBJECT
    },
    Trial {
        id: "client-gone-after",
        title: "a client that goes away in the middle of its next request harms nobody else",
        why: "kept-alive connections end at any time, and with a reset when something was still to be read",
        link: "https://www.rfc-editor.org/rfc/rfc9112#section-9.6",
        spec: || {
            let half = spec::send("GET / HTTP/1.1\r\nHo");
            let steps = vec![send_get(), Step::ReadHead, Step::ReadBody, half, Step::Reset];
            TrialSpec { client: gone_then_get(steps), ..spec::https_get() }
        },
        judge: |seen| served_the_next(seen, Some(200), spec::BODY),
        ..SUBJECT
    },
    Trial {
        id: "absolute-form",
        title: "a request for a whole URL goes by the remap rule of its host",
        why: "clients that think they speak to a proxy send it, and every server must accept it",
        link: "https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2",
        spec: || TrialSpec { client: spec::get_over(Front::AbsoluteForm), ..spec::https_get() },
        judge: |seen| check::tls_answer_and(seen, [origin_form(seen, "absolute-form.test")]),
        ..SUBJECT
    },
    Trial {
        id: "forward-plain",
        title: "as a forward proxy ATS asks a plain origin that no rule names",
        why: "egress proxies: the origin must get the path alone, and its own name",
        link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/configuration/\
               transparent-forward-proxying.en.html",
        spec: || TrialSpec {
            origin: spec::plain(),
            client: spec::get_over(Front::ForwardProxy),
            records: spec::forward_proxy("443 {ports}"),
            ..spec::https_get()
        },
        judge: |seen| check::answers_and(seen, 1, [origin_form(seen, "forward-plain.test")]),
        ..SUBJECT
    },
    Trial {
        id: "strict-two-lengths",
        title: "a request with two different lengths is refused",
        why: "request smuggling: a strict origin (HAProxy) answers it with 400, another reads one request as two",
        link: "https://www.rfc-editor.org/rfc/rfc9112#section-6.3",
        spec: || sloppy("Content-Length: 5\r\nContent-Length: 6", "hello!"),
        judge: refused,
        ..SUBJECT
    },
    Trial {
        id: "strict-space-before-colon",
        title: "a request with a space before a header's colon is refused",
        why: "what one parser skips is a header to the next: CVE-2018-8004",
        link: "https://www.rfc-editor.org/rfc/rfc9112#section-5.1",
        spec: || sloppy("Content-Length : 5\r\nContent-Length: 5", "hello"),
        judge: refused,
        ..SUBJECT
    },
    Trial {
        id: "strict-length-twice",
        title: "a request with its length twice reaches the origin with one",
        why: "a strict origin refuses the second even if both are the same",
        link: "https://www.rfc-editor.org/rfc/rfc9112#section-6.3",
        spec: || sloppy("Content-Length: 5\r\nContent-Length: 5", "hello"),
        judge: |seen| {
            let one = clean_request(seen, "one length at the origin", |request| {
                count(request, "content-length") == 1 && request.body_len == 5
            });
            check::answers_and(seen, 1, [one])
        },
        ..SUBJECT
    },
    Trial {
        id: "strict-length-and-chunks",
        title: "a chunked request with a length reaches the origin without the length",
        why: "request smuggling: an origin that goes by the length takes the rest for a request",
        link: "https://www.rfc-editor.org/rfc/rfc9112#section-6.3",
        spec: || sloppy("Content-Length: 3\r\nTransfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"),
        judge: |seen| {
            let chunks = clean_request(seen, "chunks without a length at the origin", |request| {
                count(request, "content-length") == 0
                    && count(request, "transfer-encoding") == 1
                    && request.body_len == 5
            });
            check::answers_and(seen, 1, [chunks])
        },
        ..SUBJECT
    },
];
