//! Containers: start, output, limits, stop, removal.

use std::collections::BTreeMap;
use std::io::Read as _;

use atsmatrix::engine::{Class, ContainerSpec};
use futures_util::StreamExt as _;

use crate::rig::{all_lines, context, docker, run, with_rig};

#[tokio::test]
async fn this_static_binary_runs_in_an_empty_image() {
    with_rig("own", |rig| async move {
        let binary = std::fs::read(env!("CARGO_BIN_EXE_atsmatrix")).unwrap();
        let recipe = b"FROM scratch\nCOPY atsmatrix /atsmatrix\nENTRYPOINT [\"/atsmatrix\"]\n";
        let tag = rig.name("image:1");
        rig.build(&tag, context(&[("Containerfile", recipe, 0o644), ("atsmatrix", &binary, 0o755)])).await;
        let spec = ContainerSpec {
            image: tag.clone(),
            command: Some(vec!["--version".to_owned()]),
            read_only: true,
            no_new_privileges: true,
            ..rig.shell("own", "")
        };
        let (_, code, stderr) = run(&rig, &spec).await;
        rig.engine.remove_image(&tag).await.unwrap();
        assert_eq!((code, stderr.as_str()), (0, ""));
    })
    .await;
}

#[tokio::test]
async fn lines_exit_code_and_stderr_are_returned_and_logs_agree() {
    with_rig("lines", |rig| async move {
        let script = "echo one; echo two >&2; printf 'r\\377d\\n'; printf three; exit 7";
        let mut container = rig.start(&rig.shell("c", script)).await;
        let lines = all_lines(&mut *container).await;
        assert_eq!(lines, ["one", "r\u{fffd}d", "three"]);
        let exit = container.wait().await.unwrap();
        assert_eq!((exit.code, exit.oom_killed, exit.truncated), (7, false, false));
        assert_eq!(container.wait().await.unwrap(), exit, "waiting twice gives the same result");
        assert_eq!(container.stderr_tail(), "two\n");
        assert_eq!(container.logs().await.unwrap(), lines);
        container.kill().await.expect("killing an exited container is not an error");
        container.remove().await.unwrap();
        assert_eq!(rig.containers().await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_file_is_read_from_a_container_that_has_exited() {
    with_rig("file", |rig| async move {
        let container = rig.start(&rig.shell("c", "busybox seq 1 200000 >/out")).await;
        assert_eq!(container.wait().await.unwrap().code, 0);
        let mut packed = Vec::new();
        let mut pieces = container.file("/out");
        while let Some(piece) = pieces.next().await {
            packed.extend_from_slice(&piece.unwrap());
        }
        let mut archive = tar::Archive::new(packed.as_slice());
        let mut entry = archive.entries().unwrap().next().unwrap().unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        assert_eq!(text.lines().count(), 200_000);
        assert!(text.ends_with("\n200000\n"));
        let error = container.file("/none").next().await.unwrap().unwrap_err().to_string();
        assert!(error.starts_with("cannot read a file of container"), "{error}");
        container.remove().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn long_lines_and_many_lines_arrive_complete() {
    with_rig("long", |rig| async move {
        let script = "busybox head -c 300000 /dev/zero | busybox tr '\\0' x; echo; busybox seq 1 20000";
        let mut container = rig.start(&rig.shell("c", script)).await;
        let lines = all_lines(&mut *container).await;
        assert_eq!(container.wait().await.unwrap().code, 0);
        // Docker's log driver splits lines into pieces of 16 KiB.
        for lines in [lines, container.logs().await.unwrap()] {
            assert_eq!((lines.len(), lines[0].len()), (20_001, 300_000));
            assert_eq!(lines[20_000], "20000");
        }
        container.remove().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn closing_stdin_stops_a_process_that_reads_it() {
    with_rig("stdin", |rig| async move {
        let mut container = rig.start(&rig.shell("c", "echo up; busybox cat; echo down")).await;
        let mut lines = container.lines();
        assert_eq!(lines.recv().await.as_deref(), Some("up"));
        container.close_stdin().await.unwrap();
        assert_eq!(lines.recv().await.as_deref(), Some("down"));
        assert_eq!(container.wait().await.unwrap().code, 0);
        container.close_stdin().await.expect("closing twice is not an error");
        container.remove().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_hung_process_is_killed() {
    with_rig("kill", |rig| async move {
        let container = rig.start(&rig.shell("c", "busybox sleep 1000")).await;
        container.kill().await.unwrap();
        assert_eq!(container.wait().await.unwrap().code, 137);
        container.remove().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_container_is_confined_as_specified() {
    with_rig("confined", |rig| async move {
        let script = "busybox grep -E 'CapEff|NoNewPrivs' /proc/self/status; busybox hostname; echo $PLAN; \
                      busybox touch /x || echo read-only; busybox touch /t/x && echo scratch; \
                      for i in /sys/class/net/*; do echo ${i##*/}; done";
        let spec = ContainerSpec {
            env: BTreeMap::from([("PLAN".to_owned(), "a = b".to_owned())]),
            hostname: Some("cell-1".to_owned()),
            capabilities: vec!["NET_RAW".to_owned()],
            read_only: true,
            no_new_privileges: true,
            tmpfs: BTreeMap::from([("/t".to_owned(), "size=1m".to_owned())]),
            pids: Some(64),
            memory: Some(64 << 20),
            log_bytes: Some(1 << 20),
            ..rig.shell("c", script)
        };
        let (lines, code, stderr) = run(&rig, &spec).await;
        assert_eq!(code, 0, "{stderr}");
        // Bit 13 is CAP_NET_RAW (capabilities(7)). Without a network there is only loopback.
        let expected = ["CapEff:\t0000000000002000", "NoNewPrivs:\t1", "cell-1", "a = b", "read-only", "scratch", "lo"];
        assert_eq!(lines, expected);
    })
    .await;
}

#[tokio::test]
async fn the_user_and_the_health_check_of_an_image_are_ignored() {
    with_rig("user", |rig| async move {
        let recipe = format!("FROM {}\nUSER 1000:1000\nHEALTHCHECK --interval=1s CMD busybox true\n", rig.image);
        let tag = rig.name("image:1");
        rig.build(&tag, context(&[("Containerfile", recipe.as_bytes(), 0o644)])).await;
        let spec = ContainerSpec { image: tag.clone(), ..rig.shell("c", "busybox id -u; busybox cat") };
        let mut container = rig.start(&spec).await;
        let health = docker(&["inspect", "--format", "{{json .State.Health}}", container.id()]);
        container.close_stdin().await.unwrap();
        let lines = all_lines(&mut *container).await;
        container.remove().await.unwrap();
        rig.engine.remove_image(&tag).await.unwrap();
        assert_eq!(lines, ["0"]);
        // Empty if the docker client uses another engine.
        assert!(["null", ""].contains(&health.as_str()), "{health}");
    })
    .await;
}

#[tokio::test]
async fn a_process_killed_for_lack_of_memory_is_reported_as_such() {
    with_rig("oom", |rig| async move {
        let spec = ContainerSpec { memory: Some(16 << 20), ..rig.shell("c", "exec busybox tail /dev/zero") };
        let container = rig.start(&spec).await;
        let exit = container.wait().await.unwrap();
        assert_eq!((exit.code, exit.oom_killed), (137, true));
        container.remove().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_container_that_cannot_start_is_removed() {
    with_rig("unstartable", |rig| async move {
        let tag = rig.name("image:1");
        let recipe = format!("FROM {}\nENTRYPOINT [\"/nonexistent\"]\n", rig.image);
        rig.build(&tag, context(&[("Containerfile", recipe.as_bytes(), 0o644)])).await;
        let spec = ContainerSpec { image: tag.clone(), ..rig.shell("c", "") };
        let error = rig.engine.start(&spec).await.err().expect("the program does not exist");
        assert!(error.to_string().starts_with(&format!("cannot start container {}: ", spec.name)), "{error}");
        assert!(error.reason.contains("/nonexistent"), "{error}");
        assert_eq!(rig.containers().await, 0);
        rig.engine.remove_image(&tag).await.unwrap();

        let spec = ContainerSpec { image: "atsmatrix-none:1".to_owned(), ..rig.shell("c", "") };
        let error = rig.engine.start(&spec).await.err().expect("the image does not exist");
        assert_eq!(error.class, Class::NotFound);

        let spec =
            ContainerSpec { env: BTreeMap::from([("PLAN".to_owned(), "x".repeat(200_000))]), ..rig.shell("c", "") };
        let error = rig.engine.start(&spec).await.err().expect("Linux rejects such a variable");
        assert!(error.reason.contains("PLAN has 200000 bytes"), "{error}");
        assert_eq!(rig.containers().await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_dropped_container_is_removed_in_the_background() {
    with_rig("dropped", |rig| async move {
        let network = rig.network("n", true).await;
        let spec = ContainerSpec { network: Some(network.clone()), ..rig.shell("c", "busybox sleep 1000") };
        let container = rig.start(&spec).await;
        let id = container.id().to_owned();
        drop(container);
        // Succeeds only after the container has left the network.
        rig.engine.remove_network(&network).await.unwrap();
        assert_eq!(docker(&["ps", "-q", "--no-trunc", "--filter", &format!("id={id}")]), "");
    })
    .await;
}

#[tokio::test]
async fn kernel_settings_apply_to_one_container_and_those_of_the_host_are_refused() {
    with_rig("sysctl", |rig| async move {
        let script = "cat /proc/sys/net/ipv4/tcp_fastopen";
        let with = |name: &str, key: &str| ContainerSpec {
            sysctls: BTreeMap::from([(key.to_owned(), "1027".to_owned())]),
            ..rig.shell(name, script)
        };
        let (lines, code, stderr) = run(&rig, &with("own", "net.ipv4.tcp_fastopen")).await;
        assert_eq!((code, lines.as_slice()), (0, ["1027".to_owned()].as_slice()), "{stderr}");
        let (lines, ..) = run(&rig, &rig.shell("other", script)).await;
        assert_ne!(lines, ["1027"]);
        let refused = rig.engine.start(&with("host", "kernel.pid_max")).await;
        assert!(refused.is_err(), "a container must not change settings of the host");
        assert_eq!(rig.containers().await, 0);
    })
    .await;
}
