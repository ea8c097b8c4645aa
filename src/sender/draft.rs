//! Makes drafts of events, and refuses those that no receiver would read.

use std::{error::Error, fmt};

use serde::{Serialize, de::IgnoredAny};

use super::{Draft, Emit, forge::Forge};
use crate::{
    BoxError, Payload,
    decode::{self, DecodeError, Envelope, MAX_DEPTH, is_too_deep},
    error::SendError,
    event::Names,
    provider::envelope,
    util::counted,
};

impl Draft {
    /// A typed [`Event`](crate::Event), under its documented name.
    ///
    /// # Errors
    ///
    /// If it cannot be encoded, or is nested more than 127 deep.
    pub fn event<E>(event: &E) -> Result<Self, SendError>
    where
        E: Payload + Serialize,
        E::Provider: Names<E>,
    {
        Self::event_as(<E::Provider as Names<E>>::TYPE, event)
    }

    /// A typed event with this name.
    ///
    /// # Errors
    ///
    /// As [`Draft::event`].
    pub fn event_as<E: Payload + Serialize>(name: &str, event: &E) -> Result<Self, SendError> {
        let json = serde_json::to_string(event).map_err(|error| SendError::Encode(error.into()))?;
        shallow("payload is", &json)?;
        Ok(Self::new(name, json))
    }

    /// An event given as JSON.
    ///
    /// # Errors
    ///
    /// If `json` is not valid JSON, or is nested more than 127 deep.
    pub fn raw(name: &str, json: &str) -> Result<Self, SendError> {
        well_formed(json)?;
        shallow("payload is", json)?;
        Ok(Self::new(name, json.into()))
    }
}

pub(super) fn well_formed(json: &str) -> Result<(), SendError> {
    serde_json::from_str::<IgnoredAny>(json)
        .map(drop)
        .map_err(|error| SendError::Encode(error.into()))
}

/// Refuses JSON that no receiver decodes. `what` is its name in the error, with the verb.
pub(super) fn shallow(what: &str, json: &str) -> Result<(), SendError> {
    if is_too_deep(json) {
        let why = format!("the {what} nested more than {MAX_DEPTH} deep");
        return Err(SendError::Encode(why.into()));
    }
    Ok(())
}

/// Refuses types that no handler can be registered for.
pub(super) fn well_named(event: &Draft) -> Result<(), SendError> {
    let why: BoxError = match event.event_type.len() {
        0 => "the type of an event is empty: no handler can be registered for it".into(),
        1..=Envelope::MAX_TYPE => return Ok(()),
        length => {
            let most = Envelope::MAX_TYPE;
            format!("the type of an event has {length} bytes, more than {most}").into()
        }
    };
    Err(SendError::Encode(why))
}

/// Refuses a request in which a receiver would not find exactly these `events`.
pub(super) fn readable<P: Emit>(forge: &Forge<'_, P>, events: &[Draft]) -> Result<(), SendError> {
    let refused = |error| SendError::Encode(Unreadable(error).into());
    let genuine = forge.genuine();
    // Only its head may name the type.
    let named = forge.judge(&genuine).ok().and_then(|proof| proof.event_type);
    let envelope = envelope(forge.provider, named.as_deref());
    let body = forge.provider.unpack(genuine.body).map_err(refused)?.body;
    let found = decode::events(&envelope, &body).map_err(refused)?;
    if found.len() != events.len() {
        let (found, meant) = (found.len(), events.len());
        let found = counted(found, ["event", "events"]);
        let why = format!("a receiver would find {found} in it, not {meant}");
        return Err(SendError::Encode(why.into()));
    }
    let mut pairs = events.iter().zip(found);
    match pairs.find(|(event, found)| found.event_type.as_deref() != Some(&event.event_type)) {
        Some((event, _)) => {
            let why = format!("a receiver would not take it for an event {:?}", event.event_type);
            Err(SendError::Encode(why.into()))
        }
        None => Ok(()),
    }
}

/// A body that no receiver decodes.
#[derive(Debug)]
struct Unreadable(DecodeError);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a receiver would refuse it")
    }
}

impl Error for Unreadable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}
