use tokio::net::{TcpListener, TcpStream};

use super::*;

async fn both() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    (client.unwrap(), accepted.unwrap().0)
}

/// Plays both scripts against each other.
async fn talk(
    client: &[Step],
    origin: &[Step],
) -> (anyhow::Result<()>, Vec<HttpMessage>, anyhow::Result<()>, Vec<HttpMessage>) {
    let (near, far) = both().await;
    let (client_result, origin_result) = (Received::default(), Received::default());
    let (first, second) =
        tokio::join!(play(near, client, "x.t", &client_result), play(far, origin, "", &origin_result));
    let (client_result, origin_result) = (client_result.messages().clone(), origin_result.messages().clone());
    (first, client_result, second, origin_result)
}

fn send(text: &str) -> Step {
    Step::Send(text.into())
}

#[tokio::test]
async fn chunks_trailers_and_interim_responses_are_received() {
    let client = [
        send("POST / HTTP/1.1\r\nHost: {host}\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Step::ReadInterim,
        Step::SendChunks(40_000),
        send("0\r\nX-Last: yes\r\n\r\n"),
        Step::ReadHead,
        Step::ReadBody,
    ];
    let origin = [
        Step::ReadHead,
        send("HTTP/1.1 100 Continue\r\n\r\n"),
        Step::ReadBody,
        send("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 Well Done\r\nContent-Length: 500\r\n\r\n"),
        Step::SendPattern(500),
    ];
    let (client_result, answers, origin_result, requests) = talk(&client, &origin).await;
    client_result.unwrap();
    origin_result.unwrap();
    let [request] = requests.try_into().unwrap();
    assert_eq!(request.start, ["POST", "/", "HTTP/1.1"]);
    assert_eq!(request.header("host"), Some("x.t"));
    assert_eq!((request.body_len, request.body_sha256), (40_000, body::sha256(40_000)));
    assert_eq!(request.trailers, [("x-last".to_owned(), "yes".to_owned())]);
    let [answer] = answers.try_into().unwrap();
    assert_eq!((answer.status(), answer.interim.as_slice()), (Some(200), [100, 103].as_slice()));
    assert_eq!(answer.body_sha256, body::sha256(500));
}

#[tokio::test]
async fn a_body_cut_short_is_an_error_and_its_beginning_is_recorded() {
    let client = [send("GET / HTTP/1.1\r\n\r\n"), Step::ReadHead, Step::ReadBody];
    let origin =
        [Step::ReadHead, send("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"), Step::SendPattern(100), Step::Fin];
    let (client_result, answers, origin_result, _) = talk(&client, &origin).await;
    origin_result.unwrap();
    assert!(client_result.unwrap_err().to_string().contains("400 bytes of the body to come"));
    assert_eq!(answers[0].body_len, 100);
}

#[tokio::test]
async fn expected_bytes_must_arrive() {
    let (client_result, _, origin_result, _) = talk(&[send("pong"), Step::Hang], &[Step::Expect("ping".into())]).await;
    client_result.unwrap();
    assert!(origin_result.unwrap_err().to_string().contains("pong"));
    let (client_result, ..) = talk(&[send("ping"), Step::Expect("ping".into()), Step::Close], &[Step::Echo]).await;
    client_result.unwrap();
}
