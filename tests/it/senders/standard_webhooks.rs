//! Standard Webhooks: Svix's headers, members beside the type, raw keys, and Ed25519.

use serde::{Deserialize, Serialize};
use tower_webhook::{
    Payload, Sender, VerifyLayer,
    clock::ManualClock,
    providers::standard_webhooks::{StandardWebhooks, StandardWebhooksV1a},
    scheme::PublicKeys,
};

use super::matrix::{asked::*, *};
use crate::{
    list::{
        self,
        signing::{Signing, v1a_key},
    },
    support::{OTHER_WHSEC, Traces, WHSEC},
};

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Paid {
    total: u32,
}

impl Payload for Paid {
    type Provider = StandardWebhooks;
}

fn own() -> StandardWebhooks {
    StandardWebhooks::new(WHSEC).unwrap()
}

fn stranger() -> StandardWebhooks {
    StandardWebhooks::new(OTHER_WHSEC).unwrap()
}

pub(super) fn subject() -> impl Case {
    Subject {
        sender: list::standard_webhooks::subject,
        event_type: "invoice.paid",
        event: Paid { total: 3 },
        unfit: r#"{"total": "3"}"#,
    }
}

pub(super) fn svix() -> impl Case {
    Subject {
        sender: list::standard_webhooks::svix,
        event_type: "invoice.paid",
        event: Paid { total: 3 },
        unfit: r#"{"total": "3"}"#,
    }
}

pub(super) fn squashed() -> impl Case {
    Subject {
        sender: list::standard_webhooks::squashed,
        event_type: "invoice.paid",
        event: Paid { total: 3 },
        unfit: r#"{"total": "3"}"#,
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Shipped {
    parcels: u32,
}

impl Payload for Shipped {
    type Provider = Signing<StandardWebhooksV1a>;
}

pub(super) fn v1a() -> impl Case {
    Subject {
        sender: list::standard_webhooks::v1a,
        event_type: "order.shipped",
        event: Shipped { parcels: 2 },
        unfit: r#"{"parcels": []}"#,
    }
}

/// In ISO 8601, as the specification has it in both forms of the body.
#[test]
fn a_squashed_event_has_its_time_beside_it() {
    let sender = Sender::new(own().squashed()).clock(ManualClock::at_unix_seconds(1_800_000_000));
    let timed = r#"{"type":"invoice.paid","timestamp":"2027-01-15T08:00:00Z""#;
    for (payload, rest) in [(r#"{"total":3}"#, r#","total":3}"#), ("{}", "}")] {
        let body = sender.raw("invoice.paid", payload).unwrap().into_body().into_bytes();
        assert_eq!(body, format!("{timed}{rest}"));
    }
    let own = sender.raw("invoice.paid", r#"{"total":3,"timestamp":"then"}"#).unwrap();
    let expected = r#"{"type":"invoice.paid","total":3,"timestamp":"then"}"#;
    assert_eq!(own.into_body().into_bytes(), expected);
    assert!(sender.raw("invoice.paid", "3").is_err());
}

/// Each in both families.
const NAMES: [[&str; 2]; 3] = [
    ["webhook-id", "svix-id"],
    ["webhook-timestamp", "svix-timestamp"],
    ["webhook-signature", "svix-signature"],
];

/// A header of the other family is as good as none.
#[tokio::test]
async fn families_of_headers_do_not_mix() {
    let either = || own().or_svix_headers();
    for (receiver, expected) in
        [(own(), [200, 401]), (own().svix_headers(), [401, 200]), (either(), [200, 200])]
    {
        for (sender, expected) in [own(), own().svix_headers()].into_iter().zip(expected) {
            let request = Sender::new(sender).body("{}").unwrap();
            assert_eq!(status(receiver.clone(), request).await, expected);
        }
    }
    for names in NAMES {
        for (from, to) in [(0, 1), (1, 0)] {
            let sender = if from == 0 { own() } else { own().svix_headers() };
            let mut request = Sender::new(sender).body("{}").unwrap();
            let value = request.headers_mut().remove(names[from]).unwrap();
            request.headers_mut().insert(names[to], value);
            assert_eq!(status(either(), request).await, 401, "{names:?} {from}");
        }
    }
}

/// Of two whole families, the first is judged.
#[tokio::test]
async fn a_second_family_proves_nothing_beside_the_first() {
    for (first, second, expected) in [(own(), stranger(), 200), (stranger(), own(), 401)] {
        let mut request = Sender::new(first).id("1").body("{}").unwrap();
        let svix = Sender::new(second.svix_headers()).id("2").body("{}").unwrap();
        let more = svix.headers().iter().filter(|(name, _)| name.as_str().starts_with("svix-"));
        more.for_each(|(name, value)| drop(request.headers_mut().insert(name, value.clone())));
        assert_eq!(status(own().or_svix_headers(), request).await, expected);
    }
}

/// 32 of them are base64, too.
const DIGITS: &str = "00112233445566778899aabbccddeeff";

#[tokio::test]
async fn a_raw_key_is_its_text() {
    let decoded = || StandardWebhooks::new(DIGITS).unwrap();
    let raw = || StandardWebhooks::raw(DIGITS).unwrap();
    let sent = |by| Sender::new(by).body("{}").unwrap();
    assert_eq!(status(raw(), sent(raw())).await, 200);
    assert_eq!(status(raw(), sent(decoded())).await, 401);
    assert_eq!(status(decoded(), sent(raw())).await, 401);
    assert!(StandardWebhooks::raw("").is_err());
    assert!(StandardWebhooks::raw("short").is_err());
}

#[test]
fn who_has_a_text_decoded_by_mistake_is_warned() {
    let traces = Traces::here();
    for quiet in [WHSEC, "whsec_c2VjcmV0IG9mIGF0IGxlYXN0IDI0IGJ5dGVz0000"] {
        let _ = StandardWebhooks::new(quiet);
        let said = traces.seen().iter().any(|line| line.contains("hexadecimal"));
        assert!(!said, "{quiet}: {:?}", traces.seen());
    }
    StandardWebhooks::new(DIGITS).unwrap();
    assert!(traces.seen().iter().any(|line| line.contains("hexadecimal")), "{:?}", traces.seen());
    StandardWebhooks::raw(DIGITS).unwrap();
    let said = traces.seen().iter().filter(|line| line.contains("hexadecimal")).count();
    assert_eq!(said, 1);
}

const PUBLISHED_KEY: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
/// Beside a signature of the other version, which is skipped.
const PUBLISHED_SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";

#[tokio::test]
async fn the_published_example_of_v1a_is_accepted() {
    let headers = [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", PUBLISHED_SIGNATURE),
    ];
    let now = 1_614_265_330;
    for (body, expected) in [(r#"{"test": 2432232314}"#, 200), ("{}", 401)] {
        let receiver = StandardWebhooksV1a::new(PUBLISHED_KEY).unwrap();
        let layer = VerifyLayer::new(receiver).clock(ManualClock::at_unix_seconds(now));
        let request = recorded("/in", &headers, body);
        assert_eq!(answered_by(layer, request).await.0, expected);
    }
}

/// Whoever knows a public key could sign.
#[tokio::test]
async fn a_public_key_is_no_secret() {
    let public = v1a_key(7);
    let forged = StandardWebhooks::raw(public.as_str()).unwrap();
    let request = Sender::new(forged).body("{}").unwrap();
    let (mut head, body) = request.into_parts();
    assert!(StandardWebhooks::new(public.as_str()).is_err());
    for version in ["v1,", "v1a,"] {
        let value = head.headers["webhook-signature"].to_str().unwrap();
        let value = value.split_once(',').unwrap().1.to_owned();
        head.headers.insert("webhook-signature", format!("{version}{value}").parse().unwrap());
        let request = http::Request::from_parts(head.clone(), body.clone());
        let receiver = StandardWebhooksV1a::new(public.as_str()).unwrap();
        assert_eq!(status(receiver, request).await, 401, "{version}");
    }
}

#[tokio::test]
async fn one_of_four_public_keys_must_have_signed() {
    let keys = |seeds: &[u8]| {
        let all = seeds.iter().map(|seed| PublicKeys::from(v1a_key(*seed)));
        all.reduce(PublicKeys::or).unwrap()
    };
    for (seeds, expected) in [(&[7][..], 200), (&[1, 2, 3, 7], 200), (&[1, 2, 3, 4], 401)] {
        let receiver = StandardWebhooksV1a::new(keys(seeds)).unwrap();
        let request = Sender::new(list::signing::v1a(7)).body("{}").unwrap();
        assert_eq!(status(receiver, request).await, expected, "{seeds:?}");
    }
    assert!(StandardWebhooksV1a::new(keys(&[1, 2, 3, 4, 5])).is_err());
    for text in ["", "whpk_", "whpk_AAAA", &v1a_key(7)[5..], WHSEC] {
        assert!(StandardWebhooksV1a::new(text).is_err(), "{text}");
    }
}
