//! Finds and decodes the events of an authentic body. Knows nothing of HTTP, and never panics.
//!
//! An [`Envelope`] describes where the events are in a body. The body is read once. Each payload is decoded in place, as
//! the type that its handler takes. The whole body is known to be well formed before the first handler runs. A payload
//! that does not fit its type does not affect the other events.
//!
//! Limit: if a `Deserialize` implementation of yours hides the errors of its `Deserializer`, then it can also hide that
//! its payload is not JSON. The text behind the error may then be read as another event.
//!
//! [`EventRouter::dispatch`](crate::EventRouter::dispatch) decodes a body for handlers. [`events`] finds the events and
//! decodes no payload. A [`Form`] and [`Members`] help a provider whose JSON is inside of something different.
//!
//! # Example: fuzz your own provider and handlers
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

// How a body is read, with the file of each step:
//
//   start        UTF-8; a byte order mark is skipped                     reader
//     │
//   outermost    {"entry": […], "id": …}: its list, and the other        lists
//     │          members for `Provider::describe`
//     │
//   outer list   [{"changes": […]}, …]: only if `within` is said again   lists
//     │
//   list         [{…}, {…}]                                              reader
//     │
//   element      one value of the list, or the whole body                reader
//     ├─ adjacent   {"type": …, "data": …}                               adjacent
//     ├─ flat       {"type": …, …}                                       flat
//     ├─ shape      {…}: a closure finds the type                        reader
//     └─ named      any value: the type is said elsewhere                reader
//     │
//   sink         has the type a handler? Then it decodes the payload     the router's decoder,
//                right there. It is given each event, known or not.      or undecoded
//
// A `Cursor` is the position in the text. `Envelope::read` describes the case that a handler's type moves it wrongly.

#[macro_use]
mod forward;

mod adjacent;
mod cursor;
mod decoded;
mod depth;
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
mod watch;

#[cfg(any(feature = "client-tls", feature = "emulator"))]
pub(crate) use self::object::Object;
pub(crate) use self::{
    cursor::Cursor,
    decoded::Decoded,
    depth::{MAX_DEPTH, is_too_deep},
    object::Strict,
    reader::Sink,
    watch::Watch,
};
pub use self::{
    envelope::{Element, Envelope},
    error::DecodeError,
    form::Form,
    members::Members,
    object::object,
};

/// Finds the events of `body` without decoding them. Their number is not limited.
///
/// # Errors
///
/// If the body is not UTF-8, not JSON or not of this envelope, or if an event, or a member beside the list of events, is
/// nested more than 127 levels deep.
pub fn events<'b>(envelope: &Envelope, body: &'b [u8]) -> Result<Vec<Element<'b>>, DecodeError> {
    let mut all = Vec::new();
    envelope.find(body, |element| all.push(element))?;
    Ok(all)
}
