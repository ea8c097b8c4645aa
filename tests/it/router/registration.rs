//! What is wrong at start-up panics there, at the caller's line; clones and aliases.

use std::{
    cell::RefCell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

use tower_webhook::{
    EventRouter, RawEvent, State,
    providers::loops::{Loops, SessionTerminated},
};

use super::{Ping, body, outcomes, pings};
use crate::support::Log;

thread_local! {
    static LAST_PANIC: RefCell<Option<(String, u32)>> = const { RefCell::new(None) };
}

/// The message of the panic of `run`, which must point to line `line` of this file.
#[track_caller]
fn panic_at(line: u32, run: impl FnOnce()) -> String {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let former = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let place = info.location().map(|place| (place.file().to_owned(), place.line()));
            LAST_PANIC.set(place);
            former(info);
        }));
    });
    let payload = panic::catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    let (file, at) = LAST_PANIC.take().unwrap();
    assert!(file.ends_with("registration.rs"), "{file}");
    assert_eq!(at, line);
    payload.downcast_ref::<String>().cloned().unwrap_or_else(|| {
        payload.downcast_ref::<&str>().map(ToString::to_string).unwrap_or_default()
    })
}

#[test]
fn two_handlers_for_one_type_panic_where_they_are_registered() {
    let router = || EventRouter::new().on(async |_: Ping| {});
    let line = line!() + 1;
    let again = panic_at(line, || drop(router().on(async |_: Ping| {})));
    assert_eq!(again, "`ping` already has a handler: register each type once");

    let line = line!() + 1;
    let alias = panic_at(line, || drop(router().on_type("ping", async |_: SessionTerminated| {})));
    assert_eq!(alias, "`ping` already has a handler: register each type once");
}

#[test]
fn a_name_that_no_event_can_have_panics_where_it_is_registered() {
    let router = EventRouter::<Loops>::new();
    let name = "n".repeat(tower_webhook::decode::Envelope::MAX_TYPE + 1);
    let line = line!() + 1;
    let long = panic_at(line, || drop(router.on_type(name, async |_: SessionTerminated| {})));
    let why = "::SessionTerminated` has 257 bytes: give one of at most 256";
    assert!(long.starts_with("the name given for `") && long.ends_with(why), "{long}");
}

#[test]
fn an_empty_name_panics_where_it_is_registered() {
    let router = EventRouter::<Loops>::new();
    let line = line!() + 1;
    let empty = panic_at(line, || drop(router.on_type("", async |_: SessionTerminated| {})));
    assert!(
        empty.starts_with("the name given for `")
            && empty.ends_with("::SessionTerminated` is empty: give it as it is on the wire"),
        "{empty}"
    );
}

#[test]
fn a_name_from_a_configuration_is_refused_without_a_panic() {
    let long = "n".repeat(257);
    for (name, why) in [
        ("", "is empty: give it as it is on the wire"),
        (&*long, "has 257 bytes: give one of at most 256"),
        ("ping", "`ping` already has a handler: register each type once"),
    ] {
        let router = EventRouter::new().on(async |_: Ping| {});
        let error = router.try_on_type(name, async |_: SessionTerminated| {}).unwrap_err();
        assert!(error.to_string().ends_with(why), "{error}");
    }
    let name = String::from("pong");
    let router = EventRouter::new().on(async |_: Ping| {});
    let router = router.try_on_type(&name, async |_: Ping| {}).unwrap();
    let text = body(&[("ping", r#"{"n":1}"#), ("pong", r#"{"n":2}"#)]);
    assert_eq!(outcomes(&router, text), ["handled"; 2]);
}

#[test]
fn a_second_fallback_panics_where_it_is_registered() {
    let router = EventRouter::<Loops>::new().fallback(async |_: RawEvent| {});
    let line = line!() + 1;
    let second = panic_at(line, || drop(router.fallback(async |_: RawEvent| {})));
    assert_eq!(second, "there is a fallback already");
}

#[test]
fn registering_on_a_clone_does_not_change_the_original() {
    let log = Log::default();
    let original = EventRouter::with_state(log.clone())
        .on(async |_: Ping, State(log): State<Log>| log.note("ping"));
    let more = original
        .clone()
        .on_type("pong", async |_: Ping, State(log): State<Log>| log.note("pong"))
        .fallback(async |_: RawEvent, State(log): State<Log>| log.note("fallback"))
        .max_events(3);
    let text = body(&[("ping", r#"{"n":1}"#), ("pong", r#"{"n":2}"#), ("other", "0")]);

    let ignored = "no handler is registered for its type";
    assert_eq!(outcomes(&original, &*text), ["handled", ignored, ignored]);
    assert_eq!(log.seen(), ["ping"]);
    assert_eq!(outcomes(&more, &*text), ["handled"; 3]);
    assert_eq!(log.seen(), ["ping", "ping", "pong", "fallback"]);
    assert_eq!(outcomes(&original, pings(4)).len(), 4);
}

#[test]
fn one_type_has_as_many_names_as_given() {
    let log = Log::default();
    let handler = async |e: Ping, State(log): State<Log>, raw: RawEvent| {
        log.note(format!("{} {}", raw.event_type().unwrap_or_default(), e.n));
    };
    let named = String::from("named at run time");
    let router = EventRouter::with_state(log.clone())
        .on(handler)
        .on_type("PING", handler)
        .on_type(&named, handler);
    let text = body(&[
        ("PING", r#"{"n":1}"#),
        (&named, r#"{"n":2}"#),
        ("ping", r#"{"n":3}"#),
        ("Ping", r#"{"n":4}"#),
    ]);
    let results = outcomes(&router, text);
    assert_eq!(results, ["handled", "handled", "handled", "no handler is registered for its type"]);
    assert_eq!(log.seen(), ["PING 1", "named at run time 2", "ping 3"]);
}
