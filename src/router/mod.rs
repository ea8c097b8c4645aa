//! Which closure gets this event, and what its outcome means.
//!
//! An [`EventRouter`] maps types of events to handlers. A handler is an async closure or function that takes the event
//! first, and then up to three of [`State`], [`Delivery`](crate::Delivery), [`RawEvent`](crate::RawEvent) and
//! `Option<`[`EventKey`]`>`, in any order; it returns `()` or a `Result<(), E>`.
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
//!     .fallback(async |e: RawEvent| println!("{:?} is new here: {:?}", e.event_type(), e.error()));
//! ```
//!
//! # What an outcome means
//!
//! The events of one request run in the order of the body, all of them: one that fails hides none of the others. The
//! answer is 200 when every event was handled or nobody listens to it, and 500 when a handler returned an error,
//! panicked or took too long, or when an event of a known type did not fit and there is no fallback. A sender that
//! repeats its requests then repeats the whole of it: the events that were handled come again. So handlers should be
//! idempotent, by the [`EventKey`]. Do not use [`Delivery::id`](crate::Delivery::id) for this: all events of a delivery
//! share it. The answer is 202 if the events are still being handled and the sender never repeats a request
//! ([`Policy::never_resends`](crate::Policy::never_resends)).
//!
//! # Limits
//!
//! | what | by default | set by | beyond it |
//! |---|--:|---|--:|
//! | events in a body | 10,000 | [`EventRouter::max_events`] | 400 |
//! | nesting of an event | 127 | [`EventRouter::max_depth`] | 400 |
//! | the time of a handler for one event | 5 min | [`EventRouter::event_timeout`] | 500 |
//! | batches under way | 1,024 | [`EventRouter::max_batches`] | 503 |
//! | bytes of all their bodies, unless it is one alone | 64 MiB | [`EventRouter::max_total_bytes`] | 503 |
//!
//! A panic is the failure of the event that is being handled, wherever it is: in the handler, in `Deserialize`, `Clone`
//! or `Drop`. Only two values of your own that panic when they are dropped together, such as two fields of one struct,
//! abort the process as they always do.
//!
//! # What a handler may hold
//!
//! A handler's future is `Send`: what it holds across an await must be, too.
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
//! The events are handled all the same: what was authentic and decoded moves to a tokio task of its own when its
//! request is dropped. At shutdown, [`EventRouter::drain`] waits for such tasks, and [`Batches::drain`] for those of several
//! routers: see the [guide](crate::_docs::guide#4-hang-ups-and-shutdown).

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

pub use self::{
    batch::{Batch, BatchOutcome},
    batches::Batches,
    context::{EventContext, FromContext, FromRef, State},
    event_key::EventKey,
    event_router::EventRouter,
    handler::Handler,
    outcome::{IntoOutcome, Outcome},
    service::ResponseFuture,
};
