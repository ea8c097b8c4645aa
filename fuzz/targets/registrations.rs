//! What the registration API answers. It is read for what `serde_json` finds in it, what was registered is read as it
//! was meant, and an error repeats no secret.

#![cfg_attr(fuzzing, no_main)]

use std::sync::LazyLock;

use serde::de::IgnoredAny;
use serde_json::{Value, json};
use tower_webhook::{
    error::ConfigError,
    providers::learn365::{Filter, Registration, RegistrationClient, RegistrationError},
};
use tower_webhook_fuzz::{
    Input, fuzz_target,
    peer::{self, Reply, answering},
};

/// The call, the status, the body.
fn property(data: &[u8]) {
    let mut input = Input::new(data);
    let (call, status) = (input.byte() % 8, *input.pick(&STATUSES));
    if call == 7 {
        return printed(&mut input);
    }
    let body = input.rest();
    let reply = Reply::Given(status, body.to_vec());
    // Neither numbers out of range nor bad UTF-8 matter where nobody looks.
    let is_json = serde_json::from_slice::<IgnoredAny>(body).is_ok();
    let read: Option<Value> = serde_json::from_slice(body).ok();
    let result = match call {
        0 => answering(reply, API.list()).map(|all| listed(&all, read.as_ref())),
        1 => answering(reply, API.filters()).map(drop),
        2 => answering(reply, API.get("7")).map(|one| is_read(&one, read.as_ref())),
        3 => answering(reply, API.create(&WANTED)).map(|one| is_read(&one, read.as_ref())),
        4 => answering(reply, API.update("7", &WANTED)),
        5 => answering(reply, API.delete("7")),
        _ => answering(reply, API.ensure(&WANTED)).map(|one| assert!(one.id().is_some())),
    };
    match result {
        Ok(()) => assert!(status < 300 && (matches!(call, 4 | 5) || is_json)),
        Err(error) => is_harmless(&error, read.as_ref()),
    }
}

/// `read` is `None` where a `Value` cannot hold what nobody looks at.
fn listed(all: &[Registration], read: Option<&Value>) {
    let Some(read) = read else { return };
    let uris =
        read.as_array().expect("it is a list").iter().filter_map(|one| member(one, 1)?.as_str());
    assert!(uris.eq(all.iter().map(Registration::uri)));
}

fn is_read(one: &Registration, read: Option<&Value>) {
    let Some(read) = read else { return };
    let read = |index| member(read, index);
    assert_eq!(read(0), Some(&one.id().into()));
    assert_eq!(read(1), Some(&one.uri().into()));
    assert_eq!(read(3).and_then(Value::as_str).unwrap_or_default(), one.description());
    assert_eq!(read(4).and_then(Value::as_bool).unwrap_or_default(), one.is_paused());
    let properties: Value = serde_json::from_str(one.properties()).expect("it is JSON");
    assert_eq!(*read(7).filter(|given| given.is_object()).unwrap_or(&json!({})), properties);
}

/// A member of a registration, in either spelling. A list stands for the members in this order: serde reads it so.
fn member(registration: &Value, index: usize) -> Option<&Value> {
    let name = MEMBERS[index];
    let camel_case = name[..1].to_ascii_lowercase() + &name[1..];
    let named = registration.get(name).or_else(|| registration.get(camel_case));
    named.or_else(|| registration.get(index))
}

fn is_harmless(error: &RegistrationError, read: Option<&Value>) {
    let said = format!("{error} {error:?}");
    assert!(said.len() < 1_000 && !said.contains(|c: char| c.is_control()), "{said:?}");
    assert!(![KEY, SECRET, URI, HEADER].iter().any(|secret| said.contains(secret)), "{said}");
    // A message can consist of our own words.
    if !can_repeat(error) {
        return;
    }
    let message =
        read.and_then(|read| read.get("Message").or_else(|| read.get("message"))?.as_str());
    let mut parts = message.unwrap_or_default().as_bytes().windows(60);
    assert!(!parts.any(|part| said.as_bytes().windows(60).any(|told| told == part)), "{said}");
}

/// Whether it could hold the words of the sender. The others hold nothing, or a status and known phrases.
fn can_repeat(error: &RegistrationError) -> bool {
    use RegistrationError::{
        Answer, Conflict, EchoFailed, NotFound, Status, Timeout, Unauthorized,
    };
    let known = matches!(error, Answer(_) | EchoFailed(_) | Status(..) | Unauthorized(_));
    !known && !matches!(error, Conflict | NotFound | Timeout)
}

/// What is printed is read as it was.
fn printed(input: &mut Input<'_>) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (description, filter, value) =
        (text(input.piece()), text(input.piece()), text(input.piece()));
    let wanted = registration([Filter::named(&filter)]).map(|one| one.described_as(description));
    let wanted = wanted.and_then(|one| one.header("x-note", &value));
    let Ok(wanted) = wanted else { return };
    let properties = text(input.rest());
    let wanted = wanted.clone().send_along(&properties).unwrap_or(wanted);
    let got = answering(Reply::Registered, API.create(&wanted)).expect("it is registered");
    assert_eq!((got.id(), got.uri()), (Some("7"), wanted.uri()));
    assert_eq!((got.description(), got.filters()), (wanted.description(), wanted.filters()));
    assert!(got.headers().eq(wanted.headers()));
    assert_eq!(got.properties(), wanted.properties());
}

fn registration(filters: impl IntoIterator<Item = Filter>) -> Result<Registration, ConfigError> {
    Registration::new(URI, SECRET, filters)?.header("x-environment", HEADER)
}

static API: LazyLock<RegistrationClient> = LazyLock::new(|| {
    let base = format!("http://127.0.0.1:{}", peer::port());
    RegistrationClient::new(&base, KEY).expect("it is an address of this machine")
});
static WANTED: LazyLock<Registration> =
    LazyLock::new(|| registration([Filter::CourseCompleted]).expect("it can be registered"));

const MEMBERS: [&str; 8] =
    ["Id", "WebHookUri", "Secret", "Description", "IsPaused", "Filters", "Headers", "Properties"];
const KEY: &str = "an-api-key-that-was-invented";
const SECRET: &str = "a-secret-of-thirty-two-characters";
const URI: &str = "https://example.com/webhooks/learn365";
const HEADER: &str = "a header's value";
/// None after which what only reads is asked for once more.
const STATUSES: [u16; 9] = [200, 201, 400, 401, 403, 404, 409, 302, 418];

fuzz_target!(property);
