//! Measures whole requests, and prints rows of `work`, `name`, nanoseconds between tabs.

use bytes::Bytes;
use http::Request;

use crate::{
    common::requests::Frames,
    contenders::{
        BY_HAND, BY_HAND_STREAMING, Contender, Contest, OURS, OURS_ON_HYPER, STANDARD_WEBHOOKS,
    },
    rounds::{Effort, Entrant, run, timed},
};

pub fn row(work: &str, name: &str, value: f64) {
    println!("{work}\t{name}\t{value:.3}");
}

pub fn measured(work: &str, effort: Effort, mut entrants: Vec<Entrant<'_>>) {
    run(effort, &mut entrants);
    entrants.iter().for_each(|entrant| row(work, entrant.name, entrant.beside(&entrants[0])));
}

/// Whole requests, from the head to the answer, with everything between.
pub fn requests(effort: Effort, contest: &Contest, kibibytes: &[usize]) {
    contended(contest.name, effort, contest, kibibytes, |_| true);
}

/// This crate and what one would write by hand, with the allocator of this process: one of several sittings. The allocator is
/// chosen when a program is built, so each is a process of its own.
pub fn under(allocator: &str) {
    let once = std::env::args().any(|argument| argument == "--once");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let _inside = runtime.enter();
    let among = [OURS, OURS_ON_HYPER, BY_HAND, BY_HAND_STREAMING];
    let takes_part = |contender: &Contender| among.contains(&contender.name);
    contended(allocator, Effort::of(9, once), &STANDARD_WEBHOOKS, &[1, 64, 1024], takes_part);
}

/// The rows have this name, and the size of the body.
fn contended(
    name: &str,
    effort: Effort,
    contest: &Contest,
    kibibytes: &[usize],
    takes_part: impl Fn(&Contender) -> bool,
) {
    for size in kibibytes.iter().map(|kib| kib * 1024) {
        let body = Bytes::from((contest.body)(size));
        let mut all = (contest.contenders)();
        all.retain(&takes_part);
        let entrants = all.iter_mut().map(|contender| whole(contender, &body)).collect();
        measured(&format!("{name} {size}"), effort, entrants);
    }
}

fn whole<'a>(contender: &'a mut Contender, body: &Bytes) -> Entrant<'a> {
    let mut places = places(body);
    Entrant::timing_itself(contender.name, move |repeats| {
        let again = repeated(contender.request(&places()));
        timed((0..repeats).map(|_| again()).collect(), |request| {
            let status = contender.call(request);
            assert!(status.is_success(), "{} answers {status}", contender.name);
        })
    })
}

/// The body, each time in another place within a page: where a copy's source and destination lie 16 bytes apart within
/// their pages, it takes eight times as long, and nobody shall be lucky with that or not.
pub fn places(body: &Bytes) -> impl FnMut() -> Bytes + use<> {
    let body = body.clone();
    let mut place = 0;
    move || {
        place = (place + 80) % 4096;
        let mut all = vec![0; body.len() + 4096];
        all[place..place + body.len()].copy_from_slice(&body);
        Bytes::from(all).slice(place..place + body.len())
    }
}

/// The same request as often as it takes.
pub fn repeated(request: Request<Frames>) -> impl Fn() -> Request<Frames> {
    let (head, body) = request.into_parts();
    move || Request::from_parts(head.clone(), body.clone())
}
