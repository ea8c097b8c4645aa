//! Learn365: eleven events, an envelope with facts of its own, a handshake.

use http::{Method, Request};
use tower::Layer;
use tower_webhook::{
    Body, Event, Rejection, Sender, VerifyLayer,
    providers::learn365::{
        CourseCompleted, CourseCreated, CourseDeleted, CourseEnrollment, CoursePublished,
        CourseStarted, CourseUnenrollment, CourseUnpublished, EnrollmentApprovalRequest, Learn365,
        UserCreated, UserDeleted,
    },
    scheme::VerifyError,
};

use super::*;
use crate::support::{SECRET, answer, learn365};

#[test]
fn the_eleven_names() {
    let documented = [
        CourseEnrollment::TYPE,
        CourseUnenrollment::TYPE,
        CourseStarted::TYPE,
        CourseCompleted::TYPE,
        CoursePublished::TYPE,
        CourseUnpublished::TYPE,
        EnrollmentApprovalRequest::TYPE,
    ];
    let connector =
        [UserCreated::TYPE, UserDeleted::TYPE, CourseCreated::TYPE, CourseDeleted::TYPE];
    assert_eq!(
        documented,
        [
            "CourseEnrollment",
            "CourseUnenrollment",
            "CourseStarted",
            "CourseCompleted",
            "CoursePublished",
            "CourseUnpublished",
            "EnrollmentApprovalRequest",
        ]
    );
    assert_eq!(connector, ["UserCreated", "UserDeleted", "CourseCreated", "CourseDeleted"]);
}

fn listed(notifications: &Value) -> String {
    json!({"Id": "1", "Attempt": 1, "Properties": {}, "Notifications": notifications}).to_string()
}

fn course() -> Value {
    json!({
        "SiteId": "s", "WebId": "w", "Id": "7", "Title": "Rust", "Url": "https://example.com/7",
        "CourseType": "Training plan", "Published": true,
    })
}

fn enrollment() -> Value {
    json!({
        "EnrollmentStatus": 3, "EnrollmentStatusText": "Enrolled", "Course": course(),
        "Users": [{
            "Id": "5", "DirectoryObjectId": "d", "EnrollmentId": "e", "LoginName": "ada.login",
            "Title": "Ada Lovelace", "Department": "Engines", "Email": "ada@example.com",
        }],
        "TimeStamp": "2024-01-02T03:04:05+00:00",
    })
}

fn user() -> Value {
    json!({
        "UserId": "5", "LoginName": "ada.login", "Email": "ada@example.com", "Title": "Ada Lovelace",
        "DirectoryObjectId": "d", "IsDeleted": false,
        "UserFieldValues": [{"FieldId": "f", "FieldTitle": "Hobby", "Value": "Engines"}],
        "TimeStamp": "2024-01-02T03:04:05+00:00",
    })
}

#[test]
fn every_field_may_be_absent_and_others_may_join() {
    fn check<E>(full: &Value)
    where
        E: Payload<Provider = Learn365> + Serialize + Default + PartialEq + std::fmt::Debug,
    {
        every_field_is_optional::<E>(&learn365(), full, |fields| {
            let mut event = fields.clone();
            event["Action"] = "event".into();
            listed(&json!([event]))
        });
    }
    let mut flat_course = course();
    flat_course["TimeStamp"] = "2024-01-02T03:04:05+00:00".into();
    check::<CourseEnrollment>(&enrollment());
    check::<CourseUnenrollment>(&enrollment());
    check::<CourseStarted>(&enrollment());
    check::<CourseCompleted>(&enrollment());
    check::<EnrollmentApprovalRequest>(&enrollment());
    check::<CoursePublished>(&flat_course);
    check::<CourseUnpublished>(&flat_course);
    check::<CourseCreated>(&flat_course);
    check::<CourseDeleted>(&flat_course);
    check::<UserCreated>(&user());
    check::<UserDeleted>(&user());
}

#[test]
fn people_are_not_shown() {
    fn check<E: Payload<Provider = Learn365> + Event + std::fmt::Debug>(fields: &Value) {
        let mut event = fields.clone();
        event["Action"] = E::TYPE.into();
        let [(event, _)] =
            decoded::<E>(&learn365(), E::TYPE, listed(&json!([event]))).try_into().unwrap();
        shows_nothing_of(&event, &["ada", "Ada", "Lovelace", "Engines"]);
    }
    check::<CourseEnrollment>(&enrollment());
    check::<CourseUnenrollment>(&enrollment());
    check::<CourseStarted>(&enrollment());
    check::<CourseCompleted>(&enrollment());
    check::<EnrollmentApprovalRequest>(&enrollment());
    check::<UserCreated>(&user());
    check::<UserDeleted>(&user());
}

#[test]
fn the_envelope_tells_of_the_delivery() {
    let told = |outer: &str| {
        let body = format!(r#"{{{outer}"Notifications":[]}}"#);
        let delivery = run(&EventRouter::new(), &learn365(), body).0;
        let id = delivery.id().map(str::to_owned);
        (id, delivery.sender_attempt(), delivery.properties().map(str::to_owned))
    };
    let id = Some("f6b5366fc4ac4ac3b494e5c7038477ca".to_owned());
    let properties = Some(r#"{"p1": [1.10]}"#.to_owned());
    assert_eq!(
        told(r#""Id":"f6b5366fc4ac4ac3b494e5c7038477ca","Attempt":2,"Properties":{"p1": [1.10]},"#),
        (id.clone(), Some(2), properties.clone())
    );
    assert_eq!(
        told(r#""id":"f6b5366fc4ac4ac3b494e5c7038477ca","attempt":3,"properties":{"p1": [1.10]},"#),
        (id.clone(), Some(3), properties)
    );
    for twice in [r#""Id":"a","id":"b","#, r#""id":"b","Id":"a","#] {
        assert_eq!(told(twice).0.as_deref(), Some("a"));
    }
    for nothing in ["", r#""Id":7,"#, r#""Id":null,"#, r#""Id":"a","Id":"b","#] {
        assert_eq!(told(nothing).0, None, "{nothing}");
    }
    assert_eq!(told(&format!(r#""Id":"{}","#, "a".repeat(256))).0, Some("a".repeat(256)));
    assert_eq!(told(&format!(r#""Id":"{}","#, "a".repeat(257))).0, None);
    for nothing in ["7", "null", "[]", "\"{}\""] {
        assert_eq!(told(&format!(r#""Properties":{nothing},"#)).2, None, "{nothing}");
    }
    for attempt in ["-1", "1.5", "\"2\"", "null", "4294967296", "1e999", "[]"] {
        assert_eq!(told(&format!(r#""Attempt":{attempt},"#)).1, None, "{attempt}");
    }
}

/// The answer to a request that carries nothing but its target.
async fn asked(method: Method, target: &str) -> crate::support::Answer {
    let hook = VerifyLayer::new(learn365()).layer(EventRouter::new());
    let request = Request::builder().method(method).uri(target).body(Body::default()).unwrap();
    answer(hook, request).await
}

#[tokio::test]
async fn an_echo_is_answered_with_exactly_the_token() {
    let longest = "a".repeat(128);
    for token in ["f6b5366fc4ac4ac3b494e5c7038477ca", "0", "A-z-9", &longest] {
        for target in [format!("/?echo={token}"), format!("/hooks/learn365?x=1&echo={token}&y")] {
            let answer = asked(Method::GET, &target).await;
            assert_eq!((answer.status(), answer.body.as_str()), (200, token));
            assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
            assert_eq!(answer.traced, [""; 0]);
        }
    }
}

#[tokio::test]
async fn no_other_request_is_echoed() {
    let too_long = format!("/?echo={}", "a".repeat(129));
    let refused = [
        (Method::GET, "/?echo="),
        (Method::GET, "/?echo"),
        (Method::GET, "/"),
        (Method::GET, too_long.as_str()),
        (Method::GET, "/?echo={b}"),
        (Method::GET, "/?echo=%3Cb%3E"),
        (Method::GET, "/?echo=a%20b"),
        (Method::GET, "/?echo=a+b"),
        (Method::GET, "/?echo=a_b"),
        (Method::GET, "/?echo=a&echo=a"),
        (Method::GET, "/?ECHO=a"),
        (Method::GET, "/?noecho=a"),
        (Method::PUT, "/?echo=a"),
        (Method::DELETE, "/?echo=a"),
        (Method::OPTIONS, "/?echo=a"),
    ];
    for (method, target) in refused {
        let answer = asked(method, target).await;
        answer.is_refused(405, &Rejection::Method);
        assert_eq!(answer.header("allow"), Some("POST"), "{target}");
    }
    let head = asked(Method::HEAD, "/?echo=a").await;
    assert_eq!((head.status(), &*head.body), (405, ""));
    let answer = asked(Method::POST, "/?echo=a").await;
    answer.is_refused(
        401,
        &Rejection::Unauthentic(VerifyError::MissingHeader("ms-signature".into())),
    );
}

#[tokio::test]
async fn a_delivery_may_carry_an_echo() {
    let sender = Sender::new(Learn365::new(SECRET).unwrap()).to("/?echo=a".parse().unwrap());
    let hook = VerifyLayer::new(learn365()).layer(EventRouter::new());
    let answer = answer(hook, sender.event(&UserCreated::default()).unwrap()).await;
    assert_eq!((answer.status(), answer.body.as_str()), (200, ""));
}
