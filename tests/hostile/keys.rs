//! B: several keys of one endpoint.

use tower_webhook::{
    Body, Draft,
    providers::{
        learn365::Learn365, standard_webhooks::StandardWebhooks, synthesis_vr::SynthesisVr,
        teachstack::Teachstack,
    },
    scheme::{Keys, Token},
};

use super::*;

/// An event whose body claims to be varna's, as `provider` sends it with the first of its keys.
fn claiming<P: Emit>(provider: P) -> Request<Body> {
    let json = r#"{"tenant":"varna","key_id":"varna","uuid":"1"}"#;
    sender(provider).batch(&[Draft::raw("a", json).unwrap()]).unwrap()
}

/// The name of the key that the one event of `request` came with.
async fn key_of<P: Provider>(provider: P, request: Request<Body>) -> Option<String> {
    let (status, events) = delivered(provider, request).await;
    assert_eq!(status, if events.is_empty() { 401 } else { 200 });
    events.first().map(|(_, delivery)| delivery.key_id().unwrap().to_owned())
}

/// While a key is rotated, and then.
async fn rotated<P: Emit>(make: impl Fn(Keys) -> P, old: &str, new: &str) {
    let both = || make(Keys::named("new", new).or(Keys::named("old", old)));
    let only = |key: &str| make(Keys::named("new", key));
    let sent = |key: &str| claiming(only(key));
    assert_eq!(key_of(both(), sent(old)).await.as_deref(), Some("old"), "B13");
    assert_eq!(key_of(both(), sent(new)).await.as_deref(), Some("new"), "B13");
    assert_eq!(key_of(only(new), sent(new)).await.as_deref(), Some("new"), "B14");
    assert_eq!(key_of(only(new), sent(old)).await, None, "B14");
}

#[tokio::test]
async fn b13_b14_while_a_key_is_rotated_both_are_good_and_then_one() {
    rotated(|keys| Learn365::new(keys).unwrap(), SECRET, OTHER_SECRET).await;
    rotated(|keys| StandardWebhooks::new(keys).unwrap(), WHSEC, OTHER_WHSEC).await;
    let query = |keys| Loops::new(Token::query("token", keys).unwrap());
    rotated(query, TOKEN, OTHER_TOKEN).await;
    let header = |keys| SynthesisVr::new(Token::header("x-token", keys).unwrap());
    rotated(header, TOKEN, OTHER_TOKEN).await;
    let basic = |keys| Teachstack::new(Token::basic("user", keys).unwrap());
    rotated(basic, TOKEN, OTHER_TOKEN).await;
}

#[tokio::test]
async fn b19_whose_a_delivery_is_the_key_says_and_not_the_body() {
    let tenants = || Keys::named("sofia", SECRET).or(Keys::named("varna", OTHER_SECRET));
    let both = || Learn365::new(tenants()).unwrap();
    for name in ["x-tenant", "x-key-id", "keyid"] {
        let request = with(claiming(learn365()), name, Some("varna"));
        assert_eq!(key_of(both(), request).await.as_deref(), Some("sofia"), "B19: {name}");
    }
    let tenants = || Keys::named("sofia", TOKEN).or(Keys::named("varna", OTHER_TOKEN));
    let both = || Loops::new(Token::path(tenants()).unwrap());
    for (token, name) in [(OTHER_TOKEN, "varna"), (TOKEN, "sofia")] {
        let uri = format!("/varna/{token}?tenant=varna");
        let request = Request::post(uri).body(Body::from(r#"{"type":"varna"}"#)).unwrap();
        assert_eq!(key_of(both(), request).await.as_deref(), Some(name), "B19");
    }
}
