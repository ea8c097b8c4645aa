//! The sending side: makes the requests of a sender, for tests and for an emulator of the sender.
//!
//! A [`Sender`] makes a signed `http::Request` of typed events or raw JSON. If the sender's format is known, the request has
//! it byte for byte. Pass the request to a service in a test, or to `sender::deliver` (feature `client`).
//!
//! ```
//! use tower_webhook::{Draft, Sender, clock::ManualClock};
//! use tower_webhook::providers::learn365::{Course, CourseCompleted, CoursePublished, Learn365};
//!
//! # fn main() -> Result<(), tower_webhook::BoxError> {
//! let sender = Sender::new(Learn365::new("0123456789abcdef0123456789abcdef")?)
//!     .to("http://127.0.0.1:3000/webhooks/learn365".parse()?)
//!     .id("f6b5366fc4ac4ac3b494e5c7038477ca")
//!     .attempt(2);
//!
//! let one = sender.event(&CourseCompleted::default())?;
//! assert_eq!(one.headers()["content-type"], "application/json; charset=utf-8");
//!
//! let both = [Draft::event(&CourseCompleted::default())?, Draft::raw("CoursePublished", r#"{"Id": "7"}"#)?];
//! let several = sender.batch(&both)?;
//! # Ok(()) }
//! ```
//!
//! # Forgeries
//!
//! [`Tamper`] forges a request as an attacker would. [`conformance`] tries every kind of forgery, in every variation, on a
//! provider of your own:
//!
//! ```
//! use tower_webhook::{providers::learn365::Learn365, sender::conformance};
//!
//! # fn main() -> Result<(), tower_webhook::error::ConfigError> {
//! let provider = Learn365::new("0123456789abcdef0123456789abcdef")?;
//! let other_key = Learn365::new("fedcba9876543210fedcba9876543210")?;
//! conformance(&provider, &other_key).assert_passed();
//! # Ok(()) }
//! ```

mod conformance;
#[cfg(feature = "client")]
mod deliver;
#[cfg(feature = "client")]
pub(crate) mod deliveries;
mod draft;
mod emit;
mod forge;
mod found;
pub(crate) mod headers;
#[cfg(feature = "client")]
pub mod limits;
mod schedule;
mod tamper;

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::SystemTime,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Uri};
use serde::Serialize;

pub(crate) use self::emit::quoted;
use self::forge::Forge;
pub use self::{
    conformance::{Case, ConformanceReport, Verdict, conformance},
    emit::{Draft, Emit, Outgoing},
    schedule::Schedule,
    tamper::Tamper,
};
#[cfg(feature = "client")]
pub use self::{
    deliver::deliver,
    deliveries::{Answer, Attempt, Deliveries, DeliveryReport, DeliveryStatus},
};
use crate::{
    Body, Payload,
    clock::{Clock, SystemClock},
    error::SendError,
    event::Names,
    scheme::is_visible,
};

/// Makes the requests that the sender `P` makes: see [`sender`](crate::sender).
pub struct Sender<P> {
    provider: Arc<P>,
    uri: Uri,
    clock: Arc<dyn Clock>,
    id: Option<String>,
    attempt: u32,
    properties: String,
    headers: HeaderMap,
    occurred_at: Option<SystemTime>,
    tamper: Option<Tamper>,
}

impl<P: Emit> Sender<P> {
    /// A sender with the first of the provider's keys.
    pub fn new(provider: P) -> Self {
        Self::shared(Arc::new(provider))
    }

    /// A sender for a provider that is shared, with the first of its keys.
    pub fn shared(provider: Arc<P>) -> Self {
        Self {
            provider,
            uri: Uri::from_static("/"),
            clock: Arc::new(SystemClock),
            id: None,
            attempt: 1,
            properties: "{}".into(),
            headers: HeaderMap::new(),
            occurred_at: None,
            tamper: None,
        }
    }

    /// The URL of the endpoint, without its token. By default `/`.
    #[must_use]
    pub fn to(self, uri: Uri) -> Self {
        Self { uri, ..self }
    }

    /// The clock for the timestamps of requests.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// The id of the delivery, in visible ASCII without blanks. By default a new one for each request: 32 hex digits.
    #[must_use]
    pub fn id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// The number of the attempt, from 1.
    #[must_use]
    pub fn attempt(self, attempt: u32) -> Self {
        Self { attempt, ..self }
    }

    /// The registration's properties: a JSON object, nested at most 127 deep.
    #[must_use]
    pub fn properties(self, json: impl Into<String>) -> Self {
        Self { properties: json.into(), ..self }
    }

    /// Headers that are added to every request, as the headers of a registration are.
    ///
    /// If the sender sets the same header, both are merged into one field, `a, b`. The original ASP.NET WebHooks does this
    /// (recorded): with a second `ms-signature`, no delivery is authentic. `Host` replaces the host of the target.
    /// `Content-Length` is left out, because the connection sets it.
    #[must_use]
    pub fn headers(self, headers: HeaderMap) -> Self {
        Self { headers, ..self }
    }

    /// The time of the first attempt. By default, each request is a first attempt.
    #[cfg(feature = "client")]
    pub(crate) fn occurred_at(self, time: SystemTime) -> Self {
        Self { occurred_at: Some(time), ..self }
    }

    /// Forges every request like this. If there are several variations, one of them is sent.
    /// [`conformance`](conformance()) tries all variations.
    #[must_use]
    pub fn tampered(self, tamper: Tamper) -> Self {
        Self { tamper: Some(tamper), ..self }
    }

    /// A request with one [`Event`](crate::Event), under its documented name. The type and the id are written for you: the event
    /// is the payload alone.
    ///
    /// # Errors
    ///
    /// If the event cannot be encoded, if a receiver would not find it in the request, if the id or the properties cannot be
    /// sent, or if a [`Tamper`] does not apply.
    ///
    /// # Examples
    ///
    /// An event without a documented name does not compile here. Use [`Sender::event_as`] for it.
    ///
    /// ```
    /// use tower_webhook::{Sender, providers::loops::{Loops, SessionTerminated}};
    ///
    /// # fn main() -> Result<(), tower_webhook::error::SendError> {
    /// let sender = Sender::new(Loops::dangerous_unauthenticated());
    /// sender.event_as("WHATEVER_YOU_SAW", &SessionTerminated::default())?;
    /// # Ok(()) }
    /// ```
    /// ```compile_fail,E0277
    /// use tower_webhook::{Sender, providers::loops::{Loops, SessionTerminated}};
    ///
    /// # fn main() -> Result<(), tower_webhook::error::SendError> {
    /// let sender = Sender::new(Loops::dangerous_unauthenticated());
    /// sender.event(&SessionTerminated::default())?;
    /// # Ok(()) }
    /// ```
    pub fn event<E>(&self, event: &E) -> Result<Request<Body>, SendError>
    where
        E: Payload<Provider = P> + Serialize,
        E::Provider: Names<E>,
    {
        self.batch(&[Draft::event(event)?])
    }

    /// A request with one event, with the given name.
    ///
    /// # Errors
    ///
    /// As [`Sender::event`].
    pub fn event_as<E: Payload<Provider = P> + Serialize>(
        &self,
        name: &str,
        event: &E,
    ) -> Result<Request<Body>, SendError> {
        self.batch(&[Draft::event_as(name, event)?])
    }

    /// A request with one event given as JSON. The type and the id are written for you: `json` is the payload alone. A body that
    /// the vendor sent has both in it, and belongs in [`Sender::body`]. Only if the type is in a header, as that of GitHub, does
    /// such a body belong here.
    ///
    /// # Errors
    ///
    /// As [`Sender::event`], and if `json` is not valid JSON.
    pub fn raw(&self, name: &str, json: &str) -> Result<Request<Body>, SendError> {
        self.batch(&[Draft::raw(name, json)?])
    }

    /// A request with several events.
    ///
    /// # Errors
    ///
    /// As [`Sender::event`], and if this sender carries one event per request.
    pub fn batch(&self, events: &[Draft]) -> Result<Request<Body>, SendError> {
        let outgoing = self.outgoing()?;
        events.iter().try_for_each(draft::well_named)?;
        let body = self.provider.encode(events, &outgoing)?;
        let forge = Forge::new(&*self.provider, self.uri.clone(), events, body, outgoing);
        draft::readable(&forge, events)?;
        self.request(&forge)
    }

    /// A request with any body. The body is signed as it is, by [`Emit::sign`]: if this sender signs in [`Emit::encode`], the
    /// request has no proof. It has no type either, if this sender writes that into a header.
    ///
    /// # Errors
    ///
    /// If the id or the properties cannot be sent, or if a [`Tamper`] does not apply.
    pub fn body(&self, body: impl Into<Bytes>) -> Result<Request<Body>, SendError> {
        let (uri, outgoing) = (self.uri.clone(), self.outgoing()?);
        self.request(&Forge::new(&*self.provider, uri, &[], body.into(), outgoing))
    }

    /// The id that was set, or a new one.
    fn delivery_id(&self) -> String {
        self.id.clone().unwrap_or_else(random_id)
    }

    fn outgoing(&self) -> Result<Outgoing, SendError> {
        let id = self.delivery_id();
        if !is_visible(&id) {
            return Err(SendError::Encode("the id is not visible ASCII".into()));
        }
        let properties = self.properties.clone();
        if draft::well_formed(&properties).is_err() || !properties.trim_start().starts_with('{') {
            return Err(SendError::Encode("the properties are not a JSON object".into()));
        }
        draft::shallow("properties are", &properties)?;
        let now = self.clock.now();
        let occurred_at = self.occurred_at.unwrap_or(now);
        Ok(Outgoing { id, attempt: self.attempt, properties, occurred_at, now })
    }

    fn request(&self, forge: &Forge<'_, P>) -> Result<Request<Body>, SendError> {
        let mut forged = match self.tamper {
            None => forge.genuine(),
            Some(tamper) => tamper.forge(forge).pop().ok_or(SendError::Tamper(tamper.name()))?,
        };
        headers::add(&mut forged.head.headers, &self.headers);
        Ok(Request::from_parts(forged.head, Body::from(forged.body)))
    }
}

impl<P> Clone for Sender<P> {
    fn clone(&self) -> Self {
        Self {
            provider: self.provider.clone(),
            uri: self.uri.clone(),
            clock: self.clock.clone(),
            id: self.id.clone(),
            attempt: self.attempt,
            properties: self.properties.clone(),
            headers: self.headers.clone(),
            occurred_at: self.occurred_at,
            tamper: self.tamper,
        }
    }
}

impl<P> fmt::Debug for Sender<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("provider", &std::any::type_name::<P>())
            .field("attempt", &self.attempt)
            .field("tamper", &self.tamper)
            .finish_non_exhaustive()
    }
}

/// A random id. It is unlikely to repeat, but not secret: it can be guessed.
pub(crate) fn random_id() -> String {
    let random = || RandomState::new().hash_one(0);
    format!("{:016x}{:016x}", random(), random())
}
