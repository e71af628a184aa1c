//! What changes for the folder from one version to the other.

use super::{Certainty, Checking, ConfigFinding, Gravity};
use crate::ats::settings::{Applies, CHANGES, Changed};
use crate::ats::site::FileLine;
use crate::model::Version;

/// The changes on the way from one version to the other; none on the way back, for which nobody has written them.
pub(super) fn between(from: &Checking<'_>, to: &Checking<'_>) -> Vec<ConfigFinding> {
    let (old, new) = (&from.target.version, &to.target.version);
    let crossed = |change: &&Changed| change.since.parse::<Version>().is_ok_and(|since| *old < since && since <= *new);
    let mut findings: Vec<ConfigFinding> =
        CHANGES.iter().filter(crossed).filter_map(|change| finding(from, to, change)).collect();
    findings.extend(types(from, to));
    findings.extend(defaults(from, to));
    findings
}

/// What a finding about both versions rests on.
fn certainty(from: &Checking<'_>, to: &Checking<'_>, source: Option<&str>) -> Certainty {
    if source.is_some() { Certainty::Documented } else { from.certainty().max(to.certainty()) }
}

fn finding(from: &Checking<'_>, to: &Checking<'_>, change: &Changed) -> Option<ConfigFinding> {
    let (at, what) = place(from, to, &change.applies, change.what)?;
    Some(ConfigFinding {
        gravity: Gravity::Changed,
        kind: "changed",
        at,
        column: 0,
        certainty: certainty(from, to, change.source),
        versions: vec![from.target.name.clone(), to.target.name.clone()],
        what: format!("{what} (since {})", change.since),
        todo: change.todo.to_owned(),
        source: change.source,
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
        Applies::Is(name, value) => {
            let is = from.value(name).as_deref() == Some(*value);
            let at = set(name).map_or_else(|| super::whole(from.records_file()), |record| record.at.clone());
            is.then(|| (at, format!("{name}: {what}")))
        }
        Applies::Default(name) => {
            let is_set = folder.records.iter().any(|record| record.name == *name);
            let default = |checking: &Checking<'_>| checking.table.get(name).and_then(|known| known.default);
            let (old, new) = (default(from), default(to));
            let at = super::whole(from.records_file());
            let change = format!("its default goes from {} to {}", old.unwrap_or("none"), new.unwrap_or("none"));
            (!is_set && old != new).then(|| (at, format!("{name} is not set, and {change}: {what}")))
        }
        Applies::RuleWithPlugin => {
            rules(folder.rules.iter().filter(|rule| !rule.plugins.is_empty()).map(|rule| &rule.at).collect())
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
    }
}

/// Settings of the folder whose type is another.
fn types(from: &Checking<'_>, to: &Checking<'_>) -> Vec<ConfigFinding> {
    let file = from.records_file();
    let own = from.input.folder.records.iter().filter(|record| record.at.file == file);
    let finding = |record: &crate::ats::site::RecordLine| {
        let (old, new) = (from.table.get(&record.name)?, to.table.get(&record.name)?);
        if old.kind == new.kind {
            return None;
        }
        let what =
            format!("{} is {} in {} and {} in {}", record.name, old.kind, from.target.name, new.kind, to.target.name);
        Some(ConfigFinding {
            gravity: Gravity::Changed,
            kind: "changed-type",
            at: record.at.clone(),
            column: 0,
            certainty: certainty(from, to, None),
            versions: vec![from.target.name.clone(), to.target.name.clone()],
            what,
            todo: "write it as the new version has it, together with the upgrade".into(),
            source: None,
        })
    };
    own.filter_map(finding).collect()
}

/// Settings whose defaults name ATS itself, its folders or its build.
const OWN: &[&str] = &["_str", ".filename", "_dir", "proxy.config.proxy_name", "storage_filename", ".scale"];

/// Further settings that the folder leaves at a default that differs.
fn defaults(from: &Checking<'_>, to: &Checking<'_>) -> Option<ConfigFinding> {
    let told = |name: &str| CHANGES.iter().any(|it| matches!(it.applies, Applies::Default(known) if known == name));
    let set = |name: &str| from.input.folder.records.iter().any(|record| record.name == name);
    let differs =
        |name: &str| from.table.get(name).zip(to.table.get(name)).is_some_and(|(old, new)| old.default != new.default);
    let names: Vec<&str> = from
        .table
        .names()
        .filter(|name| differs(name) && !set(name) && !told(name))
        .filter(|name| !OWN.iter().any(|end| name.ends_with(end)))
        .collect();
    (!names.is_empty()).then(|| ConfigFinding {
        gravity: Gravity::Note,
        kind: "changed-default",
        at: super::whole(from.records_file()),
        column: 0,
        certainty: certainty(from, to, None),
        versions: vec![from.target.name.clone(), to.target.name.clone()],
        what: format!("defaults that differ too: {}", names.join(", ")),
        todo: "set those that matter to you".into(),
        source: None,
    })
}
