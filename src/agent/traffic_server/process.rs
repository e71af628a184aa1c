//! Which process is `traffic_server`: a manager, or a script of the image, may start it as a child.

use std::collections::BTreeSet;

/// How the names of the threads that serve connections begin (`[ET_NET 0]`). No other program of ATS has such threads.
const SERVER_THREAD: &str = "[ET_NET";

/// The `traffic_server` among the process `started` and its descendants; `None` if none of them serves connections.
pub(in crate::agent) fn server(started: u32) -> Option<u32> {
    let parents = parents();
    let mut family = BTreeSet::from([started]);
    // Process ids wrap around, so a parent may have a larger one than its child.
    loop {
        let before = family.len();
        family.extend(
            parents.iter().filter(|(_, parent)| family.contains(parent)).map(|(id, _)| *id).collect::<Vec<_>>(),
        );
        if family.len() == before {
            break;
        }
    }
    family.into_iter().find(|id| serves(*id))
}

/// Every process with its parent.
fn parents() -> Vec<(u32, u32)> {
    let ids = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter_map(|id: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // `PID (COMMAND) STATE PPID ...`; the command may contain any character.
        let (_, after) = stat.rsplit_once(')')?;
        Some((id, after.split_whitespace().nth(1)?.parse().ok()?))
    })
    .collect()
}

/// Whether a process has threads that serve connections. Their names are readable whatever user the process runs as.
fn serves(id: u32) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    tasks
        .into_iter()
        .any(|task| std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.starts_with(SERVER_THREAD)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_that_serves_is_found_below_the_one_that_was_started() {
        let own = std::process::id();
        assert_eq!(server(own), None);
        let (done, wait) = std::sync::mpsc::channel::<()>();
        let (started, is_up) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("[ET_NET 0]".into());
        let thread = thread.spawn(move || (started.send(()), wait.recv())).unwrap();
        is_up.recv().unwrap();
        assert_eq!(server(own), Some(own));
        let parent = parents().into_iter().find(|(id, _)| *id == own).unwrap().1;
        assert_eq!(server(parent), Some(own), "below what started it");
        drop(done);
        thread.join().unwrap().0.unwrap();
        assert_eq!(server(own), None);
    }
}
