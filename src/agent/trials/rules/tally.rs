//! What is told of all rules of the user's own.

use std::collections::BTreeMap;

use super::{RuleFate, facts, place};
use crate::ats::asks::{Ask, Leads};
use crate::decide::behaviour::rules::{RuleFacts, by_fact};
use crate::model::{Arrived, Exchange, RuleMiss, RuleSample, RulesSeen, RulesUntried};

/// Rules of each kind that evidence describes; the others are counted.
const MAX_MISSED: usize = 200;
const MAX_SAMPLES: usize = 20;
const MAX_NAMED: usize = 5;

/// What is told of all rules.
#[derive(Default)]
pub(super) struct RuleTally {
    reached: u32,
    missed: Vec<RuleMiss>,
    missed_count: u32,
    untried: BTreeMap<String, (u32, Vec<String>)>,
    samples: Vec<RuleSample>,
    facts: Vec<RuleFacts>,
}

impl RuleTally {
    pub(super) fn add(&mut self, ask: &Ask, answer: Option<&Exchange>, fate: &RuleFate, parents_take_turns: bool) {
        self.facts.push(facts::of(ask, answer, fate, parents_take_turns));
        match fate {
            RuleFate::Redirected => self.reached += 1,
            RuleFate::Reached(arrived) => {
                self.reached += 1;
                self.sample(ask, answer, arrived);
            }
            RuleFate::Missed(seen) => {
                self.missed_count += 1;
                if self.missed.len() < MAX_MISSED {
                    let expected = match &ask.leads {
                        Leads::Origin(to) => to.words(),
                        Leads::Redirect(_, to) => format!("a redirect to {to}"),
                    };
                    let (at, seen) = (ask.at.to_string(), seen.clone());
                    self.missed.push(RuleMiss { at, asked: ask.words(), expected, seen });
                }
            }
            RuleFate::Open(reason) => self.untried(ask.at.to_string(), reason.clone()),
        }
    }

    pub(super) fn untried(&mut self, at: String, reason: String) {
        let (count, first) = self.untried.entry(reason).or_default();
        *count += 1;
        if first.len() < MAX_NAMED {
            first.push(at);
        }
    }

    /// Why rules that were to be asked have no answer; `None`: all have one.
    pub(super) fn open(&self) -> Option<String> {
        let one = |(reason, (count, at)): (&String, &(u32, Vec<String>))| {
            format!("{count} of your rules have no answer ({}): {reason}", at.join(", "))
        };
        let all: Vec<String> = self.untried.iter().map(one).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// Keeps what became of a request, if no other is like it.
    fn sample(&mut self, ask: &Ask, answer: Option<&Exchange>, arrived: &Arrived) {
        if self.samples.len() >= MAX_SAMPLES {
            return;
        }
        let (request, answer) = (facts::of_request(ask, arrived).lines(), facts::of_answer(answer).lines());
        if self.samples.iter().any(|known| known.request == request && known.answer == answer) {
            return;
        }
        let host = arrived.host_header();
        let sni = arrived.sni.as_ref().map(|sni| format!(", SNI {sni}")).unwrap_or_default();
        let got = format!("{}: {} {} with Host {host}{sni}", place(arrived), arrived.method, arrived.target);
        self.samples.push(RuleSample { at: ask.at.to_string(), asked: ask.words(), got, request, answer });
    }

    pub(super) fn seen(self, rules: usize) -> RulesSeen {
        let untried = self.untried.into_iter().map(|(reason, (count, at))| RulesUntried { reason, count, at });
        RulesSeen {
            rules: u32::try_from(rules).unwrap_or(u32::MAX),
            reached: self.reached,
            missed: self.missed,
            missed_count: self.missed_count,
            untried: untried.collect(),
            samples: self.samples,
            behaviour: by_fact(&self.facts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_without_an_answer_are_told_of_with_their_number() {
        let mut told = RuleTally::default();
        assert_eq!(told.open(), None);
        for line in 1..=7 {
            told.untried(format!("remap.config:{line}"), "late".into());
        }
        assert_eq!(
            told.open().unwrap(),
            "7 of your rules have no answer (remap.config:1, remap.config:2, remap.config:3, remap.config:4, \
             remap.config:5): late"
        );
    }
}
