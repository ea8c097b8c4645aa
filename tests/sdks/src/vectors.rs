//! Writes requests with the verdicts of the libraries, for tests that have no libraries.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{
    differential::Mutant,
    recorded::{Outcome, Recorded},
    table::{Difference, Table},
    vendors::Verdict,
};

/// Of each sender, so many requests that all accept, and so many that all refuse.
const OF_EACH_VERDICT: usize = 4;

#[derive(Serialize)]
pub(crate) struct Vector {
    altered: Vec<String>,
    /// What each library says.
    accepted_by: BTreeMap<String, bool>,
    /// `accepted`, `refused`, or `unreadable`: authentic, and no event of the sender.
    expected: &'static str,
    /// Why this crate does not say what a library says.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(flatten)]
    request: Recorded,
}

/// Which of the requests are worth keeping.
#[derive(Default)]
pub(crate) struct Selection {
    pub(crate) kept: Vec<Vector>,
    reasons: BTreeSet<(String, &'static str)>,
    alike: BTreeMap<(String, bool), usize>,
}

impl Selection {
    pub(crate) fn offer(
        &mut self,
        mutant: &Mutant,
        outcome: &Outcome,
        verdicts: &[Verdict],
        differing: &[(&Verdict, Vec<Difference>)],
        table: &Table,
    ) {
        if mutant.alterations.len() > 1 {
            return;
        }
        let sender = &mutant.request.sender;
        let reason =
            |(_, possible): &(_, Vec<_>)| possible.iter().find_map(|one| table.reason(one));
        let reasons: Vec<_> = differing.iter().map(reason).collect();
        let is_new = match reasons.first() {
            Some(None) => return,
            Some(Some(reason)) => self.reasons.insert((sender.clone(), reason)),
            None => {
                let alike = self.alike.entry((sender.clone(), outcome.is_accepted())).or_default();
                *alike += usize::from(!mutant.alterations.is_empty());
                *alike <= OF_EACH_VERDICT
            }
        };
        if is_new {
            self.kept.push(Vector {
                altered: mutant.alterations.clone(),
                accepted_by: verdicts
                    .iter()
                    .map(|said| (said.library.clone(), said.accepts))
                    .collect(),
                expected: outcome.in_words(),
                reason: reasons.into_iter().flatten().next(),
                request: mutant.request.clone(),
            });
        }
    }
}
