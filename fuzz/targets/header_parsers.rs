//! What reads a head agrees with a plain description of it, and reads what was printed as what was meant.

#![cfg_attr(fuzzing, no_main)]

use std::time::{Duration, SystemTime};

use http::{HeaderName, HeaderValue, Request};
use tower_webhook::scheme::{Head, Pairs, Tag, Timestamp, VerifyError::*, after_prefix};
use tower_webhook_fuzz::{Input, from_base64, from_hex, fuzz_target, to_base64, to_hex};

/// The first byte chooses what is read.
fn property(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 6 {
        0 => tags(&mut input),
        1 => printed_tag(input.rest()),
        2 => timestamp(&mut input),
        3 => pairs(&mut input),
        4 => query(&mut input),
        _ => header(&mut input),
    }
}

fn tags(input: &mut Input<'_>) {
    let Ok(text) = str::from_utf8(input.rest()) else { return };
    let usable = |bytes: &Vec<u8>| (1..=64).contains(&bytes.len());
    let hex = Tag::hex(text).map(|tag| tag.to_hex());
    assert_eq!(hex.ok(), from_hex(text).filter(usable).map(|bytes| to_hex(&bytes)));
    let base64 = Tag::base64(text).map(|tag| tag.to_base64());
    assert_eq!(base64.ok(), from_base64(text, true).filter(usable).map(|bytes| to_base64(&bytes)));
}

fn printed_tag(bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(64)];
    let (Ok(hex), Ok(base64)) = (Tag::hex(&to_hex(bytes)), Tag::base64(&to_base64(bytes))) else {
        return assert!(bytes.is_empty());
    };
    assert_eq!(hex.to_base64(), to_base64(bytes));
    assert_eq!(base64.to_hex(), to_hex(bytes));
    assert_eq!(hex.to_hex_upper(), to_hex(bytes).to_uppercase());
}

fn timestamp(input: &mut Input<'_>) {
    let [now, tolerance] =
        [(); 2].map(|()| input.take(5).iter().fold(0, |n, b| n << 8 | u64::from(*b)));
    let Ok(text) = str::from_utf8(input.rest()) else { return };
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number =
        text.bytes().fold(0_u128, |number, b| number * 10 % (1 << 120) + u128::from(b & 15));
    let read = Timestamp::seconds(text);
    if text.len() < 36 {
        assert_eq!(read.is_ok(), digits && number <= u64::MAX.into(), "{text:?}");
    }
    let Ok(read) = read else { return };
    let skew = u64::try_from(number.abs_diff(now.into())).expect("both have 64 bits");
    let expected = match skew > tolerance {
        false => Ok(()),
        true => Err((number < now.into(), skew)),
    };
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(now);
    let judged = read.within(Duration::from_secs(tolerance), now);
    let judged = judged.map_err(|error| match error {
        TimestampTooOld { skew, .. } => (true, skew),
        TimestampInFuture { skew, .. } => (false, skew),
        other => panic!("{other}"),
    });
    assert_eq!(judged, expected);
}

/// Prints pairs, and reads them.
fn pairs(input: &mut Input<'_>) {
    let mut all = Vec::new();
    while !input.is_empty() && all.len() < 20 {
        let name = *input.pick(&["t", "v1", "v0", "", "v1a"]);
        let blank = *input.pick(&["", " ", "\t "]);
        let value = text(input.piece(), |b| b.is_ascii_graphic() && b != b',');
        all.push((name, value, blank));
    }
    let printed: Vec<_> =
        all.iter().map(|(name, value, b)| format!("{b}{name}={value}{b}")).collect();
    let printed = printed.join(",");
    let Ok(pairs) = Pairs::parse(&printed) else { return assert!(all.is_empty()) };
    for name in ["t", "v1", "v0", "", "v1a", "v"] {
        let meant = || all.iter().filter(|pair| pair.0 == name).map(|pair| &*pair.1);
        assert!(pairs.all(name).eq(meant()));
        let only = if meant().count() == 1 { meant().next() } else { None };
        assert_eq!(pairs.one(name).ok(), only);
    }
    let bare = Pairs::parse(&format!("{printed},v1")).map(drop);
    assert_eq!(bare, Err(MalformedSignature));
    assert_eq!(after_prefix(&format!("v1={printed}"), "v1="), Ok(&*printed));
}

/// Prints a query, and looks its parameters up.
fn query(input: &mut Input<'_>) {
    let mut all = Vec::new();
    while !input.is_empty() && all.len() < 20 {
        let name = *input.pick(&["token", "echo", "", "Token", "tokens"]);
        let value = text(input.piece(), |b| b.is_ascii_alphanumeric() || b"=?/%-._".contains(&b));
        all.push((name, input.flag().then_some(value)));
    }
    let printed = all.iter().map(|(name, value)| match value {
        Some(value) => format!("{name}={value}"),
        None => (*name).to_owned(),
    });
    let uri = format!("/a/b?{}", printed.collect::<Vec<_>>().join("&"));
    let request = Request::get(uri).body(()).expect("all of it can stand in a query");
    let (parts, ()) = request.into_parts();
    let head = Head::new(&parts, SystemTime::UNIX_EPOCH);
    assert_eq!(head.last_segment(), "b");
    for name in ["token", "echo", "Token", "x"] {
        let meant = all.iter().filter(|pair| pair.0 == name).filter_map(|pair| pair.1.as_deref());
        let expected = match meant.collect::<Vec<_>>()[..] {
            [] => Err(MissingQuery(name.into())),
            [one] => Ok(one),
            _ => Err(RepeatedQuery(name.into())),
        };
        assert_eq!(head.query(name), expected);
    }
}

/// Puts headers into a head, and looks one up.
fn header(input: &mut Input<'_>) {
    let (mut parts, ()) = Request::new(()).into_parts();
    let mut meant = Vec::new();
    for _ in 0..input.byte() % 4 {
        let name = *input.pick(&["x-tag", "X-Tag", "x-other"]);
        let value = input.piece().repeat(if input.byte() == 0 { 100 } else { 1 });
        let Ok(held) = HeaderValue::from_bytes(&value) else { continue };
        parts.headers.append(HeaderName::from_bytes(name.as_bytes()).expect("it is one"), held);
        if name != "x-other" {
            meant.push(value);
        }
    }
    let visible = |b: &u8| matches!(b, b' '..=b'~' | b'\t');
    let expected = match &meant[..] {
        [] => Err(MissingHeader("x-tag".into())),
        [one] if one.len() > Head::MAX_HEADER_BYTES => Err(HeaderTooLong("x-tag".into())),
        [one] if one.iter().all(visible) => Ok(str::from_utf8(one).expect("it is ASCII")),
        [_] => Err(MalformedHeader("x-tag".into())),
        _ => Err(RepeatedHeader("x-tag".into())),
    };
    assert_eq!(Head::new(&parts, SystemTime::UNIX_EPOCH).header("x-tag"), expected);
}

/// What of `bytes` can stand where it is meant to.
fn text(bytes: &[u8], fits: impl Fn(u8) -> bool) -> String {
    bytes.iter().filter(|b| fits(**b)).map(|b| char::from(*b)).collect()
}

fuzz_target!(property);
