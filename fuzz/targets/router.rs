//! Whatever is sent, polled, dropped, resumed and drained in whatever order: every event of a delivery that was taken is
//! attempted once, in order, with the outcome that it asks for, and in the end none is under way.

#![cfg_attr(fuzzing, no_main)]

use std::{pin::Pin, task::Poll};

use bytes::Bytes;
use tower_webhook::{Delivery, router::Batch, scheme::Authentic};
use tower_webhook_fuzz::{
    Endpoint, Input, Progress, ROUTERS, Script, Scripted, fuzz_target, poll_once, script,
};

fn property(data: &[u8]) {
    let mut input = Input::new(data);
    script::reset();
    if input.flag() { batch(&mut input) } else { requests(&mut input) }
}

/// One delivery without HTTP, cut off and resumed now and then.
fn batch(input: &mut Input<'_>) {
    let fallback = input.flag();
    let script = Script::new(input, 0, fallback);
    let (mut progress, body) = (Progress::default(), Bytes::from(script.body()));
    let mut ended = false;
    while !ended {
        let delivery = Delivery::new(Authentic::dangerous_assert());
        let batch = ROUTERS[usize::from(fallback)].dispatch(&PROVIDER, delivery, body.clone());
        let done: Vec<_> = (0..progress.settled).collect();
        progress = script.resumed(&progress);
        ended = goes_on(input, batch.expect("it is JSON").without(&done), &script, &mut progress);
    }
}

/// Polls until the end, which is `true`, or for a while.
fn goes_on(
    input: &mut Input<'_>,
    mut batch: Batch<()>,
    script: &Script,
    progress: &mut Progress,
) -> bool {
    loop {
        let mut log = Vec::new();
        let ended = script.poll(progress, &mut log);
        let outcome = poll_once(Pin::new(&mut batch));
        assert_eq!(script::log(), log);
        assert_eq!(outcome.is_ready(), ended);
        if let Poll::Ready(outcome) = outcome {
            assert!(script.is_borne_out(progress, &outcome.outcomes));
            return true;
        }
        assert!(script.is_borne_out(progress, batch.settled()));
        match input.byte() {
            0 => script::open(),
            1..100 => return false,
            _ => {}
        }
    }
}

/// Requests to one endpoint.
fn requests(input: &mut Input<'_>) {
    let mut endpoint = Endpoint::new(input);
    while !input.is_empty() && endpoint.sent() < 8 {
        match input.byte() % 7 {
            0 | 1 => endpoint.send(input),
            2 | 3 => endpoint.poll(input.byte().into()),
            4 => endpoint.hang_up(input.byte().into()),
            5 => script::open(),
            _ => endpoint.let_time_pass(),
        }
        endpoint.go_on();
    }
    endpoint.end();
}

static PROVIDER: Scripted = Scripted { hasty: false };

fuzz_target!(property);
