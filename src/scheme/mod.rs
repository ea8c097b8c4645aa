//! Is this request authentic? Pure and synchronous, over bytes.
//!
//! Which scheme? The one that the sender's documentation names. If the sender signs nothing, then only a secret in the
//! request is left: a [`Token`]. If you can choose, then take [`HmacSha256`] over an id, a timestamp and the body, as
//! Standard Webhooks do.
//!
//! A scheme turns a request's [`Head`] into a [`Check`], which is fed with the body as it arrives and ends in an
//! [`Authentic`] or a [`VerifyError`]. Nothing here depends on the sender, on JSON, or on a runtime.
//!
//! ```
//! use tower_webhook::scheme::{Check, Head, HmacSha256, Tag, Timestamp, VerifyError, Pairs};
//! use std::time::Duration;
//!
//! /// `x-signature: t=<seconds>,v1=<hex>`, over `t.body`.
//! fn authenticate(keys: &HmacSha256, head: &Head<'_>) -> Result<Check, VerifyError> {
//!     let pairs = Pairs::parse(head.header("x-signature")?)?;
//!     let time = pairs.one("t")?;
//!     Timestamp::seconds(time)?.within(Duration::from_secs(300), head.now())?;
//!     Ok(keys.check_any(pairs.all("v1").map(Tag::hex))?.prefix(time).prefix("."))
//! }
//! ```

#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]
#![cfg_attr(
    test,
    allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::unwrap_used)
)]

// Where `check` and `hmac` say `#[inline(always)]`: a `Check` holds the state of a hash and has nearly 300 bytes. It is passed by
// value from step to step. Each step that is a call of its own copies it.
mod check;
mod delivery_id;
mod error;
mod head;
mod hmac;
mod keys;
mod origin;
mod pairs;
#[cfg(feature = "public-keys")]
mod public_keys;
mod secret;
mod tag;
mod timestamp;
mod token;

#[cfg(feature = "public-keys")]
pub use self::public_keys::{EcdsaP256, Ed25519, MAX_PUBLIC_KEYS, PublicKeys};
#[cfg(feature = "client-tls")]
pub(crate) use self::token::{basic, credential};
pub use self::{
    check::{Authentic, Check, Streaming},
    error::VerifyError,
    head::Head,
    hmac::{
        Algorithm, HashSha1Legacy, HashSha256, HashSha512, Hmac, HmacSha1Legacy, HmacSha256,
        HmacSha512, MAX_KEYS, MAX_TAGS,
    },
    keys::Keys,
    origin::Origin,
    pairs::{Pairs, after_prefix},
    secret::Secret,
    tag::Tag,
    timestamp::Timestamp,
    token::{MAX_TOKENS, Token},
};
pub(crate) use self::{
    delivery_id::{DeliveryId, is_visible},
    head::ReadHeaders,
    keys::KeyId,
};
