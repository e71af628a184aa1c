//! The record of an upgrade in place, which the recipe `upgrade` writes into the image (`images/README.md`).

use crate::model::DistroUpgrade;

/// Where the recipe writes it.
pub const RECORD: &str = "/usr/share/atsmatrix/upgrade";

/// Most names that are kept of one kind. An upgrade of an image changes a few hundred packages.
const MAX_NAMES: usize = 2000;

/// Reads the record; `None` if it does not say from which release the upgrade was.
pub fn record(text: &str) -> Option<DistroUpgrade> {
    let mut upgrade = DistroUpgrade::default();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["from", release @ ..] => release.join(" ").trim_end().clone_into(&mut upgrade.from),
            ["changed", name, before, after] => {
                upgrade.changed += 1;
                keep(&mut upgrade.packages, &format!("{name} {before} -> {after}"));
            }
            ["added", name, after] => {
                upgrade.added += 1;
                keep(&mut upgrade.packages, &format!("{name} none -> {after}"));
            }
            ["removed", name, before] => {
                keep(&mut upgrade.removed, name);
                keep(&mut upgrade.packages, &format!("{name} {before} -> none"));
            }
            ["conffile", path @ ..] => keep(&mut upgrade.conffiles, &path.join(" ")),
            _ => {}
        }
    }
    (!upgrade.from.is_empty()).then_some(upgrade)
}

fn keep(names: &mut Vec<String>, name: &str) {
    if names.len() < MAX_NAMES {
        names.push(name.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_gives_the_packages_and_the_files_of_an_upgrade() {
        let text = "from debian 12\nchanged libc6 2.36-9 2.41-12\nadded libssl3t64 3.5.1-1\nremoved libssl3 3.0.17-1\n\
                    conffile /etc/trafficserver/a file.dpkg-dist\nsomething new\n";
        let upgrade = record(text).unwrap();
        assert_eq!((upgrade.changed, upgrade.added, upgrade.removed.len()), (1, 1, 1));
        assert_eq!(
            upgrade.packages,
            ["libc6 2.36-9 -> 2.41-12", "libssl3t64 none -> 3.5.1-1", "libssl3 3.0.17-1 -> none"]
        );
        assert_eq!(
            upgrade.to_string(),
            "from debian 12: 1 packages changed, 1 added, 1 removed (libssl3); new configuration beside the kept: \
             /etc/trafficserver/a file.dpkg-dist"
        );
        assert_eq!(record(""), None);
        assert_eq!(record("from debian \n").unwrap().from, "debian", "testing has no version");
    }
}
