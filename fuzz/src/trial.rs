//! What must become of a request to a listed sender.

use http::{Method, Request, request::Parts};
use serde_json::Value;

use crate::{
    Frames, Listed, MAX_BODY_BYTES, Meant, Noted, announced, broken_off, form_fields,
    has_known_state, meant,
};

/// A request to a receiver.
pub struct Trial<'a> {
    pub sender: &'a dyn Listed,
    pub head: &'a Parts,
    pub body: &'a [u8],
    pub frames: Frames,
}

/// What must become of it, if its body comes to its end.
pub enum Expected<'a> {
    /// It is an event of this type, with this in its payload.
    Event(&'a str, Value),
    /// It is what the body means, with this type in the head. `true`: the sender would not send such a head.
    Authentic(&'a str, bool),
    Refusal,
    Anything,
}

impl Trial<'_> {
    pub fn check(self, expected: Expected<'_>) {
        let Self { sender, head, body, frames } = self;
        let is_too_long = announced(head, &frames) > MAX_BODY_BYTES as u64;
        let is_read = !is_too_long && broken_off(&frames).is_none();
        let answer = sender.answer(Request::from_parts(head.clone(), frames));
        let (answer, noted) = answer.expect("the body ends");
        let status = answer.status().as_u16();
        assert!(status == 200 || noted.is_empty(), "handled, and answered {status}");
        if sender.is_handshake(head) {
            assert!(SHAKES_HANDS.contains(&sender.name()[0]));
            assert_eq!((status, noted.len()), (200, 0));
        } else if head.method != Method::POST {
            assert_eq!(status, 405);
        } else if is_too_long {
            assert_eq!(status, 413);
        } else if !is_read {
            assert!([400, 413, 431, sender.refusal()].contains(&status), "{status}");
            assert!(noted.is_empty());
        } else {
            Read { sender, head, body, status, noted }.check(corrected(sender, body, expected));
        }
    }
}

/// The proof of Microsoft Graph is in the body, so it is the body that decides.
fn corrected<'a>(sender: &dyn Listed, body: &[u8], expected: Expected<'a>) -> Expected<'a> {
    if sender.name()[0] != "microsoft_graph" || matches!(expected, Expected::Event(..)) {
        return expected;
    }
    match has_known_state(body) {
        Some(true) => Expected::Authentic("", false),
        Some(false) => Expected::Refusal,
        None => Expected::Anything,
    }
}

/// The answer to a body that was read.
struct Read<'a> {
    sender: &'a dyn Listed,
    head: &'a Parts,
    body: &'a [u8],
    status: u16,
    noted: Vec<Noted>,
}

impl Read<'_> {
    fn check(&self, expected: Expected<'_>) {
        match expected {
            Expected::Event(event_type, payload) => {
                assert_eq!((self.status, self.types()), (200, vec![Some(event_type.into())]));
                let given = self.noted[0].payload.as_ref();
                assert!(given.is_none_or(|given| is_within(&payload, given)), "{given:?}");
            }
            Expected::Authentic(event_type, is_odd) => self.check_meaning(event_type, is_odd),
            Expected::Refusal => {
                assert!([431, self.sender.refusal()].contains(&self.status), "{}", self.status);
                assert!(self.noted.is_empty());
            }
            Expected::Anything => {}
        }
    }

    fn check_meaning(&self, event_type: &str, is_odd: bool) {
        let [name, _] = self.sender.name();
        let known = meant(name, self.head, event_type, self.body).filter(|_| !is_odd);
        match &known {
            Some(Meant::Events(types)) => {
                assert_eq!((self.status, &self.types()), (200, types));
            }
            Some(Meant::Question(status)) => {
                assert_eq!((self.status, self.types()), (*status, vec![]));
            }
            Some(Meant::Nothing) => {
                assert!([400, self.sender.refusal()].contains(&self.status), "{}", self.status);
            }
            None => {
                let own = if is_odd || name == "cloudevents" { self.sender.refusal() } else { 400 };
                let odd = if is_odd { 415 } else { 400 };
                assert!([200, 400, own, odd].contains(&self.status), "{}", self.status);
            }
        }
        // Of CloudEvents, it is the head that says how the body is to be read.
        let is_counted = name != "cloudevents" && !matches!(known, Some(Meant::Question(_)));
        if self.status == 200 && is_counted {
            assert_eq!(Some(self.noted.len()), self.sender.events(self.body));
        }
    }

    fn types(&self) -> Vec<Option<String>> {
        self.noted.iter().map(|noted| noted.event_type.clone()).collect()
    }
}

/// Whether all that was sent has arrived. In a form, everything is text.
fn is_within(sent: &Value, given: &Value) -> bool {
    match (sent, given) {
        (Value::Object(sent), Value::Object(given)) => sent
            .iter()
            .all(|(name, value)| given.get(name).is_some_and(|given| is_within(value, given))),
        (sent, Value::String(text)) if !sent.is_string() => sent.to_string().eq(text),
        (sent, given) => sent == given,
    }
}

/// Whether the sender's own half can sign this body.
pub fn can_sign(sender: &dyn Listed, body: &[u8]) -> bool {
    match sender.name() {
        ["bigbluebutton", "by_token"] => true,
        ["bigbluebutton", _] => body.starts_with(b"domain="),
        ["twilio", _] => {
            let fields = form_fields(body);
            let is_json = matches!(body.first(), Some(b'{' | b'['));
            is_json || fields.iter().all(|(_, field)| field.is_some())
        }
        _ => true,
    }
}

/// The senders that ask something before they send.
const SHAKES_HANDS: [&str; 5] =
    ["cloudevents", "learn365", "meta", "microsoft_graph", "woocommerce"];
