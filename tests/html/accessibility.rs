//! Checks the page in its states with axe-core (`axe.min.js`, see the README).

use crate::browser::{Browser, DESKTOP, PHONE, View};
use crate::site::{Site, made, real_few};

const AXE: &str = include_str!("axe.min.js");

/// The violated rules with their elements, and the rules that passed.
const RUN: &str = "axe.run(document, { resultTypes: ['violations'] }).then(found => JSON.stringify({ \
    broken: found.violations.map(rule => rule.id + ': ' + rule.help + '\\n' + rule.nodes.slice(0, 5).map(node => '  ' + node.target.join(' ') + ' ' + node.failureSummary).join('\\n')), \
    held: found.passes.map(rule => rule.id) }))";

/// The cells that are opened here, among others.
fn few() -> Site {
    real_few(&["debian-12/9.2.9", "debian-13/9.2.5"])
}

#[test]
fn axe_finds_no_violation() {
    let dark = View { dark: true, ..DESKTOP };
    for (site, view) in [(few(), DESKTOP), (few(), dark), (made(), PHONE), (made(), dark), (made(), DESKTOP)] {
        let mut browser = Browser::start(view);
        for place in ["", "?verdict=fail", "#trial/debian-13/9.2.5/tls-remote-origin", "#cell/debian-12/9.2.9"] {
            browser.open(&site.url(place));
            if place.contains("verdict") {
                let off = "document.querySelectorAll('.matrix td.off a').length > 0 && \
                    [...document.querySelectorAll('.matrix td.off a')].every(a => a.tabIndex === -1)";
                assert_eq!(browser.value(off), true, "filtered cells are skipped by the keyboard");
            }
            browser.value("document.querySelectorAll('details').forEach(it => { it.open = true; })");
            browser.value(AXE);
            let found: serde_json::Value = serde_json::from_str(&browser.text(RUN)).unwrap();
            let violations: Vec<_> =
                found["broken"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
            assert!(violations.is_empty(), "{view:?} {place}\n{}", violations.join("\n"));
            let held: Vec<_> = found["held"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
            for rule in ["color-contrast", "label", "th-has-data-cells", "svg-img-alt"] {
                assert!(
                    held.contains(&rule) || (rule == "svg-img-alt" && !place.contains("trial")),
                    "{rule} was not checked: {held:?}"
                );
            }
        }
    }
}

/// Shows that the check can fail.
#[test]
fn axe_finds_a_missing_label() {
    let site = few();
    let mut browser = Browser::start(DESKTOP);
    browser.open(&site.url(""));
    browser.value(
        "document.querySelector('#filter-text').closest('label').replaceWith(document.querySelector('#filter-text'))",
    );
    browser.value("document.querySelector('#filter-text').removeAttribute('placeholder')");
    browser.value(AXE);
    let found = browser.text(RUN);
    assert!(found.contains("\"label: "), "{found}");
}
