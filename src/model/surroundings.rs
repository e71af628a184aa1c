//! What affects the TLS of ATS besides the OpenSSL that it has loaded.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::provenance::Library;

/// The environment of an ATS process, as found in the process and its image. `None` means that it could not be determined.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Surroundings {
    /// The openssl.cnf that ATS reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openssl_conf: Option<OpensslConf>,
    /// The name of the system's crypto policy; `None` if the distro has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crypto_policy: Option<String>,
    /// Variables of the ATS process that affect which libraries it loads and how OpenSSL behaves (`LD_PRELOAD`,
    /// `LD_LIBRARY_PATH`, `OPENSSL_CONF` and the like), and the contents of `/etc/ld.so.preload` under that path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<BTreeMap<String, String>>,
    /// The `libssl` of each control that is a program in the image, by the program's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub controls: BTreeMap<String, Library>,
    /// Limits of open files of the ATS process, soft and hard. They depend on the engine, and are never in committed results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nofile: Option<String>,
}

/// The openssl.cnf of an ATS process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpensslConf {
    /// Path: that in `OPENSSL_CONF`, else the default of this OpenSSL.
    pub path: String,
    /// Digest of its settings, with those of included files, without comments; `None` if the file does not exist.
    pub sha256: Option<String>,
    /// Its settings that affect TLS, one per line: `system_default.MinProtocol = TLSv1.2`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<String>,
    /// Differences from the packaged file, one per line. `None` if the image has no package manager.
    pub differs: Option<Vec<String>>,
}

impl OpensslConf {
    /// Describes the differences from the packaged file.
    pub fn as_packaged(&self) -> String {
        match self.differs.as_deref() {
            None => "not known".to_owned(),
            Some([]) => "nothing".to_owned(),
            Some(differs) => differs.join("; "),
        }
    }
}

impl Surroundings {
    /// The variables in one line; `none` if none is set.
    pub fn variables(&self) -> Option<String> {
        let set: Vec<String> =
            self.environment.as_ref()?.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Some(if set.is_empty() { "none".to_owned() } else { set.join(", ") })
    }

    /// The controls with their `libssl` in one line; `None` if there is none.
    pub fn libraries(&self) -> Option<String> {
        let describe =
            |(program, library): (&String, &Library)| format!("{program}: {} ({})", library.version, library.path);
        let libraries: Vec<String> = self.controls.iter().map(describe).collect();
        (!libraries.is_empty()).then(|| libraries.join(", "))
    }
}
