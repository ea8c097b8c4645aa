//! Each sender: what it documents decodes, and what it leaves open stays open.

mod configuration;
mod configured;
mod learn365;
mod loops;
mod signature;
mod standard_webhooks;
mod synthesis_vr;
mod teachstack;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use tower_webhook::{
    Delivery, EventRouter, Payload, Provider, RawEvent, router::BatchOutcome, scheme::Authentic,
};

use crate::support::outcome;

/// Decodes `body` for `events`, whose handlers never wait.
#[track_caller]
fn run<P: Provider>(
    events: &EventRouter<P>,
    provider: &P,
    body: impl Into<Bytes>,
) -> (Delivery, BatchOutcome) {
    let delivery = Delivery::new(Authentic::dangerous_assert());
    let mut batch = events.dispatch(provider, delivery, body.into()).unwrap();
    let outcome = outcome(&mut batch);
    (batch.delivery().clone(), outcome)
}

/// The events of `body` called `name`, each with its bytes. All of it must be handled.
#[track_caller]
fn decoded<E: Payload>(
    provider: &E::Provider,
    name: &str,
    body: impl Into<Bytes>,
) -> Vec<(E, RawEvent)> {
    let all = Arc::new(Mutex::new(Vec::new()));
    let handled = all.clone();
    let events = EventRouter::new().on_type(name, async move |event: E, raw: RawEvent| {
        handled.lock().unwrap().push((event, raw));
    });
    let (_, outcome) = run(&events, provider, body);
    assert!(outcome.is_ok(), "{outcome:?}");
    std::mem::take(&mut *all.lock().unwrap())
}

/// The types of the events of `body` that no handler takes, and their bytes.
#[track_caller]
fn unknown<P: Provider>(
    events: EventRouter<P>,
    provider: &P,
    body: impl Into<Bytes>,
) -> Vec<(Option<String>, Bytes)> {
    let all = Arc::new(Mutex::new(Vec::new()));
    let taken = all.clone();
    let events = events.fallback(async move |e: RawEvent| {
        assert_eq!(e.error(), None);
        taken.lock().unwrap().push((e.event_type().map(str::to_owned), e.json().clone()));
    });
    assert!(run(&events, provider, body).1.is_ok());
    std::mem::take(&mut *all.lock().unwrap())
}

/// All members of `full` are typed fields of `E`; each may be null or absent, and others may join them.
#[track_caller]
fn every_field_is_optional<E: Payload + Serialize + Default + PartialEq + std::fmt::Debug>(
    provider: &E::Provider,
    full: &Value,
    body: impl Fn(&Value) -> String,
) {
    let read = |payload: &Value| {
        let [(event, raw)] = decoded::<E>(provider, "event", body(payload)).try_into().unwrap();
        (serde_json::to_value(event).unwrap(), raw)
    };
    assert_eq!(&read(full).0, full);
    assert_eq!(read(&json!({})).0, json!({}));
    for pointer in members(full) {
        let (mut null, mut absent, mut more) = (full.clone(), full.clone(), full.clone());
        let (object, name) = pointer.rsplit_once('/').unwrap();
        *null.pointer_mut(&pointer).unwrap() = Value::Null;
        absent.pointer_mut(object).unwrap().as_object_mut().unwrap().remove(name);
        more.pointer_mut(object).unwrap()["newField"] = json!({"of": ["any", "kind"]});
        assert_eq!(read(&null).0, absent, "{pointer}");
        assert_eq!(read(&absent).0, absent, "{pointer}");
        let (event, raw) = read(&more);
        assert_eq!(&event, full);
        assert!(
            std::str::from_utf8(raw.json())
                .unwrap()
                .contains(r#""newField":{"of":["any","kind"]}"#)
        );
    }
}

/// Pointers to all members of objects in `value`, however deep.
fn members(value: &Value) -> Vec<String> {
    let inner = |name: &str, value| {
        members(value).into_iter().map(|rest| format!("/{name}{rest}")).collect()
    };
    match value {
        Value::Object(all) => all
            .iter()
            .flat_map(|(name, value)| {
                let mut below: Vec<String> = inner(name, value);
                below.push(format!("/{name}"));
                below
            })
            .collect(),
        Value::Array(all) => all
            .iter()
            .enumerate()
            .flat_map(|(at, value)| -> Vec<_> { inner(&at.to_string(), value) })
            .collect(),
        _ => Vec::new(),
    }
}

/// `Debug` of an event shows nothing that names or reaches a person.
#[track_caller]
fn shows_nothing_of(event: &dyn std::fmt::Debug, personal: &[&str]) {
    for shown in [format!("{event:?}"), format!("{event:#?}")] {
        for text in personal {
            assert!(!shown.contains(text), "{shown}");
        }
        assert!(shown.contains("[redacted]"), "{shown}");
    }
}
