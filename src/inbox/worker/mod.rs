//! `Worker`: hands stored deliveries to handlers until they are done or dead.

mod ack;
mod attempt;
mod count;
mod dispatch;
mod keeper;
mod recovery;
mod retry;
mod run;
mod troubles;

use std::{collections::HashMap, fmt, future::Future, sync::Arc, time::Duration};

pub use self::ack::Ack;
use self::{
    dispatch::{Dispatch, Routed},
    retry::Attempts,
};
use super::{Inbox, Retention, limits};
use crate::{EventRouter, Provider};

/// Hands the deliveries that an [`Inbox`] has stored to handlers, until each is done or dead: see [`inbox`](crate::inbox).
///
/// ```
/// use tower_webhook::{EventRouter, inbox::{Inbox, MemoryStore, Worker}, providers::loops::{Loops, SessionStarted}};
///
/// # async fn run() {
/// let inbox = Inbox::new(MemoryStore::new());
/// let events = EventRouter::new().on(async |_: SessionStarted| {});
/// let worker = Worker::new(inbox).on(Loops::dangerous_unauthenticated(), events);
/// let stop = async { tokio::signal::ctrl_c().await.expect("a signal handler") };
/// tokio::spawn(worker.run(stop));
/// # }
/// ```
///
/// The handlers are those of an [`EventRouter`], with its [timeout](EventRouter::event_timeout) and its limits on one body.
/// Its limits on several, and [`EventRouter::drain`], do not count what a worker handles.
#[must_use = "a worker does nothing until it runs"]
pub struct Worker {
    inbox: Inbox,
    routes: HashMap<Arc<str>, Arc<dyn Dispatch>>,
    settings: Settings,
}

#[derive(Clone)]
struct Settings {
    concurrency: u32,
    lease: Duration,
    attempts: Attempts,
    retention: Option<Retention>,
    grace: Duration,
}

impl Worker {
    /// A worker that handles nothing yet.
    pub fn new(inbox: Inbox) -> Self {
        let settings = Settings {
            concurrency: limits::CONCURRENCY,
            lease: limits::LEASE,
            attempts: Attempts::default(),
            retention: Some(Retention::default()),
            grace: limits::GRACE,
        };
        Self { inbox, routes: HashMap::new(), settings }
    }

    /// Hands the deliveries of `provider` to `events`. The provider is needed for its name and for where the events are in its
    /// bodies. It verifies nothing here: that was done when the delivery was received.
    ///
    /// ```compile_fail,E0308
    /// use tower_webhook::{EventRouter, inbox::{Inbox, MemoryStore, Worker}};
    /// use tower_webhook::providers::{learn365::{CourseCompleted, Learn365}, loops::Loops};
    ///
    /// let events = EventRouter::<Learn365>::new().on(async |_: CourseCompleted| {});
    /// let worker = Worker::new(Inbox::new(MemoryStore::new()));
    /// worker.on(Loops::dangerous_unauthenticated(), events); // another sender's
    /// ```
    ///
    /// # Panics
    ///
    /// At start-up, if a sender of this name has handlers already, or if the name is a path of the source code, such as
    /// `my_app::Acme`. The name is stored, so a provider of your own must return a fixed text from
    /// [`Provider::name`].
    #[track_caller]
    pub fn on<P: Provider, S: Clone + Send + Sync + 'static>(
        mut self,
        provider: impl Into<Arc<P>>,
        events: EventRouter<P, S>,
    ) -> Self {
        let provider = provider.into();
        let name: Arc<str> = provider.name().into();
        assert!(
            !name.contains("::"),
            "the name `{name}` is stored, and changes with the source code: implement `Provider::name`"
        );
        assert!(!name.contains('\0'), "the name {name:?} has a NUL, which cannot be stored");
        let former = self.routes.insert(name.clone(), Arc::new(Routed { provider, events }));
        assert!(
            former.is_none(),
            "`{name}` has handlers already: give the second sender another name"
        );
        self
    }

    /// How many deliveries are handled at the same time: by default [`limits::CONCURRENCY`], 16. As many again are leased
    /// ahead, and held in memory. If handlers take less time than the store, then up to 128 are claimed at once, and up to 256
    /// are held, so that they need not wait for it.
    pub fn concurrency(mut self, most: u32) -> Self {
        self.settings.concurrency = most.max(1);
        self
    }

    /// The time after which another worker takes a delivery over if this one is silent: by default [`limits::LEASE`], 60
    /// seconds, and at least 1 second. While a handler runs, the lease is extended, so a handler can take longer. If the store
    /// does not answer for this time, then the handler is dropped, and its delivery is handled again.
    pub fn lease(mut self, time: Duration) -> Self {
        self.settings.lease = time.max(limits::MIN_LEASE);
        self
    }

    /// How many times a delivery is handed to its handlers, until it is dead: by default [`limits::MAX_ATTEMPTS`], 12.
    pub fn max_attempts(mut self, most: u32) -> Self {
        self.settings.attempts.most = most.max(1);
        self
    }

    /// The pauses between two attempts: the first is at most `first`, by default [`limits::BACKOFF`], 5 seconds. Each further
    /// one can be twice as long, up to `longest`, by default [`limits::MAX_BACKOFF`], 1 hour. A pause is a random part of that
    /// time, so that deliveries that failed together do not come back together.
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        (self.settings.attempts.first, self.settings.attempts.longest) = (first, longest);
        self
    }

    /// How long finished deliveries are kept. By default that of [`Retention::default`]: their bodies 7 days, dead ones and
    /// keys 90 days. The worker looks once per hour. `None`: it removes nothing. It applies to all deliveries of the store, of
    /// whatever sender: give all workers of one store the same.
    pub fn retention(mut self, retention: impl Into<Option<Retention>>) -> Self {
        self.settings.retention = retention.into();
        self
    }

    /// The time that handlers get to end when the worker is told to stop: by default [`limits::GRACE`], 20 seconds. Then they
    /// are dropped, and their deliveries are handled again by the next worker. Storing that takes up to 5 seconds more.
    pub fn grace(mut self, time: Duration) -> Self {
        self.settings.grace = time;
        self
    }

    /// Works until `stop` is ready. Then it takes no more deliveries, waits for its handlers, and gives back what it has not
    /// begun.
    ///
    /// If this future is dropped, then the handlers are dropped with it. Their deliveries are handled again after the
    /// [lease](Worker::lease), and this counts as a crash.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        run::run(self.inbox, self.routes, self.settings, stop).await;
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("senders", &self.routes.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
