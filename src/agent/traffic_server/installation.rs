//! The ATS of an image: where its programs are, its version and its layout. Only `traffic_server` itself must exist. If
//! something else is missing, only the trials that need it are left out.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::search;
use crate::agent::program::{self, Forged};
use crate::ats::layout::{Layout, LayoutError};
use crate::ats::{Dialect, Reported, config};

/// An ATS as found in the image.
#[derive(Debug)]
pub(in crate::agent) struct Installation {
    pub(in crate::agent) binary: PathBuf,
    pub(in crate::agent) layout: Layout,
    /// As `traffic_server -V` reports it.
    pub(in crate::agent) version: String,
    pub(in crate::agent) dialect: Dialect,
}

impl Installation {
    /// Takes the path that the plan states, or else [searches](search), with the `command` of the image as a clue.
    pub(in crate::agent) async fn find(stated: Option<&str>, command: &[String]) -> anyhow::Result<Self> {
        let binary = match stated {
            Some(path) => PathBuf::from(path),
            None => search::binary(command)?,
        };
        let output = program::output(program::in_image(&binary).arg("-V")).await;
        let output = output.map_err(|error| if is_refused(&error) { error.context(REFUSED) } else { error })?;
        // A script around it, or the loader, may print other lines; the one with the version is recognised.
        let printed = output.stdout + "\n" + &output.stderr;
        let reported = Reported::parse(&printed)
            .with_context(|| format!("{} -V printed no version: {printed:.200}", binary.display()))?;
        let version = reported.text.clone();
        let dialect =
            reported.dialect().with_context(|| format!("ATS {version} is not supported (8.1, 9 and 10 are)"))?;
        let layout = layout(&binary).await?;
        Ok(Self { binary, layout, version, dialect })
    }

    /// The path of another program of this ATS. If it does not exist, where it should be.
    pub(in crate::agent) fn program(&self, name: &str) -> PathBuf {
        let beside = self.binary.with_file_name(name);
        let in_layout = Path::new(&self.layout.bindir).join(name);
        let mut places = companions(&self.binary, name).into_iter().chain([in_layout]);
        places.find(|path| path.is_file()).unwrap_or(beside)
    }

    /// The directory of error pages of the ATS in `root`.
    pub(in crate::agent) fn error_pages(&self, root: &Path) -> String {
        format!("{}/{}", self.layout.private_root(&root.display().to_string()).sysconfdir, config::ERROR_PAGES)
    }

    /// The directory of the disk cache of the ATS in `root`.
    pub(in crate::agent) fn cache(&self, root: &Path) -> String {
        self.layout.private_root(&root.display().to_string()).cachedir
    }

    /// What this image lacks for a reload, as a sentence.
    pub(in crate::agent) fn missing_for_reload(&self) -> Option<String> {
        let manager = (self.dialect < Dialect::V10).then_some("traffic_manager");
        let missing = manager.into_iter().chain(["traffic_ctl"]).find(|name| !self.program(name).is_file())?;
        Some(format!("this image has no {missing}"))
    }

    /// Whether the program is a script of the image. A script may be the reason why ATS does not start.
    pub(in crate::agent) fn is_script(&self) -> bool {
        let mut begin = [0; 2];
        let read = std::fs::File::open(&self.binary).and_then(|mut file| file.read_exact(&mut begin));
        read.is_ok() && begin == *b"#!"
    }
}

/// Why the kernel may refuse to start a program, and what to do.
const REFUSED: &str = "in a cell a program may have no capability but the one for low ports: if this one has more (see `getcap`), \
                       remove them in an image for tests (`setcap -r`); if it is not executable, change its mode";

/// Whether the kernel refused to start a program.
fn is_refused(error: &anyhow::Error) -> bool {
    let denied = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::PermissionDenied;
    error.chain().any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(denied))
}

/// The layout of the ATS with this program: as its `traffic_layout` prints it, else derived from the path of the
/// program.
async fn layout(binary: &Path) -> anyhow::Result<Layout> {
    let programs = companions(binary, "traffic_layout").into_iter().filter(|path| path.is_file());
    let mut invalid = None;
    for program in programs {
        for arguments in [["info", "--json"].as_slice(), &["--json"], &["--layout", "--json"]] {
            match program::output(program::in_image(&program).args(arguments)).await {
                Ok(output) => match Layout::parse(&output.stdout) {
                    Ok(layout) => return Ok(layout),
                    Err(LayoutError::NotJson(_)) => {}
                    Err(error) => invalid = Some(format!("{} does not report the layout: {error}", program.display())),
                },
                Err(error) if error.is::<Forged>() => return Err(error),
                Err(_) => {}
            }
        }
    }
    match invalid {
        Some(text) => Err(anyhow::anyhow!(text)),
        None => Ok(Layout::from_path(&binary.display().to_string(), |path| Path::new(path).is_dir())),
    }
}

/// Where a program that belongs to `binary` may be, most likely first: `binary` may be a wrapper or a link.
fn companions(binary: &Path, name: &str) -> Vec<PathBuf> {
    let mut places = vec![binary.with_file_name(name)];
    places.extend(std::fs::canonicalize(binary).ok().map(|real| real.with_file_name(name)));
    places.extend(search::usual().into_iter().map(|usual| usual.with_file_name(name)));
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_that_may_not_be_started_is_reported_with_the_fix() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("traffic_server");
        std::fs::write(&program, "#!/bin/sh\n").unwrap();
        let error = format!("{:#}", Installation::find(program.to_str(), &[]).await.unwrap_err());
        assert!(error.contains("setcap -r") && error.contains("cannot start"), "{error}");
    }
}
