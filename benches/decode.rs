//! 1,000 events decoded and handled, without HTTP, against `serde_json` and a `match`.

#[path = "common/mod.rs"]
mod common;

use bytes::Bytes;
use common::{
    events::{self, AnyEvent, handled},
    ours, requests,
};
use divan::Bencher;
use serde::de::DeserializeOwned;
use tower_webhook::providers::synthesis_vr::SynthesisVr;

fn main() {
    divan::main();
}

#[divan::bench]
fn adjacent_tower_webhook(bencher: Bencher<'_, '_>) {
    let (body, router) = (Bytes::from(events::list(1000)), ours::router());
    bencher.bench_local(|| ours::dispatch(&router, &*requests::STANDARD_WEBHOOKS, &body));
}

#[divan::bench]
fn adjacent_from_slice(bencher: Bencher<'_, '_>) {
    from_slice(bencher, &events::list(1000), all_handled);
}

#[divan::bench]
fn adjacent_from_str(bencher: Bencher<'_, '_>) {
    from_str(bencher, &events::list(1000), all_handled);
}

#[divan::bench]
fn learn365_tower_webhook(bencher: Bencher<'_, '_>) {
    let (body, router) = (Bytes::from(events::learn365(1000)), ours::learn365_router());
    bencher.bench_local(|| ours::dispatch(&router, &*requests::LEARN365, &body));
}

#[divan::bench]
fn learn365_from_slice(bencher: Bencher<'_, '_>) {
    from_slice(bencher, &events::learn365(1000), |body: events::Learn365Body| {
        body.notifications.into_iter().for_each(handled);
    });
}

#[divan::bench]
fn learn365_from_str(bencher: Bencher<'_, '_>) {
    from_str(bencher, &events::learn365(1000), |body: events::Learn365Body| {
        body.notifications.into_iter().for_each(handled);
    });
}

#[divan::bench]
fn synthesis_vr_tower_webhook(bencher: Bencher<'_, '_>) {
    let (body, router) = (Bytes::from(events::synthesis_vr(1000)), ours::synthesis_vr_router());
    let provider = SynthesisVr::dangerous_unauthenticated();
    bencher.bench_local(|| ours::dispatch(&router, &provider, &body));
}

#[divan::bench]
fn synthesis_vr_from_slice(bencher: Bencher<'_, '_>) {
    from_slice(bencher, &events::synthesis_vr(1000), |body: events::SynthesisVrBody| {
        body.into_iter().for_each(handled);
    });
}

#[divan::bench]
fn synthesis_vr_from_str(bencher: Bencher<'_, '_>) {
    from_str(bencher, &events::synthesis_vr(1000), |body: events::SynthesisVrBody| {
        body.into_iter().for_each(handled);
    });
}

fn all_handled(events: Vec<AnyEvent>) {
    events.into_iter().for_each(AnyEvent::handled);
}

fn from_slice<T: DeserializeOwned>(bencher: Bencher<'_, '_>, body: &str, handle: impl Fn(T)) {
    bencher.bench_local(|| handle(serde_json::from_slice(body.as_bytes()).expect("a good body")));
}

fn from_str<T: DeserializeOwned>(bencher: Bencher<'_, '_>, body: &str, handle: impl Fn(T)) {
    let body = body.as_bytes();
    bencher.bench_local(|| {
        let text = std::str::from_utf8(body).expect("a good body");
        handle(serde_json::from_str(text).expect("a good body"));
    });
}
