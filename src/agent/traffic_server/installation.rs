//! The ATS of an image: where its programs are, which version it is, how it is laid out. Only the program itself must
//! be there: of what else is not found, nothing is known, and it takes only the trials that need it.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::agent::program::{self, Forged};
use crate::ats::layout::{Layout, LayoutError, USUAL_BINARIES};
use crate::ats::{Dialect, Reported, config};

/// An ATS as found in the image.
#[derive(Debug)]
pub(in crate::agent) struct Installation {
    pub(in crate::agent) binary: PathBuf,
    pub(in crate::agent) layout: Layout,
    /// As `traffic_server -V` says.
    pub(in crate::agent) version: String,
    pub(in crate::agent) dialect: Dialect,
}

impl Installation {
    /// Looks where the plan says, or else in the usual places.
    pub(in crate::agent) async fn find(stated: Option<&str>) -> anyhow::Result<Self> {
        let binary = match stated {
            Some(path) => PathBuf::from(path),
            None => usual_binaries()
                .into_iter()
                .find(|path| path.is_file())
                .context("no traffic_server in the usual places of this image: state `binary` in matrix.yaml")?,
        };
        let said = program::said(program::of_image(&binary).arg("-V")).await;
        let said = said.map_err(|error| if is_refused(&error) { error.context(REFUSED) } else { error })?;
        // Whatever else is printed, by a script around it or by the loader: the line of the version says itself.
        let printed = said.out + "\n" + &said.err;
        let reported = Reported::parse(&printed)
            .with_context(|| format!("{} -V says nothing like a version: {printed:.200}", binary.display()))?;
        let version = reported.text.clone();
        let dialect = reported.dialect().with_context(|| format!("ATS {version} has no dialect here (8.1, 9, 10)"))?;
        let layout = layout(&binary).await?;
        Ok(Self { binary, layout, version, dialect })
    }

    /// Another program of this ATS, where it is or, if it is nowhere, where it should be.
    pub(in crate::agent) fn program(&self, name: &str) -> PathBuf {
        let beside = self.binary.with_file_name(name);
        let told = Path::new(&self.layout.bindir).join(name);
        let mut places = companions(&self.binary, name).into_iter().chain([told]);
        places.find(|path| path.is_file()).unwrap_or(beside)
    }

    /// The directory of error pages of the ATS in `root`.
    pub(in crate::agent) fn error_pages(&self, root: &Path) -> String {
        format!("{}/{}", self.layout.private_root(&root.display().to_string()).sysconfdir, config::ERROR_PAGES)
    }

    /// What a reload takes and this image does not have.
    pub(in crate::agent) fn lacks_for_reload(&self) -> Option<String> {
        let manager = (self.dialect < Dialect::V10).then_some("traffic_manager");
        let missing = manager.into_iter().chain(["traffic_ctl"]).find(|name| !self.program(name).is_file())?;
        Some(format!("this image has no {missing}"))
    }

    /// That the program is a script of the image, if it is one: whether it starts ATS here is not ATS's doing.
    pub(in crate::agent) fn is_script(&self) -> bool {
        let mut begin = [0; 2];
        let read = std::fs::File::open(&self.binary).and_then(|mut file| file.read_exact(&mut begin));
        read.is_ok() && begin == *b"#!"
    }
}

/// What keeps a program from being started that is there.
const REFUSED: &str = "a cell grants a program no other capability than that to low ports: if this one has more (`getcap` \
                       tells), take them off in an image for tests (`setcap -r`); if it may not be executed, change its mode";

/// Whether the kernel refused to start a program.
fn is_refused(error: &anyhow::Error) -> bool {
    let of = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::PermissionDenied;
    error.chain().any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(of))
}

/// How the ATS with this program is laid out: as its `traffic_layout` says on stdout, or where there is none, or none
/// that says anything, by where the program is.
async fn layout(binary: &Path) -> anyhow::Result<Layout> {
    let tellers = companions(binary, "traffic_layout").into_iter().filter(|path| path.is_file());
    let mut refused = None;
    for teller in tellers {
        for arguments in [["info", "--json"].as_slice(), &["--json"], &["--layout", "--json"]] {
            match program::said(program::of_image(&teller).args(arguments)).await {
                Ok(said) => match Layout::parse(&said.out) {
                    Ok(layout) => return Ok(layout),
                    Err(LayoutError::NotJson(_)) => {}
                    Err(error) => refused = Some(format!("{} does not tell the layout: {error}", teller.display())),
                },
                Err(error) if error.is::<Forged>() => return Err(error),
                Err(_) => {}
            }
        }
    }
    match refused {
        Some(text) => Err(anyhow::anyhow!(text)),
        None => Ok(Layout::by_place(&binary.display().to_string(), |path| Path::new(path).is_dir())),
    }
}

/// Where a program that belongs to `binary` may be, likeliest first: a wrapper or a link lies elsewhere than it.
fn companions(binary: &Path, name: &str) -> Vec<PathBuf> {
    let mut places = vec![binary.with_file_name(name)];
    places.extend(std::fs::canonicalize(binary).ok().map(|real| real.with_file_name(name)));
    places.extend(usual_binaries().into_iter().map(|usual| usual.with_file_name(name)));
    places
}

/// The usual places of `traffic_server`, `*` filled by what is there.
fn usual_binaries() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for pattern in USUAL_BINARIES {
        let Some((before, after)) = pattern.split_once('*') else {
            found.push(PathBuf::from(pattern));
            continue;
        };
        let entries = std::fs::read_dir(before).into_iter().flatten().flatten();
        let mut matching: Vec<PathBuf> =
            entries.map(|entry| entry.path().join(after.trim_start_matches('/'))).collect();
        matching.sort();
        found.extend(matching);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_that_may_not_be_started_is_told_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("traffic_server");
        std::fs::write(&program, "#!/bin/sh\n").unwrap();
        let error = format!("{:#}", Installation::find(program.to_str()).await.unwrap_err());
        assert!(error.contains("setcap -r") && error.contains("cannot start"), "{error}");
    }
}
