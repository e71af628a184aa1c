//! Merges what several results recorded.

use std::collections::BTreeSet;

use crate::model::{BehaviourRecords, CellBehaviour, CellId};

/// The records of all `parts` of the cells in `wanted`. Where they differ about a trial, nothing is known of it: neither is more
/// right. The order of the parts does not matter.
pub fn merged(parts: &[BehaviourRecords], wanted: &BTreeSet<CellId>) -> BehaviourRecords {
    let mut all = BehaviourRecords::new();
    for id in wanted {
        let of_cell: Vec<&CellBehaviour> = parts.iter().filter_map(|records| records.get(id)).collect();
        let trials: BTreeSet<&String> = of_cell.iter().flat_map(|cell| cell.keys()).collect();
        let agreed = |trial: &String| {
            let mut claims = of_cell.iter().filter_map(|cell| cell.get(trial));
            let first = claims.next()?;
            claims.all(|other| other == first).then(|| (trial.clone(), first.clone()))
        };
        let cell: CellBehaviour = trials.into_iter().filter_map(agreed).collect();
        if !cell.is_empty() {
            all.insert(id.clone(), cell);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BehaviourPart, TrialBehaviour};

    fn records(cell: &str, trial: &str, group: &str) -> BehaviourRecords {
        let aspects = [("group".to_owned(), group.to_owned())].into();
        let behaviour = TrialBehaviour([(BehaviourPart::Tls, aspects)].into());
        [(cell.parse().unwrap(), [(trial.to_owned(), behaviour)].into())].into()
    }

    #[test]
    fn what_parts_agree_on_is_kept() {
        let (one, other) = (records("debian-13/9.2.9", "a", "X25519"), records("debian-13/9.2.9", "b", "X25519"));
        let cells: BTreeSet<CellId> = one.keys().cloned().collect();
        let both = merged(&[one.clone(), other.clone(), one.clone()], &cells);
        assert_eq!(both[&"debian-13/9.2.9".parse::<CellId>().unwrap()].len(), 2);
        assert_eq!(both, merged(&[other, one.clone()], &cells));
        let contrary = records("debian-13/9.2.9", "a", "P-256");
        assert!(merged(&[one.clone(), contrary], &cells).is_empty());
        assert!(merged(&[one], &BTreeSet::new()).is_empty(), "a cell that is not in the result");
    }
}
