//! The body of one event.

use crate::{Draft, decode::Members, error::SendError, sender::quoted};

/// The payload in `data`, behind `type` and `timestamp`.
pub(super) fn wrapped(event: &Draft, time: &str) -> String {
    let (event_type, json) = (quoted(&event.event_type), &event.json);
    format!(r#"{{"type":{event_type},"timestamp":"{time}","data":{json}}}"#)
}

/// The members of the payload behind `type` and `timestamp`. A `timestamp` of the payload stays.
pub(super) fn squashed(event: &Draft, time: &str) -> Result<String, SendError> {
    let mut json = event.json.clone();
    if Members::of(&json).is_some_and(|all| !all.has("timestamp")) {
        json = Draft::new(time, json).flat("timestamp")?;
    }
    Draft::new(&*event.event_type, json).flat("type")
}
