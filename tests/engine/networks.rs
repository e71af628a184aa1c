//! Networks without a way out.

use std::net::TcpListener;

use atsmatrix::engine::ContainerSpec;

use crate::rig::{Rig, docker, run, with_rig};

/// Whether a container in `network` reaches a listener of the host.
async fn reaches_host(rig: &Rig, what: &str, network: &str) -> bool {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let host = docker(&["network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", "bridge"]);
    let script = format!("busybox nc -w 3 {host} {port} < /dev/null && echo reached");
    let spec = ContainerSpec { network: Some(network.to_owned()), ..rig.shell(what, &script) };
    std::thread::spawn(move || listener.accept().map(drop));
    let (lines, ..) = run(rig, &spec).await;
    lines == ["reached"]
}

#[tokio::test]
async fn an_internal_network_has_no_way_out_where_a_plain_one_has() {
    with_rig("internal", |rig| async move {
        let internal = rig.network("internal", true).await;
        let plain = rig.network("plain", false).await;
        assert!(reaches_host(&rig, "plain-c", &plain).await, "the control fails: the host is not reached at all");
        assert!(!reaches_host(&rig, "internal-c", &internal).await);
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
        // "up" is said just before it listens.
        let script = format!("until busybox nc {ip} 8080; do busybox usleep 20000; done");
        let (lines, ..) = run(&rig, &ContainerSpec { network, ..rig.shell("client", &script) }).await;
        assert_eq!(lines, ["hello"]);
        origin.wait().await.unwrap();
        let error = origin.ip().await.unwrap_err();
        assert!(error.reason.starts_with("it has ended with exit code"), "{error}");
        origin.remove().await.unwrap();
    })
    .await;
}
