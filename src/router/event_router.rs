//! `EventRouter`: registers handlers, sets limits, and decodes a body into a batch.

use std::{any::type_name, fmt, marker::PhantomData, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    Batch, Batches, FromContext, Handler, IntoOutcome, batch::Origin, decoder::Decoder,
    erased::Erased, routes::Routes,
};
use crate::{
    Delivery, Payload, Provider, RawEvent, Unpacked,
    decode::{self, DecodeError, Envelope},
    error::ConfigError,
    event::Names,
    util::{
        panics::Guarded,
        permits::{Permit, Permits},
    },
};

/// Sends each event of provider `P` to the handler of its type: see [`router`](crate::router).
///
/// A service for `Request<Verified<P>>`, which only a [`VerifyLayer`](crate::VerifyLayer) of the same provider makes:
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
/// Clones are cheap. They share their handlers, and the counts of batches under way and of their bytes.
#[must_use]
pub struct EventRouter<P, S = ()> {
    routes: Arc<Routes<S>>,
    state: Guarded<S>,
    places: Permits,
    /// So many bytes, of all the bodies whose events are being handled.
    budget: Permits,
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
    /// The most events in one body, by default.
    pub const MAX_EVENTS: usize = 10_000;
    /// The deepest nesting of an event, by default and at most: what `serde_json` decodes.
    pub const MAX_DEPTH: usize = decode::MAX_DEPTH;
    /// How long a handler may take for one event, by default.
    pub const EVENT_TIMEOUT: Duration = Duration::from_secs(5 * 60);
    /// The most batches under way at once, by default.
    pub const MAX_BATCHES: usize = 1024;
    /// Bytes of all the bodies whose batches are under way, by default.
    pub const MAX_TOTAL_BYTES: usize = 64 * 1024 * 1024;

    /// A router whose handlers may take `State<S>`, or any `State<T>` with `T: FromRef<S>`. Each batch clones `state`.
    pub fn with_state(state: S) -> Self {
        let routes = Routes::new(Self::MAX_EVENTS, Self::MAX_DEPTH, Self::EVENT_TIMEOUT);
        Self {
            routes: Arc::new(routes),
            state: Guarded::new(state),
            places: Permits::new(Self::MAX_BATCHES),
            budget: Permits::new(Self::MAX_TOTAL_BYTES),
            provider: PhantomData,
        }
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
    /// At start-up, if the name is empty, longer than [`Envelope::MAX_TYPE`], or has a handler already. Names that come
    /// from a configuration go to [`EventRouter::try_on_type`].
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
        // Under its guard from here on.
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

    /// Gives `handler` what no other handler takes: events of unknown types, and those that do not fit their type,
    /// with the [error](RawEvent::error). They count as handled then.
    ///
    /// # Panics
    ///
    /// At start-up, if there is a fallback already.
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

    /// The most events in one body; a body with more is answered 400. By default [`EventRouter::MAX_EVENTS`], 10,000.
    pub fn max_events(mut self, most: usize) -> Self {
        self.routes_mut().max_events = most;
        self
    }

    /// How deep an event may be nested, and each member of the envelope beside the events; a body with anything deeper is
    /// answered 400. By default [`EventRouter::MAX_DEPTH`], 127, and never more.
    pub fn max_depth(mut self, most: usize) -> Self {
        self.routes_mut().max_depth = most.min(Self::MAX_DEPTH);
        self
    }

    /// How long a handler may take for one event; then it is dropped, which counts as a failure, and the next event is
    /// handled. By default [`EventRouter::EVENT_TIMEOUT`], 5 minutes. `Duration::MAX` is for ever. A [`Batch`] that you
    /// poll yourself has no such limit.
    pub fn event_timeout(mut self, deadline: Duration) -> Self {
        self.routes_mut().event_timeout = deadline;
        self
    }

    /// How many batches may be under way at once, those included that outlive their request; one more is answered
    /// 503. By default [`EventRouter::MAX_BATCHES`], 1,024. Counts anew: clones made before do not share the count.
    pub fn max_batches(self, most: usize) -> Self {
        Self { places: Permits::new(most), ..self }
    }

    /// How many bytes the bodies may have, all together, whose batches are under way; one that would exceed it is
    /// answered 503, unless it is the only one. By default [`EventRouter::MAX_TOTAL_BYTES`], 64 MiB; 4 GiB at most. Counts
    /// anew: clones made before do not share the count.
    ///
    /// Events take more memory than the bodies they were read from. If every byte is chosen to that end by someone who has
    /// the key, then those of Learn365 take up to 84 times as much, and 126 times for a moment.
    pub fn max_total_bytes(self, most: usize) -> Self {
        Self { budget: Permits::new(most.max(1)), ..self }
    }

    /// [Drains](Batches::drain) the [batches](EventRouter::batches) under way.
    pub async fn drain(&self) {
        self.batches().drain().await;
    }

    /// A handle to the batches under way, to drain several routers by. Take it last: [`EventRouter::max_batches`] counts
    /// anew.
    pub fn batches(&self) -> Batches {
        Batches(self.places.clone())
    }

    /// How many events no handler took, because their type has none and there is no fallback, or because they have no
    /// type. Of this router and its clones, from the beginning. Each is answered 200: a number that grows may be a
    /// misspelt type. With feature `tracing`, each is told of, too: see [`guide`](crate::docs::guide).
    pub fn ignored(&self) -> u64 {
        self.routes.ignored.count()
    }

    /// Reads the whole of an authentic body. Nothing runs until the batch is polled; needs no HTTP.
    ///
    /// That `body` is the one which the proof in `delivery` was made for, and with this provider's keys, is what the
    /// caller vouches for: between a [`VerifyLayer`](crate::VerifyLayer) and a router, [`Verified`](crate::Verified) does.
    ///
    /// # Errors
    ///
    /// If the body as a whole cannot be decoded. An event that does not fit its type is no such error.
    pub fn dispatch(
        &self,
        provider: &P,
        mut delivery: Delivery,
        body: Bytes,
    ) -> Result<Batch<S>, DecodeError> {
        delivery.set_provider(provider.name());
        let Unpacked { body, described } = provider.unpack(body)?;
        let mut decoder = Decoder::new(&self.routes, &body);
        let outer = envelope(provider, &delivery).read(&body, &mut decoder)?;
        let delivery = delivery.described(described).described(provider.describe(&outer));
        let Decoder { events, queues, .. } = decoder;
        let (routes, state) = (self.routes.clone(), self.state.clone());
        Ok(Batch::new(events, queues, Origin { body, delivery, routes, state }))
    }

    pub(super) fn deadline(&self) -> Duration {
        self.routes.event_timeout
    }

    /// Room for the batch of a body of `length` bytes, if there is.
    pub(super) fn room(&self, length: usize) -> Option<[Permit; 2]> {
        Some([self.places.take()?, self.budget.take_many_or_all(length)?])
    }

    /// The same room for a body that is `length` bytes long once it is unpacked, if there is.
    pub(super) fn more_room(&self, mut room: [Permit; 2], length: usize) -> Option<[Permit; 2]> {
        self.budget.fill(&mut room[1], length).map(|()| room)
    }

    fn routes_mut(&mut self) -> &mut Routes<S> {
        Arc::make_mut(&mut self.routes)
    }
}

/// The provider's, unless the head has named the one event.
fn envelope<P: Provider>(provider: &P, delivery: &Delivery) -> Envelope {
    match delivery.event_type() {
        Some(event_type) => Envelope::named(event_type.to_owned()),
        None => provider.envelope(),
    }
}

impl<P, S: Clone> Clone for EventRouter<P, S> {
    fn clone(&self) -> Self {
        Self {
            routes: self.routes.clone(),
            state: self.state.clone(),
            places: self.places.clone(),
            budget: self.budget.clone(),
            provider: PhantomData,
        }
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
