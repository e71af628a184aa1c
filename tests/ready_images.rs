//! Ready images as people have them, for real: made FROM the images of shipped cells, each answers when it is started
//! by hand, and none of them is to fail for what our cell does differently. Needs a container engine, the docker
//! program and a C compiler; the images of debian-12/9.2.9 and debian-11/8.1 are made if they are not there.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its images or read its run has failed")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use atsmatrix::config::matrix::Matrix;
use atsmatrix::config::plan::{Plan, Selection};
use serde_json::Value;

/// One that must pass, one under a manager, and one that this OpenSSL cannot do.
const TRIALS: &str = "tls-remote-origin,load-reload,group-x25519mlkem768";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The image of a shipped cell, made if it is not there.
fn shipped(cell: &str) -> String {
    let text = fs::read_to_string(root().join("matrix.yaml")).unwrap();
    let recipes = atsmatrix::builder::recipes(&root().join("images")).unwrap();
    let plan = Plan::of(&Matrix::parse("matrix.yaml", &text).unwrap(), &Selection::default(), &recipes).unwrap();
    let tag = plan.cells.iter().find(|planned| planned.id.to_string() == cell).unwrap().tag.clone();
    let known = Command::new("docker").args(["image", "inspect", &tag]).output().unwrap();
    if !known.status.success() {
        let (distro, ats) = cell.split_once('/').unwrap();
        let results = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ready").join(format!("made-{distro}"));
        let made = Command::new(env!("CARGO_BIN_EXE_atsmatrix"))
            .args(["run", "--distro", distro, "--ats", ats, "--trial", "net-refused", "--results"])
            .arg(results)
            .current_dir(root())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    tag
}

/// A ready image: the lines of its Containerfile after FROM, and the files beside it.
struct Ready {
    name: &'static str,
    lines: String,
    files: Vec<(&'static str, Vec<u8>)>,
}

impl Ready {
    fn of(name: &'static str, lines: impl Into<String>) -> Self {
        Self { name, lines: lines.into(), files: Vec::new() }
    }

    fn with(mut self, name: &'static str, text: impl Into<Vec<u8>>) -> Self {
        self.files.push((name, text.into()));
        self
    }
}

/// Removed when this is dropped.
struct Image(String);

impl Drop for Image {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rmi", "--no-prune", &self.0]).output();
    }
}

/// Cells of ready images, one a column.
struct Ran {
    output: Output,
    cells: Vec<Value>,
    names: Vec<&'static str>,
    folder: PathBuf,
}

impl Ran {
    /// Runs images that are made FROM that of `base`, under the row `row`.
    fn of(base: &str, row: &str, version: &str, images: &[Ready]) -> Self {
        Self::trying(TRIALS, base, row, version, images)
    }

    /// The same with other trials.
    fn trying(trials: &str, base: &str, row: &str, version: &str, images: &[Ready]) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ready").join(format!("{row}-{}", images[0].name));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let tag = |ready: &Ready| format!("atsmatrix-test/ready-{row}:{}", ready.name);
        let column = |ready: &Ready| {
            format!(
                "  {}:\n    version: \"{version}\"\n    sources: [{{ on: [\"*\"], image: {{ reference: \"{}\" }} }}]\n",
                ready.name,
                tag(ready)
            )
        };
        let columns: String = images.iter().map(column).collect();
        let yaml = format!("version: 1\ndistros:\n  {row}: {{ family: debian, image: x }}\nats:\n{columns}");
        fs::write(folder.join("matrix.yaml"), yaml).unwrap();
        std::os::unix::fs::symlink(root().join("images"), folder.join("images")).unwrap();
        let from = shipped(base);
        let build = |ready: &Ready| {
            let context = folder.join(format!("image-{}", ready.name));
            fs::create_dir_all(&context).unwrap();
            fs::write(context.join("Dockerfile"), format!("FROM {from}\n{}\n", ready.lines)).unwrap();
            for (name, bytes) in &ready.files {
                fs::write(context.join(name), bytes).unwrap();
                fs::set_permissions(context.join(name), PermissionsExt::from_mode(0o755)).unwrap();
            }
            let tag = tag(ready);
            let built =
                Command::new("docker").args(["build", "--quiet", "--tag", &tag]).arg(&context).output().unwrap();
            assert!(built.status.success(), "{}: {}", ready.name, String::from_utf8_lossy(&built.stderr));
            Image(tag)
        };
        let kept: Vec<Image> = images.iter().map(build).collect();
        let output = Command::new(env!("CARGO_BIN_EXE_atsmatrix"))
            .args(["run", "--offline", "--jobs", "2", "--trial", trials, "--results", "out"])
            .current_dir(&folder)
            .output()
            .unwrap();
        drop(kept);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let bytes = fs::read(folder.join("out/matrix.json")).unwrap_or_else(|error| panic!("{error}: {said}"));
        let matrix: Value = serde_json::from_slice(&bytes).unwrap();
        let cells = matrix["cells"].as_array().unwrap().clone();
        Self { output, cells, names: images.iter().map(|ready| ready.name).collect(), folder }
    }

    fn cell(&self, name: &str) -> &Value {
        let at = self.names.iter().position(|known| *known == name).unwrap();
        &self.cells[at]
    }

    fn outcome(&self, name: &str, trial: &str) -> &str {
        let trials = self.cell(name)["trials"].as_array().unwrap();
        trials.iter().find(|known| known["id"] == trial).unwrap()["outcome"].as_str().unwrap()
    }

    /// What `atsmatrix explain` says of the cell.
    fn explained(&self, row: &str, name: &str) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_atsmatrix"))
            .args(["explain", &format!("{row}/{name}"), "--results", "out"])
            .current_dir(&self.folder)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Configuration that the image's entrypoint puts there when it starts.
fn restored() -> Ready {
    Ready::of(
        "restored",
        "RUN cp -a /etc/trafficserver /usr/share/ats-default && rm -rf /etc/trafficserver/*\n\
         COPY entrypoint /entrypoint\nENTRYPOINT [\"/entrypoint\"]\nCMD [\"traffic_server\"]",
    )
    .with("entrypoint", "#!/bin/sh\ncp -a /usr/share/ats-default/. /etc/trafficserver/\nexec \"$@\"\n")
}

/// Configuration that only ATS's own user can read.
fn owned() -> Ready {
    Ready::of(
        "owned",
        "RUN chown -R trafficserver: /etc/trafficserver && chmod -R u=rX,go= /etc/trafficserver\nUSER trafficserver",
    )
}

/// A script in the place of `traffic_server`, which is moved elsewhere.
fn wrapped(name: &'static str, script: &str) -> Ready {
    Ready::of(
        name,
        "RUN mkdir -p /usr/lib/own && mv /usr/bin/traffic_server /usr/lib/own/ats\n\
         COPY traffic_server /usr/bin/traffic_server",
    )
    .with("traffic_server", script)
}

/// A library that ends whatever it is preloaded into, unless that is a program of ATS.
fn strict() -> Vec<u8> {
    const SOURCE: &str = "\
        extern char *program_invocation_short_name;\n\
        extern void _exit(int);\n\
        __attribute__((constructor)) static void check(void) {\n\
          const char *name = program_invocation_short_name, *begin = \"traffic_\";\n\
          while (*begin) if (*name++ != *begin++) _exit(3);\n\
        }\n";
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ready");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("strict.c"), SOURCE).unwrap();
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-nostdlib", "-o", "strict.so", "strict.c"])
        .current_dir(&folder)
        .status()
        .unwrap();
    assert!(made.success());
    fs::read(folder.join("strict.so")).unwrap()
}

/// An image with libraries and an openssl.cnf of its own for its ATS alone.
fn own_libraries() -> Ready {
    Ready::of(
        "own-libraries",
        "RUN mkdir -p /opt/tls/lib && cp /usr/lib/*-linux-gnu/libssl.so.3 /usr/lib/*-linux-gnu/libcrypto.so.3 \
         /opt/tls/lib/ && echo garbage >/opt/tls/lib/libcurl.so.4\n\
         COPY strict.so /opt/tls/lib/strict.so\nCOPY openssl.cnf /opt/tls/openssl.cnf\n\
         ENV LD_LIBRARY_PATH=/opt/tls/lib LD_PRELOAD=/opt/tls/lib/strict.so OPENSSL_CONF=/opt/tls/openssl.cnf",
    )
    .with("strict.so", strict())
    .with(
        "openssl.cnf",
        "openssl_conf = init\n[init]\nssl_conf = ssl\n[ssl]\nsystem_default = own\n[own]\nMinProtocol = TLSv1.2\n",
    )
}

/// A `traffic_server` with a capability of its own, as `setcap cap_net_bind_service=+ep` gives it.
fn capable() -> Ready {
    const GIVE: &str = "$at = \"/usr/bin/traffic_server\"; $name = \"security.capability\"; $value = pack \"V5\", 0x02000001, 1 << 10, 0, 0, 0; \
                        $call = `uname -m` =~ /x86_64/ ? 188 : 5; \
                        exit(syscall($call, $at, $name, $value, length $value, 0) ? 1 : 0);\n";
    Ready::of("capable", "COPY give.pl /tmp/give.pl\nRUN perl /tmp/give.pl").with("give.pl", GIVE)
}

/// An image whose distro's own openssl.cnf was added to.
fn lax() -> Ready {
    Ready::of(
        "lax",
        "RUN printf '[openssl_init]\\nssl_conf = own\\n[own]\\nsystem_default = lax\\n[lax]\\n\
         CipherString = DEFAULT@SECLEVEL=0\\n' >>/etc/ssl/openssl.cnf",
    )
}

#[test]
fn no_ready_image_fails_for_what_is_ours() {
    let noise = "#!/bin/sh\necho 'NOTE: {layout} follows'\necho 'WARNING: no locale {C}' >&2\n\
                 /usr/lib/own/layout \"$@\"\nstatus=$?\necho done\necho 'ERROR: {' >&2\nexit $status\n";
    let images = [
        restored(),
        owned(),
        Ready::of(
            "noisy-layout",
            "RUN mkdir -p /usr/lib/own && mv /usr/bin/traffic_layout /usr/lib/own/layout\n\
             COPY traffic_layout /usr/bin/traffic_layout",
        )
        .with("traffic_layout", noise),
        Ready::of("no-layout", "RUN rm /usr/bin/traffic_layout"),
        Ready::of("no-manager", "RUN rm /usr/bin/traffic_manager"),
        wrapped(
            "execs",
            "#!/bin/sh\necho \"starting {$*}\"\nexport OPENSSL_CONF=/dev/null\nexec /usr/lib/own/ats \"$@\"\n",
        ),
        wrapped("waits", "#!/bin/sh\necho warning: slow start >&2\n/usr/lib/own/ats \"$@\"\n"),
        own_libraries(),
        lax(),
        capable(),
        wrapped(
            "becomes-another",
            "#!/bin/sh\n[ \"$1\" = -V ] && exec /usr/lib/own/ats -V\nexec su -s /bin/sh -c /usr/lib/own/ats trafficserver\n",
        ),
    ];
    let ran = Ran::of("debian-12/9.2.9", "debian-12", "9.2.9", &images);
    let said = String::from_utf8_lossy(&ran.output.stderr);
    for name in ran.names.iter().filter(|name| **name != "becomes-another") {
        let cell = ran.cell(name);
        assert_eq!(cell["verdict"], "pass", "{name}: {cell:#}\n{said}");
        assert_eq!(ran.outcome(name, "group-x25519mlkem768"), "unsupported", "{name}");
        let reload = if *name == "no-manager" { "unsupported" } else { "pass" };
        assert_eq!(ran.outcome(name, "load-reload"), reload, "{name}");
        for control in ["ctl-direct-curl", "ctl-direct-openssl", "ctl-direct-tls", "ctl-plain-origin", "ctl-unmapped"] {
            assert_eq!(ran.outcome(name, control), "pass", "{name}: {control}");
        }
        let version = cell["provenance"]["openssl"]["version"].as_str().unwrap_or_default();
        assert!(version.starts_with("3.0."), "{name}: {cell:#}");
    }
    provenance_names_what_decides_tls(&ran);
    // A cell lets nobody become another user. That is ours, will be so again, and the way out is told.
    let cell = ran.cell("becomes-another");
    assert_eq!(cell["verdict"], "error", "{cell:#}");
    let told = ran.explained("debian-12", "becomes-another");
    assert!(told.contains("/usr/bin/traffic_server is a script") && told.contains("`binary`"), "{told}");
    for text in [told.as_str(), said.as_ref()] {
        assert!(
            !text.contains("run it again")
                && !text.contains("while the controls past ATS held")
                && !text.contains("while the controls that bypass ATS passed"),
            "{text}"
        );
    }
    assert_eq!(ran.output.status.code(), Some(4), "{said}");
}

fn provenance_names_what_decides_tls(ran: &Ran) {
    let around = |name: &str| &ran.cell(name)["provenance"]["surroundings"];
    let plain = around("restored");
    assert_eq!(plain["environment"], serde_json::json!({}), "{plain:#}");
    assert_eq!(plain["openssl_conf"]["differs"], serde_json::json!([]), "{plain:#}");
    assert_eq!(plain["openssl_conf"]["path"], "/usr/lib/ssl/openssl.cnf", "{plain:#}");
    for name in ["owned", "noisy-layout", "no-layout", "no-manager", "waits", "capable"] {
        assert_eq!(around(name), plain, "{name}");
    }

    // The process says what a script has set.
    let execs = around("execs");
    assert_eq!(execs["environment"]["OPENSSL_CONF"], "/dev/null", "{execs:#}");
    assert_eq!(execs["openssl_conf"]["path"], "/dev/null", "{execs:#}");

    let own = around("own-libraries");
    for (name, value) in [
        ("LD_LIBRARY_PATH", "/opt/tls/lib"),
        ("LD_PRELOAD", "/opt/tls/lib/strict.so"),
        ("OPENSSL_CONF", "/opt/tls/openssl.cnf"),
    ] {
        assert_eq!(own["environment"][name], value, "{own:#}");
    }
    let conf = &own["openssl_conf"];
    assert_eq!(conf["settings"], serde_json::json!(["system_default.MinProtocol = TLSv1.2"]), "{own:#}");
    assert_eq!(conf["differs"][0], "OPENSSL_CONF names it in place of /usr/lib/ssl/openssl.cnf", "{own:#}");
    assert_ne!(conf["sha256"], plain["openssl_conf"]["sha256"]);
    let loaded = |library: &Value| library["path"].as_str().unwrap().to_owned();
    assert_eq!(loaded(&ran.cell("own-libraries")["provenance"]["openssl"]), "/opt/tls/lib/libssl.so.3");
    for control in ["curl", "openssl"] {
        assert!(loaded(&own["controls"][control]).starts_with("/usr/lib/"), "{own:#}");
        assert_eq!(own["controls"][control], plain["controls"][control], "{own:#}");
    }

    let lax = &around("lax")["openssl_conf"];
    let set = "system_default.CipherString = DEFAULT@SECLEVEL=0";
    assert!(lax["settings"].as_array().unwrap().contains(&set.into()), "{lax:#}");
    let differs = lax["differs"][0].as_str().unwrap();
    assert!(differs.starts_with("/etc/ssl/openssl.cnf differs from its package (openssl 3.0."), "{lax:#}");

    // All of it is told, and the limit of this engine in the run's own files alone.
    let told = ran.explained("debian-12", "own-libraries") + &ran.explained("debian-12", "lax");
    for text in
        ["LD_PRELOAD=/opt/tls/lib/strict.so", "in place of /usr/lib/ssl/openssl.cnf", set, differs, "curl: 3.0."]
    {
        assert!(told.contains(text), "{text}: {told}");
    }
    let committed = fs::read_to_string(ran.folder.join("out/matrix.json")).unwrap();
    assert!(!committed.contains("nofile"), "{committed}");
    let runs = fs::read_dir(ran.folder.join("out/runs")).unwrap();
    let journal = runs.map(|entry| entry.unwrap().path().join("journal.jsonl")).find(|path| path.is_file()).unwrap();
    let journal = fs::read_to_string(journal).unwrap();
    assert!(journal.contains("\"nofile\":\""), "{journal:.2000}");
}

#[test]
fn an_image_is_told_whether_it_comes_up_as_it_is_delivered() {
    let folder = "RUN install -d -o trafficserver /run/trafficserver";
    let images = [
        Ready::of("apt", "CMD [\"traffic_server\"]"),
        Ready::of("mended", format!("{folder}\nCMD [\"traffic_server\"]")),
        Ready::of("other-user", "USER nobody\nCMD [\"traffic_server\"]"),
        Ready::of("no-command", "ENTRYPOINT []"),
        Ready::of("shell", "CMD [\"bash\"]"),
        Ready::of("nowhere", "ENTRYPOINT [\"/no/such/entrypoint\"]"),
        Ready::of("idle", format!("{folder}\nCMD [\"sleep\", \"60\"]")),
    ];
    let ran = Ran::trying("image-starts,tls-remote-origin", "debian-12/9.2.9", "debian-12", "9.2.9", &images);
    let said = String::from_utf8_lossy(&ran.output.stderr);
    for (name, outcome, text) in [
        ("apt", "fail", "make that folder in the image"),
        ("mended", "pass", "an answer to a request"),
        ("other-user", "fail", "exit code"),
        ("no-command", "unsupported", "no ENTRYPOINT and no CMD"),
        ("shell", "unsupported", "a shell (bash)"),
        ("nowhere", "fail", "correct the ENTRYPOINT or CMD"),
        ("idle", "fail", "no such process within 15 s"),
    ] {
        let cell = ran.cell(name);
        assert_eq!(ran.outcome(name, "image-starts"), outcome, "{name}: {cell:#}\n{said}");
        assert_eq!(ran.outcome(name, "tls-remote-origin"), "pass", "{name}: {cell:#}\n{said}");
        assert!(cell.to_string().contains(text), "{name}: {cell:#}\n{said}");
    }
}

#[test]
fn traffic_server_is_found_wherever_the_image_says() {
    let moved = |to: &str| format!("RUN mkdir -p {to} && mv /usr/bin/traffic_server {to}/traffic_server");
    let script = "#!/bin/sh\nset -e\nexec /data/own/bin/traffic_server \"$@\"\n";
    let images = [
        Ready::of("opt-bin", moved("/opt/bin")),
        Ready::of("on-path", format!("{}\nENV PATH=/data/own/bin:$PATH", moved("/data/own/bin"))),
        Ready::of("in-command", format!("{}\nCMD [\"/data/own/bin/traffic_server\"]", moved("/data/own/bin"))),
        Ready::of(
            "in-script",
            format!("{}\nCOPY entrypoint /entrypoint\nENTRYPOINT [\"/entrypoint\"]", moved("/data/own/bin")),
        )
        .with("entrypoint", script),
        Ready::of("linked", format!("{} && ln -s /data/own/bin/traffic_server /usr/bin/", moved("/data/own/bin"))),
        Ready::of("no-shell", "VOLUME /etc/trafficserver\nRUN rm -f /bin/sh /bin/bash /bin/dash /usr/bin/sh"),
        Ready::of("lost", moved("/data/own/bin")),
    ];
    let ran = Ran::trying("tls-remote-origin", "debian-12/9.2.9", "debian-12", "9.2.9", &images);
    let said = String::from_utf8_lossy(&ran.output.stderr);
    for name in ran.names.iter().filter(|name| **name != "lost") {
        assert_eq!(ran.cell(name)["verdict"], "pass", "{name}: {:#}\n{said}", ran.cell(name));
    }
    let lost = ran.cell("lost").to_string();
    assert!(lost.contains("on its PATH") && lost.contains("`binary`"), "{lost}");
}

#[test]
fn an_8_1_without_error_pages_is_alive() {
    let ran = Ran::of("debian-11/8.1", "debian-11", "8.1.11", &[restored(), owned()]);
    let said = String::from_utf8_lossy(&ran.output.stderr);
    for name in &ran.names {
        let cell = ran.cell(name);
        assert_eq!(cell["verdict"], "pass", "{name}: {cell:#}\n{said}");
        assert_eq!(ran.outcome(name, "load-reload"), "pass", "{name}");
    }
}
