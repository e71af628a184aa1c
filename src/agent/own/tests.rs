use super::*;

fn file(mode: u32, text: &str) -> LocalFile {
    LocalFile { mode, content: LocalContent::Bytes(text.as_bytes().to_vec()) }
}

fn install(files: &[(&str, LocalFile)], at: &Path) -> OwnFiles {
    let files = files.iter().map(|(name, file)| ((*name).to_owned(), file.clone())).collect();
    OwnFiles::install(OwnPlan { digest: "d".into(), files: 1 }, files, at).unwrap()
}

#[test]
fn files_are_written_with_their_modes_and_linked_where_nothing_replaces_them() {
    let dir = tempfile::tempdir().unwrap();
    let (at, life) = (dir.path().join("at"), dir.path().join("life"));
    std::fs::create_dir_all(&at).unwrap();
    std::fs::create_dir_all(&life).unwrap();
    install(
        &[
            ("lua", LocalFile { mode: 0o000, content: LocalContent::Folder }),
            ("lua/edge.lua", file(0o400, "x")),
            ("plugin.config", file(0o644, "")),
            ("remap.config", file(0o644, "")),
        ],
        &at,
    );
    let mode = |name: &str| std::fs::metadata(at.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("lua"), mode("lua/edge.lua"), mode("plugin.config")), (0o755, 0o444, 0o644));
    let ours = BTreeMap::from([("remap.config".to_owned(), String::new())]);
    link(&at, &life, &ours).unwrap();
    assert_eq!(std::fs::read_to_string(life.join("lua/edge.lua")).unwrap(), "x");
    assert!(life.join("plugin.config").is_symlink() && !life.join("remap.config").exists());
}

#[test]
fn what_no_ats_would_tell_of_is_a_problem() {
    let dir = tempfile::tempdir().unwrap();
    let unreadable = LocalFile { mode: 0o400, content: LocalContent::Unreadable("permission denied".into()) };
    let own = install(
        &[
            ("records.config", file(0o644, "CONFIG proxy.config.ssl.client.CA.cert.filename STRING ca-bundle.pem\n")),
            ("hdr.config", unreadable),
        ],
        dir.path(),
    );
    let problems = own.seen(Dialect::V9_2).problems;
    assert_eq!(problems[0], "hdr.config could not be read where atsmatrix runs: permission denied");
    assert!(
        problems[1].starts_with("records.config:1 names the CA file /etc/trafficserver/ca-bundle.pem, which is not")
    );
    assert_eq!(problems.len(), 2);
    assert_eq!(
        own.seen(Dialect::V10).problems.last().unwrap(),
        "ATS 10.0 reads records.yaml and this folder has only records.config: none of its settings hold"
    );
}
