//! `Registration`: one entry of the registration API, checked before it is sent.

#[cfg(feature = "client-tls")]
mod compare;
mod target;
mod wire;

use std::{collections::BTreeMap, fmt};

use http::{HeaderName, Uri, header};
use serde_json::value::RawValue;

#[cfg(feature = "client-tls")]
pub(crate) use self::{target::same_target, wire::is_id};
pub(crate) use self::{target::target, wire::Wire};
use super::{CHARACTERS, Filter, MIN_SECRET, SIGNATURE};
use crate::{
    decode::{MAX_DEPTH, is_too_deep},
    error::ConfigError,
    scheme::Secret,
    util::counted,
};

/// The events that Learn365 sends to one endpoint, and the headers and properties that it sends with each delivery. `Debug`
/// shows no URI, secret or value.
///
/// ```
/// use tower_webhook::providers::learn365::{Filter, Registration};
///
/// # fn main() -> Result<(), tower_webhook::error::ConfigError> {
/// let secret = "a secret of thirty-two characters or more";
/// let wanted = Registration::new("https://example.com/webhooks/learn365", secret, [Filter::CourseCompleted])?
///     .described_as("the training ledger")
///     .header("x-environment", "production")?
///     .send_along(r#"{"region": "north"}"#)?;
/// assert_eq!(wanted.filters(), [Filter::CourseCompleted]);
/// # Ok(()) }
/// ```
///
/// The sender tries the endpoint with an echo, which replaces the whole query of the URI. Deliveries keep the query. So if
/// tenants are distinguished by the URI, do it in the path. A URI with a query causes a warning at start-up (feature
/// `tracing`).
#[derive(Clone)]
pub struct Registration {
    id: Option<String>,
    uri: String,
    secret: Option<Secret>,
    description: String,
    is_paused: bool,
    filters: Vec<Filter>,
    headers: BTreeMap<String, String>,
    properties: Option<Box<RawValue>>,
}

impl Registration {
    /// Asks for the events that match any of `filters`, to be sent to `uri` and signed with `secret`.
    ///
    /// # Errors
    ///
    /// A URI that is not absolute, not `http` or `https`, or has a `.` or `..` in its path. An unusable [`Secret`], or one
    /// that does not have 32 to 64 characters: the sender enforces this, and counts in UTF-16. No filter: use
    /// [`Filter::All`] for all events.
    pub fn new(
        uri: impl Into<String>,
        secret: impl AsRef<str>,
        filters: impl IntoIterator<Item = Filter>,
    ) -> Result<Self, ConfigError> {
        let mut secret = Secret::new(secret)?;
        secret.warn("learn365 registration", None);
        let registration = Self {
            id: None,
            uri: uri.into(),
            secret: Some(secret),
            description: String::new(),
            is_paused: false,
            filters: filters.into_iter().collect(),
            headers: BTreeMap::new(),
            properties: None,
        };
        if registration.check()?.query().is_some() {
            crate::util::trace::warn(
                "the echo request will not have the query of the registered URI",
            );
        }
        Ok(registration)
    }

    /// A text for people who read the list of registrations.
    #[must_use]
    pub fn described_as(self, description: impl Into<String>) -> Self {
        Self { description: description.into(), ..self }
    }

    /// A header that is sent with every delivery. It replaces a header of the same name.
    ///
    /// # Errors
    ///
    /// If the name is not that of a header, or the value has other characters than visible ASCII and blanks. Headers that
    /// the sender sets itself are refused, too, because deliveries would fail: that of the signature, `Host`, and those
    /// that describe the body.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, ConfigError> {
        // The text is not shown, because it may be the value in the wrong place.
        let parsed: HeaderName =
            name.parse().map_err(|_| ConfigError::new("this is not the name of a header"))?;
        let own = [
            &SIGNATURE,
            &header::CONTENT_ENCODING,
            &header::CONTENT_LENGTH,
            &header::CONTENT_TYPE,
            &header::HOST,
            &header::TRANSFER_ENCODING,
        ];
        if own.contains(&&parsed) {
            return Err(ConfigError::new(format!(
                "header `{parsed}` is set by the sender itself: with another value, deliveries would fail"
            )));
        }
        if !value.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
            let why = format!("the value of header `{parsed}` is not made of visible ASCII");
            return Err(ConfigError::new(why));
        }
        self.headers.retain(|known, _| !known.eq_ignore_ascii_case(name));
        self.headers.insert(name.into(), value.into());
        Ok(self)
    }

    /// JSON that is sent with every delivery, as its [`properties`](crate::Delivery::properties).
    ///
    /// # Errors
    ///
    /// If `json` is not a JSON object, or is nested more than 127 deep: no receiver would accept such a delivery.
    pub fn send_along(self, json: &str) -> Result<Self, ConfigError> {
        let properties = object(json).ok_or_else(|| {
            ConfigError::new("the properties to be sent along are not a JSON object")
        })?;
        shallow(properties.get())?;
        Ok(Self { properties: Some(properties), ..self })
    }

    /// Pauses the registration: no event is sent until it is resumed.
    #[must_use]
    pub fn paused(self) -> Self {
        Self { is_paused: true, ..self }
    }

    /// Its id, if the sender has given it one.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The URI to which deliveries are sent.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The text for people who read the list of registrations.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// The filters: an event is sent if it matches one of them.
    pub fn filters(&self) -> &[Filter] {
        &self.filters
    }

    /// The headers that are sent with every delivery.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The properties that are sent with every delivery, as a JSON object.
    pub fn properties(&self) -> &str {
        self.properties.as_deref().map_or("{}", RawValue::get)
    }
}

impl Registration {
    pub(crate) fn with_id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// Checks everything that the sender enforces, that there is a filter, and that a receiver can decode the properties.
    /// Returns the URI.
    pub(crate) fn check(&self) -> Result<Uri, ConfigError> {
        let uri = target(&self.uri)?;
        if uri.path().split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(ConfigError::new("the URI has a `.` or `..` in its path"));
        }
        let secret =
            self.secret.as_ref().ok_or_else(|| ConfigError::new("the secret is missing"))?;
        check_secret(secret)?;
        shallow(self.properties())?;
        if self.filters.is_empty() {
            return Err(ConfigError::new("no filter is given: use `Filter::All` for all events"));
        }
        Ok(uri)
    }

    #[cfg(feature = "emulator")]
    pub(crate) fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    #[cfg(feature = "client-tls")]
    pub(super) fn with_pause(self, is_paused: bool) -> Self {
        Self { is_paused, ..self }
    }
}

#[cfg(feature = "emulator")]
impl Registration {
    /// The registration with [`Filter::All`] if it has no filter, because the original sender then sends all events.
    pub(crate) fn with_some_filter(mut self) -> Self {
        if self.filters.is_empty() {
            self.filters.push(Filter::All);
        }
        self
    }

    /// Whether an event of this type is sent to it.
    pub(crate) fn wants(&self, event_type: &str) -> bool {
        self.filters.iter().any(|filter| filter.matches(event_type))
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("id", &self.id)
            .field("is_paused", &self.is_paused)
            .field("filters", &self.filters)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Checks the length of the secret as the sender does.
fn check_secret(secret: &Secret) -> Result<(), ConfigError> {
    let count = secret.characters();
    if (MIN_SECRET..=MAX_SECRET).contains(&count) {
        return Ok(());
    }
    let count = counted(count, CHARACTERS);
    Err(ConfigError::new(format!(
        "the secret has {count}, and the sender takes {MIN_SECRET} to {MAX_SECRET}"
    )))
}

fn shallow(properties: &str) -> Result<(), ConfigError> {
    if is_too_deep(properties) {
        let why = format!("the properties are nested more than {MAX_DEPTH} deep");
        return Err(ConfigError::new(why));
    }
    Ok(())
}

fn object(json: &str) -> Option<Box<RawValue>> {
    let json = json.trim();
    RawValue::from_string(json.into()).ok().filter(|_| json.starts_with('{'))
}

const MAX_SECRET: usize = 64;
