//! Trials set what they depend on, since defaults differ between versions of ATS: from 10 on ATS verifies origins and
//! compares names by default.

use super::{CATALOGUE, Trial};
use crate::model::{Certificate, Place, Remap, Route, Speak, TrialSpec};

/// Whether a trial sets this setting; the name without `proxy.config.`.
fn sets(spec: &TrialSpec, name: &str) -> bool {
    spec.records.iter().any(|record| record.name.strip_prefix("proxy.config.") == Some(name))
}

/// Whether the origin's certificate is valid for the name that ATS compares, so that any policy accepts it.
fn good_by_any_policy(spec: &TrialSpec) -> bool {
    let certificate = match (&spec.origin.tls, &spec.origin.speak) {
        (Some(tls), _) => tls.certificate,
        (None, Speak::Openssl { sign, .. }) if !sign.is_empty() => return false,
        _ => Certificate::Good,
    };
    let named = spec.remap != Remap::ByAddress && !sets(spec, "url_remap.pristine_host_hdr");
    let good = [Certificate::Good, Certificate::Rsa, Certificate::P384, Certificate::Ed25519];
    named && (good.contains(&certificate) || matches!(certificate, Certificate::Chain | Certificate::LongChain))
}

/// Trials through ATS whose origin speaks TLS with ATS.
fn verifying() -> impl Iterator<Item = (&'static Trial, TrialSpec)> {
    CATALOGUE.iter().map(|trial| (*trial, trial.spec())).filter(|(_, spec)| {
        spec.route == Route::Ats && spec.origin.https && spec.remap != Remap::None && spec.origin.speak != Speak::Nobody
    })
}

#[test]
fn trials_that_depend_on_verification_set_its_policy() {
    for (trial, spec) in verifying() {
        let pinned =
            sets(&spec, "ssl.client.verify.server.policy") && sets(&spec, "ssl.client.verify.server.properties");
        // This trial is about the default: only the setting of ATS 8 asks for verification.
        let about_the_default = trial.id == "verify-integer-key";
        assert!(pinned || good_by_any_policy(&spec) || about_the_default, "{} depends on a default policy", trial.id);
    }
}

#[test]
fn a_policy_is_never_set_without_its_properties() {
    for (trial, spec) in verifying() {
        let (policy, properties) =
            (sets(&spec, "ssl.client.verify.server.policy"), sets(&spec, "ssl.client.verify.server.properties"));
        assert_eq!(policy, properties, "{}", trial.id);
    }
}

#[test]
fn trials_that_depend_on_timeouts_retries_or_address_families_set_them() {
    for trial in CATALOGUE {
        let spec = trial.spec();
        if matches!(spec.place, Place::RemoteAndDead | Place::RemoteAndDeadV6) {
            assert!(sets(&spec, "http.connect_attempts_max_retries"), "{}", trial.id);
        }
        if spec.place == Place::RemoteAndDeadV6 {
            assert!(sets(&spec, "hostdb.ip_resolve"), "{}", trial.id);
        }
        if trial.id.starts_with("fault-silent-") {
            let (connect, silence) = ("http.connect_attempts_timeout", "http.transaction_no_activity_timeout_out");
            assert!(sets(&spec, connect) && sets(&spec, silence) && spec.timed, "{}", trial.id);
        }
    }
}

#[test]
fn trials_whose_judge_checks_times_are_timed() {
    // Without a control there is nothing to compare times with, and the trial would fail.
    for trial in CATALOGUE {
        let checks_times = trial.checks(&crate::model::Observation::default()).iter().any(|check| {
            check.expected.starts_with("an end at once") || check.expected.starts_with("an end by the timeout")
        });
        assert_eq!(checks_times, trial.spec().timed, "{}", trial.id);
    }
}
