//! Makes drafts of events, and refuses those that no receiver would read.

use serde::{Serialize, de::IgnoredAny};

use crate::{
    Draft, Payload,
    decode::{self, Envelope, MAX_DEPTH, is_too_deep},
    error::SendError,
    event::Names,
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

    /// A typed event, under the name given.
    ///
    /// # Errors
    ///
    /// As [`Draft::event`].
    pub fn event_as<E: Payload + Serialize>(name: &str, event: &E) -> Result<Self, SendError> {
        let json =
            serde_json::to_string(event).map_err(|error| SendError::Encode(error.to_string()))?;
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
        .map_err(|error| SendError::Encode(error.to_string()))
}

/// Refuses what no receiver decodes. `what` has its verb.
pub(super) fn shallow(what: &str, json: &str) -> Result<(), SendError> {
    if is_too_deep(json) {
        return Err(SendError::Encode(format!("the {what} nested more than {MAX_DEPTH} deep")));
    }
    Ok(())
}

/// Refuses types that no handler can be registered for.
pub(super) fn well_named(event: &Draft) -> Result<(), SendError> {
    let why = match event.event_type.len() {
        0 => "the type of an event is empty: no handler can be registered for it".into(),
        1..=Envelope::MAX_TYPE => return Ok(()),
        length => {
            format!("the type of an event has {length} bytes, more than {}", Envelope::MAX_TYPE)
        }
    };
    Err(SendError::Encode(why))
}

/// Refuses a body in which a receiver would not find the very `events`.
pub(super) fn readable(body: &str, events: &[Draft], envelope: &Envelope) -> Result<(), SendError> {
    let found = decode::events(envelope, body.as_bytes())
        .map_err(|error| SendError::Encode(format!("a receiver would refuse it: {error}")))?;
    if found.len() != events.len() {
        let (found, meant) = (found.len(), events.len());
        let why = format!("a receiver would find {found} events in it, not {meant}");
        return Err(SendError::Encode(why));
    }
    let mut pairs = events.iter().zip(found);
    match pairs.find(|(event, found)| found.event_type.as_deref() != Some(&event.event_type)) {
        Some((event, _)) => {
            let why = format!("a receiver would not take it for an event {:?}", event.event_type);
            Err(SendError::Encode(why))
        }
        None => Ok(()),
    }
}
