//! Deliveries and their retries. The caller says when an attempt is due.

pub(crate) mod client;
mod endpoints;
mod report;
mod retries;

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use http::{HeaderMap, Uri};
use tokio::task::JoinSet;

use self::{
    client::{Attempted, DeliveryClient},
    endpoints::Endpoints,
};
pub use self::{
    report::{Answer, Attempt, DeliveryReport},
    retries::DeliveryStatus,
};
use super::{Sender, limits::MAX_FINISHED};
use crate::{Draft, Emit, Schedule, clock::ManualClock, error::SendError, util::panics::contained};

/// Sends deliveries, and sends a failed one again by the sender's [`Schedule`]: with the same id, the next attempt number
/// and a new signature. The answers can also say that an endpoint is gone or busy, if the schedule heeds that.
///
/// Nothing happens by itself: [`Deliveries::deliver_due`] makes the attempts that are due at the time given to it, so a
/// test needs no timers. The deliveries are kept in memory. Clones share them.
///
/// ```no_run
/// use std::time::{Duration, SystemTime};
/// use tower_webhook::{Draft, Emit, Sender, providers::standard_webhooks::StandardWebhooks, sender::Deliveries};
///
/// # async fn send(secret: &str) -> Result<(), tower_webhook::BoxError> {
/// let provider = StandardWebhooks::new(secret)?;
/// let deliveries = Deliveries::new(provider.schedule());
/// let sender = Sender::new(provider).to("http://127.0.0.1:3000/hook".parse()?);
/// deliveries.push("the one endpoint", sender, vec![Draft::raw("invoice.paid", r#"{"total": 2432}"#)?])?;
///
/// let mut now = SystemTime::now();
/// deliveries.deliver_due(now).await;
/// while let Some(next) = deliveries.next_retry() {
///     now = next; // or wait for it
///     deliveries.deliver_due(now).await;
/// }
/// for report in deliveries.reports() {
///     println!("{report}");
/// }
/// # Ok(()) }
/// ```
pub struct Deliveries<P> {
    shared: Arc<Shared<P>>,
    schedule: Schedule,
    client: DeliveryClient,
}

struct Shared<P> {
    all: Mutex<All<P>>,
    /// Held while attempts are made, so that two callers do not make the same one.
    driving: tokio::sync::Mutex<()>,
}

struct All<P> {
    next_serial: u64,
    finished: usize,
    entries: VecDeque<Entry<P>>,
    endpoints: Endpoints,
}

struct Entry<P> {
    serial: u64,
    uri: Uri,
    /// `None` if it is finished.
    work: Option<Pending<P>>,
    report: DeliveryReport,
}

/// The content of a delivery that is not finished.
struct Pending<P> {
    sender: Sender<P>,
    events: Arc<[Draft]>,
}

impl<P: Emit> Deliveries<P> {
    /// Deliveries with the retries, the timeout and the redirects of `schedule`. A redirect may lead to any host.
    ///
    /// If a redirect leads to another scheme, host or port, then only the provider's own headers are sent there, without
    /// its tokens and without the headers of [`Sender::headers`]. After a 307 the body is sent there, too: with a
    /// [token in the body](crate::scheme::Token::elsewhere), use a schedule that follows no redirects.
    pub fn new(schedule: Schedule) -> Self {
        Self::reaching(schedule, true)
    }

    /// As [`Deliveries::new`]. Reaches other machines only with `beyond_loopback`.
    pub(crate) fn reaching(schedule: Schedule, beyond_loopback: bool) -> Self {
        let endpoints = Endpoints::default();
        let all = All { next_serial: 0, finished: 0, entries: VecDeque::new(), endpoints };
        Self {
            shared: Arc::new(Shared {
                all: Mutex::new(all),
                driving: tokio::sync::Mutex::default(),
            }),
            client: DeliveryClient::new(&schedule, beyond_loopback),
            schedule,
        }
    }

    /// Adds one delivery, which the next [`Deliveries::deliver_due`] attempts. `target` is the name of its receiver in the
    /// report. The attempt number and the clock of `sender` are not used.
    ///
    /// # Errors
    ///
    /// As [`Sender::batch`]. If the target cannot be reached, then the attempts fail, but not this method.
    pub fn push(
        &self,
        target: impl Into<String>,
        sender: Sender<P>,
        events: impl Into<Arc<[Draft]>>,
    ) -> Result<(), SendError> {
        self.push_all([(target.into(), sender, events.into())])
    }

    /// Adds all deliveries. If one of them cannot be encoded, then no delivery is added.
    pub(crate) fn push_all(
        &self,
        deliveries: impl IntoIterator<Item = (String, Sender<P>, Arc<[Draft]>)>,
    ) -> Result<(), SendError> {
        let taken: Result<Vec<_>, _> = deliveries.into_iter().map(taken).collect();
        let mut all = self.all();
        for (report, work) in taken? {
            all.push(work, report);
        }
        Ok(())
    }

    /// Makes every attempt that is due at `now`, up to 8 at the same time, and returns their number. If an endpoint answers
    /// that it is gone or busy, then no further attempt is begun there.
    ///
    /// A second call waits for the first. So a receiver must not call this before it answers.
    ///
    /// # Cancellation
    ///
    /// An attempt that is cancelled is not counted: the next call makes it again, with the same number. Its request may
    /// have arrived.
    pub async fn deliver_due(&self, now: SystemTime) -> usize {
        let _driving = self.shared.driving.lock().await;
        let (mut made, mut under_way) = (0, JoinSet::new());
        for attempt in self.due(now) {
            if under_way.len() == AT_ONCE {
                under_way.join_next().await;
            }
            if !self.all().endpoints.is_open(&attempt.sender.uri) {
                continue;
            }
            made += 1;
            let deliveries = self.clone();
            under_way.spawn(async move { deliveries.attempt(attempt, now).await });
        }
        while under_way.join_next().await.is_some() {}
        made
    }

    async fn attempt(&self, Due { serial, number, sender, events }: Due<P>, now: SystemTime) {
        let extra = sender.headers.clone();
        let sender = sender.headers(HeaderMap::new());
        let attempted = match contained(|| sender.batch(&events)) {
            Some(Ok(request)) => self.client.attempt(request, &extra).await,
            Some(Err(error)) => Attempted::none(error),
            None => Attempted::none(SendError::Encode("the provider panicked".into())),
        };
        self.record(serial, Attempt::made(number, now, attempted));
    }

    /// The time of the earliest attempt that follows a failed one. A delivery that has not been attempted is due at any
    /// time, and does not count here, except if its endpoint is busy.
    pub fn next_retry(&self) -> Option<SystemTime> {
        let all = self.all();
        let next = |entry: &Entry<P>| match entry.report.status {
            DeliveryStatus::Retrying(next) => Some(next).max(all.endpoints.opens_at(&entry.uri)),
            DeliveryStatus::Queued => all.endpoints.opens_at(&entry.uri),
            _ => None,
        };
        all.entries.iter().filter_map(next).min()
    }

    /// A report of each delivery, in the order in which they were added. If there are more than
    /// [`MAX_FINISHED`](super::limits::MAX_FINISHED) finished deliveries, the oldest are forgotten.
    pub fn reports(&self) -> Vec<DeliveryReport> {
        self.all().entries.iter().map(|entry| entry.report.clone()).collect()
    }

    #[cfg(feature = "emulator")]
    pub(crate) fn client(&self) -> &DeliveryClient {
        &self.client
    }

    fn due(&self, now: SystemTime) -> Vec<Due<P>> {
        let due = |entry: &Entry<P>| {
            let (number, work) = (entry.report.next_attempt(now)?, entry.work.as_ref()?);
            let first = entry.report.attempts.first().map_or(now, |first| first.at);
            let sender = work.sender.clone().attempt(number).occurred_at(first);
            let sender = sender.clock(ManualClock::new(now));
            Some(Due { serial: entry.serial, number, sender, events: work.events.clone() })
        };
        let mut all = self.all();
        all.endpoints.pass(now);
        let open = |entry: &&Entry<P>| all.endpoints.is_open(&entry.uri);
        all.entries.iter().filter(open).filter_map(due).collect()
    }

    fn record(&self, serial: u64, attempt: Attempt) {
        let mut all = self.all();
        let Some(index) = all.position(serial) else { return };
        let uri = all.entries[index].uri.clone();
        all.endpoints.record(&uri, &attempt, &self.schedule);
        all.entries[index].report.record(attempt, &self.schedule);
        if all.endpoints.is_gone(&uri) {
            all.stop(&uri);
        } else {
            all.finish(serial);
        }
    }

    fn all(&self) -> MutexGuard<'_, All<P>> {
        self.shared.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P> All<P> {
    fn push(&mut self, work: Pending<P>, report: DeliveryReport) {
        let (serial, uri) = (self.next_serial, work.sender.uri.clone());
        self.next_serial += 1;
        let is_gone = self.endpoints.is_gone(&uri);
        let mut entry = Entry { serial, uri, work: Some(work), report };
        if is_gone {
            entry.report.stop();
        }
        self.entries.push_back(entry);
        self.finish(serial);
    }

    fn position(&self, serial: u64) -> Option<usize> {
        self.entries.binary_search_by_key(&serial, |entry| entry.serial).ok()
    }

    /// Ends all deliveries to an endpoint that is gone.
    fn stop(&mut self, uri: &Uri) {
        let to_it = self.entries.iter_mut().filter(|entry| entry.uri == *uri);
        to_it.for_each(|entry| entry.report.stop());
        let unfinished = self.entries.iter().filter(|entry| entry.uri == *uri);
        let unfinished = unfinished.filter(|entry| entry.work.is_some());
        for serial in unfinished.map(|entry| entry.serial).collect::<Vec<_>>() {
            self.finish(serial);
        }
    }

    /// Forgets the content of a delivery if it is finished, and the oldest report if there are too many.
    fn finish(&mut self, serial: u64) {
        let Some(index) = self.position(serial) else { return };
        let entry = &mut self.entries[index];
        if !entry.report.status.is_finished() || entry.work.take().is_none() {
            return;
        }
        self.finished += 1;
        if self.finished > MAX_FINISHED {
            let oldest = self.entries.iter().position(|entry| entry.report.status.is_finished());
            oldest.and_then(|index| self.entries.remove(index));
            self.finished -= 1;
        }
    }
}

impl<P> Clone for Deliveries<P> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            schedule: self.schedule.clone(),
            client: self.client.clone(),
        }
    }
}

impl<P> fmt::Debug for Deliveries<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deliveries").field("schedule", &self.schedule).finish_non_exhaustive()
    }
}

/// A delivery with its id, which can be encoded.
fn taken<P: Emit>(
    (target, sender, events): (String, Sender<P>, Arc<[Draft]>),
) -> Result<(DeliveryReport, Pending<P>), SendError> {
    let id = sender.delivery_id();
    let sender = sender.id(&id);
    sender.batch(&events)?;
    let event_types = events.iter().map(|event| event.event_type.clone()).collect();
    Ok((DeliveryReport::new(id, target, event_types), Pending { sender, events }))
}

/// An attempt to be made.
struct Due<P> {
    serial: u64,
    number: u32,
    sender: Sender<P>,
    events: Arc<[Draft]>,
}

/// The number of attempts that the original ASP.NET WebHooks makes at the same time.
const AT_ONCE: usize = 8;
