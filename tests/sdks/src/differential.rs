//! Genuine requests, altered: what this crate makes of them, and what the vendors' libraries make of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    alter,
    random::Random,
    recorded::{Outcome, Recorded},
    table::{Difference, Side, Table},
    vectors::Selection,
    vendors::{Vendors, Verdict},
};

/// A signed request, and what was altered of it.
pub(crate) struct Mutant {
    pub(crate) request: Recorded,
    pub(crate) alterations: Vec<String>,
}

/// So many of each sender. The first ones are genuine.
pub(crate) fn mutants(
    genuine: &[Recorded],
    count: usize,
    random: &mut Random,
    vendors: &mut Vendors,
) -> Vec<Mutant> {
    let mut drafts: Vec<_> = genuine.iter().map(|request| (request.clone(), Vec::new())).collect();
    while drafts.len() < count {
        let mut request = genuine[random.below(genuine.len())].clone();
        let before =
            random.one_in(4).then(|| random.pick(&alter::BEFORE_SIGNING)(&mut request, random));
        drafts.push((request, before.flatten().into_iter().collect()));
    }
    let requests: Vec<_> = drafts.iter().map(|(request, _)| request.clone()).collect();
    let signed = vendors.signed(&requests);
    assert!(signed[..genuine.len()].iter().all(Option::is_some), "a genuine one is not signed");
    let signed = signed.into_iter().zip(drafts);
    let mut altered =
        |(place, (request, (_, mut alterations))): (usize, (Option<Recorded>, (_, Vec<_>)))| {
            let mut request = request?;
            if place >= genuine.len() && (alterations.is_empty() || random.one_in(4)) {
                alterations.extend(alter::after_signing(&mut request, random));
            }
            Some(Mutant { request, alterations })
        };
    signed.enumerate().filter_map(&mut altered).collect()
}

/// What was found, of all senders.
#[derive(Default)]
pub(crate) struct Report {
    /// For each sender: how many requests, how many of them were accepted by this crate.
    pub(crate) counts: BTreeMap<String, (usize, usize)>,
    /// Each with an example.
    pub(crate) unknown: BTreeMap<Difference, String>,
    pub(crate) alterations: BTreeSet<String>,
}

impl Report {
    /// Keeps some of the requests in the selection.
    pub(crate) async fn compare(
        &mut self,
        mutants: &[Mutant],
        table: &mut Table,
        vendors: &mut Vendors,
        selection: &mut Selection,
    ) {
        let requests: Vec<_> = mutants.iter().map(|mutant| mutant.request.clone()).collect();
        let verdicts = vendors.verdicts(&requests);
        for (mutant, verdicts) in mutants.iter().zip(verdicts) {
            assert!(!verdicts.is_empty(), "no library judges {}", mutant.request.sender);
            let outcome = mutant.request.outcome().await.expect("the sender is built in");
            let is_accepted = outcome.is_accepted() && verdicts.iter().all(|said| said.accepts);
            let sender = &mutant.request.sender;
            assert!(
                is_accepted || !mutant.alterations.is_empty(),
                "a genuine one of {sender} is refused"
            );
            let (all, accepted) = self.counts.entry(mutant.request.sender.clone()).or_default();
            *all += 1;
            *accepted += usize::from(outcome.is_accepted());
            self.alterations.extend(mutant.alterations.iter().cloned());
            let differing = |verdict| Some((verdict, differences(mutant, &outcome, verdict)?));
            let differing: Vec<_> = verdicts.iter().filter_map(differing).collect();
            for (verdict, possible) in &differing {
                self.note(mutant, &outcome, verdict, possible, table);
            }
            selection.offer(mutant, &outcome, &verdicts, &differing, table);
        }
    }

    fn note(
        &mut self,
        mutant: &Mutant,
        outcome: &Outcome,
        verdict: &Verdict,
        possible: &[Difference],
        table: &mut Table,
    ) {
        if possible.iter().any(|difference| table.knows(difference)) {
            return;
        }
        let request = serde_json::to_string(&mutant.request).unwrap();
        let example = format!("{outcome:?}; {}: {}; {request}", verdict.library, verdict.why);
        let altered = mutant.alterations.join(" + ");
        self.unknown
            .entry(Difference { alteration: altered, ..possible[0].clone() })
            .or_insert(example);
    }
}

/// Where both differ, if they do: one for each alteration, any of which can be the cause.
fn differences(mutant: &Mutant, outcome: &Outcome, verdict: &Verdict) -> Option<Vec<Difference>> {
    let side = match (outcome.is_accepted(), verdict.accepts) {
        (true, false) => Side::Wider,
        (false, true) if *outcome == Outcome::Undecodable => Side::Unreadable,
        (false, true) => Side::Stricter,
        (true, true) if !are_the_same(outcome, verdict) => Side::Types,
        _ => return None,
    };
    let caused_by = |alteration: &str| Difference {
        side,
        sender: mutant.request.sender.clone(),
        library: verdict.library.clone(),
        alteration: alteration.into(),
    };
    let none = ["nothing".to_owned()];
    let causes = if mutant.alterations.is_empty() { &none[..] } else { &mutant.alterations };
    Some(causes.iter().map(|alteration| caused_by(alteration)).collect())
}

fn are_the_same(outcome: &Outcome, verdict: &Verdict) -> bool {
    match (outcome, &verdict.types) {
        (Outcome::Accepted(ours), Some(theirs)) => ours == theirs,
        _ => true,
    }
}
