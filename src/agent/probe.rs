//! Watches an image that was started as it is delivered, from a container that shares its processes and its network:
//! whether a process there serves as `traffic_server` does, on which ports, and whether it answers.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::traffic_server;
use crate::model::Served;
use crate::words::escape::terminal;

/// How often processes and ports are looked at: no event tells that another container's port is open.
const LOOK: Duration = Duration::from_millis(50);

/// Timeout for an answer to a request.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long an ATS that has answered must go on to serve.
const HOLD: Duration = Duration::from_secs(1);

/// Ports that are reported.
const MAX_PORTS: usize = 16;

/// Bytes read of an answer, and characters reported of its first line.
const MAX_ANSWER: usize = 256;
const MAX_LINE: usize = 80;

/// The first process of the container that is watched.
const FIRST: u32 = 1;

/// What ATS is asked: a host without a rule, so that the answer needs no origin.
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// Watches until ATS has answered and gone on to serve, or `patience` is over.
pub(super) async fn watch(patience: Duration) -> Served {
    let until = Instant::now() + patience;
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let (server, listening) = (traffic_server::server(FIRST), listening());
        let mut ports: Vec<u16> = listening.iter().map(SocketAddr::port).collect();
        ports.sort_unstable();
        ports.dedup();
        ports.truncate(MAX_PORTS);
        let answer = if server.is_some() { first_answer(&listening).await } else { None };
        let mut seen = Served { server: server.is_some(), ports, answer, stayed: false };
        if seen.answer.is_some() {
            tokio::time::sleep(HOLD).await;
            seen.stayed = traffic_server::server(FIRST) == server && first_answer(&listening).await.is_some();
            return seen;
        }
        if Instant::now() >= until {
            return seen;
        }
    }
}

/// The addresses at which this network namespace has listeners, on loopback.
fn listening() -> BTreeSet<SocketAddr> {
    let read = |name: &str| std::fs::read_to_string(name).unwrap_or_default();
    let four = ports(&read("/proc/net/tcp"));
    let six = ports(&read("/proc/net/tcp6"));
    let at = |address: IpAddr| move |port: &u16| SocketAddr::from((address, *port));
    let only_six = six.difference(&four).map(at(Ipv6Addr::LOCALHOST.into()));
    four.iter().map(at(Ipv4Addr::LOCALHOST.into())).chain(only_six).collect()
}

/// The ports of the listeners in a table of sockets (proc(5): addresses in hex, state `0A`).
fn ports(table: &str) -> BTreeSet<u16> {
    let port = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let (address, state) = (fields.next()?, fields.nth(1)?);
        let (_, port) = address.rsplit_once(':').filter(|_| state == "0A")?;
        u16::from_str_radix(port, 16).ok()
    };
    table.lines().skip(1).filter_map(port).collect()
}

/// The first line of an answer, from the first address that gives one.
async fn first_answer(addresses: &BTreeSet<SocketAddr>) -> Option<String> {
    for address in addresses {
        if let Ok(Ok(line)) = tokio::time::timeout(PATIENCE, answer(*address)).await {
            return Some(line);
        }
    }
    None
}

/// The first line of what comes back from `address`. A port for TLS answers with an alert, which is an answer as well.
async fn answer(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(REQUEST).await?;
    let mut bytes = [0; MAX_ANSWER];
    let count = stream.read(&mut bytes).await?;
    if count == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
    let line = text.lines().next().unwrap_or_default();
    Ok(if line.starts_with("HTTP/") { terminal(line, MAX_LINE) } else { "an answer that is not HTTP".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_those_of_listeners() {
        let table = "  sl  local_address rem_address   st tx_queue\n   \
                     0: 0100007F:1F90 00000000:0000 0A 00000000:00000000\n   \
                     1: 00000000:0050 00000000:0000 0A 00000000:00000000\n   \
                     2: 0100007F:1F91 0100007F:C350 01 00000000:00000000\n   3: nonsense\n";
        assert_eq!(ports(table), BTreeSet::from([80, 8080]));
        assert_eq!(ports(""), BTreeSet::new());
    }

    #[tokio::test]
    async fn a_listener_that_says_nothing_does_not_answer() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        assert!(listening().contains(&address));
        let served = tokio::spawn(async move {
            drop(listener.accept().await.unwrap());
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 5];
            stream.read_exact(&mut request).await.unwrap();
            stream.write_all(b"HTTP/1.1 404 Not Found\r\n\r\n").await.unwrap();
        });
        assert_eq!(first_answer(&BTreeSet::from([address])).await, None);
        assert_eq!(first_answer(&BTreeSet::from([address])).await.as_deref(), Some("HTTP/1.1 404 Not Found"));
        served.await.unwrap();
    }
}
