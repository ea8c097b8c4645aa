//! Whatever the envelope: exactly the events that `serde_json` finds, by the same names and in the same places, or a
//! refusal where it refuses.

#![cfg_attr(fuzzing, no_main)]

use tower_webhook::decode;
use tower_webhook_fuzz::{Found, Kind, fuzz_target};

/// The first byte chooses the envelope.
fn property(data: &[u8]) {
    let Some((&choice, body)) = data.split_first() else { return };
    let kind = Kind::chosen(choice);
    let found = decode::events(&kind.envelope(), body);
    let all = |events: Vec<decode::Element<'_>>| -> Vec<Found> {
        events.into_iter().map(|event| (event.event_type.map(Into::into), event.range)).collect()
    };
    assert_eq!(found.map(all).ok(), kind.events(body));
}

fuzz_target!(property);
