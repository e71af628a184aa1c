//! What the page does with JavaScript: filters, permalinks, comparison, keys, theme.

use crate::browser::{Browser, DESKTOP, View};
use crate::site::{Site, made, real};

/// Asserts that there were no console messages, requests or dialogs.
pub(crate) fn has_no_problems(browser: &mut Browser, site: &Site) {
    let problems = browser.problems(&site.url(""));
    assert!(problems.is_empty(), "{problems:#?}");
}

/// The cells that the matrix shows and that are not filtered out.
const SHOWN: &str = "[...document.querySelectorAll('.matrix td:not(.off) a')].filter(a => a.checkVisibility()).map(a => a.dataset.cell).join(' ')";

/// The cells of the repository's results.
fn cells() -> Vec<serde_json::Value> {
    let text = include_str!("../../results/matrix.json");
    let results: serde_json::Value = serde_json::from_str(text).unwrap();
    results["cells"].as_array().unwrap().clone()
}

/// The ids of the cells that fail, in the order of the table.
fn failing() -> Vec<String> {
    let cells = cells().into_iter().filter(|cell| cell["verdict"] == "fail");
    cells.map(|cell| cell["id"].as_str().unwrap().to_owned()).collect()
}

/// The OpenSSL that ATS 9.2.5 loaded on Debian 13, read from the results because the distro updates it.
fn openssl() -> String {
    let cell = cells().into_iter().find(|cell| cell["id"] == "debian-13/9.2.5").unwrap();
    cell["provenance"]["openssl"]["version"].as_str().unwrap().to_owned()
}

#[test]
fn filters_are_applied_and_kept_in_the_address() {
    let site = real();
    let mut browser = Browser::start(DESKTOP);
    browser.open(&site.url(""));
    let whole = browser.text(SHOWN);
    assert!(whole.contains("debian-13/9.2.5") && whole.contains("debian-12/9.2.9"), "{whole}");

    browser.click(".chip:has([value=fail])");
    let failing = failing();
    assert!(failing.iter().any(|id| id == "debian-13/9.2.5"), "{failing:?}");
    assert_eq!(browser.text(SHOWN), failing.join(" "));
    let count = format!("{} of ", failing.len());
    assert!(browser.text("document.getElementById('shown').textContent").starts_with(&count));
    browser.click("#filter-text");
    let openssl = openssl();
    browser.type_text(&format!("{openssl} ats-11465"));
    // Row by row: installed anew, and upgraded in place.
    let both = "debian-13/9.2.5 debian-12-to-13/9.2.5";
    assert_eq!(browser.text(SHOWN), both);
    let address = browser.text("location.search");
    assert!(address.contains("verdict=fail") && address.contains(&format!("q={openssl}")), "{address}");

    browser.open(&site.url(&address));
    assert_eq!(browser.text(SHOWN), both, "the address restores the filters");
    browser.click("#clear");
    browser.until("location.search === ''");
    assert_eq!(browser.text(SHOWN), whole);

    browser.open(&site.url("?distro=debian-12&ats=9.2.9"));
    assert_eq!(browser.text(SHOWN), "debian-12/9.2.9");
    assert!(browser.holds("!document.querySelector('th[data-ats=\"9.2.5\"]').checkVisibility()"));
    browser.open(&site.url("?q=xyzzy+plugh"));
    assert_eq!(browser.text(SHOWN), "");
    assert!(browser.shows("#empty"));
    has_no_problems(&mut browser, &site);
}

#[test]
fn a_click_leads_to_a_cell_its_trials_and_their_packets() {
    let site = real();
    let mut browser = Browser::start(DESKTOP);
    browser.open(&site.url(""));
    assert!(!browser.shows(".cell"));
    browser.click("a[data-cell='debian-13/9.2.5']");
    browser.until("document.querySelector('[data-cell=\"debian-13/9.2.5\"].cell').checkVisibility()");
    assert_eq!(browser.text("document.activeElement.id"), "cell/debian-13/9.2.5");
    assert!(browser.holds("document.querySelectorAll('.cell').length > [...document.querySelectorAll('.cell')].filter(it => it.checkVisibility()).length"));
    assert_eq!(browser.text("document.querySelector('[aria-current]').dataset.cell"), "debian-13/9.2.5");

    let trial = ".cell:target [data-trial=tls12-only]";
    assert!(!browser.shows(&format!("{trial} .ladder")));
    browser.click(&format!("{trial} > summary"));
    assert!(browser.shows(&format!("{trial} .ladder svg")));
    let packets = browser.text(&format!("document.querySelector('{trial} .ladder svg').textContent"));
    for name in ["ATS", "origin", "SYN", "SYN ACK", "FIN ACK"] {
        assert!(packets.contains(name), "{packets}");
    }
    let evidence = browser.text(&format!("document.querySelector('{trial} .evidence').innerText"));
    assert!(evidence.contains("no ClientHello") && evidence.contains("error.log"), "{evidence}");

    browser.click(".cell:target .close");
    browser.until("!document.querySelector('[data-cell=\"debian-13/9.2.5\"].cell').checkVisibility()");
    has_no_problems(&mut browser, &site);
}

#[test]
fn a_permalink_opens_its_trial_and_back_returns() {
    let site = made();
    let mut browser = Browser::start(DESKTOP);
    browser.open(&site.url("#trial/debian-13/9.2.5/tls-reused"));
    let ladder = "[id='trial/debian-13/9.2.5/tls-reused'] .ladder";
    assert!(browser.shows(ladder), "collapsed groups around it are expanded");
    assert!(browser.holds(&format!(
        "(box => box.top < innerHeight && box.bottom > 0)(document.querySelector(\"{ladder}\").getBoundingClientRect())"
    )));
    let drawn = browser.text(&format!("document.querySelector(\"{ladder}\").textContent"));
    for text in ["517 bytes", "1448 bytes", "90 µs", "2.40 s", "packets not drawn", "RST"] {
        assert!(drawn.contains(text), "{text} in {drawn}");
    }
    let label = browser.text(&format!("document.querySelector(\"{ladder} svg\").getAttribute('aria-label')"));
    assert!(label.contains("origin to ATS: SYN ACK at 90 µs"), "{label}");

    browser.value("location.hash = 'cell/debian-12/9.2.9'");
    browser.until("document.querySelector('[data-cell=\"debian-12/9.2.9\"].cell').checkVisibility()");
    browser.value("history.back()");
    browser.until(&format!("document.querySelector(\"{ladder}\").checkVisibility()"));
    has_no_problems(&mut browser, &site);
}

#[test]
fn two_cells_are_compared_side_by_side() {
    let site = real();
    let mut browser = Browser::start(DESKTOP);
    browser.open(&site.url("#compare/debian-12/9.2.5/debian-13/9.2.5"));
    let rows = "[...document.querySelectorAll('#difference tr.differs')].map(row => row.innerText).join('\\n')";
    let differing = browser.text(rows);
    assert!(differing.contains("OpenSSL") && differing.contains(&openssl()), "{differing}");
    assert!(!differing.contains("kernel"), "{differing}");
    browser.click("#same");
    assert!(browser.holds(
        "[...document.querySelectorAll('#difference tr:not(.differs) th')].some(th => th.textContent === 'kernel')"
    ));
    assert_eq!(browser.text(rows), differing);
    browser.value("(() => { const it = document.querySelector('#pair [name=one]'); it.value = 'debian-13/9.2.5'; it.dispatchEvent(new Event('input', {bubbles: true})); })()");
    assert!(
        browser.text("document.getElementById('differing').textContent").starts_with("This is the same cell twice.")
    );
    assert_eq!(browser.text("location.hash"), "#compare/debian-13/9.2.5/debian-13/9.2.5");

    browser.click("a[data-cell='debian-14/9.2.5']");
    browser.until("document.querySelector('.cell:target [data-compare]') !== null");
    browser.click(".cell:target [data-compare]");
    browser.until("document.querySelector('#pair [name=one]').value === 'debian-14/9.2.5'");
    has_no_problems(&mut browser, &site);
}

#[test]
fn the_keyboard_reaches_everything() {
    let site = real();
    let mut browser = Browser::start(DESKTOP);
    browser.open(&site.url(""));
    browser.press("Tab");
    assert_eq!(browser.text("document.activeElement.textContent"), "Skip to the matrix");
    browser.press("/");
    assert_eq!(browser.text("document.activeElement.id"), "filter-text");
    browser.press("/");
    assert_eq!(browser.text("document.activeElement.value"), "/", "a slash in a text field is a slash");

    browser.open(&site.url(""));
    browser.value("document.querySelector('a[data-cell=\"debian-12/9.2.5\"]').focus()");
    browser.press("ArrowDown");
    assert_eq!(browser.text("document.activeElement.dataset.cell"), "debian-13/9.2.5");
    browser.press("ArrowRight");
    assert_eq!(browser.text("document.activeElement.dataset.cell"), "debian-13/9.2.5-backport");
    browser.press("ArrowLeft");
    browser.press("Enter");
    browser.until("document.activeElement.id === 'cell/debian-13/9.2.5'");
    browser.press("Escape");
    browser.until("document.activeElement.dataset.cell === 'debian-13/9.2.5'");
    assert!(!browser.shows(".cell"));
    has_no_problems(&mut browser, &site);
}

#[test]
fn the_theme_follows_the_system_until_one_is_chosen() {
    let site = real();
    let mut browser = Browser::start(View { dark: true, ..DESKTOP });
    let ground = "getComputedStyle(document.documentElement).backgroundColor";
    browser.open(&site.url(""));
    let dark = browser.text(ground);
    browser.set_view(DESKTOP);
    let light = browser.text(ground);
    assert_ne!(light, dark);
    for (label, colour) in [("Theme: light", &light), ("Theme: dark", &dark), ("Theme: system", &light)] {
        browser.click("#theme");
        assert_eq!(browser.text("document.getElementById('theme').textContent"), label);
        assert_eq!(&browser.text(ground), colour, "{label}");
    }
    browser.click("#theme");
    browser.click("#theme");
    browser.open(&site.url(""));
    assert_eq!(browser.text(ground), dark, "the choice is saved");
    has_no_problems(&mut browser, &site);
}
