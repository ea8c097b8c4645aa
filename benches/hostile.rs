//! What a stranger can make us do: a thousand signatures over 64 KiB, and 1 MiB without a signature.

#[path = "common/mod.rs"]
mod common;

use axum::Router;
use common::{by_hand, events, ours, ready, requests, requests::Frames};
use divan::Bencher;
use http::Request;
use tower::Service;

fn main() {
    divan::main();
}

#[divan::bench(args = [1, 1000])]
fn signatures(bencher: Bencher<'_, '_>, count: usize) {
    let request = requests::signed(events::list_within(64 * 1024));
    let request = requests::with_signatures(&request, count);
    let status = if count == 1 { 200 } else { 431 };
    answered(bencher, Router::new().route_service("/hook", ours::service()), &request, status);
}

#[divan::bench]
fn unsigned_refused(bencher: Bencher<'_, '_>) {
    let request = requests::unsigned(vec![b'x'; 1024 * 1024]);
    answered(bencher, Router::new().route_service("/hook", ours::service()), &request, 401);
}

#[divan::bench]
fn unsigned_ignored_by_bare_axum(bencher: Bencher<'_, '_>) {
    let request = requests::unsigned(vec![b'x'; 1024 * 1024]);
    answered(bencher, by_hand::nothing(), &request, 200);
}

fn answered(bencher: Bencher<'_, '_>, mut app: Router, request: &Request<Frames>, status: u16) {
    bencher.with_inputs(|| request.clone()).bench_local_values(|request| {
        let answer = ready(Service::<Request<Frames>>::call(&mut app, request));
        assert_eq!(answer.unwrap_or_else(|never| match never {}).status(), status);
    });
}
