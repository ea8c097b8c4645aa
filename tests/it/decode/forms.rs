//! Forms: how they are read, why they are refused, and the round trip of a written one.

use tower_webhook::decode::{DecodeError, Form};

use super::agreement::Random;

fn pairs(body: impl AsRef<[u8]>) -> Result<Vec<(String, String)>, String> {
    let form = Form::parse(body.as_ref()).map_err(|error| error.to_string())?;
    Ok(form.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

#[test]
fn fields_are_decoded_in_the_order_of_the_body() {
    let table: &[(&str, &[(&str, &str)])] = &[
        ("", &[]),
        ("&", &[]),
        ("a=1", &[("a", "1")]),
        ("b=1&a=2&b=3", &[("b", "1"), ("a", "2"), ("b", "3")]),
        ("&a=1&&b=2&", &[("a", "1"), ("b", "2")]),
        ("a", &[("a", "")]),
        ("a=", &[("a", "")]),
        ("=1", &[("", "1")]),
        ("=", &[("", "")]),
        ("a=b=c", &[("a", "b=c")]),
        ("a+b=c++d+", &[("a b", "c  d ")]),
        ("a%20b=%2B%26%3D", &[("a b", "+&=")]),
        ("%C3%a9=%e2%82%ac", &[("é", "€")]),
        ("é=€", &[("é", "€")]),
        ("a=100%&b=%zz&c=%4&d=%%41", &[("a", "100%"), ("b", "%zz"), ("c", "%4"), ("d", "%A")]),
        ("a=%00\n", &[("a", "\0\n")]),
        ("a=%+41", &[("a", "% 41")]),
        ("a;b=1", &[("a;b", "1")]),
    ];
    for (body, expected) in table {
        let expected = expected.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        assert_eq!(pairs(body), Ok(expected.collect()), "{body}");
    }
}

#[test]
fn a_field_must_be_utf8_once_it_is_decoded() {
    for field in [&b"a=%ff"[..], b"%C3=1", b"a=%C3+%A9", b"a=\xff", b"a=%ed%a0%80"] {
        let body = [b"ok=1&", field].concat();
        assert_eq!(pairs(&body).unwrap_err(), "the body has a field that is not UTF-8 at byte 5");
    }
}

#[test]
fn the_number_of_fields_is_limited() {
    let body = |count| vec!["a=1"; count].join("&&");
    assert_eq!(pairs(body(Form::MAX_FIELDS)).unwrap().len(), Form::MAX_FIELDS);
    let why = pairs(body(Form::MAX_FIELDS + 1)).unwrap_err();
    assert_eq!(why, "the body has more than 1000 fields at byte 5000");
}

#[test]
fn a_value_is_that_of_the_only_field_of_its_name() {
    let form = Form::parse(b"a=1&b=2&b=2&%61c=3").unwrap();
    assert_eq!((form.get("a"), form.get("ac")), (Ok("1"), Ok("3")));
    for (name, why) in [
        ("b", "the body has more than one field `b`"),
        ("c", "the body has no field `c`"),
        ("", "the body has no field ``"),
    ] {
        let error = form.get(name).unwrap_err();
        assert_eq!((error.to_string(), error.offset()), (why.to_owned(), 0));
        assert_eq!((error.event_type(), error.path()), (None, None));
        assert_eq!(form.clone().take(name), Err(error));
    }
    assert_eq!(form.take("ac").as_deref(), Ok("3"));
}

#[test]
fn a_form_shows_no_value() {
    let form = Form::default().with("secret-name", "secret-value");
    assert_eq!(format!("{form:?}"), "Form { count: 1, .. }");
}

#[test]
fn letters_digits_and_four_signs_are_written_as_they_are() {
    let all: String = (' '..='~').collect();
    let written = Form::default().with("all", all).to_string();
    let plain: String = written.chars().filter(|c| !c.is_ascii_alphanumeric()).collect();
    assert_eq!(plain.replace('%', ""), "=+*-._");
    assert_eq!(Form::default().with("a b", "é").with("", "").to_string(), "a+b=%C3%A9&=");
    assert_eq!(Form::default().to_string(), "");
}

#[test]
fn a_written_form_is_read_as_the_same_form() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let mut text = || -> String {
            let pieces =
                ["a", "Z", "0", "%", "+", " ", "&", "=", ";", "é", "\u{1f600}", "\0", "%41"];
            (0..random.below(6)).map(|_| random.one_of(&pieces)).collect()
        };
        let form = (0..5).fold(Form::default(), |form, _| form.with(text(), text()));
        let written = form.to_string();
        assert!(written.is_ascii() && !written.contains(' '), "{written}");
        assert_eq!(Form::parse(written.as_bytes()).as_ref(), Ok(&form), "{written}");
    }
}

#[test]
fn an_error_of_the_body_as_a_whole_reads_like_the_others() {
    let error = DecodeError::body("is no gzip stream");
    assert_eq!(error.to_string(), "the body is no gzip stream");
    assert_eq!((error.event_type(), error.path(), error.offset()), (None, None, 0));
}
