//! Permits: limit the number of requests, or of bytes, that are held at the same time.

// Nobody waits for a permit here, only for all of them to be free. tokio's `Semaphore` has a queue of those who wait, and
// locks it each time a permit is returned. A request takes four permits, and all threads share them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use tokio::sync::Notify;

/// A number of permits that can be taken. Clones share them.
#[derive(Clone)]
pub(crate) struct Permits(Arc<Shared>);

struct Shared {
    /// The number of all permits.
    most: usize,
    taken: AtomicUsize,
    /// The number of those who wait until no permit is taken. If there are any, then none can be taken.
    draining: AtomicUsize,
    /// Told to them.
    none_taken: Notify,
}

/// One or more permits. They are returned when this is dropped.
pub(crate) struct Permit {
    of: Arc<Shared>,
    count: usize,
}

impl Permits {
    /// At most `u32::MAX` permits: for bytes, that is the 4 GiB that the public docs state.
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(Shared {
            most: most.min(usize::try_from(u32::MAX).unwrap_or(usize::MAX)),
            taken: AtomicUsize::new(0),
            draining: AtomicUsize::new(0),
            none_taken: Notify::new(),
        }))
    }

    pub(crate) fn max(&self) -> usize {
        self.0.most
    }

    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.0.most - self.0.taken.load(SeqCst)
    }

    /// Takes one permit, if one is free.
    pub(crate) fn take(&self) -> Option<Permit> {
        self.take_many(1)
    }

    /// Takes `count` permits, if they are free.
    pub(crate) fn take_many(&self, count: usize) -> Option<Permit> {
        self.0.take(count)?;
        Some(Permit { of: self.0.clone(), count })
    }

    /// Takes `count` permits, if they are free. If there are not that many in all, takes all.
    pub(crate) fn take_many_or_all(&self, count: usize) -> Option<Permit> {
        self.take_many(count.min(self.0.most))
    }

    /// Waits until no permit is taken. Meanwhile none can be taken, but for one that somebody was about to take before.
    pub(crate) async fn drain(&self) {
        let shared = &*self.0;
        let _draining = Draining::begin(shared);
        loop {
            // It is told from here on, so that nothing is missed between the look and the wait.
            let none_taken = shared.none_taken.notified();
            if shared.taken.load(SeqCst) == 0 {
                return;
            }
            none_taken.await;
        }
    }
}

impl Shared {
    #[inline]
    fn take(&self, count: usize) -> Option<()> {
        if self.draining.load(SeqCst) > 0 {
            return None;
        }
        let add = |taken: usize| taken.checked_add(count).filter(|&taken| taken <= self.most);
        self.taken.fetch_update(SeqCst, SeqCst, add).ok().map(drop)
    }
}

impl Permit {
    /// Adds permits until there are `count` of them, if they are free.
    pub(crate) fn fill(&mut self, count: usize) -> Option<()> {
        let more = count.saturating_sub(self.count);
        if more > 0 {
            self.of.take(more)?;
            self.count += more;
        }
        Some(())
    }

    /// As [`Permit::fill`]. If there are not that many in all, takes all.
    pub(crate) fn fill_or_all(&mut self, count: usize) -> Option<()> {
        self.fill(count.min(self.of.most))
    }
}

impl Drop for Permit {
    #[inline]
    fn drop(&mut self) {
        let taken = self.of.taken.fetch_sub(self.count, SeqCst);
        if taken == self.count && self.of.draining.load(SeqCst) > 0 {
            self.of.none_taken.notify_waiters();
        }
    }
}

/// Somebody waits until no permit is taken.
struct Draining<'s>(&'s Shared);

impl<'s> Draining<'s> {
    fn begin(shared: &'s Shared) -> Self {
        shared.draining.fetch_add(1, SeqCst);
        Self(shared)
    }
}

impl Drop for Draining<'_> {
    fn drop(&mut self) {
        self.0.draining.fetch_sub(1, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{Future, poll_fn},
        hint::spin_loop,
        pin::{Pin, pin},
        task::{Context, Poll, Waker},
        thread,
        time::Duration,
    };

    use super::*;

    fn polled(future: Pin<&mut impl Future<Output = ()>>) -> Poll<()> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn permits_are_taken_while_there_are_enough_and_are_returned() {
        let permits = Permits::new(10);
        let (one, mut many) = (permits.take().unwrap(), permits.take_many(7).unwrap());
        assert!(permits.take_many(3).is_none());
        assert!(permits.take_many(usize::MAX).is_none());
        assert_eq!(permits.free(), 2);
        assert!(many.fill(9).is_some() && many.fill(3).is_some());
        assert!(many.fill(10).is_none() && permits.take().is_none());
        drop(one);
        assert!(many.fill_or_all(usize::MAX).is_some());
        assert_eq!((many.count, permits.free()), (10, 0));
        assert!(permits.take_many(0).is_some(), "none are needed");
        drop(many);
        assert_eq!(permits.take_many_or_all(usize::MAX).map(|all| all.count), Some(10));
        assert_eq!(permits.free(), 10);
        assert!(Permits::new(0).take().is_none());
    }

    #[test]
    fn who_drains_waits_for_all_and_meanwhile_none_is_taken() {
        let permits = Permits::new(10);
        let (one, mut two) = (permits.take().unwrap(), permits.take_many(2).unwrap());
        let (mut first, mut second) = (pin!(permits.drain()), pin!(permits.drain()));
        assert!(permits.take().is_some(), "nobody has begun to wait");
        assert!(polled(first.as_mut()).is_pending() && polled(second.as_mut()).is_pending());
        assert!(permits.take().is_none() && two.fill(3).is_none());
        drop(one);
        assert!(polled(first.as_mut()).is_pending());
        drop(two);
        assert!(polled(first.as_mut()).is_ready());
        assert!(permits.take().is_none(), "another one drains");
        assert!(polled(second.as_mut()).is_ready());
        assert!(permits.take().is_some());
    }

    #[test]
    fn who_stops_draining_is_waited_for_no_longer() {
        let permits = Permits::new(1);
        let held = permits.take();
        let mut drain = Box::pin(permits.drain());
        assert!(polled(drain.as_mut()).is_pending());
        drop(drain);
        drop(held);
        assert!(permits.take().is_some());
    }

    #[test]
    fn a_drain_does_not_miss_that_the_last_permit_is_returned() {
        let permits = Permits::new(2);
        thread::scope(|scope| {
            let drains = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
                runtime.unwrap().block_on(waits(&permits, 30_000));
            });
            let mut turns = (0..20).cycle();
            while !drains.is_finished() {
                let held = permits.take();
                (0..turns.next().unwrap()).for_each(|_| spin_loop());
                drop(held);
            }
        });
        assert_eq!(permits.free(), 2);
    }

    /// Drains until it has had to wait for so many times.
    async fn waits(permits: &Permits, mut times: usize) {
        while times > 0 {
            let mut drain = pin!(permits.drain());
            let mut waited = false;
            let drained = poll_fn(|task| {
                let drained = drain.as_mut().poll(task);
                waited |= drained.is_pending();
                drained
            });
            let drained = tokio::time::timeout(Duration::from_secs(60), drained).await;
            drained.expect("the wake-up is lost");
            times -= usize::from(waited);
        }
    }
}
