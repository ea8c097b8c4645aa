//! A request to each sender of this crate. What its own half sends reaches a handler, once for each event. What is authentic
//! and wild means what it means to another reader, or is refused. What is altered, signed by another or not signed reaches no
//! handler.

#![cfg_attr(fuzzing, no_main)]

use http::{Method, request::Parts};
use serde_json::Value;
use tower_webhook_fuzz::{
    By, Expected, Frames, Input, LISTED, Listed, Trial, altered_body, altered_header,
    altered_target, can_sign, fuzz_target, has_token, head,
};

/// The name of the sender, some numbers, the type of an event, the head with a line for each header, an empty line, the content.
fn property(data: &[u8]) {
    let mut input = Input::new(data);
    let sender = named(input.piece());
    let (way, bit, cuts) = (input.byte() % 9, input.below(1 << 16), input.piece());
    let (announced, event_type) = (u64::from(input.byte()) * 4, input.piece());
    let rest = input.rest();
    let end = rest.windows(2).position(|two| two == b"\n\n").unwrap_or(rest.len());
    let (Some(head), content) = (head(&rest[..end]), rest.get(end + 2..).unwrap_or_default())
    else {
        return;
    };
    // A token is added to targets of this form.
    if !head.uri.path().starts_with('/') || head.uri.authority().is_some() {
        return;
    }
    let framed = Framed { sender, cuts, announced };
    match way {
        0 => unsigned(&framed, head, content, bit),
        _ => sent(&framed, (way, bit), head, (event_type, content)),
    }
}

/// The sender of that name. Otherwise, the first byte picks one.
fn named(name: &[u8]) -> &'static dyn Listed {
    let first = usize::from(name.first().copied().unwrap_or_default());
    let mut all = LISTED.iter().map(|sender| &**sender);
    let named = all.find(|sender| sender.name().join("::").as_bytes() == name);
    named.unwrap_or_else(|| &*LISTED[first % LISTED.len()])
}

/// A sender, and how the body of a request to it arrives.
struct Framed<'a> {
    sender: &'a dyn Listed,
    cuts: &'a [u8],
    announced: u64,
}

impl Framed<'_> {
    fn try_one(&self, head: &Parts, body: &[u8], expected: Expected<'_>) {
        let frames = Frames::cut(body, self.cuts, self.announced);
        Trial { sender: self.sender, head, body, frames }.check(expected);
    }
}

fn unsigned(framed: &Framed<'_>, mut head: Parts, body: &[u8], method: usize) {
    head.method = METHODS.get(method).cloned().unwrap_or(Method::POST);
    let may_be_genuine = !framed.sender.signs_body() && has_token(&head);
    let expected = if may_be_genuine { Expected::Anything } else { Expected::Refusal };
    framed.try_one(&head, body, expected);
}

/// What the sender's own half makes, and what can be made of that.
fn sent(
    framed: &Framed<'_>,
    (way, bit): (u8, usize),
    head: Parts,
    (event_type, content): (&[u8], &[u8]),
) {
    let sender = framed.sender;
    let by = if way == 3 { By::Stranger } else { By::Own };
    let event = if way == 2 { None } else { event(sender, event_type, content, by) };
    let Some(mut head) = plain(head) else { return };
    if event.is_some() {
        head.headers.clear();
    }
    let is_odd = !head.headers.is_empty();
    let (event_type, body, payload) =
        event.unwrap_or_else(|| (visible(event_type), content.to_vec(), None));
    let sent = sender.send(head, &event_type, body, by);
    let authentic = Expected::Authentic(&event_type, is_odd);
    match way {
        3 => framed.try_one(&sent.head, &sent.body, Expected::Refusal),
        4 => {
            let (body, expected) = altered_body(sender, &sent, bit, authentic);
            framed.try_one(&sent.head, &body, expected);
        }
        5.. => {
            let altered = match way {
                8 => altered_target(sender, &sent, bit),
                _ => altered_header(&sent, way, bit),
            };
            if let Some((head, expected)) = altered {
                framed.try_one(&head, &sent.body, expected);
            }
        }
        _ => {
            let expected = match payload {
                Some(payload) if !QUESTIONS.contains(&&*event_type) => {
                    Expected::Event(&event_type, payload)
                }
                _ if can_sign(sender, &sent.body) => authentic,
                _ => Expected::Refusal,
            };
            framed.try_one(&sent.head, &sent.body, expected);
        }
    }
}

/// The type, the body and the payload of an event that the sender can have.
fn event(
    sender: &dyn Listed,
    event_type: &[u8],
    content: &[u8],
    by: By,
) -> Option<(String, Vec<u8>, Option<Value>)> {
    let payload: Value = serde_json::from_slice(content).ok()?;
    let event_type = String::from_utf8(event_type.to_vec()).ok()?;
    let body = sender.encode(&event_type, &payload.to_string(), by)?;
    Some((event_type, body, Some(payload)))
}

/// A head without a query and without all that would make a difference to the proof.
fn plain(mut head: Parts) -> Option<Parts> {
    head.uri = head.uri.path().parse().ok()?;
    let headers = std::mem::take(&mut head.headers);
    let is_plain = |name: &str| {
        name.starts_with("ce-") || ["content-type", "content-encoding"].contains(&name)
    };
    head.headers.extend(
        headers
            .into_iter()
            .filter(|(name, _)| name.as_ref().is_some_and(|name| is_plain(name.as_str()))),
    );
    Some(head)
}

/// A type that every header can have.
fn visible(event_type: &[u8]) -> String {
    let visible = event_type.iter().map(|byte| char::from(byte % 94 + b'!'));
    format!("t{}", visible.collect::<String>())
}

/// The types of Discord, Slack and Zoom that are answered by rule.
const QUESTIONS: [&str; 3] = ["1", "url_verification", "endpoint.url_validation"];
const METHODS: [Method; 4] = [Method::GET, Method::PUT, Method::OPTIONS, Method::HEAD];

fuzz_target!(property);
