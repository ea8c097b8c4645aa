//! The members of an object are those that `serde_json` finds: each with its own text, and none of those that are repeated.

#![cfg_attr(fuzzing, no_main)]

use serde_json::{Value, value::RawValue};
use tower_webhook::decode::Members;
use tower_webhook_fuzz::{fuzz_target, members};

fn property(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    check(text, 4);
}

/// Looks so many objects deep.
fn check(text: &str, depth: usize) {
    let meant = members(text).filter(|meant| meant.len() <= Members::MAX);
    let read = Members::of(text);
    let (Some(read), Some(meant)) = (&read, &meant) else {
        return assert_eq!(read.is_some(), meant.is_some());
    };
    assert_eq!(format!("{read:?}"), format!("Members {{ count: {}, .. }}", meant.len()));
    // A map keeps one of those that are repeated, and has no text that is not Unicode, and no number out of range.
    let map = serde_json::from_str::<Value>(text).ok();
    for name in meant.iter().filter_map(|(name, _)| name.as_deref()).take(8).chain(["", "id"]) {
        let named = meant.iter().filter(|(key, _)| key.as_deref() == Some(name));
        let named: Vec<_> = named.map(|(_, json)| *json).collect();
        assert_eq!(read.has(name), !named.is_empty());
        let [only] = named[..] else {
            assert!(read.raw(name).is_none() && read.text(name).is_none());
            assert_eq!(read.get::<Value>(name), None);
            continue;
        };
        one(read, name, only);
        if let Some(map) = &map {
            assert_eq!(read.get::<Value>(name).as_ref(), map.get(name));
        }
        if depth > 0 {
            check(only.get(), depth - 1);
        }
    }
}

/// All that can be asked about the member `name`.
fn one(read: &Members<'_>, name: &str, json: &RawValue) {
    let json = json.get();
    assert_eq!(read.raw(name).map(str::as_ptr), Some(json.as_ptr()));
    assert_eq!(read.raw(name), Some(json));
    assert_eq!(read.text(name).as_deref(), serde_json::from_str::<String>(json).ok().as_deref());
    assert_eq!(read.get::<Option<u64>>(name), serde_json::from_str(json).ok());
    assert_eq!(read.get::<()>(name).is_some(), json == "null");
}

fuzz_target!(property);
