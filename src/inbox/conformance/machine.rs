//! The case `state-machine`: random steps on a store and on a model of it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    model::{BODIES, DEAD, KEYS, LEASE, Model, New},
    probe::{HOUR, Outcome, Probe, delivery, hash, same, with_body},
    random::Random,
};
use crate::inbox::{
    Claim, DeadReason, Filter, Finish, Lease, Leased, Mark, NewDelivery, Replay, Retention, State,
};

const STEPS: u32 = 3000;
const SOURCES: [&str; 3] = ["a", "b", "c"];

pub(super) async fn run(probe: &Probe<'_>) -> Outcome {
    let (model, random) = (Model::default(), Random::new(probe.seed));
    let mut machine = Machine { probe, model, random, given: Vec::new() };
    for step in 0..STEPS {
        let done = machine.step().await;
        done.map_err(|failed| format!("step {step} of seed {:#x}: {failed}", probe.seed))?;
    }
    machine.drain().await.map_err(|failed| format!("at the end: {failed}").into())
}

struct Machine<'p, 'h> {
    probe: &'p Probe<'h>,
    model: Model,
    random: Random,
    /// All leases that the store gave.
    given: Vec<Lease>,
}

impl Machine<'_, '_> {
    async fn step(&mut self) -> Outcome {
        match self.random.below(100) {
            0..25 => self.enqueue().await,
            25..45 => self.claim().await,
            45..65 => self.finish().await,
            65..70 => self.extend().await,
            70..78 => self.replay().await,
            78..81 => self.park().await,
            81..84 => self.pause().await,
            84..90 => self.pass().await,
            90..92 => self.purge().await,
            92..97 => self.get().await,
            97..99 => self.list().await,
            _ => self.stats().await,
        }
    }

    async fn enqueue(&mut self) -> Outcome {
        let random = &mut self.random;
        let new = New {
            source: random.of(&SOURCES).copied().unwrap_or_default(),
            key: (!random.one_in(4)).then(|| random.below(200)),
            order_key: random.one_in(3).then(|| random.below(5)),
            body: random.below(2),
        };
        let key = |kind: &str, number: u32| hash(format!("{kind} {number}").as_bytes());
        let given = NewDelivery {
            key: new.key.map(|number| key("key", number)),
            // An inbox makes keys of one sender from its name, too.
            order_key: new.order_key.map(|number| key(new.source, number)),
            ..delivery(new.source)
        };
        let seen = self.probe.store.enqueue(with_body(new.body.to_string(), given)).await?;
        self.model.enqueued(new, seen)
    }

    async fn claim(&mut self) -> Outcome {
        let named = 1 + self.random.below(3) as usize;
        let most = self.random.below(12) as usize;
        self.claim_of(&SOURCES[..named], most).await.map(drop)
    }

    async fn claim_of(&mut self, names: &[&str], most: usize) -> Outcome<Vec<Leased>> {
        let sources = names.iter().map(|&source| Arc::from(source)).collect();
        let claim = Claim { sources, most, lease: half_hours(LEASE) };
        let leased = self.probe.store.claim(claim).await?;
        self.model.claimed(names, most, &leased)?;
        self.given.extend(leased.iter().map(|leased| leased.lease));
        Ok(leased)
    }

    /// A lease that is held, or now and then one that may be lost.
    fn lease(&mut self) -> Option<Lease> {
        if self.random.one_in(4) {
            return self.random.of(&self.given).copied();
        }
        let leased = self.model.rows.iter().filter(|(_, row)| row.state == State::Leased);
        let held: Vec<_> = leased.map(|(&seq, row)| Lease { seq, token: row.token }).collect();
        self.random.of(&held).copied()
    }

    fn ends(&mut self) -> Vec<Mark> {
        // A worker names no event twice.
        let events = (0..4).filter(|_| self.random.one_in(4)).collect::<Vec<u32>>();
        let mark = |event| Mark { event, is_done: !self.random.one_in(3) };
        events.into_iter().map(mark).collect()
    }

    async fn finish(&mut self) -> Outcome {
        let Some(lease) = self.lease() else { return Ok(()) };
        let ends = self.ends();
        let mut after = 0;
        let finish = match self.random.below(6) {
            0 | 1 => Finish::Done,
            2 | 3 => {
                after = [0, 1, 3, 9][self.random.below(4) as usize];
                Finish::Retry { after: half_hours(after), error: format!("busy {after}").into() }
            }
            4 => {
                let reason = self.random.of(&DeadReason::ALL).copied();
                let reason = reason.unwrap_or(DeadReason::Refused);
                Finish::Dead { reason, error: format!("no {reason}").into() }
            }
            _ => Finish::Release,
        };
        let held = self.probe.store.finish(lease, ends.clone(), finish.clone()).await?;
        let expected = self.model.finished(lease, &ends, &finish, after);
        same(&format!("whether {lease:?} is held for {finish:?}"), expected, held)?;
        self.get_one(lease.seq).await
    }

    async fn extend(&mut self) -> Outcome {
        let Some(lease) = self.lease() else { return Ok(()) };
        let ends = self.ends();
        let held = self.probe.store.extend(lease, half_hours(LEASE), ends.clone()).await?;
        let expected = self.model.extended(lease, &ends);
        same(&format!("whether {lease:?} is held to be extended"), expected, held)
    }

    /// The number of a delivery, or one that was never given.
    fn number(&mut self) -> i64 {
        let all: Vec<_> = self.model.rows.keys().copied().collect();
        let unknown = self.random.one_in(20);
        self.random.of(&all).copied().filter(|_| !unknown).unwrap_or(1 << 40)
    }

    async fn replay(&mut self) -> Outcome {
        let seq = self.number();
        let how = [Replay::Rest, Replay::All, Replay::Copy][self.random.below(3) as usize];
        let row = self.model.rows.get(&seq);
        // It would come before those that are being handled already. That is left to the store.
        if how != Replay::Copy && row.is_some_and(|row| row.order_key.is_some()) {
            return Ok(());
        }
        let seen = self.probe.store.replay(seq, how).await?;
        self.model
            .replayed(seq, how, seen)
            .map_err(|failed| format!("{how:?} of {seq}: {failed}"))?;
        self.get_one(seq).await
    }

    async fn park(&mut self) -> Outcome {
        let seq = self.number();
        let parked = self.probe.store.park(seq).await?;
        same(&format!("whether {seq} was parked"), self.model.parked(seq), parked)
    }

    async fn pause(&mut self) -> Outcome {
        let source = self.random.of(&SOURCES).copied().unwrap_or_default();
        let is_paused = self.random.one_in(3);
        match is_paused {
            true => self.model.paused.insert(source),
            false => self.model.paused.remove(source),
        };
        Ok(self.probe.store.pause(source, is_paused).await?)
    }

    async fn pass(&mut self) -> Outcome {
        let hours = 1 + self.random.below(4);
        self.probe.pass(HOUR * hours).await;
        self.model.now += u64::from(hours) * 2;
        Ok(())
    }

    async fn purge(&mut self) -> Outcome {
        let [bodies, dead, keys] = [BODIES, DEAD, KEYS].map(half_hours);
        let purged = self.probe.store.purge(Retention { bodies, dead, keys }).await?;
        same("what was purged", self.model.purged(), purged)
    }

    async fn get(&mut self) -> Outcome {
        let seq = self.number();
        self.get_one(seq).await
    }

    async fn get_one(&self, seq: i64) -> Outcome {
        let (row, stored) = (self.model.rows.get(&seq), self.probe.store.get(seq).await?);
        same(&format!("whether there is a delivery {seq}"), row.is_some(), stored.is_some())?;
        let compared = row.zip(stored).map_or(Ok(()), |(row, stored)| row.compare(&stored));
        compared.map_err(|failed| format!("of {seq}, {failed}").into())
    }

    async fn list(&mut self) -> Outcome {
        let source = self.random.of(&SOURCES).copied().unwrap_or_default();
        let state = self.random.of(&State::ALL).copied();
        let filter =
            Filter { source: Some(source.into()), state, most: 10_000, ..Filter::default() };
        let rows = self.model.rows.iter();
        let own = rows.filter(|(_, row)| row.source == source && Some(row.state) == state);
        let own: Vec<_> = own.map(|(&seq, _)| seq).collect();
        same(&format!("the list of {source} {state:?}"), own, self.probe.listed(filter).await?)
    }

    async fn stats(&mut self) -> Outcome {
        let mut expected = BTreeMap::new();
        for row in self.model.rows.values() {
            *expected.entry((row.source.to_owned(), row.state.name())).or_insert(0) += 1;
        }
        let mut seen = BTreeMap::new();
        for mut stats in self.probe.store.stats().await? {
            let is_paused = self.model.paused.contains(&*stats.source);
            same("whether a sender is paused", is_paused, stats.is_paused)?;
            for state in State::ALL {
                let count = *stats.of(state);
                seen.insert((stats.source.to_string(), state.name()), count);
            }
        }
        seen.retain(|_, count| *count > 0);
        same("the number of deliveries by sender and state", expected, seen)
    }

    /// Has everything handled that is open.
    async fn drain(&mut self) -> Outcome {
        for source in SOURCES {
            self.probe.store.pause(source, false).await?;
        }
        self.model.paused.clear();
        // Of each order key, one is handled in each round.
        for _ in 0..STEPS {
            self.pass().await?;
            self.probe.pass(HOUR * 8).await;
            self.model.now += 16;
            for Leased { lease, .. } in self.claim_of(&SOURCES, 1000).await? {
                let held = self.probe.store.finish(lease, vec![], Finish::Done).await?;
                same(
                    "whether a lease is held",
                    self.model.finished(lease, &[], &Finish::Done, 0),
                    held,
                )?;
            }
            if !self.model.rows.values().any(|row| row.is_open()) {
                break;
            }
        }
        let all: Vec<_> = self.model.rows.keys().copied().collect();
        for seq in all {
            self.get_one(seq).await?;
        }
        self.stats().await
    }
}

fn half_hours(count: u64) -> Duration {
    Duration::from_secs(count * 30 * 60)
}
