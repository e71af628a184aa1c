//! Differences of provenance.

use serde::Serialize;

use crate::model::Provenance;
pub use crate::model::ProvenanceField as Field;

/// A field of the provenance that differs. The texts come from containers and must be escaped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Fact {
    /// The field.
    pub field: Field,
    /// Before; `None`: unknown.
    pub before: Option<String>,
    /// After; `None`: unknown.
    pub after: Option<String>,
}

/// Everything that differs between `before` and `after`, in the order of [`Field`]. Results of an older atsmatrix
/// have no surroundings: if ATS ran on both sides and only one has them, they are not compared.
pub fn provenance(before: &Provenance, after: &Provenance) -> Vec<Fact> {
    let ran = before.ats.is_some() && after.ats.is_some();
    let older = ran && before.surroundings.is_some() != after.surroundings.is_some();
    let strip = |of: &Provenance| {
        let surroundings = of.surroundings.clone().filter(|_| !older);
        Provenance { surroundings, ..of.clone() }.facts()
    };
    let pairs = strip(before).into_iter().zip(strip(after));
    pairs
        .filter(|(before, after)| before.1 != after.1)
        .map(|((field, before), (_, after))| Fact { field, before, after })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::compare::fixture;
    use crate::model::{Library, OpensslConf, ParentRan, Surroundings};

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
    fn changes_are_listed_with_the_likely_cause_first() {
        let (before, after) = (fixture::provenance("debian-12", "3.0.20"), fixture::provenance("debian-13", "3.5.7"));
        let words = words(&provenance(&before, &after));
        assert_eq!(words[0], "OpenSSL: 3.0.20 -> 3.5.7");
        assert_eq!(words[1], "OpenSSL package: libssl3 3.0.20-1 -> libssl3 3.5.7-1");
        assert!(words.contains(&"distro release: Debian 12 (debian 12) -> Debian 13 (debian 13)".to_owned()));
    }

    /// Every field is known but the size of the ClientHello.
    fn around(protocol: &str) -> Provenance {
        let conf = OpensslConf {
            path: "/usr/lib/ssl/openssl.cnf".into(),
            sha256: Some(format!("sha256:{protocol}")),
            settings: vec![format!("system_default.MinProtocol = {protocol}")],
            differs: Some(Vec::new()),
        };
        let surroundings = Surroundings {
            openssl_conf: Some(conf),
            crypto_policy: Some("DEFAULT".into()),
            environment: Some([("LD_PRELOAD".to_owned(), "/x.so".to_owned())].into()),
            controls: [("curl".to_owned(), Library { version: "3.0.20".into(), ..Library::default() })].into(),
            nofile: Some("1024:4096".into()),
        };
        Provenance { surroundings: Some(surroundings), ..fixture::provenance("debian-12", "3.0.20") }
    }

    #[test]
    fn surroundings_are_compared_unless_one_side_is_of_an_older_atsmatrix() {
        let facts = words(&provenance(&around("TLSv1.2"), &around("TLSv1")));
        assert_eq!(
            facts,
            [
                "openssl.cnf: /usr/lib/ssl/openssl.cnf sha256:TLSv1.2 -> /usr/lib/ssl/openssl.cnf sha256:TLSv1",
                "openssl.cnf sets: system_default.MinProtocol = TLSv1.2 -> system_default.MinProtocol = TLSv1",
            ]
        );
        let older = fixture::provenance("debian-12", "3.0.20");
        assert!(provenance(&older, &around("TLSv1")).is_empty() && provenance(&around("TLSv1"), &older).is_empty());
    }

    #[test]
    fn every_field_is_compared_and_unknown_is_not_the_same_as_known() {
        let parent = ParentRan { cell: "debian-12/9.2.9".parse().unwrap(), provenance: around("TLSv1.2") };
        let ran = Provenance { client_hello: Some(517), parent: Some(Box::new(parent)), ..around("TLSv1.2") };
        let facts = provenance(&Provenance::default(), &ran);
        assert_eq!(facts.len(), 25, "{facts:?}");
        assert!(facts.iter().all(|fact| fact.before.is_none() && fact.after.is_some()));
        assert!(facts.is_sorted_by_key(|fact| fact.field));
    }
}
