//! The events of a request that is dropped, or answered early, are handled all the same.

use std::{fmt, sync::Arc, task::Poll, time::Duration};

use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tokio::{sync::Notify, time::Instant};
use tower::{Layer, ServiceExt};
use tower_webhook::{
    Body, Draft, EventRouter, Rejection, Sender, State, VerifyLayer,
    providers::{
        loops::{Loops, SessionStarted},
        synthesis_vr::{SessionCreated, SynthesisVr},
    },
    verify::Verify,
};

use crate::support::*;

/// Handlers note that they begin, wait until the gate opens, and note that they end.
#[derive(Clone, Default)]
struct Gate {
    log: Log,
    open: Arc<Notify>,
}

impl Gate {
    async fn pass(&self) {
        self.log.note("begin");
        self.open.notified().await;
        self.log.note("end");
    }
}

async fn gated<E>(_: E, State(gate): State<Gate>) {
    gate.pass().await;
}

fn gated_loops() -> (EventRouter<Loops, Gate>, Gate) {
    let gate = Gate::default();
    (EventRouter::with_state(gate.clone()).on(gated::<SessionStarted>), gate)
}

fn gated_synthesis_vr() -> (EventRouter<SynthesisVr, Gate>, Gate) {
    let gate = Gate::default();
    (EventRouter::with_state(gate.clone()).on(gated::<SessionCreated>), gate)
}

fn started() -> Request<Body> {
    Sender::new(loops()).event(&SessionStarted::default()).unwrap()
}

fn created() -> Request<Body> {
    Sender::new(synthesis_vr()).raw("create", r#"{"uuid":"u"}"#).unwrap()
}

/// Polls a request once, and drops it as a server does when the sender hangs up.
fn hang_up<S: Clone + Send + Sync + 'static>(router: &EventRouter<Loops, S>) {
    let hook = VerifyLayer::new(loops()).layer(router.clone());
    let mut request = Box::pin(hook.oneshot(started()));
    assert!(polled(&mut request).is_pending());
}

/// The answer to another request, which must not wait.
async fn answered(hook: &Verify<Loops, EventRouter<Loops, Gate>>) -> Answer {
    let answer = answer(hook.clone(), started());
    tokio::time::timeout(Duration::from_secs(60), answer).await.expect("an answer")
}

#[tokio::test]
async fn a_handler_outlives_the_request_and_drain_waits_for_it() {
    let (router, gate) = gated_loops();
    hang_up(&router);
    let mut drain = Box::pin(router.drain());
    tokio::task::yield_now().await;
    assert!(polled(&mut drain).is_pending());
    assert_eq!(gate.log.seen(), ["begin"]);
    gate.open.notify_one();
    drain.await;
    assert_eq!(gate.log.seen(), ["begin", "end"]);
}

#[tokio::test]
async fn routers_of_several_senders_are_drained_alike() {
    let (loops_router, gate) = gated_loops();
    let (other, other_gate) = gated_synthesis_vr();
    let all = [loops_router.batches(), other.batches()];
    hang_up(&loops_router);
    let hook = VerifyLayer::new(synthesis_vr()).layer(other);
    let mut request = Box::pin(hook.oneshot(created()));
    assert!(polled(&mut request).is_pending());
    drop(request);
    let mut drained = Box::pin(async {
        for batches in &all {
            batches.drain().await;
        }
    });
    tokio::task::yield_now().await;
    assert!(polled(&mut drained).is_pending());
    gate.open.notify_one();
    tokio::task::yield_now().await;
    assert!(polled(&mut drained).is_pending());
    other_gate.open.notify_one();
    drained.await;
    assert_eq!([gate.log.seen(), other_gate.log.seen()], [["begin", "end"]; 2]);
}

#[tokio::test]
async fn events_that_had_not_begun_are_handled_too() {
    let (router, gate) = gated_loops();
    let hook = VerifyLayer::new(loops()).layer(router.clone());
    let event = Draft::event(&SessionStarted::default()).unwrap();
    let request = Sender::new(loops()).batch(&[event.clone(), event]).unwrap();
    let mut request = Box::pin(hook.oneshot(request));
    assert!(polled(&mut request).is_pending());
    drop(request);
    let drain = router.drain();
    gate.open.notify_one();
    tokio::task::yield_now().await;
    gate.open.notify_one();
    drain.await;
    assert_eq!(gate.log.seen(), ["begin", "end", "begin", "end"]);
}

#[tokio::test]
async fn a_body_that_never_ended_leaves_nothing_to_hand_over() {
    let (router, gate) = gated_loops();
    let (head, body) = started().into_parts();
    let (feeder, slow) = fed();
    let whole = body.collect().await.unwrap().to_bytes();
    feeder.send(Ok(whole)).unwrap();
    let hook = VerifyLayer::new(loops()).layer(router.clone());
    let mut request = Box::pin(hook.oneshot(Request::from_parts(head, slow)));
    assert!(polled(&mut request).is_pending());
    drop(request);
    router.drain().await;
    assert!(gate.log.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_never_resends_is_answered_at_the_deadline() {
    let (router, gate) = gated_synthesis_vr();
    let hook = VerifyLayer::new(synthesis_vr()).layer(router.clone());
    let begin = Instant::now();
    let answer = answer(hook, created()).await;
    assert_eq!(answer.head.status, StatusCode::ACCEPTED);
    assert_eq!((answer.body.as_str(), answer.rejection()), ("", None));
    assert_eq!(begin.elapsed(), Duration::from_millis(1500));
    assert_eq!(gate.log.seen(), ["begin"]);

    gate.open.notify_one();
    router.drain().await;
    assert_eq!(gate.log.seen(), ["begin", "end"]);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_counts_from_the_head() {
    for (body_after, answered_after) in [(1000, 1500), (1499, 1500), (1700, 1700)] {
        let (router, gate) = gated_synthesis_vr();
        let hook = VerifyLayer::new(synthesis_vr()).layer(router.clone());
        let (head, body) = created().into_parts();
        let (feeder, slow) = fed();
        let begin = Instant::now();
        let answer = tokio::spawn(answer(hook, Request::from_parts(head, slow)));
        tokio::time::sleep(Duration::from_millis(body_after)).await;
        feeder.send(Ok(body.collect().await.unwrap().to_bytes())).unwrap();
        drop(feeder);
        assert_eq!(answer.await.unwrap().status(), 202);
        assert_eq!(
            begin.elapsed(),
            Duration::from_millis(answered_after),
            "body after {body_after} ms"
        );
        gate.open.notify_one();
        router.drain().await;
        assert_eq!(gate.log.seen(), ["begin", "end"]);
    }
}

#[tokio::test(start_paused = true)]
async fn within_the_deadline_the_answer_tells_the_outcome() {
    for (wait, fails, status) in [(0, false, 200), (1499, false, 200), (1499, true, 500)] {
        let router = EventRouter::new().on(async move |_: SessionCreated| {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            if fails { Err("no") } else { Ok(()) }
        });
        let hook = VerifyLayer::new(synthesis_vr()).layer(router);
        assert_eq!(answer(hook, created()).await.status(), status, "{wait} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_never_ends_fails_alone_and_gives_its_place_back() {
    let log = Log::default();
    let noted = log.clone();
    let router = EventRouter::new().max_batches(1).event_timeout(Duration::from_secs(60));
    let router = router.on(async move |e: SessionStarted| {
        if e.name.is_none() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_secs(59)).await;
        noted.note(e.name.unwrap());
    });
    let stuck = SessionStarted::default();
    let quick = |name: &str| {
        let mut event = SessionStarted::default();
        event.name = Some(name.into());
        event
    };
    let events = [quick("a"), stuck.clone(), quick("b"), stuck, quick("c")];
    let drafts = events.each_ref().map(|event| Draft::event(event).unwrap());
    let hook = VerifyLayer::new(loops()).layer(router.clone());
    let begun = Instant::now();
    let answer = answer(hook, Sender::new(loops()).batch(&drafts).unwrap()).await;
    assert_eq!((answer.status(), begun.elapsed().as_secs()), (500, 59 + 60 + 59 + 60 + 59));
    assert_eq!(answer.rejection(), Some(&Rejection::EventsFailed(2)));
    assert!(
        answer.traced[0]
            .ends_with("event_type=\"SESSION_STARTED\" index=1 reason=its handler took too long"),
        "{:?}",
        answer.traced
    );
    assert_eq!(log.seen(), ["a", "b", "c"]);
    router.drain().await;
}

#[tokio::test]
async fn to_let_others_have_their_turn_takes_no_event_s_time() {
    let router = EventRouter::new().event_timeout(Duration::ZERO);
    let hook = VerifyLayer::new(loops()).layer(router.on(async |_: SessionStarted| {}));
    let events = vec![Draft::event(&SessionStarted::default()).unwrap(); 300];
    let mut request = Box::pin(hook.oneshot(Sender::new(loops()).batch(&events).unwrap()));
    let (polls, answer) = polled_to_its_end(&mut request);
    assert_eq!((polls, answer.unwrap().status()), (5, StatusCode::OK));
}

#[tokio::test(start_paused = true)]
async fn any_other_sender_waits_for_the_handlers() {
    let (router, gate) = gated_loops();
    let hook = VerifyLayer::new(loops()).layer(router.event_timeout(Duration::MAX));
    let request = tokio::spawn(answer(hook, started()));
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(!request.is_finished());
    gate.open.notify_one();
    assert_eq!(request.await.unwrap().status(), 200);
    assert_eq!(gate.log.seen(), ["begin", "end"]);
}

#[tokio::test(start_paused = true)]
async fn what_outlives_its_request_keeps_its_place() {
    let (router, gate) = gated_loops();
    let router = router.max_batches(1);
    hang_up(&router);
    let hook = VerifyLayer::new(loops()).layer(router.clone());
    let busy = answered(&hook).await;
    assert_eq!((busy.status(), busy.header("retry-after")), (503, Some("5")));

    gate.open.notify_one();
    router.drain().await;
    gate.open.notify_one();
    assert_eq!(answered(&hook).await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn while_draining_nothing_new_begins() {
    let (router, gate) = gated_loops();
    hang_up(&router);
    let mut drain = Box::pin(router.drain());
    assert!(polled(&mut drain).is_pending());
    let hook = VerifyLayer::new(loops()).layer(router.clone());
    assert_eq!(answered(&hook).await.status(), 503);
    gate.open.notify_one();
    drain.await;
    gate.open.notify_one();
    assert_eq!(answered(&hook).await.status(), 200);
}

#[tokio::test]
async fn what_fails_after_the_request_is_told_to_the_operator() {
    let log = Log::default();
    for (panics, reason) in
        [(false, "its handler failed: disk full"), (true, "its handler or its decoding panicked")]
    {
        let router = EventRouter::with_state(log.clone()).on(async move |_: SessionStarted| {
            tokio::task::yield_now().await;
            if panics { panic!("on purpose") } else { Err("disk full") }
        });
        let traces = Traces::here();
        hang_up(&router);
        assert!(traces.seen().is_empty());
        router.drain().await;
        let line = format!(
            r#"ERROR message=webhook event not handled provider="loops" event_type="SESSION_STARTED" index=0 reason={reason}"#
        );
        assert_eq!(traces.seen(), [line]);
    }
}

#[test]
fn outside_of_a_runtime_the_loss_is_told_to_the_operator() {
    let (router, gate) = gated_loops();
    let traces = Traces::here();
    hang_up(&router);
    let line = r#"ERROR message=webhook events lost: their request was dropped, and there is no tokio runtime to handle them provider="loops" events=1"#;
    assert_eq!(traces.seen(), [line]);
    assert_eq!(gate.log.seen(), ["begin"]);
    assert!(polled(&mut Box::pin(router.drain())).is_ready());
}

#[test]
fn outside_of_a_runtime_no_answer_is_early() {
    let (router, gate) = gated_synthesis_vr();
    let hook = VerifyLayer::new(synthesis_vr()).layer(router);
    let mut request = Box::pin(hook.oneshot(created()));
    assert!(polled(&mut request).is_pending());
    gate.open.notify_one();
    let Poll::Ready(answer) = polled(&mut request) else { panic!("waits") };
    assert_eq!(answer.unwrap().status(), 200);
}

/// An error that cannot be told.
#[derive(Debug)]
struct Unspeakable;

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("on purpose")
    }
}

impl std::error::Error for Unspeakable {}

#[tokio::test]
async fn an_error_that_panics_when_told_is_a_failure_like_any_other() {
    let router = EventRouter::new().on(async |_: SessionStarted| Err::<(), _>(Unspeakable));
    let hook = VerifyLayer::new(loops()).layer(router);
    let answer = answer(hook, started()).await;
    assert_eq!((answer.status(), answer.rejection()), (500, Some(&Rejection::EventsFailed(1))));
}
