//! Images: build, import, pull.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use atsmatrix::engine::discovery::Env;
use atsmatrix::engine::{BuildSpec, Class, ContainerSpec, EngineKind, Labels, connect};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

use crate::rig::{connected, context, docker, recipe, run, with_rig};

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn the_engine_is_found_and_describes_itself() {
    let found = connected().await;
    assert!(found.probes.last().is_some_and(|probe| probe.result.is_ok()));
    assert!(found.info.cpus > 0 && found.info.memory > 0 && !found.info.storage.is_empty());
    assert_eq!(found.info.to_string(), found.engine.info().await.unwrap().to_string());
    if found.info.kind == EngineKind::Docker {
        assert_eq!(docker(&["version", "--format", "{{.Server.Version}}"]), found.info.version);
    }
}

#[tokio::test]
async fn a_build_takes_arguments_and_labels_and_passes_on_its_log() {
    with_rig("build", |rig| async move {
        let text = format!(
            "FROM {}\nARG WORD\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"printf 'gr'; echo \\\"een $WORD\\\"\"]\n",
            rig.image
        );
        let spec = BuildSpec {
            args: BTreeMap::from([("WORD".to_owned(), "a b".to_owned())]),
            labels: labels(&[("x.y", "q\"$u")]),
            memory: Some(256 << 20),
            ..recipe(&rig.name("image:1"), context(&[("Containerfile", text.as_bytes(), 0o644)]))
        };
        let mut log = Vec::new();
        let image = rig.engine.build(&spec, &mut |line| log.push(line.to_owned())).await.unwrap();
        assert!(log.iter().any(|line| line == "green a b"), "{log:?}");
        assert_eq!(image.labels["x.y"], "q\"$u");
        assert_eq!(docker(&["image", "inspect", "--format", "{{.Id}}", &spec.tag]), image.id);

        let other = rig.name("image:2");
        rig.engine.tag(&spec.tag, &other).await.unwrap();
        let found = rig.engine.images_with_label("x.y=q\"$u").await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].tags, [spec.tag.clone(), other.clone()]);
        rig.engine.remove_image(&other).await.unwrap();
        rig.engine.remove_image(&spec.tag).await.unwrap();
        rig.engine.remove_image(&spec.tag).await.expect("removing a missing image is not an error");
        assert_eq!(rig.engine.image(&spec.tag).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_failed_step_has_its_exit_code_and_an_invalid_recipe_has_none() {
    with_rig("failing", |rig| async move {
        let text = format!("FROM {}\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"echo error: no; exit 65\"]\n", rig.image);
        let spec = recipe(&rig.name("image:1"), context(&[("Containerfile", text.as_bytes(), 0o644)]));
        let mut log = Vec::new();
        let error = rig.engine.build(&spec, &mut |line| log.push(line.to_owned())).await.unwrap_err();
        assert_eq!(error.class, Class::Build { code: Some(65) });
        assert!(log.iter().any(|line| line == "error: no"), "{log:?}");

        let spec = recipe(&rig.name("image:1"), context(&[("Containerfile", b"FRUM x\n", 0o644)]));
        let error = rig.engine.build(&spec, &mut |_| {}).await.unwrap_err();
        assert_eq!(error.class, Class::Build { code: None });
    })
    .await;
}

#[tokio::test]
async fn dropping_a_build_stops_it_on_the_engine() {
    with_rig("cancel", |rig| async move {
        let mark = rig.name("mark");
        let script = format!("echo {mark}; exec busybox sleep 1000");
        let text = format!("FROM {}\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"{script}\"]\n", rig.image);
        let spec = recipe(&rig.name("image:1"), context(&[("Containerfile", text.as_bytes(), 0o644)]));
        let (sender, mut running) = mpsc::unbounded_channel();
        let mut on_log = |line: &str| sender.send(line == mark).unwrap();
        let build = rig.engine.build(&spec, &mut on_log);
        let started = async {
            while running.recv().await == Some(false) {}
            let running = docker(&["ps", "-q", "--no-trunc", "--filter", &format!("ancestor={}", rig.image)]);
            let cmd = |id: &&str| docker(&["inspect", "--format", "{{.Config.Cmd}}", id]);
            running.lines().find(|id| cmd(id).contains(&mark)).expect("the step runs").to_owned()
        };
        let step = tokio::select! {
            result = build => panic!("the build finished: {result:?}"),
            step = started => step,
        };
        // Returns when the step has been stopped: by itself it would run for 1000 seconds.
        docker(&["wait", &step]);
        assert_eq!(docker(&["ps", "-q", "--no-trunc", "--filter", &format!("id={step}")]), "");
    })
    .await;
}

#[tokio::test]
async fn a_root_file_system_is_imported_with_its_labels_and_runs() {
    with_rig("import", |rig| async move {
        let busybox = std::fs::read("/bin/busybox").unwrap();
        let tar = context(&[("busybox", &busybox, 0o755)]);
        let pieces: Vec<_> = tar.chunks(65_536).map(Bytes::copy_from_slice).map(Ok).collect();
        let tag = rig.name("base:1");
        let labels = labels(&[("a.b", "x \"$HOME\" \\ z"), ("atsmatrix.kind", "image")]);
        let image = rig.engine.import(&tag, &labels, stream::iter(pieces).boxed()).await.unwrap();
        // Podman may add a label of its own.
        assert!(labels.iter().all(|(key, value)| image.labels.get(key) == Some(value)), "{:?}", image.labels);
        let command = Some(["/busybox", "echo", "hi"].map(str::to_owned).to_vec());
        let spec = ContainerSpec { image: tag.clone(), command, ..rig.shell("c", "") };
        let (lines, code, _) = run(&rig, &spec).await;
        rig.engine.remove_image(&tag).await.unwrap();
        assert_eq!((lines.as_slice(), code), (&["hi".to_owned()][..], 0));
    })
    .await;
}

#[tokio::test]
async fn an_import_whose_source_fails_makes_no_image_and_reports_the_reason() {
    with_rig("broken", |rig| async move {
        let tar = context(&[("big", &vec![7; 1 << 20], 0o644)]);
        let pieces = vec![Ok(tar.slice(..600_000)), Err(std::io::Error::other("mmdebstrap exited with 25"))];
        let tag = rig.name("base:1");
        let error = rig.engine.import(&tag, &Labels::new(), stream::iter(pieces).boxed()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("cannot import image {tag}: mmdebstrap exited with 25"));
        assert_eq!(rig.engine.image(&tag).await.unwrap(), None);
        let name = tag.split(':').next().unwrap();
        assert_eq!(
            docker(&["images", "--quiet", "--filter", &format!("reference={name}:*")]),
            "",
            "nor an incomplete one"
        );
    })
    .await;
}

#[tokio::test]
async fn a_failed_import_does_not_move_the_tag() {
    with_rig("kept", |rig| async move {
        let tar = context(&[("big", &vec![7; 1 << 20], 0o644)]);
        let tag = rig.name("base:1");
        let whole = stream::iter([Ok(tar.clone())]).boxed();
        let before = rig.engine.import(&tag, &Labels::new(), whole).await.unwrap();
        assert_eq!(before.tags, std::slice::from_ref(&tag), "and no other tag");
        let pieces = vec![Ok(tar.slice(..600_000)), Err(std::io::Error::other("cut off"))];
        rig.engine.import(&tag, &Labels::new(), stream::iter(pieces).boxed()).await.unwrap_err();
        let after = rig.engine.image(&tag).await.unwrap();
        rig.engine.remove_image(&tag).await.unwrap();
        assert_eq!(after, Some(before));
    })
    .await;
}

/// A registry that requires a password and has no images. Returns its address and the credentials that it received.
/// Engines use plain HTTP for registries on loopback.
async fn guarded(requests: usize) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serve = async move {
        let mut received = Vec::new();
        while received.len() < requests {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 16 << 10];
            let count = stream.read(&mut head).await.unwrap();
            let head = String::from_utf8_lossy(&head[..count]).to_lowercase();
            let Some(name) = head.lines().find_map(|line| line.strip_prefix("authorization: ")) else {
                let answer = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"r\"\r\n";
                let rest = "Content-Length: 0\r\nConnection: close\r\n\r\n";
                stream.write_all(format!("{answer}{rest}").as_bytes()).await.unwrap();
                continue;
            };
            received.push(name.to_owned());
            let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        received
    };
    (address, tokio::spawn(serve))
}

#[tokio::test]
async fn a_private_registry_receives_the_stored_credentials_and_errors_do_not_show_them() {
    let (address, received) = guarded(1).await;
    let folder = tempfile::tempdir().unwrap();
    // ann:secret
    let config = format!(r#"{{"auths": {{"{address}": {{"auth": "YW5uOnNlY3JldA=="}}}}}}"#);
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    let env = Env { docker_config: Some(folder.path().to_owned()), ..Env::from_process() };
    let engine = connect(&env).await.unwrap().engine;
    let error = engine.pull(&format!("{address}/nothing:1"), &mut |_| {}).await.unwrap_err();
    assert!(!error.to_string().contains("secret") && !error.to_string().contains("YW5u"), "{error}");
    let received = tokio::time::timeout(Duration::from_secs(10), received).await.expect("it was contacted").unwrap();
    assert_eq!(received, ["basic yw5uonnly3jlda=="]);
}

#[tokio::test]
async fn a_pull_that_cannot_succeed_fails_fast_with_the_reason() {
    let engine = connected().await.engine;
    let begun = Instant::now();
    // RFC 6761: .invalid never resolves.
    let error = engine.pull("registry.invalid/nothing:1", &mut |_| {}).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert_eq!(error.class, Class::Unreachable);
    assert!(error.to_string().starts_with("cannot pull image registry.invalid/nothing:1: "), "{error}");
    assert!(error.reason.contains("registry.invalid"), "{error}");
}
