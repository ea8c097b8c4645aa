//! The optional methods of a provider, and requests that try to make use of them.

use std::borrow::Cow;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header::CONTENT_ENCODING};
use tower::{Layer, ServiceExt};
use tower_webhook::{
    Body, Delivery, EventRouter, Policy, Provider, RawEvent, Rejection, Unpacked, VerifyLayer,
    decode::{DecodeError, Envelope},
    scheme::{Authentic, Check, Head, HmacSha256, Tag, VerifyError},
};

use crate::support::*;

/// HMAC-SHA256 of the body in hex in `x-sig`. All else is as each test needs it.
#[derive(Clone)]
struct Acme {
    authenticate: fn(HmacSha256, &Head<'_>) -> Result<Check, VerifyError>,
    unpack: fn(Bytes) -> Result<Unpacked, DecodeError>,
    answer: fn(&[u8]) -> Option<Response<Bytes>>,
    policy: Policy,
}

impl Provider for Acme {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        (self.authenticate)(keys(), head)
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("kind")
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        (self.unpack)(body)
    }

    fn answer(&self, _: &Authentic, body: &[u8]) -> Option<Response<Bytes>> {
        (self.answer)(body)
    }

    fn policy(&self) -> Policy {
        self.policy.clone()
    }

    fn name(&self) -> Cow<'static, str> {
        "acme".into()
    }
}

fn acme() -> Acme {
    Acme {
        authenticate: |keys, head| Ok(keys.check(tag(head)?)),
        unpack: |body| Ok(body.into()),
        answer: |_| None,
        policy: Policy::default(),
    }
}

fn keys() -> HmacSha256 {
    HmacSha256::new("our key of 16 bytes").unwrap()
}

fn tag(head: &Head<'_>) -> Result<Tag, VerifyError> {
    Tag::hex(head.header("x-sig")?)
}

/// A genuine request.
fn signed(body: &str) -> Request<Body> {
    let tag = keys().sign([body]).to_hex();
    Request::post("/in").header("x-sig", tag).body(Body::from(body.to_owned())).unwrap()
}

fn forged(body: &str) -> Request<Body> {
    Request::post("/in").header("x-sig", "00").body(Body::from(body.to_owned())).unwrap()
}

/// A router that notes the type of each event and the id of its delivery.
fn noting(log: &Log) -> EventRouter<Acme> {
    let log = log.clone();
    EventRouter::new().fallback(async move |event: RawEvent, delivery: Delivery| {
        log.note(format!("{:?} {:?}", event.event_type(), delivery.id()));
    })
}

/// The status of the answer, and the events that were handled.
async fn asked(provider: Acme, request: Request<Body>) -> (u16, Vec<String>) {
    let log = Log::default();
    let answer = VerifyLayer::new(provider).layer(noting(&log)).oneshot(request).await.unwrap();
    (answer.status().as_u16(), log.seen())
}

/// A scheme may be made of another one, which has named the type or found the id.
#[tokio::test]
async fn the_type_and_the_id_of_an_inner_check_are_kept() {
    let whole = Acme {
        authenticate: |keys, head| {
            let tag = tag(head)?;
            Ok(Check::whole(move |body| {
                let mut check = keys.check(tag).id("d-1").named("paid")?;
                check.update(body);
                check.finish()
            }))
        },
        ..acme()
    };
    let expected = (200, vec![r#"Some("paid") Some("d-1")"#.to_owned()]);
    assert_eq!(asked(whole, signed(r#"{"kind":"free"}"#)).await, expected);
    let from = Acme {
        authenticate: |_, _| {
            let proof = Check::from(Authentic::by_key(None)).id("d-1").named("paid")?.finish()?;
            Ok(proof.into())
        },
        ..acme()
    };
    assert_eq!(asked(from, signed(r#"{"kind":"free"}"#)).await, expected);
}

#[tokio::test]
async fn a_status_of_refusal_is_for_what_is_not_authentic_only() {
    let policy = || Policy::default().refusal_status(StatusCode::ACCEPTED);
    let refusing = |authenticate| Acme { authenticate, policy: policy(), ..acme() };
    let put = {
        let mut put = signed("{}");
        *put.method_mut() = http::Method::PUT;
        put
    };
    let long = Request::post("/in").header("x-sig", "0".repeat(9000)).body(Body::default());
    let bad_token: fn(_, &Head<'_>) -> _ = |_, _| Err(VerifyError::PathToken);
    let not_yet: fn(_, &Head<'_>) -> _ = |_, _| Err(VerifyError::NotYet);
    let basic: fn(_, &Head<'_>) -> _ = |_, _| Err(VerifyError::Basic("are missing".into()));
    for (name, provider, request, status) in [
        ("forged", refusing(acme().authenticate), forged("{}"), 202),
        ("path", refusing(bad_token), signed("{}"), 202),
        ("basic", refusing(basic), signed("{}"), 202),
        ("not yet", refusing(not_yet), signed("{}"), 503),
        ("method", refusing(acme().authenticate), put, 405),
        ("too long", refusing(acme().authenticate), long.unwrap(), 431),
        ("large", refusing(acme().authenticate), signed(&" ".repeat(1025)), 413),
        ("no JSON", refusing(acme().authenticate), signed("{"), 400),
        ("genuine", refusing(acme().authenticate), signed("{}"), 200),
    ] {
        let layer = VerifyLayer::new(provider).max_body_bytes(1024);
        let answer = layer.layer(noting(&Log::default())).oneshot(request).await.unwrap();
        assert_eq!(answer.status(), status, "{name}");
        if status == 202 {
            assert!(matches!(answer.extensions().get(), Some(Rejection::Unauthentic(_))), "{name}");
            let names: Vec<_> = answer.headers().keys().map(|name| name.as_str()).collect();
            assert_eq!(names, ["cache-control", "x-content-type-options"], "{name}");
            assert_eq!(text(answer).await, "", "{name}");
        }
    }
}

#[tokio::test]
async fn a_coding_is_the_one_that_is_agreed_on_and_only_once() {
    for (codings, status) in [
        (&[][..], 200),
        (&["gzip"][..], 200),
        (&["GZip"], 200),
        (&["identity"], 200),
        (&["gzip", "gzip"], 415),
        (&["gzip, gzip"], 415),
        (&["gzip", "br"], 415),
        (&["br"], 415),
        (&["gzi"], 415),
        (&["gzip2"], 415),
        (&[""], 415),
    ] {
        let mut request = signed(r#"{"kind":"a"}"#);
        for coding in codings {
            request.headers_mut().append(CONTENT_ENCODING, coding.parse().unwrap());
        }
        let provider = Acme { policy: Policy::default().content_coding("gzip"), ..acme() };
        assert_eq!(asked(provider, request).await.0, status, "{codings:?}");
    }
}

/// It ends the request, and not the receiver.
#[tokio::test]
async fn a_method_that_panics_holds_no_permit() {
    let panicking: [Acme; 3] = [
        Acme {
            unpack: |body| {
                assert!(body != "boom");
                Ok(body.into())
            },
            ..acme()
        },
        Acme {
            answer: |body| {
                assert!(body != b"boom");
                None
            },
            ..acme()
        },
        Acme {
            authenticate: |keys, head| {
                assert!(head.uri().path() != "/boom");
                Ok(keys.check(tag(head)?))
            },
            ..acme()
        },
    ];
    for provider in panicking {
        let log = Log::default();
        let events = noting(&log).max_batches(1).max_total_bytes(12);
        let batches = events.batches();
        let layer = VerifyLayer::new(provider).max_bodies(1).max_total_bytes(12).max_body_bytes(12);
        let hook = layer.layer(events);
        for _ in 0..3 {
            let mut boom = signed("boom");
            *boom.uri_mut() = "/boom".parse().unwrap();
            let one = tokio::spawn({
                let hook = hook.clone();
                async move { hook.oneshot(boom).await.map(|a| a.status()) }
            });
            let _ = one.await.expect_err("it panicked");
            let genuine = hook.clone().oneshot(signed(r#"{"kind":"a"}"#)).await.unwrap();
            assert_eq!(genuine.status(), 200);
        }
        batches.drain().await;
        assert_eq!(log.seen().len(), 3);
    }
}

/// Otherwise a body that nobody has authenticated would end an HTTP/2 connection.
#[tokio::test]
async fn a_judge_that_panics_refuses_its_request_alone() {
    let provider = Acme {
        authenticate: |keys, head| {
            let tag = tag(head)?;
            Ok(Check::whole(move |body| {
                assert!(body != b"boom");
                keys.verify(tag, [body])
            }))
        },
        ..acme()
    };
    let log = Log::default();
    let hook = VerifyLayer::new(provider).max_bodies(1).layer(noting(&log));
    for _ in 0..3 {
        let refused = hook.clone().oneshot(signed("boom")).await.unwrap();
        assert_eq!(refused.status(), 401);
        let reason = refused.extensions().get::<Rejection>().unwrap().to_string();
        assert_eq!(reason, "not authentic: the check panicked");
        let genuine = hook.clone().oneshot(signed(r#"{"kind":"a"}"#)).await.unwrap();
        assert_eq!(genuine.status(), 200);
    }
    assert_eq!(log.seen().len(), 3);
}

#[tokio::test]
async fn a_type_that_no_handler_can_have_is_refused_on_the_head() {
    let provider = Acme {
        authenticate: |keys, head| keys.check(tag(head)?).named(head.public_header("x-type")?),
        ..acme()
    };
    let log = Log::default();
    let hook = VerifyLayer::new(provider).layer(noting(&log));
    let longest = "t".repeat(Envelope::MAX_TYPE);
    for (event_type, refused) in [
        (&*longest, None),
        ("", Some(VerifyError::EventType)),
        (&*format!("{longest}t"), Some(VerifyError::EventType)),
    ] {
        let mut request = signed(r#"{"kind":"other"}"#);
        request.headers_mut().insert("x-type", event_type.parse().unwrap());
        let answer = hook.clone().oneshot(request).await.unwrap();
        let reason = answer.extensions().get::<Rejection>().cloned();
        assert_eq!(reason, refused.map(Rejection::Unauthentic), "{} bytes", event_type.len());
    }
    assert_eq!(log.seen().len(), 1);
}
