//! A request to a sender's receiver that was recorded with its keys and its time, and what this crate makes of it.

use std::sync::{Arc, Mutex};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, Request};
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
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

#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Recorded {
    #[serde(alias = "scheme")]
    pub(crate) sender: String,
    pub(crate) method: String,
    /// Scheme, host and port.
    pub(crate) origin: String,
    /// Path and query.
    pub(crate) target: String,
    /// Each character is a byte.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body_base64: String,
    pub(crate) keys: Map<String, Value>,
    /// In seconds.
    pub(crate) now: u64,
}

/// What became of a request.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    Misconfigured,
    /// The types of the events that were handled.
    Accepted(Vec<String>),
    /// No event was handled, and the request was not refused. The status and the body.
    Answered(u16, String),
    /// With any status: there are senders that get 202 even then.
    Refused(u16),
    /// It is authentic, and its body is not one of this sender.
    Undecodable,
}

impl Outcome {
    /// The request is authentic and can be read.
    pub(crate) fn is_accepted(&self) -> bool {
        match self {
            Self::Accepted(_) => true,
            Self::Answered(status, _) => *status < 300,
            _ => false,
        }
    }

    pub(crate) fn in_words(&self) -> &'static str {
        match self {
            outcome if outcome.is_accepted() => "accepted",
            Self::Undecodable => "unreadable",
            _ => "refused",
        }
    }
}

impl Recorded {
    /// `None`: a sender that this crate does not have.
    pub(crate) async fn outcome(&self) -> Option<Outcome> {
        Some(match &*self.sender {
            "discord" => self.judged(Discord::new(self.public_keys())).await,
            "bigbluebutton" => self.judged(self.bigbluebutton()).await,
            "cloudevents" => {
                self.judged(Ok(CloudEvents::dangerous_unauthenticated().text_data())).await
            }
            "github" | "github-form" => self.judged(GitHub::new(self.keys())).await,
            "sendgrid" => self.judged(SendGrid::new(self.public_keys())).await,
            "standard-webhooks-v1a" => {
                self.judged(StandardWebhooksV1a::new(self.public_keys())).await
            }
            "standard-webhooks" => self.judged(self.standard_webhooks()).await,
            "svix" => {
                self.judged(self.standard_webhooks().map(StandardWebhooks::svix_headers)).await
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

    fn standard_webhooks(&self) -> Result<StandardWebhooks, ConfigError> {
        let is_raw = self.keys.contains_key("raw");
        if is_raw { StandardWebhooks::raw(self.keys()) } else { StandardWebhooks::new(self.keys()) }
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

    pub(crate) async fn judged<P: Provider>(&self, provider: Result<P, ConfigError>) -> Outcome {
        let Ok(provider) = provider else { return Outcome::Misconfigured };
        let handled = Arc::new(Mutex::new(Vec::new()));
        let handling = Arc::clone(&handled);
        let events = EventRouter::new().fallback(async move |event: RawEvent| {
            handling.lock().unwrap().push(event.event_type().unwrap_or_default().to_owned());
        });
        let layer = VerifyLayer::new(provider).clock(ManualClock::at_unix_seconds(self.now));
        let response = layer.layer(events).oneshot(self.request()).await.unwrap();
        let status = response.status().as_u16();
        let types = std::mem::take(&mut *handled.lock().unwrap());
        match (response.extensions().get::<Rejection>(), types.is_empty()) {
            (Some(Rejection::Undecodable(_)), true) => Outcome::Undecodable,
            (Some(_), true) => Outcome::Refused(status),
            (None, true) => {
                let body = response.into_body().collect().await.unwrap().to_bytes();
                Outcome::Answered(status, String::from_utf8_lossy(&body).into_owned())
            }
            (_, false) => Outcome::Accepted(types),
        }
    }

    fn request(&self) -> Request<Body> {
        let mut request = Request::builder().method(&*self.method).uri(&self.target);
        for (name, value) in &self.headers {
            let bytes: Vec<_> = value.chars().map(|c| u8::try_from(c).unwrap()).collect();
            request = request.header(name, HeaderValue::from_bytes(&bytes).unwrap());
        }
        let body = self.body();
        let has_length = self.headers.iter().any(|(name, _)| name == "content-length");
        if !has_length && !body.is_empty() {
            // As every client says it.
            request = request.header("content-length", body.len());
        }
        request.body(body.into()).unwrap()
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        STANDARD.decode(&self.body_base64).unwrap()
    }

    /// A member of `keys`, which is a text.
    fn key(&self, name: &str) -> &str {
        self.keys[name].as_str().unwrap()
    }

    /// The secrets, of which some are shorter than this crate likes them.
    pub(crate) fn keys(&self) -> Keys {
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
}

fn short(secret: &str) -> Keys {
    // One that cannot be used stays a text, and its constructor refuses it.
    Secret::new(secret).map_or_else(|_| secret.into(), |usable| usable.dangerous_short().into())
}
