#![doc = include_str!("docs/lib.md")]

pub mod clock;
pub mod decode;
mod delivery;
pub mod docs;
#[cfg(feature = "deliver")]
pub mod emulator;
pub mod error;
mod event;
mod provider;
pub mod providers;
mod rejection;
pub mod router;
mod schedule;
pub mod scheme;
pub mod sender;
mod util;
pub mod verify;

pub use self::{
    delivery::Delivery,
    error::BoxError,
    event::{Event, Payload, RawEvent},
    provider::{Draft, Emit, Outgoing, Policy, Provider},
    rejection::Rejection,
    router::{EventRouter, FromRef, State},
    schedule::Schedule,
    sender::Sender,
    verify::{Verified, VerifyLayer},
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
