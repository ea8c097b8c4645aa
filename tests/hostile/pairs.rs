//! A: signatures in pairs, `t=…,v1=…`, for a sender of one's own and for Stripe.

use tower_webhook::{
    decode::Envelope,
    providers::stripe::Stripe,
    scheme::{Check, Head, Pairs, Tag},
};

use super::*;

/// `t=<id>,v1=<hex>` over `id.body`, the way of several senders.
struct Pairwise(HmacSha256);

impl Provider for Pairwise {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let pairs = Pairs::parse(head.header("x-signature")?)?;
        let id = pairs.one("t")?;
        Ok(self.0.check_any(pairs.all("v1").map(Tag::hex))?.prefix(id).prefix(".").id(id))
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("type")
    }
}

#[tokio::test]
async fn a11_a17_pairs_stand_once_where_one_is_needed() {
    let key = HmacSha256::new(SECRET).unwrap();
    let tag = key.sign(["7.", "[]"]).to_hex();
    let malformed = Err(VerifyError::MalformedSignature);
    let unsupported = Err(VerifyError::UnsupportedSignature);
    let rows = [
        ("good", format!("t=7,v1={tag}"), Ok(200)),
        ("good, others beside it", format!("t=7, v0=00, v1=00, v1={tag}, x="), Ok(200)),
        ("A11", format!("t=7,v0={tag}"), unsupported.clone()),
        ("A11 upper case", format!("t=7,V1={tag}"), unsupported),
        ("A17", format!("t=7,t=8,v1={tag}"), malformed.clone()),
        ("A17 the same", format!("t=7,t=7,v1={tag}"), malformed.clone()),
        ("A17 behind it", format!("t=7,v1={tag},t=7"), malformed.clone()),
        ("no time", format!("v1={tag}"), malformed.clone()),
        ("another time", format!("t=8,v1={tag}"), Err(VerifyError::SignatureMismatch)),
        ("no pairs", tag.clone(), malformed.clone()),
        ("a part without a value", format!("t=7,v1={tag},"), malformed),
    ];
    for (row, value, expected) in rows {
        let request = with(post("", "[]"), "x-signature", Some(&value));
        assert_eq!(judged(Pairwise(key.clone()), request).await, expected, "{row}");
    }
}

#[tokio::test]
async fn a11_a17_stripe_signs_with_one_version_and_one_time() {
    let tag = HmacSha256::new(SECRET).unwrap().sign([&*format!("{NOW}."), "[]"]).to_hex();
    let malformed = Err(VerifyError::MalformedSignature);
    let unsupported = Err(VerifyError::UnsupportedSignature);
    let rows = [
        ("good", format!("t={NOW},v1={tag}"), Ok(200)),
        ("good, others beside it", format!("v0=00,v1=00,t={NOW},v1={tag}"), Ok(200)),
        ("A11", format!("t={NOW},v0={tag}"), unsupported.clone()),
        ("A11 upper case", format!("t={NOW},V1={tag}"), unsupported),
        ("A17", format!("t={NOW},t=8,v1={tag}"), malformed.clone()),
        ("A17 the same", format!("t={NOW},t={NOW},v1={tag}"), malformed.clone()),
        ("a blank", format!("t={NOW}, v1={tag}"), malformed.clone()),
        ("no time", format!("v1={tag}"), malformed),
    ];
    for (row, value, expected) in rows {
        let request = with(post("", "[]"), "stripe-signature", Some(&value));
        assert_eq!(judged(Stripe::new(SECRET).unwrap(), request).await, expected, "{row}");
    }
}
