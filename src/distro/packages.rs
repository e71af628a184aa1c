//! The output of package managers: which packages are installed, which one owns a file, and whether a file was
//! changed since its package was installed.

use std::collections::BTreeMap;

/// Which package manager an image has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageManager {
    /// dpkg: Debian, Ubuntu.
    Dpkg,
    /// rpm: Fedora, RHEL and their relatives.
    Rpm,
}

/// Format of `dpkg-query --show` for [`dpkg_owners`]: the name as `--search` prints it, name and version, source.
pub const DPKG_OWNER: &str = "--showformat=${binary:Package}\\t${Package} ${Version}\\t${source:Package}\\n";

/// Format of `dpkg-query --show` for [`list`].
pub const DPKG_LIST: &str = "--showformat=${binary:Package} ${Version}\\n";

/// Format of `rpm --query` for [`rpm_owner`].
pub const RPM_OWNER: &str = "--queryformat=%{NAME} %{VERSION}-%{RELEASE}\\t%{SOURCERPM}\\n";

/// Format of `rpm --query` for [`list`].
pub const RPM_LIST: &str = "--queryformat=%{NAME} %{VERSION}-%{RELEASE} %{ARCH}\\n";

/// Characters kept of what a package manager prints about a package.
const MAX_PACKAGE: usize = 200;

/// The package that owns a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageOwner {
    /// `NAME VERSION-RELEASE`.
    pub package: String,
    /// The source package. Libraries of the same source belong together.
    pub source: String,
}

impl PackageOwner {
    fn new(package: &str, source: &str) -> Self {
        let bounded = |text: &str| text.chars().take(MAX_PACKAGE).collect();
        Self { package: bounded(package), source: bounded(source) }
    }

    /// The name without version.
    pub fn name(&self) -> &str {
        self.package.split(' ').next().unwrap_or_default()
    }
}

/// The paths under which dpkg may know a file. Before the /usr merge was finished, packages installed into /lib and
/// /bin what is now found in /usr.
pub fn dpkg_paths(path: &str) -> impl Iterator<Item = &str> {
    std::iter::once(path).chain(path.strip_prefix("/usr"))
}

/// For each of `paths` the package that `dpkg-query --search` printed (`PACKAGE[, PACKAGE...]: PATH`), as
/// `dpkg-query --show` takes it.
pub fn dpkg_names<'a>(search: &'a str, paths: &[&'a str]) -> BTreeMap<&'a str, &'a str> {
    let mut names = BTreeMap::new();
    // Exact paths last, so that they win over those without /usr.
    for exact in [false, true] {
        for (packages, file) in search.lines().filter_map(|line| line.split_once(": ")) {
            let known_as = |path: &&&str| if exact { **path == file } else { path.strip_prefix("/usr") == Some(file) };
            // `diversion by PACKAGE from: PATH` names no owner.
            if let Some(path) = paths.iter().find(known_as).filter(|_| !packages.starts_with("diversion by "))
                && let Some(package) = packages.split(", ").next()
            {
                names.insert(*path, package);
            }
        }
    }
    names
}

/// The owners of files, given their package `names` (see [`dpkg_names`]) and the output of `dpkg-query --show` with
/// [`DPKG_OWNER`].
pub fn dpkg_owners(names: &BTreeMap<&str, &str>, show: &str) -> BTreeMap<String, PackageOwner> {
    let mut packages = BTreeMap::new();
    for line in show.lines() {
        let mut fields = line.split('\t');
        if let (Some(name), Some(package), Some(source)) = (fields.next(), fields.next(), fields.next()) {
            packages.insert(name, PackageOwner::new(package, source));
        }
    }
    names.iter().filter_map(|(path, name)| Some(((*path).to_owned(), packages.get(name)?.clone()))).collect()
}

/// The owner in the output of `rpm --query --file PATH` with [`RPM_OWNER`].
pub fn rpm_owner(output: &str) -> Option<PackageOwner> {
    let (package, source) = output.lines().next()?.split_once('\t')?;
    // NAME-VERSION-RELEASE.src.rpm
    Some(PackageOwner::new(package, source.rsplitn(3, '-').nth(2).unwrap_or(source)))
}

/// All installed packages, sorted, one a line. `None` when there is none.
pub fn list(output: &str) -> Option<String> {
    let mut lines: Vec<&str> = output.lines().filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Whether `dpkg --verify` or `rpm --verify` reports that the content of `path` differs from its package. They print
/// `??5?????? c PATH` for each file that differs in any way; only a digest (`5`) or a missing file counts.
pub fn reports_change(output: &str, path: &str) -> bool {
    output.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.last() == Some(&path) && fields.first().is_some_and(|how| how.contains('5') || *how == "missing")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dpkg_knows_files_by_their_path_or_without_usr() {
        let search = "diversion by glibc from: /usr/lib/libc.so.6\nlibssl3:amd64, libssl3:i386: /usr/lib/libssl.so.3\n\
                      libc6:amd64: /lib/libc.so.6\n";
        let paths = ["/usr/lib/libssl.so.3", "/usr/lib/libc.so.6", "/opt/x"];
        let names = dpkg_names(search, &paths);
        assert_eq!(
            names,
            [("/usr/lib/libssl.so.3", "libssl3:amd64"), ("/usr/lib/libc.so.6", "libc6:amd64")].into(),
            "a diversion is not an owner"
        );
        let show = "libc6:amd64\tlibc6 2.36-9\tglibc\nlibssl3:amd64\tlibssl3 3.0.17\topenssl\n";
        let owners = dpkg_owners(&names, show);
        let libc = &owners["/usr/lib/libc.so.6"];
        assert_eq!((libc.package.as_str(), libc.source.as_str(), libc.name()), ("libc6 2.36-9", "glibc", "libc6"));
        assert_eq!(owners.len(), 2);
        assert_eq!(dpkg_paths("/usr/bin/x").collect::<Vec<_>>(), ["/usr/bin/x", "/bin/x"]);
        assert_eq!(dpkg_names("b: /usr/x\na: /x\n", &["/usr/x"]), [("/usr/x", "b")].into(), "the exact path wins");
    }

    #[test]
    fn rpm_prints_the_package_and_the_file_of_its_source() {
        let owner = rpm_owner("openssl-libs 3.5.1-2.fc43\topenssl-3.5.1-2.fc43.src.rpm\n").unwrap();
        assert_eq!((owner.package.as_str(), owner.source.as_str()), ("openssl-libs 3.5.1-2.fc43", "openssl"));
        assert_eq!(rpm_owner("file /opt/x is not owned by any package\n"), None);
    }

    #[test]
    fn only_changed_content_counts_as_a_change() {
        let output = "??5?????? c /etc/ssl/openssl.cnf\n.......T.  c /etc/host.conf\nmissing     /etc/gai.conf\n";
        let changed = |path| reports_change(output, path);
        assert!(changed("/etc/ssl/openssl.cnf") && changed("/etc/gai.conf"));
        assert!(!changed("/etc/host.conf") && !changed("/etc/other"));
    }

    #[test]
    fn the_list_of_packages_is_sorted() {
        assert_eq!(list("b 2\n\na 1\n").as_deref(), Some("a 1\nb 2"));
        assert_eq!(list("\n"), None);
    }
}
