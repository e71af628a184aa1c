//! Where origins listen, and why they cannot.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

use super::Unable;
use crate::model::Place;

/// The reason if this container has no `::1`.
pub(in crate::agent) async fn no_ipv6() -> Option<String> {
    let address = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
    let error = TcpListener::bind(address).await.err()?;
    match no_listener(Place::SameHostV6, address, error) {
        Unable::Missing(reason) => Some(reason),
        Unable::Fault(_) => None,
    }
}

/// A container without IPv6 has no `::1`. Any other reason why an origin cannot listen is a fault.
pub(super) fn no_listener(place: Place, address: SocketAddr, error: std::io::Error) -> Unable {
    if place == Place::SameHostV6 && error.kind() == std::io::ErrorKind::AddrNotAvailable {
        return Unable::Missing(format!("no IPv6 in this container: {error}"));
    }
    Unable::Fault(anyhow::Error::new(error).context(format!("cannot listen on {address}")))
}

/// The address at which an origin at `place` listens.
pub(super) fn bind_address(place: Place) -> IpAddr {
    match place {
        Place::SameHostV6 => Ipv6Addr::LOCALHOST.into(),
        Place::Remote | Place::SameHost | Place::RemoteAndDead | Place::RemoteAndDeadV6 | Place::Beside(_) => {
            Ipv4Addr::UNSPECIFIED.into()
        }
    }
}
