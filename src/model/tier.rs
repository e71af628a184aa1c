//! Cells with two ATS: a child, which clients ask, and its parent, which asks the origins.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::CellId;
use super::line::LogLine;
use super::observation::{AtsLife, Flow};
use super::provenance::Provenance;

/// The host name of the parent.
pub const PARENT_NAME: &str = "parent.test";

/// The place of an ATS in a cell with two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// It asks the parent for whatever is not its own.
    Child {
        /// Address of the parent's container.
        parent: String,
    },
    /// It asks the origins for the child.
    Parent {
        /// Secret by which it recognises the child.
        token: String,
        /// The child's address, once it is known.
        child: Option<String>,
    },
}

/// What was seen of a trial at the parent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ParentSeen {
    /// The address of the parent's container: the only one that may connect to the origin.
    pub address: String,
    /// Connections of the child to the origin itself, which must not be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub past: Vec<Flow>,
    /// Lines of the parent's logs that name this trial's host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<LogLine>,
    /// The state of the parent's ATS.
    pub ats: AtsLife,
}

/// The parent that ran in a cell with two ATS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ParentRan {
    /// The cell whose image it has.
    pub cell: CellId,
    /// The software that ran there.
    pub provenance: Provenance,
}

impl fmt::Display for ParentRan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cell, provenance } = self;
        write!(f, "{cell}")?;
        if let Some(ats) = &provenance.ats {
            write!(f, ": ATS {}", ats.reported)?;
            if let Some(package) = &ats.package {
                write!(f, " ({package})")?;
            }
        }
        if let Some(openssl) = &provenance.openssl {
            write!(f, ", OpenSSL {}", openssl.version)?;
        }
        if let Some(distro) = &provenance.distro {
            write!(f, ", {}", distro.name)?;
        }
        Ok(())
    }
}
