//! Checks the Apache Traffic Servers and their sources, each on its own.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::super::diagnostic::{Path, quoted};
use super::super::document::{AtsEntry, ImageEntry, PackageEntry, PatchEntry, RebuildEntry, SourceEntry, TarballEntry};
use super::super::source::{
    Ats, Package, PackageFormat, Patch, Proof, ReadyImage, Rebuild, Source, SourceKind, Tarball,
};
use super::rows::MAX_LINES;
use super::{Axis, Checker, values};
use crate::model::IdError;

const KINDS: &str = "`tarball`, `rebuild`, `build_on`, `package`, `image`, `dockerfile`, `deb` or `rpm`";
const PROOFS: &str = "`sha256`, `signature` or `sha512_url`";

impl Checker<'_> {
    pub(super) fn columns(&mut self, entries: IndexMap<String, AtsEntry>) -> Vec<Ats> {
        let path = Path::default().key("ats");
        if entries.is_empty() || entries.len() > MAX_LINES {
            self.key_error(&path, format!("there are {} ATS", entries.len()), format!("write 1 to {MAX_LINES}"));
            return Vec::new();
        }
        entries.into_iter().filter_map(|(name, entry)| self.column(&path.key(&name), &name, entry)).collect()
    }

    fn column(&mut self, path: &Path, name: &str, entry: AtsEntry) -> Option<Ats> {
        let id = name.parse().map_err(|error: IdError| self.key_error(path, error.to_string(), "")).ok();
        let title = self.title(path, entry.title, name);
        let version = match entry.version {
            Some(version) => self.reported(&path.key("version"), &version),
            None if values::is_reported_version(name) => name.to_owned(),
            None => {
                let message = format!("the name {} does not say what `traffic_server -V` reports", quoted(name));
                self.key_error(path, message, "add `version`, for example \"9.2.5\"");
                String::new()
            }
        };
        let config = entry.config.map(|folder| self.config_folder(&path.key("config"), &folder));
        let at = path.key("sources");
        let sources =
            entry.sources.into_iter().enumerate().filter_map(|(i, source)| self.source(&at.index(i), source)).collect();
        Some(Ats { id: id?, title, version, optional: entry.optional, config, sources, upgraded: BTreeMap::new() })
    }

    fn reported(&mut self, path: &Path, version: &str) -> String {
        self.text(path, version, values::is_reported_version, "version", "write digits and dots, like \"9.2.5\"")
    }

    fn source(&mut self, path: &Path, entry: SourceEntry) -> Option<Source> {
        let on = self.globs(&path.key("on"), &entry.on, Axis::Distro);
        let reports = entry.reports.map(|version| {
            let help = "write a version like \"9.2.5\" or a range like \">=9.2.9,<9.3\"";
            self.text(&path.key("reports"), &version, values::is_reported, "version", help)
        });
        self.args(path, &entry.args);
        let config = entry.config.map(|folder| self.config_folder(&path.key("config"), &folder));
        let kinds = [
            entry.tarball.map(|tarball| self.tarball(&path.key("tarball"), tarball)),
            entry.rebuild.map(|rebuild| self.rebuild(&path.key("rebuild"), rebuild)),
            entry.build_on.map(|distro| self.build_on(&path.key("build_on"), &distro)),
            entry.package.map(|package| Some(self.package(&path.key("package"), &package))),
            entry.image.map(|image| Some(self.image(&path.key("image"), image))),
            entry.dockerfile.map(|it| Some(self.dockerfile(&path.key("dockerfile"), it))),
            entry.deb.map(|it| Some(self.local_packages(&path.key("deb"), it, PackageFormat::Deb))),
            entry.rpm.map(|it| Some(self.local_packages(&path.key("rpm"), it, PackageFormat::Rpm))),
        ];
        let mut given = kinds.into_iter().flatten();
        let kind = match (given.next(), given.next()) {
            (Some(kind), None) => kind?,
            (None, _) => {
                self.value_error(
                    path,
                    "the source does not say where the ATS comes from",
                    format!("write one of {KINDS}"),
                );
                return None;
            }
            (Some(_), Some(_)) => {
                let message = "the source has more than one kind";
                self.value_error(path, message, format!("keep one of {KINDS}"));
                return None;
            }
        };
        if matches!(kind, SourceKind::Image(_)) && !entry.args.is_empty() {
            self.key_error(&path.key("args"), "a ready image takes no build arguments", "remove `args`");
        }
        Some(Source { on, kind, reports, optional: entry.optional, seen: entry.seen, config, args: entry.args })
    }

    fn tarball(&mut self, path: &Path, entry: TarballEntry) -> Option<SourceKind> {
        let urls = self.urls(path, &entry.urls);
        let proofs = [
            entry.sha256.map(|sha256| Proof::Sha256(self.sha256(path, &sha256))),
            entry.signature.map(|signature| {
                let path = path.key("signature");
                let url = self.url(&path.key("url"), &signature.url);
                Proof::Signature { url, keys_url: self.url(&path.key("keys_url"), &signature.keys_url) }
            }),
            entry.sha512_url.map(|url| Proof::Sha512Url(self.url(&path.key("sha512_url"), &url))),
        ];
        let patches = self.patches(path, entry.patches);
        let configure = entry.configure.unwrap_or_default();
        if !configure.is_empty() {
            let help = "write options that begin with --, separated by spaces";
            self.text(&path.key("configure"), &configure, values::is_configure, "list of options", help);
        }
        let mut given = proofs.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(proof), None) => Some(SourceKind::Tarball(Tarball { urls, proof, patches, configure })),
            (None, _) => {
                self.value_error(
                    path,
                    "nothing proves that the download is authentic",
                    format!("write one of {PROOFS}"),
                );
                None
            }
            (Some(_), Some(_)) => {
                self.value_error(path, "the tarball has more than one proof", format!("keep one of {PROOFS}"));
                None
            }
        }
    }

    fn sha256(&mut self, path: &Path, text: &str) -> String {
        let help = "write the 64 lower-case hex digits that sha256sum prints";
        self.text(&path.key("sha256"), text, values::is_sha256, "SHA-256", help)
    }

    fn patches(&mut self, path: &Path, entries: Vec<PatchEntry>) -> Vec<Patch> {
        let path = path.key("patches");
        entries.into_iter().enumerate().map(|(i, entry)| self.patch(&path.index(i), entry)).collect()
    }

    fn patch(&mut self, path: &Path, entry: PatchEntry) -> Patch {
        let urls = self.urls(path, &entry.urls);
        let sha256 = self.sha256(path, &entry.sha256);
        let file = entry.file.map(|file| {
            let help = "write it relative to the top of the archive, without ..";
            self.text(&path.key("file"), &file, values::is_member, "path in an archive", help)
        });
        for (i, pattern) in entry.only.iter().enumerate() {
            let help = "write it like iocore/net/*.cc";
            self.text(&path.key("only").index(i), pattern, values::is_path_pattern, "pattern over paths", help);
        }
        Patch { urls, sha256, file, only: entry.only }
    }

    fn rebuild(&mut self, path: &Path, entry: RebuildEntry) -> Option<SourceKind> {
        let patches = self.patches(path, entry.patches);
        if !self.names.ats.contains(&entry.of) {
            self.unknown_name(&path.key("of"), &entry.of, Axis::Ats);
        }
        // An id of the wrong form is reported at its declaration.
        let of = entry.of.parse().ok()?;
        Some(SourceKind::Rebuild(Rebuild { of, patches }))
    }

    fn build_on(&mut self, path: &Path, name: &str) -> Option<SourceKind> {
        if !self.names.distros.iter().any(|known| known == name) {
            self.unknown_name(path, name, Axis::Distro);
        }
        name.parse().ok().map(SourceKind::BuildOn)
    }

    fn package(&mut self, path: &Path, entry: &PackageEntry) -> SourceKind {
        let name = self.text(
            &path.key("name"),
            &entry.name,
            values::is_package_name,
            "package name",
            "write it without spaces",
        );
        let help = "write the version as the package manager shows it, a pattern like 9.2.5+ds-*, or latest";
        let version =
            self.text(&path.key("version"), &entry.version, values::is_package_version, "package version", help);
        SourceKind::Package(Package { name, version })
    }

    fn image(&mut self, path: &Path, entry: ImageEntry) -> SourceKind {
        let help = "write it like registry.example.com/ats:prod";
        let reference = self.text(&path.key("reference"), &entry.reference, values::is_image, "image reference", help);
        let binary = self.binary(path, entry.binary);
        SourceKind::Image(ReadyImage { reference, binary })
    }
}
