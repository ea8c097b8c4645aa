//! The durable inbox: a 200 means that the delivery is on stable storage, and the handlers run later.
//!
//! Behind a [`VerifyLayer`](crate::VerifyLayer), an [`EventRouter`](crate::EventRouter) calls the handlers at once, and its 200
//! means "handled". If the process is killed in the middle, then a sender that never sends again has lost its delivery. An
//! [`Inbox`] takes the place of the router: it stores the delivery first, and answers then. A [`Worker`] hands the stored
//! deliveries to the same router, until its handlers have taken them. The handlers do not change.
//!
//! ```
//! use tower::Layer;
//! use tower_webhook::{BoxError, EventRouter, VerifyLayer};
//! use tower_webhook::inbox::{Inbox, MemoryStore, Worker};
//! use tower_webhook::providers::loops::{Loops, SessionStarted};
//!
//! # async fn run() -> Result<(), BoxError> {
//! let events = EventRouter::new().on(async |e: SessionStarted| println!("{:?}", e.name));
//! let inbox = Inbox::new(MemoryStore::new()); // or a store that lasts: see below
//! let hook = VerifyLayer::new(Loops::dangerous_unauthenticated()).layer(inbox.clone());
//! let worker = Worker::new(inbox.clone()).on(Loops::dangerous_unauthenticated(), events);
//!
//! let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
//! let worker = tokio::spawn(worker.run(async { drop(stopped.await) }));
//! let app: axum::Router = axum::Router::new().route_service("/hook", hook);
//! // … serve `app` until the process is told to stop, and then:
//! drop(stop);
//! worker.await?;
//! inbox.close().await?;
//! # drop(app);
//! # Ok(())
//! # }
//! ```
//!
//! One inbox and one worker serve all senders. A receiver and a worker can be in different processes, if the store allows it.
//!
//! # What is promised
//!
//! - **Accepted is durable.** A 200 is sent after the delivery is on stable storage.
//! - **At least once.** A stored delivery is handed to its handlers until it is done or dead. A panic, a killed process and a
//!   loss of power change nothing in that.
//! - **Once per id.** Of all copies with one [key](Inbox::id), one is stored, for as long as keys are
//!   [kept](Retention::keys). The others are answered 200, too. Without an id, each delivery is a new one.
//! - **Effectively once** if the handler writes its effect and an [`Ack`] in one transaction on the inbox's database. Otherwise
//!   make the handler idempotent with the [`EventKey`](crate::router::EventKey). It also has
//!   [`Delivery::attempt`](crate::Delivery::attempt) and
//!   [`Delivery::is_last_attempt`](crate::Delivery::is_last_attempt).
//!
//! Not promised: an order, except with [`Inbox::order_by`]. Nothing is promised for a request that was not answered 200, for a
//! disk that does not write what it says it has written, and for a network file system.
//!
//! # Stores
//!
//! | store | feature | survives | processes |
//! |---|---|---|---|
//! | [`MemoryStore`] | | nothing: it is for tests | one |
#![cfg_attr(
    feature = "sqlite",
    doc = "| [`SqliteStore`] | `sqlite` | a killed process, a loss of power | one |"
)]
#![cfg_attr(
    feature = "postgres",
    doc = "| [`PostgresStore`] | `postgres` | the same, as far as the server does | any number |"
)]
//!
//! A store of your own implements [`Store`].
//!
//! # What is stored
//!
//! The body as it was received, its SHA-256, the sender, the tenant, the name of the secret that matched, the delivery's id, the
//! time, and the headers as [`Delivery::headers`](crate::Delivery::headers) shows them: values of credentials and signatures are
//! redacted, and so are headers that repeat the target of the request. The path is not stored, since a token may be in it. So a
//! stored delivery cannot be verified again.
//!
//! A body that cannot be decoded is stored, too. It is authentic, so the fault may be the receiver's. It is dead at its first
//! attempt, and can be [replayed](Store::replay) when the fault is mended.
//!
//! # The answer
//!
//! | status | when |
//! |---|---|
//! | 200 | the delivery, or a copy of it, is on stable storage. [`Enqueued`] is in the extensions of the response |
//! | 503 | it could not be stored, or not in [time](Inbox::timeout). `Retry-After` is between 5 and 14 seconds |
//!
//! A store that is full refuses. The last fifth of its room is kept for senders that
//! [never send again](crate::Policy::never_resends).
//!
//! # What becomes of a delivery
//!
//! ```text
//!             claim                 every event is handled
//!   ready ──────────────▶ leased ─────────────────────────────▶ done
//!     ▲                   │    │
//!     │ an event failed:  │    │ attempts used up, given up, undecodable, crashed
//!     └───────────────────┘    └──────────────────────────────▶ dead
//!       again after a pause
//! ```
//!
//! A worker leases deliveries for a time, 60 seconds by default, and extends the lease while a handler runs. If the worker is
//! killed, then the lease runs out, and another worker takes the delivery over, at the event that was not handled yet. If the
//! store does not answer until a lease is over, then the handler is dropped, since another worker may have the delivery. A delivery
//! in the middle of which a worker ended twice runs alone. After [`limits::MAX_CRASHES`] workers without the end of a single event
//! between them, it is dead.
//!
//! If a handler returns an error, panics or takes too long, then the other events are handled, and the delivery is handled
//! again after a pause: only the events that failed. A handler can choose the pause, or give the event up, with
//! [`Failure`](crate::router::Failure). After [`limits::MAX_ATTEMPTS`] attempts, the delivery is [dead](DeadReason).
//!
//! If an event has no handler, then it counts as handled. If a whole sender has no handlers in any worker, then its deliveries
//! wait, and the worker warns of them once per hour.
//!
//! # For operators
//!
//! [`Inbox::store`] gives access to the deliveries: [`list`](Store::list), [`get`](Store::get), [`replay`](Store::replay),
//! [`park`](Store::park), [`pause`](Store::pause), [`purge`](Store::purge) and [`stats`](Store::stats).
//!
//! ```
//! use tower_webhook::{error::InboxError, inbox::{Filter, Inbox, Replay, State}};
//!
//! /// Handles again what no longer fails.
//! async fn revive(inbox: &Inbox) -> Result<(), InboxError> {
//!     let dead = Filter { state: Some(State::Dead), ..Filter::default() };
//!     for delivery in inbox.store().list(dead).await? {
//!         println!("{}: {:?}", delivery.seq, delivery.error);
//!         inbox.store().replay(delivery.seq, Replay::Rest).await?;
//!     }
//!     Ok(())
//! }
//! ```

mod accept;
mod conformance;
mod export;
mod header_block;
mod key;
mod lease;
pub mod limits;
mod memory;
mod metrics;
#[cfg(feature = "postgres")]
mod postgres;
mod record;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod time;
mod worker;

#[cfg(feature = "postgres")]
pub use self::postgres::{PostgresOptions, PostgresStore};
#[cfg(feature = "sqlite")]
pub use self::sqlite::{SqliteOptions, SqliteStore};
pub use self::{
    accept::{Inbox, ResponseFuture},
    conformance::{Harness, StoreCase, StoreReport, conformance},
    lease::{Claim, Finish, Lease, Leased, Mark},
    memory::MemoryStore,
    record::{DeadReason, Hash, NewDelivery, Record, State, Stored},
    store::{Enqueued, Filter, Pressure, Purged, Replay, Retention, Stats, Store, StoreFuture},
    worker::{Ack, Worker},
};
