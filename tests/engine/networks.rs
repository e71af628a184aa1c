//! Internal networks.

use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use atsmatrix::engine::ContainerSpec;

use crate::rig::{Rig, docker, run, with_rig};

/// An address outside this machine; `None` if this machine has no Internet access.
fn outside() -> Option<SocketAddr> {
    let output = Command::new("getent").args(["ahostsv4", "deb.debian.org"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let address = SocketAddr::new(text.split_whitespace().next()?.parse().ok()?, 80);
    TcpStream::connect_timeout(&address, Duration::from_secs(5)).ok().map(|_| address)
}

/// Whether a container in `network` can connect to `address`.
async fn reaches(rig: &Rig, what: &str, network: &str, address: SocketAddr) -> bool {
    let script = format!("busybox nc -w 5 {} {} < /dev/null && echo reached", address.ip(), address.port());
    let spec = ContainerSpec { network: Some(network.to_owned()), ..rig.shell(what, &script) };
    let (lines, ..) = run(rig, &spec).await;
    lines == ["reached"]
}

#[tokio::test]
async fn an_internal_network_is_isolated_and_a_plain_one_is_not() {
    with_rig("internal", |rig| async move {
        let internal = rig.network("internal", true).await;
        let plain = rig.network("plain", false).await;
        let is_internal = |id: &str| docker(&["network", "inspect", "--format", "{{.Internal}}", id]);
        assert_eq!((is_internal(&internal).as_str(), is_internal(&plain).as_str()), ("true", "false"));
        // Without Internet access there is nothing to reach.
        if let Some(outside) = outside() {
            assert!(reaches(&rig, "plain-c", &plain, outside).await, "the control fails");
            assert!(!reaches(&rig, "internal-c", &internal, outside).await);
        }
    })
    .await;
}

#[tokio::test]
async fn containers_of_an_internal_network_reach_each_other_by_address() {
    with_rig("pair", |rig| async move {
        let network = Some(rig.network("n", true).await);
        let script = "echo up; busybox nc -l -p 8080 -e busybox echo hello";
        let origin_spec = ContainerSpec { network: network.clone(), ..rig.shell("origin", script) };
        let mut origin = rig.start(&origin_spec).await;
        assert_eq!(origin.lines().recv().await.as_deref(), Some("up"));
        let ip = origin.ip().await.unwrap();
        // "up" is printed just before it listens.
        let script = format!("until busybox nc {ip} 8080; do busybox usleep 20000; done");
        let (lines, ..) = run(&rig, &ContainerSpec { network, ..rig.shell("client", &script) }).await;
        assert_eq!(lines, ["hello"]);
        origin.wait().await.unwrap();
        let error = origin.ip().await.unwrap_err();
        assert!(error.reason.starts_with("it has exited with code"), "{error}");
        origin.remove().await.unwrap();
    })
    .await;
}
