//! Hostile text stays text, in every place it can come to; and were it not escaped, the page's policy
//! would still keep it from running.

use crate::browser::{Browser, DESKTOP, View};
use crate::script::is_calm;
use crate::site::{HOSTILE, made};

#[test]
fn hostile_text_shows_and_does_nothing() {
    let site = made();
    let mut browser = Browser::start(DESKTOP);
    for place in [
        "",
        "#trial/debian-13/9.2.5/tls-remote-origin",
        "#cell/forecast/9.2.9",
        "#compare/debian-12/9.2.5/debian-13/9.2.5",
    ] {
        browser.open(&site.url(place));
        browser.value("document.querySelectorAll('details').forEach(it => { it.open = true; })");
        browser.until("document.readyState === 'complete'");
        assert!(browser.holds("typeof window.broken === 'undefined'"), "{place}");
        assert!(
            browser
                .holds("document.querySelectorAll('img, iframe, object, embed, video, base, [srcdoc]').length === 0"),
            "{place}"
        );
        assert!(browser.holds("document.querySelectorAll('script').length === 1"), "{place}");
        let handlers = "[...document.querySelectorAll('*')].flatMap(it => [...it.attributes]).filter(it => it.name.startsWith('on') || it.name === 'style').length";
        assert_eq!(browser.value(handlers), 0, "{place}");
        let links = "[...document.querySelectorAll('a')].every(a => /^(#|https?:)/.test(a.getAttribute('href')))";
        assert!(browser.holds(links), "{place}");
    }
    browser.open(&site.url("#trial/debian-13/9.2.5/tls-remote-origin"));
    let shown = browser.text("document.querySelector('.cell:has(:target)').innerText");
    for text in HOSTILE {
        assert!(shown.contains(text), "{text}");
    }
    is_calm(&mut browser, &site);
}

/// The second wall, tried: what an escaping that failed would let in does not run.
#[test]
fn the_policy_stops_what_is_not_of_the_page() {
    let site = made();
    let file = site.url("");
    let page = std::fs::read_to_string(file.strip_prefix("file://").unwrap()).unwrap();
    let broken = format!("<p>{}</p>", HOSTILE.join("</p><p>"));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("broken.html");
    std::fs::write(&path, page.replace("<main>", &format!("<main>{broken}<p style='color:red' id=styled>x</p>")))
        .unwrap();
    let mut browser = Browser::start(View { dark: false, ..DESKTOP });
    let url = format!("file://{}", path.display());
    browser.open(&url);
    assert!(browser.holds("document.querySelectorAll('script').length > 1"), "it was let in");
    assert!(browser.holds("typeof window.broken === 'undefined'"), "and ran");
    assert!(browser.holds("getComputedStyle(document.getElementById('styled')).color !== 'rgb(255, 0, 0)'"));
    assert!(browser.shows("#filters"), "the page's own script ran");
    let complaints = browser.complaints(&url);
    assert!(complaints.iter().any(|text| text.contains("Content Security Policy")), "{complaints:#?}");
    assert!(!complaints.iter().any(|text| text.starts_with("request")), "{complaints:#?}");
}
