//! The events of a batch, in one queue for each handler.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use rustc_hash::FxHashMap;

use super::{
    EventContext, Outcome,
    erased::{Queue, RawQueue, TypedQueue},
    routes::{RouteId, Routes},
};
use crate::{
    RawEvent,
    decode::{Cursor, DecodeError, Decoded, Watch},
    util::{panics::contained, reserve::Share},
};

/// All events of a batch, by their handlers.
pub(super) struct Queues<S> {
    typed: Vec<(RouteId, BoxQueue<S>)>,
    /// The index of each route in `typed`, if there are more than [`FEW`].
    places: FxHashMap<RouteId, usize>,
    fallback: Option<Pin<Box<dyn RawQueue<S>>>>,
}

type BoxQueue<S> = Pin<Box<dyn TypedQueue<S>>>;

/// Up to this number of types, a search is faster than a map. Few batches have more types.
const FEW: usize = 16;

/// The place where an event waits for its handler: its route, or `None` for the fallback, and its index among the events of
/// the same handler.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) route: Option<RouteId>,
    pub(super) index: usize,
}

impl<S> Queues<S> {
    pub(super) fn new() -> Self {
        Self { typed: Vec::new(), places: FxHashMap::default(), fallback: None }
    }

    /// Forgets all events, and keeps the queues.
    pub(super) fn clear(&mut self) {
        self.typed.iter_mut().for_each(|(_, queue)| queue.as_mut().clear());
        if let Some(queue) = &mut self.fallback {
            queue.as_mut().clear();
        }
    }

    pub(super) fn has_few_types(&self) -> bool {
        self.typed.len() <= FEW
    }

    /// Decodes an event, in place, and returns its index. `share` is the part of the body in front of it.
    pub(super) fn decode(
        &mut self,
        routes: &Routes<S>,
        route: RouteId,
        share: Share,
        at: &mut Cursor<'_>,
        watch: Option<&Watch<'_>>,
    ) -> Result<Decoded<usize>, DecodeError> {
        let queue =
            self.find(route).unwrap_or_else(|| self.add(route, routes.route(route).queue()));
        self.typed[queue].1.as_mut().decode(share, at, watch)
    }

    #[inline]
    fn find(&self, route: RouteId) -> Option<usize> {
        if self.has_few_types() {
            self.typed.iter().position(|(known, _)| *known == route)
        } else {
            self.places.get(&route).copied()
        }
    }

    fn add(&mut self, route: RouteId, queue: BoxQueue<S>) -> usize {
        let index = self.typed.len();
        self.typed.push((route, queue));
        if index >= FEW {
            let places = self.typed.iter().enumerate().skip(self.places.len());
            self.places.extend(places.map(|(index, (route, _))| (*route, index)));
        }
        index
    }

    /// Gives an event to the fallback, if there is one, and returns its index.
    pub(super) fn push(
        &mut self,
        routes: &Routes<S>,
        share: Share,
        event: impl FnOnce() -> RawEvent,
    ) -> Option<usize> {
        let fallback = routes.fallback.as_ref()?;
        let queue = self.fallback.get_or_insert_with(|| fallback.clone().queue());
        Some(queue.as_mut().push(share, event()))
    }

    /// Polls the handler of an event. If the handler is done, then its outcome is added.
    pub(super) fn poll(
        &mut self,
        slot: Slot,
        cx: &EventContext<'_, S>,
        task: &mut Context<'_>,
        outcomes: &mut Vec<Outcome>,
    ) -> Poll<()> {
        self.queue(slot).poll(slot.index, cx, task, outcomes)
    }

    /// Drops an event that has not been handled to its end. Returns `false` if that panicked.
    pub(super) fn discard(&mut self, slot: Slot) -> bool {
        contained(|| self.queue(slot).discard(slot.index)).is_some()
    }

    fn queue(&mut self, slot: Slot) -> Pin<&mut dyn Queue<S>> {
        match slot.route {
            Some(route) => {
                let queue = self.find(route).expect("it gave the index");
                self.typed[queue].1.as_mut()
            }
            None => self.fallback.as_mut().expect("it gave the index").as_mut(),
        }
    }
}
