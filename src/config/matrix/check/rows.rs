//! Checks the distros.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::super::diagnostic::Path;
use super::super::distro::Distro;
use super::super::document::{DistroEntry, OriginEntry, OriginsEntry, OsEntry};
use super::super::mirrors::Mirrors;
use super::{Axis, Checker, values};
use crate::model::{DistroId, OriginProgram, Os, Place};

/// Most rows, and most columns: a larger table is unreadable, and the checks of combinations cost the product of both.
pub(super) const MAX_LINES: usize = 100;

impl Checker<'_> {
    pub(super) fn distros(&mut self, entries: IndexMap<String, DistroEntry>) -> Vec<Distro> {
        let path = Path::default().key("distros");
        if entries.is_empty() || entries.len() > MAX_LINES {
            self.key_error(&path, format!("there are {} distros", entries.len()), format!("write 1 to {MAX_LINES}"));
            return Vec::new();
        }
        entries.into_iter().filter_map(|(name, entry)| self.distro(&path.key(&name), &name, entry)).collect()
    }

    fn distro(&mut self, path: &Path, name: &str, entry: DistroEntry) -> Option<Distro> {
        let id = name.parse().map_err(|error: crate::model::IdError| self.key_error(path, error.to_string(), "")).ok();
        let title = self.title(path, entry.title, name);
        let family =
            self.text(&path.key("family"), &entry.family, values::is_family, "folder name", "use only a-z, 0-9 and -");
        let image = entry.image.map(|image| {
            let help = "write it like docker.io/library/debian:bookworm-slim";
            self.text(&path.key("image"), &image, values::is_image, "image reference", help)
        });
        if image.is_none() && entry.bootstrap.is_none() {
            self.key_error(path, "there is no way to get its base image", "write `image`, `bootstrap`, or both");
        }
        let bootstrap = entry.bootstrap.and_then(|bootstrap| self.bootstrap(&path.key("bootstrap"), bootstrap));
        let os = entry.os.map(|os| self.os(&path.key("os"), &os)).or_else(|| Os::of_name(name));
        let openssl = entry.openssl.map(|version| {
            let help = "write a version like 3.2.1";
            self.text(&path.key("openssl"), &version, values::is_reported_version, "version", help)
        });
        self.args(path, &entry.args);
        let (optional, seen, forecast, args) = (entry.optional, entry.seen, entry.forecast, entry.args);
        Some(Distro {
            id: id?,
            title,
            family,
            image,
            bootstrap,
            os,
            openssl,
            optional,
            seen,
            forecast,
            args,
            upgrade: None,
        })
    }

    fn os(&mut self, path: &Path, entry: &OsEntry) -> Os {
        let help = "write it as in /etc/os-release, like debian, \"12\" or bookworm";
        let mut value =
            |key, text: &str| self.text(&path.key(key), text, values::is_os_value, "os-release value", help);
        Os {
            id: value("id", &entry.id),
            version: entry.version.as_deref().map(|version| value("version", version)),
            codename: entry.codename.as_deref().map(|codename| value("codename", codename)),
        }
    }

    /// The distros whose packages the separate origins come from.
    pub(super) fn origins(&mut self, entry: Option<OriginsEntry>) -> BTreeMap<Place, DistroId> {
        let mut entries = entry.unwrap_or_default();
        let mut origins = BTreeMap::new();
        for program in OriginProgram::ALL {
            let Some(OriginEntry { on }) = entries.take(program) else { continue };
            let path = Path::default().key("origins").key(program.name()).key("on");
            if !self.names.distros.contains(&on) {
                self.unknown_name(&path, &on, Axis::Distro);
            }
            origins.extend(on.parse().ok().map(|on| (Place::Beside(program), on)));
        }
        origins
    }

    /// Mirrors in the place of public hosts.
    pub(super) fn mirrors(&mut self, entries: &IndexMap<String, String>) -> Mirrors {
        let mut mirrors = Mirrors::default();
        for (from, to) in entries {
            if let Err(error) = mirrors.set(from, to) {
                self.key_error(&Path::default().key("mirrors").key(from), error, "");
            }
        }
        mirrors
    }
}
