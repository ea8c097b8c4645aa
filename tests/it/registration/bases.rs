//! Where the API may be, and the credentials that can be shown to it.

use tower_webhook::{error::ConfigError, providers::learn365::RegistrationClient};

use super::KEY;
use crate::support::Traces;

#[track_caller]
fn assert_refused(refused: Result<RegistrationClient, ConfigError>, why: &str) {
    assert_eq!(refused.unwrap_err().to_string(), why);
}

#[test]
fn https_anywhere_and_http_on_this_machine_are_accepted() {
    for base in [
        "https://api.example.com",
        "HTTPS://api.example.com/",
        "https://10.0.0.1:8443/tenant/api/",
        "http://127.0.0.1:8080",
        "http://127.1.2.3/",
        "http://[::1]:8080/tenant",
        "http://localhost",
        "http://LocalHost:80/",
    ] {
        RegistrationClient::new(base, KEY).unwrap();
        RegistrationClient::bearer(base, KEY).unwrap();
    }
}

#[test]
fn other_bases_are_refused() {
    let relative = "the URI is not absolute, or does not begin with `http://` or `https://`";
    let clear = "the API is not `https://`: the API key and all secrets would be sent unencrypted";
    let more = "the base of the API has a query or a user in it";
    for (base, why) in [
        ("", relative),
        ("api.example.com", relative),
        ("/tenant/api", relative),
        ("ftp://127.0.0.1", relative),
        ("https://", relative),
        ("https://api.example.com/a b", relative),
        ("http://api.example.com", clear),
        ("http://10.0.0.1", clear),
        ("http://0.0.0.0", clear),
        ("http://[::]", clear),
        ("http://localhost.example.com", clear),
        ("http://127.0.0.1.example.com", clear),
        ("http://localhost@example.com", clear),
        ("https://api.example.com/?tenant=7", more),
        ("https://api.example.com?", more),
        ("http://127.0.0.1/?", more),
        ("https://user@api.example.com", more),
        ("https://user:password@api.example.com", more),
        ("http://user@localhost", more),
    ] {
        assert_refused(RegistrationClient::new(base, KEY), why);
        assert_refused(RegistrationClient::bearer(base, KEY), why);
    }
}

#[test]
fn credentials_that_cannot_be_meant_are_refused() {
    let base = "http://127.0.0.1";
    let line_break = "the secret ends in a line break: remove it where the secret is stored";
    for (key, why) in [("", "the secret is empty"), ("key\n", line_break), ("key\r\n", line_break)]
    {
        assert_refused(RegistrationClient::new(base, key), &format!("key `api`: {why}"));
        assert_refused(RegistrationClient::bearer(base, key), &format!("key `bearer`: {why}"));
    }
    for token in ["to\nken", "to\r\nken: x", "to\u{7f}ken", "to\0ken", "to ken", "tøken"] {
        let why = "the token is not made of visible ASCII without spaces";
        assert_refused(RegistrationClient::bearer(base, token), why);
        RegistrationClient::new(base, token).unwrap();
    }
}

#[test]
fn doubtful_credentials_are_warned_of_once() {
    let traces = Traces::here();
    RegistrationClient::new("http://127.0.0.1", " key").unwrap();
    RegistrationClient::bearer("http://127.0.0.1", "\"key\"").unwrap();
    let told = [
        "WARN message=learn365 registrations: key `api`: the secret begins or ends with whitespace, which was kept",
        "WARN message=learn365 registrations: key `bearer`: the secret is in quotes, which were kept",
    ];
    assert_eq!(traces.seen(), told);
}

#[test]
fn debug_shows_no_credentials() {
    let base = "http://127.0.0.1:8080";
    let shown = r#"RegistrationClient { base: "http://127.0.0.1:8080", timeout: 60s, .. }"#;
    assert_eq!(format!("{:?}", RegistrationClient::new(base, KEY).unwrap()), shown);
    assert_eq!(format!("{:?}", RegistrationClient::bearer(base, KEY).unwrap()), shown);
}
