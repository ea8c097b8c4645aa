//! One attempt to handle one delivery.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use sha2::{Digest, Sha256};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, timeout},
};

use super::{
    Settings,
    dispatch::{Dispatch, Handling},
    keeper::{Keeper, Loss},
    retry::{dead, ends},
    run::LOOK,
    troubles::Troubles,
};
use crate::{
    Delivery,
    delivery::{StoredFacts, StoredRun},
    inbox::{
        DeadReason, Finish, Lease, Leased, Mark, Record, Store, header_block, limits,
        metrics::{self, Watch},
    },
    router::BatchOutcome,
    util::{panics::contained, trace},
};

/// What all attempts of a worker share.
pub(super) struct Shared {
    pub(super) store: Arc<dyn Store>,
    pub(super) settings: Settings,
    /// A place for each delivery that is handled at the same time.
    pub(super) places: Arc<Semaphore>,
    pub(super) troubles: Arc<Troubles>,
    pub(super) stage: watch::Receiver<Stage>,
}

/// How far a worker is with its end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Working,
    /// No further handler begins.
    Stopping,
    /// Handlers are dropped.
    Over,
}

/// A delivery that this worker has.
struct Held {
    lease: Lease,
    source: Arc<str>,
}

/// How the wait for a place, or for a handler, ended.
enum Event<T> {
    Ready(T),
    Lost(Loss),
    Stopped,
}

/// Handles a delivery, and tells the store what became of it.
///
/// `since`: when it was claimed, or earlier. `waits` is dropped when it has a place.
pub(super) async fn attempt(
    shared: Arc<Shared>,
    route: Arc<dyn Dispatch>,
    leased: Leased,
    (since, waits): (Instant, Arc<()>),
) {
    let (lease, crashes) = (leased.lease, leased.crashes);
    let held = Held { lease, source: leased.record.source.clone() };
    if crashes >= limits::MAX_CRASHES {
        let error = format!("{crashes} workers ended in the middle of it, one after the other");
        return shared.finish(&held, Vec::new(), dead(DeadReason::Crashed, error)).await;
    }
    let settings = &shared.settings;
    let (store, troubles) = (shared.store.clone(), shared.troubles.clone());
    let mut keeper = Keeper::new(store, lease, (settings.lease, since), troubles);
    // What has crashed twice runs alone, so that it takes nothing with it.
    let places = if crashes > 1 { settings.concurrency } else { 1 };
    let place = pin!(shared.places.clone().acquire_many_owned(places));
    let place = match shared.wait(place, &mut keeper, Stage::Stopping).await {
        Event::Ready(place) => place.ok(),
        Event::Lost(Loss::Taken) => return held.lost(),
        Event::Lost(Loss::Overdue) | Event::Stopped => {
            return shared.finish(&held, Vec::new(), Finish::Release).await;
        }
    };
    drop(waits);
    if crashes > 0 && !shared.has_noted_begin(&held).await {
        return;
    }
    shared.handle(&*route, leased, held, keeper, place).await;
}

impl Held {
    fn ended(&self, finish: &Finish) {
        metrics::ended(&self.source, Some(finish));
        if let Finish::Dead { reason, error } = finish {
            trace::dead(&self.source, self.lease.seq, reason.name(), error);
        }
    }

    fn lost(&self) {
        metrics::ended(&self.source, None);
    }
}

impl Shared {
    /// Has the store note that a handler begins. Otherwise it must not: it could end many workers without being noticed.
    async fn has_noted_begin(&self, held: &Held) -> bool {
        let lease = held.lease;
        match self.store.begin(lease).await {
            Ok(true) => return true,
            Ok(false) => held.lost(),
            Err(error) => {
                self.troubles.note(&format!("delivery {} cannot begin: {error}", lease.seq));
                self.finish(held, Vec::new(), Finish::Release).await;
            }
        }
        false
    }

    async fn handle(
        &self,
        route: &dyn Dispatch,
        leased: Leased,
        held: Held,
        mut keeper: Keeper,
        place: Option<OwnedSemaphorePermit>,
    ) {
        let Leased { lease, attempt, settled, .. } = leased;
        let mut handling = match self.begin(route, leased.record, (lease, attempt), &settled) {
            Ok(handling) => handling,
            Err(finish) => return self.finish(&held, Vec::new(), finish).await,
        };
        let watch = Watch::start();
        let event = self.run(&mut *handling, &mut keeper).await;
        metrics::handled(&held.source, &watch);
        let (new, finish) = match event {
            Event::Lost(Loss::Taken) => return held.lost(),
            Event::Ready(outcome) => {
                handling.report(&outcome);
                let finish = self.settings.attempts.finish(&outcome, &settled, attempt);
                (ends(&outcome.outcomes, keeper.saved()), finish)
            }
            // If nobody else has it, then it is given back: it has not crashed.
            Event::Lost(Loss::Overdue) => {
                let why = "the store was silent until the lease was over";
                (ends(handling.settled(), keeper.saved()), again(why))
            }
            Event::Stopped => {
                let why = "the worker was stopped in the middle of it";
                (ends(handling.settled(), keeper.saved()), again(why))
            }
        };
        // What is left needs no place: others may begin.
        drop((handling, place));
        self.finish(&held, new, finish).await;
    }

    /// Decodes the delivery for its handlers.
    fn begin(
        &self,
        route: &dyn Dispatch,
        record: Record,
        (lease, attempt): (Lease, u32),
        settled: &[Mark],
    ) -> Result<Box<dyn Handling>, Finish> {
        if Sha256::digest(&record.body)[..] != record.digest[..] {
            return Err(dead(DeadReason::Corrupt, "the body is not the one that was stored"));
        }
        let run = StoredRun {
            tenant: record.tenant,
            attempt,
            is_last_attempt: self.settings.attempts.is_last(attempt),
            ack: self.store.ack_sql().map(|sql| (sql, lease.seq, lease.token)),
        };
        let facts = StoredFacts {
            key_id: record.key_id,
            id: record.id,
            event_type: record.event_type,
            received_at: record.received_at,
            headers: header_block::read(&record.headers),
        };
        let settled: Vec<_> =
            settled.iter().filter_map(|mark| mark.event.try_into().ok()).collect();
        let delivery = Delivery::stored(facts, run);
        match contained(|| route.dispatch(delivery, record.body, &settled)) {
            Some(Ok(handling)) => Ok(handling),
            Some(Err(error)) => Err(dead(DeadReason::Undecodable, error.to_string())),
            None => Err(dead(DeadReason::Undecodable, "the provider panicked while it was read")),
        }
    }

    /// Handles the events, while the lease is kept.
    async fn run(&self, handling: &mut dyn Handling, keeper: &mut Keeper) -> Event<BatchOutcome> {
        let mut stopped = pin!(self.reaches(Stage::Over));
        poll_fn(|cx| {
            if let Poll::Ready(outcome) = handling.poll(cx) {
                return Poll::Ready(Event::Ready(outcome));
            }
            if let Poll::Ready(loss) = keeper.poll_lost(handling.settled(), cx) {
                return Poll::Ready(Event::Lost(loss));
            }
            stopped.as_mut().poll(cx).map(|()| Event::Stopped)
        })
        .await
    }

    /// Waits for `future`, while the lease is kept.
    async fn wait<T>(
        &self,
        mut future: Pin<&mut impl Future<Output = T>>,
        keeper: &mut Keeper,
        until: Stage,
    ) -> Event<T> {
        let mut stopped = pin!(self.reaches(until));
        poll_fn(|cx| {
            // First, so that nothing begins once the worker stops.
            if stopped.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Stopped);
            }
            // A claim may take longer than the lease.
            if let Poll::Ready(loss) = keeper.poll_lost(&[], cx) {
                return Poll::Ready(Event::Lost(loss));
            }
            future.as_mut().poll(cx).map(Event::Ready)
        })
        .await
    }

    async fn reaches(&self, stage: Stage) {
        // An error means that the worker itself is gone.
        let _ = self.stage.clone().wait_for(|now| *now >= stage).await;
    }

    /// Ends the lease. Tries again while the store fails: if it were given up, then the delivery would be handled once more,
    /// and count as crashed.
    async fn finish(&self, held: &Held, new: Vec<Mark>, finish: Finish) {
        let mut stopped = pin!(self.reaches(Stage::Over));
        loop {
            match self.store.finish(held.lease, new.clone(), finish.clone()).await {
                Ok(true) => return held.ended(&finish),
                Ok(false) => return held.lost(),
                Err(error) => {
                    let of = held.lease.seq;
                    let what = format!("what became of delivery {of} cannot be stored: {error}");
                    self.troubles.note(&what);
                }
            }
            let is_over = timeout(LOOK, stopped.as_mut()).await.is_ok();
            if is_over {
                return;
            }
        }
    }
}

fn again(why: &str) -> Finish {
    Finish::Retry { after: Duration::ZERO, error: why.into() }
}
