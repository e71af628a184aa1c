//! What ran, cell by cell.

use std::fmt::Write as _;

use crate::model::{Library, Provenance};
use crate::words::escape::{LINE, SHORT, markdown};
use crate::words::grid::Grid;

use super::row;

/// A table of all cells in which something ran.
pub(super) fn section(grid: &Grid) -> String {
    let ran = || grid.cells().filter(|cell| cell.provenance != Provenance::default());
    // Only older results have a kernel.
    let kernel = ran().any(|cell| cell.provenance.kernel.is_some());
    let rows: Vec<String> = ran()
        .map(|cell| {
            let mut columns = columns(&cell.provenance).to_vec();
            if !kernel {
                columns.remove(KERNEL);
            }
            row(std::iter::once(cell.id.to_string()).chain(columns)) + "\n"
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let (head, line) = if kernel { ("kernel | ", "---|") } else { ("", "") };
    format!(
        "## Provenance\n\n\
         As found at run time inside the cell, not as declared.\n\n\
         | cell | distro | {head}libc | OpenSSL loaded | ATS reported | ATS from | ATS image | recipe |\n\
         |---|---|{line}---|---|---|---|---|---|\n{}",
        rows.concat()
    ) + &remarks(grid)
}

/// TLS settings of cells that differ from the default of their distro.
fn remarks(grid: &Grid) -> String {
    let mut text = String::new();
    for cell in grid.cells() {
        let Some(around) = &cell.provenance.surroundings else { continue };
        let differs = around.openssl_conf.as_ref().and_then(|conf| conf.differs.as_ref()).filter(|it| !it.is_empty());
        let differs = differs.map(|differs| format!("openssl.cnf: {}", differs.join("; ")));
        let set = around.environment.as_ref().filter(|set| !set.is_empty());
        let set = set.and_then(|_| around.variables()).map(|set| format!("environment of ATS: {set}"));
        let remarks: Vec<String> = differs.into_iter().chain(set).map(|it| markdown(&it, LINE)).collect();
        if !remarks.is_empty() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "- {}: {}", cell.id, remarks.join(". "));
        }
    }
    if text.is_empty() { text } else { format!("\nDifferent from the default of the distro:\n\n{text}") }
}

/// The index of the kernel in [`columns`].
const KERNEL: usize = 1;

/// The columns of a cell; unknown values are `?`.
fn columns(provenance: &Provenance) -> [String; 8] {
    let text = |text: Option<&str>, max| text.map_or("?".to_owned(), |text| markdown(text, max));
    let ats = provenance.ats.as_ref();
    let from: Vec<&str> =
        ats.into_iter().flat_map(|ats| [&ats.package, &ats.source]).filter_map(Option::as_deref).collect();
    let images = provenance.images.as_ref();
    [
        text(provenance.distro.as_ref().map(|release| release.name.as_str()), SHORT),
        text(provenance.kernel.as_deref(), SHORT),
        library(provenance.libc.as_ref()),
        library(provenance.openssl.as_ref()),
        text(ats.map(|ats| ats.reported.as_str()), SHORT),
        text(Some(from.join("; ")).filter(|from| !from.is_empty()).as_deref(), LINE),
        digest(images.map(|images| images.ats.as_str())),
        digest(images.map(|images| images.recipe.as_str())),
    ]
}

fn library(library: Option<&Library>) -> String {
    let Some(library) = library else { return "?".to_owned() };
    let version = markdown(&library.version, SHORT);
    match &library.package {
        Some(package) => format!("{version} ({})", markdown(package, SHORT)),
        None => version,
    }
}

/// The first 12 digits of a digest; `matrix.json` has all of them.
fn digest(digest: Option<&str>) -> String {
    let Some(digest) = digest else { return "?".to_owned() };
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    markdown(&hex.chars().take(12).collect::<String>(), SHORT)
}
