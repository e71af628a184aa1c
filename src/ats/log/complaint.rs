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

/// What says nothing about a configuration, in this order: time and source of a line; where ATS has its copy of a plugin; files of
/// a life of ATS, whose name differs from run to run; and what 9 adds to the reason why a plugin does not load.
static ASIDE: LazyLock<[(Regex, &str); 4]> = LazyLock::new(|| {
    [
        (r"\[\w{3} +\d+ [\d:.]+\] (?:\[[A-Z_]+(?: \d+)?\] |traffic_\w+ )?", ""),
        (r"/run/atsmatrix/ats-\d+/run/[0-9a-f]{8}-[0-9a-f-]{27}/", "/"),
        (r"\S*/run/atsmatrix/ats-\d+/(?:etc/)?", ""),
        (r"failed to remove runtime copy: Success", ""),
    ]
    .map(|(text, with)| (pattern(text), with))
});

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
    let text = without_asides(text);
    (!text.is_empty() && !OF_CELLS.iter().any(|known| text.contains(known))).then_some(text)
}

/// The last words of an ATS, joined by ` | `, as a sentence: each once, without what differs from run to run.
pub fn last_words(text: &str) -> String {
    let mut told: Vec<String> = Vec::new();
    for line in without_asides(text).split(" | ") {
        // What ends ATS stands in its log and on its stderr: `FATAL: a`, then `Fatal: a`.
        let is_again = told.last().is_some_and(|last| {
            let longer = line.get(..last.len());
            longer.is_some_and(|begin| begin.eq_ignore_ascii_case(last))
        });
        if is_again {
            told.pop();
        }
        told.push(line.to_owned());
    }
    told.join(" | ")
}

fn without_asides(text: &str) -> String {
    let without = |text: String, (pattern, with): &(Regex, &str)| pattern.replace_all(&text, *with).into_owned();
    ASIDE.iter().fold(text.to_owned(), without).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{complaint, last_words};

    #[test]
    fn last_words_are_a_sentence() {
        let said = "it said: [Nov 29 11:49:15.032] traffic_server ERROR: [ReverseProxy] failed to add remap rule at \
                    /etc/trafficserver/remap.config line 9: \
                    /run/atsmatrix/ats-0/run/938a9280-98b9-4cf1-8afc-8b9ee35c11ec/etc/trafficserver/undefined.so: undefined \
                    symbol: gonefailed to remove runtime copy: Success | [Nov 29 11:49:15.032] traffic_server FATAL: \
                    remap.config failed to load | Fatal: remap.config failed to load: it ended: exit status 70";
        assert_eq!(
            last_words(said),
            "it said: ERROR: [ReverseProxy] failed to add remap rule at /etc/trafficserver/remap.config line 9: \
             /etc/trafficserver/undefined.so: undefined symbol: gone | Fatal: remap.config failed to load: it ended: exit \
             status 70"
        );
        assert_eq!(last_words("FATAL: no libssl.so.9"), "FATAL: no libssl.so.9");
        assert_eq!(last_words("a | b | a"), "a | b | a");
    }

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
