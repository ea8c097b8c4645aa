//! Where a sender is led by redirects.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, Method};

use super::*;

/// An endpoint that redirects `/3xx/…` to `/…` with that status, and answers the rest as its path says.
async fn redirecting() -> (SocketAddr, Arrived) {
    endpoint(|request, _| redirected(request.uri().path())).await
}

fn redirected(path: &str) -> Response {
    let (status, rest) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
    let status = code(status.parse().unwrap());
    match rest {
        "" => status.into_response(),
        rest => (status, [("location", format!("/{rest}"))]).into_response(),
    }
}

/// What one attempt came to.
async fn first_attempt<P: Emit + Clone>(provider: P, path: &str) -> (DeliveryReport, Vec<String>) {
    let (address, arrived) = redirecting().await;
    let deliveries = pushed(&provider, address, &[path]);
    assert_eq!(deliveries.deliver_due(at(START)).await, 1);
    let line = |request: &Request<Bytes>| format!("{} {}", request.method(), request.uri());
    (only(&deliveries), arrived.all().iter().map(line).collect())
}

#[tokio::test]
async fn standard_webhooks_and_synthesis_vr_follow_none() {
    for path in ["/301/200", "/302/200", "/303/200", "/307/200", "/308/200"] {
        let (report, arrived) = first_attempt(standard_webhooks(), path).await;
        assert_eq!(arrived, [format!("POST {path}")]);
        assert_eq!((report.attempts[0].redirects, &report.attempts[0].method), (0, &Method::POST));
        assert_eq!(report.status, DeliveryStatus::Retrying(at(START + 5)), "{report}");
    }
    let (report, arrived) = first_attempt(synthesis_vr(), "/307/200").await;
    assert_eq!((report.status, arrived.len()), (DeliveryStatus::Failed, 1), "{report}");
}

#[tokio::test]
async fn learn365_follows_as_its_http_client_does() {
    let again = DeliveryStatus::Retrying(at(START + 60));
    for (path, arrived, outcome) in [
        ("/301/200", &["POST", "GET"][..], DeliveryStatus::Lost),
        ("/302/204", &["POST", "GET"], DeliveryStatus::Lost),
        ("/303/200", &["POST", "GET"], DeliveryStatus::Lost),
        ("/307/200", &["POST", "POST"], DeliveryStatus::Delivered),
        ("/307/302/200", &["POST", "POST", "GET"], DeliveryStatus::Lost),
        ("/302/307/200", &["POST", "GET", "GET"], DeliveryStatus::Lost),
        ("/302/405", &["POST", "GET"], again),
        ("/302/410", &["POST", "GET"], DeliveryStatus::Stopped),
        ("/308/200", &["POST"], again),
        ("/300/200", &["POST"], again),
        ("/302", &["POST"], again),
    ] {
        let (report, seen) = first_attempt(learn365(), path).await;
        let methods = seen.iter().map(|line| line.split(' ').next().unwrap());
        assert!(methods.eq(arrived.iter().copied()), "{path}: {seen:?}");
        assert_eq!(report.status, outcome, "{path}");
        let attempt = &report.attempts[0];
        assert_eq!(usize::try_from(attempt.redirects).unwrap(), arrived.len() - 1, "{path}");
        assert_eq!(attempt.method, *arrived.last().unwrap(), "{path}");
    }
}

/// What arrives of a delivery with headers of its own, first and after a redirect.
async fn before_and_after(path: &str) -> [Request<Bytes>; 2] {
    let (address, arrived) = redirecting().await;
    let mut extra = HeaderMap::new();
    for name in ["x-tenant", "content-language", "allow", "expires", "last-modified"] {
        extra.insert(name, "a".parse().unwrap());
    }
    let deliveries = Deliveries::new(learn365().schedule());
    let sender = Sender::new(learn365()).to(url(address, path)).headers(extra);
    deliveries.push("", sender, [event()]).unwrap();
    deliveries.deliver_due(at(START)).await;
    arrived.all().try_into().unwrap()
}

#[tokio::test]
async fn a_307_repeats_the_request() {
    let [before, after] = before_and_after("/307/503").await;
    assert!(before.body().starts_with(b"{\r\n"));
    assert_eq!((after.body(), after.headers()), (before.body(), before.headers()));
}

#[tokio::test]
async fn a_302_takes_its_content_away_and_leaves_the_signature() {
    let [before, after] = before_and_after("/302/503").await;
    assert_eq!(after.body(), "");
    assert_eq!(after.headers()["ms-signature"], before.headers()["ms-signature"]);
    let mut names: Vec<_> = after.headers().keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["host", "ms-signature", "x-tenant"]);
}

/// Credentials, and what could be one, in headers of a registration.
const EXTRA: [&str; 7] = [
    "authorization",
    "cookie",
    "host",
    "ms-signature",
    "proxy-authorization",
    "x-api-key",
    "x-tenant",
];

/// What arrives at another port, and when that leads back, of a delivery of `sender` that is redirected there.
async fn elsewhere_and_back<P: Emit>(status: u16, sender: Sender<P>) -> [Request<Bytes>; 3] {
    let (home, at_home) = endpoint(move |request, _| match request.uri().path() {
        "/back" => StatusCode::OK.into_response(),
        path => (code(status), [("location", path.replacen('/', "http://", 1))]).into_response(),
    })
    .await;
    let (address, arrived) =
        endpoint(move |_, _| (code(307), [("location", url(home, "/back").to_string())])).await;
    let extra = EXTRA.map(|name| (name.parse::<HeaderName>().unwrap(), "canary".parse().unwrap()));
    let sender =
        sender.to(url(home, &format!("/{address}/there"))).headers(extra.into_iter().collect());
    let deliveries = Deliveries::new(learn365().schedule());
    deliveries.push("", sender, [event()]).unwrap();
    deliveries.deliver_due(at(START)).await;
    let [first, back] = at_home.all().try_into().unwrap();
    let [there] = arrived.all().try_into().unwrap();
    [first, there, back]
}

#[tokio::test]
async fn to_another_host_go_the_senders_own_headers_only() {
    for (status, method, own) in [
        (307, Method::POST, &["content-length", "content-type", "host", "ms-signature"][..]),
        (302, Method::GET, &["host", "ms-signature"]),
    ] {
        let [first, there, back] = elsewhere_and_back(status, Sender::new(learn365())).await;
        let signature = first.headers()["ms-signature"].to_str().unwrap();
        for name in EXTRA {
            assert!(first.headers()[name].to_str().unwrap().ends_with("canary"), "{name}");
        }
        for request in [there, back] {
            assert_eq!(request.method(), method);
            let mut names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
            names.sort_unstable();
            assert_eq!(names, own);
            assert_eq!(
                format!("{}, canary", request.headers()["ms-signature"].to_str().unwrap()),
                signature
            );
            assert!(!format!("{:?}", request.headers()).contains("canary"), "{request:?}");
        }
    }
}

#[tokio::test]
async fn a_token_of_the_senders_own_does_not_go_to_another_host() {
    for token in [
        Token::header("x-token", TOKEN).unwrap(),
        Token::bearer(TOKEN).unwrap(),
        Token::basic("api", TOKEN).unwrap(),
    ] {
        let sender = Sender::new(Loops::new(token));
        let [first, there, back] = elsewhere_and_back(307, sender).await;
        assert!(first.headers().len() > there.headers().len());
        for request in [there, back] {
            let mut names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
            names.sort_unstable();
            assert_eq!(names, ["content-length", "content-type", "host"]);
        }
    }
}

#[tokio::test]
async fn after_50_redirects_it_gives_up() {
    let (address, arrived) = endpoint(|_, _| (code(307), [("location", "/round")])).await;
    let deliveries = pushed(&learn365(), address, &["/round"]);
    assert_eq!(deliveries.deliver_due(at(START)).await, 1);
    let report = only(&deliveries);
    assert_eq!((report.attempts[0].redirects, arrived.all().len()), (50, 51));
    is_answered(&report, &[307]);
    assert_eq!(report.status, DeliveryStatus::Retrying(at(START + 60)));
}

#[tokio::test]
async fn where_they_cannot_lead() {
    for (location, redirects, answer) in [
        ("https://127.0.0.1:1/", 1, Answer::Failed(NO_TLS.into())),
        ("ftp://127.0.0.1:1/", 1, Answer::Failed(NO_TLS.into())),
        ("//127.0.0.1:1/", 0, Answer::Status(code(302))),
        ("elsewhere", 0, Answer::Status(code(302))),
    ] {
        let (address, _) = endpoint(move |_, _| (code(302), [("location", location)])).await;
        let deliveries = pushed(&learn365(), address, &["/hook"]);
        deliveries.deliver_due(at(START)).await;
        let attempt = &only(&deliveries).attempts[0];
        assert_eq!((attempt.redirects, &attempt.answer), (redirects, &answer), "{location}");
    }
}

const NO_TLS: &str = "the target is not `http://…`: TLS is for a proxy in between";
