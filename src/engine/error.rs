//! Why an engine operation failed, in classes that callers branch on. Recognises the few conditions that
//! engines report only as text; independent of the HTTP client.

use super::lines::one_line;

/// Longest reason kept, bytes: enough for a registry's message, not for a whole log.
const REASON_MAX: usize = 600;

/// Result of an engine operation.
pub type Result<T> = std::result::Result<T, EngineError>;

/// A failed engine operation: the operation, its object, the class, and the engine's own reason
/// in one bounded line of printable text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot {operation} {object}: {reason}")]
pub struct EngineError {
    /// The operation, as it reads after "cannot": `pull image`, `start container`.
    pub operation: &'static str,
    /// The object's name or id; for an operation on the engine itself, its address.
    pub object: String,
    /// The class, for callers to branch on.
    pub class: Class,
    /// The reason in the words of the engine or registry, and the fix if it is known.
    pub reason: String,
}

/// Classes of failure that lead to different outcomes or exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The object does not exist.
    NotFound,
    /// The engine, or the registry of a pull, cannot be reached or refuses access.
    Unreachable,
    /// A build step failed.
    Build {
        /// Exit code of the failed step; `None` for an error outside a step, such as a bad Containerfile.
        code: Option<i64>,
    },
    /// The engine's disk is full.
    NoSpace,
    /// Another resource ran out: address pools, bridge ports, memory, processes.
    Resources,
    /// The connection to the engine broke: it was stopped or restarted. A retry makes sense.
    Interrupted,
    /// Any other failure.
    Other,
}

impl EngineError {
    /// An error of `class`; `reason` is untrusted text, escaped and bounded here.
    pub fn new(operation: &'static str, object: impl Into<String>, class: Class, reason: &str) -> Self {
        Self { operation, object: object.into(), class, reason: one_line(reason, REASON_MAX) }
    }

    /// An error from a response of the engine. The Engine API has no status code for exhausted
    /// resources (they are all 500), so their class comes from [`EXHAUSTION`].
    pub(super) fn from_engine(operation: &'static str, object: impl Into<String>, class: Class, reason: &str) -> Self {
        let mut error = Self::new(operation, object, class, reason);
        let found = EXHAUSTION.iter().find(|known| reason.contains(known.message));
        if let Some(known) = found {
            error.class = known.class;
            error.reason = format!("{} ({})", error.reason, known.fix);
        }
        error
    }
}

struct Exhaustion {
    message: &'static str,
    class: Class,
    fix: &'static str,
}

const POOLS: &str = "remove unused networks (`atsmatrix clean`, `docker network prune`) or widen `default-address-pools` \
                     in the engine's daemon.json; by default about 30 networks fit, fewer with a VPN";
const DISK: &str = "free space on the engine's disk: `docker system df` shows what uses it, `atsmatrix clean --images` \
                    removes the images of atsmatrix";
const LOAD: &str = "run fewer cells at a time (`--jobs`) or give the engine more resources";

/// What engines report when a resource is exhausted: Docker's libnetwork (older, newer wording), Podman's
/// netavark and CNI, the kernel's texts for ENOSPC, EDQUOT, EXFULL (1024 ports a bridge,
/// moby#44973), ENOMEM and EAGAIN.
const EXHAUSTION: [Exhaustion; 8] = [
    Exhaustion {
        message: "could not find an available, non-overlapping IPv4 address pool",
        class: Class::Resources,
        fix: POOLS,
    },
    Exhaustion {
        message: "all predefined address pools have been fully subnetted",
        class: Class::Resources,
        fix: POOLS,
    },
    Exhaustion { message: "could not find free subnet", class: Class::Resources, fix: POOLS },
    Exhaustion { message: "no space left on device", class: Class::NoSpace, fix: DISK },
    Exhaustion { message: "disk quota exceeded", class: Class::NoSpace, fix: DISK },
    Exhaustion { message: "exchange full", class: Class::Resources, fix: LOAD },
    Exhaustion { message: "cannot allocate memory", class: Class::Resources, fix: LOAD },
    Exhaustion { message: "resource temporarily unavailable", class: Class::Resources, fix: LOAD },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exhausted_address_pool_is_reported_with_its_fix() {
        for says in [
            "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network",
            "all predefined address pools have been fully subnetted",
        ] {
            let error = EngineError::from_engine("create network", "run-x", Class::Other, says);
            assert_eq!(error.class, Class::Resources);
            assert!(error.to_string().starts_with("cannot create network run-x: "), "{error}");
            assert!(error.reason.contains("default-address-pools"), "{error}");
        }
    }

    #[test]
    fn a_full_disk_is_not_a_build_failure() {
        let error = EngineError::from_engine(
            "build image",
            "x",
            Class::Build { code: Some(1) },
            "write /usr/lib/x: no space left on device",
        );
        assert_eq!(error.class, Class::NoSpace);
    }

    #[test]
    fn a_reason_is_one_bounded_printable_line() {
        let error = EngineError::new("pull image", "x", Class::Unreachable, &"\u{1b}[31mred\nnext ".repeat(1000));
        assert!(error.reason.len() <= REASON_MAX + 4 && !error.reason.contains('\n'));
        assert!(error.reason.starts_with("\\u{1b}[31mred next"), "{}", error.reason);
    }
}
