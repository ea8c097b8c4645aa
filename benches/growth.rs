//! Cost per event as there are more events, and as there are more types: read the items per second.

#[path = "common/mod.rs"]
mod common;

use bytes::Bytes;
use common::{events, ours, requests};
use divan::{Bencher, counter::ItemsCount};
use tower_webhook::{EventRouter, providers::standard_webhooks::StandardWebhooks};

fn main() {
    divan::main();
}

#[divan::bench(args = [1_000, 10_000, 100_000, 1_000_000], sample_count = 9)]
fn events(bencher: Bencher<'_, '_>, count: usize) {
    let router = ours::router().max_events(usize::MAX);
    dispatched(bencher, &router, events::list(count), count);
}

#[divan::bench(args = [5, 100, 1_000])]
fn types(bencher: Bencher<'_, '_>, types: usize) {
    let router = ours::router_of_types(types);
    dispatched(bencher, &router, events::list_of_types(10_000, types), 10_000);
}

#[divan::bench(args = [5, 1_000])]
fn types_one_event(bencher: Bencher<'_, '_>, types: usize) {
    dispatched(bencher, &ours::router_of_types(types), events::list_of_types(1, 1), 1);
}

fn dispatched(
    bencher: Bencher<'_, '_>,
    router: &EventRouter<StandardWebhooks>,
    body: String,
    count: usize,
) {
    let body = Bytes::from(body);
    bencher
        .counter(ItemsCount::new(count))
        .bench_local(|| ours::dispatch(router, &*requests::STANDARD_WEBHOOKS, &body));
}
