//! Packages that changed since earlier results.

use std::collections::BTreeMap;

use super::provenance::{Fact, Field, provenance};
use crate::model::{CellResult, MatrixResult};

/// Cells of `after` that ran another ATS or OpenSSL than in `before`, one line for each change. A row that installs the
/// distro's current packages tests what they are on that day, so the user must see when they change.
pub fn moved(before: &MatrixResult, after: &[CellResult]) -> Vec<String> {
    let mut cells: BTreeMap<Fact, Vec<String>> = BTreeMap::new();
    for cell in after {
        let Some(known) = before.cells.iter().find(|known| known.id == cell.id) else { continue };
        for fact in provenance(&known.provenance, &cell.provenance) {
            let shown = matches!(fact.field, Field::Ats | Field::AtsPackage | Field::OpensslPackage);
            if shown && fact.before.is_some() && fact.after.is_some() {
                cells.entry(fact).or_default().push(cell.id.to_string());
            }
        }
    }
    let line = |(fact, cells): (Fact, Vec<String>)| {
        let side = |text: Option<String>| text.unwrap_or_default();
        let (field, cells) = (fact.field, cells.join(", "));
        format!("changed since earlier results: {field} {} -> {} in {cells}", side(fact.before), side(fact.after))
    };
    cells.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::compare::fixture::known_answers;

    #[test]
    fn a_changed_package_is_listed_once_with_its_cells() {
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
            "changed since earlier results: ATS package trafficserver 9.2.5-1 -> trafficserver 9.2.5-2 in {}",
            ids.join(", ")
        );
        assert_eq!(moved(&before, &after), [expected]);
    }
}
