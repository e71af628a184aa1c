use super::*;
use crate::model::LogFile;
use crate::wire::{FlowStream, tcpdump};

/// The seed bug, as people report it (apache/trafficserver#11465).
const SEED_WIRE: &str = "\
IP 10.0.0.5.40112 > 10.0.0.9.443: Flags [S], seq 2869237412, win 64240, length 0
IP 10.0.0.9.443 > 10.0.0.5.40112: Flags [S.], seq 3021884211, ack 2869237413, win 65160, length 0
IP 10.0.0.5.40112 > 10.0.0.9.443: Flags [.], ack 1, win 502, length 0
IP 10.0.0.5.40112 > 10.0.0.9.443: Flags [F.], seq 1, ack 1, win 502, length 0
";
const SEED_LOG: &str = "20240601.10h00m00s CONNECT: attempt fail [CONNECTION_ERROR] to 10.0.0.9:443 for \
                        host='www.example.com' connection_result=Invalid argument [22] error=Invalid argument [22] \
                        attempts=0 url='https://origin.example.com/'";
/// A connection to another origin that works.
const WORKS: &str = "\
IP 10.0.0.5.40200 > 10.0.0.8.443: Flags [S], seq 1, win 64240, length 0
IP 10.0.0.8.443 > 10.0.0.5.40200: Flags [S.], seq 2, ack 2, win 65160, length 0
IP 10.0.0.5.40200 > 10.0.0.8.443: Flags [.], ack 1, win 502, length 0
IP 10.0.0.5.40200 > 10.0.0.8.443: Flags [P.], seq 1:518, ack 1, win 502, length 517
IP 10.0.0.8.443 > 10.0.0.5.40200: Flags [P.], seq 1:1200, ack 518, win 502, length 1199
IP 10.0.0.5.40200 > 10.0.0.8.443: Flags [F.], seq 518, ack 1200, win 502, length 0
";

fn host(wire: &[&str], log: &[&str]) -> HostEvidence {
    let mut evidence = HostEvidence::default();
    let mut flows = FlowStream::default();
    for (at, line) in (0..).zip(wire.iter().flat_map(|text| text.lines())) {
        flows.push(at, &tcpdump::segment(line).unwrap(), b"").into_iter().for_each(|flow| evidence.add_flow(flow));
    }
    flows.finish().into_iter().for_each(|flow| evidence.add_flow(flow));
    for line in log {
        evidence.add_line(LogFile::Error, line);
    }
    let given = [(!wire.is_empty(), EvidenceSource::Capture), (!log.is_empty(), EvidenceSource::Log("error.log"))];
    given.into_iter().filter(|(is, _)| *is).for_each(|(_, source)| evidence.given(source));
    evidence
}

fn versions(ats: &str, openssl: &str) -> HostVersions {
    HostVersions { ats: Some(ats.into()), openssl: Some(openssl.into()), distro: Some(("fedora".into(), "40".into())) }
}

fn named(evidence: &HostEvidence, versions: HostVersions) -> Vec<(&'static str, Likeness)> {
    Diagnosis::of(evidence, versions, None).resembled.iter().map(|named| (named.issue, named.likeness)).collect()
}

#[test]
fn the_seeds_own_evidence_is_likely_the_seed() {
    let affected = versions("9.2.5", "3.2.1");
    let both = host(&[SEED_WIRE, WORKS], &[SEED_LOG]);
    assert_eq!(named(&both, affected.clone()), [("ATS-11465", Likeness::Likely)]);
    // One source alone is a hint, and says what would be the other.
    for evidence in [host(&[SEED_WIRE], &[]), host(&[], &[SEED_LOG])] {
        assert_eq!(named(&evidence, affected.clone()), [("ATS-11465", Likeness::Possible)]);
        assert_eq!(Diagnosis::of(&evidence, affected.clone(), None).resembled[0].not_given.len(), 1);
    }
    // Without versions too.
    assert_eq!(named(&both, HostVersions::default()), [("ATS-11465", Likeness::Possible)]);
}

#[test]
fn other_versions_and_other_evidence_get_no_name() {
    let both = host(&[SEED_WIRE], &[SEED_LOG]);
    assert_eq!(named(&both, versions("9.2.9", "3.2.1")), []);
    assert_eq!(named(&both, versions("9.2.5", "3.0.13")), []);
    assert_eq!(named(&host(&[WORKS], &[]), versions("9.2.5", "3.2.1")), []);
    // The log that would have the line was given, and has another.
    let refused = SEED_LOG.replace("Invalid argument [22]", "Connection refused [111]");
    assert_eq!(named(&host(&[SEED_WIRE], &[&refused]), versions("9.2.5", "3.2.1")), []);
    // The log is about another origin than the capture: two halves are no whole.
    let elsewhere = SEED_LOG.replace("10.0.0.9", "10.0.0.7");
    let halves = named(&host(&[SEED_WIRE], &[&elsewhere]), versions("9.2.5", "3.2.1"));
    assert!(!halves.contains(&("ATS-11465", Likeness::Likely)), "{halves:?}");
}

#[test]
fn a_client_that_hangs_up_on_ats_is_no_origin() {
    // A health check of ATS's own port, by a client; ATS itself connects elsewhere.
    let check =
        SEED_WIRE.replace("10.0.0.9", "10.0.0.X").replace("10.0.0.5", "10.0.0.1").replace("10.0.0.X", "10.0.0.5");
    assert_eq!(named(&host(&[&check, WORKS], &[]), versions("9.2.5", "3.2.1")), []);
}

#[test]
fn the_cell_of_the_host_proves_it_and_what_else_affects_it_is_told() {
    let matrix = Matrix::parse("matrix.yaml", include_str!("../../../matrix.yaml")).unwrap();
    let diagnosis = Diagnosis::of(&host(&[SEED_WIRE], &[SEED_LOG]), versions("9.2.5", "3.2.1"), Some(&matrix));
    let proof = diagnosis.resembled[0].proof.as_deref().unwrap();
    assert_eq!(proof, "atsmatrix run --distro fedora-40 --ats 9.2.5 --trial 'ctl-*,tls-remote-origin' --results proof");
    assert!(diagnosis.affecting.contains(&"ATS-11758") && !diagnosis.affecting.contains(&"ATS-11465"));
}

#[test]
fn a_diagnosis_in_words() {
    let evidence = host(&[SEED_WIRE, WORKS], &[SEED_LOG, "20240601.10h00m01s something else"]);
    let diagnosis = Diagnosis::of(&evidence, versions("9.2.5", "3.2.1"), None);
    insta::assert_snapshot!(outline(&diagnosis).text());
    let json: serde_json::Value = serde_json::from_str(&json(&diagnosis)).unwrap();
    assert_eq!(json["resembled"][0]["likeness"], "likely");
    assert_eq!(json["resembled"][0]["seen_in"], serde_json::json!(["capture", "error.log"]));
}
