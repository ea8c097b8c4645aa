//! Senders, each of which waits for its answer before it sends again.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

pub(crate) type Done<T> = Pin<Box<dyn Future<Output = T> + Send>>;
/// Sends one delivery and waits until it is accepted: the number of the sender, and that of the delivery.
pub(crate) type SendOne = Arc<dyn Fn(usize, u64) -> Done<()> + Send + Sync>;

/// When the senders stop.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    After(Duration),
    Sent(u64),
}

/// What the senders have seen.
pub(crate) struct Load {
    took: Duration,
    /// From the shortest to the longest.
    waits: Vec<Duration>,
}

/// No two deliveries have the same.
static NEXT: AtomicU64 = AtomicU64::new(0);

pub(crate) fn next() -> u64 {
    NEXT.fetch_add(1, Relaxed)
}

/// Lets so many send at the same time.
pub(crate) async fn send(senders: usize, until: Until, one: &SendOne) -> Load {
    let (begun, sent) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let mut tasks = JoinSet::new();
    for sender in 0..senders {
        let (one, sent) = (one.clone(), sent.clone());
        tasks.spawn(async move {
            let mut waits = Vec::new();
            while match until {
                Until::After(time) => begun.elapsed() < time,
                Until::Sent(most) => sent.fetch_add(1, Relaxed) < most,
            } {
                let at = Instant::now();
                one(sender, next()).await;
                waits.push(at.elapsed());
            }
            waits
        });
    }
    let waits = tasks.join_all().await.concat();
    Load::new(begun.elapsed(), waits)
}

impl Load {
    fn new(took: Duration, mut waits: Vec<Duration>) -> Self {
        waits.sort_unstable();
        Self { took, waits }
    }

    pub(crate) fn count(&self) -> f64 {
        self.waits.len() as f64
    }

    /// Per second.
    pub(crate) fn rate(&self) -> f64 {
        self.count() / self.took.as_secs_f64()
    }

    /// The time in milliseconds within which this part of all had its answer.
    pub(crate) fn wait(&self, part: f64) -> f64 {
        quantile(&self.waits, part)
    }

    /// All as one.
    pub(crate) fn joined(loads: impl IntoIterator<Item = Self>) -> Self {
        let (mut took, mut waits) = (Duration::ZERO, Vec::new());
        for mut load in loads {
            took += load.took;
            waits.append(&mut load.waits);
        }
        Self::new(took, waits)
    }
}

/// Of sorted times, in milliseconds.
pub(crate) fn quantile(sorted: &[Duration], part: f64) -> f64 {
    let place = (sorted.len() as f64 * part) as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).map_or(f64::NAN, |time| millis(*time))
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<_> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
