//! The legend.

use maud::{Markup, html};

use crate::words::legend::{MARKS, OUTCOMES, VERDICTS, outcome, verdict};

use super::parts::{icon, name};

pub(super) fn section() -> Markup {
    html! {
        section #legend aria-labelledby="legend-title" tabindex="-1" {
            h2 #legend-title { "Legend" }
            div.columns {
                div {
                    h3 { "Verdict of a cell" }
                    dl.legend {
                        @for word in VERDICTS {
                            dt class={ "v-" (word) } { (icon(word.word())) (word) } dd { (verdict(word)) }
                        }
                    }
                }
                div {
                    h3 { "Outcome of a trial" }
                    dl.legend {
                        @for word in OUTCOMES {
                            dt class={ "v-" (name(word.word())) } { (icon(word.word())) (word) } dd { (outcome(word)) }
                        }
                    }
                }
                div {
                    h3 { "Marks" }
                    dl.legend { @for mark in MARKS { dt { (mark.text()) } dd { (mark.meaning()) } } }
                }
            }
        }
    }
}
