//! Why an engine operation failed, in classes that callers branch on. Knows the few messages that
//! engines give only as text; knows nothing of HTTP clients.

use super::lines::one_line;

/// Longest reason kept, bytes: enough for a registry's own words, not for a whole log.
const REASON_MAX: usize = 600;

/// Result of engine operations.
pub type Result<T> = std::result::Result<T, EngineError>;

/// An engine operation that failed: which one, on what, of which class, and the engine's own reason
/// in one bounded line of printable text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot {operation} {object}: {reason}")]
pub struct EngineError {
    /// What was attempted, as it stands after "cannot": `pull image`, `start container`.
    pub operation: &'static str,
    /// The object's name or id; for an operation on the engine itself, its address.
    pub object: String,
    /// What a caller may branch on.
    pub class: Class,
    /// The engine's (or registry's) own reason, and what to do about it where that is known.
    pub reason: String,
}

/// Classes of failure that lead to different outcomes or exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The object is not there.
    NotFound,
    /// The engine, or the registry of a pull, cannot be reached or refuses to hand it out.
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
    /// The engine broke off in the middle: it was stopped or restarted. Trying again makes sense.
    Interrupted,
    /// Anything else.
    Other,
}

impl EngineError {
    /// An error of `class`; `reason` is hostile text and is escaped and bounded here.
    pub fn new(operation: &'static str, object: impl Into<String>, class: Class, reason: &str) -> Self {
        Self { operation, object: object.into(), class, reason: one_line(reason, REASON_MAX) }
    }

    /// An error from what the engine answered. Exhaustion has no status code of its own in the
    /// Engine API (all of it is 500), so its class is read off [`EXHAUSTION`].
    pub(super) fn from_engine(operation: &'static str, object: impl Into<String>, class: Class, reason: &str) -> Self {
        let mut error = Self::new(operation, object, class, reason);
        let found = EXHAUSTION.iter().find(|known| reason.contains(known.says));
        if let Some(known) = found {
            error.class = known.class;
            error.reason = format!("{} ({})", error.reason, known.mend);
        }
        error
    }
}

struct Exhaustion {
    says: &'static str,
    class: Class,
    mend: &'static str,
}

const POOLS: &str = "remove networks that nobody uses (`atsmatrix clean`, `docker network prune`) or widen \
                     `default-address-pools` in the engine's daemon.json; by default about 30 networks fit, fewer with a VPN";
const DISK: &str = "free space on the engine's disk (`docker system df` tells what takes it, `atsmatrix clean --images` \
                    removes ours)";
const LOAD: &str = "run fewer cells at a time (`--jobs`) or give the engine more";

/// What engines say when something ran out: Docker's libnetwork (older, newer wording), Podman's
/// netavark and CNI, the kernel's texts for ENOSPC, EDQUOT, EXFULL (1024 ports a bridge,
/// moby#44973), ENOMEM and EAGAIN.
const EXHAUSTION: [Exhaustion; 8] = [
    Exhaustion {
        says: "could not find an available, non-overlapping IPv4 address pool",
        class: Class::Resources,
        mend: POOLS,
    },
    Exhaustion { says: "all predefined address pools have been fully subnetted", class: Class::Resources, mend: POOLS },
    Exhaustion { says: "could not find free subnet", class: Class::Resources, mend: POOLS },
    Exhaustion { says: "no space left on device", class: Class::NoSpace, mend: DISK },
    Exhaustion { says: "disk quota exceeded", class: Class::NoSpace, mend: DISK },
    Exhaustion { says: "exchange full", class: Class::Resources, mend: LOAD },
    Exhaustion { says: "cannot allocate memory", class: Class::Resources, mend: LOAD },
    Exhaustion { says: "resource temporarily unavailable", class: Class::Resources, mend: LOAD },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exhausted_address_pool_is_told_with_its_remedy() {
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
    fn a_full_disk_is_no_build_failure() {
        let error = EngineError::from_engine(
            "build image",
            "x",
            Class::Build { code: Some(1) },
            "write /usr/lib/x: no space left on device",
        );
        assert_eq!(error.class, Class::NoSpace);
    }

    #[test]
    fn reasons_are_one_bounded_printable_line() {
        let error = EngineError::new("pull image", "x", Class::Unreachable, &"\u{1b}[31mred\nnext ".repeat(1000));
        assert!(error.reason.len() <= REASON_MAX + 4 && !error.reason.contains('\n'));
        assert!(error.reason.starts_with("\\u{1b}[31mred next"), "{}", error.reason);
    }
}
