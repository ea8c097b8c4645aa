//! Learn365 on your own machine: registration, echo, deliveries and retries without a tenant.
//!
//! An [`Emulator`] serves the registration API that a
//! [`RegistrationClient`](crate::providers::learn365::RegistrationClient) uses, tries an endpoint before it registers it,
//! and delivers the events that are passed to it, with the retries of the original. Its behaviour was read in the
//! published source of ASP.NET WebHooks and recorded from it. Its error messages are its own. Needs feature `emulator`.
//!
//! ```
//! use std::time::{Duration, SystemTime};
//! use tower_webhook::{providers::learn365::emulator::Emulator, providers::learn365::CourseCompleted, scheme::Token};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower_webhook::BoxError> {
//! let emulator = Emulator::new(Token::basic("api", "the API key that programs show, invented")?);
//! // Mount it, or `tokio::spawn(emulator.clone().serve(listener))`, and let your program register with it. Then:
//! emulator.emit(&CourseCompleted::default())?;
//! let now = SystemTime::now();
//! emulator.deliver_due(now).await;                            // first attempts
//! emulator.deliver_due(now + Duration::from_secs(60)).await;  // second attempts, without waiting
//! for report in emulator.reports() {
//!     println!("{report}");
//! }
//! # Ok(()) }
//! ```
//!
//! # Like the original
//!
//! - Unknown filters, a secret that does not have 32 to 64 characters, and an endpoint that does not pass the echo are
//!   refused with 400 and a `Message`. Answers show secrets in clear. An update is answered without a body.
//! - Each registration gets a delivery of its own with the events that match its filters, unless it is paused.
//! - The body is indented JSON with CRLF. `Attempt` differs from attempt to attempt, and so does the signature.
//! - Redirects are followed. After a 301, 302 or 303, the next request is a GET without a body, and a 2xx to it counts as
//!   delivered ([`DeliveryStatus::Lost`](crate::sender::DeliveryStatus::Lost)).
//! - Headers of a registration are merged with the sender's own: with a second `ms-signature`, the signature is not valid.
//!   Headers that cannot be sent are left out.
//!
//! # Unlike the original
//!
//! - The names of headers are in lower case, and their order is different. In the original, it differs between runtimes.
//! - `?noecho` has no effect. It is not known whether it has an effect in Learn365.
//! - A URI is requested as it was registered. The original escapes characters that are not ASCII, and also sends a fragment.
//! - The time of an answer is the time that was passed to [`Emulator::deliver_due`].
//! - The answer to an echo must be UTF-8. If it declares a charset, this must be `utf-8`. The original accepts
//!   other charsets.
//! - Redirects are followed only to an absolute URL or path, and only after 301, 302, 303 and 307. If a redirect leads to
//!   another scheme, host or port, then no header of the registration is sent there. The original leaves out only
//!   `Authorization`. An `https` endpoint gets no deliveries.
//! - Properties of more than 64 KiB, or nested more than 127 deep, are refused with 400: they are indented in every
//!   delivery, and would be many times as long.
//! - Registrations of other machines, and redirects to them, are refused: see [`Emulator::dangerous_beyond_loopback`].

mod api;
mod echo;
mod serve;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use crate::{
    Draft, Payload,
    error::SendError,
    event::Names,
    providers::learn365::{Learn365, Registration, target},
    scheme::{Keys, Token},
    sender::{Deliveries, DeliveryReport, Sender},
};

/// Emulates Learn365: see [`emulator`](crate::providers::learn365::emulator). Clones share registrations and deliveries.
///
/// It is a tower service that serves the API below `/webhooks`. Any path can be in front of that.
#[derive(Clone)]
pub struct Emulator {
    credentials: Token,
    registrations: Arc<Mutex<Vec<Registration>>>,
    deliveries: Deliveries<Learn365>,
    camel_case: bool,
    beyond_loopback: bool,
}

impl Emulator {
    /// The maximum number of registrations: 1,000. A further one is answered 503.
    pub const MAX_REGISTRATIONS: usize = 1_000;

    /// An emulator whose API accepts these `credentials`: `Token::basic("api", key)`, as the vendor documents.
    pub fn new(credentials: Token) -> Self {
        Self {
            credentials,
            registrations: Arc::default(),
            deliveries: Deliveries::reaching(Learn365::own_schedule(), false),
            camel_case: false,
            beyond_loopback: false,
        }
    }

    /// Writes names in camelCase, as a setting of the original's host does: in the API's answers and in the envelopes of
    /// deliveries.
    #[must_use]
    pub fn camel_case(self) -> Self {
        Self { camel_case: true, ..self }
    }

    /// Can be served to other machines, and sends requests to them. For networks of containers. Call this before any event
    /// is emitted: deliveries from before are not made.
    ///
    /// A client with the credentials can then make it send requests to every address that this machine reaches.
    #[must_use]
    pub fn dangerous_beyond_loopback(self) -> Self {
        let deliveries = Deliveries::reaching(Learn365::own_schedule(), true);
        Self { beyond_loopback: true, deliveries, ..self }
    }

    /// Takes an [`Event`](crate::Event), and delivers it to every registration that it matches now. The first attempts are
    /// due at the next [`Emulator::deliver_due`]. Returns the number of these registrations.
    ///
    /// # Errors
    ///
    /// If it cannot be encoded.
    pub fn emit<E>(&self, event: &E) -> Result<usize, SendError>
    where
        E: Payload<Provider = Learn365> + Serialize,
        E::Provider: Names<E>,
    {
        self.emit_batch(&[Draft::event(event)?])
    }

    /// Takes several events. Each registration gets the events that match its filters in one delivery. Returns the number of
    /// deliveries.
    ///
    /// # Errors
    ///
    /// As [`Emulator::emit`]. No event is taken then.
    pub fn emit_batch(&self, events: &[Draft]) -> Result<usize, SendError> {
        let wanted = |registration: &Registration| {
            let wanted = events.iter().filter(|event| registration.wants(&event.event_type));
            let wanted: Vec<_> = wanted.cloned().collect();
            let id = registration.id().unwrap_or_default().to_owned();
            (!wanted.is_empty()).then_some((id, self.sender(registration)?, wanted.into()))
        };
        let deliveries: Vec<_> = {
            let registrations = self.registrations();
            registrations.iter().filter(|one| !one.is_paused()).filter_map(wanted).collect()
        };
        let made = deliveries.len();
        self.deliveries.push_all(deliveries)?;
        Ok(made)
    }

    /// Makes every attempt that is due at `now`, and returns their number. The first attempt of a delivery is due at once,
    /// the second 1 minute after the first failed, and the third 4 minutes after the second failed.
    ///
    /// # Cancellation
    ///
    /// An attempt that is cancelled is not counted: the next call makes it again, with the same number.
    pub async fn deliver_due(&self, now: SystemTime) -> usize {
        self.deliveries.deliver_due(now).await
    }

    /// The time of the earliest attempt that follows a failed one. A delivery that has not been attempted is due at any
    /// time.
    pub fn next_retry(&self) -> Option<SystemTime> {
        self.deliveries.next_retry()
    }

    /// A report of each delivery, in the order in which they were emitted. If there are more than
    /// [`MAX_FINISHED`](crate::sender::limits::MAX_FINISHED) finished deliveries, the oldest are forgotten.
    pub fn reports(&self) -> Vec<DeliveryReport> {
        self.deliveries.reports()
    }

    /// A sender for a registration. `None` if it has no URI or secret, but a stored registration has both.
    fn sender(&self, registration: &Registration) -> Option<Sender<Learn365>> {
        let learn365 = Learn365::new(Keys::from(registration.secret()?.clone())).ok()?;
        let learn365 = if self.camel_case { learn365.camel_case() } else { learn365 };
        let sender = Sender::new(learn365).to(target(registration.uri()).ok()?);
        Some(sender.properties(registration.properties()).headers(headers(registration)))
    }

    fn registrations(&self) -> MutexGuard<'_, Vec<Registration>> {
        self.registrations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("registrations", &self.registrations().len())
            .field("camel_case", &self.camel_case)
            .field("beyond_loopback", &self.beyond_loopback)
            .finish_non_exhaustive()
    }
}

/// The headers of a registration that can be sent. Like the original, this silently leaves out others, and empty headers.
fn headers(registration: &Registration) -> HeaderMap {
    let header = |(name, value): (&str, &str)| {
        let (name, value) = (name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?);
        (!value.is_empty()).then_some((name, value))
    };
    registration.headers().filter_map(header).collect()
}
