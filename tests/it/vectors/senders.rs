//! Senders of the lists of vectors. Those that this crate does not have are a few lines over its schemes.

use tower_webhook::{
    Provider,
    decode::Envelope,
    error::ConfigError,
    providers::{slack::Slack, standard_webhooks::StandardWebhooks, stripe::Stripe, zoom::Zoom},
    scheme::{
        Check, Head, HmacSha1Legacy, HmacSha256, HmacSha512, Secret, Tag, VerifyError, after_prefix,
    },
};

/// The sender of `scheme`, where these tests have one.
pub(super) fn sender(scheme: &str, secret: &str) -> Option<Result<Box<dyn Provider>, ConfigError>> {
    Some(match scheme {
        "standard-webhooks" => boxed(StandardWebhooks::new(secret)),
        "svix" => boxed(svix(secret)),
        "github" => boxed(GitHub::new(secret)),
        "stripe" => boxed(any_length(secret).and_then(Stripe::new)),
        "slack" => boxed(any_length(secret).and_then(Slack::new)),
        "zoom" => boxed(any_length(secret).and_then(Zoom::new)),
        "shopify" => boxed(short(secret).map(Shopify)),
        _ => return None,
    })
}

fn boxed<P: Provider>(sender: Result<P, ConfigError>) -> Result<Box<dyn Provider>, ConfigError> {
    Ok(Box::new(sender?))
}

fn svix(secret: &str) -> Result<StandardWebhooks, ConfigError> {
    let secret = Secret::new(secret)?.dangerous_short();
    StandardWebhooks::new(secret).map(StandardWebhooks::svix_headers)
}

fn short(secret: impl AsRef<[u8]>) -> Result<HmacSha256, ConfigError> {
    HmacSha256::new(any_length(secret)?)
}

fn any_length(secret: impl AsRef<[u8]>) -> Result<Secret, ConfigError> {
    Ok(Secret::from_bytes(secret)?.dangerous_short())
}

macro_rules! provider {
    ($name:ident) => {
        impl Provider for $name {
            fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
                self.check(head)
            }

            fn envelope(&self) -> Envelope {
                Envelope::flat("type")
            }
        }
    };
}

/// `sha256=<hex>` over the body; in the older header `sha1=` or `sha512=`.
struct GitHub {
    sha256: HmacSha256,
    sha512: HmacSha512,
    sha1: HmacSha1Legacy,
}

impl GitHub {
    fn new(secret: &str) -> Result<Self, ConfigError> {
        let secret = Secret::new(secret)?.dangerous_short();
        let sha256 = HmacSha256::new(secret.clone())?;
        Ok(Self {
            sha256,
            sha512: HmacSha512::new(secret.clone())?,
            sha1: HmacSha1Legacy::new(secret)?,
        })
    }

    fn check(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        if head.has("x-hub-signature-256") {
            let newer = head.header("x-hub-signature-256")?;
            return Ok(self.sha256.check(Tag::hex(after_prefix(newer, "sha256=")?)?));
        }
        let older = head.header("x-hub-signature")?;
        match after_prefix(older, "sha512=") {
            Ok(hex) => Ok(self.sha512.check(Tag::hex(hex)?)),
            Err(_) => Ok(self.sha1.check(Tag::hex(after_prefix(older, "sha1=")?)?)),
        }
    }
}

provider!(GitHub);

/// Base64 over the body.
struct Shopify(HmacSha256);

impl Shopify {
    fn check(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        Ok(self.0.check(Tag::base64(head.header("x-shopify-hmac-sha256")?)?))
    }
}

provider!(Shopify);
