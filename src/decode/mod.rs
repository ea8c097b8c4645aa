//! Authentic bytes to events: pure, without HTTP, and never panicking, so that users can fuzz it too.
//!
//! An [`Envelope`] says where the events stand in a body. The body is read once; each payload is decoded in place, as
//! the type that its handler asks for. The whole of it is found well formed before the first handler runs, and a
//! payload that does not fit its type spares its siblings. (A `Deserialize` of yours that hides errors from its
//! `Deserializer` can hide that its own payload is not JSON, and have what follows taken for the next event.)
//!
//! [`EventRouter::dispatch`](crate::EventRouter::dispatch) decodes a body for handlers; [`events`] finds the events
//! and leaves them as they are. To fuzz your own provider and handlers:
//!
//! ```
//! use bytes::Bytes;
//! use tower_webhook::{Delivery, EventRouter, providers::loops::{Loops, SessionStarted}, scheme::Authentic};
//!
//! fn fuzz_target(data: &[u8]) {
//!     let events = EventRouter::new().on(async |_: SessionStarted| {});
//!     let delivery = Delivery::new(Authentic::dangerous_assert());
//!     let provider = Loops::dangerous_unauthenticated();
//!     let _ = events.dispatch(&provider, delivery, Bytes::copy_from_slice(data));
//! }
//! # fuzz_target(b"[{}]");
//! ```

mod adjacent;
mod cursor;
mod decoded;
mod duplicates;
mod envelope;
mod error;
mod flat;
mod form;
mod lists;
mod members;
mod name;
mod object;
mod reader;
mod undecoded;

#[cfg(any(feature = "client-tls", feature = "emulator"))]
pub(crate) use self::object::Object;
pub(crate) use self::{
    cursor::{Cursor, MAX_DEPTH, is_too_deep},
    decoded::Decoded,
    object::Strict,
    reader::Sink,
};
pub use self::{
    envelope::{Element, Envelope},
    error::DecodeError,
    form::Form,
    members::Members,
    object::object,
};

/// Finds the events of `body`, undecoded, however many there are.
///
/// # Errors
///
/// If the body as a whole is not UTF-8, not JSON, nested too deep, or not of this envelope.
pub fn events<'b>(envelope: &Envelope, body: &'b [u8]) -> Result<Vec<Element<'b>>, DecodeError> {
    let mut all = Vec::new();
    envelope.find(body, |element| all.push(element))?;
    Ok(all)
}
