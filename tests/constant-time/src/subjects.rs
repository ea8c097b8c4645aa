//! Every comparison with a secret that a stranger's request leads to, through the public API.

use sha2::{Digest, Sha256};
use tower_webhook::{
    Emit, Outgoing,
    providers::{learn365::Learn365, standard_webhooks::StandardWebhooks},
    scheme::{
        self, Algorithm, Authentic, Check, HashSha1Legacy, HashSha512, Head, Hmac, HmacSha256,
        Keys, Tag, Token, VerifyError,
    },
};

use crate::{
    request::{Case, Request, now},
    valgrind,
};

/// Do a head and a body show the secret?
pub type Verify = Box<dyn Fn(&Head<'_>, &[u8]) -> Result<Authentic, VerifyError>>;

/// Makes a comparison ready with the secrets.
pub type Prepare = Box<dyn Fn(&[Vec<u8>]) -> Verify>;

/// One comparison, and two cases whose difference must not show.
pub struct Subject {
    pub name: &'static str,
    /// With parts of one length, and with one verdict. If refused, one is wrong from the start, the other right up to its
    /// end; if accepted, one is right by the first of several secrets, the other by the last. Where a request is decoded
    /// through a table, or hashed, it is the same in both, and the secrets are not: what it takes to read is its own.
    pub cases: [Case; 2],
    pub accepted: bool,
    /// One that is accepted.
    pub right: Case,
    pub prepare: Prepare,
}

/// Fit for a URL, and base64 of 24 bytes.
pub const SECRETS: [&str; 4] = [
    "8f2c6f9d1e5b4a7093c8d2e6f1a4b7c0",
    "0c7b4a1f6e2d8c3907a4b5e1d9f6c2f8",
    "5e0d93b7a1c84f26e8b09d75c3f1a642",
    "b16a4c0f7d3e92854f0c6ab8e7d1935c",
];
pub const BODY: &[u8] = br#"{"type":"session.started","data":{}}"#;
pub(crate) const SIGNATURE: &str = "x-signature";
pub(crate) const TOKEN: &str = "x-token";

pub fn all() -> Vec<Subject> {
    vec![
        provider("Learn365: HMAC-SHA256, hex", "ms-signature", learn365, |value| {
            start_and_end(after(value, "sha256=")).map(|hex| format!("sha256={hex}"))
        }),
        provider("Standard Webhooks: base64", "webhook-signature", standard_webhooks, |value| {
            let right = Tag::base64(after(value, "v1,")).expect("base64").to_hex();
            start_and_end(&right).map(|hex| format!("v1,{}", tag(&hex).to_base64()))
        }),
        hmac::<HashSha512>("HMAC-SHA512"),
        hmac::<HashSha1Legacy>("HMAC-SHA1"),
        signatures(),
        which_signature(),
        token("token in the path", "", |keys| Token::path(keys).expect("a good token")),
        token("token in the query", "", |keys| Token::query("t", keys).expect("a good token")),
        token("token in a header", "", in_header),
        token("bearer token", "", |keys| Token::bearer(keys).expect("a good token")),
        token("Basic", "lms:", |keys| Token::basic("lms", keys).expect("a good token")),
        tokens(),
        which_token(),
    ]
}

fn learn365(keys: Keys) -> Learn365 {
    Learn365::new(keys).expect("a good secret")
}

fn standard_webhooks(keys: Keys) -> StandardWebhooks {
    StandardWebhooks::new(keys).expect("a good secret")
}

fn in_header(keys: Keys) -> Token {
    Token::header(TOKEN, keys).expect("good tokens")
}

fn provider<P: Emit>(
    name: &'static str,
    header: &'static str,
    new: fn(Keys) -> P,
    wrong: fn(&str) -> [String; 2],
) -> Subject {
    let outgoing = Outgoing::new("msg_1", now());
    let right = Request::made_by(|head| new(SECRETS[0].into()).sign(head, BODY, &outgoing));
    Subject {
        name,
        cases: wrong(right.header(header)).map(|value| to_one(right.with(header, value))),
        accepted: false,
        right: to_one(right),
        prepare: Box::new(move |secrets| {
            let provider = new(secrets[0].as_slice().into());
            Box::new(move |head, body| fed(provider.authenticate(head)?, body))
        }),
    }
}

fn hmac<A: Algorithm>(name: &'static str) -> Subject {
    let right = signed::<A>(SECRETS[0]);
    Subject {
        name,
        cases: start_and_end(&right).map(|wrong| to_one(signature(wrong))),
        accepted: false,
        right: to_one(signature(right)),
        prepare: Box::new(|secrets| {
            let keys = Hmac::<A>::new(&secrets[0][..]).expect("a good secret");
            Box::new(move |head, body| fed(keys.check(Tag::hex(head.header(SIGNATURE)?)?), body))
        }),
    }
}

/// A signature for each key: all are wrong at their start, or all at their end.
fn signatures() -> Subject {
    let right = SECRETS.map(signed::<scheme::HashSha256>);
    let wrong = right.each_ref().map(|hex| start_and_end(hex));
    let case = |four: [&str; 4]| Case::new(signature(four.join(" ")), SECRETS);
    Subject {
        name: "4 keys, 4 signatures",
        cases: [0, 1].map(|end| case(wrong.each_ref().map(|both| &*both[end]))),
        accepted: false,
        right: case(right.each_ref().map(String::as_str)),
        prepare: Box::new(any_signature),
    }
}

/// Of four signatures, the first is right: it is the first key's, or the last's.
fn which_signature() -> Subject {
    let right = signed::<scheme::HashSha256>(SECRETS[0]);
    let [wrong, _] = start_and_end(&right);
    let request = signature([&*right, &wrong, &wrong, &wrong].join(" "));
    which("4 keys, 4 signatures: which", &request, Box::new(any_signature))
}

/// The first of the secrets is that of the request, or the last.
pub(crate) fn which(name: &'static str, request: &Request, prepare: Prepare) -> Subject {
    let mut last = SECRETS;
    last.rotate_left(1);
    let cases = [SECRETS, last].map(|secrets| Case::new(request.clone(), secrets));
    Subject { name, right: cases[1].clone(), cases, accepted: true, prepare }
}

fn any_signature(secrets: &[Vec<u8>]) -> Verify {
    let keys = HmacSha256::new(several(secrets)).expect("good secrets");
    Box::new(move |head, body| {
        fed(keys.check_any(head.header(SIGNATURE)?.split(' ').map(Tag::hex))?, body)
    })
}

/// `user` stands before the token in what is hashed.
fn token(name: &'static str, user: &str, new: fn(Keys) -> Token) -> Subject {
    let shown = Request::made_by(|head| new(SECRETS[0].into()).apply(head));
    Subject {
        name,
        cases: strange_and_similar(user, SECRETS[0]).map(|token| Case::new(shown.clone(), [token])),
        accepted: false,
        right: to_one(shown),
        prepare: Box::new(move |secrets| {
            let token = new(secrets[0].as_slice().into());
            Box::new(move |head, _| token.verify(head))
        }),
    }
}

/// One token, compared with four: all are strange, or the last is similar.
fn tokens() -> Subject {
    let [others @ .., last] = SECRETS;
    let case = |token: &str| Case::new(shown(last), others.iter().copied().chain([token]));
    Subject {
        name: "4 tokens",
        cases: strange_and_similar("", last).map(|token| case(&token)),
        accepted: false,
        right: case(last),
        prepare: Box::new(any_token),
    }
}

fn which_token() -> Subject {
    which("4 tokens: which", &shown(SECRETS[0]), Box::new(any_token))
}

fn any_token(secrets: &[Vec<u8>]) -> Verify {
    let tokens = in_header(several(secrets));
    Box::new(move |head, _| tokens.verify(head))
}

fn fed(mut check: Check, body: &[u8]) -> Result<Authentic, VerifyError> {
    check.update(body);
    check.finish()
}

/// Without names: to look one up takes what time it takes, after the comparison.
fn several(secrets: &[Vec<u8>]) -> Keys {
    let all = secrets.iter().map(|secret| Keys::from(secret.as_slice()));
    all.reduce(Keys::or).expect("some secrets")
}

/// To a receiver that has the first secret only.
pub(crate) fn to_one(request: Request) -> Case {
    Case::new(request, [SECRETS[0]])
}

/// A request with a token in the header.
pub(crate) fn shown(token: &str) -> Request {
    Request::default().with(TOKEN, token.to_owned())
}

fn after<'a>(value: &'a str, prefix: &str) -> &'a str {
    value.strip_prefix(prefix).expect("the sender's prefix")
}

fn tag(hex: &str) -> Tag {
    Tag::hex(hex).expect("hex")
}

pub(crate) fn signature(value: String) -> Request {
    Request::default().with(SIGNATURE, value)
}

/// The signature of the body, in hex.
pub(crate) fn signed<A: Algorithm>(secret: &str) -> String {
    Hmac::<A>::new(secret).expect("a good secret").sign([BODY]).to_hex()
}

/// With a wrong first digit, and with a wrong last one.
pub(crate) fn start_and_end(hex: &str) -> [String; 2] {
    let [start, end] =
        [&hex[..1], &hex[hex.len() - 1..]].map(|digit| if digit == "0" { "1" } else { "0" });
    [format!("{start}{}", &hex[1..]), format!("{}{end}", &hex[..hex.len() - 1])]
}

/// Two wrong tokens: one differs from the right one in its first character, by one of its kind, and in the first byte of
/// its digest; the other agrees with it up to the last characters, and in two bytes of its digest. More takes too long to
/// find, and under valgrind so does that, where it makes no difference.
pub(crate) fn strange_and_similar(user: &str, right: &str) -> [String; 2] {
    let digest = |token: &str| Sha256::digest(format!("{user}{token}"));
    let wanted = digest(right);
    let agreeing =
        |token: &str| digest(token).iter().zip(&wanted).take_while(|(a, b)| a == b).count();
    let kept = &right[..right.len() - ENDING];
    let found = |kept: &str, bytes| {
        let mut all = (0_u32..).map(|ending| format!("{kept}{ending:0ENDING$x}"));
        all.find(|token| agreeing(token) == bytes).expect("one of 4 billion")
    };
    let other = char::from(kept.as_bytes()[0] ^ 1);
    let similar = found(kept, if valgrind::is_running() { 0 } else { 2 });
    [found(&format!("{other}{}", &kept[1..]), 0), similar]
}

/// How many characters at the end of a token are varied.
const ENDING: usize = 8;
