//! What an authentic body of each sender means, read from its JSON and its fields without the crate's help.

use http::request::Parts;
use serde_json::{Value, value::RawValue};

use crate::{
    credentials::one,
    list::KEYS,
    oracle::{Object, object},
    text::form_fields,
};

/// What a body means. Of a body that this does not speak about, the meaning is `None`.
#[derive(Debug, PartialEq)]
pub enum Meant {
    /// Events of these types.
    Events(Vec<Option<String>>),
    /// A question that the sender's own rule answers with this status.
    Question(u16),
    /// Nothing that this sender could mean.
    Nothing,
}

/// What the body of `sender`, which is authentic, means. `event_type` is the one in the head.
pub fn meant(sender: &str, head: &Parts, event_type: &str, body: &[u8]) -> Option<Meant> {
    match sender {
        "github" | "shopify" | "woocommerce" => named(sender, event_type, body),
        "loops" | "standard_webhooks" | "stripe" | "sendgrid" | "livekit" | "teachstack" => {
            let key = match sender {
                "sendgrid" | "livekit" => "event",
                "teachstack" => "event_name",
                _ => "type",
            };
            typed(&json(body)?, |event| text(event, key))
        }
        "zoom" => zoom(&json(body)?),
        "discord" => discord(&json(body)?),
        "slack" => slack(body),
        "twilio" => twilio(body),
        "bigbluebutton" => {
            typed(&json(only(body, "event")?.as_bytes())?, |event| text(event.get("data")?, "id"))
        }
        "meta" => meta(&json(body)?),
        "microsoft_graph" => graph(&json(body)?),
        "cloudevents" => cloudevents(head, event_type, body),
        "learn365" | "synthesis_vr" => None,
        other => panic!("nothing is said of {other}"),
    }
}

/// A text without names that occur twice, and not so deep that this or another reader would stop.
fn json(body: &[u8]) -> Option<Value> {
    let is_shallow = body.iter().filter(|byte| matches!(byte, b'[' | b'{')).count() < 100;
    let value = serde_json::from_slice(body).ok().filter(|_| is_shallow)?;
    is_plain(serde_json::from_slice(body).ok()?).then_some(value)
}

fn is_plain(json: &RawValue) -> bool {
    if let Some(Object(members)) = object(json) {
        let twice = |at: usize| members[..at].iter().any(|(key, _)| *key == members[at].0);
        return (0..members.len()).all(|at| !twice(at) && is_plain(members[at].1));
    }
    let list = serde_json::from_str::<Vec<&RawValue>>(json.get()).unwrap_or_default();
    list.into_iter().all(is_plain)
}

/// The only field of that name.
fn only(form: &[u8], name: &str) -> Option<String> {
    let fields: Option<Vec<_>> = form_fields(form).into_iter().map(|(_, field)| field).collect();
    let mut values = fields?.into_iter().filter(|field| field.0 == name);
    values.next().filter(|_| values.next().is_none()).map(|(_, value)| value)
}

fn text(object: &Value, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(Into::into)
}

/// The elements of a list, or the one event.
fn elements(json: &Value) -> Vec<&Value> {
    json.as_array().map_or_else(|| vec![json], |list| list.iter().collect())
}

fn typed(json: &Value, of: impl Fn(&Value) -> Option<String>) -> Option<Meant> {
    if !json.is_object() && !json.is_array() {
        return Some(Meant::Nothing);
    }
    events(elements(json).into_iter().map(of).collect())
}

/// What is no type for the router is left to others.
fn events(types: Vec<Option<String>>) -> Option<Meant> {
    let is_one = |event_type: &String| (1..=256).contains(&event_type.len());
    types.iter().flatten().all(is_one).then_some(Meant::Events(types))
}

fn named(sender: &str, event_type: &str, body: &[u8]) -> Option<Meant> {
    let payload = match body.first() {
        Some(b'{') => json(body)?,
        _ if sender == "github" => json(only(body, "payload")?.as_bytes())?,
        _ => return None,
    };
    payload.as_object().and_then(|_| events(vec![Some(event_type.into())]))
}

fn is_answered(token: Option<String>, most: usize) -> Meant {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let fits =
        token.is_some_and(|token| (1..=most).contains(&token.len()) && token.bytes().all(plain));
    Meant::Question(if fits { 200 } else { 400 })
}

fn zoom(all: &Value) -> Option<Meant> {
    match text(all, "event") {
        Some(event) if event == "endpoint.url_validation" => {
            Some(is_answered(all.get("payload").and_then(|all| text(all, "plainToken")), 64))
        }
        _ => typed(all, |event| text(event, "event")),
    }
}

fn discord(all: &Value) -> Option<Meant> {
    match all.get("type") {
        Some(one) if *one == 1 => return Some(Meant::Question(200)),
        Some(large) if large.is_f64() => return None,
        _ => {}
    }
    typed(all, |event| {
        let number = || Some(event.get("type")?.as_u64()?.to_string());
        text(event, "type").or_else(number)
    })
}

fn slack(body: &[u8]) -> Option<Meant> {
    if body.trim_ascii_start().starts_with(b"{") {
        let all = json(body)?;
        return match text(&all, "type") {
            Some(kind) if kind == "url_verification" => {
                Some(is_answered(text(&all, "challenge"), 256))
            }
            _ => typed(&all, slack_type),
        };
    }
    if body.split(|byte| *byte == b'&').any(|field| field == b"ssl_check=1") {
        return Some(Meant::Question(200));
    }
    let fields: Option<Vec<_>> = form_fields(body).into_iter().map(|(_, field)| field).collect();
    let fields = fields?;
    match fields.iter().filter(|(name, _)| name == "payload").count() {
        0 => typed(&object_of(&fields, |_| None)?, slack_type),
        1 => typed(&json(only(body, "payload")?.as_bytes())?, slack_type),
        _ => Some(Meant::Nothing),
    }
}

fn slack_type(all: &Value) -> Option<String> {
    match text(all, "type") {
        Some(kind) if kind == "event_callback" => text(all.get("event")?, "type"),
        None => text(all, "command"),
        own => own,
    }
}

/// The fields as members. `twice` is the value of a name that occurs again.
fn object_of(
    fields: &[(String, String)],
    twice: impl Fn(&[&str]) -> Option<Value>,
) -> Option<Value> {
    let member = |(name, value): &(String, String)| {
        let all = fields.iter().filter(|field| field.0 == *name).map(|field| &*field.1);
        match all.collect::<Vec<_>>()[..] {
            [_] => Some((name.clone(), value.clone().into())),
            ref several => Some((name.clone(), twice(several)?)),
        }
    };
    fields.iter().map(member).collect::<Option<serde_json::Map<_, _>>>().map(Value::Object)
}

fn twilio(body: &[u8]) -> Option<Meant> {
    let all = match body.first() {
        Some(b'{' | b'[') => json(body)?,
        _ => {
            let fields: Option<Vec<_>> =
                form_fields(body).into_iter().map(|(_, field)| field).collect();
            object_of(&fields?, |several| Some(several.into()))?
        }
    };
    typed(&all, |event| text(event, "TestType"))
}

fn meta(all: &Value) -> Option<Meant> {
    let Some(entries) = all.get("entry").and_then(Value::as_array) else {
        return Some(Meant::Nothing);
    };
    let changes = |entry: &Value| match entry.get("changes").and_then(Value::as_array) {
        Some(changes) => changes.iter().map(|change| text(change, "field")).collect(),
        None => vec![None],
    };
    events(entries.iter().flat_map(changes).collect())
}

/// The items without the known state are nobody's.
fn graph(all: &Value) -> Option<Meant> {
    let items: Vec<_> =
        all.get("value")?.as_array()?.iter().filter(|item| is_known(item)).collect();
    let is_rich = items.iter().any(|item| item.get("encryptedContent").is_some());
    if is_rich || all.get("validationTokens").is_some() {
        return Some(Meant::Nothing);
    }
    let of = |item: &&Value| match (item.get("changeType"), item.get("lifecycleEvent")) {
        (Some(_), None) => text(item, "changeType"),
        (None, Some(_)) => text(item, "lifecycleEvent"),
        _ => None,
    };
    events(items.iter().map(of).collect())
}

fn is_known(item: &Value) -> bool {
    text(item, "clientState").is_some_and(|state| state == KEYS[0] || state == KEYS[0].repeat(2))
}

/// Whether one of the items of Microsoft Graph has the state that proves the request, if that can be told.
pub fn has_known_state(body: &[u8]) -> Option<bool> {
    let all = json(body)?;
    Some(all.get("value").and_then(Value::as_array).is_some_and(|all| all.iter().any(is_known)))
}

fn cloudevents(head: &Parts, event_type: &str, body: &[u8]) -> Option<Meant> {
    match one(head, "content-type") {
        "application/json" if one(head, "ce-type") == event_type => {
            json(body)?.as_object().and_then(|_| events(vec![Some(event_type.into())]))
        }
        "application/cloudevents+json" => json(body)?.as_object().and_then(|_| batch(body)),
        "application/cloudevents-batch+json" => json(body)?.as_array().and_then(|_| batch(body)),
        _ => None,
    }
}

fn batch(body: &[u8]) -> Option<Meant> {
    let all = json(body)?;
    let is_event = |event: &&Value| {
        let has = |name: &&str| text(event, name).is_some_and(|text| !text.is_empty());
        text(event, "specversion").as_deref() == Some("1.0")
            && ["id", "source", "type"].iter().all(has)
    };
    if !elements(&all).iter().all(is_event) {
        return Some(Meant::Nothing);
    }
    typed(&all, |event| text(event, "type"))
}

/// Whether a head may have a token of the list. Escapes are not read.
pub fn has_token(head: &Parts) -> bool {
    let target = head.uri.to_string();
    let mut values = head.headers.values().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let is_basic = |text: &str| text.contains("aG9vazo");
    let in_header = values.any(|text| text.contains(KEYS[0]) || is_basic(&text));
    in_header || target.contains('%') || target.contains(KEYS[0])
}
