//! A credential for each scheme and place, and how to recognise it in a head without the crate's help.

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use http::request::Parts;
use tower_webhook::{
    Provider,
    error::ConfigError,
    providers::{
        learn365::Learn365, loops::Loops, standard_webhooks::StandardWebhooks,
        synthesis_vr::SynthesisVr, teachstack::Teachstack,
    },
    scheme::{Head, Keys, Token},
};

/// What one provider wants to see.
pub struct Credential {
    provider: Box<dyn Provider>,
    /// The same with another key.
    stranger: Box<dyn Provider>,
    body: &'static str,
    /// Whether a head carries the credential, judged by its text.
    pub genuine: fn(&Parts) -> Genuine,
}

/// Where the credential stands.
pub enum Genuine {
    /// Where it should, and nothing beside it.
    Exactly,
    /// Somewhere in its header: what stands beside it decides.
    Somewhere,
    /// Nowhere.
    No,
}

impl Credential {
    /// Whether the provider accepts `head`, with the body that the credential is for.
    pub fn accepted(&self, head: &Parts) -> bool {
        accepts(&*self.provider, head, self.body.as_bytes())
    }

    /// Whether the same provider accepts it with another key.
    pub fn accepted_by_stranger(&self, head: &Parts) -> bool {
        accepts(&*self.stranger, head, self.body.as_bytes())
    }
}

fn accepts(provider: &dyn Provider, head: &Parts, body: &[u8]) -> bool {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
    let Ok(mut check) = provider.authenticate(&Head::new(head, now)) else { return false };
    let (first, rest) = body.split_at(body.len() / 2);
    check.update(first);
    check.update(rest);
    check.finish().is_ok()
}

/// All of them.
pub static CREDENTIALS: LazyLock<Vec<Credential>> =
    LazyLock::new(|| all().expect("the keys are usable"));

fn all() -> Result<Vec<Credential>, ConfigError> {
    Ok(vec![
        Credential {
            provider: Box::new(Learn365::new(SECRET)?),
            stranger: Box::new(Learn365::new(OTHER_TOKEN)?),
            body: LEARN365,
            genuine: |head| somewhere(one(head, "ms-signature").to_uppercase().contains(HEX)),
        },
        Credential {
            provider: Box::new(StandardWebhooks::new(WHSEC)?),
            stranger: Box::new(StandardWebhooks::new(OTHER_WHSEC)?),
            body: STANDARD_WEBHOOKS,
            genuine: |head| {
                let signed =
                    one(head, "webhook-id") == ID && one(head, "webhook-timestamp") == TIMESTAMP;
                match one(head, "webhook-signature") {
                    BASE64 if signed => Genuine::Exactly,
                    list => somewhere(signed && list.split(' ').any(|one| one == BASE64)),
                }
            },
        },
        token(Loops::new, Token::path, |head| {
            exactly(head.uri.path().ends_with(&format!("/{TOKEN}")))
        })?,
        token(
            SynthesisVr::new,
            |keys| Token::query("token", keys),
            |head| {
                let pairs = head.uri.query().unwrap_or_default().split('&');
                let tokens: Vec<_> = pairs.filter_map(|pair| pair.strip_prefix("token=")).collect();
                exactly(tokens == [TOKEN])
            },
        )?,
        token(
            Teachstack::new,
            |keys| Token::header("x-token", keys),
            |head| exactly(one(head, "x-token") == TOKEN),
        )?,
        token(Loops::new, Token::bearer, |head| authorization(head, "bearer", TOKEN))?,
        token(
            Loops::new,
            |keys| Token::basic("hook", keys),
            |head| authorization(head, "basic", BASIC),
        )?,
    ])
}

fn token<P: Provider>(
    provider: fn(Token) -> P,
    place: fn(Keys) -> Result<Token, ConfigError>,
    genuine: fn(&Parts) -> Genuine,
) -> Result<Credential, ConfigError> {
    let with = |token: &str| place(token.into()).map(|token| Box::new(provider(token)));
    Ok(Credential { provider: with(TOKEN)?, stranger: with(OTHER_TOKEN)?, body: "[]", genuine })
}

/// The one value of a header; empty if there is none, or more, or no text.
pub(crate) fn one<'a>(head: &'a Parts, name: &str) -> &'a str {
    let values: Vec<_> = head.headers.get_all(name).iter().collect();
    if let [value] = values[..] { value.to_str().unwrap_or_default() } else { "" }
}

fn authorization(head: &Parts, scheme: &str, credentials: &str) -> Genuine {
    match one(head, "authorization").split_once(' ') {
        Some((given, rest)) => exactly(given.eq_ignore_ascii_case(scheme) && rest == credentials),
        None => Genuine::No,
    }
}

fn exactly(genuine: bool) -> Genuine {
    if genuine { Genuine::Exactly } else { Genuine::No }
}

fn somewhere(genuine: bool) -> Genuine {
    if genuine { Genuine::Somewhere } else { Genuine::No }
}

const TOKEN: &str = "0123456789abcdef0123456789ABC-_f";
const OTHER_TOKEN: &str = "another-token-of-32-characters-0";
/// `hook:` and the token.
const BASIC: &str = "aG9vazowMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OUFCQy1fZg==";

/// Published in the tests of ASP.NET WebHooks.
const SECRET: &str = "123456789012345678901234567890123456789012345678";
const LEARN365: &str = "{\r\n  \"Id\": \"1234567890\",\r\n  \"Attempt\": 1,\r\n  \"Properties\": {\r\n    \"p1\": \"pv1\"\r\n  },\r\n  \"Notifications\": [\r\n    {\r\n      \"Action\": \"a1\",\r\n      \"d1\": \"dv1\"\r\n    },\r\n    {\r\n      \"Action\": \"a1\",\r\n      \"d2\": \"http://localhost\"\r\n    }\r\n  ]\r\n}";
const HEX: &str = "DCDEB62502988CDEDE464AF6A97566D61288C446CFC46F74F341E11173FF30A1";

/// Published in the specification of Standard Webhooks.
const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER_WHSEC: &str = "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCwgbm90IG91cnM=";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const TIMESTAMP: &str = "1614265330";
const NOW: u64 = 1_614_265_330;
const STANDARD_WEBHOOKS: &str = r#"{"test": 2432232314}"#;
const BASE64: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
