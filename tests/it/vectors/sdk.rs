//! Requests of which the vendors' own libraries have said whether they are genuine, in a folder that is not part of this project.

use std::{collections::BTreeMap, fs};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::Request;
use serde::Deserialize;
use serde_json::{Map, Value};
use tower::{Layer, ServiceExt};
use tower_webhook::{
    Body, EventRouter, Provider, RawEvent, Rejection, VerifyLayer,
    clock::ManualClock,
    error::ConfigError,
    providers::{
        bigbluebutton::BigBlueButton,
        cloudevents::CloudEvents,
        discord::Discord,
        github::GitHub,
        livekit::LiveKit,
        meta::Meta,
        microsoft_graph::MicrosoftGraph,
        sendgrid::SendGrid,
        shopify::Shopify,
        slack::Slack,
        standard_webhooks::{StandardWebhooks, StandardWebhooksV1a},
        stripe::Stripe,
        twilio::Twilio,
        woocommerce::WooCommerce,
        zoom::Zoom,
    },
    scheme::{Keys, Origin, PublicKeys, Secret, Token},
};

use crate::support::{Log, text};

#[derive(Deserialize)]
struct Vector {
    name: String,
    scheme: String,
    method: String,
    origin: String,
    target: String,
    headers: Vec<(String, String)>,
    body_base64: String,
    keys: Map<String, Value>,
    now: u64,
    expected: String,
    answer: Option<Reply>,
}

/// What a challenge must be answered.
#[derive(Deserialize)]
struct Reply {
    status: u16,
    body: Option<String>,
}

/// What became of a request.
#[derive(Debug, PartialEq)]
enum Outcome {
    Misconfigured,
    /// So many events were handled.
    Accepted(usize),
    /// No event was handled, and the request was not refused. The status and the body.
    Answered(u16, String),
    /// With any status: there are senders that get 202 even then.
    Refused(u16),
    /// It is authentic, and its body is not one of this sender.
    Undecodable,
}

impl Vector {
    /// `None`: a sender that this crate does not have.
    async fn outcome(&self) -> Option<Outcome> {
        Some(match &*self.scheme {
            "discord" => self.judged(Discord::new(self.public_keys())).await,
            "bigbluebutton" => self.judged(self.bigbluebutton()).await,
            "cloudevents" => {
                self.judged(Ok(CloudEvents::dangerous_unauthenticated().text_data())).await
            }
            "github" => self.judged(GitHub::new(self.keys())).await,
            "sendgrid" => self.judged(SendGrid::new(self.public_keys())).await,
            "standard-webhooks-v1a" => {
                self.judged(StandardWebhooksV1a::new(self.public_keys())).await
            }
            "standard-webhooks" => self.judged(StandardWebhooks::new(self.keys())).await,
            "svix" => {
                let svix = StandardWebhooks::new(self.keys());
                self.judged(svix.map(StandardWebhooks::svix_headers)).await
            }
            "graph" => self.judged(MicrosoftGraph::new(self.keys())).await,
            "meta" => self.judged(Meta::new(self.keys(), self.verify_token())).await,
            "shopify" => self.judged(self.shopify()).await,
            "woocommerce" => self.judged(WooCommerce::new(self.keys())).await,
            "slack" => self.judged(Slack::new(self.keys())).await,
            "stripe" => self.judged(Stripe::new(self.keys())).await,
            "livekit" => {
                self.judged(LiveKit::new(self.key("api_key"), self.key("api_secret"))).await
            }
            "twilio" => self.judged(self.twilio()).await,
            "zoom" => self.judged(Zoom::new(self.keys())).await,
            _ => return None,
        })
    }

    /// Only requests that ask for a challenge have one.
    fn verify_token(&self) -> Keys {
        let token = self.keys.get("verify_token").and_then(Value::as_str);
        short(token.unwrap_or("a-verify-token-of-32-characters-"))
    }

    fn shopify(&self) -> Result<Shopify, ConfigError> {
        let provider = Shopify::new(self.keys())?;
        Ok(if self.keys.contains_key("events") { provider.events() } else { provider })
    }

    fn bigbluebutton(&self) -> Result<BigBlueButton, ConfigError> {
        if self.keys.contains_key("bearer") {
            return Token::bearer(self.keys()).map(BigBlueButton::by_token);
        }
        let provider = BigBlueButton::new(self.key("callback_url"), self.keys())?;
        Ok(match self.key("algorithm") {
            "sha1" => provider,
            "sha256" => provider.sha256(),
            "sha512" => provider.sha512(),
            other => panic!("{other}"),
        })
    }

    /// A receiver that has a shared key takes no other key.
    fn twilio(&self) -> Result<Twilio, ConfigError> {
        let origin = Origin::new(&self.origin)?;
        match self.keys.get("shared_keys") {
            Some(keys) => Twilio::shared_key(keys[0].as_str().unwrap(), origin),
            None => Twilio::new(self.keys(), origin),
        }
    }

    async fn judged<P: Provider>(&self, provider: Result<P, ConfigError>) -> Outcome {
        let Ok(provider) = provider else { return Outcome::Misconfigured };
        let log = Log::default();
        let seen = log.clone();
        let events = EventRouter::new().fallback(async move |event: RawEvent| {
            seen.note(event.event_type().unwrap_or_default());
        });
        let layer = VerifyLayer::new(provider).clock(ManualClock::at_unix_seconds(self.now));
        let response = layer.layer(events).oneshot(self.request()).await.unwrap();
        let status = response.status().as_u16();
        let rejection = response.extensions().get::<Rejection>().cloned();
        match (log.seen().len(), rejection) {
            (0, None) => Outcome::Answered(status, text(response).await),
            (0, Some(Rejection::Undecodable(_))) => Outcome::Undecodable,
            (0, Some(_)) => Outcome::Refused(status),
            (events, _) => Outcome::Accepted(events),
        }
    }

    fn request(&self) -> Request<Body> {
        let mut request = Request::builder().method(&*self.method).uri(&self.target);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let body = self.body();
        let has_length = self.headers.iter().any(|(name, _)| name == "content-length");
        if !has_length && !body.is_empty() {
            // As every client says it.
            request = request.header("content-length", body.len());
        }
        request.body(body.into()).unwrap()
    }

    fn body(&self) -> Vec<u8> {
        STANDARD.decode(&self.body_base64).unwrap()
    }

    /// A member of `keys`, which is a text.
    fn key(&self, name: &str) -> &str {
        self.keys[name].as_str().unwrap()
    }

    /// The secrets, of which some are shorter than this crate likes them.
    fn keys(&self) -> Keys {
        self.texts("secret", "secrets").map(short).reduce(Keys::or).unwrap()
    }

    fn public_keys(&self) -> PublicKeys {
        let all = self.texts("public_key", "public_keys");
        all.map(PublicKeys::from).reduce(PublicKeys::or).unwrap()
    }

    fn texts(&self, one: &str, several: &str) -> impl Iterator<Item = &str> {
        let several = self.keys.get(several).and_then(Value::as_array).into_iter().flatten();
        several.chain(self.keys.get(one)).map(|text| text.as_str().unwrap())
    }

    fn is_as_expected(&self, outcome: &Outcome) -> bool {
        match (&*self.expected, outcome) {
            ("accept", Outcome::Accepted(_)) => true,
            ("reject", Outcome::Misconfigured | Outcome::Refused(_)) => true,
            ("accept", Outcome::Undecodable) => SIGNED_ONLY.contains(&&*self.name),
            // A challenge that is not answered.
            ("reject", Outcome::Answered(status, _)) => *status >= 400,
            // A batch without events.
            ("accept", Outcome::Answered(200, _)) => self.body() == b"[]",
            ("answer", Outcome::Answered(status, body)) => {
                let reply = self.answer.as_ref().unwrap();
                let expected = reply.body.as_deref().unwrap_or_default();
                *status == reply.status && body.contains(expected)
            }
            ("either", _) => true,
            _ => false,
        }
    }
}

/// Requests that only the signature was tried of: their body is none that this sender sends.
const SIGNED_ONLY: [&str; 1] = ["meta-unicode"];

fn short(secret: &str) -> Keys {
    // One that cannot be used stays a text, and its constructor refuses it.
    Secret::new(secret).map_or_else(|_| secret.into(), |usable| usable.dangerous_short().into())
}

#[tokio::test]
#[ignore = "reads the folder that WEBHOOK_SDK_VECTORS names"]
async fn every_request_gets_the_verdict_of_a_strict_receiver() {
    let folder = std::env::var("WEBHOOK_SDK_VECTORS").expect("WEBHOOK_SDK_VECTORS names a folder");
    let (mut counts, mut deviating) = (BTreeMap::<String, usize>::new(), Vec::new());
    for file in fs::read_dir(folder).unwrap() {
        let all = fs::read_to_string(file.unwrap().path()).unwrap();
        for vector in serde_json::from_str::<Vec<Vector>>(&all).unwrap() {
            let Some(outcome) = vector.outcome().await else {
                *counts.entry("of senders that are not here".to_owned()).or_default() += 1;
                continue;
            };
            if vector.expected == "either" {
                println!("{}: {outcome:?}", vector.name);
            }
            if !vector.is_as_expected(&outcome) {
                deviating.push(format!("{}: {}, {outcome:?}", vector.name, vector.expected));
            }
            *counts.entry(format!("{}: {}", vector.scheme, vector.expected)).or_default() += 1;
        }
    }
    println!("{counts:#?}");
    assert_eq!(deviating, [""; 0]);
    assert!(counts.keys().any(|line| line.ends_with("accept")), "nothing was tried");
}
