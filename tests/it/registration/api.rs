//! Each request as it is sent, and what a good answer is read as.

use std::future::Future;

use serde_json::{Value, json};
use tower_webhook::providers::learn365::{
    Filter, Registration, RegistrationClient, RegistrationError,
};

use super::*;
use crate::support::OTHER_SECRET;

/// Of a text, since features of `serde_json` decide how `1.50` compares.
const PROPERTIES: &str = r#"{"Region": "north", "Deep": [1.50, {"A": null}]}"#;

/// A registration as the sender writes it.
fn written() -> Value {
    json!({
        "Id": "7e1b",
        "WebHookUri": URI,
        "Secret": SECRET,
        "Description": "the ledger",
        "IsPaused": false,
        "Filters": ["CourseCompleted", "TrainingPlanned"],
        "Headers": {"X-Environment": "production"},
        "Properties": serde_json::from_str::<Value>(PROPERTIES).unwrap(),
    })
}

/// The same, where a setting of the sender's host names the members in camelCase.
fn written_in_camel_case() -> Value {
    json!({
        "id": "7e1b",
        "webHookUri": URI,
        "secret": SECRET,
        "description": "the ledger",
        "isPaused": false,
        "filters": ["CourseCompleted", "TrainingPlanned"],
        "headers": {"X-Environment": "production"},
        "properties": serde_json::from_str::<Value>(PROPERTIES).unwrap(),
    })
}

/// What is asked for to get that.
fn asked_for() -> Registration {
    let filters = [Filter::CourseCompleted, Filter::Other("TrainingPlanned".into())];
    Registration::new(URI, SECRET, filters)
        .unwrap()
        .described_as("the ledger")
        .header("X-Environment", "production")
        .unwrap()
        .send_along(PROPERTIES)
        .unwrap()
}

#[track_caller]
fn assert_read(registration: &Registration) {
    assert_eq!((registration.id(), registration.uri()), (Some("7e1b"), URI));
    assert_eq!((registration.description(), registration.is_paused()), ("the ledger", false));
    let filters = [Filter::CourseCompleted, Filter::Other("TrainingPlanned".into())];
    assert_eq!(registration.filters(), filters);
    let headers = [("X-Environment", "production")];
    assert_eq!(registration.headers().collect::<Vec<_>>(), headers);
    let properties: Value = registration.properties().parse().unwrap();
    assert_eq!(properties, written()["Properties"]);
}

/// `value` with the member `name` replaced, or removed.
fn with(mut value: Value, name: &str, member: impl Into<Option<Value>>) -> Value {
    let members = value.as_object_mut().unwrap();
    match member.into() {
        Some(member) => members.insert(name.into(), member),
        None => members.remove(name),
    };
    value
}

#[tokio::test]
async fn create_posts_all_that_is_wanted() {
    let stub = Stub::playing([(201, written().to_string())]).await;
    let created = stub.registrations().create(&asked_for()).await.unwrap();
    assert_read(&created);
    let asked = stub.only();
    assert_eq!(asked.line(), "POST /webhooks/registrations/");
    assert_eq!(asked.header("authorization"), Some(&*format!("Basic {ENCODED}")));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(asked.header("accept"), Some("application/json"));
    assert_eq!(asked.header("host"), Some(&*stub.address.to_string()));
    assert_eq!(asked.json(), with(written(), "Id", None));
    let text = std::str::from_utf8(asked.0.body()).unwrap();
    assert!(text.contains(PROPERTIES), "{text}");
}

#[tokio::test]
async fn create_posts_all_seven_members_where_little_is_wanted() {
    let stub = Stub::playing([(200, written().to_string())]).await;
    let wanted = Registration::new(URI, SECRET, [Filter::All]).unwrap().paused();
    assert_read(&stub.registrations().create(&wanted).await.unwrap());
    let expected = json!({
        "WebHookUri": URI,
        "Secret": SECRET,
        "Description": "",
        "IsPaused": true,
        "Filters": ["*"],
        "Headers": {},
        "Properties": {},
    });
    assert_eq!(stub.only().json(), expected);
}

/// The one request that `ask` makes: it has no body, and says so.
async fn without_a_body<T, F>(
    answer: &str,
    ask: impl FnOnce(RegistrationClient) -> F,
) -> (String, T)
where
    F: Future<Output = Result<T, RegistrationError>>,
{
    let stub = Stub::playing([(200, answer)]).await;
    let result = ask(stub.registrations()).await.unwrap();
    let asked = stub.only();
    assert_eq!(asked.0.body(), "");
    assert_eq!(asked.header("content-type"), None);
    assert_eq!(asked.header("authorization"), Some(&*format!("Basic {ENCODED}")));
    (asked.line(), result)
}

#[tokio::test]
async fn reading_is_a_get() {
    let answer = written().to_string();
    let (line, one) = without_a_body(&answer, async |api| api.get("7e1b").await).await;
    assert_eq!(line, "GET /webhooks/registrations/7e1b");
    assert_read(&one);

    let answer = json!([written(), with(written(), "Id", json!("9c"))]).to_string();
    let (line, all) = without_a_body(&answer, async |api| api.list().await).await;
    assert_eq!(line, "GET /webhooks/registrations");
    assert_read(&all[0]);
    assert_eq!(all[1..].iter().map(Registration::id).collect::<Vec<_>>(), [Some("9c")]);

    let (_, none) = without_a_body("[]", async |api| api.list().await).await;
    assert!(none.is_empty());
}

#[tokio::test]
async fn deleting_is_a_delete_of_one_or_of_all() {
    let (line, ()) = without_a_body("", async |api| api.delete("7e-1_B").await).await;
    assert_eq!(line, "DELETE /webhooks/registrations/7e-1_B");
    let (line, ()) = without_a_body("", async |api| api.delete_all().await).await;
    assert_eq!(line, "DELETE /webhooks/registrations");
}

#[tokio::test]
async fn the_filters_are_listed_with_their_descriptions() {
    let answer = r#"[
        {"Name": "*", "Description": "All."},
        {"name": "coursecompleted", "description": "One."},
        {"Name": "TrainingPlanned", "Description": null, "Since": 2024},
        {"Name": "UserCreated"}
    ]"#;
    let (line, filters) = without_a_body(answer, async |api| api.filters().await).await;
    assert_eq!(line, "GET /webhooks/filters");
    let expected = [
        (Filter::All, "All.".into()),
        (Filter::CourseCompleted, "One.".into()),
        (Filter::Other("TrainingPlanned".into()), String::new()),
        (Filter::UserCreated, String::new()),
    ];
    assert_eq!(filters, expected);
}

#[tokio::test]
async fn update_puts_what_is_wanted_with_the_id() {
    for (status, answer) in [(200, ""), (204, ""), (200, "{}"), (200, "done")] {
        let stub = Stub::playing([(status, answer)]).await;
        stub.registrations().update("7e1b", &asked_for()).await.unwrap();
        assert_eq!(stub.only().line(), "PUT /webhooks/registrations/7e1b");
        assert_eq!(stub.only().header("content-type"), Some("application/json"));
        assert_eq!(stub.only().json(), written());
    }
}

#[tokio::test]
async fn an_update_is_of_the_id_that_is_given() {
    let stub = Stub::playing([(200, written().to_string()), (200, String::new())]).await;
    let read = stub.registrations().get("7e1b").await.unwrap();
    stub.registrations().update("9c", &read).await.unwrap();
    assert_eq!(stub.asked()[1].line(), "PUT /webhooks/registrations/9c");
    assert_eq!(stub.asked()[1].json(), with(written(), "Id", json!("9c")));
}

#[tokio::test]
async fn a_pause_changes_nothing_else() {
    let asked = ["GET /webhooks/registrations/7e1b", "PUT /webhooks/registrations/7e1b"];
    let paused = with(written(), "IsPaused", json!(true));
    for there in [written(), written_in_camel_case()] {
        let stub = Stub::playing([(200, there.to_string()), (200, String::new())]).await;
        stub.registrations().pause("7e1b").await.unwrap();
        assert_eq!(stub.lines(), asked);
        assert_eq!(stub.asked()[1].json(), paused);
    }
    let stub = Stub::playing([(200, paused.to_string()), (200, String::new())]).await;
    stub.registrations().resume("7e1b").await.unwrap();
    assert_eq!(stub.lines(), asked);
    assert_eq!(stub.asked()[1].json(), written());
}

#[tokio::test]
async fn a_pause_that_is_there_already_is_left_alone() {
    let paused = with(written(), "IsPaused", json!(true));
    let stub =
        Stub::playing([(200, paused), (200, written())].map(|(s, b)| (s, b.to_string()))).await;
    stub.registrations().pause("7e1b").await.unwrap();
    stub.registrations().resume("7e1b").await.unwrap();
    assert_eq!(stub.lines(), ["GET /webhooks/registrations/7e1b"; 2]);
}

#[tokio::test]
async fn a_pause_needs_the_secret() {
    let starred = "*".repeat(40);
    for kept_back in [Value::Null, "".into(), starred.into()] {
        kept_back_secret(kept_back).await;
    }
}

async fn kept_back_secret(kept_back: Value) {
    let stub = Stub::playing([(200, with(written(), "Secret", kept_back).to_string())]).await;
    let error = stub.registrations().pause("7e1b").await.unwrap_err();
    assert_eq!(error.to_string(), "the secret is missing");
    assert!(matches!(error, RegistrationError::Invalid(_)), "{error:?}");
    assert_eq!(stub.lines(), ["GET /webhooks/registrations/7e1b"]);
}

#[tokio::test]
async fn a_bearer_token_is_shown_as_it_is() {
    let stub = Stub::playing([(200, "[]")]).await;
    let base = format!("http://{}", stub.address);
    RegistrationClient::bearer(&base, "a.token").unwrap().list().await.unwrap();
    assert_eq!(stub.only().header("authorization"), Some("Bearer a.token"));
}

#[tokio::test]
async fn a_base_may_have_a_path() {
    for (path, asked) in [
        ("", "GET /webhooks/filters"),
        ("/", "GET /webhooks/filters"),
        ("/tenant/api", "GET /tenant/api/webhooks/filters"),
        ("/tenant/api/", "GET /tenant/api/webhooks/filters"),
    ] {
        let stub = Stub::playing([(200, "[]")]).await;
        let base = format!("http://{}{path}", stub.address);
        RegistrationClient::new(&base, KEY).unwrap().filters().await.unwrap();
        assert_eq!(stub.lines(), [asked]);
    }
}

#[tokio::test]
async fn pascal_case_and_camel_case_are_read_alike() {
    let all = json!([written(), written_in_camel_case()]).to_string();
    let stub = Stub::playing([(200, all)]).await;
    for read in stub.registrations().list().await.unwrap() {
        assert_read(&read);
    }
}

#[tokio::test]
async fn what_others_registered_oddly_does_no_harm() {
    let properties: serde_json::Map<String, Value> =
        (0..2_000).map(|n| (format!("p{n}"), n.into())).collect();
    let many = with(written(), "Properties", Value::from(properties));
    let nowhere = with(written(), "WebHookUri", None);
    let odd = with(written(), "Headers", json!({"x-a": null, "x-b": "1"}));
    let all = json!([nowhere, many, odd]).to_string();
    let stub = Stub::playing([(200, all), (200, many.to_string()), (200, String::new())]).await;
    let [many, odd] = <[_; 2]>::try_from(stub.registrations().list().await.unwrap()).unwrap();
    assert_eq!(odd.headers().collect::<Vec<_>>(), [("x-b", "1")]);
    assert!(many.properties().len() > 2_000 * "\"p0\":0".len(), "{}", many.properties().len());

    stub.registrations().pause("7e1b").await.unwrap();
    let written = stub.asked()[2].json();
    assert_eq!(written["Properties"].as_object().unwrap().len(), 2_000);
}

#[tokio::test]
async fn what_the_sender_would_refuse_is_not_sent() {
    let bare = json!({"Id": "7e1b", "WebHookUri": URI, "Secret": SECRET}).to_string();
    let stub = Stub::playing([(200, bare)]).await;
    let api = stub.registrations();
    let bare = api.get("7e1b").await.unwrap();
    for refused in [api.create(&bare).await.map(drop), api.update("7e1b", &bare).await] {
        let error = refused.unwrap_err();
        assert!(matches!(error, RegistrationError::Invalid(_)), "{error:?}");
        assert_eq!(error.to_string(), "no filter is given: use `Filter::All` for all events");
    }
    assert_eq!(stub.lines().len(), 1);
}

#[tokio::test]
async fn what_is_null_or_missing_is_empty() {
    let bare = json!({"Id": "7e1b", "WebHookUri": URI});
    let mut nulls = written();
    for name in ["Secret", "Description", "IsPaused", "Filters", "Headers", "Properties"] {
        nulls = with(nulls, name, Value::Null);
    }
    let more = with(bare.clone(), "LastModified", json!({"By": 7}));
    let stub = Stub::playing([(200, json!([bare, nulls, more]).to_string())]).await;
    let all = stub.registrations().list().await.unwrap();
    assert_eq!(all.len(), 3);
    for read in all {
        assert_eq!((read.id(), read.uri(), read.description()), (Some("7e1b"), URI, ""));
        assert_eq!((read.is_paused(), read.filters()), (false, &[][..]));
        assert_eq!((read.headers().count(), read.properties()), (0, "{}"));
    }
}

#[tokio::test]
async fn what_the_client_would_not_ask_for_is_read_all_the_same() {
    let odd = json!({
        "Id": "7e1b",
        "WebHookUri": "ftp://example.com",
        "Secret": "short",
        "Headers": {"ms-signature": "å"},
    });
    let stub = Stub::playing([(200, odd.to_string())]).await;
    let read = stub.registrations().get("7e1b").await.unwrap();
    assert_eq!(read.uri(), "ftp://example.com");
    assert_eq!(read.headers().collect::<Vec<_>>(), [("ms-signature", "å")]);
}

#[tokio::test]
async fn an_id_that_could_name_something_else_is_refused_unsent() {
    let stub = Stub::playing::<&str>([]).await;
    let (api, wanted) = (stub.registrations(), asked_for());
    for id in
        ["", ".", "..", "/", "a/b", "../filters", "a?b", "a#b", "%2e%2e", "a b", "a\r\nb", "é"]
    {
        for refused in [
            api.get(id).await.map(drop),
            api.update(id, &wanted).await,
            api.pause(id).await,
            api.resume(id).await,
            api.delete(id).await,
        ] {
            let error = refused.unwrap_err();
            assert!(matches!(error, RegistrationError::Invalid(_)), "{error:?}");
            let why = "an id of a registration is made of `A-Z`, `a-z`, `0-9`, `-` and `_`";
            assert_eq!(error.to_string(), why);
        }
    }
    assert_eq!(stub.lines(), [""; 0]);
}

#[tokio::test]
async fn a_new_secret_is_what_is_sent() {
    let stub = Stub::playing([(200, "")]).await;
    let other = Registration::new(URI, OTHER_SECRET, [Filter::All]).unwrap();
    stub.registrations().update("7e1b", &other).await.unwrap();
    assert_eq!(stub.only().json()["Secret"], OTHER_SECRET);
}
