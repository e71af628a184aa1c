//! Plugins: those that an image has not got, and settings that they are given.

use std::collections::BTreeSet;

use super::{Checking, Gravity};
use crate::ats::settings::{PackagedPlugins, guard, packaged};
use crate::ats::site::FileLine;

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

/// Every plugin by the first place that uses it, with the number of further ones.
fn used<'a>(checking: &Checking<'a>) -> Vec<(&'a str, &'a FileLine, usize)> {
    let folder = checking.input.folder;
    let of_rules = folder.rules.iter().flat_map(|rule| rule.plugins.iter().map(|it| (it.name.as_str(), &rule.at)));
    let mut found: Vec<(&str, &FileLine, usize)> = Vec::new();
    for (name, at) in of_rules.chain(folder.plugins.iter().map(|line| (line.name.as_str(), &line.at))) {
        match found.iter_mut().find(|(known, ..)| *known == name) {
            Some((_, _, more)) => *more += 1,
            None => found.push((name, at, 0)),
        }
    }
    found
}

fn missing(checking: &mut Checking<'_>) {
    let packages = packages(checking);
    if packages.is_empty() {
        return;
    }
    for (name, at, more) in used(checking) {
        // One with a path of its own comes from elsewhere.
        let lacks: Vec<&str> = packages.iter().filter(|it| !it.names.contains(&name)).map(|it| it.distro).collect();
        if name.contains('/') || lacks.is_empty() {
            continue;
        }
        let lines = if more == 0 { String::new() } else { format!(", and in {more} more lines") };
        let distros: BTreeSet<&str> = lacks.into_iter().collect();
        let distros: Vec<&str> = distros.into_iter().collect();
        let what = format!("{name} is not among the plugins of ATS {} on {}{lines}", checking.target.version, distros.join(", "));
        let todo = "ATS does not start without it: install the package that has it, or your own build of it";
        checking.find(Gravity::Breaks, "missing-plugin", at.clone(), what).todo(todo);
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
                let what = format!("conf_remap sets {name}, which ATS {} does not know", checking.target.version);
                let opens = guard(name).filter(|_| !matches!(value, "0" | "DISABLED" | "NONE"));
                let what = opens.map_or(what.clone(), |opens| format!("{what}: {opens}"));
                let todo = "write the name that this version has, or take it out";
                checking.find(Gravity::Breaks, "unknown-setting", rule.at.clone(), what).todo(todo);
            }
        }
    }
}
