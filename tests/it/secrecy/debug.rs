//! `Debug` of everything that holds something to keep.

use std::{fmt::Debug, time::SystemTime};

use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::net::TcpListener;
use tower::{Service, ServiceExt};
use tower_webhook::{
    Body, Described, Draft, Schedule, Unpacked, Verified,
    decode::Members,
    providers::learn365::emulator::Emulator,
    providers::{
        Personal,
        learn365::{CourseCompleted, Filter, Registration, RegistrationClient, UserCreated},
        standard_webhooks::StandardWebhooks,
        synthesis_vr::SynthesisVr,
        teachstack::{PeerJoined, Teachstack},
    },
    router::{EventContext, FromContext},
    scheme::{Hmac, HmacSha1Legacy, HmacSha256, HmacSha512, Keys, Pairs, Secret, Tag},
    sender::{self, Deliveries},
};

use super::*;

/// Silent, and not mute: what says nothing at all is of no use in a log.
#[track_caller]
fn assert_debug_silent<T: Debug>(what: &T) {
    for told in [format!("{what:?}"), format!("{what:#?}")] {
        assert!(!told.is_empty(), "{}", std::any::type_name::<T>());
        assert_silent("Debug", &told);
    }
}

fn canary_token() -> Token {
    Token::path(CANARY).unwrap()
}

#[test]
fn of_secrets_and_schemes() {
    let keys = || Keys::named("old", CANARY).or(format!("{CANARY}{CANARY}"));
    assert_debug_silent(&Secret::new(CANARY).unwrap());
    assert_debug_silent(&Secret::from_bytes(CANARY).unwrap().dangerous_short());
    assert_debug_silent(&keys());
    assert_debug_silent(&HmacSha256::new(keys()).unwrap());
    assert_debug_silent(&HmacSha512::new(keys()).unwrap());
    assert_debug_silent(&HmacSha1Legacy::new(keys()).unwrap());
    let tokens = [
        canary_token(),
        Token::query("token", CANARY).unwrap(),
        Token::header("x-token", CANARY).unwrap(),
        Token::bearer(CANARY).unwrap(),
        Token::basic(CANARY, CANARY).unwrap(),
    ];
    tokens.iter().for_each(|token| assert_debug_silent(token));
}

#[test]
fn of_signatures_on_their_way() {
    let tag = Tag::hex(&"63616e617279".repeat(5)).unwrap();
    assert_debug_silent(&tag);
    let key: Hmac<_> = HmacSha256::new(CANARY).unwrap();
    assert_debug_silent(&key.check(tag).prefix(CANARY));
    let mut check = key.check(tag).id(CANARY);
    check.update(CANARY.as_bytes());
    assert_debug_silent(&check);
    assert_debug_silent(&check.finish().unwrap_err());
    assert_debug_silent(&Pairs::parse("v1=canary").unwrap());
    assert_silent("lengths", &format!("{:?}", key.sign([CANARY])));
    let (parts, ()) = Request::post(format!("/{CANARY}?token={CANARY}"))
        .header("ms-signature", CANARY)
        .body(())
        .unwrap()
        .into_parts();
    assert_debug_silent(&Head::new(&parts, SystemTime::UNIX_EPOCH));
}

#[test]
fn of_providers_and_what_is_made_of_them() {
    fn silent<P: Provider + tower_webhook::Emit + Debug>(provider: P) {
        assert_debug_silent(&provider);
        let provider = std::sync::Arc::new(provider);
        let layer = VerifyLayer::shared(provider.clone());
        assert_debug_silent(&layer);
        assert!(format!("{layer:?}").contains("max_bodies: 256"), "{layer:?}");
        assert_debug_silent(&layer.layer(EventRouter::<P>::new()));
        let uri = format!("http://localhost/{CANARY}").parse().unwrap();
        let sender = Sender::shared(provider).to(uri).id(CANARY);
        assert_debug_silent(&sender.properties(format!(r#"{{"a":"{CANARY}"}}"#)));
    }
    silent(Loops::new(canary_token()));
    silent(SynthesisVr::new(canary_token()));
    silent(Teachstack::new(canary_token()));
    silent(Learn365::new(CANARY).unwrap());
    silent(StandardWebhooks::new("whsec_Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5").unwrap());
}

#[tokio::test]
async fn of_a_request_and_its_answer() {
    let log = Log::default();
    let noted = log.clone();
    let inner = tower::service_fn(move |request: Request<Verified<Loops>>| {
        noted.note(format!("{:?}", request.body()));
        let answer = EventRouter::new().call(request);
        assert_debug_silent(&answer);
        answer
    });
    let provider = Loops::new(Token::header("x-token", CANARY).unwrap());
    let mut hook = VerifyLayer::new(provider).layer(inner.clone());
    let request = || {
        let request = Request::post("/").header("x-token", CANARY);
        request.body(Body::from(format!(r#"["{CANARY}"]"#))).unwrap()
    };
    assert_debug_silent(&hook.call(request()));
    assert_eq!(hook.oneshot(request()).await.unwrap().status(), 200);
    let [verified] = &log.seen()[..] else { panic!("one request") };
    assert!(verified.starts_with("Verified {"), "{verified}");
    assert_silent("Verified", verified);
}

/// What surrounds an event, looked at by a handler.
struct Surroundings;

impl<S> FromContext<S> for Surroundings {
    fn from_context(cx: &EventContext<'_, S>) -> Self {
        assert_debug_silent(cx);
        Self
    }
}

#[tokio::test]
async fn of_events_and_batches() {
    let body = format!(r#"[{{"type":"SESSION_STARTED","data":{{"uuid":"{CANARY}"}}}},"{CANARY}"]"#);
    let events = EventRouter::new().on(async |_: SessionStarted, _: Surroundings| {});
    assert_debug_silent(&events);
    assert!(format!("{events:?}").contains(r#"["SESSION_STARTED"]"#), "{events:?}");
    let found = Described::default().properties(format!(r#"{{"a":"{CANARY}"}}"#));
    assert_debug_silent(&found);
    let unpacked = Unpacked::from(CANARY).described(found.clone());
    assert_debug_silent(&unpacked);
    let delivery = Delivery::new(Authentic::dangerous_assert()).described(found);
    assert_debug_silent(&delivery);
    let provider = Loops::dangerous_unauthenticated();
    let batch = events.dispatch(&provider, delivery, body.into()).unwrap();
    assert_debug_silent(&batch);
    let raw: Vec<_> = batch.events().collect();
    assert!(raw[0].json().starts_with(b"{"));
    assert_debug_silent(&raw[0]);
    let outcome = batch.await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_debug_silent(&outcome);
    let draft = Draft::raw("SESSION_STARTED", &format!(r#"{{"uuid":"{CANARY}"}}"#)).unwrap();
    assert_debug_silent(&draft);
    assert_debug_silent(&Draft::raw("SESSION_STARTED", CANARY).unwrap_err());
}

/// The emulator, with a registration that its endpoint stands behind, of which every part is a canary.
async fn registered() -> (Emulator, RegistrationClient, Registration) {
    let emulator = Emulator::new(Token::basic("api", CANARY).unwrap());
    let registrations = client_of(&emulator, CANARY).await;
    let events = EventRouter::new().on(async |_: CourseCompleted| Err::<(), _>("not today"));
    let hook = VerifyLayer::new(Learn365::new(CANARY).unwrap()).layer(events);
    let path = format!("/{CANARY}");
    let endpoint = serve(axum::Router::new().route_service(&path, hook)).await;
    let uri = format!("http://{CANARY}:{CANARY}@{endpoint}{path}?token={CANARY}");
    let wanted = Registration::new(uri, CANARY, [Filter::All]).unwrap().described_as(CANARY);
    let wanted = wanted.header("x-tenant", CANARY).unwrap();
    let wanted = wanted.send_along(&format!(r#"{{"{CANARY}": "{CANARY}"}}"#)).unwrap();
    let registered = registrations.create(&wanted).await.unwrap();
    (emulator, registrations, registered)
}

#[tokio::test]
async fn of_a_registration_and_its_deliveries() {
    let traces = Traces::here();
    let (emulator, registrations, registered) = registered().await;
    assert!(registered.uri().contains(CANARY) && registered.properties().contains(CANARY));
    assert_debug_silent(&registered);
    assert_debug_silent(&registrations);
    assert_debug_silent(&registrations.list().await.unwrap());
    assert_debug_silent(&RegistrationClient::bearer("http://localhost", CANARY).unwrap());

    let mut completed = CourseCompleted::default();
    completed.time_stamp = Some(CANARY.into());
    assert_eq!(emulator.emit(&completed).unwrap(), 1);
    assert_eq!(emulator.deliver_due(SystemTime::UNIX_EPOCH).await, 1);
    assert_debug_silent(&emulator);
    let [report] = &emulator.reports()[..] else { panic!("one delivery") };
    assert!(report.to_string().contains("500 Internal Server Error"), "{report}");
    assert_debug_silent(report);
    assert_silent("Display", &report.to_string());

    let traced = traces.seen();
    let told = |what: &str| traced.iter().any(|line| line.contains(what));
    assert!(told("the echo request will not have the query") && told("connect"), "{traced:?}");
    assert_silent("traces", &traced.concat());
}

#[tokio::test]
async fn of_deliveries_that_nobody_takes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = url(listener.local_addr().unwrap(), &format!("/{CANARY}?token={CANARY}"));
    drop(listener);
    let https = format!("https://{CANARY}@localhost/{CANARY}").parse().unwrap();
    let deliveries = Deliveries::new(Schedule::once());
    for to in [to, https] {
        let provider = Loops::new(canary_token());
        let headers = [(http::header::COOKIE, CANARY.parse().unwrap())];
        let sender = Sender::new(provider).to(to).headers(headers.into_iter().collect());
        let sender = sender.properties(format!(r#"{{"a":"{CANARY}"}}"#));
        let event = Draft::raw("a", &format!(r#"{{"a":"{CANARY}"}}"#)).unwrap();
        deliveries.push("a customer", sender.clone(), [event]).unwrap();
        assert_debug_silent(&sender);
    }
    assert_debug_silent(&deliveries);
    assert_eq!(deliveries.deliver_due(SystemTime::UNIX_EPOCH).await, 2);
    assert_debug_silent(&deliveries);
    for report in deliveries.reports() {
        assert!(matches!(report.attempts[0].answer, sender::Answer::Failed(_)), "{report}");
        assert_debug_silent(&report);
        assert_silent("Display", &report.to_string());
    }
}

/// Looks at what a provider is shown of an envelope and of a request to be signed.
struct Looking(Log);

impl Provider for Looking {
    fn authenticate(&self, _: &Head<'_>) -> Result<Check, VerifyError> {
        Ok(Authentic::dangerous_assert().into())
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("type").within("events")
    }

    fn describe<'b>(&self, outer: &Members<'b>) -> Described<'b> {
        self.0.note(format!("{outer:?} {:?}", outer.clone()));
        Described::default()
    }
}

impl tower_webhook::Emit for Looking {
    fn encode(
        &self,
        _: &[Draft],
        outgoing: &tower_webhook::Outgoing,
    ) -> Result<Bytes, tower_webhook::error::SendError> {
        self.0.note(format!("{outgoing:?}"));
        Ok(r#"{"events":[]}"#.into())
    }

    fn sign(&self, _: &mut http::request::Parts, _: &[u8], _: &tower_webhook::Outgoing) {}
}

#[test]
fn of_what_a_provider_is_shown() {
    let log = Log::default();
    let delivery = Delivery::new(Authentic::dangerous_assert());
    let body = format!(r#"{{"secret":"{CANARY}","events":[]}}"#);
    let batch = EventRouter::new().dispatch(&Looking(log.clone()), delivery, body.into());
    assert!(batch.unwrap().is_empty());
    let sender = Sender::new(Looking(log.clone())).properties(format!(r#"{{"a":"{CANARY}"}}"#));
    sender.batch(&[]).unwrap();
    let seen = log.seen();
    assert!(seen[0].starts_with("Members {") && seen[1].starts_with("Outgoing {"), "{seen:?}");
    seen.iter().for_each(|seen| assert_silent("to a provider", seen));
}

#[test]
fn of_personal_data() {
    fn silent<E: DeserializeOwned + Debug>(event: serde_json::Value) {
        assert!(event.to_string().contains(CANARY));
        assert_debug_silent(&serde_json::from_value::<E>(event).unwrap());
    }
    let user = json!({"LoginName": CANARY, "Title": CANARY, "Department": CANARY, "Email": CANARY});
    silent::<CourseCompleted>(json!({ "Users": [user] }));
    let fields = json!([{"FieldId": "1", "FieldTitle": "Phone", "Value": CANARY}]);
    silent::<UserCreated>(
        json!({"LoginName": CANARY, "Email": CANARY, "Title": CANARY, "UserFieldValues": fields}),
    );
    silent::<SessionStarted>(json!({"participants": [{"userId": 1, "email": CANARY}]}));
    silent::<PeerJoined>(json!({"data": {"uid": "1", "uname": CANARY}}));
    silent::<Personal>(json!(CANARY));
}

#[test]
fn of_a_mistake_in_the_configuration() {
    let long = CANARY.repeat(4);
    let errors = [
        Secret::new(format!("{CANARY}\n")).unwrap_err(),
        Secret::new(format!("\u{feff}{CANARY}")).unwrap_err(),
        Secret::new(format!("${{{CANARY}}}")).unwrap_err(),
        Token::path(format!("'{CANARY}'")).unwrap_err(),
        StandardWebhooks::new(format!("CANARY={CANARY}")).unwrap_err(),
        Token::path(format!("{CANARY} ")).unwrap_err(),
        Token::header("x-token", format!("{CANARY} ")).unwrap_err(),
        Token::path(long.as_str()).unwrap_err(),
        Token::bearer(&CANARY[..31]).unwrap_err(),
        Token::basic(&format!("{CANARY}:"), CANARY).unwrap_err(),
        Learn365::new(&CANARY[..31]).unwrap_err(),
        StandardWebhooks::new(format!("whsec_{CANARY}")).unwrap_err(),
        StandardWebhooks::new(format!("whsk_{CANARY}")).unwrap_err(),
        HmacSha256::new(Keys::named("old", "canary")).unwrap_err(),
    ];
    for error in errors {
        assert_silent("ConfigError", &format!("{error} {error:?}"));
    }
}
