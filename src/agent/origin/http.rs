//! An origin that answers requests as a web server does, with hyper.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};

use anyhow::Context as _;

use super::{MAX_REQUESTS, SharedNotes, lock};
use crate::agent::{headers, now_us};
use crate::catalogue::trials::body::Sum;
use crate::model::OriginRequest;

/// Serves one connection, answering every request with `body`. HTTP/2 if that was negotiated.
pub(super) async fn serve<S>(stream: S, h2: bool, body: &Bytes, notes: &SharedNotes) -> anyhow::Result<()>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(|request| answer(request, body.clone(), SharedNotes::clone(notes)));
    let io = TokioIo::new(stream);
    if h2 {
        let served = hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(io, service).await;
        return served.context("HTTP/2 at the origin");
    }
    hyper::server::conn::http1::Builder::new().serve_connection(io, service).await.context("HTTP at the origin")
}

async fn answer(
    request: Request<Incoming>,
    body: Bytes,
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
    let mut notes = lock(&notes);
    if notes.requests.len() < MAX_REQUESTS {
        notes.requests.push(received);
    }
    Ok(Response::new(Full::new(body)))
}
