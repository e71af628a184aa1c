//! References of images, as docker reads them.

/// The registry that `reference` names; `None`: it names none, and Docker's hub is meant. A first part is a registry if
/// it looks like a host.
pub fn registry_of(reference: &str) -> Option<&str> {
    let (first, _) = reference.split_once('/')?;
    (first.contains('.') || first.contains(':') || first == "localhost").then_some(first)
}
