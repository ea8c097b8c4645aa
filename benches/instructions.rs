//! What `.ci/instructions` counts: one of our paths, or the hash in it alone, so many times over.
//!
//! `instructions <path> <times>`; the paths are below. Without arguments each runs once.

#[path = "common/mod.rs"]
mod common;

use std::{convert::Infallible, hint::black_box, time::SystemTime};

use common::{by_hand, events, ours, ready, requests, requests::Frames};
use hmac::Mac;
use http::{Request, Response};
use tower::Service;

type Path = fn(usize);

const PATHS: [(&str, Path); 6] = [
    ("check", check),
    ("check-hash", |times| hash(times, &requests::signed(CHECKED))),
    ("standard-webhooks", |times| answer(times, ours::service(), &standard_webhooks())),
    ("standard-webhooks-hash", |times| hash(times, &standard_webhooks())),
    ("learn365", |times| answer(times, ours::learn365_service(), &learn365())),
    ("learn365-hash", |times| hash(times, &learn365())),
];

const CHECKED: &[u8] = &[b'x'; 1024];

fn standard_webhooks() -> Request<Frames> {
    requests::signed(events::list_within(1024))
}

fn learn365() -> Request<Frames> {
    let body = events::learn365(2);
    assert!((900..1400).contains(&body.len()), "about 1 KiB, not {}", body.len());
    requests::signed_by_learn365(body)
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|one| !one.starts_with("--")).collect();
    match arguments.as_slice() {
        [path, times] => {
            let path = PATHS.iter().find(|(name, _)| name == path).expect("a known path").1;
            path(times.parse().expect("a number"));
        }
        _ => PATHS.iter().for_each(|(_, path)| path(1)),
    }
}

fn check(times: usize) {
    let (head, _) = requests::signed(CHECKED).into_parts();
    let now = SystemTime::now();
    for _ in 0..times {
        drop(black_box(ours::check(&*requests::STANDARD_WEBHOOKS, &head, now, CHECKED)));
    }
}

fn answer<S, B>(times: usize, mut service: S, request: &Request<Frames>)
where
    S: Service<Request<Frames>, Response = Response<B>, Error = Infallible>,
{
    for _ in 0..times {
        let answer = ready(service.call(request.clone())).unwrap_or_else(|never| match never {});
        assert_eq!(answer.status(), 200);
    }
}

/// As many bytes as are signed in the request.
fn hash(times: usize, request: &Request<Frames>) {
    let header = |name| request.headers().get(name).map_or(&[][..], |value| value.as_bytes());
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let body: Vec<u8> = request.body().clone().bytes();
    for _ in 0..times {
        let mac = match id {
            [] => by_hand::mac(&[&body]),
            _ => by_hand::mac(&[id, b".", timestamp, b".", &body]),
        };
        black_box(mac.finalize());
    }
}
