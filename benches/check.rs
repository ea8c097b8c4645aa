//! The check alone, against the bare primitives.

#[path = "common/mod.rs"]
mod common;

use std::time::SystemTime;

use common::{by_hand, ours, requests};
use divan::Bencher;

fn main() {
    divan::main();
}

const SIZES: [usize; 2] = [256, 1024];

#[divan::bench(args = SIZES)]
fn tower_webhook(bencher: Bencher<'_, '_>, size: usize) {
    let body = vec![b'x'; size];
    let (head, _) = requests::signed(body.clone()).into_parts();
    let now = SystemTime::now();
    bencher.bench_local(|| ours::check(&*requests::STANDARD_WEBHOOKS, &head, now, &body));
}

#[divan::bench(args = SIZES)]
fn bare_primitives(bencher: Bencher<'_, '_>, size: usize) {
    let body = vec![b'x'; size];
    let (head, _) = requests::signed(body.clone()).into_parts();
    bencher.bench_local(|| by_hand::check(&head.headers, &body).expect("a good signature"));
}
