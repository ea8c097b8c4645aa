//! The further arguments of a handler: `State`, `Delivery`, `RawEvent` and `EventKey`.

use std::fmt;

use super::{EventKey, batch::Shared, entry::Entry};
use crate::{Delivery, RawEvent};

/// A part of the router's state, as a handler's argument.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "handlers take it apart")]
pub struct State<T>(pub T);

/// A value that can be cloned from the router's state `T`: itself, or a part of it.
///
/// ```
/// use tower_webhook::FromRef;
///
/// #[derive(Clone)]
/// struct App {
///     name: String,
/// }
/// impl FromRef<App> for String {
///     fn from_ref(app: &App) -> Self {
///         app.name.clone()
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "the router's state `{T}` does not provide a `{Self}`",
    label = "no `{Self}` in the state `{T}`",
    note = "build the router with `EventRouter::with_state(…)`, or implement `FromRef<{T}> for {Self}`"
)]
pub trait FromRef<T> {
    /// Clones the value from the state.
    fn from_ref(state: &T) -> Self;
}

impl<T: Clone> FromRef<T> for T {
    fn from_ref(state: &T) -> Self {
        state.clone()
    }
}

/// The delivery of an event, its place there, and the router's state.
pub struct EventContext<'a, S> {
    pub(super) shared: &'a Shared<S>,
    pub(super) entry: &'a Entry,
    pub(super) index: usize,
}

impl<S> EventContext<'_, S> {
    /// The router's state.
    pub fn state(&self) -> &S {
        self.shared.state.get().expect("never taken")
    }

    /// The delivery that the event belongs to.
    pub fn delivery(&self) -> &Delivery {
        &self.shared.delivery
    }

    /// The place of the event in the body, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The event's key. `None` if the delivery has no id.
    pub fn key(&self) -> Option<EventKey> {
        EventKey::new(self.delivery(), self.index)
    }

    /// The event as it was received.
    pub fn event(&self) -> RawEvent {
        self.shared.raw(self.entry)
    }
}

impl<S> fmt::Debug for EventContext<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventContext")
            .field("delivery", self.delivery())
            .field("event", &self.event())
            .finish_non_exhaustive()
    }
}

/// An argument that a handler may take after its event: [`State`], [`Delivery`], [`RawEvent`], `Option<`[`EventKey`]`>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a webhook handler",
    label = "not available to a handler",
    note = "the event is the first argument; after it, a handler may take `tower_webhook::State<T>`, `Delivery`, `RawEvent` and `Option<EventKey>`, in any order"
)]
pub trait FromContext<S>: Sized {
    /// Makes the argument.
    fn from_context(cx: &EventContext<'_, S>) -> Self;
}

impl<S> FromContext<S> for Delivery {
    fn from_context(cx: &EventContext<'_, S>) -> Self {
        cx.delivery().clone()
    }
}

impl<S> FromContext<S> for RawEvent {
    fn from_context(cx: &EventContext<'_, S>) -> Self {
        cx.event()
    }
}

impl<S, T: FromRef<S>> FromContext<S> for State<T> {
    fn from_context(cx: &EventContext<'_, S>) -> Self {
        Self(T::from_ref(cx.state()))
    }
}
