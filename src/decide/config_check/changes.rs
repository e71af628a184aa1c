//! What changes for the folder from one version to the other.

use super::{Checking, ConfigFinding, Gravity};
use crate::ats::settings::{Applies, CHANGES, Changed};
use crate::ats::site::FileLine;
use crate::model::Version;

/// The changes on the way from one version to the other; none on the way back, for which nobody has written them.
pub(super) fn between(from: &Checking<'_>, to: &Checking<'_>) -> Vec<ConfigFinding> {
    let (old, new) = (&from.target.version, &to.target.version);
    let crossed = |change: &&Changed| {
        change.since.parse::<Version>().is_ok_and(|since| *old < since && since <= *new)
    };
    let mut findings: Vec<ConfigFinding> =
        CHANGES.iter().filter(crossed).filter_map(|change| finding(from, to, change)).collect();
    findings.extend(types(from, to));
    findings
}

fn finding(from: &Checking<'_>, to: &Checking<'_>, change: &Changed) -> Option<ConfigFinding> {
    let (at, what) = place(from, to, &change.applies, change.what)?;
    Some(ConfigFinding {
        gravity: if change.breaks { Gravity::Breaks } else { Gravity::Changed },
        kind: "changed",
        at,
        versions: vec![from.target.name.clone(), to.target.name.clone()],
        what: format!("{what} (since {})", change.since),
        todo: change.todo.to_owned(),
        source: Some(change.source),
    })
}

/// The first place that a change is about, and what to say of it.
fn place(from: &Checking<'_>, to: &Checking<'_>, applies: &Applies, what: &str) -> Option<(FileLine, String)> {
    let folder = from.input.folder;
    let set = |name: &str| folder.record(from.records_file(), name);
    let rules = |places: Vec<&FileLine>| {
        let first = (*places.first()?).clone();
        let more = places.len() - 1;
        Some((first, if more == 0 { what.to_owned() } else { format!("{what}; and {more} more such lines") }))
    };
    match applies {
        Applies::Sets(names) => {
            let record = names.iter().find_map(|name| set(name))?;
            Some((record.at.clone(), format!("{}: {what}", record.name)))
        }
        Applies::Default(name) => {
            let is_set = folder.records.iter().any(|record| record.name == *name);
            let differs = from.table.get(name).map(|known| known.default) != to.table.get(name).map(|known| known.default);
            (!is_set && differs).then(|| (super::whole(from.records_file()), format!("{name} is not set: {what}")))
        }
        Applies::RuleWithPlugin => {
            rules(folder.rules.iter().filter(|rule| !rule.plugins.is_empty()).map(|rule| &rule.at).collect())
        }
        Applies::Plugin(names) => rules(uses(from, |name, _| names.contains(&name))),
        Applies::Param(plugin, begin) => {
            let has = |params: &[String]| params.iter().any(|param| param.starts_with(begin));
            rules(uses(from, |name, params| name == *plugin && has(params)))
                .map(|(at, what)| (at, format!("{plugin} {begin}: {what}")))
        }
        Applies::RuleWithFilters => {
            let own = |options: &[String]| {
                options.iter().any(|it| ["src_ip=", "method=", "action="].iter().any(|begin| it.starts_with(begin)))
            };
            let both = folder.rules.iter().filter(|rule| !rule.filters.is_empty() && own(&rule.options));
            rules(both.map(|rule| &rule.at).collect())
        }
        Applies::TlsPort => {
            let ports = set("proxy.config.http.server_ports")?;
            let tls = |port: &&str| {
                let mut options = port.split(':');
                options.any(|option| option == "ssl") && !port.contains("proto")
            };
            ports.value.split([' ', ',', ';']).find(tls).map(|port| (ports.at.clone(), format!("port {port}: {what}")))
        }
        Applies::NameKey(key) => {
            rules(folder.names.iter().filter_map(|name| name.key(key)).map(|key| &key.at).collect())
                .map(|(at, what)| (at, format!("{key}: {what}")))
        }
    }
}

/// Lines that use a plugin that `fits`, by its file name and parameters.
fn uses<'a>(checking: &Checking<'a>, fits: impl Fn(&str, &[String]) -> bool) -> Vec<&'a FileLine> {
    let folder = checking.input.folder;
    let rules = folder.rules.iter().filter(|rule| rule.plugins.iter().any(|it| fits(it.file_name(), &it.params)));
    let lines = folder.plugins.iter().filter(|line| fits(line.file_name(), &line.params));
    rules.map(|rule| &rule.at).chain(lines.map(|line| &line.at)).collect()
}

/// Settings of the folder whose type or permitted values are others.
fn types(from: &Checking<'_>, to: &Checking<'_>) -> Vec<ConfigFinding> {
    let file = from.records_file();
    let own = from.input.folder.records.iter().filter(|record| record.at.file == file);
    let finding = |record: &crate::ats::site::RecordLine| {
        let (old, new) = (from.table.get(&record.name)?, to.table.get(&record.name)?);
        let bad = old.check(&record.value).is_ok() && new.check(&record.value).is_err();
        let what = if old.kind != new.kind {
            format!("{} is {} in {} and {} in {}", record.name, old.kind, from.target.name, new.kind, to.target.name)
        } else if bad {
            format!("{} takes {} in {} and not in {}", record.name, record.value, from.target.name, to.target.name)
        } else {
            return None;
        };
        Some(ConfigFinding {
            gravity: Gravity::Breaks,
            kind: "changed-type",
            at: record.at.clone(),
            versions: vec![from.target.name.clone(), to.target.name.clone()],
            what,
            todo: "write it as the new version has it, together with the upgrade".into(),
            source: None,
        })
    };
    own.filter_map(finding).collect()
}
