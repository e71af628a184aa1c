//! What ATS complains about in the configuration that it was started with.

use std::sync::LazyLock;

use regex::Regex;

use super::{Level, diags_line, is_early_end, pattern, unknown_setting};

/// Words of warnings after which part of a configuration does not work. Others tell of something that does.
static TROUBLE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)will not function|fail|cannot|can't|can not|could not|couldn't|unable|missing|invalid|unknown|unrecogni[sz]ed|undefined|not (?:found|exist|supported|registered|loaded)|no such file|does not|doesn't|illegal|malformed|ignor|syntax|unsupported|denied|deprecated|error",
    )
});

/// Files of a life of ATS, whose name differs from run to run.
static LIFE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\S*/run/atsmatrix/ats-\d+/(?:etc/)?"));

/// Warnings that every cell has, whatever the configuration. 8.1 warns at its first start that it has no host.db yet.
const OF_CELLS: &[&str] = &["Cache Disabled", "cache disabled", "core file", "hugepages", "host.db"];

/// What a line of ATS says about a part of its configuration that does not work, without time and source; `None`: nothing.
pub fn complaint(line: &str) -> Option<String> {
    if let Some(name) = unknown_setting(line) {
        return Some(format!("ATS does not know the setting {name} and ignores it"));
    }
    let text = match diags_line(line) {
        Some(found) if found.level >= Level::Error => found.text,
        Some(found) if found.level == Level::Warning && TROUBLE.is_match(found.text) => found.text,
        None if is_early_end(line) => line,
        Some(_) | None => return None,
    };
    let text = LIFE.replace_all(text, "").trim().to_owned();
    (!text.is_empty() && !OF_CELLS.iter().any(|known| text.contains(known))).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::complaint;

    #[test]
    fn errors_and_warnings_of_something_that_does_not_work_are_complaints() {
        let line = |level: &str, text: &str| format!("[Nov 29 03:04:30.022] traffic_server {level}: {text}");
        assert_eq!(
            complaint(&line("WARNING", "Unrecognized configuration value 'proxy.config.foo'")).unwrap(),
            "ATS does not know the setting proxy.config.foo and ignores it"
        );
        assert_eq!(
            complaint(&line("ERROR", "[ReverseProxy] /run/atsmatrix/ats-3/etc/remap.config is bad")).unwrap(),
            "[ReverseProxy] remap.config is bad"
        );
        assert!(complaint(&line("WARNING", "HTTPS in remap rules will not function")).is_some());
        assert_eq!(complaint(&line("WARNING", "Cache Disabled")), None);
        assert_eq!(complaint(&line("WARNING", "Error loading cache from /run/atsmatrix/ats-1/run/host.db: -1")), None);
        assert_eq!(complaint(&line("NOTE", "cannot say")), None);
        assert_eq!(complaint("anything else that failed"), None);
    }
}
