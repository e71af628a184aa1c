//! The addresses of all containers of a run, to name the peer of a connection that does not belong to a cell.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// The names of the containers of a run by address; shared by all its cells.
#[derive(Debug, Default)]
pub struct Neighbours(Mutex<BTreeMap<IpAddr, BTreeSet<String>>>);

impl Neighbours {
    /// Records that the container `name` has this address.
    pub(super) fn insert(&self, address: IpAddr, name: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(address).or_default().insert(name);
    }

    /// Describes a peer: its address, and the containers of the run that have or had it. Engines reuse addresses.
    pub(super) fn describe(&self, address: &str) -> String {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let names = address.parse().ok().and_then(|address: IpAddr| known.get(&address));
        let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
        if names.is_empty() {
            return format!("{address}, not a container of this run");
        }
        format!("{address}, {}", names.join(" or "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_described_by_its_containers() {
        let neighbours = Neighbours::default();
        neighbours.insert([172, 18, 0, 3].into(), "the cell container of d/a".into());
        assert_eq!(neighbours.describe("172.18.0.3"), "172.18.0.3, the cell container of d/a");
        neighbours.insert([172, 18, 0, 3].into(), "the cell container of d/b".into());
        assert_eq!(
            neighbours.describe("172.18.0.3"),
            "172.18.0.3, the cell container of d/a or the cell container of d/b"
        );
        assert_eq!(neighbours.describe("172.18.0.9"), "172.18.0.9, not a container of this run");
    }
}
