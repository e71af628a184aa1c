//! `atsmatrix doctor`: checks this machine and reports what is missing and how to fix it.

use super::format::width;
use crate::console;
use crate::engine;
use crate::engine::discovery::Env;
use crate::engine::doctor::{DoctorReport, Facts, Health};
use crate::exit::Exit;
use crate::words::paragraph::wrap;

pub(super) async fn run() -> anyhow::Result<Exit> {
    let env = Env::from_process();
    let found = engine::connect(&env).await;
    let report = DoctorReport::of(&Facts::gather(&env, &found));
    console::print(&render(&report))?;
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
    let width = width().unwrap_or(usize::MAX);
    for item in &report.items {
        let mark = match item.health {
            Health::Yes => "ok  ",
            Health::Warn => "warn",
            Health::No => "no  ",
        };
        text += &wrap(&format!("{mark}  "), 6, &format!("{}: {}", item.name, item.text), width);
        if let Some(fix) = &item.fix {
            text += &wrap("      -> ", 9, fix, width);
        }
    }
    text
}
