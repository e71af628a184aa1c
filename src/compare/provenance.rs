//! What changed in what ran. Knows none of the fields' meanings.

use serde::Serialize;

use crate::model::Provenance;
pub use crate::model::ProvenanceField as Field;

/// Something about what ran that is not the same on both sides. Texts are as found in containers:
/// hostile until escaped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Fact {
    /// Which.
    pub field: Field,
    /// Before; `None`: it was not known.
    pub before: Option<String>,
    /// After; `None`: it is not known.
    pub after: Option<String>,
}

/// Everything that differs between `before` and `after`, in the order of [`Field`].
pub fn provenance(before: &Provenance, after: &Provenance) -> Vec<Fact> {
    let pairs = before.facts().into_iter().zip(after.facts());
    pairs
        .filter(|(before, after)| before.1 != after.1)
        .map(|((field, before), (_, after))| Fact { field, before, after })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::fixture;

    fn words(facts: &[Fact]) -> Vec<String> {
        let side = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".into());
        facts.iter().map(|fact| format!("{}: {} -> {}", fact.field, side(&fact.before), side(&fact.after))).collect()
    }

    #[test]
    fn nothing_differs_from_itself() {
        let ran = fixture::provenance("debian-12", "3.0.20");
        assert!(provenance(&ran, &ran).is_empty());
        assert!(provenance(&Provenance::default(), &Provenance::default()).is_empty());
    }

    #[test]
    fn what_changed_is_named_and_the_likely_culprit_comes_first() {
        let (before, after) = (fixture::provenance("debian-12", "3.0.20"), fixture::provenance("debian-13", "3.5.7"));
        let words = words(&provenance(&before, &after));
        assert_eq!(words[0], "OpenSSL: 3.0.20 -> 3.5.7");
        assert_eq!(words[1], "OpenSSL package: libssl3 3.0.20-1 -> libssl3 3.5.7-1");
        assert!(words.contains(&"distro release: Debian 12 (debian 12) -> Debian 13 (debian 13)".to_owned()));
    }

    #[test]
    fn every_field_is_compared_and_unknown_is_not_the_same_as_known() {
        let ran = Provenance { client_hello: Some(517), ..fixture::provenance("debian-12", "3.0.20") };
        let facts = provenance(&Provenance::default(), &ran);
        assert_eq!(facts.len(), 15, "{facts:?}");
        assert!(facts.iter().all(|fact| fact.before.is_none() && fact.after.is_some()));
        assert!(facts.is_sorted_by_key(|fact| fact.field));
    }
}
