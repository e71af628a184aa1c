//! The values of matrix.yaml against another YAML parser. granit-parser reads the file; libyaml, behind
//! `serde_yaml::from_str`, is an independent second opinion, in tests only.

use super::*;
use crate::config::matrix::document::Document;
use crate::config::matrix::outline::Outline;

/// The document as `Matrix::parse` reads it.
fn read(text: &str) -> Option<String> {
    let outline = Outline::read("m", text).ok()?;
    read_document("m", &outline).ok().map(|document| format!("{document:#?}"))
}

/// The document as libyaml reads it. It also refuses valid YAML 1.2, such as a plain `0512` for a number.
fn read_by_libyaml(text: &str) -> Option<String> {
    serde_yaml::from_str::<Document>(text).ok().map(|document| format!("{document:#?}"))
}

/// The good file with a reason in each style of YAML, over one line and several.
fn styled() -> impl Strategy<Value = String> {
    let style = proptest::sample::select(vec!["", "'", "\"", "|", "|-", "|+", ">", ">-", ">+", "|2", ">1-"]);
    let line = "( {0,2}[a-z0-9é]{1,4}[:#,'\"\\\\ -]{0,2}[a-z]{0,3} {0,2})?";
    let end = proptest::sample::select(vec!["\n", "\r\n"]);
    (style, proptest::collection::vec(line, 1..5), end).prop_map(|(style, lines, end)| {
        let text = match style {
            "" => lines.join("\n      "),
            "'" | "\"" => format!("{style}{}{style}", lines.join("\n      ")),
            block => format!("{block}\n      {}", lines.join("\n      ")),
        };
        GOOD.replace("reason: OpenSSL 3.2", &format!("reason: {text}")).replace('\n', end)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn two_parsers_read_the_same_values(text in prop_oneof![styled(), mutated()]) {
        if let (Some(ours), Some(theirs)) = (read(&text), read_by_libyaml(&text)) {
            prop_assert_eq!(ours, theirs, "{}", text);
        }
    }
}

#[test]
fn two_parsers_read_the_same_values_from_the_shipped_matrix() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/matrix.yaml")).unwrap();
    let ours = read(&text).unwrap();
    assert_eq!(ours, read_by_libyaml(&text).unwrap());
    assert!(ours.contains("bookworm"));
    // A block at the end of a file without a line feed.
    let text = format!("{GOOD}mirrors:\n  a.test: |\n    b.test");
    assert_eq!(read(&text).unwrap(), read_by_libyaml(&text).unwrap());
}
