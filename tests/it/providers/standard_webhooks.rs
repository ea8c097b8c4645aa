//! Standard Webhooks: its three headers, and times on both sides of the tolerance.

use std::time::Duration;

use http::Request;
use serde::Deserialize;
use tower::Layer;
use tower_webhook::{
    Body, Rejection, Sender, VerifyLayer,
    clock::ManualClock,
    providers::standard_webhooks::StandardWebhooks,
    scheme::{Keys, VerifyError},
};

use super::*;
use crate::support::{OTHER_WHSEC, WHSEC, answer, in_future, standard_webhooks, too_old};

const NOW: u64 = 1_700_000_000;
const SIGNATURE: &str = "webhook-signature";

#[derive(Debug, Deserialize, Serialize)]
struct InvoicePaid {
    total: u64,
}

impl Payload for InvoicePaid {
    type Provider = StandardWebhooks;
}

fn signed_under(secret: &str) -> Request<Body> {
    let sender = Sender::new(StandardWebhooks::new(secret).unwrap());
    let sender = sender.clock(ManualClock::at_unix_seconds(NOW)).id("msg_1");
    sender.event_as("invoice.paid", &InvoicePaid { total: 3 }).unwrap()
}

/// The request with another value of one header.
fn with(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

async fn refusal(
    provider: StandardWebhooks,
    now: u64,
    request: Request<Body>,
) -> Option<Rejection> {
    let layer = VerifyLayer::new(provider).clock(ManualClock::at_unix_seconds(now));
    answer(layer.layer(EventRouter::new()), request).await.rejection().cloned()
}

fn refused(error: VerifyError) -> Option<Rejection> {
    Some(Rejection::Unauthentic(error))
}

#[test]
fn type_and_data_stand_beside_the_time() {
    let body = r#"{"type":"invoice.paid","timestamp":"2023-11-14T22:13:20Z","data":{"total":3}}"#;
    let [(event, raw)] =
        decoded::<InvoicePaid>(&standard_webhooks(), "invoice.paid", body).try_into().unwrap();
    assert_eq!((event.total, raw.json().as_ref()), (3, body.as_bytes()));
}

#[tokio::test]
async fn the_tolerance_reaches_five_minutes_both_ways() {
    for (now, expected) in [
        (NOW, None),
        (NOW + 300, None),
        (NOW - 300, None),
        (NOW + 301, refused(too_old(301))),
        (NOW - 301, refused(in_future(301))),
    ] {
        assert_eq!(refusal(standard_webhooks(), now, signed_under(WHSEC)).await, expected, "{now}");
    }
    let wider = standard_webhooks().tolerance(Duration::from_secs(3600));
    assert_eq!(refusal(wider, NOW + 3600, signed_under(WHSEC)).await, None);
    let narrower = standard_webhooks().tolerance(Duration::ZERO);
    assert_eq!(refusal(narrower, NOW + 1, signed_under(WHSEC)).await, refused(too_old(1)));
    for time in ["", "-1", "1.7e9", " 1700000000", "1700000000000000000000", "2023-11-14T22:13:20Z"]
    {
        let request = with(signed_under(WHSEC), "webhook-timestamp", time);
        assert_eq!(
            refusal(standard_webhooks(), NOW, request).await,
            refused(VerifyError::MalformedTimestamp)
        );
    }
    let milliseconds = with(signed_under(WHSEC), "webhook-timestamp", "1700000000000");
    let told = refusal(standard_webhooks(), NOW, milliseconds).await.unwrap().to_string();
    assert!(
        told.ends_with("in the future: is it in a smaller unit, such as milliseconds?"),
        "{told}"
    );
}

#[tokio::test]
async fn an_id_stands_once_and_in_visible_ascii_without_a_dot() {
    let dotted =
        VerifyError::Other("header `webhook-id` is empty, or holds a dot, a blank or a tab".into());
    for id in ["", "msg.1", ".", "a b", "a\tb"] {
        let request = with(signed_under(WHSEC), "webhook-id", id);
        assert_eq!(
            refusal(standard_webhooks(), NOW, request).await,
            refused(dotted.clone()),
            "{id:?}"
        );
    }
    let request = with(signed_under(WHSEC), "webhook-id", "msg_2");
    assert_eq!(
        refusal(standard_webhooks(), NOW, request).await,
        refused(VerifyError::SignatureMismatch)
    );
    for name in ["webhook-id", "webhook-timestamp", SIGNATURE] {
        let mut missing = signed_under(WHSEC);
        let value = missing.headers_mut().remove(name).unwrap();
        let mut repeated = signed_under(WHSEC);
        repeated.headers_mut().append(name, value);
        assert_eq!(
            refusal(standard_webhooks(), NOW, missing).await,
            refused(VerifyError::MissingHeader(name.into()))
        );
        assert_eq!(
            refusal(standard_webhooks(), NOW, repeated).await,
            refused(VerifyError::RepeatedHeader(name.into()))
        );
    }
}

#[tokio::test]
async fn one_good_v1_in_a_list_is_enough() {
    let good = signed_under(WHSEC).headers()[SIGNATURE].to_str().unwrap().to_owned();
    let bad = signed_under(OTHER_WHSEC).headers()[SIGNATURE].to_str().unwrap().to_owned();
    let v1a = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";
    let many = |bad_ones: usize| format!("{} {good}", vec![bad.as_str(); bad_ones].join(" "));
    let base64 = &good["v1,".len()..];
    use VerifyError::{
        MalformedSignature, SignatureMismatch, TooManySignatures, UnsupportedSignature,
    };
    for (list, expected) in [
        (good.clone(), None),
        (format!("{bad} {good}"), None),
        (format!("{good} {bad}"), None),
        (format!("{good} {good}"), None),
        (format!("{v1a} {good} v2,x"), None),
        (format!("  {good}  "), None),
        (format!("v1,??? {good}"), None),
        (format!("{} {good}", vec![v1a; 40].join(" ")), None),
        (many(15), None),
        (many(16), Some(TooManySignatures)),
        (bad.clone(), Some(SignatureMismatch)),
        (v1a.into(), Some(UnsupportedSignature)),
        (String::new(), Some(UnsupportedSignature)),
        (base64.into(), Some(UnsupportedSignature)),
        (format!("V1,{base64}"), Some(UnsupportedSignature)),
        (format!("v1={base64}"), Some(UnsupportedSignature)),
        ("v1,".into(), Some(MalformedSignature)),
        (format!("{good},{bad}"), Some(MalformedSignature)),
        (format!("{good}, {bad}"), Some(MalformedSignature)),
        (format!("{bad}, {good}"), Some(MalformedSignature)),
        (format!("{good} {bad},{bad}"), Some(MalformedSignature)),
        (format!("{bad},\t{good}"), Some(MalformedSignature)),
        (format!("v3,a,b {good}"), None),
        (format!("{good},v1,{base64}"), Some(MalformedSignature)),
        (good.replace('=', ""), Some(MalformedSignature)),
        (format!("v1,{}", &base64[..40]), Some(MalformedSignature)),
    ] {
        let request = with(signed_under(WHSEC), SIGNATURE, &list);
        assert_eq!(
            refusal(standard_webhooks(), NOW, request).await,
            expected.and_then(refused),
            "{list}"
        );
    }
}

#[tokio::test]
async fn any_of_several_keys_signs_and_is_named() {
    let keys = Keys::named("new", WHSEC).or(Keys::named("old", OTHER_WHSEC));
    let provider = Arc::new(StandardWebhooks::new(keys).unwrap());
    let signature = |secret| signed_under(secret).headers()[SIGNATURE].to_str().unwrap().to_owned();
    let (new, old) = (signature(WHSEC), signature(OTHER_WHSEC));
    for (signatures, name) in [
        (new.clone(), "new"),
        (old.clone(), "old"),
        (format!("{new} {old}"), "new"),
        (format!("{old} {new}"), "new"),
    ] {
        let log = crate::support::Log::default();
        let seen = log.clone();
        let events = EventRouter::new().on_type(
            "invoice.paid",
            async move |_: InvoicePaid, delivery: Delivery| {
                let (provider, key) = (delivery.provider(), delivery.key_id());
                seen.note(format!("{provider} {key:?} {:?}", delivery.id()));
            },
        );
        let clock = ManualClock::at_unix_seconds(NOW);
        let hook = VerifyLayer::shared(provider.clone()).clock(clock).layer(events);
        let request = with(signed_under(WHSEC), SIGNATURE, &signatures);
        assert_eq!(answer(hook, request).await.status(), 200);
        assert_eq!(log.seen(), [format!(r#"standard_webhooks Some("{name}") Some("msg_1")"#)]);
    }
}
