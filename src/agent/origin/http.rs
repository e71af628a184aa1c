//! An origin that answers requests as a web server does, with hyper.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};

use anyhow::Context as _;

use super::{MAX_REQUESTS, SharedNotes, lock};
use crate::agent::{headers, now_us};
use crate::catalogue::trials::body::{self, Sum};
use crate::model::{Answer, OriginRequest};

/// How every request is answered.
#[derive(Debug, Clone, Default)]
pub(super) struct Answers {
    head: AnswerHead,
    body: Bytes,
    delay: Duration,
}

/// The parts of a head that vary.
#[derive(Debug, Clone, Default)]
struct AnswerHead {
    status: StatusCode,
    headers: HeaderMap,
}

impl Answers {
    /// Status 200 with `body`.
    pub(super) fn whole(body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::default() }
    }

    /// As `answer` says.
    ///
    /// # Errors
    /// Its status or one of its headers is not one of HTTP.
    pub(super) fn of(answer: &Answer) -> anyhow::Result<Self> {
        let mut headers = HeaderMap::new();
        for (name, value) in &answer.headers {
            headers.append(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?);
        }
        if answer.close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let head = AnswerHead { status: StatusCode::from_u16(answer.status)?, headers };
        let (body, delay) = (body::bytes(answer.body_len).into(), Duration::from_millis(answer.delay_ms));
        Ok(Self { head, body, delay })
    }
}

/// Serves one connection with `answers`. HTTP/2 if that was negotiated.
pub(super) async fn serve<S>(stream: S, h2: bool, answers: &Answers, notes: &SharedNotes) -> anyhow::Result<()>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(|request| answer(request, answers.clone(), SharedNotes::clone(notes)));
    let io = TokioIo::new(stream);
    if h2 {
        let served = hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(io, service).await;
        return served.context("HTTP/2 at the origin");
    }
    hyper::server::conn::http1::Builder::new().serve_connection(io, service).await.context("HTTP at the origin")
}

async fn answer(
    request: Request<Incoming>,
    answers: Answers,
    notes: SharedNotes,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let at_us = now_us();
    let authority = request.uri().authority().map(ToString::to_string);
    let mut received = OriginRequest {
        method: request.method().to_string(),
        target: request.uri().to_string().chars().take(headers::MAX_VALUE).collect(),
        version: format!("{:?}", request.version()),
        host: request.headers().get(hyper::header::HOST).map(headers::text).or(authority).unwrap_or_default(),
        headers: headers::pairs(request.headers()),
        at_us,
        ..OriginRequest::default()
    };
    let mut sum = Sum::default();
    let mut incoming = request.into_body();
    while let Some(frame) = incoming.frame().await {
        if let Ok(data) = frame?.into_data() {
            sum.add(&data);
        }
    }
    (received.body_len, received.body_sha256) = sum.finish();
    record(&notes, received);
    let Answers { head: AnswerHead { status, headers }, body, delay } = answers;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let mut response = Response::new(Full::new(body));
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    Ok(response)
}

fn record(notes: &SharedNotes, received: OriginRequest) {
    let mut notes = lock(notes);
    if notes.requests.len() < MAX_REQUESTS {
        notes.requests.push(received);
    }
}
