//! Where an ATS keeps its files, and a private root for a run.

use std::collections::BTreeMap;

/// Paths of `traffic_server` in packages and common builds, most likely first. `*` stands for any one directory.
pub const USUAL_BINARIES: &[&str] = &[
    "/usr/bin/traffic_server",
    "/usr/sbin/traffic_server",
    "/opt/trafficserver/bin/traffic_server",
    "/opt/ts/bin/traffic_server",
    "/opt/ats/bin/traffic_server",
    "/usr/local/bin/traffic_server",
    "/usr/local/sbin/traffic_server",
    "/usr/local/trafficserver/bin/traffic_server",
    "/opt/bin/traffic_server",
    "/opt/*/bin/traffic_server",
    "/opt/*/sbin/traffic_server",
    "/usr/local/*/bin/traffic_server",
    "/usr/lib/trafficserver/traffic_server",
    "/usr/libexec/trafficserver/traffic_server",
    "/srv/*/bin/traffic_server",
    "/home/*/bin/traffic_server",
];

/// The directories of an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// `PREFIX`.
    pub prefix: String,
    /// Programs.
    pub bindir: String,
    /// Configuration.
    pub sysconfdir: String,
    /// Libraries.
    pub libdir: String,
    /// Plugins; runroot.yaml calls it `libexecdir`.
    pub plugindir: String,
    /// Logs.
    pub logdir: String,
    /// Sockets and state.
    pub runtimedir: String,
}

/// Why the output of `traffic_layout` is not a layout.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// It is not a JSON object of strings.
    #[error("traffic_layout did not print its layout as JSON; its output starts with `{0}`")]
    NotJson(String),
    /// A directory is missing.
    #[error("traffic_layout does not print {0}")]
    Missing(&'static str),
}

/// Number of braces that are tried as the start of the object: the output comes from the image under test.
const MAX_STARTS: usize = 100;

/// The configuration directory below a prefix that is not that of a package.
const ETC: &str = "etc/trafficserver";

impl Layout {
    /// The layout of an ATS that does not report it, derived from the path of its program: that of a package below
    /// /usr, otherwise that of `make install`. `is_directory` says whether a path is a directory.
    pub fn from_path(binary: &str, is_directory: impl Fn(&str) -> bool) -> Self {
        let bindir = binary.rsplit_once('/').map_or("", |(folder, _)| folder);
        let folder = bindir.rsplit_once('/').map_or("", |(folder, _)| folder);
        // The program may lie deeper, with a script in its usual place: /usr/lib/trafficserver/traffic_server.
        let prefix = if folder == "/usr" || folder.starts_with("/usr/lib") { "/usr" } else { folder };
        let (sysconfdir, var) = match prefix {
            "/usr" | "" => (format!("/{ETC}"), "/var".to_owned()),
            _ => (format!("{prefix}/{ETC}"), format!("{prefix}/var")),
        };
        let libraries = ["lib/trafficserver", "lib64/trafficserver", "lib"].map(|name| format!("{prefix}/{name}"));
        let plugins = ["lib/trafficserver/modules", "lib64/trafficserver/plugins", "libexec/trafficserver"];
        let plugins = plugins.map(|name| format!("{prefix}/{name}"));
        let first = |places: [String; 3]| {
            let [.., last] = places.clone();
            places.into_iter().find(|path| is_directory(path)).unwrap_or(last)
        };
        Self {
            bindir: bindir.to_owned(),
            sysconfdir,
            libdir: first(libraries),
            plugindir: first(plugins),
            logdir: format!("{var}/log/trafficserver"),
            runtimedir: format!("{var}/trafficserver"),
            prefix: prefix.to_owned(),
        }
    }

    /// Parses the output of `traffic_layout info --json` (8.1, 9, 10; 8.1 also accepts `traffic_layout --json`).
    /// Warnings before and after the object are skipped, whatever they contain.
    pub fn parse(output: &str) -> Result<Self, LayoutError> {
        let not_json = || LayoutError::NotJson(output.chars().take(80).collect::<String>().escape_debug().to_string());
        let starts = output.match_indices('{').take(MAX_STARTS).map(|(at, _)| &output[at..]);
        let objects = starts.filter_map(|text| {
            let mut values = serde_json::Deserializer::from_str(text).into_iter::<BTreeMap<String, String>>();
            values.next()?.ok()
        });
        let paths = objects.max_by_key(BTreeMap::len).ok_or_else(not_json)?;
        let path = |key: &'static str| paths.get(key).cloned().ok_or(LayoutError::Missing(key));
        Ok(Self {
            prefix: path("PREFIX")?,
            bindir: path("BINDIR")?,
            sysconfdir: path("SYSCONFDIR")?,
            libdir: path("LIBDIR")?,
            plugindir: path("PLUGINDIR")?,
            logdir: path("LOGDIR")?,
            runtimedir: path("RUNTIMEDIR")?,
        })
    }

    /// A root in `dir` for this installation: written files are there, while programs, libraries and plugins stay where
    /// they are. So any user can run ATS, and the directories of packages stay unchanged.
    pub fn private_root(&self, dir: &str) -> PrivateRoot {
        let under = |name: &str| format!("{}/{name}", dir.trim_end_matches('/'));
        PrivateRoot {
            installed: self.clone(),
            dir: dir.to_owned(),
            sysconfdir: under("etc"),
            datadir: under("data"),
            localstatedir: under("var"),
            runtimedir: under("run"),
            logdir: under("log"),
            cachedir: under("cache"),
        }
    }
}

/// A writable root for one ATS. `traffic_layout init` cannot make one: with the layout of a package it keeps /etc, /var
/// and /run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateRoot {
    installed: Layout,
    /// The directory for `traffic_server --run-root=DIR` or `TS_RUNROOT`. It contains runroot.yaml.
    pub dir: String,
    /// Configuration.
    pub sysconfdir: String,
    /// Read-only data of programs; unused, but it must exist.
    pub datadir: String,
    /// State.
    pub localstatedir: String,
    /// Sockets and records snapshots.
    pub runtimedir: String,
    /// Logs.
    pub logdir: String,
    /// Cache and host database.
    pub cachedir: String,
}

impl PrivateRoot {
    /// The directories that must exist before ATS starts.
    pub fn directories(&self) -> [&str; 6] {
        [&self.sysconfdir, &self.datadir, &self.localstatedir, &self.runtimedir, &self.logdir, &self.cachedir]
    }

    /// The text of runroot.yaml. All paths are absolute: ATS resolves relative ones from the root.
    pub fn runroot_yaml(&self) -> String {
        let installed = &self.installed;
        let entries = [
            ("prefix", &installed.prefix),
            ("exec_prefix", &installed.prefix),
            ("bindir", &installed.bindir),
            ("sbindir", &installed.bindir),
            ("sysconfdir", &self.sysconfdir),
            ("datadir", &self.datadir),
            ("libdir", &installed.libdir),
            ("libexecdir", &installed.plugindir),
            ("localstatedir", &self.localstatedir),
            ("runtimedir", &self.runtimedir),
            ("logdir", &self.logdir),
            ("cachedir", &self.cachedir),
        ];
        entries.map(|(key, path)| format!("{key}: '{}'\n", path.replace('\'', "''"))).concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Debian 12, 9.2.9.
    const DEBIAN: &str = r#"{
    "PREFIX": "/usr",
    "BINDIR": "/usr/bin",
    "SYSCONFDIR": "/etc/trafficserver",
    "LIBDIR": "/usr/lib/trafficserver",
    "LOGDIR": "/var/log/trafficserver",
    "RUNTIMEDIR": "/run/trafficserver",
    "PLUGINDIR": "/usr/lib/trafficserver/modules",
    "INCLUDEDIR": "/usr/include",
    "records.config": "/etc/trafficserver/records.config",
    "ip_allow.yaml": "/etc/trafficserver/ip_allow.yaml"
}"#;

    #[test]
    fn the_layout_of_a_package_is_read_and_warnings_before_it_are_skipped() {
        let layout = Layout::parse(&format!("WARNING: no runroot\n{DEBIAN}\n")).unwrap();
        assert_eq!(layout.plugindir, "/usr/lib/trafficserver/modules");
        assert_eq!(
            (layout.sysconfdir.as_str(), layout.runtimedir.as_str()),
            ("/etc/trafficserver", "/run/trafficserver")
        );
    }

    #[test]
    fn output_of_a_script_or_the_loader_around_it_is_skipped() {
        let noise = "starting {not json}\n{} { \"PREFIX\": 1 }\n";
        let layout = Layout::parse(&format!("{noise}{DEBIAN}\nERROR: ld.so: {{cannot}} be preloaded\n")).unwrap();
        assert_eq!(layout, Layout::parse(DEBIAN).unwrap());
        assert!(matches!(Layout::parse(&"{".repeat(1 << 16)), Err(LayoutError::NotJson(_))));
    }

    #[test]
    fn an_ats_that_does_not_report_its_layout_has_that_of_its_path() {
        let reported = Layout::parse(DEBIAN).unwrap();
        let guessed = Layout::from_path("/usr/bin/traffic_server", |path| path.starts_with("/usr/lib/trafficserver"));
        let places = |layout: &Layout| {
            [&layout.prefix, &layout.bindir, &layout.sysconfdir, &layout.libdir, &layout.plugindir].map(Clone::clone)
        };
        assert_eq!(places(&guessed), places(&reported));
        let own = Layout::from_path("/opt/ats/bin/traffic_server", |_| false);
        assert_eq!(
            places(&own),
            [
                "/opt/ats",
                "/opt/ats/bin",
                "/opt/ats/etc/trafficserver",
                "/opt/ats/lib",
                "/opt/ats/libexec/trafficserver"
            ]
        );
        for odd in ["", "traffic_server", "/traffic_server", "/usr/lib/x/traffic_server"] {
            let _ = Layout::from_path(odd, |_| true).private_root("/run/x").runroot_yaml();
        }
    }

    #[test]
    fn an_invalid_layout_is_refused_with_its_start_or_the_missing_name() {
        assert!(Layout::parse("PREFIX: /usr\n").unwrap_err().to_string().contains("starts with `PREFIX: /usr\\n`"));
        assert!(Layout::parse("{\"PREFIX\": 1}").is_err() && Layout::parse("").is_err());
        assert_eq!(
            Layout::parse("{\"PREFIX\": \"/\"}").unwrap_err().to_string(),
            "traffic_layout does not print BINDIR"
        );
    }

    #[test]
    fn a_private_root_keeps_programs_and_moves_written_files() {
        let root = Layout::parse(DEBIAN).unwrap().private_root("/run/ats-1/");
        insta::assert_snapshot!(root.runroot_yaml(), @r"
        prefix: '/usr'
        exec_prefix: '/usr'
        bindir: '/usr/bin'
        sbindir: '/usr/bin'
        sysconfdir: '/run/ats-1/etc'
        datadir: '/run/ats-1/data'
        libdir: '/usr/lib/trafficserver'
        libexecdir: '/usr/lib/trafficserver/modules'
        localstatedir: '/run/ats-1/var'
        runtimedir: '/run/ats-1/run'
        logdir: '/run/ats-1/log'
        cachedir: '/run/ats-1/cache'
        ");
        assert!(root.directories().iter().all(|directory| directory.starts_with("/run/ats-1/")));
    }
}
