//! Rules of the matrix: authenticity, routing, answers.

use tokio::time::Instant;

use super::*;

pub(crate) fn conforms(case: &dyn Case) {
    case.report().assert_passed();
}

pub(crate) async fn its_event_reaches_the_typed_handler(case: &dyn Case) {
    let receiver = case.receiver(Setup::default());
    assert_eq!(receiver.answer(whole(case.request())).await, 200);
    assert_eq!(receiver.log.seen(), [case.event()]);
}

pub(crate) async fn forgeries_reach_no_handler(case: &dyn Case) {
    let receiver = case.receiver(Setup::default());
    assert_eq!(receiver.answer(whole(case.foreign())).await, case.refusal(), "with other keys");
    for &tamper in Tamper::ALL {
        let Some(forged) = case.tampered(tamper) else { continue };
        let status = receiver.answer(whole(forged)).await;
        // One of the forgeries has a header that is too long.
        let is_too_long = tamper == Tamper::Garbage && status == 431;
        assert!(status == case.refusal() || is_too_long, "{}: {status}", tamper.name());
    }
    assert!(receiver.log.seen().is_empty());
}

pub(crate) async fn other_types_go_to_the_fallback(case: &dyn Case) {
    let receiver = case.receiver(Setup::default());
    assert_eq!(receiver.answer(whole(case.of_other_type("another"))).await, 200);
    assert_eq!(receiver.log.seen(), ["another"]);
}

pub(crate) async fn a_payload_that_does_not_fit_fails(case: &dyn Case) {
    let receiver = case.receiver(Setup { no_fallback: true, ..Setup::default() });
    assert_eq!(receiver.answer(whole(case.unfit())).await, 500);
    assert!(receiver.log.seen().is_empty());
}

pub(crate) async fn without_retries_the_answer_is_in_time(case: &dyn Case) {
    let answer_timeout = Duration::from_secs(3);
    let receiver = case.without_retries(answer_timeout);
    let start = Instant::now();
    assert_eq!(receiver.answer(whole(case.of_other_type("another"))).await, 202);
    assert_eq!((start.elapsed(), receiver.log.seen()), (answer_timeout, Vec::new()));
    receiver.open();
    receiver.batches.drain().await;
    assert_eq!(receiver.log.seen(), ["another"]);
}

pub(crate) async fn a_handler_outlives_its_request(case: &dyn Case) {
    let receiver = case.receiver(Setup { closed: true, ..Setup::default() });
    let mut answer = Box::pin(receiver.answer(whole(case.request())));
    assert!(polled(&mut answer).is_pending());
    drop(answer);
    receiver.open();
    receiver.batches.drain().await;
    assert_eq!(receiver.log.seen(), [case.event()]);
}
