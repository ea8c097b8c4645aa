//! Handlers for events: which handler gets an event, and which answer its outcome leads to.
//!
//! An [`EventRouter`] maps event types to handlers. A handler is an async closure or function that takes the event
//! first, and then up to three of [`State`], [`Delivery`](crate::Delivery), [`RawEvent`](crate::RawEvent) and
//! `Option<`[`EventKey`]`>`, in any order. It returns `()` or a `Result<(), E>`.
//!
//! ```
//! use tower_webhook::{Delivery, EventRouter, RawEvent, State, providers::learn365::{CourseCompleted, CourseEnrollment}};
//! # #[derive(Clone)] struct Db;
//! # impl Db { async fn save(&self, _: Option<String>, _: Option<&str>) -> Result<(), std::io::Error> { Ok(()) } }
//!
//! async fn enrolled(e: CourseEnrollment, State(db): State<Db>, delivery: Delivery) -> Result<(), std::io::Error> {
//!     db.save(e.course.and_then(|course| course.id), delivery.id()).await
//! }
//!
//! let events = EventRouter::with_state(Db)
//!     .on(enrolled)
//!     .on(async |e: CourseCompleted| println!("{:?} completed", e.course))
//!     .fallback(async |e: RawEvent| {
//!         if let Some(error) = e.error() {
//!             return Err(error.clone()); // it does not fit its type: see below
//!         }
//!         println!("{:?} is new here", e.event_type());
//!         Ok(())
//!     });
//! ```
//!
//! # The answer
//!
//! The events of a request are handled one after the other, in the order of the body. If one fails, the others are handled
//! all the same. The answer is 200 if every event was handled or has no handler. The answer is 500 if a handler returned an
//! error, panicked or took too long, or if an event does not fit its type and there is no fallback. With a fallback, that
//! event fails only if the fallback returns its [error](crate::RawEvent::error). If a handler asked for its event again
//! ([`Failure::retry_after`]), then the answer is 503 with `Retry-After`.
//!
//! After a 500, a sender that retries sends the whole request again: the events that were handled come again. So make
//! handlers idempotent, by the [`EventKey`]. Do not use [`Delivery::id`](crate::Delivery::id) for this: all events of a
//! delivery share it.
//!
//! If the sender never retries ([`Policy::never_resends`](crate::Policy::never_resends)) and the events are still being
//! handled when it stops waiting, then the answer is 202.
//!
//! # Limits
//!
//! | limit | default | set by | answer if exceeded |
//! |---|--:|---|--:|
//! | events in a body | 10,000 | [`EventRouter::max_events`] | 400 |
//! | nesting of an event | 127 | [`EventRouter::max_depth`] | 400 |
//! | time of a handler for one event | 5 min | [`EventRouter::event_timeout`] | 500 |
//! | batches being handled | 1,024 | [`EventRouter::max_batches`] | 503 |
//! | bytes of all bodies being handled, if there are several | 64 MiB | [`EventRouter::max_total_bytes`] | 503 |
//!
//! If your code panics, the event that is being handled fails, and the next one is handled. This includes panics in
//! `Deserialize`, `Clone` and `Drop`. One exception: if two of your values panic while they are dropped together, such as
//! two fields of one struct, then Rust aborts the process.
//!
//! # `Send`
//!
//! A handler's future is `Send`, so every value that it holds across an await must be `Send`.
//!
//! ```
//! use std::sync::Arc;
//! use tower_webhook::{EventRouter, providers::loops::{Loops, SessionStarted}};
//!
//! EventRouter::<Loops>::new().on(async |e: SessionStarted| {
//!     let name = Arc::new(e.name);
//!     std::future::ready(()).await;
//!     drop(name);
//! });
//! ```
//! ```compile_fail
//! use std::rc::Rc;
//! use tower_webhook::{EventRouter, providers::loops::{Loops, SessionStarted}};
//!
//! EventRouter::<Loops>::new().on(async |e: SessionStarted| {
//!     let name = Rc::new(e.name);
//!     std::future::ready(()).await; // `Rc` is not `Send`
//!     drop(name);
//! });
//! ```
//!
//! # When the sender hangs up
//!
//! The events are handled all the same: if the request is dropped after its body was verified and decoded, then the rest
//! moves to a tokio task of its own. At shutdown, [`EventRouter::drain`] waits for such tasks, and [`Batches::drain`] for
//! the tasks of several routers: see the [guide](crate::_docs::guide#4-hang-ups-and-shutdown).

mod batch;
mod batches;
mod context;
mod decoder;
mod entry;
mod erased;
mod event_key;
mod event_router;
mod handler;
pub mod limits;
mod outcome;
mod queues;
mod routes;
mod running;
mod service;
mod spare;
mod timed;

pub(crate) use self::timed::TimedBatch;
pub use self::{
    batch::{Batch, BatchOutcome},
    batches::Batches,
    context::{EventContext, FromContext, FromRef, State},
    event_key::EventKey,
    event_router::EventRouter,
    handler::Handler,
    outcome::{Failure, IntoOutcome, Outcome},
    service::ResponseFuture,
};
