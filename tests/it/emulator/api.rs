//! The registration API: who may ask, what is answered, and what is refused.

use std::sync::atomic::{AtomicBool, Ordering};

use tower_webhook::providers::learn365::{CourseCompleted, Filter, Registration};

use super::*;
use crate::support::client_of;

const ALL: &str = "/webhooks/registrations";

fn one(id: &str) -> String {
    format!("{ALL}/{id}")
}

fn parsed(answer: &Answer) -> Value {
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    serde_json::from_str(&answer.body).unwrap()
}

/// Everything that is registered.
async fn listed(emulator: &Emulator) -> Vec<Value> {
    let answer = ask(emulator, Method::GET, ALL, "").await;
    assert_eq!(answer.status(), 200);
    parsed(&answer).as_array().unwrap().clone()
}

#[tokio::test]
async fn without_the_key_nothing_is_told() {
    let (emulator, endpoint) = (emulator(), Endpoint::new().await);
    let id = registered(&emulator, &wanted(&endpoint.url("/"))).await;
    let basic = |credentials: &str| Some(format!("Basic {}", STANDARD.encode(credentials)));
    for credentials in [
        None,
        Some(String::new()),
        Some("Basic".into()),
        Some(format!("Bearer {API_KEY}")),
        basic(API_KEY),
        basic("api:"),
        basic(&format!("API:{API_KEY}")),
        basic(&format!("api:{API_KEY} ")),
        basic(&format!("api:{}", API_KEY.to_uppercase())),
    ] {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            for path in [ALL, &one(&id), &one("unknown"), "/webhooks/filters", "/elsewhere"] {
                let mut request = Request::builder().method(&method).uri(path);
                if let Some(credentials) = &credentials {
                    request = request.header("authorization", credentials);
                }
                let refused =
                    answer(emulator.clone(), request.body(Body::default()).unwrap()).await;
                assert_eq!(refused.status(), 401, "{method} {path} {credentials:?}");
                assert_eq!(refused.header("www-authenticate"), Some(r#"Basic realm="webhooks""#));
                assert_eq!(refused.body, r#"{"Message":"The credentials are not accepted."}"#);
            }
        }
    }
    assert_eq!(listed(&emulator).await.len(), 1);
}

#[tokio::test]
async fn what_is_created_is_answered_in_full() {
    let (emulator, endpoint) = (emulator(), Endpoint::new().await);
    let mut wanted = json!({
        "WebHookUri": endpoint.url("/hook"),
        "Secret": SECRET,
        "Description": "the training ledger",
        "IsPaused": true,
        "Filters": ["CourseCompleted", "UserDeleted"],
        "Headers": {"X-Tenant": "contoso"},
        "Properties": {"region": {"n": [1, null]}},
    });
    let answer = create(&emulator, &wanted).await;
    assert_eq!(answer.status(), 201);
    let created = parsed(&answer);
    let id = created["Id"].as_str().unwrap();
    assert_eq!(answer.header("location"), Some(one(id).as_str()));
    wanted["Id"] = id.into();
    assert_eq!(created, wanted);
    assert_eq!(parsed(&ask(&emulator, Method::GET, &one(id), "").await), wanted);
    assert_eq!(listed(&emulator).await, [wanted]);
}

#[tokio::test]
async fn what_is_not_said_is_the_default() {
    let (emulator, endpoint) = (emulator(), Endpoint::new().await);
    let nulls = json!({
        "Description": null, "IsPaused": null, "Filters": null, "Headers": null, "Properties": null,
    });
    for members in [json!({"Id": "chosen by the program"}), json!({"Filters": []}), nulls] {
        let id = registered(&emulator, &wanted_with(&endpoint.url("/"), members)).await;
        assert_ne!(id, "chosen by the program");
        let defaults = json!({
            "Id": id, "Description": "", "IsPaused": false, "Filters": ["*"], "Headers": {}, "Properties": {},
        });
        let there = parsed(&ask(&emulator, Method::GET, &one(&id), "").await);
        assert_eq!(there, wanted_with(&endpoint.url("/"), defaults));
    }
}

#[tokio::test]
async fn an_update_is_answered_without_a_body() {
    let (emulator, endpoint) = (emulator(), Endpoint::new().await);
    let id = registered(&emulator, &wanted(&endpoint.url("/old"))).await;
    let (upper, lower) = (id.to_uppercase(), id.to_lowercase());
    for (path, body, uri) in [(&lower, &upper, "/a"), (&upper, &lower, "/b"), (&id, &id, "/c")] {
        let wanted = wanted_with(&endpoint.url(uri), json!({"Id": body})).to_string();
        let answer = ask(&emulator, Method::PUT, &one(path), wanted).await;
        assert_eq!((answer.status(), answer.body.as_str()), (200, ""));
        let there = listed(&emulator).await;
        assert_eq!(there.len(), 1);
        assert_eq!(there[0]["WebHookUri"], endpoint.url(uri));
    }
    for body in [json!({"Id": "another"}), json!({})] {
        let wanted = wanted_with(&endpoint.url("/new"), body).to_string();
        let answer = ask(&emulator, Method::PUT, &one(&id), wanted).await;
        assert_eq!((answer.status(), answer.body.as_str()), (400, ""));
    }
    assert_eq!(listed(&emulator).await[0]["WebHookUri"], endpoint.url("/c"));
}

#[tokio::test]
async fn an_endpoint_is_tried_again_before_an_update() {
    let up = Arc::new(AtomicBool::new(true));
    let is_up = up.clone();
    let endpoint = Endpoint::raw(move |request| match is_up.load(Ordering::Relaxed) {
        true => said("200 OK", echo(request).unwrap()),
        false => said("503 Service Unavailable", ""),
    })
    .await;
    let emulator = emulator();
    let id = registered(&emulator, &wanted(&endpoint.url("/old"))).await;
    let before = listed(&emulator).await;
    let new = wanted_with(&endpoint.url("/new"), json!({"Id": id})).to_string();
    up.store(false, Ordering::Relaxed);
    let answer = ask(&emulator, Method::PUT, &one(&id), new.clone()).await;
    assert_eq!(answer.status(), 400);
    assert_eq!(
        told(&answer),
        "The WebHook cannot be registered: WebHook verification failed: the answer is 503 Service Unavailable"
    );
    assert_eq!(listed(&emulator).await, before);
    up.store(true, Ordering::Relaxed);
    assert_eq!(ask(&emulator, Method::PUT, &one(&id), new).await.status(), 200);
    let asked: Vec<_> =
        endpoint.seen().iter().map(|request| request.uri().path().to_owned()).collect();
    assert_eq!(asked, ["/old", "/new", "/new"]);
}

#[tokio::test]
async fn one_is_deleted_or_all_are() {
    let (emulator, endpoint) = (emulator(), Endpoint::new().await);
    let mut ids = Vec::new();
    for path in ["/1", "/2", "/3"] {
        ids.push(registered(&emulator, &wanted(&endpoint.url(path))).await);
    }
    let answer = ask(&emulator, Method::DELETE, &one(&ids[1].to_uppercase()), "").await;
    assert_eq!((answer.status(), answer.body.as_str()), (200, ""));
    let left: Vec<_> = listed(&emulator).await.iter().map(|one| one["Id"].clone()).collect();
    assert_eq!(left, [ids[0].as_str(), ids[2].as_str()]);
    let answer = ask(&emulator, Method::DELETE, ALL, "").await;
    assert_eq!((answer.status(), answer.body.as_str()), (200, ""));
    assert_eq!(listed(&emulator).await, [Value::Null; 0]);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let (emulator, endpoint) = (emulator(), Endpoint::new().await);
    registered(&emulator, &wanted(&endpoint.url("/"))).await;
    let unknown = wanted_with(&endpoint.url("/"), json!({"Id": "unknown"})).to_string();
    for (method, path) in [
        (Method::GET, one("unknown")),
        (Method::PUT, one("unknown")),
        (Method::DELETE, one("unknown")),
        (Method::GET, "/".into()),
        (Method::GET, "/webhooks".into()),
        (Method::GET, "/webhooks/".into()),
        (Method::GET, "/webhooks/others".into()),
        (Method::GET, "/webhooks/filters/CourseCompleted".into()),
        (Method::GET, "/registrations".into()),
        (Method::GET, "/xwebhooks/registrations".into()),
    ] {
        let answer = ask(&emulator, method.clone(), &path, unknown.clone()).await;
        assert_eq!((answer.status(), answer.body.as_str()), (404, ""), "{method} {path}");
    }
    assert_eq!(listed(&emulator).await.len(), 1);
}

#[tokio::test]
async fn other_methods_are_told_which_there_are() {
    for (path, methods, possible) in [
        (ALL, [Method::PATCH, Method::PUT, Method::OPTIONS], "GET, POST, DELETE"),
        (&one("7"), [Method::POST, Method::PATCH, Method::OPTIONS], "GET, PUT, DELETE"),
        ("/webhooks/filters", [Method::POST, Method::PUT, Method::DELETE], "GET"),
    ] {
        for method in methods {
            let answer = ask(&emulator(), method, path, "").await;
            assert_eq!((answer.status(), answer.header("allow")), (405, Some(possible)), "{path}");
        }
    }
}

#[tokio::test]
async fn anything_may_stand_in_front_of_the_path() {
    let (emulator, endpoint) = (emulator(), Endpoint::new().await);
    for path in
        ["/webhooks/registrations/", "/api/webhooks/registrations", "/a/b/webhooks/registrations"]
    {
        let answer =
            ask(&emulator, Method::POST, path, wanted(&endpoint.url("/")).to_string()).await;
        assert_eq!(answer.status(), 201, "{path}");
    }
    assert_eq!(
        parsed(&ask(&emulator, Method::GET, "/api/webhooks/registrations", "").await),
        json!(listed(&emulator).await)
    );
    assert_eq!(listed(&emulator).await.len(), 3);
}

#[tokio::test]
async fn the_filters_are_listed() {
    let answer = ask(&emulator(), Method::GET, "/webhooks/filters", "").await;
    assert_eq!(answer.status(), 200);
    let filters = parsed(&answer);
    assert_eq!(filters[0], json!({"Name": "*", "Description": "Every event."}));
    assert_eq!(
        filters[4],
        json!({"Name": "CourseCompleted", "Description": "Every CourseCompleted."})
    );
    let mut names: Vec<_> =
        filters.as_array().unwrap().iter().map(|filter| filter["Name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "*",
            "CourseCompleted",
            "CourseCreated",
            "CourseDeleted",
            "CourseEnrollment",
            "CoursePublished",
            "CourseStarted",
            "CourseUnenrollment",
            "CourseUnpublished",
            "EnrollmentApprovalRequest",
            "UserCreated",
            "UserDeleted",
        ]
    );
}

#[tokio::test]
async fn answers_may_be_in_camel_case() {
    let (emulator, endpoint) = (emulator().camel_case(), Endpoint::new().await);
    let client = client_of(&emulator, API_KEY).await;
    let wanted = Registration::new(endpoint.url("/"), SECRET, [Filter::UserDeleted]).unwrap();
    let wanted = wanted.header("X-Tenant", "contoso").unwrap().send_along(r#"{"A": 1}"#).unwrap();
    let id = client.create(&wanted).await.unwrap().id().unwrap().to_owned();
    let there = json!({
        "id": id,
        "webHookUri": endpoint.url("/"),
        "secret": SECRET,
        "description": "",
        "isPaused": false,
        "filters": ["UserDeleted"],
        "headers": {"X-Tenant": "contoso"},
        "properties": {"A": 1},
    });
    assert_eq!(parsed(&ask(&emulator, Method::GET, &one(&id), "").await), there);
    assert_eq!(listed(&emulator).await, [there]);
    let filters = parsed(&ask(&emulator, Method::GET, "/webhooks/filters", "").await);
    assert_eq!(filters[0], json!({"name": "*", "description": "Every event."}));
    assert_eq!(client.list().await.unwrap()[0].properties(), r#"{"A": 1}"#);
    let refused = told_in(&ask(&emulator, Method::POST, ALL, "{}").await, "message");
    assert_eq!(refused, "The body is not a registration.");
    assert_eq!(client.filters().await.unwrap()[0], (Filter::All, "Every event.".into()));
}

/// Nothing is rewritten on its way through.
#[tokio::test]
async fn properties_come_back_as_they_were_given() {
    let (emulator, endpoint) = (emulator(), Endpoint::new().await);
    let body = |properties: &str| {
        format!(
            r#"{{"WebHookUri":"{}","Secret":"{SECRET}","Properties":{properties}}}"#,
            endpoint.url("/")
        )
    };
    let deep = format!(r#"{{"a": {}{}}}"#, "[".repeat(126), "]".repeat(126));
    for exact in [
        r#"{"z": 1, "a": 2.50}"#,
        r#"{"a": 123456789012345678901234567890}"#,
        r#"{"a": 1e999}"#,
        r#"{"a": "\ud800"}"#,
        &deep,
    ] {
        let answer = ask(&emulator, Method::POST, ALL, body(exact)).await;
        assert_eq!(answer.status(), 201, "{exact}");
        assert!(answer.body.contains(exact), "{}", answer.body);
        assert!(ask(&emulator, Method::GET, ALL, "").await.body.contains(exact), "{exact}");
    }
    assert_eq!(emulator.emit(&CourseCompleted::default()).unwrap(), 5);
}

#[tokio::test]
async fn names_may_be_asked_for_in_camel_case() {
    let (emulator, endpoint) = (emulator(), Endpoint::new().await);
    let members = [
        ("WebHookUri", json!(endpoint.url("/"))),
        ("Secret", json!(SECRET)),
        ("Description", json!("the training ledger")),
        ("IsPaused", json!(true)),
        ("Filters", json!(["CourseCompleted"])),
        ("Headers", json!({"X-Tenant": "contoso"})),
        ("Properties", json!({"A": 1})),
    ];
    let lower = |name: &str| format!("{}{}", name[..1].to_lowercase(), &name[1..]);
    let wanted: Value = members.iter().map(|(name, value)| (lower(name), value.clone())).collect();
    let id = registered(&emulator, &wanted).await;
    let there = parsed(&ask(&emulator, Method::GET, &one(&id), "").await);
    for (name, value) in members {
        assert_eq!(there[name], value, "{name}");
    }
}
