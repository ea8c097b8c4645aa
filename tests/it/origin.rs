//! The URL that a sender signed, behind routers and proxies.

use std::{error::Error, time::SystemTime};

use axum::{Router, body::Body};
use http::Request;
use tower::{Layer, ServiceExt};
use tower_webhook::{
    EventRouter, Provider, RawEvent, VerifyLayer,
    decode::Envelope,
    scheme::{Authentic, Check, Head, HmacSha256, Origin, Tag, VerifyError},
};

/// Signs the URL, and the body behind it.
#[derive(Clone)]
struct Signing {
    keys: HmacSha256,
    origin: Origin,
    both_ports: bool,
}

impl Provider for Signing {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let tag = Tag::hex(head.header("x-signature")?)?;
        let urls = match self.both_ports {
            true => self.origin.urls(head).to_vec(),
            false => vec![self.origin.url(head)],
        };
        let genuine = urls.iter().any(|url| tag.matches(self.keys.sign([url]).as_bytes()).into());
        match genuine {
            true => Ok(Authentic::dangerous_assert().into()),
            false => Err(VerifyError::SignatureMismatch),
        }
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("type")
    }
}

fn keys() -> HmacSha256 {
    HmacSha256::new("the secret of a sender that signs URLs").unwrap()
}

fn signing(origin: &str, both_ports: bool) -> Signing {
    Signing { keys: keys(), origin: Origin::new(origin).unwrap(), both_ports }
}

/// What the sender sends to `target` if `url` is registered with it.
fn signed(url: &str, target: &str) -> Request<Body> {
    let signature = keys().sign([url]).to_hex();
    let request = Request::post(target).header("x-signature", signature);
    request.body("{}".into()).unwrap()
}

/// A receiver of `/sms` below `/webhooks/twilio`.
fn nested(provider: Signing) -> Router {
    let events = EventRouter::new().fallback(async |_: RawEvent| {});
    let hook = VerifyLayer::new(provider).layer(events);
    Router::new().nest("/webhooks/twilio", Router::new().route_service("/sms", hook))
}

async fn status(app: Router, request: Request<Body>) -> u16 {
    app.oneshot(request).await.unwrap().status().as_u16()
}

const NESTED: &str = "https://hooks.example.com/webhooks/twilio";

#[tokio::test]
async fn the_prefix_that_a_router_cuts_off_is_signed_and_so_is_the_query() {
    let target = "/webhooks/twilio/sms?tenant=7&name=a%20b+c&empty=";
    for origin in [NESTED.to_owned(), format!("{NESTED}/")] {
        let app = nested(signing(&origin, false));
        let genuine = signed(&format!("https://hooks.example.com{target}"), target);
        assert_eq!(status(app.clone(), genuine).await, 200, "{origin}");
        for other in [
            "https://hooks.example.com/sms?tenant=7&name=a%20b+c&empty=",
            "https://hooks.example.com/webhooks/twilio/sms",
            "https://hooks.example.com/webhooks/twilio/sms?tenant=7&name=a b+c&empty=",
            "http://hooks.example.com/webhooks/twilio/sms?tenant=7&name=a%20b+c&empty=",
        ] {
            assert_eq!(status(app.clone(), signed(other, target)).await, 401, "{other}");
        }
    }
}

/// axum hands on `/` for the prefix itself, with and without a slash at its end.
#[tokio::test]
async fn a_layer_at_the_prefix_itself_expects_the_url_as_it_was_given() {
    let events = || EventRouter::new().fallback(async |_: RawEvent| {});
    for (origin, slash) in [(NESTED.to_owned(), ""), (format!("{NESTED}/"), "/")] {
        for query in ["", "?tenant=7"] {
            let hook = VerifyLayer::new(signing(&origin, true)).layer(events());
            let app = Router::new().nest_service("/webhooks/twilio", hook);
            let target = format!("/webhooks/twilio{slash}{query}");
            let genuine = signed(&format!("https://hooks.example.com{target}"), &target);
            assert_eq!(status(app.clone(), genuine).await, 200, "{target}");
            let cut = signed(&format!("https://hooks.example.com/{query}"), &target);
            assert_eq!(status(app, cut).await, 401, "{target}");
        }
    }
}

#[tokio::test]
async fn what_the_client_says_of_the_host_changes_nothing() {
    let target = "/webhooks/twilio/sms";
    let app = nested(signing(NESTED, true));
    for (registered, expected) in
        [("https://hooks.example.com", 200), ("https://other.example", 401)]
    {
        let url = format!("{registered}{target}");
        for uri in [target.to_owned(), format!("https://other.example{target}")] {
            let mut request = signed(&url, &uri);
            for (name, value) in [
                ("host", "other.example"),
                ("forwarded", "host=other.example;proto=https"),
                ("x-forwarded-host", "other.example"),
                ("x-forwarded-port", "444"),
                ("x-forwarded-prefix", "/other"),
                ("x-forwarded-proto", "http"),
                ("x-original-uri", "/other"),
            ] {
                request.headers_mut().insert(name, value.parse().unwrap());
            }
            assert_eq!(status(app.clone(), request).await, expected, "{url}, {uri}");
        }
    }
}

#[tokio::test]
async fn both_ports_are_accepted_where_the_sender_is_not_consistent() {
    let target = "/webhooks/twilio/sms";
    for (port, both, expected) in [
        ("", true, 200),
        (":443", true, 200),
        (":80", true, 401),
        (":8443", true, 401),
        ("", false, 200),
        (":443", false, 401),
    ] {
        let url = format!("https://hooks.example.com{port}{target}");
        let app = nested(signing(NESTED, both));
        assert_eq!(status(app, signed(&url, target)).await, expected, "{port} {both}");
    }
}

#[test]
fn an_origin_is_written_as_it_was_given() {
    let (parts, ()) = Request::post("/sms?a=b").body(()).unwrap().into_parts();
    let head = Head::new(&parts, SystemTime::UNIX_EPOCH);
    for (origin, url, [without, with]) in [
        (
            "https://a.example",
            "https://a.example/sms?a=b",
            ["https://a.example/sms?a=b", "https://a.example:443/sms?a=b"],
        ),
        (
            "http://a.example/",
            "http://a.example/sms?a=b",
            ["http://a.example/sms?a=b", "http://a.example:80/sms?a=b"],
        ),
        (
            "https://a.example:443/p",
            "https://a.example:443/p/sms?a=b",
            ["https://a.example/p/sms?a=b", "https://a.example:443/p/sms?a=b"],
        ),
        (
            "https://A.Example:8443",
            "https://A.Example:8443/sms?a=b",
            ["https://A.Example/sms?a=b", "https://A.Example:8443/sms?a=b"],
        ),
        (
            "https://[::1]:8443/p/q/",
            "https://[::1]:8443/p/q/sms?a=b",
            ["https://[::1]/p/q/sms?a=b", "https://[::1]:8443/p/q/sms?a=b"],
        ),
    ] {
        let origin = Origin::new(origin).unwrap();
        assert_eq!(origin.url(&head), url);
        assert_eq!(origin.urls(&head), [without, with]);
    }
}

/// With `http` 1.3, the target of a request over HTTP/2 can also be `.other.example/` or `@other.example/`.
#[test]
fn a_target_without_a_slash_does_not_continue_the_host() {
    for (target, [at_root, below, at_slash]) in [
        ("*", ["/*", "/p/*", "/p/*"]),
        ("http://other.example?a=b", ["/?a=b", "/p?a=b", "/p/?a=b"]),
        ("other.example:443", ["/", "/p", "/p/"]),
    ] {
        let (parts, ()) = Request::post(target).body(()).unwrap().into_parts();
        let head = Head::new(&parts, SystemTime::UNIX_EPOCH);
        for (origin, path) in [("", at_root), ("/p", below), ("/p/", at_slash)] {
            let origin = Origin::new(format!("https://a.example{origin}")).unwrap();
            assert_eq!(origin.url(&head), format!("https://a.example{path}"), "{target}");
            let urls = ["", ":443"].map(|port| format!("https://a.example{port}{path}"));
            assert_eq!(origin.urls(&head), urls, "{target}");
        }
    }
}

#[test]
fn what_is_no_origin_is_refused() {
    let absolute = "the origin is not an absolute URL that begins with `http://` or `https://`";
    let host = "the origin has no host, or a port that is not a number";
    for (url, why) in [
        ("", absolute),
        ("hooks.example.com", absolute),
        ("/webhooks", absolute),
        ("ftp://hooks.example.com", absolute),
        ("https://", absolute),
        ("https://a b.example", absolute),
        ("https://hooks.example.com/a#b", "the origin has a fragment: remove it"),
        ("https://hooks.example.com/?", "the origin has a query: remove it"),
        ("https://hooks.example.com/a?b=c", "the origin has a query: remove it"),
        ("https://user:hunter2@hooks.example.com", "the origin has a user in it: remove it"),
        ("https://hooks.example.com:99999", host),
        ("https://hooks.example.com:", host),
        ("https://hooks.example.com:+443", host),
        ("https://hooks.example.com[::1]:443", host),
        ("https://:443", host),
    ] {
        let error = Origin::new(url).unwrap_err();
        assert_eq!(error.to_string(), why, "{url}");
    }
    assert!(Origin::new("https://a b.example").unwrap_err().source().is_some());
}

#[test]
fn the_path_of_an_origin_is_not_shown() {
    let shown = format!("{:?}", Origin::new("https://a.example/hidden").unwrap());
    assert!(shown.contains("a.example") && !shown.contains("hidden"), "{shown}");
}
