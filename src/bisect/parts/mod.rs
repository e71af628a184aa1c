//! The differences of two cells as parts that can be swapped one by one, and the settings of a cell that swap a set of
//! them. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::search::{ImageSide, Parts};
use crate::distro::config_files::FixedGroup;
use crate::distro::loader::{MissingSymbol, is_loader};
use crate::model::{Fate, Inventory, Mapped, SWAP_FOLDER, Suspect, Swap};

/// Folder of an image with the libraries of the other image.
pub const LAYER: &str = "/atsmatrix-bisect/lib";

/// Libraries that belong together although their sonames do not show it, because they use each other's private symbols
/// and versions. Others belong together if they come from one source package.
const FAMILIES: &[(&str, &[&str])] = &[
    ("openssl", &["libssl.", "libcrypto."]),
    (
        "glibc",
        &[
            "ld-linux",
            "ld64.",
            "libBrokenLocale.",
            "libanl.",
            "libc.so",
            "libdl.",
            "libm.",
            "libmvec.",
            "libnsl.",
            "libnss_",
            "libpthread.",
            "libresolv.",
            "librt.",
            "libthread_db.",
            "libutil.",
        ],
    ),
    ("gcc runtime", &["libstdc++.", "libgcc_s.", "libatomic.", "libgomp.", "libquadmath."]),
];

/// One part in which the two cells differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistroPart {
    /// Its name in tables and sentences.
    pub name: String,
    /// Its sonames, files or settings.
    pub members: Vec<String>,
    /// Its version in the good cell.
    pub good: String,
    /// Its version in the bad cell.
    pub bad: String,
    /// How it is swapped.
    pub kind: PartKind,
}

/// How a part is swapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartKind {
    /// Shared libraries of the process.
    Libraries,
    /// `openssl.cnf` and what it includes.
    Openssl,
    /// The image's ATS configuration.
    Configuration,
    /// Environment variables of the process.
    Locale,
    /// Kernel settings of the container.
    Sysctls,
    /// Files of a [`FixedGroup`], in place.
    Fixed,
}

/// The keys that pairs of libraries share, and the pairs: good and bad.
type LibraryGroup<'a> = (BTreeSet<String>, Vec<(&'a Mapped, &'a Mapped)>);

/// All differences of two cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CellDifferences {
    /// The parts, libraries first.
    pub parts: Vec<DistroPart>,
    /// How many of `parts` are libraries.
    pub libraries: usize,
    /// What is the same in both cells, for the table of suspects.
    pub same: Vec<Suspect>,
    /// Libraries without a counterpart, and other notes.
    pub notes: Vec<String>,
}

/// The settings of a cell for an experiment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swapped {
    /// For the ATS process.
    pub swap: Swap,
    /// For the container.
    pub sysctls: BTreeMap<String, String>,
    /// Files to put into the image, by path.
    pub fixed: BTreeMap<String, String>,
}

impl CellDifferences {
    /// The differences of two cells.
    pub fn between(good: &Inventory, bad: &Inventory) -> Self {
        let mut differences = Self::default();
        differences.libraries(good, bad);
        differences.libraries = differences.parts.len();
        differences.others(good, bad);
        if good.binary != bad.binary {
            let note = "the two cells run different builds of traffic_server, and each keeps its own: the answer below \
                        is about the bad cell's build";
            differences.notes.push(note.to_owned());
        }
        differences
    }

    fn libraries(&mut self, good: &Inventory, bad: &Inventory) {
        let theirs = |mapped: &&Mapped| !mapped.own;
        let of_bad: BTreeMap<&str, &Mapped> =
            bad.libraries.iter().filter(theirs).map(|mapped| (mapped.soname.as_str(), mapped)).collect();
        let of_good: BTreeMap<&str, &Mapped> =
            good.libraries.iter().filter(theirs).map(|mapped| (mapped.soname.as_str(), mapped)).collect();
        let pairs = || of_good.iter().filter_map(|(soname, good)| Some((*soname, *good, *of_bad.get(soname)?)));
        let same: Vec<String> =
            pairs().filter(|(_, a, b)| a.sha256 == b.sha256).map(|(soname, ..)| soname.to_owned()).collect();
        if !same.is_empty() {
            self.same("libraries that are identical in both", same);
        }
        let mut groups: Vec<LibraryGroup<'_>> = Vec::new();
        for (soname, a, b) in pairs().filter(|(_, a, b)| a.sha256 != b.sha256) {
            let mut merged = (keys(soname, a, b), vec![(a, b)]);
            let (joined, apart): (Vec<_>, Vec<_>) =
                groups.into_iter().partition(|(keys, _)| !keys.is_disjoint(&merged.0));
            groups = apart;
            for (keys, members) in joined {
                merged.0.extend(keys);
                merged.1.extend(members);
            }
            groups.push(merged);
        }
        for (keys, mut members) in groups {
            members.sort_by_key(|(a, _)| &a.soname);
            let family = FAMILIES.iter().find(|(name, _)| keys.contains(*name)).map(|(name, _)| (*name).to_owned());
            self.parts.push(DistroPart {
                name: family.or_else(|| keys.into_iter().next()).unwrap_or_default(),
                good: versions(members.iter().map(|(good, _)| *good)),
                bad: versions(members.iter().map(|(_, bad)| *bad)),
                members: members.into_iter().map(|(good, _)| good.soname.clone()).collect(),
                kind: PartKind::Libraries,
            });
        }
        self.parts.sort_by(|a, b| a.name.cmp(&b.name));
        for (side, these, those) in [("good", &of_good, &of_bad), ("bad", &of_bad, &of_good)] {
            let only: Vec<&str> = these.keys().filter(|soname| !those.contains_key(*soname)).copied().collect();
            if !only.is_empty() {
                let only = only.join(", ");
                self.notes.push(format!(
                    "only the {side} cell has {only}: they are swapped with the libraries that need them"
                ));
            }
        }
    }

    fn others(&mut self, good: &Inventory, bad: &Inventory) {
        let text = |inventory: &Inventory, name: &str| inventory.files.get(name).cloned().unwrap_or_default();
        let (a, b) = (text(good, "openssl.cnf"), text(bad, "openssl.cnf"));
        self.other(PartKind::Openssl, "openssl.cnf", vec!["openssl.cnf".to_owned()], &a, &b);
        for group in FixedGroup::ALL {
            let files: Vec<String> = group.files().map(str::to_owned).collect();
            let whole = |inventory| files.iter().map(|path| text(inventory, path)).collect::<Vec<_>>().join("\n");
            let (a, b) = (whole(good), whole(bad));
            self.other(PartKind::Fixed, group.name(), files, a.trim(), b.trim());
        }
        let config = |inventory: &Inventory| {
            inventory.config.iter().fold(String::new(), |all, (name, text)| all + "# " + name + "\n" + text)
        };
        self.other(PartKind::Configuration, "ATS's default configuration", Vec::new(), &config(good), &config(bad));
        let lines = |map: &BTreeMap<String, String>| {
            map.iter().fold(String::new(), |all, (name, value)| all + name + "=" + value + "\n")
        };
        let names = good.locale.keys().chain(bad.locale.keys()).cloned().collect::<BTreeSet<_>>();
        self.other(PartKind::Locale, "locale", names.into_iter().collect(), &lines(&good.locale), &lines(&bad.locale));
        let keys = sysctls(good, bad);
        let values = |side| keys.iter().fold(String::new(), |all, key| all + key + " = " + setting(side, key) + "\n");
        self.other(PartKind::Sysctls, "kernel settings", keys.clone(), &values(good), &values(bad));
    }

    /// Adds a suspect that is a text on either side.
    fn other(&mut self, kind: PartKind, name: &str, members: Vec<String>, good: &str, bad: &str) {
        if good == bad {
            self.same(name, members);
            return;
        }
        let summary = |ours: &str, theirs: &str| {
            let more: Vec<&str> = ours.lines().filter(|line| !theirs.lines().any(|other| other == *line)).collect();
            match more.as_slice() {
                [] if ours.is_empty() => "nothing".to_owned(),
                [] => "a part of the same".to_owned(),
                [line] => (*line).to_owned(),
                [line, ..] => format!("{line} and {} more lines", more.len() - 1),
            }
        };
        let (good, bad) = (summary(good, bad), summary(bad, good));
        self.parts.push(DistroPart { name: name.to_owned(), members, good, bad, kind });
    }

    fn same(&mut self, name: &str, members: Vec<String>) {
        let (name, fate) = (name.to_owned(), Fate::Same);
        self.same.push(Suspect { name, members, good: String::new(), bad: String::new(), fate });
    }

    /// The names of a set of parts, in order.
    pub fn names(&self, set: &Parts) -> Vec<String> {
        set.iter().filter_map(|part| self.parts.get(*part)).map(|part| part.name.clone()).collect()
    }

    /// The parts to swap as well, given what was `missing` when `swapped` were: the part of the provider, or if that is
    /// swapped already, the part that needed it.
    pub fn needs(&self, missing: &[MissingSymbol], swapped: &Parts, good: &Inventory, bad: &Inventory) -> Parts {
        let of = |file: &str| {
            let mapped = good.libraries.iter().chain(&bad.libraries);
            let sonames: Vec<&str> = mapped
                .filter(|mapped| mapped.soname == file || mapped.path.rsplit('/').next() == Some(file))
                .map(|mapped| mapped.soname.as_str())
                .collect();
            self.parts.iter().position(|part| part.members.iter().any(|member| sonames.contains(&member.as_str())))
        };
        let need = |missing: &MissingSymbol| {
            let fresh = |part: &usize| !swapped.contains(part);
            of(&missing.provider).filter(fresh).or_else(|| of(&missing.needed_by).filter(fresh))
        };
        missing.iter().filter_map(need).collect()
    }

    /// The settings of a cell of the image `at` that take the parts `set` from the other side.
    pub fn swapped(&self, set: &Parts, at: ImageSide, good: &Inventory, bad: &Inventory) -> Swapped {
        let (here, from) = match at {
            ImageSide::Good => (good, bad),
            ImageSide::Bad => (bad, good),
        };
        let mut swapped = Swapped::default();
        for part in set.iter().filter_map(|part| self.parts.get(*part)) {
            match part.kind {
                PartKind::Libraries => {
                    let taken = from.libraries.iter().filter(|mapped| part.members.contains(&mapped.soname));
                    for mapped in taken {
                        let path = layered(mapped);
                        if is_loader(&mapped.soname) {
                            swapped.swap.loader = Some(path.clone());
                        }
                        swapped.swap.libraries.insert(mapped.soname.clone(), path);
                    }
                }
                PartKind::Openssl => {
                    let text = from.files.get("openssl.cnf").cloned().unwrap_or_default();
                    swapped.swap.files.insert("openssl.cnf".to_owned(), text);
                    let path = format!("{SWAP_FOLDER}/openssl.cnf");
                    swapped.swap.environment.insert("OPENSSL_CONF".to_owned(), Some(path));
                }
                PartKind::Configuration => swapped.swap.config.clone_from(&from.config),
                PartKind::Locale => {
                    let unset = here.locale.keys().map(|name| (name.clone(), None));
                    let set = from.locale.iter().map(|(name, value)| (name.clone(), Some(value.clone())));
                    swapped.swap.environment.extend(unset.chain(set));
                }
                PartKind::Sysctls => {
                    let keys = part.members.iter();
                    swapped.sysctls.extend(keys.map(|key| (key.clone(), setting(from, key).to_owned())));
                    swapped.sysctls.retain(|_, value| !value.is_empty());
                }
                PartKind::Fixed => {
                    let text = |path: &String| from.files.get(path).cloned().unwrap_or_default();
                    swapped.fixed.extend(part.members.iter().map(|path| (path.clone(), text(path))));
                }
            }
        }
        if !swapped.swap.libraries.is_empty() {
            // Nothing here needs what only the other side has, but its libraries may.
            let known: BTreeSet<&str> = here.libraries.iter().map(|mapped| mapped.soname.as_str()).collect();
            let only = from.libraries.iter().filter(|mapped| !mapped.own && !known.contains(mapped.soname.as_str()));
            swapped.swap.libraries.extend(only.map(|mapped| (mapped.soname.clone(), layered(mapped))));
        }
        swapped
    }

    /// What went wrong with the swap, by the libraries that the process had mapped; `None`: nothing.
    pub fn mistaken(&self, set: &Parts, found: &Inventory) -> Option<String> {
        // Several lives of ATS may have mapped a library: all of them count.
        let mapped = |soname: &str, wanted: bool| {
            let mut mapped = found.libraries.iter().filter(|mapped| mapped.soname == soname);
            mapped.any(|mapped| mapped.path.starts_with(LAYER) == wanted)
        };
        let libraries = self.parts.iter().enumerate().filter(|(_, part)| part.kind == PartKind::Libraries);
        for (place, part) in libraries {
            let meant = set.contains(&place);
            if let Some(soname) = part.members.iter().find(|soname| mapped(soname, !meant)) {
                let how = if meant { "did not load" } else { "loaded" };
                return Some(format!("the process {how} {soname} from the other image"));
            }
        }
        None
    }
}

/// The libraries of `from` that an image with the inventory `to` needs in its layer: those that differ or are missing
/// there.
pub fn layer(from: &Inventory, to: &Inventory) -> Vec<String> {
    let same = |mapped: &Mapped| {
        to.libraries.iter().any(|other| other.soname == mapped.soname && other.sha256 == mapped.sha256)
    };
    let mut names = BTreeSet::new();
    let wanted = from.libraries.iter().filter(|mapped| !mapped.own && !same(mapped) && plain(&mapped.path));
    wanted.filter(|mapped| names.insert(layered(mapped))).map(|mapped| mapped.path.clone()).collect()
}

/// The path of a library of the other image in the layer.
fn layered(mapped: &Mapped) -> String {
    format!("{LAYER}/{}", mapped.path.rsplit('/').next().unwrap_or_default())
}

/// Whether a path needs no quoting in a build recipe.
fn plain(path: &str) -> bool {
    path.starts_with('/') && path.chars().all(|c| c.is_ascii_alphanumeric() || "/._+-".contains(c))
}

/// The keys that a library shares with those that belong to it.
fn keys(soname: &str, good: &Mapped, bad: &Mapped) -> BTreeSet<String> {
    let family = FAMILIES.iter().find(|(_, starts)| starts.iter().any(|start| soname.starts_with(start)));
    if let Some((name, _)) = family {
        return BTreeSet::from([(*name).to_owned()]);
    }
    let sources: BTreeSet<String> = [good, bad].into_iter().filter_map(|mapped| mapped.source.clone()).collect();
    if sources.is_empty() { BTreeSet::from([soname.to_owned()]) } else { sources }
}

/// Digits shown of a digest.
const DIGITS: usize = 12;

/// The versions of libraries: their own if known, with the package; else the package; else the digest of the file.
fn versions<'a>(members: impl Iterator<Item = &'a Mapped> + Clone) -> String {
    let own = members.clone().find_map(|mapped| mapped.version.clone());
    let mut packages: Vec<&str> = Vec::new();
    for package in members.clone().filter_map(|mapped| mapped.package.as_deref()) {
        if !packages.contains(&package) {
            packages.push(package);
        }
    }
    match (own, packages.is_empty()) {
        (Some(version), true) => version,
        (Some(version), false) => format!("{version} ({})", packages.join(", ")),
        (None, false) => packages.join(", "),
        (None, true) => {
            let hashes: Vec<&str> = members.map(|mapped| mapped.sha256.get(..DIGITS).unwrap_or_default()).collect();
            format!("sha256 {}", hashes.join(", "))
        }
    }
}

/// Kernel settings that differ, as they are or as the distros' sysctl.d would set them.
fn sysctls(good: &Inventory, bad: &Inventory) -> Vec<String> {
    let keys = [&good.sysctls, &bad.sysctls, &good.wanted_sysctls, &bad.wanted_sysctls];
    let keys: BTreeSet<&String> = keys.into_iter().flat_map(BTreeMap::keys).collect();
    keys.into_iter().filter(|key| setting(good, key) != setting(bad, key)).cloned().collect()
}

/// The value of a kernel setting on a host of this distro.
fn setting<'a>(inventory: &'a Inventory, key: &str) -> &'a str {
    inventory.wanted_sysctls.get(key).or_else(|| inventory.sysctls.get(key)).map_or("", String::as_str)
}

#[cfg(test)]
mod tests;
