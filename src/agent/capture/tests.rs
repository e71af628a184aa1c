use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, TcpListener, TcpStream};
use std::time::{SystemTime, UNIX_EPOCH};

use super::*;
use crate::wire::{facts, timeline};

/// A capture of one port of an origin on `address`; `None`, with a message, without `CAP_NET_RAW`.
fn capturing(address: IpAddr) -> Option<(TcpListener, u16, Capture)> {
    let listener = TcpListener::bind((address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    match Capture::start(&BTreeSet::from([port])) {
        Ok(capture) => Some((listener, port, capture)),
        Err(error) if error.root_cause().downcast_ref() == Some(&Errno::EPERM) => {
            eprintln!("no CAP_NET_RAW: nothing is captured or tested");
            None
        }
        Err(error) => panic!("{error:#}"),
    }
}

/// A client sends `to_server` bytes and closes; the server answers `to_client` bytes and closes.
fn exchange(listener: &TcpListener, to_server: usize, to_client: usize) {
    let address = listener.local_addr().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut socket, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            socket.read_to_end(&mut request).unwrap();
            socket.write_all(&vec![2; to_client]).unwrap();
        });
        let mut socket = TcpStream::connect(address).unwrap();
        socket.write_all(&vec![1; to_server]).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        assert_eq!(answer.len(), to_client);
    });
}

#[test]
fn a_loopback_exchange_is_captured_from_syn_to_fin_without_duplicates() {
    for address in [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)] {
        let Some((listener, port, capture)) = capturing(address) else { return };
        let now = |at: SystemTime| u64::try_from(at.duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap();
        let before = now(SystemTime::now());
        exchange(&listener, 517, 1000);
        let captured = capture.finish().unwrap();
        let after = now(SystemTime::now());

        let flows = captured.flows(port);
        let [flow] = flows.as_slice() else { panic!("{flows:?}") };
        let count = |flags: &str| flow.packets.iter().filter(|packet| packet.flags.contains(flags)).count();
        assert_eq!((count("S"), count("S."), count("F")), (2, 1, 2), "{}", timeline::detail(flow));
        assert_eq!((flow.bytes_to_server, flow.bytes_to_client, flow.dropped), (517, 1000, 0));
        assert_eq!((facts::retransmissions(flow), captured.lost), (0, 0));
        assert!(facts::handshake_completed(flow));
        assert_eq!(timeline::summary(flow), "S, S., ., F. after data to the origin, 0 bytes back");
        assert!(
            flow.packets.iter().all(|packet| (before..=after).contains(&packet.at_us)),
            "kernel timestamps use this clock"
        );

        let file = captured.pcapng(port, "a-trial");
        let frames = captured.recordings[&port].frames().count();
        assert_eq!(frames, flow.packets.len());
        assert!(file.windows(517).any(|window| window == [1; 517]), "the payload is in the file");
    }
}

#[test]
fn a_client_that_closes_without_a_byte_looks_like_the_seed_failure() {
    let Some((listener, port, capture)) = capturing(Ipv4Addr::LOCALHOST.into()) else { return };
    exchange(&listener, 0, 0);
    let flows = capture.finish().unwrap().flows(port);
    assert!(facts::closed_before_first_byte_by_client(&flows[0]), "{}", timeline::detail(&flows[0]));
    assert_eq!(timeline::summary(&flows[0]), "S, S., ., F. after 0 bytes to the origin");
}

#[test]
fn a_closed_port_is_captured_as_refused() {
    let Some((listener, port, capture)) = capturing(Ipv4Addr::LOCALHOST.into()) else { return };
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert!(TcpStream::connect(address).is_err());
    let flows = capture.finish().unwrap().flows(port);
    assert!(facts::refused(&flows[0]), "{}", timeline::detail(&flows[0]));
}

#[test]
fn a_large_transfer_keeps_its_ends_within_the_budget() {
    let Some((listener, port, capture)) = capturing(Ipv4Addr::LOCALHOST.into()) else { return };
    exchange(&listener, 3_000_000, 20_000_000);
    let captured = capture.finish().unwrap();
    let flow = &captured.flows(port)[0];
    eprintln!("{} packets dropped from the flow, {} lost by the kernel", flow.dropped, captured.lost);
    assert!(facts::handshake_completed(flow));
    assert!(captured.pcapng(port, "large").len() < 160 * 1024 + PORT_BUDGET / 2);
    if captured.lost == 0 {
        assert_eq!((flow.bytes_to_server, flow.bytes_to_client), (3_000_000, 20_000_000));
        assert!(flow.packets.last().is_some_and(|packet| packet.flags.contains('.')));
    }
}

#[test]
fn a_capture_without_traffic_ends_when_stopped() {
    let Some((_listener, port, capture)) = capturing(Ipv4Addr::LOCALHOST.into()) else { return };
    let captured = capture.finish().unwrap();
    assert_eq!(captured.flows(port), []);
    assert_eq!(captured.pcapng(port, "none").len() % 4, 0);
}
