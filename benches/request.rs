//! Whole requests: verified, decoded and routed, against axum handlers that verify nothing and a hyper handler by hand.

#[path = "common/mod.rs"]
mod common;

use std::convert::Infallible;

use axum::Router;
use bytes::Bytes;
use common::{by_hand, events, ours, ready, requests, requests::Frames};
use divan::Bencher;
use http::{Request, Response};
use tower::{Service, service_fn};

fn main() {
    divan::main();
}

const SIZES: [usize; 3] = [1024, 64 * 1024, 1024 * 1024];

#[divan::bench(args = SIZES)]
fn axum_tower_webhook(bencher: Bencher<'_, '_>, size: usize) {
    requests_to(bencher, Router::new().route_service("/hook", ours::service()), size);
}

#[divan::bench(args = SIZES)]
fn axum_json_unverified(bencher: Bencher<'_, '_>, size: usize) {
    requests_to(bencher, by_hand::json(), size);
}

#[divan::bench(args = SIZES)]
fn axum_bytes_unverified(bencher: Bencher<'_, '_>, size: usize) {
    requests_to(bencher, by_hand::bytes(), size);
}

#[divan::bench(args = SIZES)]
fn tower_webhook(bencher: Bencher<'_, '_>, size: usize) {
    requests_to(bencher, ours::service(), size);
}

#[divan::bench(args = SIZES)]
fn hyper_by_hand(bencher: Bencher<'_, '_>, size: usize) {
    let service = service_fn(|request| async { Ok(by_hand::hyper(request).await) });
    requests_to(bencher, service, size);
}

fn requests_to<S, B>(bencher: Bencher<'_, '_>, mut service: S, size: usize)
where
    S: Service<Request<Frames>, Response = Response<B>, Error = Infallible>,
{
    let body = Bytes::from(events::list_within(size));
    let (head, frames) = requests::signed(body).into_parts();
    bencher.with_inputs(|| Request::from_parts(head.clone(), frames.clone())).bench_local_values(
        |request| {
            let response = ready(service.call(request));
            assert_eq!(response.unwrap_or_else(|never| match never {}).status(), 200);
        },
    );
}
