//! What decides how ATS speaks TLS besides the OpenSSL it has loaded.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::provenance::Library;

/// What an ATS reads and is given, as found in its process and its image; `None`: it could not be found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Surroundings {
    /// The openssl.cnf that ATS reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openssl_conf: Option<OpensslConf>,
    /// The crypto policy of the system, as it names itself; `None` where a distro has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crypto_policy: Option<String>,
    /// Variables of the ATS process that decide which libraries it loads and how OpenSSL behaves (`LD_PRELOAD`,
    /// `LD_LIBRARY_PATH`, `OPENSSL_CONF` and the like), and what `/etc/ld.so.preload` holds, by its path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<BTreeMap<String, String>>,
    /// The `libssl` of each control that is a program of the image, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub controls: BTreeMap<String, Library>,
    /// How many files the ATS process may have open, soft and hard limit. Given by the engine: never in committed
    /// results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nofile: Option<String>,
}

/// The openssl.cnf of an ATS process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpensslConf {
    /// The file: what `OPENSSL_CONF` names, else the one that this OpenSSL was built to read.
    pub path: String,
    /// Digest of what it sets, with what it includes, without comments; `None`: it is not there.
    pub sha256: Option<String>,
    /// What of that decides TLS, one setting a line: `system_default.MinProtocol = TLSv1.2`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<String>,
    /// What is not as the distro has it, one thing a line; empty: all is. `None`: no package manager is there to say.
    pub differs: Option<Vec<String>>,
}

impl OpensslConf {
    /// Whether it is as the distro has it, in words.
    pub fn as_packaged(&self) -> String {
        match self.differs.as_deref() {
            None => "not known".to_owned(),
            Some([]) => "nothing".to_owned(),
            Some(differs) => differs.join("; "),
        }
    }
}

impl Surroundings {
    /// The variables in one line; `none` where none is set.
    pub fn variables(&self) -> Option<String> {
        let set: Vec<String> =
            self.environment.as_ref()?.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Some(if set.is_empty() { "none".to_owned() } else { set.join(", ") })
    }

    /// The controls with their `libssl` in one line; `None` where there is none.
    pub fn libraries(&self) -> Option<String> {
        let told =
            |(program, library): (&String, &Library)| format!("{program}: {} ({})", library.version, library.path);
        let told: Vec<String> = self.controls.iter().map(told).collect();
        (!told.is_empty()).then(|| told.join(", "))
    }
}
