//! `Delivery`: the facts about one authentic request, apart from its events.

use std::{borrow::Cow, fmt, sync::Arc, time::SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{
    scheme::{Authentic, DeliveryId, KeyId, ReadHeaders},
    util::trace::Fields,
};

/// The facts about one authentic request, without its events. Cheap to clone. `Debug` shows only the names of headers.
///
/// ```
/// use tower_webhook::{Delivery, EventRouter, providers::learn365::CourseCompleted};
///
/// let events = EventRouter::new().on(async |_: CourseCompleted, delivery: Delivery| {
///     println!("delivery {:?}, attempt {:?}", delivery.id(), delivery.sender_attempt());
/// });
/// ```
#[derive(Clone)]
pub struct Delivery(Arc<Facts>);

#[derive(Clone)]
struct Facts {
    provider: Cow<'static, str>,
    key_id: Option<KeyId>,
    id: Option<DeliveryId>,
    event_type: Option<Arc<str>>,
    sender_attempt: Option<u32>,
    properties: Option<Box<str>>,
    received_at: SystemTime,
    headers: HeaderMap,
    read: ReadHeaders,
    /// Boxed, so that a delivery that comes from no inbox pays for a pointer only.
    stored: Option<Box<StoredRun>>,
}

/// What is known of a delivery that comes from an [`Inbox`](crate::inbox::Inbox), beside the facts of its request.
#[derive(Clone)]
pub(crate) struct StoredRun {
    pub(crate) tenant: Option<Arc<str>>,
    pub(crate) attempt: u32,
    pub(crate) is_last_attempt: bool,
    /// The statement of [`Ack`](crate::inbox::Ack), the number of the delivery and the token of the lease.
    pub(crate) ack: Option<(&'static str, i64, i64)>,
}

/// The facts of a request, as an [`Inbox`](crate::inbox::Inbox) stores them.
pub(crate) struct StoredFacts {
    pub(crate) key_id: Option<Arc<str>>,
    pub(crate) id: Option<Arc<str>>,
    pub(crate) event_type: Option<Arc<str>>,
    pub(crate) received_at: SystemTime,
    /// The secret ones among them are redacted.
    pub(crate) headers: HeaderMap,
}

impl Delivery {
    /// A delivery with this `proof`, for a body that did not come through the layer. For a request, the layer makes one.
    pub fn new(proof: Authentic) -> Self {
        Self::received(proof, "".into(), (SystemTime::UNIX_EPOCH, ReadHeaders::default()))
    }

    /// The delivery of a request, with the time when its head arrived, and the names of the secret headers that were read.
    pub(crate) fn received(
        proof: Authentic,
        provider: Cow<'static, str>,
        (received_at, read): (SystemTime, ReadHeaders),
    ) -> Self {
        Self(Arc::new(Facts {
            provider,
            key_id: proof.key,
            id: proof.id,
            event_type: proof.event_type,
            sender_attempt: None,
            properties: None,
            received_at,
            headers: HeaderMap::new(),
            read,
            stored: None,
        }))
    }

    /// The delivery of a request that was stored. The proof was made before.
    pub(crate) fn stored(facts: StoredFacts, run: StoredRun) -> Self {
        let StoredFacts { key_id, id, event_type, received_at, headers } = facts;
        Self(Arc::new(Facts {
            provider: "".into(),
            key_id,
            id: id.as_deref().map(Into::into),
            event_type,
            sender_attempt: None,
            properties: None,
            received_at,
            headers,
            read: ReadHeaders::default(),
            stored: Some(Box::new(run)),
        }))
    }

    /// Claims without proof that the key of this name matched. For tests of handlers, and for bodies that did not come
    /// through the layer. For a request, the scheme sets the name.
    ///
    /// ```
    /// use tower_webhook::{Delivery, scheme::Authentic};
    ///
    /// let delivery = Delivery::new(Authentic::dangerous_assert()).dangerous_key_id("sofia");
    /// assert_eq!(delivery.key_id(), Some("sofia"));
    /// ```
    #[must_use]
    pub fn dangerous_key_id(mut self, name: impl AsRef<str>) -> Self {
        self.facts().key_id = Some(name.as_ref().into());
        self
    }

    /// The name of the sender, from [`Provider::name`](crate::Provider::name). It is empty for a delivery from
    /// [`Delivery::new`] until an [`EventRouter`](crate::EventRouter) gets it.
    pub fn provider(&self) -> &str {
        &self.0.provider
    }

    /// The name of the key that matched, if it has one: see [`Keys::named`](crate::scheme::Keys::named).
    pub fn key_id(&self) -> Option<&str> {
        self.0.key_id.as_deref()
    }

    /// The sender's id of this delivery, if it has one. A retry has the same id. The id is always signed. For Standard
    /// Webhooks it is visible ASCII, for Learn365 a text of at most 256 bytes. It is for logs. All events of the delivery share
    /// it, so recognise a duplicate by the [`EventKey`](crate::router::EventKey).
    pub fn id(&self) -> Option<&str> {
        self.0.id.as_ref().map(DeliveryId::as_str)
    }

    /// The type of the one event in the body, if the head names it: see [`Check::named`](crate::scheme::Check::named). It
    /// may be unsigned.
    pub fn event_type(&self) -> Option<&str> {
        self.0.event_type.as_deref()
    }

    /// The number of this attempt as the sender counts, from 1. `None` if the sender does not send it.
    pub fn sender_attempt(&self) -> Option<u32> {
        self.0.sender_attempt
    }

    /// The number of this attempt to handle the delivery, from 1. Always 1 if it comes from no
    /// [`Inbox`](crate::inbox::Inbox).
    pub fn attempt(&self) -> u32 {
        self.0.stored.as_ref().map_or(1, |run| run.attempt)
    }

    /// Whether the delivery is dead if this attempt fails. Always `true` if it comes from no
    /// [`Inbox`](crate::inbox::Inbox): then only the sender can try again.
    pub fn is_last_attempt(&self) -> bool {
        self.0.stored.as_ref().is_none_or(|run| run.is_last_attempt)
    }

    /// The tenant that the delivery was stored for: see [`Inbox::tenant`](crate::inbox::Inbox::tenant).
    pub fn tenant(&self) -> Option<&str> {
        self.0.stored.as_ref()?.tenant.as_deref()
    }

    /// The properties that were registered to be sent with each delivery, as JSON (Learn365: `Properties`).
    pub fn properties(&self) -> Option<&str> {
        self.0.properties.as_deref()
    }

    /// The time when the head of the request arrived. For a delivery from [`Delivery::new`], it is the beginning of 1970.
    pub fn received_at(&self) -> SystemTime {
        self.0.received_at
    }

    /// The request's headers. The values of credentials, cookies and the headers that authentication read with
    /// [`Head::header`](crate::scheme::Head::header), such as signatures, are `[redacted]`. Empty outside of an
    /// [`EventRouter`](crate::EventRouter).
    pub fn headers(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        let secret =
            |name: &HeaderName| CREDENTIALS.contains(name) || self.0.read.contains(name.as_str());
        self.0
            .headers
            .iter()
            .map(move |(name, value)| (name, if secret(name) { &REDACTED } else { value }))
    }

    /// The value of the header `name`, as [`Delivery::headers`] shows it. `None` if it is absent, occurs more than once, or is
    /// not visible ASCII.
    ///
    /// A sender's id that is not signed is found here. It can help to find a delivery in the sender's log. Do not recognise
    /// duplicates by it: an attacker can change it, or use up the id of a delivery that is still to come.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers().filter(|(key, _)| key.as_str().eq_ignore_ascii_case(name));
        match (values.next(), values.next()) {
            (Some((_, value)), None) => value.to_str().ok(),
            _ => None,
        }
    }

    /// The same delivery with the facts in `found`. For tests of handlers. For a request, the provider finds them.
    ///
    /// ```
    /// use tower_webhook::{Delivery, Described, scheme::Authentic};
    ///
    /// let delivery = Delivery::new(Authentic::dangerous_assert()).described(Described::default().id("msg_1"));
    /// assert_eq!(delivery.id(), Some("msg_1"));
    /// ```
    #[must_use]
    pub fn described(mut self, found: Described<'_>) -> Self {
        if !found.is_empty() {
            self.facts().add(found);
        }
        self
    }

    /// The statement that acknowledges an event of this delivery, and the numbers of its lease.
    pub(crate) fn ack(&self) -> Option<(&'static str, i64, i64)> {
        self.0.stored.as_ref()?.ack
    }

    /// For trace events.
    pub(crate) fn fields(&self) -> Fields<'_> {
        let (provider, delivery_id, key_id) = (self.provider(), self.id(), self.key_id());
        Fields { provider, delivery_id, key_id }
    }

    pub(crate) fn set_provider(&mut self, name: Cow<'static, str>) {
        if self.0.provider != name {
            self.facts().provider = name;
        }
    }

    pub(crate) fn set_headers(&mut self, headers: HeaderMap) {
        self.facts().headers = headers;
    }

    fn facts(&mut self) -> &mut Facts {
        Arc::make_mut(&mut self.0)
    }
}

impl Facts {
    fn add(&mut self, found: Described<'_>) {
        let Described { id, sender_attempt, properties } = found;
        if let Some(id) = id {
            self.id = Some((*id).into());
        }
        if let Some(properties) = properties {
            self.properties = Some(properties.into());
        }
        self.sender_attempt = sender_attempt.or(self.sender_attempt);
    }
}

/// Facts about a delivery that a provider found in its body: see [`Provider::describe`](crate::Provider::describe) and
/// [`Provider::unpack`](crate::Provider::unpack). By default nothing was found.
#[derive(Clone, Default, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Described<'b> {
    /// The sender's id of this delivery: [`Delivery::id`].
    pub id: Option<Cow<'b, str>>,
    /// The number of this attempt, from 1: [`Delivery::sender_attempt`].
    pub sender_attempt: Option<u32>,
    /// JSON that the sender was asked to send along: [`Delivery::properties`].
    pub properties: Option<Cow<'b, str>>,
}

impl<'b> Described<'b> {
    fn is_empty(&self) -> bool {
        self.id.is_none() && self.sender_attempt.is_none() && self.properties.is_none()
    }

    /// Sets [`Described::id`].
    pub fn id(self, id: impl Into<Cow<'b, str>>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// Sets [`Described::sender_attempt`].
    pub fn sender_attempt(self, attempt: u32) -> Self {
        Self { sender_attempt: Some(attempt), ..self }
    }

    /// Sets [`Described::properties`].
    pub fn properties(self, json: impl Into<Cow<'b, str>>) -> Self {
        Self { properties: Some(json.into()), ..self }
    }
}

impl fmt::Debug for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Described")
            .field("id", &self.id)
            .field("sender_attempt", &self.sender_attempt)
            .finish_non_exhaustive()
    }
}

/// The JSON in a body, and the facts about the delivery that were found on the way to it: see
/// [`Provider::unpack`](crate::Provider::unpack).
#[derive(Clone)]
#[must_use]
#[non_exhaustive]
pub struct Unpacked {
    /// JSON in UTF-8. A slice of the body costs nothing.
    pub body: Bytes,
    /// Facts about the delivery.
    pub described: Described<'static>,
}

impl Unpacked {
    /// Sets [`Unpacked::described`].
    pub fn described(self, described: Described<'static>) -> Self {
        Self { described, ..self }
    }
}

impl<B: Into<Bytes>> From<B> for Unpacked {
    fn from(body: B) -> Self {
        Self { body: body.into(), described: Described::default() }
    }
}

impl fmt::Debug for Unpacked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unpacked")
            .field("bytes", &self.body.len())
            .field("described", &self.described)
            .finish()
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("provider", &self.0.provider)
            .field("key_id", &self.0.key_id)
            .field("id", &self.0.id)
            .field("event_type", &self.0.event_type)
            .field("sender_attempt", &self.0.sender_attempt)
            .field("received_at", &self.0.received_at)
            .field("headers", &self.0.headers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Headers that are secret for every sender.
pub(crate) const CREDENTIALS: [HeaderName; 3] =
    [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE];
static REDACTED: HeaderValue = HeaderValue::from_static("[redacted]");
