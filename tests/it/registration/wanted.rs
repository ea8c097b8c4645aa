//! What may be asked for, and what is refused before anything is sent.

use tower_webhook::{
    Event,
    error::ConfigError,
    providers::learn365::{CourseCompleted, Filter, Registration, UserDeleted},
};

use super::{URI, wanted};
use crate::support::{SECRET, Traces, nested};

#[track_caller]
fn assert_refused(refused: Result<Registration, ConfigError>, why: &str) {
    assert_eq!(refused.unwrap_err().to_string(), why);
}

fn at(uri: &str) -> Result<Registration, ConfigError> {
    Registration::new(uri, SECRET, [Filter::All])
}

fn under(secret: impl AsRef<str>) -> Result<Registration, ConfigError> {
    Registration::new(URI, secret, [Filter::All])
}

#[test]
fn a_new_registration_is_as_it_was_given() {
    let filters = [Filter::UserCreated, Filter::Other("TrainingPlanned".into())];
    let plain = Registration::new(URI, SECRET, filters.clone()).unwrap();
    assert_eq!((plain.id(), plain.uri(), plain.description()), (None, URI, ""));
    assert_eq!((plain.is_paused(), plain.filters()), (false, &filters[..]));
    assert_eq!((plain.headers().count(), plain.properties()), (0, "{}"));

    let full = plain
        .described_as("the ledger")
        .paused()
        .header("X-Environment", "production, north")
        .unwrap()
        .send_along(" {\"region\": [1]}\n")
        .unwrap();
    assert_eq!((full.description(), full.is_paused()), ("the ledger", true));
    assert_eq!(full.headers().collect::<Vec<_>>(), [("X-Environment", "production, north")]);
    assert_eq!(full.properties(), r#"{"region": [1]}"#);
}

#[test]
fn a_uri_that_is_not_absolute_is_refused() {
    for uri in [
        "",
        "/hooks/learn365",
        "example.com",
        "example.com/hooks",
        "//example.com/hooks",
        "https:/example.com",
        "https://",
        "https:///hooks",
        "ftp://example.com/hooks",
        "file:///hooks",
        "wss://example.com/hooks",
        "https://example.com/a b",
        " https://example.com/",
        "https://example.com/\n",
    ] {
        let why = "the URI is not absolute, or does not begin with `http://` or `https://`";
        assert_refused(at(uri), why);
    }
}

#[test]
fn a_uri_is_kept_as_it_was_written() {
    for uri in [
        "https://example.com",
        "HTTPS://Example.com/Hooks/",
        "http://example.com:8080/a/..b/.c",
        "https://user:password@[::1]/%C3%A5?a=b",
    ] {
        assert_eq!(at(uri).unwrap().uri(), uri);
    }
}

#[test]
fn a_secret_that_the_sender_would_not_take_is_refused() {
    let odd = |count| format!("the secret has {count} characters, and the sender takes 32 to 64");
    for (secret, why) in [
        (String::new(), "the secret is empty".into()),
        (
            format!("{SECRET}\n"),
            "the secret ends in a line break: remove it where the secret is stored".into(),
        ),
        ("x".into(), "the secret has 1 character, and the sender takes 32 to 64".into()),
        ("x".repeat(31), odd(31)),
        ("å".repeat(31), odd(31)),
        (format!("{}x", "🔑".repeat(15)), odd(31)),
        ("x".repeat(65), odd(65)),
        ("å".repeat(65), odd(65)),
        (format!("{}x", "🔑".repeat(32)), odd(65)),
    ] {
        assert_refused(under(&secret), &why);
    }
}

#[test]
fn a_doubtful_secret_is_warned_of_once() {
    let traces = Traces::here();
    drop(under(format!("'{SECRET}'")).unwrap().paused());
    let told = "WARN message=learn365 registration: the secret is in quotes, which were kept";
    assert_eq!(traces.seen(), [told]);
}

#[test]
fn a_secret_of_32_to_64_characters_is_accepted() {
    for secret in [
        "x".repeat(32),
        "x".repeat(64),
        "鍵".repeat(32),
        "鍵".repeat(64),
        "🔑".repeat(16),
        "🔑".repeat(32),
    ] {
        under(secret).unwrap();
    }
}

#[test]
fn without_a_filter_it_is_refused() {
    let none = Registration::new(URI, SECRET, []);
    assert_refused(none, "no filter is given: use `Filter::All` for all events");
}

#[test]
fn a_header_that_cannot_be_sent_is_refused() {
    for (name, value, why) in [
        ("", "x", "this is not the name of a header"),
        ("x y", "x", "this is not the name of a header"),
        ("x:", "x", "this is not the name of a header"),
        ("å", "x", "this is not the name of a header"),
        ("X-A", "a\r\nb: c", "the value of header `x-a` is not made of visible ASCII"),
        ("x-a", "å", "the value of header `x-a` is not made of visible ASCII"),
        ("x-a", "a\tb", "the value of header `x-a` is not made of visible ASCII"),
        ("x-a", "\u{7f}", "the value of header `x-a` is not made of visible ASCII"),
    ] {
        assert_refused(wanted().header(name, value), why);
    }
}

#[test]
fn a_header_of_the_senders_own_is_refused_in_any_case() {
    for name in [
        "ms-signature",
        "MS-Signature",
        "content-type",
        "Content-Type",
        "content-encoding",
        "CONTENT-ENCODING",
        "Content-Length",
        "host",
        "Transfer-Encoding",
    ] {
        let lower = name.to_ascii_lowercase();
        let why = format!(
            "header `{lower}` is set by the sender itself: with another value, deliveries would fail"
        );
        assert_refused(wanted().header(name, "x"), &why);
    }
    wanted().header("x-ms-signature", "x").unwrap();
}

#[test]
fn what_is_no_object_cannot_be_sent_along() {
    for json in ["", "[]", "null", "\"{}\"", "{", "{} {}", "{}x", "{'a':1}", "{\"a\":1,}"] {
        assert_refused(
            wanted().send_along(json),
            "the properties to be sent along are not a JSON object",
        );
    }
}

#[test]
fn what_no_receiver_decodes_cannot_be_sent_along() {
    for levels in [128, 50_000] {
        let why = "the properties are nested more than 127 deep";
        assert_refused(wanted().send_along(&nested(levels)), why);
    }
    wanted().send_along(&nested(127)).unwrap();
}

#[test]
fn a_uri_with_a_query_is_warned_of_once() {
    let traces = Traces::here();
    at("https://example.com/hooks").unwrap();
    assert!(traces.seen().is_empty(), "{:?}", traces.seen());
    drop(at("https://example.com/hooks?tenant=7").unwrap().described_as("x").paused());
    let warning = "WARN message=the echo request will not have the query of the registered URI";
    assert_eq!(traces.seen(), [warning]);
}

#[test]
fn debug_shows_names_and_no_values() {
    let told = wanted()
        .described_as("CANARY")
        .header("X-Key", "CANARY")
        .unwrap()
        .send_along(r#"{"key":"CANARY"}"#)
        .unwrap();
    let shown = r#"Registration { id: None, is_paused: false, filters: [CourseCompleted], headers: ["X-Key"], .. }"#;
    assert_eq!(format!("{told:?}"), shown);
}

#[test]
fn filters_have_the_documented_names() {
    let names = [
        "CourseEnrollment",
        "CourseUnenrollment",
        "CourseStarted",
        "CourseCompleted",
        "CoursePublished",
        "CourseUnpublished",
        "EnrollmentApprovalRequest",
        "CourseCreated",
        "CourseDeleted",
        "UserCreated",
        "UserDeleted",
    ];
    assert_eq!(Filter::DOCUMENTED.iter().map(Filter::name).collect::<Vec<_>>(), names);
    for (name, filter) in names.iter().zip(Filter::DOCUMENTED) {
        assert!(!matches!(filter, Filter::Other(_)), "{name}");
        assert_eq!(filter.to_string(), *name);
        for spelling in [(*name).into(), name.to_lowercase(), name.to_uppercase()] {
            assert_eq!(Filter::named(&spelling), *filter, "{spelling}");
        }
    }
}

#[test]
fn other_filters_keep_their_names() {
    assert_eq!((Filter::named("*"), Filter::All.name()), (Filter::All, "*"));
    for name in ["TrainingPlanned", "Course", "CourseCompleted ", "", "**"] {
        let filter = Filter::named(name);
        assert_eq!((filter.name(), &filter), (name, &Filter::Other(name.into())));
    }
}

#[test]
fn a_filter_matches_whole_names_in_either_case() {
    for (filter, kind, matches) in [
        (Filter::CourseCompleted, CourseCompleted::TYPE, true),
        (Filter::CourseCompleted, "coursecompleted", true),
        (Filter::CourseCompleted, "CourseComplete", false),
        (Filter::CourseCompleted, "CourseCompleted2", false),
        (Filter::CourseCompleted, UserDeleted::TYPE, false),
        (Filter::Other("TrainingPlanned".into()), "TRAININGPLANNED", true),
        (Filter::Other("Training".into()), "TrainingPlanned", false),
        (Filter::All, "CourseCompleted", true),
        (Filter::All, "TrainingPlanned", true),
        (Filter::All, "", true),
        (Filter::Other(String::new()), "CourseCompleted", false),
    ] {
        assert_eq!(filter.matches(kind), matches, "{filter} {kind}");
    }
}
