//! A request to a receiver of a sender of one's own. Without its proof, nothing behind the proof is called, and the answer
//! says no. With it, the answer is that of the status table, in whatever pieces the body arrives.

#![cfg_attr(fuzzing, no_main)]

use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Request, Response, request::Parts};
use tower_webhook_fuzz::{
    Frames, HANDLED, Input, MAX_BODY_BYTES, OWN, Own, PROVEN, REACHED, announced, broken_off,
    flipped, fuzz_target, head,
};

/// Some numbers, the head with a line for each header, an empty line, the content.
fn property(data: &[u8]) {
    let mut input = Input::new(data);
    let own = input.pick(&OWN);
    let (way, bit, cuts) = (input.byte() % 6, input.below(1 << 16), input.piece());
    let announced = u64::from(input.byte()) * 4;
    let rest = input.rest();
    let end = rest.windows(2).position(|two| two == b"\n\n").unwrap_or(rest.len());
    let (Some(mut head), content) = (head(&rest[..end]), rest.get(end + 2..).unwrap_or_default())
    else {
        return;
    };
    // What is signed of a target is not what this is about.
    if !head.uri.path().starts_with('/') || head.uri.path() == "/" || head.uri.authority().is_some()
    {
        return;
    }
    let body = match way {
        0 => content.to_vec(),
        1 => own.send(&mut head, content, true),
        2 => {
            let body = own.send(&mut head, content, false);
            if body.is_empty() { body } else { flipped(&body, bit) }
        }
        _ => own.send(&mut head, content, false),
    };
    assert!(way != 1 || !own.is_genuine(&head, &body), "a stranger's request is genuine");
    let frames = Frames::cut(&body, cuts, announced);
    let is_whole = broken_off(&frames).is_none();
    let cut = check(own, &head, &body, frames);
    let whole = check(own, &head, &body, Frames::cut(&body, &[], 0));
    if is_whole {
        assert_eq!((cut.status(), cut.body()), (whole.status(), whole.body()));
    }
}

fn check(own: &Own, head: &Parts, body: &[u8], frames: Frames) -> Response<bytes::Bytes> {
    let is_read =
        broken_off(&frames).is_none() && announced(head, &frames) <= MAX_BODY_BYTES as u64;
    let is_genuine = own.is_genuine(head, body) && is_read;
    let reply = own.reply(body).filter(|_| is_genuine);
    let allowed = allowed(own, head, body, &frames);
    let before = [&PROVEN, &REACHED, &HANDLED].map(count);
    let request = Request::from_parts(head.clone(), frames);
    let answer = own.answer(request).expect("the body ends");
    let after = [&PROVEN, &REACHED, &HANDLED].map(count);
    let [proven, reached, handled] = [0, 1, 2].map(|at| after[at] - before[at]);
    let status = answer.status().as_u16();
    if let Some(reply) = reply {
        assert_eq!((status, answer.body()), (200, &reply.into()));
        assert_eq!([proven, reached, handled], [1, 0, 0]);
        return answer;
    }
    assert!(allowed.contains(&status), "{status} is not {allowed:?}");
    let is_decoded = is_genuine && status != 415;
    assert_eq!(proven, usize::from(is_genuine) + usize::from(is_decoded));
    assert_eq!(reached, usize::from(is_decoded));
    let due = own.events(body).filter(|_| is_decoded && status == 200);
    assert_eq!(handled, due.unwrap_or_default());
    answer
}

/// What the status table allows for a request that is not answered by the sender's own rule.
fn allowed(own: &Own, head: &Parts, body: &[u8], frames: &Frames) -> &'static [u16] {
    if announced(head, frames) > MAX_BODY_BYTES as u64 {
        &[413]
    } else if broken_off(frames).is_some() {
        &[400, 401, 413]
    } else if !own.is_genuine(head, body) {
        &[401]
    } else if head.headers.get_all("content-encoding").iter().any(|coding| coding != "gzip") {
        &[200, 400, 415]
    } else if own.events(body).is_some() {
        &[200, 415]
    } else {
        &[400, 415]
    }
}

fn count(counted: &AtomicUsize) -> usize {
    counted.load(Ordering::Relaxed)
}

fuzz_target!(property);
