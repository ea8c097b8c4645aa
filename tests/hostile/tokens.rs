//! Tokens that are wrong, missing, repeated or malformed, in each place that one may stand in.

use tower_webhook::scheme::Token;

use super::*;

/// The answer to `request` where `token` is wanted.
async fn at(token: Token, request: http::request::Builder) -> Result<u16, VerifyError> {
    judged(Loops::new(token), request.body(Body::from("[]")).unwrap()).await
}

/// Near misses, most of them of the same length as [`TOKEN`] or nearly so; none is empty.
fn near_misses() -> Vec<String> {
    let flipped =
        |n: usize| TOKEN.bytes().enumerate().map(move |(i, b)| if i == n { b ^ 1 } else { b });
    let flip = |n| String::from_utf8(flipped(n).collect()).unwrap();
    let longer = [format!("{TOKEN}0"), format!("0{TOKEN}"), TOKEN.repeat(2)];
    let shorter = ["0", &TOKEN[1..], &TOKEN[..31]].map(str::to_owned);
    let others =
        [TOKEN.to_uppercase(), TOKEN.to_lowercase(), OTHER_TOKEN.into(), "a".repeat(5_000)];
    [flip(0), flip(31)].into_iter().chain(longer).chain(shorter).chain(others).collect()
}

#[tokio::test]
async fn a30_d7_in_the_path() {
    let token = || Token::path(TOKEN).unwrap();
    for good in [format!("/{TOKEN}"), format!("/a/b/{TOKEN}?token=x"), format!("//{TOKEN}?")] {
        assert_eq!(at(token(), Request::post(&good)).await, Ok(200), "{good}");
    }
    let mut wrong = near_misses();
    let around = ["/", "/..", "/.", "%2f", ";x", "%00", "/%2e%2e", "/../x", "\\", "%0d%0a"];
    wrong.extend(around.map(|end| format!("{TOKEN}{end}")));
    wrong.extend([format!("?{TOKEN}"), format!("?/{TOKEN}"), format!("%2F{TOKEN}")]);
    wrong.extend(["", "..%2f..%2fetc%2fpasswd", "../../etc/passwd", "%252e%252e"].map(Into::into));
    wrong.push(format!("%30{}", &TOKEN[1..]));
    for path in wrong {
        let judged = at(token(), Request::post(format!("/hook/{path}"))).await;
        assert_eq!(judged, Err(VerifyError::PathToken), "A30, D7: {path}");
    }
}

#[tokio::test]
async fn d7_what_the_path_of_a_request_need_not_begin_with() {
    let server = Server::start(receiver(loops())).await;
    for (target, status) in [
        ("*".to_owned(), "404 Not Found"),
        (format!("http://elsewhere/{TOKEN}"), "200 OK"),
        (format!("http://elsewhere?/{TOKEN}"), "404 Not Found"),
        (format!("/{TOKEN}#/x"), "200 OK"),
        (format!("/x#/{TOKEN}"), "404 Not Found"),
    ] {
        let request = written(post(TOKEN, "[]")).await.replace(&format!("/hook/{TOKEN}"), &target);
        let answer = server.say(request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "D7: {target}: {answer}");
    }
}

#[tokio::test]
async fn a30_d9_in_the_query() {
    let token = || Token::query("token", TOKEN).unwrap();
    for good in ["", "&a=1", "&", "&tokens=x", "&token", "&Token=x", "#token=x"] {
        let judged = at(token(), Request::post(format!("/?token={TOKEN}{good}"))).await;
        assert_eq!(judged, Ok(200), "D9: {good}");
    }
    assert_eq!(at(token(), Request::post(format!("/?a=b=c&token={TOKEN}"))).await, Ok(200), "D9");
    let mut wrong = near_misses();
    let encoded = format!("%30{}", &TOKEN[1..]);
    wrong.extend([String::new(), encoded, format!("{TOKEN};a"), format!("{TOKEN}+")]);
    for wrong in wrong {
        let judged = at(token(), Request::post(format!("/?token={wrong}"))).await;
        assert_eq!(judged, Err(VerifyError::TokenMismatch), "A30, D9: {wrong}");
    }
    for query in ["", "token", "Token=x", "tok%65n=x", &format!("a={TOKEN}"), "token%3Dx"] {
        let judged = at(token(), Request::post(format!("/?{query}"))).await;
        assert_eq!(judged, Err(VerifyError::MissingQuery("token".into())), "D9: {query}");
    }
    for (one, other) in [(TOKEN, TOKEN), (TOKEN, ""), ("", TOKEN), (TOKEN, "x")] {
        let judged = at(token(), Request::post(format!("/?token={one}&a=1&token={other}"))).await;
        assert_eq!(judged, Err(VerifyError::RepeatedQuery("token".into())), "D9");
    }
}

#[tokio::test]
async fn a1_a2_a14_a15_a30_in_a_header() {
    let token = || Token::header("x-token", TOKEN).unwrap();
    let request = || Request::post("/");
    assert_eq!(at(token(), request().header("X-Token", TOKEN)).await, Ok(200));
    let mut wrong = near_misses();
    wrong.extend([String::new(), format!("{TOKEN},{TOKEN}"), format!("Bearer {TOKEN}")]);
    for wrong in wrong {
        let judged = at(token(), request().header("x-token", &wrong)).await;
        assert_eq!(judged, Err(VerifyError::TokenMismatch), "A2, A30: {wrong}");
    }
    let twice = request().header("x-token", TOKEN).header("x-token", TOKEN);
    let rows = [
        ("A1", request(), VerifyError::MissingHeader("x-token".into())),
        ("A1", request().header("x-tokens", TOKEN), VerifyError::MissingHeader("x-token".into())),
        (
            "A14",
            request().header("x-token", "a".repeat(9_000)),
            VerifyError::HeaderTooLong("x-token".into()),
        ),
        ("A15", twice, VerifyError::RepeatedHeader("x-token".into())),
        (
            "not ASCII",
            request().header("x-token", "é"),
            VerifyError::MalformedHeader("x-token".into()),
        ),
    ];
    for (row, request, error) in rows {
        assert_eq!(at(token(), request).await, Err(error), "{row}");
    }
}

#[tokio::test]
async fn a1_a2_a15_a30_as_bearer() {
    let token = || Token::bearer(TOKEN).unwrap();
    let request = || Request::post("/");
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let good = request().header("authorization", format!("{scheme} {TOKEN}"));
        assert_eq!(at(token(), good).await, Ok(200), "{scheme}");
    }
    let mut wrong = near_misses();
    wrong.extend([format!(" {TOKEN}"), format!("{TOKEN}, Bearer {TOKEN}")]);
    for wrong in wrong {
        let request = request().header("authorization", format!("Bearer {wrong}"));
        let judged = at(token(), request).await;
        assert_eq!(judged, Err(VerifyError::Bearer("do not match".into())), "A30: {wrong}");
    }
    let good = format!("Bearer {TOKEN}");
    let rows = [
        (request(), "are missing"),
        (request().header("authorization", &good).header("authorization", &good), "are repeated"),
        (request().header("authorization", "Bearer é"), "are malformed"),
        (request().header("authorization", TOKEN), "are of another scheme"),
        (request().header("authorization", format!("Basic {TOKEN}")), "are of another scheme"),
        (request().header("authorization", format!("Bearer\t{TOKEN}")), "are of another scheme"),
        (request().header("authorization", "Bearer"), "are of another scheme"),
        (request().header("authorization", ""), "are of another scheme"),
    ];
    for (request, why) in rows {
        assert_eq!(at(token(), request).await, Err(VerifyError::Bearer(why.into())), "A1, A2, A15");
    }
}

#[tokio::test]
async fn a1_a2_a6_a15_a30_as_basic() {
    let token = || Token::basic("user", TOKEN).unwrap();
    let request = |value: &str| Request::post("/").header("authorization", value);
    let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    let good = basic(&format!("user:{TOKEN}"));
    assert_eq!(at(token(), request(&good)).await, Ok(200));
    let mut wrong: Vec<_> =
        near_misses().into_iter().map(|wrong| format!("user:{wrong}")).collect();
    let users = ["User", "use", "", "user:", "users"];
    wrong.extend(users.map(|user| format!("{user}:{TOKEN}")));
    wrong.extend([":", "user", "user:", TOKEN].map(str::to_owned));
    for pair in wrong {
        let judged = at(token(), request(&basic(&pair))).await;
        assert_eq!(judged, Err(VerifyError::Basic("do not match".into())), "A30: {pair}");
    }
    let rows = [
        (Request::post("/"), "are missing"),
        (request(&good).header("authorization", &good), "are repeated"),
        (request(&format!("Basic user:{TOKEN}")), "are not base64"),
        (request(good.trim_end_matches('=')), "are not base64"),
        (request(&format!("Bearer {TOKEN}")), "are of another scheme"),
        (request("Basic"), "are of another scheme"),
        (request(""), "are of another scheme"),
        (request("Basic é"), "are malformed"),
    ];
    for (request, why) in rows {
        assert_eq!(
            at(token(), request).await,
            Err(VerifyError::Basic(why.into())),
            "A1, A2, A6, A15"
        );
    }
}
