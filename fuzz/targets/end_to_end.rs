//! A request to each sender's endpoint. Without the credential no handler runs, and the answer says no; with it, the
//! answer is that of the status table, and handlers run for each event if it is 200, and never else.

#![cfg_attr(fuzzing, no_main)]

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::{Method, Request, Response, request::Parts};
use tower_webhook_fuzz::{
    Frames, HANDLED, Input, RECEIVERS, Receive, allowed, echo, fuzz_target, head,
};

/// Some numbers, the head with a line for each header, an empty line, the body.
fn property(data: &[u8]) {
    let mut input = Input::new(data);
    let receiver = &*RECEIVERS[usize::from(input.byte()) % RECEIVERS.len()];
    let method = METHODS.get(usize::from(input.byte())).cloned();
    let (signed, cuts, announced) = (input.flag(), input.piece(), u64::from(input.byte()) * 4);
    let rest = input.rest();
    let end = rest.windows(2).position(|two| two == b"\n\n").unwrap_or(rest.len());
    let (Some(mut head), body) = (head(&rest[..end]), rest.get(end + 2..).unwrap_or_default())
    else {
        return;
    };
    // A token is added to targets of this form.
    if !head.uri.path().starts_with('/') || head.uri.authority().is_some() {
        return;
    }
    head.method = method.unwrap_or(Method::POST);
    if signed {
        receiver.sign(&mut head, body);
    }
    check(receiver, head, body, Frames::cut(body, cuts, announced), signed);
}

fn check(receiver: &dyn Receive, head: Parts, body: &[u8], frames: Frames, signed: bool) {
    let allowed = allowed(receiver, &head, body, &frames, signed);
    let is_echo = receiver.name() == "learn365" && echo(&head).is_some();
    let (before, method) = (HANDLED.load(Ordering::Relaxed), head.method.clone());
    let answer = receiver.answer(Request::from_parts(head, frames)).expect("the body ends");
    assert!(allowed.contains(&answer.status().as_u16()), "{} is not {allowed:?}", answer.status());
    let handled = HANDLED.load(Ordering::Relaxed) - before;
    let due = receiver.events(body).filter(|_| answer.status() == 200 && !is_echo);
    assert_eq!(handled, due.unwrap_or_default());
    if answer.status() != 200 {
        says_no_more_than_its_status(&answer, &method);
    }
}

fn says_no_more_than_its_status(answer: &Response<Bytes>, method: &Method) {
    let (status, title) = (answer.status().as_u16(), answer.status().canonical_reason());
    let title = title.expect("it is in the table");
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let problem = format!(r#"{{"title":"{title}","status":{status}}}"#);
    assert_eq!(answer.body(), if method == Method::HEAD { "" } else { &problem });
}

const METHODS: [Method; 4] = [Method::GET, Method::PUT, Method::OPTIONS, Method::HEAD];

fuzz_target!(property);
