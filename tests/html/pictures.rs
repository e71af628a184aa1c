//! Screenshots of the page of this repository's results. `ATSMATRIX_SCREENSHOTS=DIR` saves them in `DIR`, for example in
//! docs/screenshots.

use std::path::PathBuf;

use crate::browser::{Browser, DESKTOP, PHONE, View};
use crate::site::at_hand;

/// Maximum size of a screenshot in the repository, in bytes.
const MOST: usize = 200_000;

#[test]
fn screenshots_are_small_and_not_empty() {
    let site = at_hand();
    let keep = std::env::var_os("ATSMATRIX_SCREENSHOTS").map(PathBuf::from);
    let seed = "#trial/debian-13/9.2.5/tls-remote-origin";
    let dark = View { dark: true, ..DESKTOP };
    for (name, view, place) in [
        ("matrix-light", DESKTOP, ""),
        ("matrix-dark", dark, ""),
        ("trial-light", DESKTOP, seed),
        ("trial-dark", dark, seed),
        ("compare-light", DESKTOP, "#compare/debian-12/9.2.5/debian-13/9.2.5"),
        ("phone-light", PHONE, ""),
        ("phone-dark", View { dark: true, ..PHONE }, "#cell/debian-13/9.2.5"),
    ] {
        let mut browser = Browser::start(view);
        browser.open(&site.url(place));
        browser.value("document.fonts.ready.then(() => true)");
        let picture = browser.screenshot();
        // Width and height are in the first chunk (PNG, section 11.2.1).
        let edge = |at: usize| u32::from_be_bytes(picture[at..at + 4].try_into().unwrap());
        assert_eq!((edge(16), edge(20)), (view.width, view.height), "{name}");
        assert!((10_000..MOST).contains(&picture.len()), "{name} has {} bytes", picture.len());
        if let Some(dir) = &keep {
            std::fs::create_dir_all(dir).unwrap();
            std::fs::write(dir.join(format!("{name}.png")), &picture).unwrap();
        }
    }
}
