//! Where an ATS keeps its files, and a private root for a trial run.

use std::collections::BTreeMap;

/// Places of `traffic_server` in packages and usual self-builds, likeliest first; `*` stands for any
/// one directory.
pub const USUAL_BINARIES: &[&str] = &[
    "/usr/bin/traffic_server",
    "/usr/sbin/traffic_server",
    "/opt/trafficserver/bin/traffic_server",
    "/opt/ts/bin/traffic_server",
    "/opt/ats/bin/traffic_server",
    "/usr/local/bin/traffic_server",
    "/usr/local/trafficserver/bin/traffic_server",
    "/opt/*/bin/traffic_server",
    "/opt/*/sbin/traffic_server",
    "/usr/local/*/bin/traffic_server",
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

/// Why an output of `traffic_layout` is no layout.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// It is no JSON object of texts.
    #[error("traffic_layout did not print its layout as JSON; it began with `{0}`")]
    NotJson(String),
    /// A directory is missing.
    #[error("traffic_layout names no {0}")]
    Missing(&'static str),
}

impl Layout {
    /// Reads the output of `traffic_layout info --json` (8.1, 9, 10; 8.1 takes `traffic_layout --json`
    /// as well). Warnings before the object are skipped.
    pub fn parse(output: &str) -> Result<Self, LayoutError> {
        let not_json = || LayoutError::NotJson(output.chars().take(80).collect::<String>().escape_debug().to_string());
        let object = output.find('{').map(|at| &output[at..]).ok_or_else(not_json)?;
        let paths: BTreeMap<String, String> = serde_json::from_str(object).map_err(|_| not_json())?;
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

    /// A root under `dir` for this installation: what is written lies there, programs, libraries and
    /// plugins stay where they are. So any user can run ATS, and packages' directories stay untouched.
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

/// A writable root for one ATS. `traffic_layout init` cannot make one: with a package's layout it keeps
/// /etc, /var and /run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateRoot {
    installed: Layout,
    /// The directory that is given to `traffic_server --run-root=DIR` or as `TS_RUNROOT`;
    /// runroot.yaml lies in it.
    pub dir: String,
    /// Configuration.
    pub sysconfdir: String,
    /// Read-only data of programs; unused, but must exist.
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

    /// The text of runroot.yaml. ATS takes relative paths from the root, so all are absolute.
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
    fn what_is_no_layout_is_refused_with_its_begin_or_the_missing_name() {
        assert!(Layout::parse("PREFIX: /usr\n").unwrap_err().to_string().contains("began with `PREFIX: /usr\\n`"));
        assert!(Layout::parse("{\"PREFIX\": 1}").is_err() && Layout::parse("").is_err());
        assert_eq!(Layout::parse("{\"PREFIX\": \"/\"}").unwrap_err().to_string(), "traffic_layout names no BINDIR");
    }

    #[test]
    fn a_private_root_keeps_programs_and_moves_what_is_written() {
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
