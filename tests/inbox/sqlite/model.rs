//! The store in a file does the same as the store in memory, whatever is done.

use std::{sync::Arc, time::Duration};

use tower_webhook::{
    clock::ManualClock,
    inbox::{
        DeadReason, Filter, Finish, Lease, Mark, MemoryStore, NewDelivery, Replay, Retention,
        State, Store,
    },
};

use super::{Folder, claim_of, clock, delivery, hash};

/// Numbers that look random, and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn seconds(&mut self, end: u64) -> Duration {
        Duration::from_millis(self.below(end * 1_000))
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()].clone()
    }
}

const SOURCES: [&str; 3] = ["a", "b", "c"];

struct Trial {
    random: Random,
    clock: ManualClock,
    stores: [Arc<dyn Store>; 2],
    leases: Vec<Lease>,
    greatest: i64,
}

impl Trial {
    /// Runs `call` on both stores. Their answers must be the same.
    async fn both<T: std::fmt::Debug, F: Future<Output = T>>(
        &self,
        call: impl Fn(Arc<dyn Store>) -> F,
    ) -> T {
        let [model, store] = &self.stores;
        let (expected, found) = (call(model.clone()).await, call(store.clone()).await);
        assert_eq!(format!("{found:#?}"), format!("{expected:#?}"));
        found
    }

    fn new_delivery(&mut self) -> NewDelivery {
        let number = u32::try_from(self.random.below(60)).unwrap();
        let mut new = delivery(self.random.one(&SOURCES), number);
        if self.random.below(4) == 0 {
            new.record.digest = hash(1_000 + number);
        }
        if self.random.below(3) == 0 {
            new.order_key = Some(hash(u32::try_from(self.random.below(3)).unwrap()));
        }
        if self.random.below(5) == 0 {
            new.key = None;
        }
        new
    }

    fn finish(&mut self) -> Finish {
        let error = Arc::from(format!("error {}", self.random.below(100)));
        match self.random.below(6) {
            0 => Finish::Retry { after: self.random.seconds(100), error },
            1 => Finish::Dead { reason: self.random.one(&DeadReason::ALL), error },
            2 => Finish::Release,
            _ => Finish::Done,
        }
    }

    fn ends(&mut self) -> Vec<Mark> {
        let count = u32::try_from(self.random.below(3)).unwrap();
        (0..count).map(|event| Mark { event, is_done: self.random.below(3) > 0 }).collect()
    }

    fn filter(&mut self) -> Filter {
        let mut filter = Filter { most: 20, ..Filter::default() };
        filter.after = self.seq() - 3;
        match self.random.below(5) {
            0 => filter.source = Some("b".into()),
            1 => filter.tenant = Some("tenant".into()),
            2 => filter.id = Some("7".into()),
            3 => filter.state = Some(self.random.one(&State::ALL)),
            _ => {}
        }
        filter
    }

    fn retention(&mut self) -> Retention {
        let [bodies, dead, keys] = [0; 3].map(|_| self.random.seconds(1_000));
        Retention { bodies, dead, keys }
    }

    fn seq(&mut self) -> i64 {
        i64::try_from(self.random.below(self.greatest.unsigned_abs() + 2)).unwrap()
    }

    async fn work(&mut self) {
        match self.random.below(3) {
            0 => {
                let most = usize::try_from(self.random.below(6)).unwrap();
                let claim = claim_of(&[self.random.one(&SOURCES), "a"], most);
                let leased = self.both(|store| store.claim(claim.clone())).await.unwrap();
                self.leases.extend(leased.iter().map(|leased| leased.lease));
            }
            which => {
                let Some(lease) = self.leases.last().copied() else { return };
                let lease =
                    if self.random.below(3) == 0 { self.random.one(&self.leases) } else { lease };
                let ends = self.ends();
                if which == 1 && self.random.below(4) == 0 {
                    let by = self.random.seconds(100);
                    self.both(|store| store.extend(lease, by, ends.clone())).await.unwrap();
                } else {
                    let finish = self.finish();
                    self.both(|store| store.finish(lease, ends.clone(), finish.clone()))
                        .await
                        .unwrap();
                }
                if self.random.below(2) == 0 {
                    self.leases.pop();
                }
            }
        }
    }

    async fn operate(&mut self) {
        let seq = self.seq();
        match self.random.below(6) {
            0 => {
                let how = self.random.one(&[Replay::Rest, Replay::All, Replay::Copy]);
                let replayed = self.both(|store| store.replay(seq, how)).await.unwrap();
                self.greatest = self.greatest.max(replayed.unwrap_or(0));
            }
            1 => drop(self.both(|store| store.park(seq)).await.unwrap()),
            2 => {
                let (source, is_paused) = (self.random.one(&SOURCES), self.random.below(3) == 0);
                self.both(|store| store.pause(source, is_paused)).await.unwrap();
            }
            3 => {
                let retention = self.retention();
                self.both(|store| store.purge(retention)).await.unwrap();
            }
            4 => drop(self.both(|store| store.get(seq)).await.unwrap()),
            _ => {
                let filter = self.filter();
                self.both(|store| store.list(filter.clone())).await.unwrap();
                self.both(|store| store.stats()).await.unwrap();
            }
        }
    }

    async fn step(&mut self) {
        match self.random.below(8) {
            0 | 1 => {
                let new = self.new_delivery();
                let enqueued = self.both(|store| store.enqueue(new.clone())).await.unwrap();
                if let tower_webhook::inbox::Enqueued::New(seq) = enqueued {
                    self.greatest = seq;
                }
            }
            2 => {
                let by = self.random.seconds(50);
                self.clock.advance(by);
            }
            3 | 4 => self.operate().await,
            _ => self.work().await,
        }
        let [model, store] = &self.stores;
        let open = |store: &Arc<dyn Store>| (store.pressure().used * 1e6).round();
        assert_eq!(open(store), open(model));
    }
}

#[tokio::test]
async fn the_file_does_what_the_model_does() {
    for seed in 1..=6 {
        let (folder, clock) = (Folder::new(), clock());
        let store = folder
            .options()
            .clock(clock.clone())
            .max_bytes(u64::MAX)
            .min_free_bytes(0)
            .open()
            .unwrap();
        let stores: [Arc<dyn Store>; 2] =
            [Arc::new(MemoryStore::with_clock(clock.clone())), Arc::new(store)];
        let mut trial =
            Trial { random: Random(seed), clock, stores, leases: Vec::new(), greatest: 0 };
        for _ in 0..700 {
            trial.step().await;
        }
        assert!(trial.greatest > 40, "{}", trial.greatest);
    }
}
