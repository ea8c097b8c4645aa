//! The recordings that are part of this project.

use bytes::Bytes;
use http::Request;
use serde::Serialize;
use serde_json::{Value, json};
use tower::{Layer, ServiceExt};
use tower_webhook::{
    Body, Delivery, Event, EventRouter, VerifyLayer,
    providers::learn365::{
        CourseCompleted, CourseEnrollment, CoursePublished, Learn365, UserCreated,
    },
};

use super::{RECORDED_SECRET, described, receive, recording};

fn learn365() -> Learn365 {
    Learn365::new(RECORDED_SECRET).unwrap()
}

/// The one event of a recording, as its type, and the delivery that its handler was told of.
async fn typed<E: Event<Provider = Learn365>>(recorded: Request<Bytes>) -> (E, Delivery) {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let events = EventRouter::new().on(async move |event: E, delivery: Delivery| {
        sender.send((event, delivery)).map_err(|_| "nobody waits for it")
    });
    let hook = VerifyLayer::new(learn365()).layer(events);
    let response = hook.oneshot(recorded.map(Body::from)).await.unwrap();
    assert_eq!(response.status(), 200);
    receiver.try_recv().expect("one event")
}

/// All fields of `event`, those that are empty aside, under their names on the wire.
fn fields(event: &impl Serialize) -> Value {
    serde_json::to_value(event).unwrap()
}

fn course() -> Value {
    json!({
        "SiteId": "8f4d2c10-5b1e-4c6f-9d0a-1f2e3d4c5b6a",
        "WebId": "0a1b2c3d-4e5f-4061-8273-8495a6b7c8d9",
        "Id": "b7e0c1de-0000-4abc-8def-0123456789ab",
        "Title": "GDPR & IT-sikkerhed – ”grundkursus” (årligt)",
        "Url": "https://contoso.sharepoint.com/sites/læring/SitePages/Kursus 1.aspx?x=1&y=%C3%A5#top",
        "CourseType": "ELearning",
        "Published": true,
    })
}

fn users() -> Value {
    json!([
        {
            "Id": "11111111-2222-3333-4444-555555555555",
            "DirectoryObjectId": "99999999-8888-7777-6666-555555555555",
            "EnrollmentId": "4711",
            "LoginName": "i:0#.f|membership|soeren@contoso.onmicrosoft.com",
            "Title": "Søren Ångström",
            "Department": "R&D \\ København",
            "Email": "soeren@contoso.onmicrosoft.com",
        },
        {
            "Id": "00000000-0000-0000-0000-000000000000",
            "LoginName": "i:0#.f|membership|wang@contoso.onmicrosoft.com",
            "Title": "王小明 你好 🚀👩‍💻",
            "Department": "",
            "Email": "wang@contoso.onmicrosoft.com",
        },
    ])
}

#[tokio::test]
async fn the_unit_test_of_the_original() {
    let provider = Learn365::new("123456789012345678901234567890123456789012345678").unwrap();
    let recorded = recording("unit-vector");
    let received = receive(&provider, &recorded).await;
    assert_eq!((received.status.as_u16(), received.kinds), (200, vec!["a1".into(), "a1".into()]));
    let delivery = described(&provider, recorded.body());
    assert_eq!((delivery.id(), delivery.sender_attempt()), (Some("1234567890"), Some(1)));
    assert_eq!(delivery.properties(), Some("{\r\n    \"p1\": \"pv1\"\r\n  }"));
    assert_eq!(receive(&learn365(), &recorded).await.status, 401);
}

#[tokio::test]
async fn an_enrollment() {
    let (event, delivery) = typed::<CourseEnrollment>(recording("learn365-CourseEnrollment")).await;
    assert_eq!(event.enrollment_status, Some(2));
    assert_eq!(event.enrollment_status_text.as_deref(), Some("In Progress"));
    assert_eq!(event.time_stamp.as_deref(), Some("2026-03-14T09:26:53.5897931Z"));
    assert_eq!(fields(&event.course), course());
    assert_eq!(fields(&event.users), users());
    assert_eq!(delivery.provider(), "learn365");
    assert_eq!(delivery.id(), Some("f6b5366fc4ac4ac3b494e5c7038477ca"));
    assert_eq!((delivery.sender_attempt(), delivery.properties()), (Some(1), Some("{}")));
}

#[tokio::test]
async fn the_fields_of_an_enrollment_by_their_names() {
    let (event, _) = typed::<CourseEnrollment>(recording("learn365-CourseEnrollment")).await;
    let (course, users) = (event.course.unwrap(), event.users.unwrap());
    assert_eq!(course.site_id.as_deref(), Some("8f4d2c10-5b1e-4c6f-9d0a-1f2e3d4c5b6a"));
    assert_eq!(course.web_id.as_deref(), Some("0a1b2c3d-4e5f-4061-8273-8495a6b7c8d9"));
    assert_eq!(course.id.as_deref(), Some("b7e0c1de-0000-4abc-8def-0123456789ab"));
    assert_eq!(course.title.as_deref(), Some("GDPR & IT-sikkerhed – ”grundkursus” (årligt)"));
    assert!(
        course
            .url
            .is_some_and(|url| url.ends_with("/læring/SitePages/Kursus 1.aspx?x=1&y=%C3%A5#top"))
    );
    assert_eq!((course.course_type.as_deref(), course.published), (Some("ELearning"), Some(true)));
    assert_eq!(users.len(), 2);
    assert_eq!(users[0].id.as_deref(), Some("11111111-2222-3333-4444-555555555555"));
    assert_eq!(
        users[0].directory_object_id.as_deref(),
        Some("99999999-8888-7777-6666-555555555555")
    );
    assert_eq!(users[0].enrollment_id.as_deref(), Some("4711"));
    assert_eq!(
        users[0].login_name.as_deref(),
        Some("i:0#.f|membership|soeren@contoso.onmicrosoft.com")
    );
    assert_eq!(users[0].title.as_deref(), Some("Søren Ångström"));
    assert_eq!(users[0].department.as_deref(), Some("R&D \\ København"));
    assert_eq!(users[0].email.as_deref(), Some("soeren@contoso.onmicrosoft.com"));
    assert_eq!((&users[1].directory_object_id, &users[1].enrollment_id), (&None, &None));
}

#[tokio::test]
async fn a_course() {
    let (event, delivery) = typed::<CoursePublished>(recording("learn365-CoursePublished")).await;
    let mut expected = course();
    expected["CourseType"] = "TrainingPlan".into();
    expected["TimeStamp"] = "2026-03-14T09:26:53.5897931Z".into();
    assert_eq!(fields(&event), expected);
    assert_eq!(event.course_type.as_deref(), Some("TrainingPlan"));
    assert_eq!(
        (event.published, event.id),
        (Some(true), Some("b7e0c1de-0000-4abc-8def-0123456789ab".into()))
    );
    assert_eq!(delivery.id(), Some("d1f514db54e24cc3b0c7df9925feb0a0"));
}

#[tokio::test]
async fn a_user() {
    let (event, delivery) = typed::<UserCreated>(recording("learn365-UserCreated")).await;
    assert_eq!(event.user_id.as_deref(), Some("11111111-2222-3333-4444-555555555555"));
    assert_eq!(
        event.login_name.as_deref(),
        Some("i:0#.f|membership|soeren@contoso.onmicrosoft.com")
    );
    assert_eq!(event.email.as_deref(), Some("soeren@contoso.onmicrosoft.com"));
    assert_eq!(event.title.as_deref(), Some("Søren Ångström"));
    assert_eq!(event.directory_object_id.as_deref(), Some("99999999-8888-7777-6666-555555555555"));
    assert_eq!(event.is_deleted, Some(false));
    assert_eq!(event.time_stamp.as_deref(), Some("2026-03-14T09:26:53.5897931Z"));
    let values = event.user_field_values.unwrap();
    assert_eq!(
        fields(&values),
        json!([
            {"FieldId": "f1", "FieldTitle": "Afdeling", "Value": "Økonomi"},
            {"FieldId": "f2", "FieldTitle": "Manager"},
        ])
    );
    assert_eq!((values[0].value.as_deref(), values[1].value.as_deref()), (Some("Økonomi"), None));
    assert_eq!(delivery.id(), Some("ffe9cdfa22a540aabf1cfe5684b3a66f"));
}

#[tokio::test]
async fn one_delivery_in_three_attempts() {
    let attempts = [recording("retry.1"), recording("retry.2"), recording("retry.3")];
    let signatures = attempts.each_ref().map(|attempt| attempt.headers()["ms-signature"].clone());
    assert!(signatures[0] != signatures[1] && signatures[1] != signatures[2]);
    let mut first = None;
    for (number, recorded) in (1..).zip(attempts) {
        let (event, delivery) = typed::<CourseCompleted>(recorded).await;
        assert_eq!(delivery.id(), Some("3039c8248ba14a81b9526343949e5c2c"));
        assert_eq!(delivery.sender_attempt(), Some(number));
        assert_eq!(&event, first.get_or_insert(event.clone()));
    }
    let first = first.unwrap();
    assert_eq!((first.enrollment_status, fields(&first.users)), (Some(0), users()));
}

#[tokio::test]
async fn a_signature_is_worth_nothing_over_another_attempt() {
    let (first, second) = (recording("retry.1"), recording("retry.2"));
    let forged = Request::from_parts(first.into_parts().0, second.into_body());
    assert_eq!(receive(&learn365(), &forged).await.status, 401);
}

#[tokio::test]
async fn the_handshake_is_answered_with_exactly_its_token() {
    let received = receive(&learn365(), &recording("echo-query")).await;
    assert_eq!(
        (received.status.as_u16(), received.body.as_str()),
        (200, "1f342f8a90de4a479ffd1e26c3dd1217")
    );
    assert_eq!(received.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(received.headers["x-content-type-options"], "nosniff");
    assert_eq!(received.kinds, [""; 0]);
}
