//! Which container of a run has which address: whoever connects to a cell that it is not part of is named.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// The addresses of a run's containers; shared by all its cells.
#[derive(Debug, Default)]
pub struct Neighbours(Mutex<BTreeMap<IpAddr, BTreeSet<String>>>);

impl Neighbours {
    /// Notes that the container `name` has this address.
    pub(super) fn arrived(&self, address: IpAddr, name: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(address).or_default().insert(name);
    }

    /// Who that is: its address, and which container of the run has or had it. Engines give addresses anew.
    pub(super) fn name(&self, address: &str) -> String {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let names = address.parse().ok().and_then(|address: IpAddr| known.get(&address));
        let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
        if names.is_empty() {
            return format!("{address}, no container of this run");
        }
        format!("{address}, {}", names.join(" or "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_is_named_as_far_as_it_is_known() {
        let neighbours = Neighbours::default();
        neighbours.arrived([172, 18, 0, 3].into(), "the cell container of d/a".into());
        assert_eq!(neighbours.name("172.18.0.3"), "172.18.0.3, the cell container of d/a");
        neighbours.arrived([172, 18, 0, 3].into(), "the cell container of d/b".into());
        assert_eq!(neighbours.name("172.18.0.3"), "172.18.0.3, the cell container of d/a or the cell container of d/b");
        assert_eq!(neighbours.name("172.18.0.9"), "172.18.0.9, no container of this run");
    }
}
