//! Known answers: published ones, this project's own, and any list of them that `WEBHOOK_VECTORS` names.

mod listed;
mod recorded;
mod sdk;
mod senders;
mod users;
mod vendors;

use std::time::{Duration, SystemTime};

use http::{HeaderName, HeaderValue, Request, request::Parts};
use serde::Deserialize;
use tower_webhook::{
    Provider, Sender,
    clock::ManualClock,
    error::ConfigError,
    providers::{learn365::Learn365, standard_webhooks::StandardWebhooks},
    scheme::{
        Algorithm, Check, Head, Hmac, HmacSha1Legacy, HmacSha256, HmacSha512, Keys, Tag,
        VerifyError,
    },
};

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// What `authenticate` makes of a request, its body arriving in two parts.
fn verdict(
    authenticate: impl FnOnce(&Head<'_>) -> Result<Check, VerifyError>,
    head: &Parts,
    body: &[u8],
    now: SystemTime,
) -> Result<(), VerifyError> {
    let mut check = authenticate(&Head::new(head, now))?;
    let (start, rest) = body.split_at(body.len() / 2);
    check.update(start);
    check.update(rest);
    check.finish().map(drop)
}

fn head<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Parts> {
    let mut head = Request::post("/hook").body(()).unwrap().into_parts().0;
    for (name, value) in headers {
        head.headers.append(name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?);
    }
    Some(head)
}

mod published {
    use super::*;
    use crate::support::{in_future, too_old};

    const SECRET: &str = "123456789012345678901234567890123456789012345678";
    const BODY: &str = "{\r\n  \"Id\": \"1234567890\",\r\n  \"Attempt\": 1,\r\n  \"Properties\": {\r\n    \"p1\": \"pv1\"\r\n  },\r\n  \"Notifications\": [\r\n    {\r\n      \"Action\": \"a1\",\r\n      \"d1\": \"dv1\"\r\n    },\r\n    {\r\n      \"Action\": \"a1\",\r\n      \"d2\": \"http://localhost\"\r\n    }\r\n  ]\r\n}";
    const WITH_CRLF: &str =
        "sha256=DCDEB62502988CDEDE464AF6A97566D61288C446CFC46F74F341E11173FF30A1";
    const WITH_LF: &str = "sha256=32785553E5E20E57F138B9D154F67FD1EBBB394C76CC6B3BA5EFF9F516F99D8F";

    #[track_caller]
    fn learn365(signature: &str, body: &str) -> Result<(), VerifyError> {
        let provider = Learn365::new(SECRET).unwrap();
        let head = head([("ms-signature", signature)]).unwrap();
        verdict(|head| provider.authenticate(head), &head, body.as_bytes(), SystemTime::now())
    }

    #[test]
    fn asp_net_webhooks_sign_the_body_with_its_crlf() {
        assert_eq!(BODY.len(), 239);
        let lf = BODY.replace('\r', "");
        assert_eq!(learn365(WITH_CRLF, BODY), Ok(()));
        assert_eq!(learn365(&WITH_CRLF.to_lowercase(), BODY), Ok(()));
        assert_eq!(learn365(WITH_CRLF, &lf), Err(VerifyError::SignatureMismatch));
        assert_eq!(learn365(WITH_LF, BODY), Err(VerifyError::SignatureMismatch));
        assert_eq!(learn365(WITH_LF, &lf), Ok(()));
    }

    #[test]
    fn asp_net_webhooks_are_signed_the_same_way_here() {
        let sender = Sender::new(Learn365::new(SECRET).unwrap());
        let signature = |body: String| sender.body(body).unwrap().headers()["ms-signature"].clone();
        assert_eq!(signature(BODY.into()), WITH_CRLF);
        assert_eq!(signature(BODY.replace('\r', "")), WITH_LF);
    }

    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const TEST: &str = r#"{"test": 2432232314}"#;

    fn standard_webhooks(secret: &str, body: &str, now: u64) -> Result<(), VerifyError> {
        let provider = StandardWebhooks::new(secret).unwrap();
        let headers = [
            ("webhook-id", ID),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", SIGNATURE),
        ];
        let head = head(headers).unwrap();
        verdict(|head| provider.authenticate(head), &head, body.as_bytes(), at(now))
    }

    #[test]
    fn standard_webhooks_at_its_own_time() {
        for secret in ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
        {
            for (now, expected) in [
                (1_614_265_330, Ok(())),
                (1_614_265_630, Ok(())),
                (1_614_265_030, Ok(())),
                (1_614_265_631, Err(too_old(301))),
                (1_614_265_029, Err(in_future(301))),
            ] {
                assert_eq!(standard_webhooks(secret, TEST, now), expected, "{secret} at {now}");
            }
            let other = r#"{"test":2432232314}"#;
            let refused = standard_webhooks(secret, other, 1_614_265_330);
            assert_eq!(refused, Err(VerifyError::SignatureMismatch));
        }
    }

    #[test]
    fn standard_webhooks_are_signed_the_same_way_here() {
        let provider = StandardWebhooks::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let sender =
            Sender::new(provider).id(ID).clock(ManualClock::at_unix_seconds(1_614_265_330));
        let request = sender.body(TEST).unwrap();
        assert_eq!(request.headers()["webhook-timestamp"], "1614265330");
        assert_eq!(request.headers()["webhook-signature"], SIGNATURE);
    }
}

mod own {
    use super::*;

    #[derive(Deserialize)]
    struct Mac {
        name: String,
        algorithm: String,
        secret: String,
        body: String,
        hex: String,
        base64: String,
    }

    #[test]
    fn hmac() {
        let all: Vec<Mac> = serde_json::from_str(include_str!("../vectors/hmac.json")).unwrap();
        assert_eq!(all.len(), 12);
        for mac in all {
            match mac.algorithm.as_str() {
                "sha256" => agrees(HmacSha256::new(&mac.secret), &mac),
                "sha512" => agrees(HmacSha512::new(&mac.secret), &mac),
                "sha1" => agrees(HmacSha1Legacy::new(&mac.secret), &mac),
                other => panic!("no algorithm `{other}`"),
            }
        }
    }

    #[track_caller]
    fn agrees<A: Algorithm>(key: Result<Hmac<A>, ConfigError>, mac: &Mac) {
        let (key, name, body) = (key.unwrap(), &mac.name, mac.body.as_bytes());
        let signed = key.sign([body]);
        assert_eq!((&signed.to_hex(), &signed.to_base64()), (&mac.hex, &mac.base64), "{name}");
        for tag in [Tag::hex(&mac.hex), Tag::hex(&mac.hex.to_uppercase()), Tag::base64(&mac.base64)]
        {
            let tag = tag.unwrap();
            let check = |body: &[u8]| {
                let mut check = key.check(tag);
                check.update(body);
                check.finish().map(drop)
            };
            assert_eq!(check(body), Ok(()), "{name}");
            assert_eq!(
                check(&[body, b"\n"].concat()),
                Err(VerifyError::SignatureMismatch),
                "{name}"
            );
        }
    }

    #[derive(Deserialize)]
    struct Envelope {
        name: String,
        secret: String,
        body: String,
        header: String,
    }

    #[test]
    fn learn365() {
        let all: Vec<Envelope> =
            serde_json::from_str(include_str!("../vectors/learn365.json")).unwrap();
        assert_eq!(all.len(), 2);
        for Envelope { name, secret, body, header } in all {
            let provider = Learn365::new(&secret).unwrap();
            let head = head([("ms-signature", header.as_str())]).unwrap();
            let found = verdict(|head| provider.authenticate(head), &head, body.as_bytes(), at(0));
            assert_eq!(found, Ok(()), "{name}");
            let signed = Sender::new(provider).body(body).unwrap();
            assert_eq!(signed.headers()["ms-signature"], header, "{name}");
        }
    }

    #[derive(Deserialize)]
    struct Standard {
        name: String,
        keys: Vec<String>,
        signed_by: Vec<String>,
        id: String,
        timestamp: u64,
        body: String,
        signature: String,
    }

    #[test]
    fn standard_webhooks() {
        let all: Vec<Standard> =
            serde_json::from_str(include_str!("../vectors/standard_webhooks.json")).unwrap();
        assert_eq!(all.len(), 7);
        for vector in all {
            let name = &vector.name;
            assert_eq!(standard(&vector, &vector.keys), Ok(()), "{name}");
            let stranger = [crate::support::OTHER_WHSEC.to_owned()];
            assert_eq!(standard(&vector, &stranger), Err(VerifyError::SignatureMismatch), "{name}");
            for signer in &vector.signed_by {
                let signed = sign(&vector, signer);
                assert!(vector.signature.split(' ').any(|one| one == signed), "{name}");
            }
        }
    }

    fn standard(vector: &Standard, keys: &[String]) -> Result<(), VerifyError> {
        let keys = keys.iter().map(Keys::from).reduce(Keys::or).unwrap();
        let provider = StandardWebhooks::new(keys).unwrap();
        let timestamp = vector.timestamp.to_string();
        let head = head([
            ("webhook-id", vector.id.as_str()),
            ("webhook-timestamp", &timestamp),
            ("webhook-signature", &vector.signature),
        ]);
        let now = at(vector.timestamp);
        verdict(|head| provider.authenticate(head), &head.unwrap(), vector.body.as_bytes(), now)
    }

    fn sign(vector: &Standard, key: &str) -> String {
        let clock = ManualClock::at_unix_seconds(vector.timestamp);
        let sender = Sender::new(StandardWebhooks::new(key).unwrap()).id(&vector.id).clock(clock);
        let request = sender.body(vector.body.clone()).unwrap();
        request.headers()["webhook-signature"].to_str().unwrap().to_owned()
    }
}
