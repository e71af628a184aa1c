//! The page without JavaScript, and on a phone.

use crate::browser::{Browser, DESKTOP, PHONE, View};
use crate::script::has_no_problems;
use crate::site::{made, real};

#[test]
fn cells_trials_and_packets_work_without_javascript() {
    let site = made();
    let mut browser = Browser::start(View { script: false, ..DESKTOP });
    browser.open(&site.url(""));
    for hidden in ["#filters", "#theme", "#pair", ".cell"] {
        assert!(!browser.shows(hidden), "{hidden} needs the script");
    }
    browser.click("a[data-cell='debian-13/9.2.5']");
    assert!(browser.shows("[data-cell='debian-13/9.2.5'].cell"));
    assert!(!browser.shows("[data-cell='debian-12/9.2.5'].cell"));
    browser.click(".cell:target [data-trial=tls-remote-origin] > summary");
    browser.click(".cell:target [data-trial=tls-remote-origin] > summary");
    assert!(browser.shows(".cell:target [data-trial=tls-remote-origin] .ladder svg"));
    assert!(browser.shows(".cell:target .strip"));

    browser.open(&site.url("#trial/debian-13/9.2.5/tls-reused"));
    assert!(
        browser.shows("[id='trial/debian-13/9.2.5/tls-reused'] .ladder"),
        "the browser expands the target of a permalink"
    );
    browser.click("#compare .all > summary");
    assert!(browser.shows("#compare .all table"), "what ran in all cells needs no script");
    has_no_problems(&mut browser, &site);
}

#[test]
fn on_a_phone_nothing_is_wider_than_the_screen() {
    for site in [real(), made()] {
        let mut browser = Browser::start(PHONE);
        for place in ["", "#cell/debian-13/9.2.5", "#trial/debian-13/9.2.5/tls-remote-origin", "#compare", "#history"] {
            browser.open(&site.url(place));
            browser.value("document.querySelectorAll('details').forEach(it => { it.open = true; })");
            let wide = browser.text(
                "[...document.querySelectorAll('body *')].filter(it => it.checkVisibility() && !it.closest('.scroll, .vh, .symbols, .skip') \
                 && it.getBoundingClientRect().right > 360.5).map(it => it.tagName + '.' + it.className + ' ' + it.id).join(', ')",
            );
            assert_eq!(wide, "", "{place}");
            let widths = browser.value("[document.documentElement.scrollWidth, innerWidth]");
            assert_eq!(widths, serde_json::json!([360, 360]), "{place}");
        }
        browser.open(&site.url(""));
        assert!(browser.holds("(box => box.scrollWidth > box.clientWidth)(document.querySelector('#matrix .scroll'))"));
        has_no_problems(&mut browser, &site);
    }
}
