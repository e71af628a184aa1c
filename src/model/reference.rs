//! Image references, as docker interprets them.

/// The registry in `reference`; `None` means Docker Hub. The first part is a registry if it looks like a host name.
pub fn registry_of(reference: &str) -> Option<&str> {
    let (first, _) = reference.split_once('/')?;
    (first.contains('.') || first.contains(':') || first == "localhost").then_some(first)
}
