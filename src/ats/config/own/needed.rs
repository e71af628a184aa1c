//! Settings that a cell lays over a configuration of the user's own, and why.

/// Settings of the baseline without which no ATS could run in a cell or be seen there, by their 9.x names behind
/// `proxy.config.`, with what reports say in place of a value that differs from cell to cell. All others of the baseline are
/// premises of trials, and laid over in these alone.
pub(super) const NEEDED: &[(&str, Option<&str>)] = &[
    ("admin.user_id", Some("#-1, the user of the cell")),
    ("crash_log_helper", Some("none, as the cell sees a crash by its signal")),
    ("diags.output.status", LOGGED),
    ("diags.output.note", LOGGED),
    ("diags.output.warning", LOGGED),
    ("diags.output.error", LOGGED),
    ("diags.output.fatal", LOGGED),
    ("diags.output.alert", LOGGED),
    ("diags.output.emergency", LOGGED),
    ("log.max_secs_per_buffer", None),
    ("log.log_buffer_size", None),
    ("log.max_space_mb_for_logs", None),
    ("log.max_space_mb_headroom", None),
    ("log.periodic_tasks_interval", None),
    ("dns.nameservers", Some("the name server of the cell")),
    ("dns.resolv_conf", Some("none, as the cell has its own name server")),
    ("dns.search_default_domains", None),
    ("http.server_ports", Some("ports of the cell on 127.0.0.1, one of them for TLS")),
    ("ssl.client.CA.cert.path", AUTHORITY),
    ("ssl.client.CA.cert.filename", AUTHORITY),
];

const LOGGED: Option<&str> = Some("LE, so that the cell sees what ATS says");
const AUTHORITY: Option<&str> = Some("the CA of the cell's origins");

/// Settings that are laid over where the user sets them, by their names in every version behind `proxy.config.`: the value,
/// whether it is a number, and why.
pub(super) const IF_SET: &[(&str, &str, bool, &str)] = &[
    ("dns.splitDNS.enabled", "0", true, "0, as the cell has its own name server"),
    ("hostdb.host_file.path", "NULL", false, "none, as the addresses in it are not in the cell"),
    ("diags.logfile.filename", "diags.log", false, "diags.log, which the cell reads"),
    ("error.logfile.filename", "error.log", false, "error.log, which the cell reads"),
    ("url_remap.filename", "remap.config", false, "remap.config, which includes yours"),
    ("ssl.server.multicert.filename", "ssl_multicert.config", false, "ssl_multicert.config, which begins with yours"),
    ("http.parent_proxy.file", "parent.config", false, "parent.config, a copy of yours"),
    ("cache.storage_filename", "storage.config", false, "storage.config"),
];

/// Directories that are /etc/trafficserver by default in an ATS of a package, and elsewhere in one that was built here.
pub(super) const IF_UNSET: &[&str] = &[
    "ssl.server.cert.path",
    "ssl.server.private_key.path",
    "ssl.client.cert.path",
    "ssl.client.private_key.path",
    "ssl.CA.cert.path",
];

/// Settings that `TS_RUNROOT` overrides, and what holds in their place.
pub(super) const BY_RUNROOT: &[(&str, &str)] = &[
    ("plugin.plugin_dir", "the plugin directory of the image"),
    ("log.logfile_dir", "a directory of the cell"),
    ("local_state_dir", "a directory of the cell"),
    ("bin_path", "the programs of the image"),
];
