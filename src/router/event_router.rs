//! `EventRouter`: registers handlers, sets limits, and decodes a body into a batch.

use std::{any::type_name, fmt, marker::PhantomData, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    Batch, Batches, FromContext, Handler, IntoOutcome, batch::Shared, decoder::Decoder,
    erased::Erased, limits, routes::Routes,
};
use crate::{
    Delivery, Payload, Provider, RawEvent, Unpacked,
    decode::{DecodeError, Envelope},
    error::ConfigError,
    event::Names,
    provider::envelope,
    util::{
        panics::Guarded,
        permits::{Permit, Permits},
    },
};

/// Passes each event of provider `P` to the handler of its type: see [`router`](crate::router).
///
/// It is a service for `Request<Verified<P>>`. Only a [`VerifyLayer`](crate::VerifyLayer) of the same provider makes such
/// requests:
///
/// ```compile_fail,E0277
/// use axum::Router;
/// use tower_webhook::{EventRouter, providers::loops::SessionStarted};
///
/// let events = EventRouter::new().on(async |_: SessionStarted| {});
/// let _: Router = Router::new().route_service("/hook", events); // without the layer
/// ```
///
/// ```
/// use axum::Router;
/// use tower::Layer;
/// use tower_webhook::{EventRouter, VerifyLayer, providers::loops::{Loops, SessionStarted}};
///
/// let events = EventRouter::new().on(async |_: SessionStarted| {});
/// let hook = VerifyLayer::new(Loops::dangerous_unauthenticated()).layer(events);
/// let _: Router = Router::new().route_service("/hook", hook);
/// ```
///
/// Clones are cheap. They share their handlers, and the limits on the number and the size of batches being handled.
#[must_use]
pub struct EventRouter<P, S = ()> {
    routes: Arc<Routes<S>>,
    state: Guarded<S>,
    provider: PhantomData<fn() -> P>,
}

impl<P: Provider> EventRouter<P, ()> {
    /// A router without state.
    #[expect(
        clippy::new_without_default,
        reason = "a router without routes is no sensible default"
    )]
    pub fn new() -> Self {
        Self::with_state(())
    }
}

impl<P: Provider, S: Clone + Send + Sync + 'static> EventRouter<P, S> {
    /// A router whose handlers may take `State<S>`, or any `State<T>` with `T: FromRef<S>`. Each batch clones `state`.
    pub fn with_state(state: S) -> Self {
        let routes = Arc::new(Routes::new());
        Self { routes, state: Guarded::new(state), provider: PhantomData }
    }

    /// Calls `handler` for each event of type `E`, which is an [`Event`](crate::Event).
    ///
    /// # Panics
    ///
    /// At start-up, if the type has a handler already.
    ///
    /// # Examples
    ///
    /// The event must be one of this router's sender, and have a documented name:
    ///
    /// ```
    /// use tower_webhook::{EventRouter, providers::loops::{Loops, SessionStarted, SessionTerminated}};
    ///
    /// EventRouter::<Loops>::new()
    ///     .on(async |_: SessionStarted| {})
    ///     .on_type("WHATEVER_YOU_SAW", async |_: SessionTerminated| {});
    /// ```
    /// ```compile_fail,E0271
    /// use tower_webhook::{EventRouter, providers::{learn365::CourseCompleted, loops::Loops}};
    ///
    /// EventRouter::<Loops>::new().on(async |_: CourseCompleted| {}); // another sender's
    /// ```
    /// ```compile_fail,E0277
    /// use tower_webhook::{EventRouter, providers::loops::{Loops, SessionTerminated}};
    ///
    /// EventRouter::<Loops>::new().on(async |_: SessionTerminated| {}); // its name is not documented
    /// ```
    #[track_caller]
    pub fn on<E, M, H>(self, handler: H) -> Self
    where
        H: Handler<E, M, Args: FromContext<S>, Output: IntoOutcome, Future: Send>,
        E: Payload<Provider = P>,
        E::Provider: Names<E>,
        M: 'static,
    {
        self.on_type(<E::Provider as Names<E>>::TYPE, handler)
    }

    /// Calls `handler` for each event whose type on the wire is `name`: for types without a documented name, and for
    /// further names of one type.
    ///
    /// # Panics
    ///
    /// At start-up, if the name is empty, longer than [`Envelope::MAX_TYPE`], or has a handler already. For
    /// names from a configuration, use [`EventRouter::try_on_type`].
    #[track_caller]
    pub fn on_type<E, M, H>(self, name: impl AsRef<str>, handler: H) -> Self
    where
        H: Handler<E, M, Args: FromContext<S>, Output: IntoOutcome, Future: Send>,
        E: Payload<Provider = P>,
        M: 'static,
    {
        match self.try_on_type(name, handler) {
            Ok(router) => router,
            Err(error) => panic!("{error}"),
        }
    }

    /// As [`EventRouter::on_type`], for a name that is not known before the program runs.
    ///
    /// ```
    /// use tower_webhook::{EventRouter, error::ConfigError, providers::loops::{Loops, SessionTerminated}};
    ///
    /// fn events(configured: &[String]) -> Result<EventRouter<Loops>, ConfigError> {
    ///     configured.iter().try_fold(EventRouter::new(), |events, name| {
    ///         events.try_on_type(name, async |_: SessionTerminated| {})
    ///     })
    /// }
    /// assert!(events(&["SESSION_ENDED".into()]).is_ok());
    /// let error = events(&["A".into(), "A".into()]).unwrap_err();
    /// assert_eq!(error.to_string(), "`A` already has a handler: register each type once");
    /// ```
    ///
    /// # Errors
    ///
    /// If the name is empty, longer than [`Envelope::MAX_TYPE`], or has a handler already.
    pub fn try_on_type<E, M, H>(
        mut self,
        name: impl AsRef<str>,
        handler: H,
    ) -> Result<Self, ConfigError>
    where
        H: Handler<E, M, Args: FromContext<S>, Output: IntoOutcome, Future: Send>,
        E: Payload<Provider = P>,
        M: 'static,
    {
        let (name, event) = (name.as_ref(), type_name::<E>());
        // From here on, a guard drops the handler.
        let route = Arc::new(Erased::<H, E, M>::new(handler));
        let why = if name.is_empty() {
            format!("the name given for `{event}` is empty: give it as it is on the wire")
        } else if name.len() > Envelope::MAX_TYPE {
            let (length, most) = (name.len(), Envelope::MAX_TYPE);
            format!("the name given for `{event}` has {length} bytes: give one of at most {most}")
        } else if self.routes_mut().add(name.into(), route) {
            return Ok(self);
        } else {
            format!("`{name}` already has a handler: register each type once")
        };
        Err(ConfigError::new(why))
    }

    /// Calls `handler` for each event that no other handler takes: if no handler is registered for its type, if it has no
    /// type, or if it does not fit its type. In the last case, it has an [error](RawEvent::error). If `handler` succeeds,
    /// then the event counts as handled.
    ///
    /// # Panics
    ///
    /// At start-up, if there is a fallback already.
    ///
    /// # Examples
    ///
    /// Return the error of an event that does not fit. Otherwise it counts as handled, and the sender never repeats it:
    ///
    /// ```
    /// use tower::{Layer, ServiceExt};
    /// use tower_webhook::{EventRouter, RawEvent, Sender, VerifyLayer, providers::learn365::{CourseCompleted, Learn365}};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower_webhook::BoxError> {
    /// let events = EventRouter::new().on(async |_: CourseCompleted| {}).fallback(async |e: RawEvent| {
    ///     if let Some(error) = e.error() {
    ///         return Err(error.clone());
    ///     }
    ///     println!("{:?} is new here", e.event_type());
    ///     Ok(())
    /// });
    /// let provider = Learn365::new("0123456789abcdef0123456789abcdef")?;
    /// let (hook, sender) = (VerifyLayer::new(provider.clone()).layer(events), Sender::new(provider));
    /// let unknown = sender.raw("CourseRated", "{}")?;
    /// assert_eq!(hook.clone().oneshot(unknown).await?.status(), 200);
    /// let misfit = sender.raw("CourseCompleted", r#"{"Course": 7}"#)?;
    /// assert_eq!(hook.oneshot(misfit).await?.status(), 500);
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn fallback<M, H>(mut self, handler: H) -> Self
    where
        H: Handler<RawEvent, M, Args: FromContext<S>, Output: IntoOutcome, Future: Send>,
        M: 'static,
    {
        let former =
            self.routes_mut().fallback.replace(Arc::new(Erased::<H, RawEvent, M>::new(handler)));
        assert!(former.is_none(), "there is a fallback already");
        self
    }

    /// The maximum number of events in one body. If a body has more, the answer is 400. By default
    /// [`limits::MAX_EVENTS`], 10,000.
    pub fn max_events(mut self, most: usize) -> Self {
        self.routes_mut().max_events = most;
        self
    }

    /// The maximum nesting of an event, and of each member of the envelope beside the events. If a body has anything
    /// deeper, the answer is 400. By default [`limits::MAX_DEPTH`], 127, and never more.
    pub fn max_depth(mut self, most: usize) -> Self {
        self.routes_mut().max_depth = most.min(limits::MAX_DEPTH);
        self
    }

    /// The time that a handler may take for one event. If it takes longer, it is dropped, the event counts as failed, and
    /// the next event is handled. By default [`limits::EVENT_TIMEOUT`], 5 minutes. `Duration::MAX` is no limit. A
    /// [`Batch`] that you poll yourself has no such limit.
    pub fn event_timeout(mut self, timeout: Duration) -> Self {
        self.routes_mut().event_timeout = timeout;
        self
    }

    /// The maximum number of batches being handled at the same time, including batches that go on after their request has
    /// ended. A further request gets 503. By default [`limits::MAX_BATCHES`], 1,024.
    ///
    /// Clones that were made before this call do not share the new limit.
    pub fn max_batches(mut self, most: usize) -> Self {
        self.routes_mut().batches = Permits::new(most);
        self
    }

    /// The maximum total size of the bodies being handled, in bytes. A request whose body would exceed it gets 503, unless
    /// it is the only one. By default [`limits::MAX_TOTAL_BYTES`], 64 MiB, and at most 4 GiB.
    ///
    /// Events take more memory than the bodies that they were read from. The worst case needs the secret: if a client signs
    /// a body that was made for this purpose, then events of Learn365 take up to 84 times as much memory, and 126 times for
    /// a moment.
    ///
    /// Clones that were made before this call do not share the new limit.
    pub fn max_total_bytes(mut self, most: usize) -> Self {
        self.routes_mut().total_bytes = Permits::new(most.max(1));
        self
    }

    /// Waits until no batch is being handled: see [`Batches::drain`]. For several routers, use [`EventRouter::batches`].
    pub async fn drain(&self) {
        self.batches().drain().await;
    }

    /// A handle to the batches being handled, for draining several routers alike. Call [`EventRouter::max_batches`] before:
    /// a handle from before that call does not include the batches after it.
    pub fn batches(&self) -> Batches {
        Batches(self.routes.batches.clone())
    }

    /// The number of ignored events of this router and its clones since it was made. An event is ignored if no handler is
    /// registered for its type, or if it has no type, and if there is no fallback.
    ///
    /// The answer to such an event is 200. If the number grows, then a registered type may be misspelt. With feature
    /// `tracing`, each of these events also causes a trace event: see [`guide`](crate::_docs::guide).
    pub fn ignored(&self) -> u64 {
        self.routes.ignored.count()
    }

    /// Decodes the whole of an authentic body. No handler is called until the batch is polled. Needs no HTTP.
    ///
    /// The caller guarantees that the proof in `delivery` was made for this `body`, with the keys of this provider. Between
    /// a [`VerifyLayer`](crate::VerifyLayer) and a router, [`Verified`](crate::Verified) guarantees it.
    ///
    /// # Errors
    ///
    /// If the body as a whole cannot be unpacked or decoded, or exceeds [`EventRouter::max_events`] or
    /// [`EventRouter::max_depth`]. If only an event does not fit its type, then that is an [`Outcome`](super::Outcome).
    pub fn dispatch(
        &self,
        provider: &P,
        mut delivery: Delivery,
        body: Bytes,
    ) -> Result<Batch<S>, DecodeError> {
        delivery.set_provider(provider.name());
        let Unpacked { body, described } = provider.unpack(body)?;
        let mut decoder = Decoder::new(&self.routes, &body);
        let outer = envelope(provider, delivery.event_type()).read(&body, &mut decoder)?;
        let delivery = delivery.described(described).described(provider.describe(&outer));
        let lists = decoder.lists;
        let (routes, state) = (self.routes.clone(), self.state.clone());
        Ok(Batch::new(lists, Shared { body, delivery, routes, state }))
    }

    pub(crate) fn handler_timeout(&self) -> Duration {
        self.routes.event_timeout
    }

    /// The permits for a batch whose body has `length` bytes, if they are free.
    pub(super) fn permits(&self, length: usize) -> Option<[Permit; 2]> {
        let Routes { batches, total_bytes, .. } = &*self.routes;
        Some([batches.take()?, total_bytes.take_many_or_all(length)?])
    }

    fn routes_mut(&mut self) -> &mut Routes<S> {
        Arc::make_mut(&mut self.routes)
    }
}

impl<P, S: Clone> Clone for EventRouter<P, S> {
    fn clone(&self) -> Self {
        Self { routes: self.routes.clone(), state: self.state.clone(), provider: PhantomData }
    }
}

impl<P, S> fmt::Debug for EventRouter<P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventRouter")
            .field("types", &self.routes.names())
            .field("fallback", &self.routes.fallback.is_some())
            .finish_non_exhaustive()
    }
}
