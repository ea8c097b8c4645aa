//! How often everyone allocates, and how much memory we take: rows of `work`, `name`, count between tabs.
//!
//! A program of its own, since counting slows what is counted.

use std::{hint::black_box, time::SystemTime};

use allocation_counter::{AllocationInfo, measure};
use bytes::Bytes;
use peers::{
    common::{
        by_hand,
        events::{self, AnyEvent},
        ours, requests,
    },
    contenders::{self, Contender, GITHUB, OURS, STANDARD_WEBHOOKS},
};

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let _inside = runtime.enter();
    check();
    whole_requests();
    memory();
}

fn row(work: &str, name: &str, value: f64) {
    println!("{work}\t{name}\t{value}");
}

fn check() {
    let body = Bytes::from(vec![b'x'; 1024]);
    let (head, _) = requests::signed(body.clone()).into_parts();
    let (now, provider) = (SystemTime::now(), &*requests::STANDARD_WEBHOOKS);
    let mut all: Vec<(_, contenders::CheckAlone)> = contenders::checks();
    all.push((
        "bare primitives",
        Box::new(|headers, body| by_hand::check(headers, body).is_some()),
    ));
    for (name, mut check) in all {
        let counted = measure(|| assert!(check(&head.headers, &body)));
        row("check 1024", name, counted.count_total as f64);
    }
    let counted = measure(|| drop(black_box(ours::check(provider, &head, now, &body))));
    row("check 1024", OURS, counted.count_total as f64);
}

fn whole_requests() {
    for contest in [STANDARD_WEBHOOKS, GITHUB] {
        let body = Bytes::from((contest.body)(1024));
        for mut contender in (contest.contenders)() {
            let (counted, _) = one(&mut contender, &body);
            let work = format!("{} 1024", contest.name);
            row(&work, contender.name, counted.count_total as f64);
        }
    }
}

/// What a request takes, and what is left of it. Not of the first: that may fill what is kept for good.
fn one(contender: &mut Contender, body: &Bytes) -> (AllocationInfo, i64) {
    let request = contender.request(body);
    let mut call = |request| assert!(contender.call(request).is_success());
    call(request.clone());
    let again = request.clone();
    let taken = measure(|| call(again));
    (taken, measure(|| call(request.clone())).bytes_current)
}

/// A body of 1 MiB in 64 frames: what is taken at once beyond the typed events, and what is left of it.
fn memory() {
    let body = Bytes::from(events::list_within(1024 * 1024));
    let mut typed = Vec::new();
    let events = measure(|| {
        typed = serde_json::from_slice::<Vec<AnyEvent>>(&body).expect("a good body");
        typed.shrink_to_fit();
    });
    drop(typed);
    let (counted, retained) = one(&mut contenders::unlimited(), &body);
    let beyond = counted.bytes_max as f64 - events.bytes_current as f64;
    row("memory", "peak over typed events, in bodies", beyond / body.len() as f64);
    row("memory", "retained bytes", retained as f64);
}
