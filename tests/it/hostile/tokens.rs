//! Tokens that are wrong, missing, repeated or malformed, in each place that one may stand in (A30, A32, D7, D9).

use base64::{Engine, engine::general_purpose::STANDARD};
use tower_webhook::{
    Delivery,
    scheme::{Keys, Token},
};

use super::*;

/// The answer to `request` where `token` is wanted.
async fn at(token: Token, request: http::request::Builder) -> (u16, Option<VerifyError>) {
    let hook = VerifyLayer::new(Loops::new(token)).layer(EventRouter::new());
    let answer = answer(hook, request.body(Full::<Bytes>::from("[]")).unwrap()).await;
    match answer.rejection() {
        Some(Rejection::Unauthentic(error)) => (answer.status(), Some(*error)),
        _ => (answer.status(), None),
    }
}

const GOOD: (u16, Option<VerifyError>) = (200, None);

/// Near misses, all of the same length as [`TOKEN`] or nearly so.
fn near_misses() -> Vec<String> {
    let flipped =
        |n: usize| TOKEN.bytes().enumerate().map(move |(i, b)| if i == n { b ^ 1 } else { b });
    let flip = |n| String::from_utf8(flipped(n).collect()).unwrap();
    let longer = [format!("{TOKEN}0"), format!("0{TOKEN}"), TOKEN.repeat(2)];
    let shorter = ["", "0", &TOKEN[1..], &TOKEN[..31]].map(str::to_owned);
    let others =
        [TOKEN.to_uppercase(), TOKEN.to_lowercase(), OTHER_TOKEN.into(), "a".repeat(5_000)];
    [flip(0), flip(31)].into_iter().chain(longer).chain(shorter).chain(others).collect()
}

#[tokio::test]
async fn in_the_path() {
    let token = || Token::path(TOKEN).unwrap();
    for good in [format!("/{TOKEN}"), format!("/a/b/{TOKEN}?token=x"), format!("//{TOKEN}?")] {
        assert_eq!(at(token(), Request::post(&good)).await, GOOD, "{good}");
    }
    let mut wrong = near_misses();
    let around = ["/", "/..", "/.", "%2f", ";x", "%00", "/%2e%2e"];
    wrong.extend(around.map(|end| format!("{TOKEN}{end}")));
    wrong.extend([format!("?{TOKEN}"), format!("?/{TOKEN}"), format!("%2F{TOKEN}")]);
    for path in wrong {
        let judged = at(token(), Request::post(format!("/hook/{path}"))).await;
        assert_eq!(judged, (404, Some(VerifyError::PathToken)), "D7: {path}");
    }
    assert_eq!(at(token(), Request::post("*")).await.0, 404);
}

#[tokio::test]
async fn in_the_query() {
    let token = || Token::query("token", TOKEN).unwrap();
    for good in ["", "&a=1", "&", "&tokens=x", "&token", "&Token=x", "#token=x"] {
        assert_eq!(at(token(), Request::post(format!("/?token={TOKEN}{good}"))).await, GOOD);
    }
    assert_eq!(at(token(), Request::post(format!("/?a=b=c&token={TOKEN}"))).await, GOOD, "D9");
    for wrong in near_misses() {
        let judged = at(token(), Request::post(format!("/?token={wrong}"))).await;
        assert_eq!(judged, (401, Some(VerifyError::TokenMismatch)), "{wrong}");
    }
    let encoded = format!("/?token=%30{}", &TOKEN[1..]);
    let judged = at(token(), Request::post(encoded)).await;
    assert_eq!(judged, (401, Some(VerifyError::TokenMismatch)), "D9: nothing is decoded");
    for query in ["", "token", "Token=x", "tok%65n=x", &format!("a={TOKEN}")] {
        let judged = at(token(), Request::post(format!("/?{query}"))).await;
        assert_eq!(judged, (401, Some(VerifyError::MissingQuery("token"))), "{query}");
    }
    for (one, other) in [(TOKEN, TOKEN), (TOKEN, ""), ("", TOKEN)] {
        let judged = at(token(), Request::post(format!("/?token={one}&token={other}"))).await;
        assert_eq!(judged, (401, Some(VerifyError::RepeatedQuery("token"))));
    }
}

#[tokio::test]
async fn in_a_header() {
    let token = || Token::header("x-token", TOKEN).unwrap();
    let request = || Request::post("/");
    assert_eq!(at(token(), request().header("X-Token", TOKEN)).await, GOOD);
    for wrong in near_misses() {
        let judged = at(token(), request().header("x-token", &wrong)).await;
        assert_eq!(judged, (401, Some(VerifyError::TokenMismatch)), "{wrong}");
    }
    let rows = [
        (request(), 401, VerifyError::MissingHeader("x-token")),
        (
            request().header("x-token", TOKEN).header("x-token", TOKEN),
            401,
            VerifyError::RepeatedHeader("x-token"),
        ),
        (request().header("x-token", "é"), 401, VerifyError::MalformedHeader("x-token")),
        (
            request().header("x-token", "a".repeat(9_000)),
            431,
            VerifyError::HeaderTooLong("x-token"),
        ),
        (request().header("x-token", format!("{TOKEN},{TOKEN}")), 401, VerifyError::TokenMismatch),
    ];
    for (request, status, error) in rows {
        assert_eq!(at(token(), request).await, (status, Some(error)));
    }
}

#[tokio::test]
async fn as_bearer() {
    let token = || Token::bearer(TOKEN).unwrap();
    let request = || Request::post("/");
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let good = request().header("authorization", format!("{scheme} {TOKEN}"));
        assert_eq!(at(token(), good).await, GOOD, "{scheme}");
    }
    for wrong in near_misses() {
        let judged =
            at(token(), request().header("authorization", format!("Bearer {wrong}"))).await;
        assert_eq!(judged, (401, Some(VerifyError::Bearer("do not match"))), "{wrong}");
    }
    let good = format!("Bearer {TOKEN}");
    let rows = [
        (request(), "are missing"),
        (request().header("authorization", &good).header("authorization", &good), "are repeated"),
        (request().header("authorization", "Bearer é"), "are malformed"),
        (request().header("authorization", TOKEN), "are of another scheme"),
        (request().header("authorization", format!("Basic {TOKEN}")), "are of another scheme"),
        (request().header("authorization", format!("Bearer\t{TOKEN}")), "are of another scheme"),
        (request().header("authorization", ""), "are of another scheme"),
        (request().header("authorization", format!("Bearer  {TOKEN}")), "do not match"),
    ];
    for (request, why) in rows {
        assert_eq!(at(token(), request).await, (401, Some(VerifyError::Bearer(why))), "{why}");
    }
}

#[tokio::test]
async fn as_basic() {
    let token = || Token::basic("user", TOKEN).unwrap();
    let request = |pair: &str| {
        Request::post("/").header("authorization", format!("Basic {}", STANDARD.encode(pair)))
    };
    assert_eq!(at(token(), request(&format!("user:{TOKEN}"))).await, GOOD);
    let mut wrong: Vec<_> =
        near_misses().into_iter().map(|wrong| format!("user:{wrong}")).collect();
    let users = ["User", "use", "", "user:", "users"];
    wrong.extend(users.map(|user| format!("{user}:{TOKEN}")));
    wrong.extend(["", ":", "user", TOKEN].map(str::to_owned));
    for pair in wrong {
        let judged = at(token(), request(&pair)).await;
        assert_eq!(judged, (401, Some(VerifyError::Basic("do not match"))), "{pair}");
    }
    let bare = Request::post("/");
    assert_eq!(at(token(), bare).await, (401, Some(VerifyError::Basic("are missing"))));
    let plain = Request::post("/").header("authorization", format!("Basic user:{TOKEN}"));
    assert_eq!(at(token(), plain).await, (401, Some(VerifyError::Basic("are not base64"))));
    let bearer = Request::post("/").header("authorization", format!("Bearer {TOKEN}"));
    let other = (401, Some(VerifyError::Basic("are of another scheme")));
    assert_eq!(at(token(), bearer).await, other);
}

#[tokio::test]
async fn the_name_of_the_token_reaches_the_handler() {
    let keys = Keys::named("sofia", TOKEN).or(Keys::named("varna", OTHER_TOKEN));
    let log = Log::default();
    let noted = log.clone();
    let events = EventRouter::new().on(async move |_: SessionStarted, delivery: Delivery| {
        noted.note(delivery.key_id().unwrap_or("nobody"));
    });
    let hook = VerifyLayer::new(Loops::new(Token::path(keys).unwrap())).layer(events);
    for token in [OTHER_TOKEN, TOKEN] {
        let request = post(token, r#"{"type":"SESSION_STARTED","data":{}}"#);
        assert_eq!(answer(hook.clone(), request).await.status(), 200);
    }
    assert_eq!(log.seen(), ["varna", "sofia"]);
}
