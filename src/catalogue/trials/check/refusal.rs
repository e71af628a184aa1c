//! Refusals: ATS refused an origin, and for the trial's own reason. An ATS that refuses everything also answers 502.

use super::{Check, and, client_hello, status};
use crate::model::Observation;

pub(in crate::catalogue::trials) use crate::model::RefusalReason as Reason;

/// Why an origin is refused, by the texts that report it: OpenSSL's in ATS's diags.log, which differ between 1.1.1 and
/// 3.x, or the origin's, which gets an alert or no client certificate.
fn words(reason: Reason) -> (&'static str, &'static [&'static str]) {
    match reason {
        Reason::Expired => ("an expired certificate", &["certificate has expired"]),
        Reason::NotYetValid => ("a certificate that is not yet valid", &["certificate is not yet valid"]),
        Reason::SelfSigned => {
            // The certificate itself; for one further up OpenSSL adds `in certificate chain`.
            ("a self-signed certificate", &["self signed certificate", "self-signed certificate"])
        }
        Reason::UnknownIssuer => {
            ("an unknown issuer", &["unable to get local issuer certificate", "unable to verify the first certificate"])
        }
        Reason::OtherName => ("a certificate without the name", &["not in certificate"]),
        Reason::Purpose => (
            "a certificate for another purpose",
            &["unsupported certificate purpose", "unsuitable certificate purpose"],
        ),
        // Where policy forbids SHA-1 altogether, checking the signature fails instead.
        Reason::WeakSignature => {
            ("a weak signature", &["signature digest algorithm too weak", "certificate signature failure"])
        }
        Reason::WeakKey => ("a weak key", &["certificate key too weak"]),
        Reason::NoClientCertificate => ("the missing client certificate", &["peer sent no certificates"]),
    }
}

/// ATS refused the origin: it sent a ClientHello, gave its client a 502 and sent no request.
pub(in crate::catalogue::trials) fn refused(observation: &Observation) -> Vec<Check> {
    let requests: usize = observation.origin.iter().map(|connection| connection.requests.len()).sum();
    vec![
        status(observation, &[502]),
        client_hello(observation),
        Check::new(requests == 0, "no request at the origin", format!("{requests} requests at the origin")),
    ]
}

/// The same, with `reason` in ATS's logs or in the origin's error.
pub(in crate::catalogue::trials) fn refused_for(observation: &Observation, reason: Reason) -> Vec<Check> {
    let (what, wordings) = words(reason);
    let logs = observation.logs.iter().map(|line| line.text.as_str());
    let mut texts = logs.chain(observation.origin.iter().filter_map(|connection| connection.error.as_deref()));
    let held = texts.any(|text| wordings.iter().any(|wording| text.contains(wording)));
    let expected = format!("{what} as the reason");
    let seen = if held { expected.clone() } else { "no such reason in logs and alerts".into() };
    and(refused(observation), [Check::new(held, expected, seen)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LogFile, LogLine, OriginConnection};

    fn logged(text: &str) -> Observation {
        let line = LogLine { trial: None, file: LogFile::Diags, text: text.into() };
        Observation { logs: vec![line], ..Observation::default() }
    }

    fn reason_held(observation: &Observation, reason: Reason) -> bool {
        refused_for(observation, reason).last().unwrap().held
    }

    #[test]
    fn a_reason_is_recognised_in_the_texts_of_every_openssl() {
        for error in ["self signed certificate", "self-signed certificate"] {
            let seen = logged(&format!("WARNING: Core server certificate verification failed for (x). Error={error}"));
            assert!(reason_held(&seen, Reason::SelfSigned) && !reason_held(&seen, Reason::Expired));
        }
        for error in ["unsupported certificate purpose", "unsuitable certificate purpose"] {
            assert!(reason_held(&logged(error), Reason::Purpose));
        }
        let connection = OriginConnection { error: Some("peer sent no certificates".into()), ..Default::default() };
        let seen = Observation { origin: vec![connection], ..Observation::default() };
        assert!(reason_held(&seen, Reason::NoClientCertificate));
        assert!(!reason_held(&Observation::default(), Reason::UnknownIssuer));
    }
}
