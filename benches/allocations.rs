//! How often, and how much: fails beyond the targets. These figures repeat exactly.

#[path = "common/mod.rs"]
mod common;

use std::time::SystemTime;

use allocation_counter::{AllocationInfo, measure};
use axum::Router;
use bytes::Bytes;
use common::{events, events::AnyEvent, ours, ready, requests, requests::Frames};
use http::Request;
use tower::Service;
use tower_webhook::{
    Delivery, EventRouter,
    providers::learn365::{CourseCompleted, Learn365},
    scheme::Authentic,
};

fn main() {
    let body = Bytes::from(vec![b'x'; 1024]);
    let (head, _) = requests::signed(body.clone()).into_parts();
    let now = SystemTime::now();
    let check = measure(|| drop(ours::check(&*requests::STANDARD_WEBHOOKS, &head, now, &body)));
    at_most("check of 1 KiB: allocations", check.count_total as f64, 0.0);

    let (small, _) = whole(&Bytes::from(events::list_within(1024)));
    at_most("request of 1 KiB through axum: allocations", small.count_total as f64, 36.0);
    at_most("the same: bytes kept for the next request", kept() as f64, 4096.0);

    let body = Bytes::from(events::list_within(1024 * 1024));
    let (large, retained) = whole(&body);
    let beyond = (large.bytes_max as f64 - typed(&body) as f64) / body.len() as f64;
    at_most("request of 1 MiB: peak over its typed events, in bodies", beyond, 2.0);
    at_most("request of 1 MiB: bytes retained", retained as f64, 0.0);

    let (peak, held) = worst();
    at_most("1 MiB of empty users in an event of Learn365: its peak, in bodies", peak, 127.0);
    at_most("the same once it is decoded", held, 85.0);
}

/// What whoever has the key can make of each byte: the shortest object that becomes the largest struct.
fn worst() -> (f64, f64) {
    let users = vec!["{}"; 1024 * 1024 / 3].join(",");
    let body = format!(r#"{{"Notifications":[{{"Action":"CourseCompleted","Users":[{users}]}}]}}"#);
    let body = Bytes::from(body);
    let length = body.len() as f64;
    let provider = Learn365::new(requests::KEY).expect("it is long enough");
    let router = EventRouter::new().on(async |_: CourseCompleted| {});
    let delivery = Delivery::new(Authentic::dangerous_assert());
    let mut batch = None;
    let taken = measure(|| batch = router.dispatch(&provider, delivery, body).ok());
    assert_eq!(batch.map(|batch| batch.len()), Some(1));
    (taken.bytes_max as f64 / length, taken.bytes_current as f64 / length)
}

/// What a request takes, and what is left of it. Not of the first: that may fill what is kept for good.
fn whole(body: &Bytes) -> (AllocationInfo, i64) {
    let (mut app, request) = (app(), requests::signed(body.clone()));
    answer(&mut app, request.clone());
    let again = request.clone();
    let taken = measure(|| answer(&mut app, again));
    (taken, left(&mut app, &request))
}

/// What the first small request leaves in a new service. Another one has filled what all services share.
fn kept() -> i64 {
    let request = requests::signed(Bytes::from(events::list_within(1024)));
    answer(&mut app(), request.clone());
    left(&mut app(), &request)
}

fn app() -> Router {
    Router::new().route_service("/hook", ours::service())
}

fn answer(app: &mut Router, request: Request<Frames>) {
    let answer = ready(Service::<Request<Frames>>::call(app, request));
    assert_eq!(answer.unwrap_or_else(|never| match never {}).status(), 200);
}

/// What is left of a request, in bytes.
fn left(app: &mut Router, request: &Request<Frames>) -> i64 {
    measure(|| answer(app, request.clone())).bytes_current
}

/// What the events take once they are decoded.
fn typed(body: &[u8]) -> i64 {
    let mut events = Vec::new();
    let counted = measure(|| {
        events = serde_json::from_slice::<Vec<AnyEvent>>(body).expect("a good body");
        events.shrink_to_fit();
    });
    counted.bytes_current
}

#[track_caller]
fn at_most(what: &str, figure: f64, most: f64) {
    println!("{what}: {figure:.3} (at most {most})");
    assert!(figure <= most, "{what}: {figure}, more than {most}");
}
