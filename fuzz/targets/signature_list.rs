//! A header with several signatures is accepted if it is a list with the genuine one in it, and not too long a list.

#![cfg_attr(fuzzing, no_main)]

use std::{sync::LazyLock, time::SystemTime};

use http::{HeaderValue, request::Parts};
use tower_webhook::scheme::{MAX_TAGS, VerifyError};
use tower_webhook_fuzz::{Input, SCHEMES, flipped, from_base64, fuzz_target, to_base64, verified};

fn property(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 3 {
        0 => standard_webhooks(3, &mut input),
        1 => pairs(0, &mut input),
        _ => learn365(4, &mut input),
    }
}

/// Words between blanks; what of them begins with `v1,` counts, and has no further comma.
fn standard_webhooks(scheme: usize, input: &mut Input<'_>) {
    let genuine = signature(scheme, "webhook-signature");
    let tag = genuine.strip_prefix("v1,").expect("it is signed so");
    let other = to_base64(&flipped(&from_base64(tag, true).expect("it is base64"), 5));
    let words = [
        genuine.clone(),
        format!("v1,{other}"),
        format!("v1,{}", &tag[..8]),
        format!("v1,{}", tag.trim_end_matches('=')),
        format!("v1,{tag},v1,{tag}"),
        "v1,".into(),
        String::new(),
        format!("v1a,{tag}"),
        format!("v2,{tag}"),
        format!("V1,{tag}"),
        tag.into(),
    ];
    let list = chosen(input, &words);
    let genuine = list.contains(&&genuine);
    let counted = list.iter().filter(|word| word.starts_with("v1,")).count();
    let verdict = accepted(scheme, "webhook-signature", &join(&list, " "));
    let joined = |word: &&&String| word.strip_prefix("v1,").is_some_and(|rest| rest.contains(','));
    let joined = list.iter().any(|word| joined(&word));
    check(&verdict, genuine && !joined, counted);
}

/// Pairs between commas; what of them is called `v1` counts.
fn pairs(scheme: usize, input: &mut Input<'_>) {
    let genuine = signature(scheme, "x-signature");
    let (time, tag) = genuine.split_once(",v1=").expect("it is signed so");
    let time = time.to_owned();
    let words = [
        format!("v1={tag}"),
        format!(" v1={} ", tag.to_uppercase()),
        format!("v1={}", tag.replace(['0', '1', '2', '3'], "4")),
        format!("v1={}", &tag[1..]),
        format!("v1={}", &tag[2..]),
        format!("v1= {tag}"),
        "v1=".into(),
        "=".into(),
        format!("v0={tag}"),
        format!("v1a={tag}"),
    ];
    let list = chosen(input, &words);
    let genuine = list.iter().any(|word| words[..2].contains(word));
    let counted = list.iter().filter(|word| word.trim().starts_with("v1=")).count();
    let (first, second) = list.split_at(input.below(list.len() + 1));
    let text = [first, &[&time], second].concat();
    check(&accepted(scheme, "x-signature", &join(&text, ",")), genuine, counted);
}

/// `sha256` and the tag, with whatever blanks and `=` there are around them, and nothing else.
fn learn365(scheme: usize, input: &mut Input<'_>) {
    let genuine = signature(scheme, "ms-signature");
    let tag = genuine.strip_prefix("sha256=").expect("it is signed so");
    let words = ["=", " ", "\t", "sha256", "SHA256", tag, &tag.to_lowercase(), "sha1", "00"];
    let list = chosen(input, &words);
    let text: String = list.into_iter().copied().collect();
    let plain = text.to_lowercase().replace([' ', '\t'], "");
    let parts: Vec<_> = plain.split('=').filter(|part| !part.is_empty()).collect();
    let apart = text.split('=').all(|part| !part.trim().contains([' ', '\t']));
    let genuine = parts == ["sha256", &tag.to_lowercase()] && apart;
    check(&accepted(scheme, "ms-signature", &text), genuine, 1);
}

fn chosen<'w, T>(input: &mut Input<'_>, words: &'w [T]) -> Vec<&'w T> {
    let most = usize::from(input.byte()) % 24;
    (0..most).map(|_| &words[usize::from(input.byte()) % words.len()]).collect()
}

fn join(words: &[&String], separator: &str) -> String {
    words.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(separator)
}

/// The heads that the schemes make for one request.
static SIGNED: LazyLock<Vec<Parts>> =
    LazyLock::new(|| SCHEMES.iter().map(|scheme| scheme.sign("/", "id", NOW, BODY)).collect());

fn signature(scheme: usize, name: &str) -> String {
    SIGNED[scheme].headers[name].to_str().expect("it is text").to_owned()
}

fn accepted(scheme: usize, name: &'static str, text: &str) -> Result<(), VerifyError> {
    let mut head = SIGNED[scheme].clone();
    head.headers.insert(name, HeaderValue::from_str(text).expect("it is visible"));
    let [first, second] = SCHEMES[scheme].receivers.each_ref();
    let of = |receiver| verified(receiver, &head, NOW, [BODY]).map(drop);
    let verdict = of(&**first);
    assert_eq!(of(&**second), verdict, "another key beside it matters");
    verdict
}

#[track_caller]
fn check(verdict: &Result<(), VerifyError>, genuine: bool, counted: usize) {
    assert_eq!(*verdict == Err(VerifyError::TooManySignatures), counted > MAX_TAGS);
    assert_eq!(verdict.is_ok(), genuine && counted <= MAX_TAGS, "{verdict:?}");
}

const BODY: &[u8] = b"[]";
const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fuzz_target!(property);
