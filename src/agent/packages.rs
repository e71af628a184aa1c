//! The package manager of the image. What it answers is remembered: each file is looked up once per agent.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tokio::process::Command;
use tokio::sync::{Mutex, OnceCell};

use super::program;
use crate::distro::packages::{self, PackageManager, PackageOwner};

/// The installed packages. An image without a package manager has none.
pub(super) struct Packages {
    manager: PackageManager,
    /// Every path asked for so far; `None`: no package owns it.
    owners: Mutex<BTreeMap<String, Option<PackageOwner>>>,
    list: OnceCell<Option<String>>,
}

impl Packages {
    /// Looks for the package manager of this image.
    pub(super) fn detect() -> Self {
        let dpkg = Path::new("/usr/bin/dpkg-query").exists();
        let manager = if dpkg { PackageManager::Dpkg } else { PackageManager::Rpm };
        Self { manager, owners: Mutex::default(), list: OnceCell::new() }
    }

    /// The owners of `paths`, for those that belong to a package.
    pub(super) async fn owners(&self, paths: &[&str]) -> BTreeMap<String, PackageOwner> {
        // Held while the package manager runs: others would ask it the same.
        let mut known = self.owners.lock().await;
        let unknown: Vec<&str> = paths.iter().copied().filter(|path| !known.contains_key(*path)).collect();
        if !unknown.is_empty() {
            let mut found = match self.manager {
                PackageManager::Dpkg => dpkg_owners(&unknown).await,
                PackageManager::Rpm => rpm_owners(&unknown).await,
            };
            known.extend(unknown.iter().map(|path| ((*path).to_owned(), found.remove(*path))));
        }
        paths.iter().filter_map(|path| Some(((*path).to_owned(), known.get(*path)?.clone()?))).collect()
    }

    /// The owner of `path`.
    pub(super) async fn owner(&self, path: &str) -> Option<PackageOwner> {
        self.owners(&[path]).await.remove(path)
    }

    /// Every installed package with its version, sorted, one a line. `None` without a package manager.
    pub(super) async fn list(&self) -> Option<&str> {
        let list = self.list.get_or_init(|| async {
            let output = match self.manager {
                PackageManager::Dpkg => {
                    program::tool("dpkg-query").args(["--show", packages::DPKG_LIST]).output().await
                }
                PackageManager::Rpm => {
                    program::tool("rpm").args(["--query", packages::RPM_LIST, "--all"]).output().await
                }
            };
            let output = output.ok().filter(|output| output.status.success())?;
            packages::list(&String::from_utf8_lossy(&output.stdout))
        });
        list.await.as_deref()
    }

    /// Whether the content of the file `path` is as in its package. `None`: the package manager cannot say.
    pub(super) async fn is_unchanged(&self, path: &str, owner: &PackageOwner) -> Option<bool> {
        let mut command = match self.manager {
            PackageManager::Dpkg => {
                let mut command = program::tool("dpkg");
                command.args(["--verify", owner.name()]);
                command
            }
            PackageManager::Rpm => {
                let mut command = program::tool("rpm");
                command.args(["--verify", "--nodeps", "--file", path]);
                command
            }
        };
        let output = program::output(&mut command).await.ok()?;
        Some(!packages::reports_change(&output.stdout, path))
    }
}

async fn dpkg_owners(paths: &[&str]) -> BTreeMap<String, PackageOwner> {
    let known_as = paths.iter().copied().flat_map(packages::dpkg_paths);
    let search = stdout(program::tool("dpkg-query").arg("--search").args(known_as)).await;
    let names = packages::dpkg_names(&search, paths);
    if names.is_empty() {
        // Without names it would show every package.
        return BTreeMap::new();
    }
    let unique: BTreeSet<&str> = names.values().copied().collect();
    let show = stdout(program::tool("dpkg-query").args(["--show", packages::DPKG_OWNER]).args(unique)).await;
    packages::dpkg_owners(&names, &show)
}

async fn rpm_owners(paths: &[&str]) -> BTreeMap<String, PackageOwner> {
    let mut owners = BTreeMap::new();
    for path in paths {
        let output = stdout(program::tool("rpm").args(["--query", "--file", path, packages::RPM_OWNER])).await;
        owners.extend(packages::rpm_owner(&output).map(|owner| ((*path).to_owned(), owner)));
    }
    owners
}

/// What a program prints on stdout, whatever its exit status. Empty when it cannot be started.
async fn stdout(command: &mut Command) -> String {
    command.output().await.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_remembered() {
        let packages = Packages::detect();
        assert_eq!(packages.owner("/nowhere").await, None);
        let remembered = PackageOwner { package: "a 1".into(), source: "a".into() };
        packages.owners.lock().await.insert("/a".to_owned(), Some(remembered.clone()));
        let found = packages.owners(&["/a", "/nowhere"]).await;
        assert_eq!(found, [("/a".to_owned(), remembered)].into(), "the package manager knows no /a");
    }
}
