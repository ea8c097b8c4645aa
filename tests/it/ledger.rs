//! Nothing is lost on the way from a real socket to a handler, whenever the sender hangs up.

mod receiver;
mod slow;
mod traffic;
mod unprotected;

use std::collections::{BTreeMap, BTreeSet};

use self::{
    receiver::{Journal, Protection},
    traffic::{Plan, Sent},
};

/// Runs in a process of its own, started by the tests here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a receiver, not a test"]
async fn receiver_process() {
    receiver::run().await;
}

/// What was sent, what a tap in front of the layer saw to its end, and what handlers did.
struct Ledger {
    sent: BTreeMap<u64, Sent>,
    received: BTreeSet<u64>,
    handled: BTreeMap<String, usize>,
}

impl Ledger {
    fn new(sent: BTreeMap<u64, Sent>, journal: &Journal) -> Self {
        let mut ledger = Self { sent, received: BTreeSet::new(), handled: BTreeMap::new() };
        for line in journal.lines() {
            match line.split_once(' ') {
                Some(("received", id)) => drop(ledger.received.insert(id.parse().unwrap())),
                Some(("handled", event)) => *ledger.handled.entry(event.into()).or_default() += 1,
                _ => panic!("{line}"),
            }
        }
        ledger
    }

    /// The deliveries among `ids` of which an event was not handled.
    fn unhandled<'a>(&self, ids: impl IntoIterator<Item = &'a u64>) -> Vec<u64> {
        let done =
            |id: &u64| Plan::new(*id).events().all(|event| self.handled.contains_key(&event));
        ids.into_iter().copied().filter(|id| !done(id)).collect()
    }

    #[track_caller]
    fn assert_handled<'a>(&self, ids: impl IntoIterator<Item = &'a u64>) {
        let lost = self.unhandled(ids);
        assert!(lost.is_empty(), "lost: {lost:?}");
    }

    fn answered(&self) -> Vec<u64> {
        self.sent
            .iter()
            .filter(|(_, sent)| **sent == Sent::Answered(200))
            .map(|(id, _)| *id)
            .collect()
    }

    fn abandoned(&self) -> impl Iterator<Item = u64> {
        self.sent.iter().filter(|(_, sent)| **sent == Sent::HungUpAfterBody).map(|(id, _)| *id)
    }

    fn report(&self, name: &str) {
        println!(
            "{name}: {} deliveries, {} answered 200, {} abandoned after the body, {} of them before the server had \
             read it; {} received, {} of them not handled; {} events handled, {} of them more than once",
            self.sent.len(),
            self.answered().len(),
            self.abandoned().count(),
            self.abandoned().filter(|id| !self.received.contains(id)).count(),
            self.received.len(),
            self.unhandled(&self.received).len(),
            self.handled.len(),
            self.handled.values().filter(|times| **times > 1).count(),
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_by_hang_ups_and_a_restart() {
    let journal = Journal::new("protected");
    let mut first = receiver::start(&journal, Protection::HandOver);
    let (address, pid) = (first.address, first.id());
    let mut sent = traffic::send(address, 0..500, Some((450, pid))).await;
    first.ended().await;
    let mut second = receiver::start(&journal, Protection::HandOver);
    sent.extend(traffic::send(second.address, 500..1000, None).await);
    second.terminate();
    second.ended().await;

    let ledger = Ledger::new(sent, &journal);
    ledger.report("with the hand-over");
    assert_eq!(ledger.sent.len(), 1000);
    ledger.assert_handled(&ledger.answered());
    ledger.assert_handled(&ledger.received);
    assert!(ledger.handled.values().all(|times| *times == 1));
    assert!(ledger.answered().len() > 200);
    assert!(ledger.abandoned().any(|id| ledger.received.contains(&id)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_hand_over_the_same_traffic_loses() {
    let journal = Journal::new("unprotected");
    let mut receiver = receiver::start(&journal, Protection::None);
    let sent = traffic::send(receiver.address, 0..300, None).await;
    receiver.terminate();
    receiver.ended().await;

    let ledger = Ledger::new(sent, &journal);
    ledger.report("without");
    ledger.assert_handled(&ledger.answered());
    assert!(!ledger.unhandled(&ledger.received).is_empty());
}
