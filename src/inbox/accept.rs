//! `Inbox`: stores what is authentic, and answers when it is on stable storage.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, Uri};
use sha2::{Digest, Sha256};
use tokio::{sync::Notify, time::Sleep};
use tower::Service;

use super::{
    Enqueued, Hash, NewDelivery, Record, Store, StoreFuture, header_block,
    key::Scope,
    limits,
    metrics::{self, Watch},
    record::without_nul,
};
use crate::{
    Body, Delivery, Provider, Rejection, Unpacked,
    error::InboxError,
    provider::envelope,
    util::{panics::contained, permits::Permits, timer, trace},
    verify::Verified,
};

/// Stores each delivery, and answers 200 when it is on stable storage: see [`inbox`](crate::inbox).
///
/// It is a service for `Request<Verified<P>>` of every sender `P`, so one inbox serves all senders. Clones share the store.
///
/// ```
/// use axum::Router;
/// use tower::Layer;
/// use tower_webhook::{VerifyLayer, inbox::{Inbox, MemoryStore}, providers::loops::Loops};
///
/// let inbox = Inbox::new(MemoryStore::new());
/// let hook = VerifyLayer::new(Loops::dangerous_unauthenticated()).layer(inbox.clone());
/// let _: Router = Router::new().route_service("/hook", hook);
/// ```
///
/// Without the layer it does not compile:
///
/// ```compile_fail,E0277
/// use axum::Router;
/// use tower_webhook::inbox::{Inbox, MemoryStore};
///
/// let _: Router = Router::new().route_service("/hook", Inbox::new(MemoryStore::new()));
/// ```
#[derive(Clone)]
#[must_use]
pub struct Inbox {
    store: Arc<dyn Store>,
    arrived: Arc<Notify>,
    tenant: Option<Arc<str>>,
    id: Option<Arc<Identify>>,
    order: Option<Arc<Identify>>,
    /// A permit for each byte of the bodies that wait to be stored.
    bytes: Permits,
    timeout: Duration,
}

type Identify = dyn Fn(&Delivery, &[u8]) -> Option<Vec<u8>> + Send + Sync;

impl Inbox {
    /// An inbox that keeps its deliveries in `store`.
    pub fn new(store: impl Store) -> Self {
        Self::shared(Arc::new(store))
    }

    /// As [`Inbox::new`], for a store that is used elsewhere, too.
    pub fn shared(store: Arc<dyn Store>) -> Self {
        metrics::describe();
        let arrived = Arc::new(Notify::new());
        let wake = arrived.clone();
        store.on_arrival(Arc::new(move || wake.notify_one()));
        Self {
            store,
            arrived,
            tenant: None,
            id: None,
            order: None,
            bytes: Permits::new(limits::MAX_TOTAL_BYTES),
            timeout: limits::STORE_TIMEOUT,
        }
    }

    /// The same inbox for one tenant. Ids of different tenants are different ids. A handler reads the name from
    /// [`Delivery::tenant`].
    pub fn tenant(self, name: impl Into<Arc<str>>) -> Self {
        Self { tenant: Some(name.into()), ..self }
    }

    /// Recognises copies of a delivery by what `id` returns, instead of by [`Delivery::id`]. `None`: the delivery is like no
    /// other. `id` gets the body as it was received. If it panics, then the delivery is like no other.
    ///
    /// A copy is answered 200 and not stored, even if its body differs: then a trace event says so.
    ///
    /// Return only what is signed. Otherwise an attacker can use up the id of a delivery that is still to come.
    ///
    /// ```
    /// use tower_webhook::{decode::Members, inbox::{Inbox, MemoryStore}};
    ///
    /// // A sender whose deliveries have no id, but a session and an action.
    /// let inbox = Inbox::new(MemoryStore::new()).id(|_, body| {
    ///     let members = Members::of(str::from_utf8(body).ok()?)?;
    ///     Some(format!("{} {}", members.text("uuid")?, members.text("action")?).into_bytes())
    /// });
    /// ```
    pub fn id(
        self,
        id: impl Fn(&Delivery, &[u8]) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        Self { id: Some(Arc::new(id)), ..self }
    }

    /// Has deliveries for which `key` returns the same bytes handled one after the other, in the order in which they were
    /// stored: the next one begins when the one before it is done or dead. `None`: in no order. By default there is none.
    ///
    /// A delivery that fails holds up all that come after it with the same key, for as long as it is tried again. One that an
    /// operator [replays](Store::replay) does not wait for those that came after it. If `key` panics, then there is no order.
    pub fn order_by(
        self,
        key: impl Fn(&Delivery, &[u8]) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        Self { order: Some(Arc::new(key)), ..self }
    }

    /// The time that a sender waits for its delivery to be stored. Then the answer is 503, and the write goes on. By default
    /// [`limits::STORE_TIMEOUT`], 10 seconds.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The maximum total size of the bodies that wait to be stored, in bytes. A delivery whose body would exceed it gets 503,
    /// unless it is the only one. By default [`limits::MAX_TOTAL_BYTES`], 64 MiB, and at most 4 GiB. Clones that were made
    /// before this call do not share the new limit.
    pub fn max_total_bytes(self, most: usize) -> Self {
        Self { bytes: Permits::new(most.max(1)), ..self }
    }

    /// The store, for operators.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Whether a delivery of any sender could be stored now, for a readiness probe. It writes, so do not ask it more than once
    /// per second. It needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`InboxError::Full`] if the store is so full that it refuses senders that send again, and the error of the store if it
    /// cannot write in [time](Inbox::timeout).
    pub async fn health(&self) -> Result<(), InboxError> {
        // First, because a store measures itself when it writes.
        match tokio::time::timeout(self.timeout, self.store.ping()).await {
            Ok(ping) => ping?,
            Err(_) => return Err(InboxError::Timeout),
        }
        match self.store.pressure().used >= limits::of_pressure(false) {
            true => Err(InboxError::Full),
            false => Ok(()),
        }
    }

    /// Refuses further deliveries, and waits until those that were begun are stored. Call it at the end of a process, after
    /// the server and the worker have stopped.
    ///
    /// # Errors
    ///
    /// If the store fails. What was answered 200 is stored all the same.
    pub async fn close(&self) -> Result<(), InboxError> {
        self.store.close().await
    }

    pub(super) fn shared_store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Waits until a delivery may have arrived.
    pub(super) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    fn begin<P: Provider>(&self, request: Request<Verified<P>>) -> StoreFuture<'static, Enqueued> {
        let (parts, body) = request.into_parts();
        let (layer, mut delivery, body, _) = body.into_parts();
        let provider = layer.provider();
        let never_resends = provider.policy().never_resends.is_some();
        if self.store.pressure().used >= limits::of_pressure(never_resends) {
            return Box::pin(async { Err(InboxError::Full) });
        }
        let Some(permit) = self.bytes.take_many_or_all(body.len()) else {
            return Box::pin(async { Err(InboxError::Full) });
        };
        delivery.set_provider(provider.name());
        // Before the headers: if something was found, then the facts so far are copied.
        let mut delivery = described(provider, delivery, &body);
        delivery.set_headers(parts.headers);
        let storing = self.store.enqueue(self.new_delivery(&delivery, &parts.uri, body));
        Box::pin(async move {
            let stored = storing.await;
            drop(permit);
            stored
        })
    }

    fn new_delivery(&self, delivery: &Delivery, target: &Uri, body: Bytes) -> NewDelivery {
        let by = |identify: &Arc<Identify>| contained(|| identify(delivery, &body)).flatten();
        let id = match &self.id {
            Some(id) => by(id),
            None => delivery.id().filter(|id| !id.is_empty()).map(|id| id.as_bytes().to_vec()),
        };
        let (source, tenant, key_id) =
            (delivery.provider(), self.tenant.as_deref(), delivery.key_id());
        let key = |id: Vec<u8>| -> Hash { Scope { source, tenant, key_id }.key(&id) };
        // Without the name of the secret: while it is rotated, the order stays.
        let order = |id: Vec<u8>| -> Hash { Scope { source, tenant, key_id: None }.key(&id) };
        let (key, order_key) = (id.map(key), self.order.as_ref().and_then(by).map(order));
        let text = |text| Arc::from(without_nul(text));
        let record = Record {
            source: text(source),
            tenant: tenant.map(text),
            key_id: key_id.map(text),
            id: delivery.id().map(text),
            event_type: delivery.event_type().map(text),
            received_at: delivery.received_at(),
            headers: header_block::written(delivery, target),
            digest: Sha256::digest(&body).into(),
            body,
        };
        NewDelivery { record, key, order_key }
    }
}

/// The delivery with the facts in its body, of which the id is one. If the body cannot be decoded, then it is stored all the
/// same: it is authentic, and the fault may be ours.
fn described<P: Provider>(provider: &P, delivery: Delivery, body: &Bytes) -> Delivery {
    let found = contained(|| {
        let Unpacked { body, described } = provider.unpack(body.clone()).ok()?;
        let outer = envelope(provider, delivery.event_type()).find(&body, |_| {}).ok()?;
        Some(delivery.clone().described(described).described(provider.describe(&outer)))
    });
    found.flatten().unwrap_or(delivery)
}

impl<P: Provider> Service<Request<Verified<P>>> for Inbox {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Verified<P>>) -> ResponseFuture {
        let (source, watch) = (request.body().delivery().provider().into(), Watch::start());
        let storing = self.begin(request);
        let (arrived, timeout) = (self.arrived.clone(), self.timeout);
        ResponseFuture { source, storing, arrived, timeout, timer: None, watch }
    }
}

/// The future of the answer to a request. If it is dropped, then the delivery is stored all the same.
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture {
    source: Arc<str>,
    storing: StoreFuture<'static, Enqueued>,
    arrived: Arc<Notify>,
    timeout: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    watch: Watch,
}

impl ResponseFuture {
    fn poll_stored(&mut self, cx: &mut Context<'_>) -> Poll<Result<Enqueued, InboxError>> {
        if let Poll::Ready(stored) = self.storing.as_mut().poll(cx) {
            return Poll::Ready(stored);
        }
        if self.timer.is_none() {
            self.timer = timer::sleep(self.timeout).map(Box::pin);
        }
        let timer = self.timer.as_mut().map(Pin::as_mut);
        timer::poll(timer, cx).map(|()| Err(InboxError::Timeout))
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let stored = ready!(self.poll_stored(cx));
        metrics::answered(&self.source, &stored, &self.watch);
        let answer = match stored {
            Ok(enqueued) => {
                match enqueued {
                    Enqueued::New(_) => self.arrived.notify_one(),
                    Enqueued::Duplicate { first, body_differs: true } => trace::warn(&format!(
                        "inbox: a delivery of `{}` has the id of delivery {first}, and another body: it is not stored",
                        self.source
                    )),
                    Enqueued::Duplicate { .. } => {}
                }
                let mut answer = Response::new(Body::default());
                answer.extensions_mut().insert(enqueued);
                answer
            }
            Err(error) => {
                let rejection = Rejection::NotStored(error);
                rejection.report(&self.source, (rejection.status(), None), false);
                rejection.response().map(Body::from)
            }
        };
        Poll::Ready(Ok(answer))
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture(..)")
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("store", &self.store)
            .field("tenant", &self.tenant)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
