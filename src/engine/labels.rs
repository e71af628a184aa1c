//! The labels that record the owner of a container or network, and the decision whether it is left over.
//! Pure apart from [`Owner::current`], [`process_start`] and [`this_host`], which read /proc. Names do not
//! matter: nothing is removed because of its name.

use std::fs;
use std::io;

use sha2::{Digest, Sha256};

use super::Labels;
use crate::model::RunId;

/// Key: id of the run that made it.
pub const RUN: &str = "atsmatrix.run";
/// Key: process id of that run's orchestrator.
pub const PID: &str = "atsmatrix.pid";
/// Key: start time of that process, clock ticks since boot (field 22 of `proc_pid_stat(5)`). Process
/// ids are reused; the pair is not.
pub const STARTED: &str = "atsmatrix.started";
/// Key: the host on which that process id is valid, see [`Owner::host`].
pub const HOST: &str = "atsmatrix.host";
/// Key: its [`ResourceKind`].
pub const KIND: &str = "atsmatrix.kind";
/// Key: kept on purpose, for inspection by hand. Only [`super::sweep::SweepScope::Everything`] removes it.
pub const KEEP: &str = "atsmatrix.keep";

/// The kind of a labelled object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceKind {
    /// The ATS container of a cell.
    Cell,
    /// An origin container of a cell.
    Origin,
    /// A container that makes a base image.
    Bootstrap,
    /// The network of a run.
    Network,
    /// An image. Images outlive runs: they have this label but no owner.
    Image,
}

impl ResourceKind {
    /// The label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cell => "cell",
            Self::Origin => "origin",
            Self::Bootstrap => "bootstrap",
            Self::Network => "network",
            Self::Image => "image",
        }
    }
}

/// The process that runs cells, as labels identify it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Id of its run.
    pub run: RunId,
    /// Its process id.
    pub pid: u32,
    /// Its start time, clock ticks since boot.
    pub started: u64,
    /// A digest of the machine's current boot, its host name and the process id namespace. Machines may
    /// share an engine, and a process id is valid on one of them only.
    pub host: String,
}

impl Owner {
    /// This process as the owner of `run`.
    pub fn current(run: RunId) -> io::Result<Self> {
        let pid = std::process::id();
        let started = process_start(pid).ok_or_else(|| io::Error::other("cannot read /proc/self/stat"))?;
        Ok(Self { run, pid, started, host: this_host()? })
    }

    /// Labels for a container or network of this run.
    pub fn labels(&self, kind: ResourceKind) -> Labels {
        Labels::from(
            [
                (RUN, self.run.to_string()),
                (PID, self.pid.to_string()),
                (STARTED, self.started.to_string()),
                (HOST, self.host.clone()),
                (KIND, kind.as_str().to_owned()),
            ]
            .map(|(key, value)| (key.to_owned(), value)),
        )
    }
}

/// Labels for an image: its kind but no owner, so that equal inputs give equal images.
pub fn image_labels() -> Labels {
    Labels::from([(KIND.to_owned(), ResourceKind::Image.as_str().to_owned())])
}

/// Who owns a labelled object, seen from this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// A process that has ended: the object may be removed.
    LeftOver,
    /// A running process.
    Alive,
    /// A process of another machine or boot; or the labels are damaged, or it is kept on purpose.
    Unknown,
}

/// The ownership that `labels` record. `host` is [`Owner::host`] of this process; `start_of` returns the start
/// time of a live process ([`process_start`]).
pub fn ownership(labels: &Labels, host: &str, start_of: impl Fn(u32) -> Option<u64>) -> Ownership {
    let number = |key: &str| labels.get(key).and_then(|value| value.parse::<u64>().ok());
    let pid = number(PID).and_then(|pid| u32::try_from(pid).ok());
    let (Some(pid), Some(started)) = (pid, number(STARTED)) else { return Ownership::Unknown };
    let same_host = labels.get(HOST).is_some_and(|it| it == host);
    if !same_host || !labels.contains_key(RUN) || labels.contains_key(KEEP) {
        return Ownership::Unknown;
    }
    if start_of(pid) == Some(started) { Ownership::Alive } else { Ownership::LeftOver }
}

/// Whether the object is left over from a dead run of this machine. Objects of a live run, of another
/// machine or with damaged labels never are.
pub fn is_left_over(labels: &Labels, host: &str, start_of: impl Fn(u32) -> Option<u64>) -> bool {
    ownership(labels, host, start_of) == Ownership::LeftOver
}

/// Start time of the live process `pid`, clock ticks since boot; `None` if there is none. A zombie counts as dead.
pub fn process_start(pid: u32) -> Option<u64> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Start time from a line of /proc/PID/stat; `None` if the process is dead. The second field is the
/// program's name, which may contain spaces and parentheses.
fn parse_stat(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    // `rest` begins with field 3; field 22 is the 19th after it.
    fields.nth(18)?.parse().ok()
}

/// [`Owner::host`] of this process.
pub fn this_host() -> io::Result<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let name = fs::read_to_string("/proc/sys/kernel/hostname")?;
    // If /proc hides the namespace, host name and boot have to do.
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let digest = Sha256::digest(format!("{boot}\n{name}\n{}", namespace.display()));
    Ok(digest.iter().take(8).fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner {
        Owner { run: "r1".parse().unwrap(), pid: 41, started: 7000, host: "here".to_owned() }
    }

    #[test]
    fn only_a_dead_run_of_this_machine_is_left_over() {
        let labels = owner().labels(ResourceKind::Cell);
        assert_eq!(ownership(&labels, "here", |_| Some(7000)), Ownership::Alive);
        assert_eq!(ownership(&labels, "here", |_| None), Ownership::LeftOver);
        assert_eq!(ownership(&labels, "elsewhere", |_| None), Ownership::Unknown);
        assert!(is_left_over(&labels, "here", |_| None) && !is_left_over(&labels, "here", |_| Some(7000)));
    }

    #[test]
    fn a_reused_process_id_does_not_keep_left_overs_alive() {
        assert!(is_left_over(&owner().labels(ResourceKind::Network), "here", |pid| (pid == 41).then_some(7001)));
    }

    #[test]
    fn damaged_labels_make_the_owner_unknown() {
        for key in [RUN, PID, STARTED, HOST] {
            let mut labels = owner().labels(ResourceKind::Cell);
            labels.remove(key);
            assert_eq!(ownership(&labels, "here", |_| None), Ownership::Unknown, "without {key}");
            labels.insert(key.to_owned(), "garbage".to_owned());
            assert!(key == RUN || ownership(&labels, "here", |_| None) == Ownership::Unknown, "garbage in {key}");
        }
        assert_eq!(ownership(&image_labels(), "here", |_| None), Ownership::Unknown);
    }

    #[test]
    fn the_start_time_is_found_after_any_program_name_and_a_zombie_is_dead() {
        let stat = |name: &str, state: &str| {
            format!("12 ({name}) {state} 1 12 12 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 987654 2000 100 184467 1 1 0\n")
        };
        assert_eq!(parse_stat(&stat("cat", "S")), Some(987_654));
        assert_eq!(parse_stat(&stat("a) R (b", "R")), Some(987_654));
        assert_eq!(parse_stat(&stat("cat", "Z")), None);
        assert_eq!(parse_stat("garbage"), None);
    }

    #[test]
    fn this_process_is_alive_and_an_exited_one_is_not() {
        let me = Owner::current("r1".parse().unwrap()).unwrap();
        assert_eq!(ownership(&me.labels(ResourceKind::Cell), &me.host, process_start), Ownership::Alive);
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let dead = Owner { pid: child.id(), ..me.clone() };
        assert_eq!(ownership(&dead.labels(ResourceKind::Cell), &me.host, process_start), Ownership::LeftOver);
    }
}
