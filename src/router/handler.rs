//! `Handler`: the closures and functions that can handle an event.

use super::{EventContext, FromContext};
use crate::util::panics::Guarded;

/// An async closure or function that takes an event of type `E` first.
///
/// Implemented for every `FnOnce(E, …) -> impl Future` that is `Clone + Send + Sync + 'static` and has up to three
/// further arguments. A closure that captures is written `async move |e: E| …` and clones what it captures for each
/// event. The compiler infers `M`, the types of the further arguments.
///
/// Sealed: only this crate implements it.
///
/// ```
/// use tower_webhook::{Delivery, EventRouter, providers::loops::{Loops, SessionStarted}};
///
/// EventRouter::<Loops>::new().on(async |_: SessionStarted, _: Delivery| {});
/// ```
/// ```compile_fail,E0277
/// use tower_webhook::{Delivery, EventRouter, providers::loops::{Loops, SessionStarted}};
///
/// EventRouter::<Loops>::new().on(|_: SessionStarted, _: Delivery| {}); // not async
/// ```
/// ```compile_fail,E0277
/// use tower_webhook::{Delivery, EventRouter, providers::loops::{Loops, SessionStarted}};
///
/// EventRouter::<Loops>::new().on(async |_: Delivery, _: SessionStarted| {}); // the event is not the first
/// ```
/// ```compile_fail,E0277
/// use tower_webhook::{Delivery, EventRouter, providers::loops::{Loops, SessionStarted}};
///
/// EventRouter::<Loops>::new().on(async |_: SessionStarted, _: Delivery| 7); // neither `()` nor a `Result`
/// ```
/// ```compile_fail,E0277
/// use std::future::{Ready, ready};
/// use tower_webhook::router::Handler;
///
/// #[derive(Clone)]
/// struct Mine;
///
/// impl Handler<(), ()> for Mine { // sealed
///     type Args = ();
///     type Output = ();
///     type Future = Ready<()>;
///
///     fn call(self, _: (), _: ()) -> Ready<()> {
///         ready(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a webhook handler",
    label = "expected `async |event: {E}, …| {{ … }}`, or an `async fn` of that shape",
    note = "the first argument is the event, and that of `fallback` a `RawEvent`; up to three further arguments may follow: `tower_webhook::State<T>`, `Delivery`, `RawEvent`, `Option<EventKey>`",
    note = "a handler is `Clone + Send + Sync + 'static`: the values that it captures must be, too"
)]
pub trait Handler<E, M>: sealed::Sealed<E, M> + Clone + Send + Sync + 'static {
    /// The further arguments.
    type Args;
    /// The output of its future.
    type Output;
    /// The future that it returns.
    type Future: Future<Output = Self::Output>;

    /// Calls the handler.
    fn call(self, event: E, args: Self::Args) -> Self::Future;
}

mod sealed {
    #[expect(unnameable_types, reason = "nobody outside of this crate can implement it")]
    pub trait Sealed<E, M> {}
}

macro_rules! impl_handler {
    ($($arg:ident),*) => {
        impl<F, Fut, E, $($arg,)*> sealed::Sealed<E, ($($arg,)*)> for F
        where
            F: FnOnce(E, $($arg),*) -> Fut,
        {
        }

        impl<F, Fut, E, $($arg,)*> Handler<E, ($($arg,)*)> for F
        where
            F: FnOnce(E, $($arg),*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future,
        {
            type Args = ($($arg,)*);
            type Output = Fut::Output;
            type Future = Fut;

            #[allow(non_snake_case)]
            fn call(self, event: E, ($($arg,)*): Self::Args) -> Fut {
                self(event, $($arg),*)
            }
        }

        impl<S, $($arg: FromContext<S>,)*> FromContext<S> for ($($arg,)*) {
            #[allow(non_snake_case, unused_variables, clippy::unused_unit)]
            fn from_context(cx: &EventContext<'_, S>) -> Self {
                // If one of them panics, then those before it are dropped, each in its guard.
                $(let mut $arg = Guarded::new($arg::from_context(cx));)*
                ($($arg.take().expect("just put there"),)*)
            }
        }
    };
}

impl_handler!();
impl_handler!(A);
impl_handler!(A, B);
impl_handler!(A, B, C);
