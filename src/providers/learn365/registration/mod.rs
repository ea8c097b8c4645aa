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
    scheme::{Secret, counted},
};

/// Where Learn365 is to send which events, and what it is to send along. `Debug` shows no URI, secret or value.
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
/// The echo, by which the sender tries the endpoint, replaces the whole query of the URI; deliveries keep it. So what
/// tells tenants apart belongs into the path. A URI with a query is a warning at start-up (feature `tracing`).
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
    /// Wants events that match any of `filters` at `uri`, signed under `secret`.
    ///
    /// # Errors
    ///
    /// A URI that is not an absolute `http` or `https` one, or has a `.` or `..` in its path; an unusable [`Secret`], or
    /// one that has not 32 to 64 characters, which the sender enforces, and counts in UTF-16; no filter at all: what that
    /// means is better said.
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
            crate::util::trace::warn("the echo will come without the query of the registered URI");
        }
        Ok(registration)
    }

    /// A text for those who look at the list of registrations.
    #[must_use]
    pub fn described_as(self, description: impl Into<String>) -> Self {
        Self { description: description.into(), ..self }
    }

    /// A header that goes with every delivery, instead of one of that name if there is one.
    ///
    /// # Errors
    ///
    /// If it is no header in visible ASCII, or is one that would have every delivery refused or misled: the signature's
    /// own, `Host`, or one that says otherwise of the body than the sender does.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, ConfigError> {
        // Not repeated: it may be the value, in the wrong place.
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
                "header `{parsed}` is the sender's own: with another one, deliveries would go astray"
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

    /// What goes with every delivery as its [`properties`](crate::Delivery::properties).
    ///
    /// # Errors
    ///
    /// If `json` is not a JSON object, or is nested more than 127 deep: no receiver would take such a delivery.
    pub fn send_along(self, json: &str) -> Result<Self, ConfigError> {
        let properties = object(json)
            .ok_or_else(|| ConfigError::new("what is to be sent along is not a JSON object"))?;
        shallow(properties.get())?;
        Ok(Self { properties: Some(properties), ..self })
    }

    /// Nothing is sent until it is resumed.
    #[must_use]
    pub fn paused(self) -> Self {
        Self { is_paused: true, ..self }
    }

    /// Its id, if the sender has given it one.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Where deliveries go.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The text for those who look at the list.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// Which events it wants.
    pub fn filters(&self) -> &[Filter] {
        &self.filters
    }

    /// The headers that go with every delivery.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// What goes with every delivery, as JSON.
    pub fn properties(&self) -> &str {
        self.properties.as_deref().map_or("{}", RawValue::get)
    }
}

impl Registration {
    pub(crate) fn with_id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// What the sender enforces, that there is a filter, and that a receiver can decode the properties. Returns the URI.
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
            return Err(ConfigError::new("no filter is given: `Filter::All` is everything"));
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
    /// Without a filter, the original sender takes everything.
    pub(crate) fn with_some_filter(mut self) -> Self {
        if self.filters.is_empty() {
            self.filters.push(Filter::All);
        }
        self
    }

    /// Whether an event of this type is for it.
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

/// What the sender enforces.
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
