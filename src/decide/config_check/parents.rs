//! parent.config: settings that keep requests from the parents which it names. Both were seen with cells of two ATS.

use super::{Checking, Gravity, whole};
use crate::ats::site::FileLine;

/// 8.1 asks parents only with it; newer versions do not know it.
const ROUTING: &str = "proxy.config.http.parent_proxy_routing_enable";

/// Sends requests that cannot be cached to the origin, past parents that are proxies.
const BYPASS: &str = "proxy.config.http.uncacheable_requests_bypass_parent";

const DOCUMENTED: &str = "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html\
                          #proxy-config-http-uncacheable-requests-bypass-parent";

pub(super) fn check(checking: &mut Checking<'_>) {
    if checking.input.folder.parents.is_empty() {
        return;
    }
    routing(checking);
    bypass(checking);
}

/// The value of a setting in this version: that of the folder, or the default; `None`: it does not know the setting.
fn value<'a>(checking: &Checking<'a>, name: &str) -> Option<&'a str> {
    let known = checking.table.get(name)?;
    let own = checking.input.folder.record(checking.settings_file(), name);
    own.map_or(known.default, |record| Some(record.value.as_str()))
}

fn routing(checking: &mut Checking<'_>) {
    if value(checking, ROUTING) == Some("0") {
        let what = format!("no parent is asked: {ROUTING} is 0 in ATS {}", checking.target.version);
        let todo = format!("set {ROUTING} to 1, or remove the lines");
        checking.find(Gravity::Ignored, "parents-off", whole("parent.config"), what).todo(todo);
    }
}

/// Lines that say `go_direct=false`, and are passed by all the same.
fn bypass(checking: &mut Checking<'_>) {
    if value(checking, BYPASS) != Some("1") {
        return;
    }
    let strict = checking.input.folder.parents.iter().filter(|line| !line.go_direct && line.is_proxy());
    let lines: Vec<FileLine> = strict.map(|line| line.at.clone()).collect();
    for at in lines {
        let what = format!(
            "requests that cannot be cached, such as a POST, go past these parents to the origin, in spite of \
             go_direct=false: {BYPASS} is 1"
        );
        let todo = format!(
            "if they must not, set {BYPASS} to 0, or parent_is_proxy=false where the parents answer like origins"
        );
        checking.find(Gravity::Note, "parents-bypassed", at, what).todo(todo).source(DOCUMENTED);
    }
}
