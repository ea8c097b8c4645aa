//! The one box of each event, and the types behind it.

use std::{
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use serde::de::DeserializeOwned;

use super::{EventContext, FromContext, Handler, IntoOutcome, Outcome};
use crate::{
    RawEvent,
    decode::{Cursor, DecodeError, Payload},
};

/// An event with its handler: waiting, then running. One allocation holds both in turn.
pub(super) trait Job<S>: Send {
    /// Calls the handler.
    fn start(self: Pin<&mut Self>, cx: &EventContext<'_, S>);
    /// Drives what the handler returned.
    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Outcome>;
}

pub(super) type BoxJob<S> = Pin<Box<dyn Job<S>>>;

/// A handler of one type of event.
pub(super) trait Route<S>: Send + Sync {
    /// Decodes the event at `at`, in place.
    fn decode(&self, at: &mut Cursor<'_>) -> Result<Payload<BoxJob<S>>, DecodeError>;
}

/// The handler of whatever no route takes.
pub(super) trait Fallback<S>: Send + Sync {
    fn job(&self, event: RawEvent) -> BoxJob<S>;
}

pub(super) struct Erased<H, E, M> {
    handler: H,
    types: PhantomData<fn() -> (E, M)>,
}

impl<H, E, M> Erased<H, E, M> {
    pub(super) fn new(handler: H) -> Self {
        Self { handler, types: PhantomData }
    }
}

impl<H, E, M, S> Route<S> for Erased<H, E, M>
where
    H: Handler<E, M, Args: FromContext<S>, Output: IntoOutcome, Future: Send>,
    E: DeserializeOwned + Send + 'static,
    M: 'static,
    S: 'static,
{
    fn decode(&self, at: &mut Cursor<'_>) -> Result<Payload<BoxJob<S>>, DecodeError> {
        Ok(match at.value::<E>()? {
            Ok(event) => Payload::Fits(job::<H, E, M, S>(self.handler.clone(), event)),
            Err(misfit) => Payload::Misfit(misfit),
        })
    }
}

impl<H, M, S> Fallback<S> for Erased<H, RawEvent, M>
where
    H: Handler<RawEvent, M, Args: FromContext<S>, Output: IntoOutcome, Future: Send>,
    M: 'static,
    S: 'static,
{
    fn job(&self, event: RawEvent) -> BoxJob<S> {
        job::<H, RawEvent, M, S>(self.handler.clone(), event)
    }
}

fn job<H, E, M, S>(handler: H, event: E) -> BoxJob<S>
where
    H: Handler<E, M, Args: FromContext<S>, Output: IntoOutcome, Future: Send>,
    E: Send + 'static,
    M: 'static,
    S: 'static,
{
    Box::pin(Pending::<H, E, M> { call: Call::Waiting { handler, event } })
}

pin_project! {
    struct Pending<H, E, M>
    where
        H: Handler<E, M>,
    {
        #[pin]
        call: Call<H, E, H::Future>,
    }
}

pin_project! {
    #[project = CallProj]
    #[project_replace = CallOwn]
    enum Call<H, E, F> {
        Waiting { handler: H, event: E },
        Running { #[pin] future: F },
        Gone,
    }
}

impl<H, E, M, S> Job<S> for Pending<H, E, M>
where
    H: Handler<E, M, Args: FromContext<S>, Output: IntoOutcome, Future: Send>,
    E: Send,
{
    fn start(self: Pin<&mut Self>, cx: &EventContext<'_, S>) {
        let mut call = self.project().call;
        if let CallOwn::Waiting { handler, event } = call.as_mut().project_replace(Call::Gone) {
            let future = handler.call(event, H::Args::from_context(cx));
            call.set(Call::Running { future });
        }
    }

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Outcome> {
        match self.project().call.project() {
            CallProj::Running { future } => future.poll(task).map(IntoOutcome::into_outcome),
            CallProj::Waiting { .. } | CallProj::Gone => {
                unreachable!("started, and not polled after a panic")
            }
        }
    }
}
