//! `atsmatrix doctor`: what was found on this machine, what is missing and how to mend it.

use std::fmt::Write as _;

use crate::engine::discovery::Env;
use crate::engine::doctor::{DoctorReport, Facts, Health};
use crate::exit::Exit;
use crate::{console, engine};

pub(super) async fn run() -> anyhow::Result<Exit> {
    let env = Env::from_process();
    let found = engine::connect(&env).await;
    let report = DoctorReport::of(&Facts::gather(&env, &found));
    console::print(&render(&report));
    Ok(if found.is_err() {
        Exit::NoEngine
    } else if report.is_usable() {
        Exit::Success
    } else {
        Exit::Incomplete
    })
}

fn render(report: &DoctorReport) -> String {
    let mut text = String::new();
    for item in &report.items {
        let mark = match item.ok {
            Health::Yes => "ok  ",
            Health::Warn => "warn",
            Health::No => "no  ",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{mark}  {}: {}", item.name, item.text);
        if let Some(mend) = &item.mend {
            let _ = writeln!(text, "      -> {mend}");
        }
    }
    text
}
