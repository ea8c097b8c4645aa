//! The JSON of a registration as the API reads and writes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Filter, Registration, object};
#[cfg(feature = "emulator")]
use crate::decode::Object;
use crate::scheme::Secret;

/// A registration as the sender writes and reads it, in PascalCase or camelCase. Holds the secret in clear.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Wire {
    #[serde(default, alias = "id", skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, alias = "webHookUri")]
    web_hook_uri: Option<String>,
    #[serde(default, alias = "secret")]
    secret: Option<String>,
    #[serde(default, alias = "description")]
    description: Option<String>,
    #[serde(default, alias = "isPaused")]
    is_paused: Option<bool>,
    #[serde(default, alias = "filters")]
    filters: Option<Vec<String>>,
    #[serde(default, alias = "headers")]
    headers: Option<BTreeMap<String, Option<String>>>,
    #[serde(default, alias = "properties")]
    properties: Option<Box<RawValue>>,
}

impl From<&Registration> for Wire {
    fn from(registration: &Registration) -> Self {
        let (secret, headers) = (registration.secret.as_ref(), registration.headers());
        let secret = secret.and_then(|secret| std::str::from_utf8(secret.bytes()).ok());
        Self {
            id: registration.id.clone(),
            web_hook_uri: Some(registration.uri.clone()),
            secret: secret.map(Into::into),
            description: Some(registration.description.clone()),
            is_paused: Some(registration.is_paused),
            filters: Some(registration.filters.iter().map(ToString::to_string).collect()),
            headers: Some(headers.map(|(name, value)| (name.into(), Some(value.into()))).collect()),
            properties: object(registration.properties()),
        }
    }
}

/// Whether `id` can be in a path and in a message. The ids of the original are 32 hex digits.
pub(crate) fn is_id(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(plain)
}

const MAX_ID: usize = 128;

impl Wire {
    #[cfg(feature = "emulator")]
    pub(crate) fn read(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).map(|Object(wire)| wire).ok()
    }

    /// The registration, unchecked: a sender may have accepted one that [`Registration::new`] refuses. `None` if it has no
    /// URI.
    ///
    /// An id that is not valid is left out. So is a secret that the sender does not show, or of which it shows only stars.
    pub(crate) fn registration(self) -> Option<Registration> {
        let (filters, headers) =
            (self.filters.unwrap_or_default(), self.headers.unwrap_or_default());
        let secret = self.secret.filter(|secret| secret.bytes().any(|b| b != b'*'));
        Some(Registration {
            id: self.id.filter(|id| is_id(id)),
            uri: self.web_hook_uri?,
            secret: secret.and_then(Secret::received),
            description: self.description.unwrap_or_default(),
            is_paused: self.is_paused.unwrap_or_default(),
            filters: filters.iter().map(|name| Filter::named(name)).collect(),
            headers: headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
            properties: self.properties.and_then(|json| object(json.get())),
        })
    }
}
