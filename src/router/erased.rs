//! Type erasure: the handlers and events of all types behind the traits `Route`, `Fallback` and `Queue`.

use std::{
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use serde::de::DeserializeOwned;

use super::{EventContext, FromContext, Handler, IntoOutcome, Outcome, spare::MAX_EVENTS};
use crate::{
    RawEvent,
    decode::{Cursor, DecodeError, Decoded, Watch},
    util::{
        panics::{Guarded, contained},
        reserve::Share,
    },
};

/// A handler of one type of event.
pub(super) trait Route<S>: Send + Sync {
    fn queue(self: Arc<Self>) -> Pin<Box<dyn TypedQueue<S>>>;
}

/// The handler of the events that no route takes.
pub(super) trait Fallback<S>: Send + Sync {
    fn queue(self: Arc<Self>) -> Pin<Box<dyn RawQueue<S>>>;
}

/// The events of one handler in a batch, and the future that handles the current event.
///
/// The events are in one list, so that no event needs an allocation of its own. The futures run one after the other, in the
/// same place in memory.
pub(super) trait Queue<S>: Send {
    /// Calls the handler for the event at `index`, polls the future that it returned, drops the future when it is done, and
    /// adds the outcome.
    fn poll(
        self: Pin<&mut Self>,
        index: usize,
        cx: &EventContext<'_, S>,
        task: &mut Context<'_>,
        outcomes: &mut Vec<Outcome>,
    ) -> Poll<()>;

    /// Drops the event at `index`, which has not been handled to its end.
    fn discard(self: Pin<&mut Self>, index: usize);

    /// Forgets all events, and frees the memory of what is more than a small batch has.
    fn clear(self: Pin<&mut Self>);
}

pub(super) trait TypedQueue<S>: Queue<S> {
    /// Decodes one more event, in place, and returns its index. `share` is the part of the body in front of it.
    fn decode(
        self: Pin<&mut Self>,
        share: Share,
        at: &mut Cursor<'_>,
        watch: Option<&Watch<'_>>,
    ) -> Result<Decoded<usize>, DecodeError>;
}

pub(super) trait RawQueue<S>: Queue<S> {
    /// Takes one more event, and returns its index. `share` is the part of the body in front of it.
    fn push(self: Pin<&mut Self>, share: Share, event: RawEvent) -> usize;
}

pub(super) struct Erased<H, E, M> {
    handler: Guarded<H>,
    types: PhantomData<fn() -> (E, M)>,
}

impl<H, E, M> Erased<H, E, M> {
    pub(super) fn new(handler: H) -> Self {
        Self { handler: Guarded::new(handler), types: PhantomData }
    }
}

impl<H, E, M, S> Route<S> for Erased<H, E, M>
where
    H: Handler<E, M, Args: FromContext<S>, Output: IntoOutcome, Future: Send>,
    E: DeserializeOwned + Send + 'static,
    M: 'static,
    S: 'static,
{
    fn queue(self: Arc<Self>) -> Pin<Box<dyn TypedQueue<S>>> {
        Box::pin(Events::new(self))
    }
}

impl<H, M, S> Fallback<S> for Erased<H, RawEvent, M>
where
    H: Handler<RawEvent, M, Args: FromContext<S>, Output: IntoOutcome, Future: Send>,
    M: 'static,
    S: 'static,
{
    fn queue(self: Arc<Self>) -> Pin<Box<dyn RawQueue<S>>> {
        Box::pin(Events::new(self))
    }
}

pin_project! {
    struct Events<H, E, M>
    where
        H: Handler<E, M>,
    {
        // Shared with the router: a batch has no handler of its own, only the event that is being handled has.
        erased: Arc<Erased<H, E, M>>,
        // Most batches have one event of a type.
        first: Guarded<E>,
        more: Vec<Guarded<E>>,
        count: usize,
        #[pin]
        running: Option<H::Future>,
    }

    impl<H, E, M> PinnedDrop for Events<H, E, M>
    where
        H: Handler<E, M>,
    {
        /// A pinned value cannot be moved into a guard.
        fn drop(this: Pin<&mut Self>) {
            let mut running = this.project().running;
            if running.is_some() {
                contained(|| running.set(None));
            }
        }
    }
}

impl<H: Handler<E, M>, E, M> Events<H, E, M> {
    fn new(erased: Arc<Erased<H, E, M>>) -> Self {
        Self { erased, first: Guarded::NONE, more: Vec::new(), count: 0, running: None }
    }

    fn add(self: Pin<&mut Self>, share: Share, event: E) -> usize {
        let this = self.project();
        let index = *this.count;
        match index {
            0 => *this.first = Guarded::new(event),
            _ => {
                share.reserve(this.more);
                this.more.push(Guarded::new(event));
            }
        }
        *this.count += 1;
        index
    }

    /// The event at `index`, if it has not been passed to its handler yet.
    fn waiting(self: Pin<&mut Self>, index: usize) -> Option<&mut Guarded<E>> {
        let this = self.project();
        let event = match index.checked_sub(1) {
            None => Some(this.first),
            Some(index) => this.more.get_mut(index),
        };
        event.filter(|event| event.is_some())
    }

    /// Calls the handler for the event at `index`, if it has not been called for it yet.
    ///
    /// Each step can panic. Then the values that the steps before it made are dropped, each in a guard of its own. The event
    /// is not taken before the handler is cloned and its arguments are made.
    fn start<S>(mut self: Pin<&mut Self>, index: usize, cx: &EventContext<'_, S>)
    where
        H::Args: FromContext<S>,
    {
        if self.as_mut().waiting(index).is_none() {
            return;
        }
        let mut handler = self.erased.handler.clone();
        let args = H::Args::from_context(cx);
        let event = self.as_mut().waiting(index).and_then(Guarded::take);
        let (handler, event) =
            handler.take().zip(event).expect("the handler was just cloned, and the event waits");
        let future = handler.call(event, args);
        self.project().running.set(Some(future));
    }
}

impl<H, E, M, S> Queue<S> for Events<H, E, M>
where
    H: Handler<E, M, Args: FromContext<S>, Output: IntoOutcome, Future: Send>,
    E: Send,
{
    fn poll(
        mut self: Pin<&mut Self>,
        index: usize,
        cx: &EventContext<'_, S>,
        task: &mut Context<'_>,
        outcomes: &mut Vec<Outcome>,
    ) -> Poll<()> {
        self.as_mut().start(index, cx);
        let mut running = self.project().running;
        let future = running.as_mut().as_pin_mut().expect("not polled after its end or a panic");
        let mut output = Guarded::new(ready!(future.poll(task)));
        running.set(None);
        outcomes.extend(output.take().map(IntoOutcome::into_outcome));
        Poll::Ready(())
    }

    fn discard(mut self: Pin<&mut Self>, index: usize) {
        match self.as_mut().waiting(index) {
            Some(event) => drop(event.take()),
            None => self.project().running.set(None),
        }
    }

    fn clear(self: Pin<&mut Self>) {
        let mut this = self.project();
        this.running.set(None);
        *this.first = Guarded::NONE;
        this.more.clear();
        this.more.shrink_to(MAX_EVENTS);
        *this.count = 0;
    }
}

impl<H, E, M, S> TypedQueue<S> for Events<H, E, M>
where
    H: Handler<E, M, Args: FromContext<S>, Output: IntoOutcome, Future: Send>,
    E: DeserializeOwned + Send,
{
    fn decode(
        self: Pin<&mut Self>,
        share: Share,
        at: &mut Cursor<'_>,
        watch: Option<&Watch<'_>>,
    ) -> Result<Decoded<usize>, DecodeError> {
        at.value(watch, |event| self.add(share, event))
    }
}

impl<H, M, S> RawQueue<S> for Events<H, RawEvent, M>
where
    H: Handler<RawEvent, M, Args: FromContext<S>, Output: IntoOutcome, Future: Send>,
{
    fn push(self: Pin<&mut Self>, share: Share, event: RawEvent) -> usize {
        self.add(share, event)
    }
}
