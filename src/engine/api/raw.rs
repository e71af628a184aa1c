//! The few requests that bollard does not handle correctly, each on its own connection. It drops the
//! `code` of a build's `errorDetail`, the exit code of the failed step, and its generated models
//! reject whole responses of Podman for one unknown word (bollard#701, #238). So builds, and every read
//! whose result matters, go through here and are decoded leniently.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Fuse};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::engine::discovery::Endpoint;
use crate::engine::error::Class;

/// How long an engine may take to answer a read request.
const READ_TIMEOUT: Duration = Duration::from_mins(1);

/// Largest response that is read into memory, bytes.
const MAX_RESPONSE: usize = 64 << 20;

/// A client for one endpoint and one API version.
#[derive(Debug, Clone)]
pub(super) struct RawClient {
    endpoint: Endpoint,
    api: String,
}

/// Why a raw request failed. The caller adds the operation and the object.
#[derive(Debug)]
pub(super) struct RawError {
    pub(super) class: Class,
    pub(super) reason: String,
}

impl RawError {
    fn unreachable(error: &impl std::fmt::Display) -> Self {
        Self { class: Class::Unreachable, reason: format!("the engine cannot be reached: {error}") }
    }

    fn interrupted(error: &impl std::fmt::Display) -> Self {
        Self { class: Class::Interrupted, reason: format!("the connection to the engine broke: {error}") }
    }
}

/// A response whose body is still arriving. It owns and drives its connection, so dropping it closes
/// the connection at once, and the engine stops the work.
pub(super) struct StreamedResponse {
    body: Incoming,
    connection: Fuse<BoxFuture<'static, hyper::Result<()>>>,
}

impl StreamedResponse {
    /// The next piece of the body; `None` at its end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, RawError> {
        loop {
            let frame = drive(&mut self.connection, self.body.frame()).await;
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|error| RawError::interrupted(&error))?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
    }

    /// The complete body.
    async fn body(mut self) -> Result<Vec<u8>, RawError> {
        let mut body = Vec::new();
        while let Some(piece) = self.next().await? {
            body.extend_from_slice(&piece);
            if body.len() > MAX_RESPONSE {
                return Err(RawError {
                    class: Class::Other,
                    reason: format!("its response exceeds {MAX_RESPONSE} bytes"),
                });
            }
        }
        Ok(body)
    }
}

/// The body of an error response.
#[derive(Deserialize)]
struct ErrorBody {
    message: String,
}

impl RawClient {
    pub(super) fn new(endpoint: Endpoint, api: String) -> Self {
        Self { endpoint, api }
    }

    /// Gets `path` (with `query`) and decodes the response.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, RawError> {
        let request = async {
            let response = self.send(Method::GET, path, query, "application/json", Bytes::new()).await?;
            let body = response.body().await?;
            serde_json::from_slice(&body).map_err(|error| RawError {
                class: Class::Other,
                reason: format!("its response to {path} cannot be decoded: {error}"),
            })
        };
        tokio::time::timeout(READ_TIMEOUT, request).await.unwrap_or_else(|_| {
            let reason = format!("the engine did not answer within {} s", READ_TIMEOUT.as_secs());
            Err(RawError { class: Class::Unreachable, reason })
        })
    }

    /// Posts `body` to `path`; the response is streamed.
    pub(super) async fn post(
        &self,
        path: &str,
        query: &[(&str, &str)],
        content_type: &str,
        body: Bytes,
    ) -> Result<StreamedResponse, RawError> {
        self.send(Method::POST, path, query, content_type, body).await
    }

    /// Sends a request; the response is streamed.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        content_type: &str,
        body: Bytes,
    ) -> Result<StreamedResponse, RawError> {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let request = Request::builder()
            .method(method)
            .uri(format!("/v{}{path}?{query}", self.api))
            .header("host", "engine")
            .header("content-type", content_type)
            .body(Full::new(body))
            .map_err(|error| RawError { class: Class::Other, reason: error.to_string() })?;
        match &self.endpoint {
            Endpoint::Unix(socket) => {
                let stream = UnixStream::connect(socket).await.map_err(|error| RawError::unreachable(&error))?;
                exchange(stream, request).await
            }
            Endpoint::Tcp(address) => {
                let stream = TcpStream::connect(address).await.map_err(|error| RawError::unreachable(&error))?;
                exchange(stream, request).await
            }
        }
    }
}

/// Waits for `work` while driving `connection`. `work` sees errors of the connection too.
async fn drive<T>(connection: &mut Fuse<BoxFuture<'static, hyper::Result<()>>>, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        done = &mut work => done,
        _ = connection => work.await,
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<Bytes>>,
) -> Result<StreamedResponse, RawError> {
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| RawError::unreachable(&error))?;
    let mut connection = connection.boxed().fuse();
    let response = drive(&mut connection, sender.send_request(request)).await;
    let response = response.map_err(|error| RawError::interrupted(&error))?;
    let status = response.status();
    let response = StreamedResponse { body: response.into_body(), connection };
    if status.is_success() {
        return Ok(response);
    }
    let body = response.body().await?;
    let reason = serde_json::from_slice::<ErrorBody>(&body)
        .map_or_else(|_| String::from_utf8_lossy(&body).into_owned(), |error| error.message);
    let class = if status == StatusCode::NOT_FOUND { Class::NotFound } else { Class::Other };
    Err(RawError { class, reason })
}
