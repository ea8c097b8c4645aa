use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Filter, Registration, object};
use crate::scheme::Secret;

/// A registration as the sender writes and reads it, in PascalCase or camelCase. Holds the secret in clear.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Wire {
    #[serde(default, alias = "id", skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(alias = "webHookUri")]
    web_hook_uri: String,
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
            web_hook_uri: registration.uri.clone(),
            secret: secret.map(Into::into),
            description: Some(registration.description.clone()),
            is_paused: Some(registration.is_paused),
            filters: Some(registration.filters.iter().map(ToString::to_string).collect()),
            headers: Some(headers.map(|(name, value)| (name.into(), Some(value.into()))).collect()),
            properties: object(registration.properties()),
        }
    }
}

/// Whether `id` can stand in a path, and in a message. The original's are 32 hex digits.
pub(crate) fn is_id(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(plain)
}

const MAX_ID: usize = 128;

/// Without judging: a sender may have taken what [`Registration::new`] would not. An id that is none is left out.
impl From<Wire> for Registration {
    fn from(wire: Wire) -> Self {
        let (filters, headers) =
            (wire.filters.unwrap_or_default(), wire.headers.unwrap_or_default());
        Self {
            id: wire.id.filter(|id| is_id(id)),
            uri: wire.web_hook_uri,
            secret: wire.secret.and_then(|secret| Secret::new(secret).ok()),
            description: wire.description.unwrap_or_default(),
            is_paused: wire.is_paused.unwrap_or_default(),
            filters: filters.iter().map(|name| Filter::named(name)).collect(),
            headers: headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
            properties: wire.properties.and_then(|json| object(json.get())),
        }
    }
}
