//! Reads the user's own files: the context of a Dockerfile as Docker would send it, package files, and by [`own`] a
//! configuration of ATS.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use globset::GlobBuilder;

use super::ignore::DockerIgnore;
use super::own;
use crate::config::matrix::{LocalContent, LocalError, LocalFile, LocalFiles, LocalNeed, name_in_context, shown};

/// Most bytes of the files of a source: they are held in memory.
const MAX_BYTES: u64 = 256 << 20;

/// Where package files are in the context of a build.
pub(super) const PACKAGES: &str = "packages";

/// The files that a source needs, relative to `folder`, that of matrix.yaml.
///
/// # Errors
/// What is missing, unreadable or too large, and the key of matrix.yaml that names it.
pub fn local_files(folder: &Path, need: &LocalNeed) -> Result<LocalFiles, LocalError> {
    match need {
        LocalNeed::Dockerfile { path, context } => dockerfile(folder, path, context),
        LocalNeed::Packages(patterns) => packages(folder, patterns),
        LocalNeed::Config(path) => own::config(folder, path),
    }
}

fn dockerfile(folder: &Path, path: &str, context: &str) -> Result<LocalFiles, LocalError> {
    let text = regular_file(&folder.join(path)).map_err(|error| unreadable("path", path, &error))?;
    let root = folder.join(context);
    let ignore = ignore(&root, &folder.join(format!("{path}.dockerignore")))?;
    let mut found = ContextFiles { ignore, entries: BTreeMap::new(), left: MAX_BYTES };
    found.folder(&root, "").map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => {
            let message = format!("the context {} holds more than {} MiB", shown(context), MAX_BYTES >> 20);
            LocalError::new("context", message, "name a smaller folder, or leave files out by a .dockerignore in it")
        }
        _ => unreadable("context", context, &error),
    })?;
    // Docker sends it even if .dockerignore leaves it out.
    found.entries.insert(name_in_context(path, context), LocalFile { mode: 0o644, content: LocalContent::Bytes(text) });
    Ok(LocalFiles::new(found.entries))
}

/// The patterns of the Dockerfile's own file, or else of the context's.
fn ignore(root: &Path, of_dockerfile: &Path) -> Result<DockerIgnore, LocalError> {
    for file in [of_dockerfile, &root.join(".dockerignore")] {
        match fs::read_to_string(file) {
            Ok(text) => {
                return DockerIgnore::parse(&text).map_err(|pattern| {
                    let message = format!("{} has an invalid pattern: {}", file.display(), shown(&pattern));
                    LocalError::new("context", message, "")
                });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable("context", &file.display().to_string(), &error)),
        }
    }
    Ok(DockerIgnore::default())
}

/// What a context holds so far.
struct ContextFiles {
    ignore: DockerIgnore,
    entries: BTreeMap<String, LocalFile>,
    left: u64,
}

impl ContextFiles {
    fn folder(&mut self, folder: &Path, prefix: &str) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().into_string();
            let name = name.map_err(|name| io::Error::other(format!("{} is no UTF-8", Path::new(&name).display())))?;
            let path = format!("{prefix}{name}");
            let excluded = self.ignore.excludes(&path);
            let meta = entry.metadata()?;
            let content = if meta.is_dir() {
                if excluded && self.ignore.is_final() {
                    continue;
                }
                self.folder(&entry.path(), &format!("{path}/"))?;
                LocalContent::Folder
            } else if excluded {
                continue;
            } else if meta.is_symlink() {
                let target = fs::read_link(entry.path())?;
                LocalContent::Link(target.to_string_lossy().into_owned())
            } else if meta.is_file() {
                self.left = self.left.checked_sub(meta.len()).ok_or(io::ErrorKind::FileTooLarge)?;
                let named = |error: io::Error| io::Error::new(error.kind(), format!("{path}: {error}"));
                LocalContent::Bytes(fs::read(entry.path()).map_err(named)?)
            } else {
                // Docker leaves out sockets too.
                continue;
            };
            if !excluded {
                let mode = meta.permissions().mode() & 0o7777;
                self.entries.insert(path, LocalFile { mode, content });
            }
        }
        Ok(())
    }
}

fn packages(folder: &Path, patterns: &[String]) -> Result<LocalFiles, LocalError> {
    let mut entries = BTreeMap::new();
    let mut left = MAX_BYTES;
    for (i, pattern) in patterns.iter().enumerate() {
        let wrong = |message: String, help: &str| LocalError::new("files", message, help).at(i);
        let (under, name) = pattern.rsplit_once('/').unwrap_or(("", pattern));
        let glob = GlobBuilder::new(name).build().map_err(|error| wrong(error.to_string(), ""))?.compile_matcher();
        let unreadable = |error: io::Error| unreadable("files", pattern, &error).at(i);
        let mut matched = false;
        for entry in fs::read_dir(folder.join(under)).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if !glob.is_match(&name) {
                continue;
            }
            matched = true;
            let bytes = regular_file(&entry.path()).map_err(unreadable)?;
            left = left.checked_sub(bytes.len() as u64).ok_or_else(|| {
                wrong(format!("these files hold more than {} MiB", MAX_BYTES >> 20), "name fewer of them")
            })?;
            let file = LocalFile { mode: 0o644, content: LocalContent::Bytes(bytes) };
            if entries.insert(format!("{PACKAGES}/{name}"), file.clone()).is_some_and(|other| other != file) {
                return Err(wrong(format!("two different files have the name {}", shown(&name)), "rename one of them"));
            }
        }
        if !matched {
            return Err(wrong(
                format!("no file matches {}", shown(pattern)),
                "build the packages first, or correct it",
            ));
        }
    }
    Ok(LocalFiles::new(entries))
}

/// Reads a file, but no pipe or device, which might never end.
fn regular_file(path: &Path) -> io::Result<Vec<u8>> {
    let meta = fs::metadata(path)?;
    if !meta.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if meta.len() > MAX_BYTES {
        return Err(io::Error::other(format!("it is larger than {} MiB", MAX_BYTES >> 20)));
    }
    fs::read(path)
}

fn unreadable(key: &'static str, path: &str, error: &io::Error) -> LocalError {
    match error.kind() {
        io::ErrorKind::NotFound => {
            let message = format!("{} does not exist", shown(path));
            LocalError::new(key, message, "paths are relative to the folder of matrix.yaml")
        }
        _ => LocalError::new(key, format!("cannot read {}: {error}", shown(path)), ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::matrix::Matrix;
    use crate::config::plan::{Plan, Selection, Work};

    fn write(folder: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    fn yaml(source: &str) -> String {
        format!(
            "version: 1\ndistros:\n  debian-12: {{ family: debian, image: x, args: {{ APT_PACKAGES: y }} }}\nats:\n  \
             own:\n    version: \"9.2.5\"\n    sources:\n      - on: [\"*\"]\n        {source}\n"
        )
    }

    fn plan(folder: &Path, source: &str) -> Result<Plan, String> {
        let matrix = Matrix::parse("m", &yaml(source)).map_err(|found| found[0].to_string())?;
        let matrix = matrix.with_local_files(|need| local_files(folder, need)).map_err(|found| found[0].to_string())?;
        let recipes = super::super::recipes(Path::new("/nowhere")).unwrap();
        Plan::of(&matrix, &Selection::default(), &recipes).map_err(|error| error.to_string())
    }

    const SOURCE: &str = "dockerfile: { path: docker/Dockerfile, base_arg: BASE }";

    #[test]
    fn a_tag_changes_with_the_files_of_the_context_and_not_with_ignored_ones() {
        let dir = tempfile::tempdir().unwrap();
        let files = [
            ("docker/Dockerfile", "ARG BASE\nFROM ${BASE}\nARG LATER=1\nCOPY a /a\n"),
            ("docker/a", "1"),
            ("docker/.dockerignore", "notes\n*.md\n"),
            ("docker/notes/x", "1"),
            ("docker/x.md", "1"),
            ("beside", "1"),
        ];
        write(dir.path(), &files);
        let tag = || plan(dir.path(), SOURCE).unwrap().cells[0].tag.clone();
        let before = tag();
        assert!(before.starts_with("atsmatrix/dockerfile:"), "{before}");
        write(dir.path(), &[("docker/notes/x", "2"), ("docker/x.md", "2"), ("beside", "2")]);
        assert_eq!(tag(), before);
        for (name, text) in [("docker/a", "2"), ("docker/new", ""), ("docker/Dockerfile", "ARG BASE\nFROM $BASE\n")] {
            let before = tag();
            write(dir.path(), &[(name, text)]);
            assert_ne!(tag(), before, "{name}");
        }
        let before = tag();
        fs::set_permissions(dir.path().join("docker/a"), fs::Permissions::from_mode(0o755)).unwrap();
        assert_ne!(tag(), before);
    }

    #[test]
    fn a_dockerfile_gets_the_base_of_its_row_and_the_arguments_that_it_declares() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &[("docker/Dockerfile", "ARG FROM_IMAGE=debian:12\nFROM ${FROM_IMAGE}\nARG LATER\n")]);
        let source = "args: { LATER: \"1\" }\n        dockerfile: { path: ./docker/Dockerfile, base_arg: FROM_IMAGE, context: ., binary: /opt/x }";
        let plan = plan(dir.path(), source).unwrap();
        let step = plan.steps().iter().find(|step| step.tag == plan.cells[0].tag).unwrap();
        let Work::Local { recipe, args, files } = &step.work else { panic!("{step:?}") };
        assert_eq!(recipe.path(), "docker/Dockerfile");
        assert_eq!(files.entries().keys().collect::<Vec<_>>(), ["docker", "docker/Dockerfile"]);
        let base = &step.parents[0];
        assert!(base.starts_with("atsmatrix/base:"), "{base}");
        assert_eq!(args, &BTreeMap::from([("FROM_IMAGE".into(), base.clone()), ("LATER".into(), "1".into())]));
        assert_eq!(plan.cells[0].binary.as_deref(), Some("/opt/x"));
        assert_eq!(plan.cells[0].origin, "built here by docker/Dockerfile");
        assert_eq!(
            crate::decide::explain::by_hand::image(&plan, &plan.cells[0]).unwrap(),
            "BASE=${BASE:-x}\ndocker build --tag ats-by-hand --build-arg FROM_IMAGE=\"$BASE\" --build-arg LATER='1' --file \
             docker/Dockerfile .\n"
        );
    }

    #[test]
    fn mistakes_have_positions() {
        let dir = tempfile::tempdir().unwrap();
        write(
            dir.path(),
            &[("Dockerfile", "FROM debian\n"), ("other/D", "ARG BASE\nFROM $BASE\n"), ("dist/a.deb", "")],
        );
        let refused = |source: &str| plan(dir.path(), source).unwrap_err();
        for (source, error) in [
            (
                SOURCE,
                "m:9:29: ats.own.sources[0].dockerfile.path: `docker/Dockerfile` does not exist; paths are relative to \
                 the folder of matrix.yaml",
            ),
            (
                "dockerfile: { path: Dockerfile, base_arg: BASE }",
                "m:9:51: ats.own.sources[0].dockerfile.base_arg: Dockerfile declares no `ARG BASE` before its first \
                 FROM; write `ARG BASE` before its `FROM ${BASE}`",
            ),
            (
                "dockerfile: { path: other/D, base_arg: BASE, context: none }",
                "m:9:63: ats.own.sources[0].dockerfile.context: `none` does not exist; paths are relative to the folder \
                 of matrix.yaml",
            ),
            (
                "dockerfile: { path: ../Dockerfile, base_arg: BASE }",
                "m:9:29: ats.own.sources[0].dockerfile.path: `../Dockerfile` is not a valid path; write it relative to \
                 the folder of matrix.yaml, without ..",
            ),
            (
                "dockerfile: { path: other/D, base_arg: BASE }\n        args: { LATTER: x }",
                "m:10:17: ats.own.sources[0].args.LATTER: other/D has no argument `LATTER`; expected `BASE`",
            ),
            (
                "deb: { files: [dist/a.deb, dist/b*.deb] }",
                "m:9:36: ats.own.sources[0].deb.files[1]: no file matches `dist/b*.deb`; build the packages first, or \
                 correct it",
            ),
            (
                "rpm: { files: [dist/a.rpm] }",
                "m:9:9: ats.own.sources[0].rpm: debian-12 is of the family debian, which has no rpm packages; leave \
                 debian-12 out of `on`",
            ),
            (
                "deb: { files: [dist/a.rpm] }",
                "m:9:24: ats.own.sources[0].deb.files[0]: `dist/a.rpm` is not a valid path of package files relative to \
                 matrix.yaml; write it like dist/trafficserver_*.deb",
            ),
        ] {
            assert_eq!(refused(source), error, "{source}");
        }
        assert!(refused("dockerfile: { path: x }").contains("`base_arg` is missing"));
    }

    #[test]
    fn package_files_are_installed_by_a_recipe_of_ours() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &[("dist/ats_1.deb", "1"), ("dist/ats-dev_1.deb", "2"), ("dist/x.changes", "")]);
        let of = |source: &str| plan(dir.path(), source).unwrap();
        let all = of("deb: { files: [\"dist/*.deb\"] }");
        let step = all.steps().iter().find(|step| step.tag == all.cells[0].tag).unwrap();
        let Work::Local { recipe, args, files } = &step.work else { panic!("{step:?}") };
        assert_eq!((recipe.path().as_str(), args["FAMILY"].as_str()), ("local/Containerfile", "debian"));
        assert_eq!(files.entries().keys().collect::<Vec<_>>(), ["packages/ats-dev_1.deb", "packages/ats_1.deb"]);
        let one = of("deb: { files: [dist/ats_1.deb] }");
        assert_ne!(one.cells[0].tag, all.cells[0].tag);
        write(dir.path(), &[("dist/ats_1.deb", "3")]);
        assert_ne!(of("deb: { files: [dist/ats_1.deb] }").cells[0].tag, one.cells[0].tag);
    }

    #[test]
    fn the_example_is_a_valid_matrix_with_its_files() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/own-recipe");
        let text = fs::read_to_string(folder.join("matrix.yaml")).unwrap();
        let matrix = Matrix::parse("m", &text).unwrap_or_else(|found| panic!("{found:#?}"));
        let matrix = matrix.with_local_files(|need| local_files(&folder, need)).unwrap();
        let plan = Plan::of(&matrix, &Selection::default(), &super::super::recipes(&folder).unwrap()).unwrap();
        assert_eq!(plan.cells.len(), 2);
        let Some(Work::Local { files, .. }) =
            plan.steps().iter().map(|step| &step.work).find(|work| matches!(work, Work::Local { .. }))
        else {
            panic!("{plan:#?}")
        };
        assert_eq!(files.entries().keys().collect::<Vec<_>>(), [".dockerignore", "Dockerfile", "records.config"]);
    }

    #[test]
    fn a_context_keeps_links_folders_and_modes() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &[("D", "ARG B\nFROM $B\n"), ("c/run.sh", "x"), ("c/skip/keep", "x"), ("c/skip/drop", "x")]);
        write(dir.path(), &[("D.dockerignore", "skip/*\n!skip/keep\n")]);
        fs::set_permissions(dir.path().join("c/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(dir.path().join("c/empty")).unwrap();
        std::os::unix::fs::symlink("run.sh", dir.path().join("c/link")).unwrap();
        let plan = plan(dir.path(), "dockerfile: { path: D, base_arg: B, context: c }").unwrap();
        let step = plan.steps().iter().find(|step| step.tag == plan.cells[0].tag).unwrap();
        let Work::Local { recipe, files, .. } = &step.work else { panic!("{step:?}") };
        let bytes = super::super::context::local_tar(recipe, files, &BTreeMap::new()).unwrap();
        let mut archive = tar::Archive::new(&bytes[..]);
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let (path, header) = (entry.path().unwrap().display().to_string(), entry.header());
            let link = entry.link_name().unwrap().map(|to| format!(" -> {}", to.display())).unwrap_or_default();
            let mode = if path == "run.sh" { header.mode().unwrap() } else { 0 };
            format!("{path}{link} {mode:o}")
        });
        assert_eq!(
            entries.collect::<Vec<_>>(),
            [".atsmatrix.Dockerfile 0", "empty/ 0", "link -> run.sh 0", "run.sh 755", "skip/ 0", "skip/keep 0"]
        );
        assert_eq!(recipe.path(), ".atsmatrix.Dockerfile");
    }
}
