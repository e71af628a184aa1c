use super::*;

/// The notes of an open upgrade whose sides send a ClientHello of these sizes.
fn sizes(before: Option<u32>, after: Option<u32>) -> Vec<String> {
    let mut results = matrix(&[("debian-12/9.2.9", Verdict::Pass), ("debian-13/9.2.9", Verdict::Pass)]);
    (results.cells[0].provenance.client_hello, results.cells[1].provenance.client_hello) = (before, after);
    let answer = upgrade(&results, &["9.2.9"]);
    assert!(answer.closed.is_empty() && ids(&answer.held) == ["debian-13/9.2.9"], "{answer:?}");
    answer.notes.into_iter().filter(|note| note.contains("ClientHello")).collect()
}

#[test]
fn an_open_upgrade_notes_that_the_client_hello_grows() {
    assert_eq!(
        sizes(Some(517), Some(1611)),
        ["what changes: ClientHello 517 -> 1611 bytes with debian-13/9.2.9; it no longer fits into one segment, and \
          old origins and middleboxes drop it: see docs/trials/pq-intolerant-origin.md"]
    );
    assert_eq!(sizes(Some(1611), Some(517)), ["what changes: ClientHello 1611 -> 517 bytes with debian-13/9.2.9"]);
}

#[test]
fn an_equal_or_unknown_size_is_not_a_change() {
    for sizes_of in [(Some(517), Some(517)), (None, Some(517)), (Some(517), None), (None, None)] {
        assert_eq!(sizes(sizes_of.0, sizes_of.1), Vec::<String>::new(), "{sizes_of:?}");
    }
}
