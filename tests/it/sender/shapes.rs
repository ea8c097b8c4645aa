//! The shape that each sender gives its requests.

use http::Method;
use tower::{Layer, ServiceExt};
use tower_webhook::{
    Delivery, Draft, EventRouter, Sender, VerifyLayer,
    clock::ManualClock,
    providers::{
        learn365::CoursePublished,
        loops::{ParticipantsAdded, SessionStarted},
        synthesis_vr::{SessionCreated, SessionRemoved},
        teachstack::PeerJoined,
    },
};

use super::{body, status};
use crate::support::{
    Log, TOKEN, in_full, learn365, loops, standard_webhooks, synthesis_vr, teachstack,
};

#[tokio::test]
async fn loops_sends_a_list() {
    let mut started = SessionStarted::default();
    started.name = Some("Værksted".into());
    let mut added = ParticipantsAdded::default();
    added.uuid = Some("1".into());

    let sender = Sender::new(loops()).to("https://hooks.example/loops?a=b".parse().unwrap());
    let one = sender.event(&started).unwrap();
    assert_eq!(one.method(), Method::POST);
    assert_eq!(one.uri().to_string(), format!("https://hooks.example/loops/{TOKEN}?a=b"));
    assert_eq!(one.headers()["content-type"], "application/json");
    assert_eq!(
        body(one.clone()).await,
        r#"[{"type":"SESSION_STARTED","data":{"name":"Værksted"}}]"#
    );
    assert_eq!(status(loops(), one).await, 200);

    let two = [Draft::event(&started).unwrap(), Draft::event_as("ADDED \"x\"", &added).unwrap()];
    assert_eq!(
        body(sender.batch(&two).unwrap()).await,
        r#"[{"type":"SESSION_STARTED","data":{"name":"Værksted"}},{"type":"ADDED \"x\"","data":{"uuid":"1"}}]"#
    );
    let named = sender.event_as("SEEN_ONCE", &added).unwrap();
    assert_eq!(body(named).await, r#"[{"type":"SEEN_ONCE","data":{"uuid":"1"}}]"#);
}

#[tokio::test]
async fn synthesis_vr_sends_a_list() {
    let mut created = SessionCreated::default();
    created.uuid = Some("41509791-3de8-5bb9-b4fc-a9753da95aad".into());
    created.stations = Some(1);
    created.customer_id = Some(7685);

    let sender = Sender::new(synthesis_vr());
    let one = sender.event(&created).unwrap();
    assert_eq!(one.uri().to_string(), format!("/{TOKEN}"));
    assert_eq!(
        body(one.clone()).await,
        r#"[{"action":"create","uuid":"41509791-3de8-5bb9-b4fc-a9753da95aad","stations":1,"customerid":7685}]"#
    );
    assert_eq!(status(synthesis_vr(), one).await, 200);

    let mut removed = SessionRemoved::default();
    removed.uuid = Some("2".into());
    let two = [Draft::event(&removed).unwrap(), Draft::raw("pause", r#"{"uuid": "1"}"#).unwrap()];
    let two = sender.batch(&two).unwrap();
    assert_eq!(
        body(two).await,
        r#"[{"action":"delete","uuid":"2"},{"action":"pause","uuid": "1"}]"#
    );
}

#[tokio::test]
async fn teachstack_sends_one_object() {
    let mut joined = PeerJoined::default();
    joined.room_id = Some("r-1".into());
    joined.time = Some(1_700_000_000_000_000);

    let one = Sender::new(teachstack()).event(&joined).unwrap();
    assert_eq!(
        body(one.clone()).await,
        r#"{"event_name":"peer.joined","room_id":"r-1","time":1700000000000000}"#
    );
    assert_eq!(status(teachstack(), one).await, 200);

    let renamed = Sender::new(teachstack().discriminator("kind")).event(&joined).unwrap();
    assert!(body(renamed).await.starts_with(r#"{"kind":"peer.joined","#));
}

#[tokio::test]
async fn standard_webhooks_sends_type_timestamp_and_data() {
    let clock = ManualClock::at_unix_seconds(1_800_000_000);
    let sender = Sender::new(standard_webhooks()).id("msg_1").clock(clock);
    let request = sender.raw("invoice.paid", r#"{"total": 3}"#).unwrap();
    let headers = request.headers();
    assert_eq!(headers.len(), 4, "{headers:?}");
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(
        (&headers["webhook-id"], &headers["webhook-timestamp"]),
        (&"msg_1".parse().unwrap(), &1_800_000_000.into())
    );
    assert_eq!(headers["webhook-signature"], "v1,s/RJBnFWz9WUxU0E51Jf+MXs123v+Z19XGiqI+bFbPw=");
    assert_eq!(
        body(request).await,
        r#"{"type":"invoice.paid","timestamp":"2027-01-15T08:00:00Z","data":{"total": 3}}"#
    );
    let now = Sender::new(standard_webhooks()).raw("invoice.paid", "null").unwrap();
    assert_eq!(status(standard_webhooks(), now).await, 200);
}

#[tokio::test]
async fn learn365_sends_its_envelope_indented() {
    let mut published = CoursePublished::default();
    published.title = Some("Æ\u{2028}".into());
    let sender = Sender::new(learn365()).id("7").attempt(3).properties(r#"{"tenant":[]}"#);
    let request = sender.event(&published).unwrap();
    assert_eq!(request.headers().len(), 2);
    assert_eq!(
        body(request.clone()).await,
        "{\r\n  \"Id\": \"7\",\r\n  \"Attempt\": 3,\r\n  \"Properties\": {\r\n    \"tenant\": []\r\n  },\r\n  \"Notifications\": [\r\n    {\r\n      \"Action\": \"CoursePublished\",\r\n      \"Title\": \"Æ\\u2028\"\r\n    }\r\n  ]\r\n}"
    );
    assert_eq!(status(learn365(), request).await, 200);
}

#[tokio::test]
async fn learn365_may_write_its_envelope_in_camel_case() {
    let mut published = CoursePublished::default();
    published.title = Some("Æ".into());
    let provider = learn365().camel_case();
    let sender = Sender::new(provider.clone()).id("7").attempt(3).properties(r#"{"Tenant":1}"#);
    let request = sender.event(&published).unwrap();
    assert_eq!(
        body(request.clone()).await,
        "{\r\n  \"id\": \"7\",\r\n  \"attempt\": 3,\r\n  \"properties\": {\r\n    \"Tenant\": 1\r\n  },\r\n  \"notifications\": [\r\n    {\r\n      \"action\": \"CoursePublished\",\r\n      \"Title\": \"Æ\"\r\n    }\r\n  ]\r\n}"
    );
    for receiver in [learn365(), provider] {
        let log = Log::default();
        let seen = log.clone();
        let events = EventRouter::new().on(async move |e: CoursePublished, of: Delivery| {
            let known = (of.id(), of.sender_attempt(), of.properties().map(without_blanks));
            seen.note(format!("{:?} {known:?}", e.title));
        });
        let hook = VerifyLayer::new(receiver).layer(events);
        assert_eq!(hook.oneshot(request.clone()).await.unwrap().status(), 200);
        assert_eq!(log.seen(), [r#"Some("Æ") (Some("7"), Some(3), Some("{\"Tenant\":1}"))"#]);
    }
    for spelling in ["action", "Action"] {
        let error = sender.raw("a", &format!(r#"{{"{spelling}": "b"}}"#)).unwrap_err();
        let message = format!(
            "the request cannot be encoded: the payload has a member `{spelling}` already: \
             leave it out, or give a whole body to `Sender::body`"
        );
        assert_eq!(in_full(&error), message);
    }
}

fn without_blanks(json: &str) -> String {
    json.split_ascii_whitespace().collect()
}

#[tokio::test]
async fn senders_of_lists_may_send_an_empty_one() {
    let (of_loops, of_learn365) =
        (Sender::new(loops()).batch(&[]), Sender::new(learn365()).batch(&[]));
    assert_eq!(body(of_loops.unwrap()).await, "[]");
    assert_eq!(status(learn365(), of_learn365.unwrap()).await, 200);
}

#[tokio::test]
async fn each_request_has_an_id_of_its_own_unless_it_is_given() {
    let sender = Sender::new(standard_webhooks());
    let id =
        |request: http::Request<_>| request.headers()["webhook-id"].to_str().unwrap().to_owned();
    let (one, other) = (id(sender.body("").unwrap()), id(sender.body("").unwrap()));
    assert_ne!(one, other);
    assert!(
        one.len() == 32 && one.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()),
        "{one}"
    );

    let sender = sender.id("given");
    assert_eq!([id(sender.body("").unwrap()), id(sender.body("").unwrap())], ["given", "given"]);
}

#[tokio::test]
async fn any_body_is_signed_as_it_is() {
    let request = Sender::new(learn365()).body("no JSON at all").unwrap();
    assert_eq!(status(learn365(), request.clone()).await, 400);
    assert_eq!(body(request).await, "no JSON at all");
}
