//! `PostgresStore`: keeps deliveries in PostgreSQL, for several receivers and workers.

mod bell;
mod claims;
mod dial;
mod door;
mod ends;
mod gauge;
mod link;
mod live;
mod lots;
mod meter;
mod migrate;
mod operator;
mod operator_statements;
mod options;
mod orders;
mod purge;
mod rows;
mod statements;
mod task;
mod trouble;

use std::{
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;
use tokio_postgres::{
    NoTls, Socket,
    tls::{MakeTlsConnect, TlsConnect},
};

pub use self::options::PostgresOptions;
use self::{
    bell::{Ring, Sleepers, bell},
    claims::Claims,
    dial::Dial,
    door::Door,
    ends::{End, Ends},
    gauge::Gauge,
    link::Link,
    live::{Live, Purpose},
    lots::Lots,
    meter::meter,
    operator::Operator,
    task::Task,
};
use super::{
    Claim, Enqueued, Filter, Finish, Lease, Leased, Mark, NewDelivery, Pressure, Purged, Replay,
    Retention, Stats, Store, StoreFuture, Stored,
};
use crate::{error::InboxError, util::trace};

/// The longest time that the store takes to close.
const CLOSING: Duration = Duration::from_secs(5);

/// Keeps deliveries in a PostgreSQL database, which several receivers and workers can share. Clones share their connections, of
/// which there are five at most.
///
/// The tables are in a schema of their own, `tower_webhook`. They are made when the first store connects, which needs the right
/// to create a schema. The time is that of the database. If the database goes away, then the methods return
/// [`InboxError::Unavailable`] until it is there again. [`close`](Store::close) waits for it 5 seconds at most, and returns an error
/// if something may not be stored.
///
/// Connect to the database itself, or to a pooler that gives each client a connection of its own. With one that shares
/// connections between transactions, it does not work.
///
/// ```no_run
/// use tower_webhook::inbox::{Inbox, PostgresStore};
///
/// # async fn connect() -> Result<(), tower_webhook::error::InboxError> {
/// let url = "postgres://inbox@localhost/webhooks";
/// let inbox = Inbox::new(PostgresStore::connect(url).await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresStore(Arc<Shared>);

struct Shared {
    door: Lots<Door>,
    ends: Lots<Ends>,
    claims: Claims,
    operator: Operator,
    sleepers: Sleepers,
    gauge: Gauge,
    is_closed: AtomicBool,
    bell: Task,
    meter: Task,
}

impl PostgresStore {
    /// A store in the database of this URL: see [`PostgresOptions::new`]. Without TLS.
    ///
    /// # Errors
    ///
    /// If the database cannot be reached, or if its tables are those of a later version of this crate.
    pub async fn connect(url: &str) -> Result<Self, InboxError> {
        Self::connect_with(PostgresOptions::new(url)?, NoTls).await
    }

    /// The same with other options, and with TLS: `tls` is that of a crate like `tokio-postgres-rustls`.
    ///
    /// # Errors
    ///
    /// As [`PostgresStore::connect`].
    pub async fn connect_with<T>(options: PostgresOptions, tls: T) -> Result<Self, InboxError>
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let sleepers = Sleepers::default();
        let wake = sleepers.clone();
        let dial = Arc::new(Dial::new(&options, tls, Arc::new(move || wake.wake())));
        let link = |purpose| Link::new(dial.clone(), purpose);
        let operator = link(Purpose::Operator);
        prepare(&operator).await?;
        let (ring, gauge) = (Ring::default(), Gauge::new(options.max_open));
        let door = Door { ring: ring.clone(), gauge: gauge.clone() };
        let ends = Ends { ring: ring.clone(), gauge: gauge.clone() };
        let [hints, entry] = [Purpose::Hints, Purpose::Work].map(|purpose| Arc::new(link(purpose)));
        Ok(Self(Arc::new(Shared {
            door: Lots::new(door, entry.clone()),
            ends: Lots::new(ends, Arc::new(link(Purpose::Work))),
            claims: Claims::new(link(Purpose::Work)),
            operator: Operator { link: operator, ring: ring.clone() },
            bell: bell(hints.clone(), ring, sleepers.clone()),
            meter: meter(hints, entry, gauge.clone()),
            sleepers,
            gauge,
            is_closed: AtomicBool::new(false),
        })))
    }

    /// Runs `work`, except after the store was closed.
    fn open<T, F>(
        &self,
        work: impl FnOnce(Arc<Shared>) -> F + Send + 'static,
    ) -> StoreFuture<'static, T>
    where
        F: Future<Output = Result<T, InboxError>> + Send,
        T: Send + 'static,
    {
        let shared = self.0.clone();
        Box::pin(async move {
            if shared.is_closed.load(Ordering::Relaxed) {
                return Err(InboxError::Closed);
            }
            work(shared).await
        })
    }
}

/// Brings the tables up to date, and warns of settings under which a 200 can be lost.
async fn prepare(link: &Link) -> Result<(), InboxError> {
    let alone = link.alone().await?;
    migrate::migrate(&alone.live).await?;
    warn_of_settings(&alone.live).await?;
    alone.put_back();
    Ok(())
}

async fn warn_of_settings(live: &Live) -> Result<(), InboxError> {
    for (name, value) in live.query(statements::DURABILITY, &[]).await?.pairs::<String, String>()? {
        let effect = match &*name {
            "synchronous_commit" => {
                "the inbox sets it to `on` for its own connections, but transactions that acknowledge events must do so, too"
            }
            _ => "deliveries that were answered 200 can be lost if the server's machine crashes",
        };
        trace::warn(&format!("inbox: `{name}` of its PostgreSQL is `{value}`: {effect}"));
    }
    Ok(())
}

impl Store for PostgresStore {
    fn enqueue(&self, new: NewDelivery) -> StoreFuture<'static, Enqueued> {
        if self.pressure().used >= 1.0 {
            return Box::pin(async { Err(InboxError::Full) });
        }
        self.0.door.submit(new)
    }

    fn pressure(&self) -> Pressure {
        Pressure { used: self.0.gauge.used().max(self.0.door.used()) }
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'static, Vec<Leased>> {
        self.open(|shared| async move { shared.claims.claim(claim).await })
    }

    fn begin(&self, lease: Lease) -> StoreFuture<'static, bool> {
        self.open(move |shared| async move { shared.claims.begin(lease).await })
    }

    fn extend(&self, lease: Lease, by: Duration, ends: Vec<Mark>) -> StoreFuture<'static, bool> {
        self.0.ends.submit(End::extend(lease, by, ends))
    }

    fn finish(&self, lease: Lease, ends: Vec<Mark>, finish: Finish) -> StoreFuture<'static, bool> {
        self.0.ends.submit(End::finish(lease, ends, finish))
    }

    fn ack_sql(&self) -> Option<&'static str> {
        Some(statements::ACK)
    }

    fn list(&self, filter: Filter) -> StoreFuture<'static, Vec<Stored>> {
        self.open(|shared| async move { shared.operator.list(filter).await })
    }

    fn get(&self, seq: i64) -> StoreFuture<'static, Option<Stored>> {
        self.open(move |shared| async move { shared.operator.get(seq).await })
    }

    fn replay(&self, seq: i64, how: Replay) -> StoreFuture<'static, Option<i64>> {
        self.open(move |shared| async move { shared.operator.replay(seq, how).await })
    }

    fn park(&self, seq: i64) -> StoreFuture<'static, bool> {
        self.open(move |shared| async move { shared.operator.park(seq).await })
    }

    fn pause(&self, source: &str, is_paused: bool) -> StoreFuture<'static, ()> {
        let source = source.to_owned();
        self.open(move |shared| async move { shared.operator.pause(&source, is_paused).await })
    }

    fn purge(&self, retention: Retention) -> StoreFuture<'static, Purged> {
        self.open(move |shared| async move { shared.operator.purge(retention).await })
    }

    fn stats(&self) -> StoreFuture<'static, Vec<Stats>> {
        self.open(|shared| async move { shared.operator.stats().await })
    }

    fn ping(&self) -> StoreFuture<'static, ()> {
        self.open(|shared| async move { shared.claims.ping().await })
    }

    fn close(&self) -> StoreFuture<'static, ()> {
        self.0.is_closed.store(true, Ordering::Relaxed);
        let shared = self.0.clone();
        Box::pin(async move {
            shared.door.refuse();
            shared.ends.refuse();
            let until = Instant::now() + CLOSING;
            let (stored, ended) = (shared.door.end(until).await, shared.ends.end(until).await);
            shared.bell.stop();
            shared.meter.stop();
            stored.and(ended)
        })
    }

    fn on_arrival(&self, wake: Arc<dyn Fn() + Send + Sync>) {
        self.0.sleepers.add(wake);
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("door", &self.0.door).finish_non_exhaustive()
    }
}
