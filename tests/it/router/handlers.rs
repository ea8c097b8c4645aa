//! Every shape of a handler: what it is written as, what it takes, what it returns.

use std::{convert::Infallible, io};

use tower_webhook::{
    BoxError, Delivery, EventRouter, FromRef, RawEvent, State, providers::loops::Loops,
};

use super::{Ping, body, outcomes, pings};
use crate::support::Log;

const ELEMENT: &str = r#"{"type":"ping","data":{"n":0}}"#;

fn router() -> (EventRouter<Loops, Log>, Log) {
    let log = Log::default();
    (EventRouter::with_state(log.clone()), log)
}

async fn bare(e: Ping) -> Result<(), String> {
    Err(format!("bare saw {}", e.n))
}

async fn full(e: Ping, raw: RawEvent, State(log): State<Log>, delivery: Delivery) {
    log.note(format!("{} {} {:?}", e.n, delivery.provider(), raw.event_type()));
}

#[test]
fn functions_and_closures_are_handlers() {
    let router = EventRouter::new().on(bare);
    assert_eq!(outcomes(&router, pings(1)), ["its handler failed: bare saw 0"]);

    let (router, log) = self::router();
    assert_eq!(outcomes(&router.on(full), pings(1)), ["handled"]);
    assert_eq!(log.seen(), [r#"0 loops Some("ping")"#]);

    let (captured, name) = (Log::default(), String::from("captured"));
    let log = captured.clone();
    let router =
        EventRouter::new().on(async move |e: Ping| captured.note(format!("{name} {}", e.n)));
    assert_eq!(outcomes(&router, pings(2)), ["handled", "handled"]);
    assert_eq!(log.seen(), ["captured 0", "captured 1"]);

    let captured = log.clone();
    let router = EventRouter::new().on(move |e: Ping| {
        captured.note("called");
        let captured = captured.clone();
        async move { captured.note(format!("awaited {}", e.n)) }
    });
    assert_eq!(outcomes(&router, pings(1)), ["handled"]);
    assert_eq!(log.seen()[2..], ["called", "awaited 0"]);
}

type Register = fn(EventRouter<Loops, Log>) -> EventRouter<Loops, Log>;

#[test]
fn context_arguments_come_in_any_order() {
    fn check(State(log): L, delivery: Option<Delivery>, raw: Option<RawEvent>) {
        assert!(delivery.is_none_or(|delivery| delivery.provider() == "loops"));
        assert!(raw.is_none_or(|raw| raw.json() == ELEMENT));
        log.note("checked");
    }
    type D = Delivery;
    type L = State<Log>;
    type R = RawEvent;
    let orders: [Register; 11] = [
        |r| r.on(async |_: Ping, l: L| check(l, None, None)),
        |r| r.on(async |_: Ping, l: L, d: D| check(l, Some(d), None)),
        |r| r.on(async |_: Ping, l: L, raw: R| check(l, None, Some(raw))),
        |r| r.on(async |_: Ping, d: D, l: L| check(l, Some(d), None)),
        |r| r.on(async |_: Ping, raw: R, l: L| check(l, None, Some(raw))),
        |r| r.on(async |_: Ping, l: L, d: D, raw: R| check(l, Some(d), Some(raw))),
        |r| r.on(async |_: Ping, l: L, raw: R, d: D| check(l, Some(d), Some(raw))),
        |r| r.on(async |_: Ping, d: D, l: L, raw: R| check(l, Some(d), Some(raw))),
        |r| r.on(async |_: Ping, d: D, raw: R, l: L| check(l, Some(d), Some(raw))),
        |r| r.on(async |_: Ping, raw: R, l: L, d: D| check(l, Some(d), Some(raw))),
        |r| r.on(async |_: Ping, raw: R, d: D, l: L| check(l, Some(d), Some(raw))),
    ];
    for (index, register) in orders.into_iter().enumerate() {
        let (router, log) = router();
        assert_eq!(
            outcomes(&register(router), format!("[{ELEMENT}]")),
            ["handled"],
            "order {index}"
        );
        assert_eq!(log.seen(), ["checked"], "order {index}");
    }
}

#[test]
fn arguments_without_state_need_none() {
    let router = EventRouter::new()
        .on(async |e: Ping, raw: RawEvent, delivery: Delivery| -> Result<(), String> {
            Err(format!("{} {:?} {}", e.n, raw.event_type(), delivery.provider()))
        })
        .fallback(async |raw: RawEvent, delivery: Delivery| -> Result<(), String> {
            Err(format!("{:?} {}", raw.event_type(), delivery.provider()))
        });
    assert_eq!(
        outcomes(&router, body(&[("ping", r#"{"n":7}"#), ("other", "0")])),
        [
            r#"its handler failed: 7 Some("ping") loops"#,
            r#"its handler failed: Some("other") loops"#
        ],
    );
}

#[derive(Clone)]
struct App {
    log: Log,
    name: &'static str,
}

impl FromRef<App> for Log {
    fn from_ref(app: &App) -> Self {
        app.log.clone()
    }
}

struct Length(usize);

impl FromRef<App> for Length {
    fn from_ref(app: &App) -> Self {
        Self(app.name.len())
    }
}

#[test]
fn a_handler_takes_parts_of_the_state_or_all_of_it() {
    let app = App { log: Log::default(), name: "seven" };
    let router = EventRouter::with_state(app.clone()).on(
        async |_: Ping,
               State(log): State<Log>,
               State(Length(length)): State<Length>,
               State(app): State<App>| {
            log.note(format!("{} has {length}", app.name));
        },
    );
    assert_eq!(outcomes(&router, pings(1)), ["handled"]);
    assert_eq!(app.log.seen(), ["seven has 5"]);
}

#[test]
fn a_handler_returns_nothing_or_a_result_of_any_error() {
    type Register = fn(EventRouter<Loops>) -> EventRouter<Loops>;
    let table: [(Register, &str); 7] = [
        (|r| r.on(async |_: Ping| ()), "handled"),
        (|r| r.on(async |_: Ping| Ok::<(), Infallible>(())), "handled"),
        (|r| r.on(async |_: Ping| Ok::<(), BoxError>(())), "handled"),
        (
            |r| r.on(async |_: Ping| Err::<(), BoxError>("boxed".into())),
            "its handler failed: boxed",
        ),
        (
            |r| r.on(async |_: Ping| Err::<(), _>(io::Error::other("disk"))),
            "its handler failed: disk",
        ),
        (|r| r.on(async |_: Ping| Err::<(), _>("text")), "its handler failed: text"),
        (
            |r| r.on(async |_: Ping| Err::<(), _>(String::from("words"))),
            "its handler failed: words",
        ),
    ];
    for (register, outcome) in table {
        assert_eq!(outcomes(&register(EventRouter::new()), pings(1)), [outcome]);
    }
}

#[test]
fn the_raw_event_is_the_whole_element() {
    let element =
        "{ \"data\" : {\"n\":1, \"new\":[1.50]},\t\"type\":\"p\\u0069ng\" , \"more\": null }";
    let (router, log) = router();
    let router = router.on(async |_: Ping, State(log): State<Log>, raw: RawEvent| {
        assert_eq!((raw.event_type(), raw.error()), (Some("ping"), None));
        log.note(str::from_utf8(raw.json()).unwrap());
    });
    assert_eq!(
        outcomes(&router, format!("\r\n[ {element}\n, {ELEMENT} ]\n")),
        ["handled", "handled"]
    );
    assert_eq!(log.seen(), [element, ELEMENT]);
}
