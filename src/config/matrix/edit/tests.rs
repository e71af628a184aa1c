use insta::assert_snapshot;
use proptest::prelude::*;

use super::super::Matrix;
use super::*;

const HEAD: &str = "\
version: 1
distros:
  debian-12: { family: debian, image: x }
  debian-13: { family: debian, image: x }
ats:
  \"9.2.5\":
    sources: [{ on: [\"*\"], image: { reference: x } }]
";

const EXPECT: &str = r#"
# What is known.
expect:
  # The seed bug.
  - ats: ["9.2.5"]   # only this
    openssl: ">=3.2"
    trials: ["tls*", http-post, # large
             http-get]
    verdict: fail
    reason: >-
      OpenSSL 3.2
      broke it

  # Another.
  - distro: [debian-12]
    trials:
      # first
      - one
      - two   # second
    verdict: flaky
    reason: why
    # its end
  - { ats: ["9.2.5"], verdict: unbuildable, reason: because }
# Limits.
defaults: { pids: 512 }
"#;

fn whole() -> String {
    format!("{HEAD}{EXPECT}")
}

fn cells(names: &[&str]) -> Vec<CellId> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn addition() -> Addition {
    Addition {
        cells: cells(&["debian-13/9.2.5"]),
        trials: vec!["tls-a".into()],
        issue: None,
        verdict: Verdict::Fail,
        reason: "a: b # c".into(),
        link: Some("https://x.test/1#2".into()),
        expires: Some("2027-01-31".parse().unwrap()),
    }
}

/// The lines that differ, with `-` and `+`. The edited text is a valid matrix.
fn diff(text: &str, edits: &[Edit]) -> String {
    let matrix = Matrix::parse("m", text).unwrap();
    let (edited, _) = matrix.edited(text, edits).unwrap();
    let (old, new): (Vec<&str>, Vec<&str>) = (text.lines().collect(), edited.lines().collect());
    let gone = old.iter().filter(|line| !new.contains(line)).map(|line| format!("-{line}"));
    gone.chain(new.iter().filter(|line| !old.contains(line)).map(|line| format!("+{line}")))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn an_entry_is_removed_and_comments_around_it_stay() {
    assert_snapshot!(diff(&whole(), &[Edit::Remove { entry: 0 }]), @r#"
    -  - ats: ["9.2.5"]   # only this
    -    openssl: ">=3.2"
    -    trials: ["tls*", http-post, # large
    -             http-get]
    -    verdict: fail
    -    reason: >-
    -      OpenSSL 3.2
    -      broke it
    "#);
    assert_snapshot!(diff(&whole(), &[Edit::Remove { entry: 1 }]), @"
    -  - distro: [debian-12]
    -    trials:
    -      # first
    -      - one
    -      - two   # second
    -    verdict: flaky
    -    reason: why
    ");
    assert_snapshot!(diff(&whole(), &[Edit::Remove { entry: 2 }]), @r#"
    -  - { ats: ["9.2.5"], verdict: unbuildable, reason: because }
    "#);
}

#[test]
fn a_list_without_entries_is_empty_and_can_be_filled_again() {
    let all: Vec<Edit> = (0..3).map(|entry| Edit::Remove { entry }).collect();
    let (text, matrix) = Matrix::parse("m", &whole()).unwrap().edited(&whole(), &all).unwrap();
    assert!(text.contains("# What is known.\nexpect: []\n  # The seed bug.\n"), "{text}");
    let (text, _) = matrix.edited(&text, &[Edit::Add(addition())]).unwrap();
    assert!(text.contains("# Limits.\ndefaults"), "{text}");
    assert_snapshot!(diff(&whole(), &[all, vec![Edit::Add(addition())]].concat()), @r#"
    -  - ats: ["9.2.5"]   # only this
    -    openssl: ">=3.2"
    -    trials: ["tls*", http-post, # large
    -             http-get]
    -    reason: >-
    -      OpenSSL 3.2
    -      broke it
    -  - distro: [debian-12]
    -    trials:
    -      # first
    -      - one
    -      - two   # second
    -    verdict: flaky
    -    reason: why
    -  - { ats: ["9.2.5"], verdict: unbuildable, reason: because }
    +  - cells: [debian-13/9.2.5]
    +    trials: [tls-a]
    +    reason: "a: b # c"
    +    link: "https://x.test/1#2"
    +    expires: 2027-01-31
    "#);
}

#[test]
fn a_trial_is_removed_from_lists_of_both_styles() {
    let uncover = |entry, trial: &str| Edit::Uncover { entry, trial: trial.to_owned() };
    assert_snapshot!(diff(&whole(), &[uncover(0, "http-get")]), @r#"
    -    trials: ["tls*", http-post, # large
    -             http-get]
    +    trials: ["tls*", http-post # large
    +             ]
    "#);
    assert_snapshot!(diff(&whole(), &[uncover(0, "tls*")]), @r#"
    -    trials: ["tls*", http-post, # large
    +    trials: [http-post, # large
    "#);
    assert_snapshot!(diff(&whole(), &[uncover(1, "two")]), @"
    -      - two   # second
    ");
    let matrix = Matrix::parse("m", &whole()).unwrap();
    assert_eq!(
        matrix.edited(&whole(), &[uncover(1, "three")]).unwrap_err().to_string(),
        "expect[1].trials does not contain three"
    );
}

#[test]
fn cells_are_excepted_in_any_style() {
    let except = |entry, name: &str| Edit::Except { entry, cells: cells(&[name]) };
    assert_snapshot!(diff(&whole(), &[except(0, "debian-12/9.2.5")]), @"
    +    except: [debian-12/9.2.5]
    ");
    assert_snapshot!(diff(&whole(), &[except(2, "debian-12/9.2.5")]), @r#"
    -  - { ats: ["9.2.5"], verdict: unbuildable, reason: because }
    +  - { ats: ["9.2.5"], verdict: unbuildable, reason: because, except: [debian-12/9.2.5] }
    "#);
    for (written, wanted) in [
        ("except: [debian-12/9.*]   # gone", "    except: [debian-12/9.*, debian-13/9.2.5]   # gone\n"),
        ("except:\n    - debian-12/9.*   # gone", "    - debian-12/9.*   # gone\n    - debian-13/9.2.5\n"),
    ] {
        let text = whole().replace("    openssl: \">=3.2\"", &format!("    {written}"));
        // Both cells are excepted in the end, so another row keeps the entry applicable.
        let text = text.replace("  debian-13:", "  debian-14: { family: debian, image: x }\n  debian-13:");
        let matrix = Matrix::parse("m", &text).unwrap();
        let (edited, _) = matrix.edited(&text, &[except(0, "debian-13/9.2.5")]).unwrap();
        assert!(edited.contains(wanted), "{edited}");
    }
}

#[test]
fn a_cell_is_removed_from_a_list_of_names() {
    let text = whole().replace("openssl: \">=3.2\"", "cells: [debian-12/9.2.5, debian-13/9.2.5]");
    let edit = Edit::Unname { entry: 0, cell: "debian-12/9.2.5".parse().unwrap() };
    let (edited, _) = Matrix::parse("m", &text).unwrap().edited(&text, &[edit]).unwrap();
    assert!(edited.contains("    cells: [debian-13/9.2.5]\n"), "{edited}");
}

#[test]
fn an_entry_is_added_where_there_was_none() {
    assert_snapshot!(diff(HEAD, &[Edit::Add(addition())]), @r#"
    +
    +expect:
    +  - cells: [debian-13/9.2.5]
    +    trials: [tls-a]
    +    verdict: fail
    +    reason: "a: b # c"
    +    link: "https://x.test/1#2"
    +    expires: 2027-01-31
    "#);
    for (empty, wanted) in [
        ("expect: []", "expect:\n  - cells"),
        ("expect:   []   # none", "expect:   # none\n  - cells"),
        ("expect:\n  []\n# end\n", "expect:\n  - cells"),
    ] {
        let text = format!("{HEAD}{empty}");
        let (text, _) = Matrix::parse("m", &text).unwrap().edited(&text, &[Edit::Add(addition())]).unwrap();
        assert!(text.contains(wanted), "{text}");
    }
    let long = Addition { trials: (0..20).map(|i| format!("tls-trial-{i}")).collect(), ..addition() };
    assert!(diff(HEAD, &[Edit::Add(long)]).contains("+      - tls-trial-19\n"));
}

#[test]
fn what_cannot_be_edited_safely_is_refused() {
    let matrix = Matrix::parse("m", &whole()).unwrap();
    let refused = |text: &str, edit: Edit| matrix.edited(text, &[edit]).unwrap_err().to_string();
    let flow = format!("{HEAD}expect: [{{ ats: [\"9.2.5\"], verdict: fail, reason: x }}]\n");
    assert_eq!(
        refused(&flow, Edit::Add(addition())),
        "write `expect` as a list with one dash per entry, not in brackets"
    );
    let alias = format!(
        "{HEAD}expect:\n  - ats: &a [\"9.2.5\"]\n    trials: [x]\n    verdict: fail\n    reason: x\n  - ats: *a\n    verdict: flaky\n    reason: y\n"
    );
    let matrix = Matrix::parse("m", &alias).unwrap();
    let error = matrix.edited(&alias, &[Edit::Remove { entry: 0 }]).unwrap_err().to_string();
    assert!(
        error.starts_with("the edits would break the file, so nothing was changed") || error.contains("anchor"),
        "{error}"
    );
    let unknown = Edit::Except { entry: 0, cells: cells(&["debian-11/9.2.5"]) };
    let error = matrix.edited(&alias, &[unknown]).unwrap_err().to_string();
    assert!(error.contains("no cell matches `debian-11/9.2.5`"), "{error}");
}

#[test]
fn every_reason_is_read_back_unchanged() {
    for reason in ["x \u{2028} y", "x\u{2029}", "\u{fffe}", "\u{feff}x", "\u{1f980} \"\\", "größe ٣", "\u{202e}x"] {
        let edit = Edit::Add(Addition { reason: reason.into(), ..addition() });
        let (text, after) = Matrix::parse("m", HEAD).unwrap().edited(HEAD, &[edit]).unwrap();
        assert_eq!(after.expect[0].reason, reason, "{text}");
    }
    assert_eq!(scalar("x \u{2028} \u{1f980}"), r#""x \u2028 \U0001F980""#);
}

#[test]
fn a_comment_at_the_end_of_an_entry_in_braces_stays_a_comment() {
    let end = "reason: because }";
    for (written, wanted) in [
        ("reason: because # known\n    }", "reason: because, except: [debian-12/9.2.5] # known\n    }"),
        ("reason: \"because\", # known\n    }", "reason: \"because\", except: [debian-12/9.2.5], # known\n    }"),
    ] {
        let text = whole().replace(end, written);
        let edit = Edit::Except { entry: 2, cells: cells(&["debian-12/9.2.5"]) };
        let (edited, after) = Matrix::parse("m", &text).unwrap().edited(&text, &[edit]).unwrap();
        assert!(edited.contains(wanted), "{edited}");
        assert!(after.expect[2].except.as_ref().unwrap().matches("debian-12/9.2.5"));
    }
}

#[test]
fn an_edit_without_effect_or_in_the_wrong_place_is_refused() {
    let matrix = Matrix::parse("m", &whole()).unwrap();
    let edit = Edit::Except { entry: 0, cells: cells(&["debian-12/9.2.5"]) };
    let (_, after) = matrix.edited(&whole(), std::slice::from_ref(&edit)).unwrap();
    assert!(is_applied(&matrix.expect, &after.expect, std::slice::from_ref(&edit)));
    assert!(!is_applied(&matrix.expect, &matrix.expect, std::slice::from_ref(&edit)), "nothing was done");
    let other = Edit::Except { entry: 2, cells: cells(&["debian-12/9.2.5"]) };
    assert!(!is_applied(&matrix.expect, &after.expect, &[other]), "it was done to another entry");
    let (_, gone) = matrix.edited(&whole(), &[Edit::Remove { entry: 1 }]).unwrap();
    assert!(!is_applied(&matrix.expect, &gone.expect, &[Edit::Remove { entry: 2 }]), "another one is gone");
    let (_, new) = matrix.edited(&whole(), &[Edit::Add(addition())]).unwrap();
    assert!(!is_applied(&matrix.expect, &new.expect, &[Edit::Add(Addition { reason: "r".into(), ..addition() })]));
}

#[test]
fn new_lines_end_as_the_others_do() {
    let text = whole().replace('\n', "\r\n");
    let edits = [Edit::Add(addition()), Edit::Except { entry: 0, cells: cells(&["debian-12/9.2.5"]) }];
    let (edited, _) = Matrix::parse("m", &text).unwrap().edited(&text, &edits).unwrap();
    assert!(edited.split_inclusive('\n').all(|line| line.ends_with("\r\n")), "{edited:?}");
    let (plain, _) = Matrix::parse("m", &whole()).unwrap().edited(&whole(), &edits).unwrap();
    assert_eq!(edited, plain.replace('\n', "\r\n"));
}

fn any_edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (0..3_usize).prop_map(|entry| Edit::Remove { entry }),
        Just(Edit::Except { entry: 0, cells: cells(&["debian-12/9.2.5"]) }),
        prop::sample::select(vec![(0, "http-post"), (0, "http-get"), (0, "tls*"), (1, "one"), (1, "two")])
            .prop_map(|(entry, trial)| Edit::Uncover { entry, trial: trial.into() }),
        any::<String>().prop_map(|reason| {
            let reason: String = reason.chars().filter(|c| !c.is_control()).take(50).collect();
            Edit::Add(Addition { reason: format!("x{reason}"), ..addition() })
        }),
    ]
}

proptest! {
    #[test]
    fn comments_outside_of_removed_entries_are_kept_in_order(edits in prop::collection::vec(any_edit(), 0..4)) {
        // Entries are named by number, so the same edit twice is not a valid list.
        let edits = edits.iter().enumerate().filter(|(at, edit)| !edits[..*at].contains(edit));
        let edits: Vec<Edit> = edits.map(|(_, edit)| edit.clone()).collect();
        let text = whole();
        let matrix = Matrix::parse("m", &text).unwrap();
        // Edits that contradict each other are refused as a whole.
        let Ok((edited, after)) = matrix.edited(&text, &edits) else { return Ok(()) };
        for comment in ["# What is known.", "# The seed bug.", "# Another.", "# its end", "# Limits."] {
            prop_assert!(edited.contains(comment), "{}", edited);
        }
        let at = |comment: &str| edited.find(comment);
        prop_assert!(at("# What is known.") < at("# The seed bug."));
        prop_assert!(at("# The seed bug.") < at("# Another.") && at("# Another.") < at("# Limits."));
        let rest = "# Limits.\ndefaults: { pids: 512 }\n";
        prop_assert!(edited.starts_with(HEAD) && edited.contains(rest));
        for edit in &edits {
            if let Edit::Add(addition) = edit {
                prop_assert!(after.expect.iter().any(|entry| entry.reason == addition.reason));
            }
        }
    }
}
