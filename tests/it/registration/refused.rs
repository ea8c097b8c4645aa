//! Every refusal: what it is called, what it says, and what it keeps to itself.

use std::time::Duration;

use axum::{Router, response::Redirect};
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
            r#"{"Message":"The following filters are not valid: 'a, b'."}"#,
            "UnknownFilters",
            "the sender does not know a filter: The following filters are not valid: 'a, b'.",
        ),
        (
            400,
            r#"{"Message":"The WebHook is invalid: The following filters are not valid: 'a'."}"#,
            "UnknownFilters",
            "the sender does not know a filter: The WebHook is invalid: The following filters are not valid: 'a'.",
        ),
        (400, r#"{"Message":"No."}"#, "Status", "the sender answered 400 Bad Request: No."),
        (400, "", "Status", "the sender answered 400 Bad Request"),
        (
            401,
            r#"{"Message":"Who are you?"}"#,
            "Unauthorized",
            "the credentials are not accepted (401 Unauthorized), check the API key: Who are you?",
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
            "no such registration, or no such API at this address: No HTTP resource.",
        ),
        (409, "", "Conflict", "it collides with another registration"),
        (
            409,
            r#"{"Message":"There is one."}"#,
            "Conflict",
            "it collides with another registration: There is one.",
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
    for said in [
        "No: WebHook verification failed (NotFound)",
        "No: the echo query parameter was not returned",
        "No: another echo query parameter was expected",
    ] {
        let error = refused(400, format!(r#"{{"Message":"{said}"}}"#)).await;
        assert_eq!(kind(&error), "EchoFailed");
        assert_eq!(error.to_string(), format!("the endpoint did not pass the echo: {said}"));
        assert!(error.source().is_none());
        let elsewhere = refused(500, format!(r#"{{"Message":"{said}"}}"#)).await;
        assert_eq!(kind(&elsewhere), "Status");
    }
}

#[tokio::test]
async fn what_the_sender_says_is_its_message() {
    for (body, told) in [
        (r#"{"message":"lower"}"#, ": lower"),
        (r#"{"Message":"upper","ExceptionMessage":"more","StackTrace":"at"}"#, ": upper"),
        (r#"{"Message":null}"#, ""),
        (r#"{"Message":7}"#, ""),
        (r#"{"Error":"x"}"#, ""),
        ("\"text\"", ""),
        ("<html>Service Unavailable</html>", ""),
    ] {
        let error = refused(503, body).await;
        assert_eq!(error.to_string(), format!("the sender answered 503 Service Unavailable{told}"));
    }
}

#[tokio::test]
async fn control_characters_and_long_texts_are_tamed() {
    let error = refused(500, r#"{"Message":"a\r\nb\u0000c\u001b[2Jd\u0085e\u007ff"}"#).await;
    let told = "the sender answered 500 Internal Server Error: a  b c [2Jd e f";
    assert_eq!(error.to_string(), told);

    let error =
        refused(500, "{\"Message\":\"a\u{2028}b\u{202e}c\u{2066}d\u{200f}e\u{61c}f\"}").await;
    assert_eq!(error.to_string(), "the sender answered 500 Internal Server Error: a b c d e f");

    let long = "å".repeat(501);
    let error = refused(500, format!(r#"{{"Message":"{long}"}}"#)).await;
    let told = format!("the sender answered 500 Internal Server Error: {}", "å".repeat(500));
    assert_eq!(error.to_string(), told);
}

#[tokio::test]
async fn a_secret_is_taken_out_however_it_is_wrapped() {
    for said in [
        "a header's value",
        r"a header's\nvalue",
        r"a header's\r\n  value",
        r"a head\ner's\tval\u0000ue",
        "aheader'svalue",
    ] {
        let wanted = wanted().header("x-kept", "a header's value").unwrap();
        let stub = Stub::playing([(500, format!(r#"{{"Message":"is {said}"}}"#))]).await;
        let error = stub.registrations().create(&wanted).await.unwrap_err();
        let told = "the sender answered 500 Internal Server Error: is [redacted]";
        assert_eq!(error.to_string(), told);
    }
}

#[tokio::test]
async fn what_went_wrong_is_known_whatever_is_cut_or_taken_out() {
    let late = format!("{}The following filters are not valid: 'a'.", "x".repeat(500));
    let error = refused(400, format!(r#"{{"Message":"{late}"}}"#)).await;
    assert_eq!(kind(&error), "UnknownFilters");

    let said = r#"{"Message":"The following filters are not valid: 'a'."}"#;
    let stub = Stub::playing([(400, said)]).await;
    let api =
        Registrations::new(&format!("http://{}", stub.address), "The following filters").unwrap();
    let error = api.create(&wanted()).await.unwrap_err();
    let told = "the sender does not know a filter: [redacted] are not valid: 'a'.";
    assert_eq!(error.to_string(), told);
}

#[tokio::test]
async fn a_secret_that_holds_another_is_taken_out_whole() {
    let longer = format!("{KEY}-and-more");
    let wanted = Registration::new(URI, &longer, [Filter::All]).unwrap();
    let stub = Stub::playing([(500, format!(r#"{{"Message":"{longer} {KEY}"}}"#))]).await;
    let error = stub.registrations().create(&wanted).await.unwrap_err();
    let told = "the sender answered 500 Internal Server Error: [redacted] [redacted]";
    assert_eq!(error.to_string(), told);
}

/// What the sender says, and what is told of it in a message and in `Debug`.
async fn assert_redacted(api: &str, said: &str, told: &str) {
    let message = serde_json::json!({ "Message": said }).to_string();
    for status in [400, 409, 500] {
        let stub = Stub::playing([(status, &message)]).await;
        let base = format!("http://{}", stub.address);
        let registrations = match api {
            "basic" => Registrations::new(&base, KEY).unwrap(),
            token => Registrations::bearer(&base, token).unwrap(),
        };
        let error = registrations.create(&wanted()).await.unwrap_err();
        assert!(error.to_string().ends_with(&format!(": {told}")), "{error}");
        let debug = format!("{error:?}");
        for kept in [KEY, ENCODED, SECRET, "a.bearer-token"] {
            assert!(!debug.contains(kept), "{debug}");
        }
    }
}

#[tokio::test]
async fn what_was_shown_to_the_sender_is_not_repeated() {
    for (said, told) in [
        (format!("key {KEY}!"), "key [redacted]!"),
        (format!("Authorization: Basic {ENCODED}"), "Authorization: Basic [redacted]"),
        (format!("Secret={SECRET}, {SECRET}"), "Secret=[redacted], [redacted]"),
        (
            format!("The following filters are not valid: '{SECRET}'."),
            "The following filters are not valid: '[redacted]'.",
        ),
        (format!("WebHook verification failed: {KEY}"), "WebHook verification failed: [redacted]"),
    ] {
        assert_redacted("basic", &said, told).await;
    }
    assert_redacted("a.bearer-token", "Bearer a.bearer-token", "Bearer [redacted]").await;
}

#[tokio::test]
async fn nor_are_the_uri_and_the_values_of_headers() {
    let wanted =
        wanted().header("x-key", "a value to keep").unwrap().header("x-short", "a").unwrap();
    let said = format!("x-key: a value to keep, x-short: a, at {URI}");
    let message = serde_json::json!({ "Message": said }).to_string();
    let stub = Stub::playing([(500, message)]).await;
    let error = stub.registrations().create(&wanted).await.unwrap_err();
    let told = "the sender answered 500 Internal Server Error: x-key: [redacted], x-short: a, at [redacted]";
    assert_eq!(error.to_string(), told);
}

#[tokio::test]
async fn nor_is_a_credential_in_them_whatever_stands_around_it() {
    const TOKEN: &str = "0123456789abcdef0123456789abcdef";
    for (uri, said, told) in [
        ("https://a/in/TOKEN", "https://a/in/TOKEN?echo=0f", "[redacted]?echo=0f"),
        ("https://a/in/TOKEN?x=y", "https://a/in/TOKEN?echo=0f", "https://a/in/[redacted]?echo=0f"),
        (
            "https://A.example/in/TOKEN",
            "https://a.example/in/TOKEN",
            "https://a.example/in/[redacted]",
        ),
        ("https://a:443/in/TOKEN", "https://a/in/TOKEN", "https://a/in/[redacted]"),
        ("https://a/in/TOKEN", "POST /in/TOKEN", "POST /in/[redacted]"),
        ("https://a/in?t=TOKEN", "query t=TOKEN.", "query t=[redacted]."),
        ("https://a/in/%54-TOKEN", "no T-TOKEN here", "no [redacted] here"),
        ("https://a/in", "no bearer-TOKEN here", "no [redacted] here"),
    ] {
        let [uri, said] = [uri, said].map(|text| text.replace("TOKEN", TOKEN));
        let bearer = format!("Bearer bearer-{TOKEN}");
        let wanted = Registration::new(&uri, SECRET, [Filter::All]).unwrap();
        let wanted = wanted.header("authorization", &bearer).unwrap();
        let message = serde_json::json!({ "Message": said }).to_string();
        let stub = Stub::playing([(500, message)]).await;
        let error = stub.registrations().create(&wanted).await.unwrap_err();
        let shown = format!("the sender answered 500 Internal Server Error: {told}");
        assert_eq!(error.to_string(), shown, "{uri}");
    }
}

#[tokio::test]
async fn nothing_of_a_secret_is_left_where_a_text_is_cut() {
    let filler = "x".repeat(495);
    for shown in [KEY, ENCODED, SECRET] {
        assert_redacted("basic", &format!("{filler}{shown}"), &format!("{filler}[reda")).await;
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
    let told = "the sender does not know a filter: The WebHook cannot be registered: The following filters are not valid: 'Nope'.";
    assert_eq!(error.to_string(), told);

    let error = api.ensure(&at(Filter::All)).await.unwrap_err();
    assert!(matches!(error, RegistrationError::EchoFailed(_)), "{error:?}");
    let told = "the endpoint did not pass the echo: The WebHook cannot be registered: WebHook verification failed: the answer is 404 Not Found";
    assert_eq!(error.to_string(), told);

    for refused in [api.get("7e1b").await.map(drop), api.delete("7e1b").await] {
        let error = refused.unwrap_err();
        assert!(matches!(error, RegistrationError::NotFound(_)), "{error:?}");
    }
    assert!(api.list().await.unwrap().is_empty());
}
