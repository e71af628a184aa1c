//! What a cache must have done. By ATS's own account in the Via header and by the count at the origin: one alone could
//! be wrong.

use super::Check;
use super::client::exchanges;
use super::origin::serving;
use crate::model::{Exchange, Observation};

/// Whether ATS says that it answered from its cache: `[cHs f ]` from disk, `[cRs f ]` from memory
/// (<https://docs.trafficserver.apache.org/en/9.2.x/appendices/faq.en.html#how-do-i-interpret-the-via-header-code>).
fn is_hit(exchange: &Exchange) -> bool {
    let codes = exchange.headers.iter().filter(|(name, _)| name == "via").filter_map(|(_, via)| via.rsplit_once('['));
    codes.into_iter().any(|(_, codes)| codes.starts_with("cH") || codes.starts_with("cR"))
}

/// The last answer came from the cache, with its age.
pub(in crate::catalogue::trials) fn last_from_cache(observation: &Observation) -> Check {
    let last = exchanges(observation).last();
    let aged = last.is_some_and(|exchange| exchange.headers.iter().any(|(name, _)| name == "age"));
    let seen = match last.map(is_hit) {
        Some(true) if aged => "a last answer from the cache",
        Some(true) => "a last answer from the cache without its age",
        Some(false) => "a last answer from the origin",
        None => "no answer",
    };
    Check::new(aged && last.is_some_and(is_hit), "a last answer from the cache", seen)
}

/// The origin answered the requests that the cache did not, each once, and at most `per_connection` on one connection:
/// further requests there were not answered. How many the cache answered depends on timing: an answer is not in the
/// cache until it is written.
pub(in crate::catalogue::trials) fn rest_from_origin(observation: &Observation, per_connection: usize) -> Check {
    let misses = exchanges(observation).iter().filter(|exchange| !is_hit(exchange)).count();
    let answered = serving(observation).into_iter().map(|connection| connection.requests.len().min(per_connection));
    let answered: usize = answered.sum();
    let expected = "an answer of the origin for each that is not from the cache";
    let seen = format!("{answered} answers of the origin, {misses} that are not from the cache");
    let held = answered == misses && misses > 0;
    Check::new(held, expected, if held { expected.to_owned() } else { seen })
}

/// A request met the end of its connection, after `answered` others on it.
pub(in crate::catalogue::trials) fn retried(observation: &Observation, answered: usize) -> Check {
    let held = serving(observation).iter().any(|connection| connection.requests.len() > answered);
    Check::new(
        held,
        "a request that the origin did not answer",
        if held { "a request that the origin did not answer" } else { "none" },
    )
}
