#![doc = include_str!("docs/lib.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[path = "docs/mod.rs"]
pub mod _docs;

mod body;
pub mod clock;
pub mod decode;
mod delivery;
pub mod error;
mod event;
pub mod inbox;
mod provider;
pub mod providers;
mod rejection;
pub mod router;
pub mod scheme;
pub mod sender;
mod util;
pub mod verify;

pub use self::{
    body::Body,
    delivery::{Delivery, Described, Unpacked},
    error::BoxError,
    event::{Event, Payload, RawEvent},
    provider::{Policy, Provider},
    rejection::Rejection,
    router::{EventRouter, FromRef, State},
    sender::{Draft, Emit, Outgoing, Schedule, Sender},
    verify::{Verified, VerifyLayer},
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
