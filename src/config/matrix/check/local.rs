//! Checks the sources that are made from the user's own files. Whether these are there is found out when they are read.

use super::super::diagnostic::Path;
use super::super::local::{DockerfileEntry, LocalPackagesEntry};
use super::super::source::{Dockerfile, LocalPackages, PackageFormat, SourceKind};
use super::{Checker, values};

impl Checker<'_> {
    pub(super) fn dockerfile(&mut self, path: &Path, entry: DockerfileEntry) -> SourceKind {
        let help = "write it relative to the folder of matrix.yaml, without ..";
        let file = self.text(&path.key("path"), &entry.path, values::is_member, "path", help);
        let file = tidy(&file);
        let context = match entry.context {
            Some(context) => tidy(&self.text(&path.key("context"), &context, values::is_member, "path", help)),
            None => file.rsplit_once('/').map_or_else(String::new, |(folder, _)| folder.to_owned()),
        };
        let help = "write the name of the build argument in its FROM, like BASE";
        let base_arg =
            self.text(&path.key("base_arg"), &entry.base_arg, values::is_variable, "name of a build argument", help);
        let binary = self.binary(path, entry.binary);
        SourceKind::Dockerfile(Dockerfile { path: file, context, base_arg, binary })
    }

    pub(super) fn local_packages(
        &mut self,
        path: &Path,
        entry: LocalPackagesEntry,
        format: PackageFormat,
    ) -> SourceKind {
        let (is_good, help): (fn(&str) -> bool, _) = match format {
            PackageFormat::Deb => {
                (|text| values::is_package_file(text, ".deb"), "write it like dist/trafficserver_*.deb")
            }
            PackageFormat::Rpm => {
                (|text| values::is_package_file(text, ".rpm"), "write it like dist/trafficserver-*.rpm")
            }
        };
        let at = path.key("files");
        let files = entry.files.iter().enumerate().map(|(i, file)| {
            let what = "path of package files relative to matrix.yaml";
            tidy(&self.text(&at.index(i), file, is_good, what, help))
        });
        let files = files.collect();
        let binary = self.binary(path, entry.binary);
        SourceKind::Local(LocalPackages { format, files, binary })
    }

    /// The folder of a configuration of the user's own.
    pub(super) fn config_folder(&mut self, path: &Path, folder: &str) -> String {
        let help = "write it relative to the folder of matrix.yaml, without ..";
        tidy(&self.text(path, folder, values::is_member, "path", help))
    }

    /// The path of `traffic_server` in an image.
    pub(super) fn binary(&mut self, path: &Path, binary: Option<String>) -> Option<String> {
        let help = "write it like /opt/ats/bin/traffic_server";
        binary.map(|it| self.text(&path.key("binary"), &it, values::is_absolute_path, "absolute path", help))
    }
}

/// A path without what changes nothing: `./docker//x/` is `docker/x`.
fn tidy(path: &str) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.collect::<Vec<_>>().join("/")
}
