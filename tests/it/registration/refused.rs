//! Every refusal: what it is called, what it says, and what it keeps to itself.

use std::time::Duration;

use axum::{Router, response::Redirect};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use tower_webhook::providers::learn365::RegistrationError;

use super::*;
use crate::support::url;

/// What comes of registering where the sender answers like this.
async fn refused(status: u16, body: impl Into<String>) -> RegistrationError {
    let stub = Stub::playing([(status, body)]).await;
    let error = stub.registrations().create(&wanted()).await.unwrap_err();
    assert_eq!(stub.lines(), ["POST /webhooks/registrations/"]);
    error
}

/// The name of its variant.
fn kind(error: &RegistrationError) -> String {
    let debug = format!("{error:?}");
    debug.split('(').next().unwrap().to_owned()
}

#[tokio::test]
async fn each_status_has_its_words() {
    for (status, body, name, told) in [
        (
            400,
            r#"{"Message":"The following filters are not valid: 'CourseCompleted'."}"#,
            "UnknownFilters",
            "the sender does not know the filters `CourseCompleted`: `RegistrationClient::filters` lists those that it knows",
        ),
        (
            400,
            r#"{"Message":"The WebHook is invalid: The following filters are not valid: 'a'."}"#,
            "UnknownFilters",
            "the sender does not know some of the filters: `RegistrationClient::filters` lists those that it knows",
        ),
        (400, r#"{"Message":"No."}"#, "Status", "the sender answered 400 Bad Request"),
        (400, "", "Status", "the sender answered 400 Bad Request"),
        (
            401,
            r#"{"Message":"Who are you?"}"#,
            "Unauthorized",
            "the credentials are not accepted (401 Unauthorized), check the API key",
        ),
        (
            403,
            "",
            "Unauthorized",
            "the credentials are not accepted (403 Forbidden), check the API key",
        ),
        (404, "", "NotFound", "no such registration, or no such API at this address"),
        (
            404,
            r#"{"Message":"No HTTP resource."}"#,
            "NotFound",
            "no such registration, or no such API at this address",
        ),
        (409, "", "Conflict", "it conflicts with another registration"),
        (
            409,
            r#"{"Message":"There is one."}"#,
            "Conflict",
            "it conflicts with another registration",
        ),
        (
            500,
            r#"{"Message":"An error has occurred."}"#,
            "Status",
            "the sender answered 500 Internal Server Error: An error has occurred.",
        ),
        (500, "", "Status", "the sender answered 500 Internal Server Error"),
        (429, "{}", "Status", "the sender answered 429 Too Many Requests"),
    ] {
        let error = refused(status, body).await;
        assert_eq!((&*kind(&error), &*error.to_string()), (name, told));
        assert!(error.source().is_none(), "{error:?}");
    }
}

#[tokio::test]
async fn each_sentence_for_a_failed_echo_is_recognised() {
    let other = "the endpoint did not pass the echo: the answer is not exactly the value of `echo`";
    for (said, told) in [
        ("No: WebHook verification failed", "the endpoint did not pass the echo"),
        (
            "WebHook verification failed. Error encountered: NotFound",
            "the endpoint did not pass the echo: Not Found",
        ),
        (
            "WebHook verification failed: the answer is 502 Bad Gateway",
            "the endpoint did not pass the echo: Bad Gateway",
        ),
        (
            "WebHook verification failed: no answer in time",
            "the endpoint did not pass the echo: no answer in time",
        ),
        ("No: the echo query parameter was not returned", other),
        ("No: another echo query parameter was expected", other),
    ] {
        let error = refused(400, format!(r#"{{"Message":"{said}"}}"#)).await;
        assert_eq!((&*kind(&error), &*error.to_string()), ("EchoFailed", told));
        assert!(error.source().is_none());
        let elsewhere = refused(500, format!(r#"{{"Message":"{said}"}}"#)).await;
        assert_eq!(kind(&elsewhere), "Status");
    }
}

#[tokio::test]
async fn the_filters_that_are_unknown_are_named() {
    let asked = ["Course", "Course.Planned", "User\u{1b}[2J", "UserPlanned", "*"];
    for (said, told) in [
        ("'Course'", "the filters `Course`"),
        ("'Course, *'", "the filters `Course`, `*`"),
        ("'Course.Planned2', aUserPlanned", "some of the filters"),
        ("&#39;UserPlanned&#39;", "the filters `UserPlanned`"),
        ("'User\u{1b}[2J'", r"the filters `User\u{1b}[2J`"),
        ("'Nobody asked for this'", "some of the filters"),
        ("", "some of the filters"),
    ] {
        let wanted = Registration::new(URI, SECRET, asked.map(Filter::named)).unwrap();
        let message = format!("UserPlanned: The following filters are not valid: {said}.");
        let message = serde_json::json!({ "Message": message }).to_string();
        let stub = Stub::playing([(400, message)]).await;
        let error = stub.registrations().create(&wanted).await.unwrap_err();
        let told = format!(
            "the sender does not know {told}: `RegistrationClient::filters` lists those that it knows"
        );
        assert_eq!(error.to_string(), told, "{said}");
    }
}

#[tokio::test]
async fn a_known_sentence_is_found_in_the_message_only() {
    let known = ": An error has occurred.";
    for (body, told) in [
        (r#"{"message":"An error has occurred."}"#, known),
        (r#"{"Message":"Sorry. An error has occurred. Again.","StackTrace":"at"}"#, known),
        (r#"{"Message":null}"#, ""),
        (r#"{"Message":7}"#, ""),
        (r#"{"Error":"An error has occurred."}"#, ""),
        ("\"An error has occurred.\"", ""),
        ("<html>An error has occurred.</html>", ""),
    ] {
        let error = refused(503, body).await;
        assert_eq!(error.to_string(), format!("the sender answered 503 Service Unavailable{told}"));
    }
}

/// `text` as senders write what they repeat: escaped for HTML, a URL or JSON, cut short, in other letters, encoded.
fn spellings(text: &str) -> Vec<String> {
    let each = |spelt: fn(char) -> String| text.chars().map(spelt).collect::<String>();
    let (most, _) = text.split_at(text.len() - 2);
    vec![
        text.into(),
        each(|c| format!("&#x{:x};", u32::from(c))),
        each(|c| format!("%{:02x}", u32::from(c))),
        each(|c| format!("\\u{:04x}", u32::from(c))),
        most.into(),
        text.to_uppercase(),
        BASE64.encode(text),
        text.chars().rev().collect(),
    ]
}

#[tokio::test]
async fn nothing_that_was_shown_to_the_sender_is_repeated_in_any_spelling() {
    const TOKEN: &str = "a-token-in-the-path";
    const VALUE: &str = "a header's value";
    let uri = format!("https://example.com/hooks/{TOKEN}");
    for spelt in [KEY, ENCODED, SECRET, TOKEN, VALUE].into_iter().flat_map(spellings) {
        for (status, said) in [
            (400, spelt.clone()),
            (400, format!("The following filters are not valid: '{spelt}'.")),
            (400, format!("WebHook verification failed: {spelt}")),
            (400, format!("the echo query parameter {spelt}")),
            (401, spelt.clone()),
            (404, spelt.clone()),
            (409, spelt.clone()),
            (500, format!("An error has occurred. {spelt}")),
        ] {
            let message = serde_json::json!({ "Message": said }).to_string();
            let stub = Stub::playing([(status, message)]).await;
            let wanted = Registration::new(&uri, SECRET, [Filter::CourseCompleted]).unwrap();
            let wanted = wanted.header("x-key", VALUE).unwrap();
            let error = stub.registrations().create(&wanted).await.unwrap_err();
            for told in [error.to_string(), format!("{error:?}")] {
                assert!(!told.contains(&spelt), "{told}");
            }
        }
    }
}

#[tokio::test]
async fn a_success_that_cannot_be_read_is_told() {
    for (body, told) in [
        ("", "the sender's answer is not a registration"),
        ("<html>Welcome</html>", "the sender's answer is not a registration"),
        ("{}", "the sender's answer is not a registration"),
        ("[]", "the sender's answer is not a registration"),
        (r#"["7","https://example.com"]"#, "the sender's answer is not a registration"),
        (r#"{"Id":7,"WebHookUri":"x"}"#, "the sender's answer is not a registration"),
        (
            r#"{"WebHookUri":"https://example.com"}"#,
            "the sender's answer is a registration without an id",
        ),
        (
            r#"{"Id":null,"WebHookUri":"https://example.com"}"#,
            "the sender's answer is a registration without an id",
        ),
        (
            r#"{"Id":"","WebHookUri":"https://example.com"}"#,
            "the sender's answer is a registration without an id",
        ),
        (
            r#"{"Id":"a/b","WebHookUri":"https://example.com"}"#,
            "the sender's answer is a registration without an id",
        ),
    ] {
        let error = refused(200, body).await;
        assert!(matches!(error, RegistrationError::Answer(_)), "{error:?}");
        assert_eq!(error.to_string(), told);
        assert!(error.source().is_none());
    }
    for answer in ["{}", r#"[{"Id":7}]"#, r#"[["7","https://example.com"]]"#] {
        let stub = Stub::playing([(200, answer)]).await;
        let told = "the sender's answer is not a list of registrations";
        assert_eq!(stub.registrations().list().await.unwrap_err().to_string(), told);
    }
    for answer in ["{}", r#"[["CourseCompleted","A course is completed."]]"#] {
        let stub = Stub::playing([(200, answer)]).await;
        let told = "the sender's answer is not a list of filters";
        assert_eq!(stub.registrations().filters().await.unwrap_err().to_string(), told);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Stub::playing([(200, "")]).await;
    let to = url(elsewhere.address, "/webhooks/registrations/").to_string();
    for (status, redirect) in [
        ("303 See Other", Redirect::to(&to)),
        ("307 Temporary Redirect", Redirect::temporary(&to)),
        ("308 Permanent Redirect", Redirect::permanent(&to)),
    ] {
        let api = registrations(serve(Router::new().fallback(async || redirect)).await);
        for refused in [api.list().await.map(drop), api.create(&wanted()).await.map(drop)] {
            assert_eq!(refused.unwrap_err().to_string(), format!("the sender answered {status}"));
        }
    }
    let error = refused(302, "").await;
    assert_eq!(error.to_string(), "the sender answered 302 Found");
    assert_eq!(elsewhere.lines(), [""; 0]);
}

#[tokio::test]
async fn an_answer_of_more_than_a_mebibyte_is_refused() {
    let answer = |length: usize| {
        let registration = format!(r#"{{"Id":"7e1b","WebHookUri":"{URI}"}}"#);
        (201, registration.clone() + &" ".repeat(length - registration.len()))
    };
    let stub = Stub::playing([answer(1024 * 1024), answer(1024 * 1024 + 1)]).await;
    let api = stub.registrations();
    assert_eq!(api.create(&wanted()).await.unwrap().id(), Some("7e1b"));
    let error = api.create(&wanted()).await.unwrap_err();
    assert!(matches!(error, RegistrationError::Answer(_)), "{error:?}");
    assert_eq!(error.to_string(), "the sender's answer is longer than 1 MiB");
    let stub = Stub::playing([answer(1024 * 1024 + 1)]).await;
    stub.registrations().list().await.unwrap_err();
    assert_eq!(stub.lines().len(), 1);
}

#[tokio::test]
async fn without_an_answer_in_time() {
    // Whoever connects waits to be accepted.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = registrations(listener.local_addr().unwrap()).timeout(Duration::from_millis(50));
    let error = api.create(&wanted()).await.unwrap_err();
    assert!(matches!(error, RegistrationError::Timeout), "{error:?}");
    assert_eq!(error.to_string(), "no answer in time");
    assert!(error.source().is_none());
}

#[tokio::test]
async fn where_nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = registrations(listener.local_addr().unwrap());
    drop(listener);
    let error = api.create(&wanted()).await.unwrap_err();
    assert!(matches!(error, RegistrationError::Connection(_)), "{error:?}");
    assert_eq!(error.to_string(), "the sender's API could not be reached");
    let io: &std::io::Error = root_cause(&error).downcast_ref().unwrap();
    assert_eq!(io.kind(), std::io::ErrorKind::ConnectionRefused);
    for kept in [KEY, ENCODED, SECRET, "/webhooks", URI] {
        assert!(!format!("{error:?}").contains(kept), "{error:?}");
    }
}

#[tokio::test]
async fn by_the_emulator() {
    let (_, api) = emulated().await;
    let receiver = serve(Router::new()).await;
    let at =
        |filter| Registration::new(url(receiver, "/hook").to_string(), SECRET, [filter]).unwrap();
    let error = api.create(&at(Filter::named("Nope"))).await.unwrap_err();
    assert!(matches!(error, RegistrationError::UnknownFilters(_)), "{error:?}");
    let told = "the sender does not know the filters `Nope`: `RegistrationClient::filters` lists those that it knows";
    assert_eq!(error.to_string(), told);

    let error = api.ensure(&at(Filter::All)).await.unwrap_err();
    assert!(matches!(error, RegistrationError::EchoFailed(_)), "{error:?}");
    let told = "the endpoint did not pass the echo: Not Found";
    assert_eq!(error.to_string(), told);

    let elsewhere = Registration::new("http://192.0.2.1/", SECRET, [Filter::All]).unwrap();
    let error = api.create(&elsewhere).await.unwrap_err();
    let told = "the sender answered 400 Bad Request: this emulator sends to its own machine only";
    assert_eq!(error.to_string(), told);

    for refused in [api.get("7e1b").await.map(drop), api.delete("7e1b").await] {
        let error = refused.unwrap_err();
        assert!(matches!(error, RegistrationError::NotFound), "{error:?}");
    }
    assert!(api.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_client_knows_what_the_emulator_says_of_an_echo() {
    let (_, api) = emulated().await;
    for (name, value, length, told) in [
        ("content-encoding", "gzip", 4, "the answer is compressed"),
        (
            "content-type",
            "text/plain; charset=ascii",
            4,
            "the charset of the answer is not plainly `utf-8`",
        ),
        ("x-a", "b", 4, "the answer is not exactly the value of `echo`"),
        ("x-a", "b", 1024 * 1024, "the answer is too long"),
        ("location", "http://192.0.2.1/", 4, "the target is not on this machine"),
    ] {
        let status = if name == "location" { StatusCode::FOUND } else { StatusCode::OK };
        let answer = move || async move { (status, [(name, value)], "x".repeat(length)) };
        let receiver = serve(Router::new().fallback(answer)).await;
        let uri = url(receiver, "/hook").to_string();
        let wanted = Registration::new(uri, SECRET, [Filter::All]).unwrap();
        let error = api.create(&wanted).await.unwrap_err();
        assert_eq!(error.to_string(), format!("the endpoint did not pass the echo: {told}"));
    }
}
