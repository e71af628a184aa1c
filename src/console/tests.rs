use std::sync::{Arc, Mutex};

use indicatif::{InMemoryTerm, ProgressDrawTarget};
use insta::assert_snapshot;

use super::*;
use crate::model::{ImageWork, Outcome};
use crate::words::fixture;

/// A writer whose output can be read afterwards.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// A writer that fails.
struct Gone(ErrorKind);

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(self.0.into())
    }
}

fn cell_started(id: &str) -> Event {
    Event::CellStarted { cell: id.parse().unwrap(), trials: 6 }
}

fn trial(id: &str, trial: &str, outcome: Outcome) -> Event {
    Event::TrialFinished { cell: id.parse().unwrap(), trial: trial.into(), outcome }
}

fn finished(id: &str) -> Event {
    let cell = fixture::matrix().cells.into_iter().find(|cell| cell.id.to_string() == id).unwrap();
    Event::CellFinished { result: Box::new(cell), ms: 1649 }
}

/// The events of a run until two images and two cells are in progress.
fn beginning() -> Vec<Event> {
    let image = |name: &str| Event::ImageStarted(ImageWork { name: name.into(), tag: "atsmatrix:0a1b".into() });
    vec![
        Event::Started { cells: 12, engine: "Docker 20.10.24 (API 1.41)".into() },
        Event::Swept { containers: 2, networks: 1 },
        image("debian-12/9.2.5 (build)"),
        image("fedora-40 (pull)"),
        image("forecast/9.2.9 (build)"),
        Event::ImageFinished {
            name: "fedora-40 (pull)".into(),
            error: Some("dial tcp: lookup registry.fedoraproject.org: no such host".into()),
            ms: 110,
        },
        Event::ImageStep { name: "debian-12/9.2.5 (build)".into(), step: "make -C iocore\u{1b}[31m".into() },
        Event::ImageStep { name: "forecast/9.2.9 (build)".into(), step: "configure".into() },
        cell_started("debian-12/9.2.5"),
        cell_started("debian-13/9.2.5"),
        cell_started("debian-13/9.2.9"),
        trial("debian-13/9.2.5", "ctl-direct-tls", Outcome::Pass),
        trial("debian-13/9.2.5", "tls-get", Outcome::Fail),
        trial("debian-13/9.2.5", "tls-get", Outcome::Fail),
        finished("debian-12/9.2.5"),
    ]
}

fn ending() -> Vec<Event> {
    vec![
        Event::ImageFinished { name: "debian-12/9.2.5 (build)".into(), error: None, ms: 312_000 },
        finished("debian-13/9.2.5"),
        finished("debian-13/9.2.5-backport"),
        finished("debian-13/9.2.9"),
        finished("forecast/9.2.9"),
        Event::Note("the clock of the engine is 3 s behind\n\u{1b}[2J".into()),
        Event::Finished { interrupted: true },
    ]
}

fn written(progress: ProgressMode, colour: bool) -> String {
    let shared = Shared::default();
    let mut console = Console::new(Style { colour, progress, width: 80 }, shared.clone());
    for event in beginning().iter().chain(&ending()) {
        console.on(event);
    }
    shared.text()
}

#[test]
fn a_log_has_one_line_per_event() {
    assert_snapshot!(written(ProgressMode::Lines, false), @r#"
    12 cells on Docker 20.10.24 (API 1.41)
    removed 2 containers and 1 network of dead runs
    image debian-12/9.2.5 (build): building
    image fedora-40 (pull): building
    image forecast/9.2.9 (build): building
    image fedora-40 (pull): failed (0.1 s): dial tcp: lookup registry.fedoraproject.org: no such host
    [1/12] debian-12/9.2.5: pass (1.6 s)
    image debian-12/9.2.5 (build): ready (5 min 12 s)
    [2/12] debian-13/9.2.5: fail (expected), 3 of 4 trials did not pass, ATS-11465 (1.6 s)
    [3/12] debian-13/9.2.5-backport: PASS?! (expected fail) (1.6 s)
    [4/12] debian-13/9.2.9: error, the origin did not answer the direct control, 1 of 2 controls did not pass (1.6 s)
    [5/12] forecast/9.2.9: unbuildable, X509HostnameValidator.cc:107: error: invalid use of incomplete type 'ASN1_STRING', ATS-13471 (1.6 s)
    note: the clock of the engine is 3 s behind\n\u{1b}[2J
    interrupted: finished cells are kept
    "#);
}

#[test]
fn quiet_prints_nothing() {
    assert_eq!(written(ProgressMode::None, true), "");
}

#[test]
fn a_log_has_escape_codes_only_with_colour() {
    assert!(!written(ProgressMode::Lines, false).contains('\u{1b}'));
    let coloured = written(ProgressMode::Lines, true);
    assert!(coloured.contains("debian-13/9.2.5: \u{1b}[31mfail (expected)\u{1b}[0m, 3 of 4"), "{coloured}");
    assert!(!coloured.contains("\u{1b}[2J"));
}

fn on_terminal(events: &[Event], terminal: &InMemoryTerm) -> Console {
    let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
    let mut console =
        Console { display: Display::Bars(Bars::on_target(target, None)), tally: Tally::default(), colour: false };
    for event in events {
        console.on(event);
    }
    console
}

/// The contents of the terminal without the parts that depend on time: bars begin with a spinner (a Braille pattern) and
/// end with the elapsed time.
fn picture(terminal: &InMemoryTerm) -> String {
    let spinner = |c: char| ('\u{2800}'..='\u{28ff}').contains(&c);
    let timeless = |line: &str| match line.rsplit_once(' ') {
        Some((rest, _)) if !line.starts_with(|c: char| c.is_ascii()) => rest.trim_end().replace(spinner, "*"),
        _ => line.to_owned(),
    };
    terminal.contents().lines().map(timeless).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_terminal_shows_running_cells_below_finished_ones() {
    let terminal = InMemoryTerm::new(24, 90);
    let mut console = on_terminal(&beginning(), &terminal);
    assert_snapshot!(picture(&terminal), @r#"
    12 cells on Docker 20.10.24 (API 1.41)
    removed 2 containers and 1 network of dead runs
    image fedora-40 (pull): failed (0.1 s): dial tcp: lookup registry.fedoraproject.org: no su
    ch host
    [1/12] debian-12/9.2.5: pass (1.6 s)
    * debian-12/9.2.5 (build)  make -C iocore\u{1b}[31m
    * forecast/9.2.9 (build)  configure
    * debian-13/9.2.5  2/6 trials  tls-get fail
    * debian-13/9.2.9  0/6 trials
    ██░░░░░░░░░░░░░░░░░░░░░░ 1/12 cells  1 pass
    "#);

    for event in ending() {
        console.on(&event);
    }
    assert_snapshot!(picture(&terminal), @r#"
    12 cells on Docker 20.10.24 (API 1.41)
    removed 2 containers and 1 network of dead runs
    image fedora-40 (pull): failed (0.1 s): dial tcp: lookup registry.fedoraproject.org: no su
    ch host
    [1/12] debian-12/9.2.5: pass (1.6 s)
    [2/12] debian-13/9.2.5: fail (expected), 3 of 4 trials did not pass, ATS-11465 (1.6 s)
    [3/12] debian-13/9.2.5-backport: PASS?! (expected fail) (1.6 s)
    [4/12] debian-13/9.2.9: error, the origin did not answer the direct control, 1 of 2 contro
    ls did not pass (1.6 s)
    [5/12] forecast/9.2.9: unbuildable, X509HostnameValidator.cc:107: error: invalid use of in
    complete type 'ASN1_STRING', ATS-13471 (1.6 s)
    note: the clock of the engine is 3 s behind\n\u{1b}[2J
    interrupted: finished cells are kept
    "#);
}

#[test]
fn the_screen_is_clean_after_an_error() {
    let terminal = InMemoryTerm::new(24, 90);
    drop(on_terminal(&beginning(), &terminal));
    let left = terminal.contents();
    assert!(left.contains("[1/12] debian-12/9.2.5: pass") && !left.contains("trials  "), "{left}");
}

#[test]
fn a_reader_that_closes_early_is_not_an_error() {
    let style = Style { colour: false, progress: ProgressMode::Lines, width: 80 };
    results(&mut Gone(ErrorKind::BrokenPipe), &fixture::matrix(), style).unwrap();
    assert!(results(&mut Gone(ErrorKind::StorageFull), &fixture::matrix(), style).is_err());
    let mut console = Console::new(style, Gone(ErrorKind::BrokenPipe));
    for event in beginning() {
        console.on(&event);
    }
}

#[test]
fn results_are_the_complete_table() {
    let mut out = Vec::new();
    results(&mut out, &fixture::matrix(), Style { colour: false, progress: ProgressMode::None, width: 100 }).unwrap();
    let shown = terminal::render(&fixture::matrix(), Screen { width: 100, colour: false });
    assert_eq!(String::from_utf8(out).unwrap(), shown);
}
