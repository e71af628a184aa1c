//! The matrix as a table. Columns that do not fit the width continue in another table below, so that no verdict is
//! wrapped.

use comfy_table::presets::UTF8_FULL;
use comfy_table::{ContentArrangement, Table};
use unicode_width::UnicodeWidthStr;

use crate::model::{AtsId, CellResult, DistroId};
use crate::words::escape::{SHORT, terminal};
use crate::words::finding::Trials;
use crate::words::grid::Grid;
use crate::words::mark::{Mark, ink, word};

use super::Screen;

/// Width of border and padding of a column, in characters.
const FRAME: usize = 3;

/// The characters that [`UTF8_FULL`] puts between columns of content.
const WALLS: [char; 2] = ['│', '┆'];

/// Renders `grid`. Ends with a newline.
pub(super) fn render(grid: &Grid, screen: Screen) -> String {
    let heads = heads(grid);
    columns_that_fit(grid, &heads, usize::from(screen.width))
        .into_iter()
        .map(|ats| one_table(grid, &heads, &ats, screen))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Row heads: the distro and the OpenSSL that its cells loaded.
fn heads(grid: &Grid) -> Vec<String> {
    let longest = grid.distros.iter().map(|distro| distro.as_str().len()).max().unwrap_or(0);
    grid.distros
        .iter()
        .map(|distro| match grid.openssl(distro).as_slice() {
            [] => distro.to_string(),
            versions => {
                // Such a character in the text would shift the colours of the row.
                let versions = terminal(&versions.join(", "), SHORT).replace(WALLS, "|");
                format!("{distro:<longest$}  OpenSSL {versions}")
            }
        })
        .collect()
}

/// The columns in groups that fit `width`; a group has at least one column.
fn columns_that_fit<'a>(grid: &Grid<'a>, heads: &[String], width: usize) -> Vec<Vec<&'a AtsId>> {
    let head = heads.iter().map(|head| head.width()).max().unwrap_or(0) + FRAME + 1;
    let mut groups: Vec<Vec<&AtsId>> = vec![Vec::new()];
    let mut used = head;
    for ats in &grid.ats {
        let content = grid.distros.iter().flat_map(|distro| content(grid, distro, ats)).map(|line| line.width());
        let column = content.max().unwrap_or(0).max(ats.as_str().len()) + FRAME;
        match groups.last_mut() {
            Some(group) if group.is_empty() || used + column <= width => group.push(ats),
            _ => {
                groups.push(vec![ats]);
                used = head;
            }
        }
        used += column;
    }
    groups
}

/// The lines in a cell.
fn content(grid: &Grid, distro: &DistroId, ats: &AtsId) -> Vec<String> {
    let Some(cell) = grid.cell(distro, ats) else { return vec!["·".to_owned()] };
    let mut lines = match (Mark::of(cell), Mark::of(cell).note()) {
        (Mark::Expected, Some(note)) => vec![format!("{} {note}", word(cell))],
        (_, Some(note)) => vec![word(cell), note],
        (_, None) => vec![word(cell)],
    };
    let trials = Trials::of(cell);
    if let Some(limitations) = trials.limitations() {
        // Two lines, to keep the column narrow.
        lines.push(format!("{}/{},", trials.passed(), trials.run));
        lines.push(limitations);
    }
    lines
}

fn one_table(grid: &Grid, heads: &[String], ats: &[&AtsId], screen: Screen) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL).set_content_arrangement(ContentArrangement::Dynamic).set_width(screen.width);
    table.set_header(std::iter::once("distro".to_owned()).chain(ats.iter().map(ToString::to_string)));
    for (distro, head) in grid.distros.iter().zip(heads) {
        let cells = ats.iter().map(|ats| content(grid, distro, ats).join("\n"));
        table.add_row(std::iter::once(head.clone()).chain(cells));
    }
    let mut row = 0;
    let mut text = String::new();
    for line in table.lines() {
        // The separator above the first row starts with another character.
        row += usize::from(line.starts_with('├'));
        let cells = grid.distros.get(row).into_iter().flat_map(|distro| ats.iter().map(|ats| grid.cell(distro, ats)));
        text.push_str(&if screen.colour && line.starts_with(WALLS[0]) { paint(&line, cells) } else { line });
        text.push('\n');
    }
    text
}

/// Colours the cells in a line of the table. This happens after the layout, so that colours do not change it.
fn paint<'a>(line: &str, cells: impl Iterator<Item = Option<&'a CellResult>>) -> String {
    // The left border and the row head have no colour.
    let mut inks = [None, None].into_iter().chain(cells.map(|cell| cell.map(ink)));
    line.split_inclusive(WALLS)
        .map(|piece| match (inks.next().flatten(), piece.trim_end_matches(WALLS).trim()) {
            (Some(ink), text) if !text.is_empty() => piece.replacen(text, &ink.paint(text, true), 1),
            _ => piece.to_owned(),
        })
        .collect()
}
