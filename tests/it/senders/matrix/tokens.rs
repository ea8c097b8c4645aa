//! JSON Web Tokens, genuine and forged, for the senders that prove their requests by one.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use tower_webhook::scheme::{HmacSha256, HmacSha512};

/// A token of HS256, whatever its header says.
pub(crate) fn token(keys: &HmacSha256, header: &str, claims: &str) -> String {
    let signed = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let tag = keys.sign([&signed]).to_base64url();
    format!("{signed}.{tag}")
}

pub(crate) fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<_> = token.split('.').collect();
    parts.try_into().unwrap()
}

/// Tokens that name another algorithm than HS256, are signed by another one, or are not signed.
pub(crate) fn of_other_algorithms(secret: &str, header: &str, claims: &str) -> Vec<String> {
    let keys = HmacSha256::new(secret).unwrap();
    let genuine = token(&keys, header, claims);
    let [header, claims_part, tag] = parts(&genuine);
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let hs512 = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS512"}"#);
    let sha512 = HmacSha512::new(secret).unwrap().sign([&format!("{hs512}.{claims_part}")]);
    let sha512 = sha512.to_base64url();
    let mut forged = vec![
        format!("{none}.{claims_part}."),
        format!("{none}.{claims_part}.{tag}"),
        format!("{none}.{claims_part}"),
        format!("{header}.{claims_part}."),
        format!("{hs512}.{claims_part}.{sha512}"),
        format!("{header}.{claims_part}.{sha512}"),
    ];
    // Signed with the genuine key, as if that were asked for.
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"alg":"HS512"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","crit":["b64"],"b64":false}"#,
        r#"{"alg":"HS256","crit":[],"crit":[]}"#,
        r#"{"typ":"JWT"}"#,
        r#""HS256""#,
        "HS256",
        "",
    ] {
        forged.push(token(&keys, header, claims));
    }
    forged
}

/// Other texts with the parts of a genuine token.
pub(crate) fn other_spellings(genuine: &str) -> Vec<String> {
    let [header, claims, tag] = parts(genuine);
    let mut forged = vec![
        format!("{genuine}="),
        format!("{genuine}."),
        format!("{genuine}.{tag}"),
        format!("{claims}.{header}.{tag}"),
        format!("{header}.{tag}"),
        format!("\"{genuine}\""),
    ];
    // The last digit has two bits that are not used.
    let (start, last) = tag.split_at(tag.len() - 1);
    let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars();
    let others = digits.filter(|digit| !last.starts_with(*digit));
    forged.extend(others.map(|other| format!("{header}.{claims}.{start}{other}")));
    forged
}
