//! The loop of a worker: claims deliveries, starts an attempt for each, and ends in order.

use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{Instant, Sleep, sleep, timeout},
};

use super::{
    Settings,
    attempt::{Shared, Stage, attempt},
    count::Count,
    dispatch::Dispatch,
    recovery::Recovery,
};
use crate::{
    error::InboxError,
    inbox::{Claim, Inbox, Leased, StoreFuture},
    util::trace,
};

/// How long a worker waits before it looks again, if nothing wakes it.
pub(super) const LOOK: Duration = Duration::from_millis(250);
/// How often a worker removes what is old.
const UPKEEP: Duration = Duration::from_secs(60 * 60);
/// The most deliveries that are claimed at once, except if more are handled at the same time.
const MOST: usize = 128;

/// How long the store may take for the last writes of a worker.
const LAST_WRITES: Duration = Duration::from_secs(5);

pub(super) fn warn(warning: &str) {
    trace::warn(&format!("inbox: {warning}"));
}

pub(super) async fn run(
    inbox: Inbox,
    routes: HashMap<Arc<str>, Arc<dyn Dispatch>>,
    settings: Settings,
    stop: impl Future<Output = ()>,
) {
    let (stage, watched) = watch::channel(Stage::Working);
    let places = Arc::new(Semaphore::new(settings.concurrency as usize));
    let (store, grace) = (inbox.shared_store().clone(), settings.grace);
    let troubles = Arc::default();
    let shared = Arc::new(Shared { store, settings, places, troubles, stage: watched });
    let mut claims = Claims::new(inbox, routes, shared);
    let mut stop = pin!(stop);
    poll_fn(|cx| match stop.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(()),
        Poll::Pending => claims.poll(cx),
    })
    .await;
    stage.send_replace(Stage::Stopping);
    let _ = timeout(grace, claims.end()).await;
    stage.send_replace(Stage::Over);
    // What has been told to end does so soon, except if the store does not answer.
    let _ = timeout(LAST_WRITES, claims.end()).await;
}

/// The claims of a worker, and the attempts that they led to.
struct Claims {
    inbox: Inbox,
    routes: HashMap<Arc<str>, Arc<dyn Dispatch>>,
    shared: Arc<Shared>,
    sources: Vec<Arc<str>>,
    /// The claim under way, and when it began.
    claiming: Option<(Instant, StoreFuture<'static, Vec<Leased>>)>,
    recovery: Recovery,
    running: JoinSet<()>,
    /// Each attempt has a copy until it has a place.
    waits: Arc<()>,
    /// How many are claimed at once.
    lot: usize,
    /// How many the last claim brought.
    brought: usize,
    /// Whether there may be more than the last claim brought.
    is_more: bool,
    arrived: Pin<Box<dyn Future<Output = ()> + Send>>,
    look: Pin<Box<Sleep>>,
    upkeep_at: Instant,
    upkeep: JoinSet<()>,
    count: Count,
}

impl Claims {
    fn new(
        inbox: Inbox,
        routes: HashMap<Arc<str>, Arc<dyn Dispatch>>,
        shared: Arc<Shared>,
    ) -> Self {
        let sources = routes.keys().cloned().collect();
        let lot = shared.settings.concurrency as usize;
        Self {
            arrived: arrived(&inbox),
            inbox,
            routes,
            shared,
            sources,
            claiming: None,
            recovery: Recovery::default(),
            running: JoinSet::new(),
            waits: Arc::default(),
            lot,
            brought: 0,
            is_more: true,
            look: Box::pin(sleep(LOOK)),
            upkeep_at: Instant::now(),
            upkeep: JoinSet::new(),
            count: Count::new(),
        }
    }

    /// Works. Never ready.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            while let Poll::Ready(Some(_)) = self.running.poll_join_next(cx) {}
            self.poll_wake(cx);
            self.poll_upkeep(cx);
            let (store, troubles) = (&self.shared.store, &self.shared.troubles);
            self.count.poll(&**store, cx);
            if self.recovery.poll(&**store, troubles, cx).is_ready() {
                self.begin_claim();
            }
            match &mut self.claiming {
                Some((since, claiming)) => match claiming.as_mut().poll(cx) {
                    Poll::Ready(claimed) => {
                        let since = *since;
                        self.take(claimed, since);
                    }
                    Poll::Pending => return Poll::Pending,
                },
                None => return Poll::Pending,
            }
        }
    }

    /// Notes whether there may be something new.
    fn poll_wake(&mut self, cx: &mut Context<'_>) {
        while self.arrived.as_mut().poll(cx).is_ready() {
            self.arrived = arrived(&self.inbox);
            self.is_more = true;
        }
        while self.look.as_mut().poll(cx).is_ready() {
            self.look.as_mut().reset(Instant::now() + LOOK);
            self.is_more = true;
        }
    }

    /// Claims deliveries while the ones before are being handled, so that no handler waits for the store.
    fn begin_claim(&mut self) {
        if self.is_more && self.claiming.is_none() && self.running.len() <= self.lot {
            self.is_more = false;
            // Another sender is the first each time: there may be more senders than places.
            let count = self.sources.len();
            self.sources.rotate_left(count.min(1));
            let (sources, lease) = (self.sources.as_slice().into(), self.shared.settings.lease);
            let since = Instant::now();
            let claiming = self.shared.store.claim(Claim { sources, most: self.lot, lease });
            self.claiming = Some((since, claiming));
        }
    }

    fn take(&mut self, claimed: Result<Vec<Leased>, InboxError>, since: Instant) {
        self.claiming = None;
        match claimed {
            Ok(all) => {
                self.is_more |= !all.is_empty();
                self.adapt(all.len());
                all.into_iter().for_each(|leased| self.start(leased, since));
            }
            Err(error) => self.shared.troubles.note(&format!("nothing can be claimed: {error}")),
        }
    }

    /// Chooses how many to claim the next time: as many as are handled at the same time. More, if there is a place for a
    /// handler although the last claim brought some, and if the store has more than were asked for: then the handlers wait for
    /// the store. Otherwise other workers are to have the rest.
    fn adapt(&mut self, brought: usize) {
        let (least, places) =
            (self.shared.settings.concurrency as usize, self.shared.places.available_permits());
        let all_have_begun = Arc::strong_count(&self.waits) == 1;
        let waits_for_store = self.brought > 0 && all_have_begun && places > 0;
        let lot = match waits_for_store && brought == self.lot {
            true => (self.lot * 2).min(MOST),
            false => self.lot / 2,
        };
        (self.lot, self.brought) = (lot.max(least), brought);
    }

    fn start(&mut self, leased: Leased, since: Instant) {
        // A store returns those of the senders that it was asked for. What it returns beside is left to its lease.
        if let Some(route) = self.routes.get(&leased.record.source) {
            let claimed = (since, self.waits.clone());
            self.running.spawn(attempt(self.shared.clone(), route.clone(), leased, claimed));
        }
    }

    /// Waits for the claim that was begun, and for all attempts.
    async fn end(&mut self) {
        if let Some((since, claiming)) = &mut self.claiming {
            let (since, claimed) = (*since, claiming.await);
            self.take(claimed, since);
        }
        while self.running.join_next().await.is_some() {}
    }

    fn poll_upkeep(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(Some(_)) = self.upkeep.poll_join_next(cx) {}
        if self.upkeep.is_empty() && self.upkeep_at <= Instant::now() {
            self.upkeep_at = Instant::now() + UPKEEP;
            self.upkeep.spawn(upkeep(self.shared.clone(), self.sources.clone()));
        }
    }
}

fn arrived(inbox: &Inbox) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    let inbox = inbox.clone();
    Box::pin(async move { inbox.arrived().await })
}

/// Removes what is old, and warns of deliveries that nobody handles.
async fn upkeep(shared: Arc<Shared>, sources: Vec<Arc<str>>) {
    if let Some(retention) = shared.settings.retention
        && let Err(error) = shared.store.purge(retention).await
    {
        warn(&format!("what is old cannot be removed: {error}"));
    }
    let Ok(all) = shared.store.stats().await else { return };
    for stats in all.iter().filter(|stats| stats.ready > 0 && !sources.contains(&stats.source)) {
        let (count, source) = (stats.ready, &stats.source);
        warn(&format!(
            "{count} deliveries of `{source}` wait, and this worker has no handlers for it"
        ));
    }
}
