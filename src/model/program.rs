//! Programs that serve as origins besides the instrumented one.

use serde::{Deserialize, Serialize};

use super::Certificate;

/// A program that serves as an origin in its own container, which is started only where a trial needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OriginProgram {
    /// nginx.
    Nginx,
    /// Apache httpd.
    Httpd,
}

impl OriginProgram {
    /// Every program.
    pub const ALL: [Self; 2] = [Self::Nginx, Self::Httpd];

    /// Its key in matrix.yaml, its folder in images/, and the name of its container.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Httpd => "httpd",
        }
    }

    /// Its name in texts.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Httpd => "Apache httpd",
        }
    }

    /// The certificates that it serves.
    pub const fn certificates(self) -> &'static [Certificate] {
        match self {
            Self::Nginx => &[Certificate::Good],
            // One per virtual host.
            Self::Httpd => &[Certificate::Good, Certificate::Rsa],
        }
    }

    /// The Linux capabilities that its container needs.
    pub const fn capabilities(self) -> &'static [&'static str] {
        match self {
            Self::Nginx => &[],
            // It drops from root to another user.
            Self::Httpd => &["SETUID", "SETGID"],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::Place;

    #[test]
    fn a_program_is_a_place_by_its_name_alone_also_as_a_key() {
        for program in OriginProgram::ALL {
            let place = Place::Beside(program);
            assert_eq!(serde_json::to_value(place).unwrap(), program.name());
            let keyed = BTreeMap::from([(place, 1), (Place::SameHostV6, 2)]);
            let text = serde_json::to_string(&keyed).unwrap();
            assert_eq!(text, format!("{{\"same-host-v6\":2,\"{}\":1}}", program.name()));
            assert_eq!(serde_json::from_str::<BTreeMap<Place, i32>>(&text).unwrap(), keyed);
        }
        assert!(serde_json::from_str::<Place>("\"nowhere\"").is_err());
    }
}
