//! Whatever the envelope, a body in which events are found is JSON, and so is each of them. Without an outer object,
//! events are found in all that is JSON.

#![cfg_attr(fuzzing, no_main)]

use tower_webhook::decode::{self, Envelope};
use tower_webhook_fuzz::{fuzz_target, too_deep, well_formed};

/// The first byte chooses the envelope.
fn property(data: &[u8]) {
    let Some((&choice, body)) = data.split_first() else { return };
    let json = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let events = match decode::events(&envelope(choice), body) {
        Ok(events) => events,
        Err(error) => {
            let excused = has_list(choice) || too_deep(&error) || scalar(json);
            return assert!(!well_formed(json) || excused, "{error}");
        }
    };
    assert!(well_formed(json));
    let mut last = body.len() - json.len();
    for event in events {
        assert!(last <= event.range.start);
        assert!(well_formed(&body[event.range.clone()]));
        assert!(event.kind.is_none_or(|kind| kind.len() <= Envelope::MAX_TYPE));
        last = event.range.end;
    }
}

fn envelope(choice: u8) -> Envelope {
    let envelope = match choice % 4 {
        0 => Envelope::adjacent("Type", "Data"),
        1 => Envelope::flat("Type"),
        2 => Envelope::flat_beside("Type", "Id"),
        _ => Envelope::shape(|members| members.text("Type")),
    };
    let envelope = if has_list(choice) { envelope.within("List") } else { envelope };
    if choice / 8 % 2 == 1 { envelope.or_camel_case() } else { envelope }
}

fn scalar(json: &[u8]) -> bool {
    !json.trim_ascii_start().starts_with(b"[") && !json.trim_ascii_start().starts_with(b"{")
}

fn has_list(choice: u8) -> bool {
    choice / 4 % 2 == 1
}

fuzz_target!(property);
