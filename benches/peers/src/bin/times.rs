//! How long everyone takes: medians over interleaved rounds, 41 of them, or 15 where one takes seconds, by way of the first
//! one's of the same work. Rows of `work`, `name`, nanoseconds between tabs.
//!
//! `--once` does everything once and quickly, to see that it works; the figures mean nothing then.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Request;
use peers::{
    common::{
        by_hand,
        events::{self, AnyEvent, handled},
        ours, requests,
    },
    contenders::{self, Contender, GITHUB, OURS, STANDARD_WEBHOOKS},
    measure::{self, measured, places, repeated, row},
    rounds::{Effort, Entrant, median, run},
};
use serde::de::DeserializeOwned;
use tower_webhook::{
    EventRouter, Provider,
    providers::{standard_webhooks::StandardWebhooks, synthesis_vr::SynthesisVr},
};

fn main() {
    let once = std::env::args().any(|argument| argument == "--once");
    let effort = Effort::of(41, once);
    if once {
        row("meta", "once", 1.0);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let _inside = runtime.enter();
    for contest in [STANDARD_WEBHOOKS, GITHUB] {
        let body = (contest.body)(1024);
        (contest.contenders)().iter_mut().for_each(|one| contenders::judge(one, &body));
    }
    contenders::undecoded().iter_mut().for_each(|one| contenders::judge(one, "[1]"));
    checks(effort);
    for (contest, kibibytes) in
        [(STANDARD_WEBHOOKS, &[1, 4, 16, 64, 256, 1024][..]), (GITHUB, &[1, 64, 1024])]
    {
        measure::requests(effort, &contest, kibibytes);
    }
    last_frame(effort);
    decoding(effort);
    hostile(effort);
    growth(Effort { rounds: effort.rounds.min(15), ..effort });
}

/// The check alone, of a head and a body that are there.
fn checks(effort: Effort) {
    for size in [256, 1024] {
        let body = Bytes::from(vec![b'x'; size]);
        let (head, _) = requests::signed(body.clone()).into_parts();
        let (now, provider) = (SystemTime::now(), &*requests::STANDARD_WEBHOOKS);
        let ours = || ours::check(provider, &head, now, &body);
        let mut all = vec![
            Entrant::new(
                "bare primitives",
                || (),
                |()| by_hand::check(&head.headers, &body).is_some(),
            ),
            Entrant::new(OURS, || (), |()| ours()),
        ];
        for (name, mut check) in contenders::checks() {
            assert!(check(&head.headers, &body));
            let (head, body) = (&head, &body);
            all.push(Entrant::new(name, || (), move |()| check(&head.headers, body)));
        }
        measured(&format!("check {size}"), effort, all);
    }
}

/// From the last frame of a body until the inner service is called.
fn last_frame(effort: Effort) {
    let body = Bytes::from(vec![b'x'; 1024 * 1024]);
    let mut all = contenders::undecoded();
    let entrants = all.iter_mut().map(|contender| from_last_frame(contender, &body)).collect();
    measured("last frame 1048576", effort, entrants);
}

fn from_last_frame<'a>(contender: &'a mut Contender, body: &Bytes) -> Entrant<'a> {
    let mut places = places(body);
    Entrant::timing_itself(contender.name, move |repeats| {
        let (head, frames) = contender.request(&places()).into_parts();
        let taken = (0..repeats).map(|_| {
            let request = Request::from_parts(head.clone(), frames.clone().timed());
            assert!(contender.call(request).is_success());
            let (last, called) = (requests::last_frame_at(), contenders::inner_called_at());
            (called.expect("it was called") - last.expect("it was taken")).as_secs_f64()
        });
        // By the clock on the wall, unlike all else: one that was interrupted must not count for all.
        Duration::from_secs_f64(median(taken) * repeats as f64)
    })
}

/// 1,000 events, decoded and handled, without HTTP.
fn decoding(effort: Effort) {
    let (loops, learn365) = (&*requests::STANDARD_WEBHOOKS, &*requests::LEARN365);
    let synthesis_vr = SynthesisVr::dangerous_unauthenticated();
    let all = |all: Vec<AnyEvent>| all.into_iter().for_each(AnyEvent::handled);
    decoded("adjacent", effort, events::list(1000), (&ours::router(), loops), all);
    let all = |body: events::Learn365Body| body.notifications.into_iter().for_each(handled);
    let body = events::learn365(1000);
    decoded("learn365", effort, body, (&ours::learn365_router(), learn365), all);
    let all = |body: events::SynthesisVrBody| body.into_iter().for_each(handled);
    let body = events::synthesis_vr(1000);
    decoded("synthesis_vr", effort, body, (&ours::synthesis_vr_router(), &synthesis_vr), all);
}

fn decoded<P: Provider, T: DeserializeOwned>(
    what: &str,
    effort: Effort,
    body: String,
    (router, provider): (&EventRouter<P>, &P),
    handle_all: impl Fn(T),
) {
    let body = Bytes::from(body);
    let from_slice = || serde_json::from_slice(&body).expect("a good body");
    let from_str = || {
        let text = std::str::from_utf8(&body).expect("a good body");
        serde_json::from_str(text).expect("a good body")
    };
    let entrants = vec![
        Entrant::new(OURS, || (), |()| ours::dispatch(router, provider, &body)),
        Entrant::new("from_slice", || (), |()| handle_all(from_slice())),
        Entrant::new("from_str", || (), |()| handle_all(from_str())),
    ];
    measured(&format!("decode {what}"), effort, entrants);
}

/// What a stranger can make us do.
fn hostile(effort: Effort) {
    let body = Bytes::from(events::list_within(64 * 1024));
    let one = requests::signed(body.clone());
    let thousand = requests::with_signatures(&one, 1000);
    let sixteen = requests::with_signatures(&one, 16);
    let [mut calm, mut most, mut attacked] = std::array::from_fn(|_| contenders::unlimited());
    assert_eq!(attacked.call(thousand.clone()), 431);
    let entrants = vec![
        Entrant::new("1 signature", || one.clone(), |request| assert_eq!(calm.call(request), 200)),
        Entrant::new(
            "16 signatures",
            || sixteen.clone(),
            |request| {
                assert_eq!(most.call(request), 200);
            },
        ),
        Entrant::new("1000 signatures", || thousand.clone(), |request| attacked.call(request)),
    ];
    measured("signatures", effort, entrants);

    let body = Bytes::from(vec![b'x'; 1024 * 1024]);
    let mut all = contenders::refusing();
    let entrants = all.iter_mut().map(|contender| {
        let again = repeated(contender.request(&body));
        Entrant::new(contender.name, again, |request| {
            let expected = if contender.name == OURS { 401 } else { 200 };
            assert_eq!(contender.call(request), expected);
        })
    });
    let entrants = entrants.collect();
    measured("refusal", effort, entrants);
}

/// Cost per event and per byte, as there are more of them; per event, as there are more types.
fn growth(effort: Effort) {
    let counts = [1_000, 10_000, 100_000, 1_000_000];
    let bodies = counts.map(|count| Bytes::from(events::list(count)));
    let router = ours::router().max_events(usize::MAX);
    let ours = bodies.iter().map(|body| dispatched(&router, body)).collect();
    per_piece("growth events", effort, &counts, &counts, ours);
    let by_hand = |body| {
        let all: Vec<AnyEvent> = serde_json::from_slice(body).expect("a good body");
        all.into_iter().for_each(AnyEvent::handled);
    };
    let theirs = bodies.iter().map(|body| Entrant::new("", || (), move |()| by_hand(body)));
    per_piece("growth events from_slice", effort, &counts, &counts, theirs.collect());

    let types = [5, 1000];
    let routers = types.map(ours::router_of_types);
    let bodies = types.map(|types| Bytes::from(events::list_of_types(10_000, types)));
    let all = routers.iter().zip(&bodies).map(|(router, body)| dispatched(router, body)).collect();
    per_piece("growth types", effort, &types, &[10_000; 2], all);

    let sizes = [1, 4, 16].map(|mib| mib * 1024 * 1024);
    let requests = sizes.map(|size| requests::signed(events::list_within(size)));
    let mut services = sizes.map(|_| contenders::unlimited());
    let all = services.iter_mut().zip(requests).map(|(service, request)| {
        Entrant::new("", repeated(request), |request| assert_eq!(service.call(request), 200))
    });
    per_piece("growth bytes", effort, &sizes, &sizes, all.collect());
}

fn dispatched<'a>(router: &'a EventRouter<StandardWebhooks>, body: &'a Bytes) -> Entrant<'a> {
    let provider = &*requests::STANDARD_WEBHOOKS;
    Entrant::new("", || (), move |()| ours::dispatch(router, provider, body))
}

/// Rows named by how many there are of what grows, with the time of one piece.
fn per_piece(
    work: &str,
    effort: Effort,
    names: &[usize],
    pieces: &[usize],
    mut entrants: Vec<Entrant<'_>>,
) {
    run(effort, &mut entrants);
    for ((entrant, name), pieces) in entrants.iter().zip(names).zip(pieces) {
        row(work, &name.to_string(), entrant.median() / *pieces as f64);
    }
}
