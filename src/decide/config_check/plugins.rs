//! Plugins: those that an image has not got, and settings that they are given.

use std::collections::{BTreeMap, BTreeSet};

use super::{Checking, Gravity, LoadedPlugin};
use crate::ats::Dialect;
use crate::ats::settings::{PackagedPlugins, guard, packaged};
use crate::ats::site::ConfigFolder;

/// Most packages that a finding names.
const MAX_NAMED: usize = 4;

/// The packages that say which plugins this version has: those of the distros asked about, else all of this version.
fn packages(checking: &Checking<'_>) -> Vec<PackagedPlugins> {
    let version = &checking.target.version;
    let minor = |text: &str| text.split('.').take(2).collect::<Vec<_>>().join(".");
    let near = |package: &PackagedPlugins| minor(package.version) == minor(&version.to_string());
    let asked = &checking.target.distros;
    let of_version: Vec<PackagedPlugins> = packaged().filter(near).collect();
    let of_distros = |package: &&PackagedPlugins| asked.iter().any(|distro| distro == package.distro);
    let found: Vec<PackagedPlugins> = of_version.iter().filter(of_distros).cloned().collect();
    let exact: Vec<PackagedPlugins> =
        of_version.iter().filter(|it| it.version == version.to_string()).cloned().collect();
    [found, exact, of_version].into_iter().find(|packages| !packages.is_empty()).unwrap_or_default()
}

/// The packages that were taken, in words.
pub(super) fn package_names(checking: &Checking<'_>) -> Option<String> {
    let names: Vec<String> =
        packages(checking).iter().map(|it| format!("{} ({})", it.distro, it.version)).take(MAX_NAMED).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

pub(super) fn check(checking: &mut Checking<'_>) {
    missing(checking);
    settings(checking);
}

/// Every plugin that the folder loads, by name, with all its lines.
pub(super) fn loaded(folder: &ConfigFolder) -> Vec<LoadedPlugin> {
    let of_rules = folder.rules.iter().flat_map(|rule| rule.plugins.iter().map(|it| (it.name.as_str(), &rule.at)));
    let lines = folder.plugins.iter().map(|line| (line.name.as_str(), &line.at));
    let mut found: BTreeMap<&str, BTreeSet<_>> = BTreeMap::new();
    for (name, at) in of_rules.chain(lines) {
        found.entry(name).or_default().insert(at.clone());
    }
    let plugin = |(name, at): (&str, BTreeSet<_>)| LoadedPlugin { name: name.to_owned(), at: at.into_iter().collect() };
    found.into_iter().map(plugin).collect()
}

fn missing(checking: &mut Checking<'_>) {
    let packages = packages(checking);
    if packages.is_empty() {
        return;
    }
    for LoadedPlugin { name, at } in loaded(checking.input.folder) {
        let lacks: BTreeSet<&str> =
            packages.iter().filter(|it| !it.names.contains(&name.as_str())).map(|it| it.distro).collect();
        // One with a path of its own comes from elsewhere.
        let (Some(first), false, false) = (at.first(), name.contains('/'), lacks.is_empty()) else { continue };
        let lines = if at.len() == 1 { String::new() } else { format!(", and {} lines load it", at.len()) };
        let distros = lacks.into_iter().collect::<Vec<_>>().join(", ");
        let version = checking.target.version.to_string();
        let what = format!(
            "{name} is not among the plugins of the package of {distros}{lines}; ATS {version} does not start without it"
        );
        let todo = "install the package that has it, or your own build of it; with a build of your own, look there";
        checking.find(Gravity::Breaks, "missing-plugin", first.clone(), what).todo(todo);
    }
}

/// Settings that `conf_remap` sets for a rule.
fn settings(checking: &mut Checking<'_>) {
    let folder = checking.input.folder;
    for rule in &folder.rules {
        for plugin in rule.plugins.iter().filter(|plugin| plugin.file_name() == "conf_remap.so") {
            let pairs = plugin.params.iter().filter_map(|param| param.split_once('='));
            for (name, value) in pairs.filter(|(name, _)| name.starts_with("proxy.")) {
                if checking.table.get(name).is_some() {
                    continue;
                }
                if checking.dialect >= Dialect::V10 && checking.table.replaced(name).is_none() {
                    // ATS 10 has settings that are not known here.
                    continue;
                }
                let opens = guard(name).filter(|_| !matches!(value, "0" | "DISABLED" | "NONE"));
                let gravity = if opens.is_some() { Gravity::FailsOpen } else { Gravity::Ignored };
                let version = checking.target.version.to_string();
                let unknown = format!("conf_remap.so sets {name}, which ATS {version} does not know");
                let what = opens.map_or_else(|| unknown.clone(), |opens| format!("{unknown}: {opens}"));
                let todo = "write the name that this version has, or take it out";
                checking.find(gravity, "unknown-setting", rule.at.clone(), what).todo(todo);
            }
        }
    }
}
