//! TCP Fast Open.

use super::{SUBJECT, Trial, check, spec};
use crate::model::TrialSpec;

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "tfo-on",
        title: "with TCP Fast Open on for origins ATS reaches the TLS origin",
        why: "the code of the seed bug: on an affected build this very option changes failure to success",
        link: "https://github.com/apache/trafficserver/issues/11465",
        spec: || TrialSpec { records: vec![spec::int("net.sock_option_flag_out", 9)], ..spec::two_fast_opens() },
        judge: |seen| {
            check::answers_and(seen, 2, [check::served(seen, 2, Some(2)), check::over_tls(seen), check::syn_data(seen)])
        },
        ..SUBJECT
    },
    Trial {
        id: "tfo-off",
        title: "with TCP Fast Open off for origins ATS reaches the TLS origin",
        why: "the default: the fast-open code runs even when the option is off",
        link: "https://github.com/apache/trafficserver/issues/11465",
        // The default is off: no setting, so that it shares ATS with others. The judge allows data in a SYN, since a
        // workaround that turns the option on is tried on this trial too.
        spec: spec::two_fast_opens,
        judge: |seen| check::answers_and(seen, 2, [check::served(seen, 2, Some(2)), check::over_tls(seen)]),
        ..SUBJECT
    },
];
