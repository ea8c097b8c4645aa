//! Comparisons that leak: what a check does not see here, it would not see in ours. And careful ones of the same shape,
//! in which it must see nothing.

use std::hint::black_box;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tower_webhook::scheme::{self, Authentic, HmacSha256, VerifyError};

use crate::{
    request::Case,
    subjects::{
        SECRETS, SIGNATURE, Subject, TOKEN, Verify, shown, signature, signed, start_and_end,
        strange_and_similar, to_one, which,
    },
};

/// Each leaks in its way.
pub fn leaky() -> [Subject; 3] {
    [signatures("leaky signature", ends_early), tokens("leaky token", ends_early), search()]
}

/// As the first two, but for the comparison.
pub fn careful() -> [Subject; 2] {
    [signatures("careful signature", sees_all), tokens("careful token", sees_all)]
}

/// Up to the first byte that differs, and one at a time: the compiler does not see what is compared.
#[inline(always)]
fn ends_early(ours: &[u8], theirs: &[u8]) -> bool {
    ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|(one, other)| black_box(*one) == black_box(*other))
}

#[inline(always)]
fn sees_all(ours: &[u8], theirs: &[u8]) -> bool {
    bool::from(ours.ct_eq(theirs))
}

fn signatures(name: &'static str, same: impl Fn(&[u8], &[u8]) -> bool + Copy + 'static) -> Subject {
    let right = signed::<scheme::HashSha256>(SECRETS[0]);
    Subject {
        name,
        cases: start_and_end(&right).map(|wrong| to_one(signature(wrong))),
        accepted: false,
        right: to_one(signature(right)),
        prepare: Box::new(move |secrets| {
            let keys = [HmacSha256::new(&secrets[0][..]).expect("a good secret")];
            Box::new(move |head, body| verdict(&keys, head.header(SIGNATURE)?, body, same))
        }),
    }
}

fn tokens(name: &'static str, same: impl Fn(&[u8], &[u8]) -> bool + Copy + 'static) -> Subject {
    Subject {
        name,
        cases: strange_and_similar("", SECRETS[0])
            .map(|token| Case::new(shown(SECRETS[0]), [token])),
        accepted: false,
        right: to_one(shown(SECRETS[0])),
        prepare: Box::new(move |secrets| {
            let digests = [digest(&secrets[0])];
            Box::new(move |head, _| find(&digests, head.header(TOKEN)?, same))
        }),
    }
}

/// Looks at each token in full, and at none after the right one.
fn search() -> Subject {
    let prepare = |secrets: &[Vec<u8>]| -> Verify {
        let digests: Vec<_> = secrets.iter().map(|secret| digest(secret)).collect();
        Box::new(move |head, _| {
            let given = digest(head.header(TOKEN)?.as_bytes());
            let found = digests.iter().any(|digest| sees_all(digest, &given));
            found.then(Authentic::dangerous_assert).ok_or(VerifyError::TokenMismatch)
        })
    };
    which("leaky search", &shown(SECRETS[0]), Box::new(prepare))
}

/// Much as in `HmacCheck::verdict`.
fn verdict(
    keys: &[HmacSha256],
    given: &str,
    body: &[u8],
    same: impl Fn(&[u8], &[u8]) -> bool,
) -> Result<Authentic, VerifyError> {
    let mut found = None;
    for (index, key) in keys.iter().enumerate() {
        let mac = key.sign([body]).to_hex();
        found = found.or(same(mac.as_bytes(), given.as_bytes()).then_some(index));
    }
    let _index = found.ok_or(VerifyError::SignatureMismatch)?;
    Ok(Authentic::dangerous_assert())
}

/// Much as in `Token::find`.
fn find(
    digests: &[[u8; 32]],
    given: &str,
    same: impl Fn(&[u8], &[u8]) -> bool,
) -> Result<Authentic, VerifyError> {
    let given = digest(given.as_bytes());
    let mut found = None;
    for (index, digest) in digests.iter().enumerate() {
        found = found.or(same(digest, &given).then_some(index));
    }
    let _index = found.ok_or(VerifyError::TokenMismatch)?;
    Ok(Authentic::dangerous_assert())
}

fn digest(text: &[u8]) -> [u8; 32] {
    Sha256::digest(text).into()
}
