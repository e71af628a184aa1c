//! Hostile text is escaped everywhere. Without escaping, the page's policy would still keep it from running.

use crate::browser::{Browser, DESKTOP, View};
use crate::script::has_no_problems;
use crate::site::{HOSTILE, made};

#[test]
fn hostile_text_is_shown_and_does_nothing() {
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
    has_no_problems(&mut browser, &site);
}

/// Markup that a broken escaping would let in does not run.
#[test]
fn the_policy_blocks_injected_markup() {
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
    assert!(browser.holds("document.querySelectorAll('script').length > 1"), "it was injected");
    assert!(browser.holds("typeof window.broken === 'undefined'"), "it ran");
    assert!(browser.holds("getComputedStyle(document.getElementById('styled')).color !== 'rgb(255, 0, 0)'"));
    assert!(browser.shows("#filters"), "the page's own script ran");
    let problems = browser.problems(&url);
    assert!(problems.iter().any(|text| text.contains("Content Security Policy")), "{problems:#?}");
    assert!(!problems.iter().any(|text| text.starts_with("request")), "{problems:#?}");
}
