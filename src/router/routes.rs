//! The handlers by the type of their events, the fallback, and the limits that hold for all.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rustc_hash::FxHashMap;

use super::{
    erased::{Fallback, Route},
    limits,
    spare::Spare,
};
use crate::{
    Delivery,
    util::{panics::contained, permits::Permits, trace},
};

/// The handlers of a router, the limits that hold for all of them, and the permits. In one `Arc`: each request clones it.
pub(super) struct Routes<S> {
    all: Vec<(Arc<str>, Arc<dyn Route<S>>)>,
    by_name: FxHashMap<Arc<str>, RouteId>,
    pub(super) fallback: Option<Arc<dyn Fallback<S>>>,
    pub(super) max_events: usize,
    pub(super) max_depth: usize,
    pub(super) event_timeout: Duration,
    /// A permit for each batch.
    pub(super) batches: Permits,
    /// A permit for each byte of the bodies being handled.
    pub(super) total_bytes: Permits,
    pub(super) ignored: Arc<Ignored>,
    pub(super) spare: Spare<S>,
}

/// The events that no handler took.
#[derive(Default)]
pub(super) struct Ignored {
    count: AtomicU64,
    types: trace::Ignored,
}

impl Ignored {
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, delivery: &Delivery, index: usize, event_type: Option<&Arc<str>>) {
        self.count.fetch_add(1, Ordering::Relaxed);
        // A subscriber of trace events may panic.
        contained(|| self.types.tell(delivery.fields(), index, event_type));
    }
}

/// The index of a route. Each event has one, because the route has the name of its type.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct RouteId(u32);

impl RouteId {
    fn index(self) -> usize {
        self.0 as usize
    }
}

impl<S> Routes<S> {
    pub(super) fn new() -> Self {
        Self {
            all: Vec::new(),
            by_name: FxHashMap::default(),
            fallback: None,
            max_events: limits::MAX_EVENTS,
            max_depth: limits::MAX_DEPTH,
            event_timeout: limits::EVENT_TIMEOUT,
            batches: Permits::new(limits::MAX_BATCHES),
            total_bytes: Permits::new(limits::MAX_TOTAL_BYTES),
            ignored: Arc::default(),
            spare: Spare::new(),
        }
    }

    /// Adds a route. Returns `false` if there is a route with this name already.
    pub(super) fn add(&mut self, name: Arc<str>, route: Arc<dyn Route<S>>) -> bool {
        let id = u32::try_from(self.all.len()).expect("memory ends before 2^32 routes");
        let former = self.by_name.insert(name.clone(), RouteId(id));
        self.all.push((name, route));
        former.is_none()
    }

    pub(super) fn find(&self, name: &str) -> Option<RouteId> {
        self.by_name.get(name).copied()
    }

    /// The name of a route, as it was given.
    pub(super) fn name(&self, route: RouteId) -> &Arc<str> {
        &self.all[route.index()].0
    }

    pub(super) fn route(&self, route: RouteId) -> Arc<dyn Route<S>> {
        self.all[route.index()].1.clone()
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.all.iter().map(|(name, _)| &**name).collect()
    }
}

impl<S> Clone for Routes<S> {
    fn clone(&self) -> Self {
        Self {
            all: self.all.clone(),
            by_name: self.by_name.clone(),
            fallback: self.fallback.clone(),
            batches: self.batches.clone(),
            total_bytes: self.total_bytes.clone(),
            ignored: self.ignored.clone(),
            // Its lists belong to the handlers of the other one.
            spare: Spare::new(),
            ..*self
        }
    }
}
