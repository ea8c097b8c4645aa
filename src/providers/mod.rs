//! The senders that this crate knows, a module each: how it authenticates, where its events are, and their types.
//!
//! The docs of modules and fields say where each fact is from. It is **documented** by the vendor (or read in the sender's
//! published source), or **observed** in receivers of its traffic. A field that is only observed is optional, and its docs
//! say so. Nothing is invented: an unknown name can be configured, and an unknown field is in the event's [raw
//! JSON](crate::RawEvent).
//!
//! All fields are optional, because no vendor marks a field as required. Unknown fields are ignored, and kept in the raw
//! JSON.

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

pub mod bigbluebutton;
pub mod cloudevents;
#[cfg(feature = "public-keys")]
pub mod discord;
pub mod github;
pub mod learn365;
mod lenient;
pub mod livekit;
pub mod loops;
pub mod meta;
pub mod microsoft_graph;
mod personal;
#[cfg(feature = "public-keys")]
pub mod sendgrid;
pub mod shopify;
pub mod slack;
pub mod standard_webhooks;
pub mod stripe;
pub mod synthesis_vr;
pub mod teachstack;
pub mod twilio;
mod wire;
pub mod woocommerce;
pub mod zoom;

pub use self::personal::Personal;
use self::wire::{
    challenge_answer, check_v0, fields, form, id_in, insert, is_plain, json, members, object, only,
    plain_text, sign_v0, with_id_in, with_parameter,
};

/// Structs of optional fields, each with its name on the wire. They are read from objects only: a derived `Deserialize`
/// would also read a struct from a list, by position.
macro_rules! objects {
    ($(
        $(#[$meta:meta])*
        $name:ident {$(
            $(#[$field_meta:meta])*
            $field:ident: $ty:ty = $wire:literal,
        )*}
    )*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
        #[non_exhaustive]
        pub struct $name {$(
            $(#[$field_meta])*
            #[serde(rename = $wire, skip_serializing_if = "Option::is_none")]
            pub $field: Option<$ty>,
        )*}

        const _: () = {
            type Target = $name;

            #[derive(serde::Deserialize)]
            #[serde(expecting = "an object", remote = "Target")]
            struct Fields {$(
                $(#[$field_meta])*
                #[serde(default, rename = $wire)]
                $field: Option<$ty>,
            )*}

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                    Fields::deserialize(crate::decode::Strict(from))
                }
            }
        };
    )*};
}

use objects;
