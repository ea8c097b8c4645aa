use std::{
    pin::Pin,
    task::{Context, Poll},
};

use super::{
    EventContext, Outcome,
    erased::{Lane, RawLane, TypedLane},
    table::{RouteId, Routes},
};
use crate::{
    RawEvent,
    contain::contained,
    decode::{Cursor, DecodeError},
};

/// All events of a batch, by their handlers.
pub(super) struct Lanes<S> {
    typed: Vec<Pin<Box<dyn TypedLane<S>>>>,
    /// Which of them belongs to a route, from 1; 0 is none yet.
    of_route: Vec<u32>,
    fallback: Option<Pin<Box<dyn RawLane<S>>>>,
}

/// Where an event waits for its handler: the route if it has one, and its index among those of the same handler.
#[derive(Clone, Copy)]
pub(super) struct Seat {
    pub(super) route: Option<RouteId>,
    pub(super) index: usize,
}

impl<S> Lanes<S> {
    pub(super) fn new(routes: &Routes<S>) -> Self {
        Self { typed: Vec::new(), of_route: vec![0; routes.len()], fallback: None }
    }

    /// Decodes an event, in place, and returns its index.
    pub(super) fn decode(
        &mut self,
        routes: &Routes<S>,
        route: RouteId,
        at: &mut Cursor<'_>,
    ) -> Result<Result<usize, DecodeError>, DecodeError> {
        let known = &mut self.of_route[route.index()];
        if *known == 0 {
            self.typed.push(routes.route(route).lane());
            *known = self.typed.len() as u32;
        }
        self.typed[*known as usize - 1].as_mut().decode(at)
    }

    /// Gives an event to the fallback, if there is one, and returns its index.
    pub(super) fn push(&mut self, routes: &Routes<S>, event: RawEvent) -> Option<usize> {
        let fallback = routes.fallback.as_ref()?;
        let lane = self.fallback.get_or_insert_with(|| fallback.lane());
        Some(lane.as_mut().push(event))
    }

    /// Drives the handler of an event; adds its outcome once there is one.
    pub(super) fn poll(
        &mut self,
        seat: Seat,
        cx: &EventContext<'_, S>,
        task: &mut Context<'_>,
        outcomes: &mut Vec<Outcome>,
    ) -> Poll<()> {
        self.lane(seat).poll(seat.index, cx, task, outcomes)
    }

    /// Drops an event that has not been handled to its end. `false`: it panicked.
    pub(super) fn discard(&mut self, seat: Seat) -> bool {
        contained(|| self.lane(seat).discard(seat.index)).is_some()
    }

    fn lane(&mut self, seat: Seat) -> Pin<&mut dyn Lane<S>> {
        match seat.route {
            Some(route) => self.typed[self.of_route[route.index()] as usize - 1].as_mut(),
            None => self.fallback.as_mut().expect("it gave the index").as_mut(),
        }
    }
}
