//! Learn365 on one's own machine: registration, echo, deliveries and retries without a tenant.
//!
//! An [`Emulator`] serves the registration API that [`RegistrationClient`](crate::providers::learn365::RegistrationClient) talks
//! to, tries an endpoint before it registers it, and delivers what it is told to emit with the original's schedule. What
//! it does was read in the published source of ASP.NET WebHooks and recorded from it; its texts are its own. Needs
//! feature `emulator`.
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
//! - Unknown filters, a secret of another length than 32 to 64 and an endpoint that does not pass the echo are refused
//!   with 400 and a `Message`; answers show secrets in clear; an update is answered without a body.
//! - Each registration gets a delivery of its own with the events that match its filters, unless it is paused.
//! - The body is indented JSON with CRLF; `Attempt`, and with it the signature, differ from attempt to attempt.
//! - Redirects are followed. After a 301, 302 or 303 that is a GET without body, whose 2xx counts as delivered
//!   ([`Outcome::Lost`](crate::sender::DeliveryStatus::Lost)).
//! - Headers of a registration are merged with the sender's own: a second `ms-signature` spoils the signature. Those that
//!   cannot stand in a request are left out.
//!
//! # Unlike the original
//!
//! - The names of headers are in lower case, and their order is another. It differs between runtimes there, too.
//! - `?noecho` is not heeded: whether Learn365 does is not known.
//! - A URI goes out as it was registered; the original escapes what is not ASCII, and sends a fragment along.
//! - An answer counts as given at the very time that [`Emulator::deliver_due`] was told.
//! - The answer to an echo must be UTF-8, declared as `utf-8` if at all; the original knows further charsets.
//! - Redirects are followed to an absolute URL or path only, after 301, 302, 303 and 307. No header of the registration
//!   goes to another scheme, host or port; of the original's, only `Authorization` stays behind. `https` endpoints are not
//!   delivered to.
//! - Properties of more than 64 KiB, and such as are nested more than 127 deep, are refused with 400: indented, they would
//!   be many times as long in every delivery.
//! - RegistrationClient and redirects to other machines are refused: see [`Emulator::dangerous_beyond_loopback`].

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

/// Stands for Learn365: see [`emulator`](crate::providers::learn365::emulator). Clones share registrations and deliveries.
///
/// A tower service that answers the API below `/webhooks`, whatever stands in front of it in the path.
#[derive(Clone)]
pub struct Emulator {
    credentials: Token,
    registrations: Arc<Mutex<Vec<Registration>>>,
    deliveries: Deliveries<Learn365>,
    camel_case: bool,
    beyond_loopback: bool,
}

impl Emulator {
    /// The most registrations.
    pub const MAX_REGISTRATIONS: usize = 1_000;

    /// Programs must show `credentials`: `Token::basic("api", key)`, as the vendor documents it.
    pub fn new(credentials: Token) -> Self {
        Self {
            credentials,
            registrations: Arc::default(),
            deliveries: Deliveries::reaching(Learn365::own_schedule(), false),
            camel_case: false,
            beyond_loopback: false,
        }
    }

    /// Names what it writes in camelCase, as a setting of the original's host does: the API's answers and the
    /// envelopes of deliveries.
    #[must_use]
    pub fn camel_case(self) -> Self {
        Self { camel_case: true, ..self }
    }

    /// Is served to other machines, and sends to them. To be said before anything is emitted.
    ///
    /// Whoever has the credentials can then have it send requests to anything that this machine reaches. For networks
    /// of containers.
    #[must_use]
    pub fn dangerous_beyond_loopback(self) -> Self {
        let deliveries = Deliveries::reaching(Learn365::own_schedule(), true);
        Self { beyond_loopback: true, deliveries, ..self }
    }

    /// Takes an [`Event`](crate::Event), to be delivered to every registration that it matches now. Returns how many these
    /// are.
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

    /// Takes several events: each registration gets those that it matches in one delivery. Returns how many
    /// deliveries these are.
    ///
    /// # Errors
    ///
    /// As [`Emulator::emit`]; nothing is taken then.
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

    /// Makes every attempt that is due at `now`, and returns how many there were: the first of what was emitted, and
    /// further ones 1 and 4 minutes after the failure of the one before.
    ///
    /// # Cancellation
    ///
    /// An attempt that is cut off is not counted: the next call makes it again, under the same number.
    pub async fn deliver_due(&self, now: SystemTime) -> usize {
        self.deliveries.deliver_due(now).await
    }

    /// When the next attempt after a failed one is due. What was never attempted is due at any time.
    pub fn next_retry(&self) -> Option<SystemTime> {
        self.deliveries.next_retry()
    }

    /// What became of each delivery so far, in the order in which they were emitted. Of those that are finished, the
    /// last [`MAX_FINISHED`](crate::sender::limits::MAX_FINISHED).
    pub fn reports(&self) -> Vec<DeliveryReport> {
        self.deliveries.reports()
    }

    /// Sends as it was registered. A registration that is stored has a URI and a secret.
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

/// Those that can stand in a request. The original leaves out others without a word, and empty ones.
fn headers(registration: &Registration) -> HeaderMap {
    let header = |(name, value): (&str, &str)| {
        let (name, value) = (name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?);
        (!value.is_empty()).then_some((name, value))
    };
    registration.headers().filter_map(header).collect()
}
