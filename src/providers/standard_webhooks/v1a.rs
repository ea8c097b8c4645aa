//! The asymmetric half of the specification.

use std::{borrow::Cow, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{BASE64, NAME, StandardWebhooks, headers};
use crate::{
    Provider,
    decode::Envelope,
    error::ConfigError,
    scheme::{Check, Ed25519, Head, PublicKeys, VerifyError},
};

/// A sender that follows the standard, and signs with a private key: `v1a`, Ed25519.
///
/// The specification describes it, and has one published example, which this accepts. **No official library verifies it**: none
/// was there to check this against. The receiver knows the public key only, so it sends nothing. [`StandardWebhooks`] has the rest.
///
/// ```
/// use tower_webhook::providers::standard_webhooks::StandardWebhooksV1a;
///
/// StandardWebhooksV1a::new("whpk_1CCHE5/0b1FSZ81gS2Ew575RgoJo+GTmvAltKVGPVsM=")?;
/// assert!(StandardWebhooksV1a::new("whsec_c2VjcmV0IG9mIGF0IGxlYXN0IDI0IGJ5dGVz").is_err());
/// # Ok::<_, tower_webhook::error::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct StandardWebhooksV1a {
    keys: Ed25519,
    tolerance: Duration,
}

impl StandardWebhooksV1a {
    /// Accepts requests that are signed with the private key of any of these public keys: `whpk_` and base64 of 32 bytes.
    ///
    /// # Errors
    ///
    /// A text that is no such key, or more than [`MAX_PUBLIC_KEYS`](crate::scheme::MAX_PUBLIC_KEYS).
    pub fn new(keys: impl Into<PublicKeys>) -> Result<Self, ConfigError> {
        let key = |text: &str| BASE64.decode(text.strip_prefix("whpk_")?).ok();
        let keys = keys.into().decoded(
            "this is no public key of Standard Webhooks: it begins with `whpk_`, and the rest is base64",
            key,
        )?;
        Ok(Self { keys: Ed25519::new(keys)?, tolerance: StandardWebhooks::TOLERANCE })
    }

    /// As [`StandardWebhooks::tolerance`].
    #[must_use]
    pub fn tolerance(self, tolerance: Duration) -> Self {
        Self { tolerance, ..self }
    }
}

impl Provider for StandardWebhooksV1a {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let signed = headers::Signed::of(head, &headers::STANDARD, None, self.tolerance)?;
        let signatures = signed.signatures("v1a,").map(|one| STANDARD.decode(one));
        let signatures: Vec<_> =
            signatures.collect::<Result<_, _>>().map_err(|_| VerifyError::MalformedSignature)?;
        Ok(self.keys.check(signatures, signed.parts().concat())?.id(signed.id))
    }

    fn envelope(&self) -> Envelope {
        Envelope::adjacent("type", "data")
    }

    fn name(&self) -> Cow<'static, str> {
        NAME.into()
    }
}
