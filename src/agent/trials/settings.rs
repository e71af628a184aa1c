//! How ATS is configured for the trials of a cell: names, remap rules, certificates, settings.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use anyhow::Context as _;

use super::{ROOT, Wanted};
use crate::agent::origin::{Unable, encrypt_key};
use crate::agent::traffic_server::{self, Ports};
use crate::ats::config::{FileRef, Map, ParentProxy, Settings, SniEntry};
use crate::model::{
    CellPlan, Identity, PARENT_NAME, Place, Record, Remap, Side, Speak, Tier, TrialPlan, added_name, front_name,
    origin_name, wild_name,
};

/// The file of the CA in [`ROOT`].
pub(super) const CA: &str = "ca.pem";

/// The key of the certificate that ATS presents to clients, and the same key encrypted.
const KEY: &str = "front.key";
const LOCKED_KEY: &str = "locked.key";

/// The certificate that replaces that one in a reload, and its key.
const RENEWED: &str = "renewed.pem";
const RENEWED_KEY: &str = "renewed.key";

/// The certificate that a parent presents to its child, and its key.
const PARENT: &str = "parent.pem";
const PARENT_KEY: &str = "parent.key";

/// The passphrase of that key, and the file from which ATS reads it.
const PASSPHRASE: &str = "not a secret";
const PASSPHRASE_FILE: &str = "passphrase";

/// A port without a listener: the target of rules that lead nowhere.
const NOWHERE: u16 = 1;

/// The addresses with which queries of ATS for an origin at `place` are answered.
pub(super) fn place(plan: &CellPlan, place: Place) -> anyhow::Result<Vec<IpAddr>> {
    let parse = |text: &str| text.parse().with_context(|| format!("`{text}` is not an address"));
    let remote = || parse(&plan.origin_ip);
    Ok(match place {
        Place::Remote => vec![remote()?],
        Place::SameHost => vec![Ipv4Addr::LOCALHOST.into()],
        Place::SameHostV6 => vec![Ipv6Addr::LOCALHOST.into()],
        Place::RemoteAndDead => vec![Ipv4Addr::LOCALHOST.into(), remote()?],
        Place::RemoteAndDeadV6 => vec![Ipv6Addr::LOCALHOST.into(), remote()?],
        Place::Beside(_) => vec![parse(plan.beside.get(&place).map_or("", String::as_str))?],
    })
}

/// The address of the origin for a client that bypasses ATS.
pub(super) fn direct(remote: IpAddr, place: Place) -> IpAddr {
    match place {
        // No control connects to other programs.
        Place::Remote | Place::RemoteAndDead | Place::RemoteAndDeadV6 | Place::Beside(_) => remote,
        Place::SameHost => Ipv4Addr::LOCALHOST.into(),
        Place::SameHostV6 => Ipv6Addr::LOCALHOST.into(),
    }
}

/// Every name that ATS may resolve.
pub(super) fn addresses(plan: &CellPlan) -> anyhow::Result<BTreeMap<String, Vec<IpAddr>>> {
    let mut names = BTreeMap::new();
    for nowhere in [traffic_server::READY_HOST, traffic_server::BARRIER_HOST] {
        names.insert(origin_name(nowhere), vec![Ipv4Addr::LOCALHOST.into()]);
    }
    if let Some(Tier::Child { parent }) = &plan.tier {
        let address = parent.parse().with_context(|| format!("`{parent}` is not an address"))?;
        names.insert(PARENT_NAME.to_owned(), vec![address]);
    }
    for trial in &plan.trials {
        for name in [origin_name(&trial.id), wild_name(&trial.id)] {
            names.insert(name, place(plan, trial.spec.place)?);
        }
    }
    Ok(names)
}

/// Writes the files that settings refer to as `{dir}`.
pub(super) fn write_certificates(identity: &Identity) -> anyhow::Result<()> {
    let files = [
        (CA, &identity.ca_pem),
        ("front.pem", &identity.front.chain_pem),
        (KEY, &identity.front.key_pem),
        (RENEWED, &identity.renewed.chain_pem),
        (RENEWED_KEY, &identity.renewed.key_pem),
        ("client.pem", &identity.client.chain_pem),
        ("client.key", &identity.client.key_pem),
        (PARENT, &identity.parent.chain_pem),
        (PARENT_KEY, &identity.parent.key_pem),
    ];
    for (name, text) in files {
        let path = Path::new(ROOT).join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Encrypts the key of the certificate that ATS presents, for trials with an encrypted key.
pub(super) async fn lock_key() -> Result<(), Unable> {
    let path = Path::new(ROOT).join(PASSPHRASE_FILE);
    std::fs::write(&path, format!("{PASSPHRASE}\n")).with_context(|| format!("cannot write {}", path.display()))?;
    encrypt_key(Path::new(ROOT), KEY, LOCKED_KEY, PASSPHRASE).await
}

fn fill(text: &str, trial: &TrialPlan, all: &[TrialPlan]) -> String {
    let origin = origin_name(&trial.id);
    let text = text.replace("{dir}", ROOT).replace("{port}", &trial.port.to_string()).replace("{origin}", &origin);
    if !text.contains("{ports}") {
        return text;
    }
    let listening = all.iter().filter(|trial| trial.spec.origin.speak != Speak::Nobody);
    let ports: Vec<String> = listening.map(|trial| trial.port.to_string()).collect();
    text.replace("{ports}", &ports.join(" "))
}

/// The settings of a trial of the plan `all`, with placeholders filled in.
pub(super) fn filled(trial: &TrialPlan, all: &[TrialPlan]) -> Vec<Record> {
    let records = trial.spec.records.iter();
    records.map(|record| Record { value: fill(&record.value, trial, all), ..record.clone() }).collect()
}

/// The settings of one life of ATS. They cover all trials of the cell, including those that do not run in it.
pub(super) fn settings(plan: &CellPlan, ports: Ports, dns_port: u16, wanted: &Wanted<'_>) -> Settings {
    let key = if wanted.locked_key { LOCKED_KEY } else { KEY };
    let own_hosts = [traffic_server::READY_HOST, traffic_server::BARRIER_HOST];
    let nowhere = own_hosts.map(|name| Map {
        from: format!("http://{}/", front_name(name)),
        to: format!("http://{}:{NOWHERE}/", origin_name(name)),
    });
    let settings = Settings {
        http_port: ports.http,
        https_port: Some(ports.tls),
        dns_port,
        ca: Some(FileRef { directory: ROOT.to_owned(), name: CA.to_owned() }),
        server_identity: Some((format!("{ROOT}/front.pem"), format!("{ROOT}/{key}"))),
        key_dialog: wanted.locked_key.then(|| format!("/bin/cat {ROOT}/{PASSPHRASE_FILE}")),
        maps: nowhere.into_iter().chain(plan.trials.iter().flat_map(|trial| maps(plan, trial))).collect(),
        sni: plan.trials.iter().flat_map(|trial| sni(plan, trial)).collect(),
        records: wanted.records.to_vec(),
        ..Settings::default()
    };
    match &plan.tier {
        None => settings,
        Some(Tier::Child { .. }) => {
            let Ports { http, tls } = Ports::of(0);
            let except = own_hosts.map(origin_name).to_vec();
            let parent = ParentProxy { host: PARENT_NAME.to_owned(), http_port: http, https_port: tls, except };
            Settings { parent: Some(parent), ..settings }
        }
        Some(Tier::Parent { child, .. }) => Settings {
            open_to: Some(child.clone().unwrap_or_default()),
            server_identity: Some((format!("{ROOT}/{PARENT}"), format!("{ROOT}/{PARENT_KEY}"))),
            maps: settings
                .maps
                .iter()
                .take(own_hosts.len())
                .cloned()
                .chain(plan.trials.iter().flat_map(passed_on))
                .collect(),
            ..settings
        },
    }
}

/// The rules of a parent: the child asks for the origins' own names, by the scheme that they speak.
fn passed_on(trial: &TrialPlan) -> [Map; 2] {
    let scheme = if trial.spec.origin.https { "https" } else { "http" };
    let host = format!("{}:{}", origin_name(&trial.id), trial.port);
    ["http", "https"].map(|from| Map { from: format!("{from}://{host}/"), to: format!("{scheme}://{host}/") })
}

fn maps(plan: &CellPlan, trial: &TrialPlan) -> Vec<Map> {
    let (front, port) = (front_name(&trial.id), trial.port);
    let scheme = if trial.spec.origin.https { "https" } else { "http" };
    let by = |host: String| -> Vec<Map> {
        let map = |from| Map { from: format!("{from}://{front}/"), to: format!("{scheme}://{host}:{port}/") };
        ["http", "https"].map(map).into()
    };
    let name = origin_name(&trial.id);
    match trial.spec.remap {
        Remap::None => Vec::new(),
        Remap::ByName => by(name),
        Remap::ByWildName => by(wild_name(&trial.id)),
        Remap::ByAddress => {
            let address = place(plan, trial.spec.place).ok().and_then(|found| found.first().copied());
            by(address.unwrap_or(Ipv4Addr::UNSPECIFIED.into()).to_string())
        }
        Remap::WebSocket => {
            let secure = if trial.spec.origin.https { "wss" } else { "ws" };
            let upgraded = Map { from: format!("ws://{front}/"), to: format!("{secure}://{name}:{port}/") };
            std::iter::once(upgraded).chain(by(name)).collect()
        }
    }
}

/// `settings` with the certificate that replaces the one for clients.
pub(super) fn renewed(settings: Settings) -> Settings {
    let identity = (format!("{ROOT}/{RENEWED}"), format!("{ROOT}/{RENEWED_KEY}"));
    Settings { server_identity: Some(identity), ..settings }
}

/// The rule that a reload adds for a trial.
pub(super) fn added_map(trial: &TrialPlan) -> Map {
    let to = format!("https://{}:{}/", origin_name(&trial.id), trial.port);
    Map { from: format!("http://{}/", added_name(&trial.id)), to }
}

fn sni(plan: &CellPlan, trial: &TrialPlan) -> impl Iterator<Item = SniEntry> {
    trial.spec.sni.iter().map(|rule| SniEntry {
        fqdn: match rule.side {
            Side::Client => front_name(&trial.id),
            Side::Origin => origin_name(&trial.id),
        },
        keys: rule.keys.iter().map(|(key, value)| (key.clone(), fill(value, trial, &plan.trials))).collect(),
    })
}

/// Whether `text` names one of the hosts of `trial`, not just a longer name that ends in it.
pub(super) fn names_trial(text: &str, trial: &str) -> bool {
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    [origin_name(trial), wild_name(trial), front_name(trial)].iter().any(|host| {
        text.match_indices(host).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + host.len()..].chars().next();
            !before.is_some_and(part_of_name) && !after.is_some_and(|c| c.is_ascii_alphanumeric())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_belongs_to_the_host_it_names() {
        let line = "connection_result=Invalid argument [22] url='https://tls-get.test:20003/'";
        assert!(names_trial(line, "tls-get"));
        assert!(!names_trial(line, "get"));
        assert!(names_trial("SNI (tls-get.t) not in certificate", "tls-get"));
    }
}
