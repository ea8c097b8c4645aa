//! What a sender forges is refused, end to end, and reaches no handler.

use tower::{Layer, ServiceExt};
use tower_webhook::{
    Draft, Emit, EventRouter, RawEvent, Sender, VerifyLayer,
    error::SendError,
    providers::loops::Loops,
    scheme::Token,
    sender::Tamper::{self, *},
};

use crate::support::{Log, TOKEN, learn365, loops, standard_webhooks, synthesis_vr, teachstack};

/// How the sender's own receiver answers each forgery; those that do not apply are left out.
async fn answers<P: Emit + Clone>(provider: P) -> Vec<(Tamper, u16)> {
    let handled = Log::default();
    let log = handled.clone();
    let events = EventRouter::new().fallback(async move |_: RawEvent| log.note("handled"));
    let hook = VerifyLayer::new(provider.clone()).layer(events);
    let event = [Draft::raw("a", r#"{"b": 1, "uuid": "u"}"#).unwrap()];

    let mut all = Vec::new();
    for &tamper in Tamper::ALL {
        match Sender::new(provider.clone()).tampered(tamper).batch(&event) {
            Ok(forged) => {
                let answer = hook.clone().oneshot(forged).await.unwrap();
                all.push((tamper, answer.status().as_u16()));
            }
            Err(SendError::Tamper(name)) if name == tamper.name() => {}
            Err(error) => panic!("{tamper:?}: {error}"),
        }
    }
    assert_eq!(handled.seen(), [""; 0]);

    let genuine = Sender::new(provider).batch(&event).unwrap();
    assert_eq!(hook.oneshot(genuine).await.unwrap().status(), 200);
    assert_eq!(handled.seen(), ["handled"]);
    all
}

const OF_A_SIGNATURE: [(Tamper, u16); 10] = [
    (Unsigned, 401),
    (Missing, 401),
    (Empty, 401),
    (Repeated, 401),
    (BitFlipped, 401),
    (Truncated, 401),
    (Extended, 401),
    (Garbage, 431),
    (BodyAltered, 401),
    (Transplanted, 401),
];

const OF_A_TIMESTAMP: [(Tamper, u16); 4] =
    [(Stale, 401), (Early, 401), (Restamped, 401), (Replayed, 401)];

const OF_A_PATH_TOKEN: [(Tamper, u16); 5] =
    [(Unsigned, 404), (Empty, 404), (BitFlipped, 404), (Truncated, 404), (Extended, 404)];

#[tokio::test]
async fn signatures() {
    assert_eq!(answers(learn365()).await, OF_A_SIGNATURE);
    let both = [&OF_A_SIGNATURE[..], &OF_A_TIMESTAMP].concat();
    assert_eq!(answers(standard_webhooks()).await, both);
}

#[tokio::test]
async fn path_tokens() {
    assert_eq!(answers(loops()).await, OF_A_PATH_TOKEN);
    assert_eq!(answers(synthesis_vr()).await, OF_A_PATH_TOKEN);
    assert_eq!(answers(teachstack()).await, OF_A_PATH_TOKEN);
}

#[test]
fn a_spoilt_token_is_a_secret_still() {
    let loops = Loops::new(Token::header("x-token", TOKEN).unwrap());
    for tamper in [Empty, Repeated, BitFlipped, Truncated, Extended, Garbage] {
        let forged = Sender::new(loops.clone()).tampered(tamper).raw("a", "{}").unwrap();
        let mut values = forged.headers().get_all("x-token").iter();
        assert!(values.all(http::HeaderValue::is_sensitive), "{tamper:?}");
        let shown = format!("{forged:?}");
        assert!(!shown.contains(&TOKEN[..8]) && !shown.contains(&TOKEN[24..]), "{tamper:?}");
    }
}
