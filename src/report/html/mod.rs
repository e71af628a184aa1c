//! The result as one self-contained page: it loads nothing, works without JavaScript and better with it, and shows
//! hostile text as text.
//!
//! [`crate::words::escape`] makes control characters visible and truncates text of containers; maud escapes it in text
//! and attributes. If both failed, the page's Content-Security-Policy would still allow only the script and style
//! whose hashes are those of `page.js` and `page.css`, which contain no text of a result.
//!
//! Cells have the address `#cell/DISTRO/ATS`, trials `#trial/DISTRO/ATS/TRIAL`, comparisons
//! `#compare/DISTRO/ATS/DISTRO/ATS`. The first two are elements, so that the browser finds them without a script.

mod bisection;
mod cell;
mod compare;
mod evidence;
mod findings;
mod ladder;
mod legend;
mod matrix;
mod observed;
mod outline;
mod parts;
mod past;
mod svg;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::details::Details;
use crate::model::MatrixResult;
use crate::words::escape::SHORT;
use crate::words::grid::Grid;
use crate::words::mark::tally;
use parts::shown;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The favicon, as a data URL.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
                    %3Crect width='16' height='16' rx='3' fill='%23116641'/%3E\
                    %3Cpath d='M4 8.5l2.7 2.7L12 5.5' fill='none' stroke='%23fff' stroke-width='2'/%3E%3C/svg%3E";

/// The content of a page.
#[derive(Clone, Copy)]
struct Page<'a> {
    result: &'a MatrixResult,
    grid: &'a Grid<'a>,
    details: &'a Details,
}

/// The page. The same result and details give the same bytes. Ends with a newline.
pub fn render(result: &MatrixResult, details: &Details) -> String {
    let grid = Grid::new(result);
    let page = Page { result, grid: &grid, details };
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            (head(&grid))
            body {
                (parts::symbols())
                a.skip href="#matrix" { "Skip to the matrix" }
                (masthead(&grid, details))
                main {
                    (matrix::section(page))
                    (cell::sections(page))
                    (findings::section(&grid))
                    (compare::section(&grid))
                    @if let Some(past) = &details.past { (past::section(&grid, past)) }
                    @else if details.no_past { (past::missing()) }
                    (legend::section())
                }
                (footer(result))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    markup.into_string() + "\n"
}

/// The policy must come before everything it applies to.
fn head(grid: &Grid) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy());
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="referrer" content="no-referrer";
            meta name="color-scheme" content="light dark";
            meta name="generator" content="atsmatrix";
            title { "Apache Traffic Server by Linux distro: " (tally(grid.cells())) }
            link rel="icon" href=(ICON);
            style { (PreEscaped(STYLE)) }
        }
    }
}

/// Allows only the style and script with these hashes, and the favicon as `data:`.
fn policy() -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

fn masthead(grid: &Grid, details: &Details) -> Markup {
    html! {
        header.masthead {
            h1 { "Apache Traffic Server " span { "by Linux distro" } }
            nav aria-label="Sections" {
                a href="#matrix" { "Matrix" }
                a href="#findings" { "Findings" }
                a href="#compare" { "Compare" }
                @if details.past.is_some() || details.no_past { a href="#history" { "History" } }
                a href="#legend" { "Legend" }
                button #theme type="button" hidden { "Theme: system" }
            }
            p.sum { (tally(grid.cells())) }
        }
    }
}

fn footer(result: &MatrixResult) -> Markup {
    html! {
        footer {
            p {
                "Written by " code { "atsmatrix report" } ". Digest of " code { "matrix.yaml" } " as run: "
                code.digest { (shown(&result.matrix, SHORT)) } "."
            }
        }
    }
}

#[cfg(test)]
mod tests;
