//! The page as text: its content, that hostile text is escaped, and that the policy matches. tests/html tests its
//! behaviour in a browser.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::model::{
    ClientRun, Direction, Exchange, Flow, LogFile, LogLine, Observation, Packet, RunEvidence, TrialEvidence, Verdict,
};
use crate::report::details::{About, CellPast, Moment, Past};
use crate::words::fixture;
use crate::words::outline::TextOutline;

/// The body of a page, one tag per line, without the drawings of symbols and the script.
fn body(page: &str) -> String {
    let (_, rest) = page.split_once("</symbol></svg>").unwrap();
    let (body, _) = rest.split_once("<script>").unwrap();
    body.replace("><", ">\n<")
}

/// The part of the page from the first `begin` to the next `end`.
fn part<'a>(page: &'a str, begin: &str, end: &str) -> &'a str {
    let from = page.find(begin).unwrap_or_else(|| panic!("no {begin}"));
    let rest = &page[from..];
    &rest[..rest.find(end).unwrap_or_else(|| panic!("no {end} after {begin}")) + end.len()]
}

fn seed_flow() -> Flow {
    let packet = |at_us, direction, flags: &str| Packet { at_us, direction, flags: flags.into(), seq: 0, len: 0 };
    let packets = vec![
        packet(1000, Direction::ToServer, "S"),
        packet(1090, Direction::ToClient, "S."),
        packet(1130, Direction::ToServer, "."),
        packet(2410, Direction::ToServer, "F."),
    ];
    Flow { client: "10.0.0.3:40000".into(), server: "10.0.0.2:8443".into(), packets, ..Flow::default() }
}

/// Details of every kind about debian-13/9.2.5 of the fixture.
fn details() -> Details {
    let id: crate::model::CellId = "debian-13/9.2.5".parse().unwrap();
    let exchange =
        Exchange { status: Some(502), reason: "Invalid argument".into(), total_us: 1900, ..Exchange::default() };
    let observation = Observation {
        client: Some(ClientRun { exchanges: vec![exchange], ..ClientRun::default() }),
        wire: vec![seed_flow()],
        logs: vec![LogLine { trial: None, file: LogFile::Error, text: "CONNECT: attempt fail".into() }],
        ..Observation::default()
    };
    let run = "20261123-141502-3f2a".parse().unwrap();
    let attempt = TrialEvidence { trial: "tls-get".into(), attempt: 1, observation };
    let kept = RunEvidence { run, attempts: vec![attempt] };
    let about = About {
        title: "ATS reaches a TLS origin".into(),
        why: "the seed bug".into(),
        link: "https://a.test/1".into(),
        direct: false,
    };
    let moment = |day: &str| Moment { commit: "0a".repeat(20), day: day.into(), subject: "Results".into() };
    let mut words = TextOutline::default();
    words.line(0).strong(&id).say(": fail since 2026-11-23");
    words.line(1).say("what changed with it:");
    words.line(2).say("OpenSSL 3.1.9 -> 3.5.7");
    let cell = CellPast { verdicts: vec![None, Some(Verdict::Pass), Some(Verdict::Fail)], words };
    let past = Past {
        revisions: vec![moment("2026-11-21"), moment("2026-11-22"), moment("2026-11-23")],
        cells: [(id.clone(), cell)].into(),
        cut: true,
    };
    Details {
        trials: [("tls-get".to_owned(), about)].into(),
        evidence: [(id, kept)].into(),
        past: Some(past),
        ..Details::default()
    }
}

#[test]
fn a_cell_shows_its_verdict_trials_packets_history_and_provenance() {
    let page = render(&fixture::matrix(), &details());
    assert_snapshot!("cell", part(&body(&page), "<section class=\"cell v-fail expected\"", "</section>"));
}

#[test]
fn the_matrix_has_a_row_per_distro_and_a_column_per_ats() {
    let page = render(&fixture::matrix(), &Details::default());
    assert_snapshot!("matrix", part(&body(&page), "<section id=\"matrix\"", "</section>"));
}

#[test]
fn findings_comparison_history_and_legend_follow() {
    let page = render(&fixture::matrix(), &details());
    assert_snapshot!("rest", part(&body(&page), "<section id=\"findings\"", "</footer>"));
}

#[test]
fn packets_of_a_committed_line_are_drawn_without_times() {
    let mut result = fixture::matrix();
    result.cells.retain(|cell| cell.id.to_string() == "debian-14/9.2.5");
    assert_snapshot!("ladder", part(&body(&render(&result, &Details::default())), "<figure", "</figure>"));
}

#[test]
fn a_bisection_is_shown_in_the_cell_that_fails() {
    let mut found = crate::words::bisection::fixture::bisection();
    found.trial = "tls-get".into();
    let details = Details { bisections: vec![found.clone()], ..details() };
    let page = body(&render(&fixture::matrix(), &details));
    assert_snapshot!("bisection", part(&page, "<div class=\"issue bisection\"", "<p class=\"hint\""));
    let anchor = "bisection/debian-13/9.2.5/debian-12/9.2.5/tls-get";
    assert!(page.contains(&format!("href=\"#{anchor}\"")) && page.contains(&format!("id=\"{anchor}\"")));
    let elsewhere =
        Details { bisections: vec![crate::model::Bisection { bad: found.good.clone(), ..found }], ..details };
    let page = render(&fixture::matrix(), &elsewhere);
    assert!(!part(&page, "id=\"cell/debian-13/9.2.5\"", "</section>").contains("bisection"));
}

#[test]
fn the_order_of_cells_does_not_change_the_page() {
    let result = fixture::matrix();
    let mut shuffled = result.clone();
    shuffled.cells.reverse();
    assert_eq!(render(&result, &details()), render(&shuffled, &details()));
}

#[test]
fn the_policy_has_the_hashes_of_style_and_script() {
    let page = render(&fixture::matrix(), &Details::default());
    let policy = part(&page, "default-src", "\"");
    for (tag, directive) in [("style", "style-src"), ("script", "script-src")] {
        assert_eq!(page.matches(&format!("<{tag}")).count(), 1, "one {tag}");
        let text = part(&page, &format!("<{tag}>"), &format!("</{tag}>"));
        let text = text.strip_prefix(&format!("<{tag}>")).unwrap().strip_suffix(&format!("</{tag}>")).unwrap();
        let hash = BASE64_STANDARD.encode(Sha256::digest(text));
        assert!(policy.contains(&format!("{directive} 'sha256-{hash}'")), "{policy}");
    }
    assert!(!policy.contains("unsafe") && policy.starts_with("default-src 'none';"), "{policy}");
    assert!(page.find("Content-Security-Policy").unwrap() < page.find("<style").unwrap());
}

/// There is no address that a browser would load.
#[test]
fn nothing_is_loaded() {
    let page = render(&fixture::matrix(), &details());
    let page = body(&page);
    for tag in
        ["<img", "<iframe", "<object", "<embed", "<link", "<base", "<form action", "srcset", "url(", "@import", " src="]
    {
        assert!(!page.contains(tag), "{tag}");
    }
    assert!(!STYLE.contains("url(") && !STYLE.contains("@import") && !STYLE.contains("</"));
    assert!(!SCRIPT.contains("fetch(") && !SCRIPT.contains("innerHTML") && !SCRIPT.contains("</script"));
}

/// A result and details in which every text is `text`.
fn filled(text: &str) -> (MatrixResult, Details) {
    let (mut result, mut details) = (fixture::matrix(), details());
    result.matrix = text.into();
    for cell in &mut result.cells {
        cell.reason = cell.reason.as_ref().map(|_| text.into());
        for trial in &mut cell.trials {
            (trial.id, trial.summary) = (text.into(), text.into());
            trial.evidence = vec![text.into(), format!("wire: {text}"), format!("{text}: x")];
        }
        for issue in &mut cell.known_issues {
            for field in [&mut issue.id, &mut issue.title, &mut issue.link, &mut issue.fixed_in, &mut issue.way_out] {
                *field = text.into();
            }
        }
        if let Some(expected) = &mut cell.expected {
            (expected.reason, expected.link) = (text.into(), Some(text.into()));
        }
        if let Some(openssl) = &mut cell.provenance.openssl {
            (openssl.version, openssl.path, openssl.package) = (text.into(), text.into(), Some(text.into()));
        }
        cell.provenance.kernel = Some(text.into());
    }
    for attempt in details.evidence.values_mut().flat_map(|kept| &mut kept.attempts) {
        attempt.trial = text.into();
        let seen = &mut attempt.observation;
        seen.logs[0].text = text.into();
        (seen.wire[0].client, seen.wire[0].packets[0].flags) = (text.into(), text.into());
        seen.client.as_mut().unwrap().exchanges[0].reason = text.into();
        seen.ats = crate::model::AtsLife::Died(text.into());
    }
    let about = About { title: text.into(), why: text.into(), link: text.into(), direct: true };
    details.trials = [(text.to_owned(), about)].into();
    let mut found = crate::words::bisection::fixture::bisection();
    (found.trial, found.answer, found.notes) = (text.into(), text.into(), vec![text.into()]);
    for suspect in &mut found.suspects {
        (suspect.name, suspect.good, suspect.members) = (text.into(), text.into(), vec![text.into(), text.into()]);
    }
    for tried in &mut found.experiments {
        (tried.base, tried.summary, tried.evidence) = (text.into(), text.into(), vec![text.into()]);
        tried.swapped = tried.swapped.iter().map(|_| text.into()).collect();
    }
    details.bisections = vec![found];
    let past = details.past.as_mut().unwrap();
    for moment in &mut past.revisions {
        (moment.commit, moment.day, moment.subject) = (text.into(), text.into(), text.into());
    }
    for cell in past.cells.values_mut() {
        cell.words.line(0).say(text).strong(text).link(text, text).list([text]);
    }
    (result, details)
}

/// The tags of a page with the names of their attributes. Hostile text must not change them.
fn skeleton(page: &str) -> Vec<String> {
    let tags = page.split('<').skip(1).map(|tag| tag.split('>').next().unwrap());
    tags.map(|tag| {
        let outside = tag.split('"').step_by(2).collect::<String>();
        outside.split_whitespace().collect::<Vec<_>>().join(" ")
    })
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The page has the same elements and attributes with a hostile text as with a harmless one of the same length.
    #[test]
    fn no_text_changes_the_structure_of_the_page(text in "[<>\"'&=/a-c:;`!\\n\u{1b}-]{1,20}") {
        let harmless = |_| 'x';
        let plain: String = text.chars().map(harmless).collect();
        let pages = [&text, &plain].map(|text| { let (result, details) = filled(text); render(&result, &details) });
        let has_control = pages[0].contains('\u{1b}');
        prop_assert!(!has_control, "a control character is not escaped");
        let [hostile, plain] = pages.map(|page| skeleton(&body(&page)));
        prop_assert_eq!(hostile, plain);
    }
}
