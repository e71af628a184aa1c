//! What other packages ran than in the results of before.

use std::collections::BTreeMap;

use super::provenance::{Fact, Field, provenance};
use crate::model::{CellResult, MatrixResult};

/// Where cells of `after` ran another ATS or another OpenSSL than `before` has of them, one line each. A row that takes
/// its packages as the distro has them is about what was there on the day: a change of it has to be seen.
pub fn moved(before: &MatrixResult, after: &[CellResult]) -> Vec<String> {
    let mut cells: BTreeMap<Fact, Vec<String>> = BTreeMap::new();
    for cell in after {
        let Some(known) = before.cells.iter().find(|known| known.id == cell.id) else { continue };
        for fact in provenance(&known.provenance, &cell.provenance) {
            let told = matches!(fact.field, Field::Ats | Field::AtsPackage | Field::OpensslPackage);
            if told && fact.before.is_some() && fact.after.is_some() {
                cells.entry(fact).or_default().push(cell.id.to_string());
            }
        }
    }
    let line = |(fact, cells): (Fact, Vec<String>)| {
        let side = |text: Option<String>| text.unwrap_or_default();
        let (field, cells) = (fact.field, cells.join(", "));
        format!("not what earlier results have: {field} {} -> {} in {cells}", side(fact.before), side(fact.after))
    };
    cells.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::compare::fixture::known_answers;

    #[test]
    fn another_package_is_told_once_with_its_cells_and_what_stayed_is_not() {
        let before = known_answers();
        assert_eq!(moved(&before, &before.cells), Vec::<String>::new());
        let mut after = before.cells.clone();
        let mut ids = Vec::new();
        for cell in &mut after {
            cell.provenance.kernel = Some("9.9".to_owned());
            if let Some(ats) = cell.provenance.ats.as_mut().filter(|_| ids.len() < 2) {
                ats.package = Some("trafficserver 9.2.5-2".to_owned());
                ids.push(cell.id.to_string());
            }
        }
        let expected = format!(
            "not what earlier results have: ATS package trafficserver 9.2.5-1 -> trafficserver 9.2.5-2 in {}",
            ids.join(", ")
        );
        assert_eq!(moved(&before, &after), [expected]);
    }
}
