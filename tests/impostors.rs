//! Ready images that are not what they are taken for, for real: one of another distro than its row, and a
//! `traffic_server` that testifies for itself. Needs a container engine, the docker program and a static busybox.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its images or read its run has failed")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use atsmatrix::config::matrix::Matrix;
use atsmatrix::config::plan::{Plan, Selection};
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with a matrix.yaml of its own beside the recipes of this repository.
fn folder(name: &str, yaml: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("impostors").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("matrix.yaml"), yaml).unwrap();
    std::os::unix::fs::symlink(root().join("images"), folder.join("images")).unwrap();
    folder
}

/// Builds the image `tag` out of `files`; removed when this is dropped.
struct Image(String);

impl Image {
    fn build(tag: &str, folder: &Path, containerfile: &str, files: &[(&str, &str)]) -> Self {
        let context = folder.join(tag.replace([':', '/'], "-"));
        std::fs::create_dir_all(&context).unwrap();
        std::fs::write(context.join("Dockerfile"), containerfile).unwrap();
        std::fs::copy("/bin/busybox", context.join("busybox")).unwrap();
        for (name, text) in files {
            std::fs::write(context.join(name), text).unwrap();
            std::fs::set_permissions(context.join(name), PermissionsExt::from_mode(0o755)).unwrap();
        }
        let built = Command::new("docker").args(["build", "--quiet", "--tag", tag]).arg(&context).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Self(tag.to_owned())
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rmi", "--no-prune", &self.0]).output();
    }
}

/// Runs `arguments` in `folder`: what was said, and the cells.
fn run(folder: &Path, arguments: &[&str]) -> (Output, Vec<Value>) {
    let output = Command::new(env!("CARGO_BIN_EXE_atsmatrix"))
        .args(["run", "--offline", "--trial", "tls-remote-origin", "--results", "out"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let bytes = std::fs::read(folder.join("out/matrix.json")).unwrap_or_else(|error| panic!("{error}: {said}"));
    let matrix: Value = serde_json::from_slice(&bytes).unwrap();
    (output, matrix["cells"].as_array().unwrap().clone())
}

#[test]
fn an_image_of_one_distro_stands_for_no_other_row_and_the_gate_cannot_tell() {
    let text = std::fs::read_to_string(root().join("matrix.yaml")).unwrap();
    let recipes = atsmatrix::builder::recipes(&root().join("images")).unwrap();
    let plan = Plan::of(&Matrix::parse("matrix.yaml", &text).unwrap(), &Selection::default(), &recipes).unwrap();
    let shipped = plan.cells.iter().find(|cell| cell.id.to_string() == "debian-12/9.2.9").unwrap();
    let tag = "atsmatrix-test/impostor:bookworm";
    let folder = folder(
        "rows",
        &format!(
            "version: 1\ndistros:\n  debian-12: {{ family: debian, image: x }}\n  debian-13: {{ family: debian, image: x }}\n\
             ats:\n  \"9.2.9\":\n    sources:\n      - on: [\"*\"]\n        image: {{ reference: \"{tag}\" }}\n"
        ),
    );
    let _image = Image::build(tag, &folder, &format!("FROM {}\nLABEL own=1\n", shipped.tag), &[]);
    let (output, cells) = run(&folder, &[]);
    let verdicts: Vec<_> = cells.iter().map(|cell| (cell["id"].as_str().unwrap(), cell["verdict"].as_str())).collect();
    assert_eq!(verdicts, [("debian-12/9.2.9", Some("pass")), ("debian-13/9.2.9", Some("error"))], "{cells:#?}");
    let reason = cells[1]["reason"].as_str().unwrap();
    assert!(
        reason.contains("the row debian-13 is debian 13") && reason.contains("says debian 12 bookworm"),
        "{reason}"
    );
    assert_eq!(output.status.code(), Some(4), "{reason}");
    let gate = Command::new(env!("CARGO_BIN_EXE_atsmatrix"))
        .args(["gate", "--from", "debian-12", "--to", "debian-13", "--ats", "9.2.9", "--results", "out"])
        .current_dir(&folder)
        .output()
        .unwrap();
    let answer = String::from_utf8_lossy(&gate.stdout);
    assert_eq!(gate.status.code(), Some(4), "{answer}");
    assert!(answer.contains("the row debian-13 is debian 13"), "{answer}");
}

/// A line of evidence, as an agent would write it before it is sealed.
const FORGED: &str = r#"{"began":{"trial":"tls-remote-origin"}}"#;

/// A `traffic_server`: a shell script that answers for its version, and forges as told.
struct Impostor {
    name: &'static str,
    /// Run when it is asked for its version.
    asked: String,
    /// Run in place of the server.
    serves: String,
    /// What the cell's reason has to say.
    says: &'static str,
}

fn impostors() -> Vec<Impostor> {
    const TAMPERED: &str = "evidence was tampered with";
    let forge = |places: &str| {
        format!("for at in {places}; do (echo '{FORGED}' >>$at; echo '\"end\"' >>$at) 2>/dev/null; done; true")
    };
    let of = |name, asked: String, serves: &str, says| Impostor { name, asked, serves: serves.to_owned(), says };
    // A line that is like a sealed one, with a MAC of its own.
    let mac = "0".repeat(64);
    let again = "head -n 2 </proc/1/fd/1 >/run/atsmatrix/l; cat /run/atsmatrix/l /run/atsmatrix/l >/proc/1/fd/1";
    vec![
        of("init-stdout", forge("/proc/1/fd/1"), "sleep 600", TAMPERED),
        of("own-stdout", forge("/dev/stdout"), "sleep 600", TAMPERED),
        of("own-stderr", format!("echo '{FORGED}' >&2"), "sleep 600", TAMPERED),
        of("every-descriptor", forge("/proc/[0-9]*/fd/* /proc/[0-9]*/task/*/fd/*"), "sleep 600", TAMPERED),
        of("sealed", format!("echo '0 {mac} {FORGED}' >/proc/1/fd/1"), "sleep 600", TAMPERED),
        // Takes lines of the agent out of the pipe, and says them again.
        // Takes lines of the agent out of the pipe, and says them again: they are missing, or there twice.
        of("again", format!("({again}) & sleep 1"), "sleep 600", ""),
        of("as-server", "true".into(), &format!("echo '{FORGED}'; sleep 600"), TAMPERED),
        of("as-server-to-init", "true".into(), &format!("{}; sleep 600", forge("/proc/1/fd/1")), TAMPERED),
        // Nothing of the agent's own is open: it would say what it could read in place of its version.
        of(
            "spy",
            "found=$(for at in /proc/$PPID/fd/* /proc/$PPID/environ /proc/$PPID/mem /proc/$PPID/maps; do \
               (exec 3<$at) 2>/dev/null && echo $at; done; (env; cat /proc/self/fd/0) | grep ATSMATRIX); \
             [ -n \"$found\" ] && { echo OPENED $found; exit 0; }"
                .into(),
            "sleep 600",
            "does not report the layout",
        ),
        of(
            "kills",
            "kill -KILL $PPID; sleep 5".into(),
            "sleep 600",
            "ended with code 137 before its evidence was complete",
        ),
    ]
}

#[test]
fn a_traffic_server_that_testifies_for_itself_is_in_error_by_whatever_way_it_comes() {
    let impostors = impostors();
    let tag = |name: &str| format!("atsmatrix-test/impostor:{name}");
    let column = |impostor: &Impostor| {
        format!(
            "  {}:\n    version: \"9.2.9\"\n    sources: [{{ on: [\"*\"], image: {{ reference: \"{}\" }} }}]\n",
            impostor.name,
            tag(impostor.name)
        )
    };
    let columns: String = impostors.iter().map(column).collect();
    let folder = folder(
        "forgers",
        &format!("version: 1\ndistros:\n  debian-12: {{ family: debian, image: x }}\nats:\n{columns}"),
    );
    let base = tag("base");
    let recipe = "FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]\n\
        COPY os-release /etc/os-release\n";
    let _base = Image::build(&base, &folder, recipe, &[("os-release", "ID=debian\nVERSION_ID=\"12\"\n")]);
    let recipe = format!("FROM {base}\nCOPY traffic_server traffic_layout /usr/bin/\n");
    let build = |Impostor { name, asked, serves, .. }: &Impostor| {
        let script =
            format!("#!/bin/sh\ncase \"$1\" in -V) {asked}; echo 'Traffic Server 9.2.9'; exit 0;; esac\n{serves}\n");
        // The spy has shown by then what it could open.
        let layout = if *name == "spy" { "#!/bin/sh\necho '{}'\n".to_owned() } else { layout() };
        let files = [("traffic_server", script.as_str()), ("traffic_layout", layout.as_str())];
        Image::build(&tag(name), &folder, &recipe, &files)
    };
    let images: Vec<Image> = impostors.iter().map(build).collect();
    let (output, cells) = run(&folder, &["--jobs", "4"]);
    drop(images);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert_eq!(cells.len(), impostors.len());
    for (cell, impostor) in cells.iter().zip(&impostors) {
        let (name, reason) = (impostor.name, cell["reason"].as_str().unwrap_or_default());
        assert_eq!(cell["verdict"], "error", "{name}: {cell:#}");
        assert!(reason.contains(impostor.says), "{name}: {reason}");
        assert!(!reason.contains("OPENED"), "{name}: {reason}");
        let passing = cell["trials"].as_array().unwrap().iter().filter(|trial| trial["outcome"] == "pass").count();
        assert!(impostor.says != "evidence was tampered with" || passing == 0, "{name}: {cell:#}");
    }
}

/// What `traffic_layout info --json` prints.
fn layout() -> String {
    let names =
        ["PREFIX", "BINDIR", "SYSCONFDIR", "DATADIR", "LIBDIR", "PLUGINDIR", "RUNTIMEDIR", "LOGDIR", "CACHEDIR"];
    let fields: Vec<String> = names.iter().map(|name| format!("\"{name}\": \"/opt/ats\"")).collect();
    format!("#!/bin/sh\necho '{{ {} }}'\n", fields.join(", "))
}
