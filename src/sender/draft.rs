use serde::{Serialize, de::IgnoredAny};

use crate::{Draft, Payload, error::SendError, event::Names};

impl Draft {
    /// A typed [`Event`](crate::Event), under its documented name.
    ///
    /// # Errors
    ///
    /// If it cannot be encoded.
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
    /// If it cannot be encoded.
    pub fn event_as<E: Payload + Serialize>(name: &str, event: &E) -> Result<Self, SendError> {
        let json =
            serde_json::to_string(event).map_err(|error| SendError::Encode(error.to_string()))?;
        Ok(Self::new(name, json))
    }

    /// An event given as JSON.
    ///
    /// # Errors
    ///
    /// If `json` is none.
    pub fn raw(name: &str, json: &str) -> Result<Self, SendError> {
        well_formed(json)?;
        Ok(Self::new(name, json.into()))
    }
}

pub(super) fn well_formed(json: &str) -> Result<(), SendError> {
    serde_json::from_str::<IgnoredAny>(json)
        .map(drop)
        .map_err(|error| SendError::Encode(error.to_string()))
}
