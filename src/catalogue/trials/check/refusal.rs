//! Refusals: that ATS refused an origin, and that it did so for the trial's own reason. A 502 alone would also be
//! the answer of an ATS that refuses everything.

use super::{Check, said_hello, status};
use crate::model::Observation;

/// Why an origin is refused, in the words of whoever says so: OpenSSL by way of ATS's diags.log (the wording differs
/// between 1.1.1 and 3.x), or the origin, which is told by an alert or misses what it asked for.
#[derive(Debug, Clone, Copy)]
pub(in crate::catalogue::trials) enum Reason {
    Expired,
    NotYetValid,
    SelfSigned,
    UnknownIssuer,
    OtherName,
    Purpose,
    WeakSignature,
    WeakKey,
    NoClientCertificate,
}

impl Reason {
    fn words(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Expired => ("an expired certificate", &["certificate has expired"]),
            Self::NotYetValid => ("a certificate that is not yet valid", &["certificate is not yet valid"]),
            Self::SelfSigned => {
                // Of the certificate itself; one further up would say `in certificate chain`.
                ("a self-signed certificate", &["self signed certificate", "self-signed certificate"])
            }
            Self::UnknownIssuer => (
                "an unknown issuer",
                &["unable to get local issuer certificate", "unable to verify the first certificate"],
            ),
            Self::OtherName => ("a certificate without the name", &["not in certificate"]),
            Self::Purpose => (
                "a certificate for another purpose",
                &["unsupported certificate purpose", "unsuitable certificate purpose"],
            ),
            // Where policy forbids SHA-1 altogether, checking the signature fails instead.
            Self::WeakSignature => {
                ("a weak signature", &["signature digest algorithm too weak", "certificate signature failure"])
            }
            Self::WeakKey => ("a weak key", &["certificate key too weak"]),
            Self::NoClientCertificate => ("the missing client certificate", &["peer sent no certificates"]),
        }
    }
}

/// ATS refused the origin: it said a ClientHello, so that it was TLS that ended it, gave its client a
/// 502 and sent no request.
pub(in crate::catalogue::trials) fn refused(observation: &Observation) -> Vec<Check> {
    let requests: usize = observation.origin.iter().map(|connection| connection.requests.len()).sum();
    vec![
        status(observation, &[502]),
        said_hello(observation),
        Check::new(requests == 0, "no request at the origin", format!("{requests} requests at the origin")),
    ]
}

/// The same, with `reason` given by ATS in its logs, or by the origin.
pub(in crate::catalogue::trials) fn refused_for(observation: &Observation, reason: Reason) -> Vec<Check> {
    let (what, wordings) = reason.words();
    let logs = observation.logs.iter().map(|line| line.text.as_str());
    let mut said = logs.chain(observation.origin.iter().filter_map(|connection| connection.error.as_deref()));
    let held = said.any(|text| wordings.iter().any(|wording| text.contains(wording)));
    let told = |what: &str| format!("{what} as the reason");
    let mut checks = refused(observation);
    checks.push(Check::new(
        held,
        told(what),
        if held { told(what) } else { "no such reason in logs and alerts".into() },
    ));
    checks
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
    fn a_reason_is_known_in_the_words_of_either_openssl() {
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
