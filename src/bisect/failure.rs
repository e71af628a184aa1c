//! Whether two failures are the same, by their summaries. Pure.

/// Whether two summaries describe the same failure: counts may differ, status codes may not.
pub fn alike(one: &str, other: &str) -> bool {
    one == other || without_counts(one) == without_counts(other)
}

/// `text` with `N` for every number that stands alone and is not a status code.
fn without_counts(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let plain = |at: usize| {
        let word: &str = words[at];
        let number = word.trim_end_matches([',', ';', ':', '.', ')']).trim_start_matches('(');
        let counts = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
        let unit = words.get(at + 1).is_some_and(|next| next.starts_with("byte") || next.starts_with("ms"));
        let status = number.parse().is_ok_and(|code: u32| (100..600).contains(&code)) && number.len() == 3 && !unit;
        if counts && !status { word.replace(number, "N") } else { word.to_owned() }
    };
    (0..words.len()).map(plain).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_may_differ_and_status_codes_may_not() {
        let alike_ones = [
            ("expected 1000 bytes, saw 512 bytes", "expected 1000 bytes, saw 498 bytes"),
            ("17 of 200 requests failed", "18 of 200 requests failed"),
            ("expected status 200, saw 502 Invalid argument", "expected status 200, saw 502 Invalid argument"),
        ];
        for (one, other) in alike_ones {
            assert!(alike(one, other), "{one} / {other}");
        }
        let apart = [
            ("expected status 200, saw 502 Invalid argument", "expected status 200, saw 504 Invalid argument"),
            ("expected TLSv1.3, saw TLSv1.2", "expected TLSv1.3, saw TLSv1.1"),
            ("saw 502, 1 request", "saw 502, no request"),
        ];
        for (one, other) in apart {
            assert!(!alike(one, other), "{one} / {other}");
        }
    }
}
