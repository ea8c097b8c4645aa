#![doc = include_str!("docs/lib.md")]

pub mod clock;
mod contain;
pub mod decode;
mod delivery;
pub mod docs;
#[cfg(feature = "deliver")]
pub mod emulator;
pub mod error;
mod event;
#[cfg(any(feature = "deliver", feature = "register"))]
mod exchange;
mod looks;
mod places;
mod provider;
pub mod providers;
pub mod router;
mod schedule;
pub mod scheme;
pub mod sender;
mod timer;
mod trace;
pub mod verify;

pub use self::{
    delivery::Delivery,
    event::{Event, Payload, RawEvent},
    provider::{Draft, Emit, Outgoing, Policy, Provider},
    router::{EventRouter, FromRef, State},
    schedule::Schedule,
    sender::Sender,
    verify::{Verified, VerifyLayer},
};

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
