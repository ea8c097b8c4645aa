//! `Ends`: ends and extends leases. What has queued becomes one statement.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use super::{
    bell::Ring,
    gauge::Gauge,
    live::Live,
    lots::{Queued, Work},
    orders,
    rows::{Key, seconds},
    statements,
    trouble::Trouble,
};
use crate::{
    error::InboxError,
    inbox::{DeadReason, Finish, Lease, Mark, State, record::without_nul},
};

/// Ends and extends leases.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) ring: Ring,
    pub(super) gauge: Gauge,
}

/// What is to become of a lease.
#[derive(Debug)]
pub(super) struct End {
    lease: Lease,
    marks: Vec<Mark>,
    /// The state of the delivery from now on.
    state: State,
    /// When it is due, or the lease ends.
    after: Duration,
    reason: Option<DeadReason>,
    error: Option<Arc<str>>,
}

impl End {
    pub(super) fn extend(lease: Lease, by: Duration, marks: Vec<Mark>) -> Self {
        Self { lease, marks, state: State::Leased, after: by, reason: None, error: None }
    }

    pub(super) fn finish(lease: Lease, marks: Vec<Mark>, finish: Finish) -> Self {
        let (state, after, reason, error) = match finish {
            Finish::Done => (State::Done, Duration::ZERO, None, None),
            Finish::Retry { after, error } => (State::Ready, after, None, Some(error)),
            Finish::Dead { reason, error } => {
                (State::Dead, Duration::ZERO, Some(reason), Some(error))
            }
            // No error: the attempt does not count.
            Finish::Release => (State::Ready, Duration::ZERO, None, None),
        };
        Self { lease, marks, state, after, reason, error }
    }

    fn is_last(&self) -> bool {
        matches!(self.state, State::Done | State::Dead)
    }
}

impl Work for Ends {
    type Job = End;
    type Answer = bool;

    /// One statement changes a row once.
    fn fits(lot: &[Queued<Self>], next: &End) -> bool {
        lot.iter().all(|queued| queued.job.lease.seq != next.lease.seq)
    }

    async fn run(
        &self,
        live: &Live,
        jobs: &[&End],
    ) -> Result<Vec<Result<bool, InboxError>>, Trouble> {
        let mut jobs_by_seq = jobs.to_vec();
        // Two processes that end some of the same leases lock them in one order.
        jobs_by_seq.sort_unstable_by_key(|end| end.lease.seq);
        let (mut ended, ordered) = end(live, &jobs_by_seq, false).await?;
        let mut error = None;
        if !ordered.is_empty() {
            // From here on some are done, so an error is that of these alone.
            match self.end_in_order(live, &jobs_by_seq, &ordered).await {
                Ok(more) => ended.extend(more),
                Err(trouble) => error = Some(InboxError::from(trouble)),
            }
        }
        let is_done = |end: &&&End| end.is_last() && ended.contains(&end.lease.seq);
        self.gauge.ended(jobs.iter().filter(is_done).count());
        let answer = |end: &&End| match &error {
            Some(error) if ordered.contains_key(&end.lease.seq) => Err(error.clone()),
            _ => Ok(ended.contains(&end.lease.seq)),
        };
        Ok(jobs.iter().map(answer).collect())
    }
}

impl Ends {
    /// The same for deliveries with order keys: they release the next ones.
    async fn end_in_order(
        &self,
        live: &Live,
        jobs: &[&End],
        ordered: &HashMap<i64, Key>,
    ) -> Result<HashSet<i64>, Trouble> {
        let is_ordered = |end: &&&End| ordered.contains_key(&end.lease.seq);
        let jobs: Vec<_> = jobs.iter().filter(is_ordered).copied().collect();
        let keys: Vec<_> = ordered.values().copied().collect();
        live.begin().await?;
        let done = async {
            orders::lock(live, &keys).await?;
            let (ended, _) = end(live, &jobs, true).await?;
            orders::release(live, &keys).await?;
            Ok::<_, Trouble>(ended)
        };
        let ended = live.end(done.await).await?;
        self.ring.ring();
        Ok(ended)
    }
}

/// The leases that were held and are ended. If order keys are not locked, then also those that have one, which are not.
async fn end(
    live: &Live,
    jobs: &[&End],
    is_locked: bool,
) -> Result<(HashSet<i64>, HashMap<i64, Key>), Trouble> {
    let marks = jobs.iter().flat_map(|end| end.marks.iter().map(|mark| (end.lease.seq, mark)));
    let marks: Vec<_> = marks.collect();
    let error = |end: &End| end.error.as_ref().map(|error| without_nul(error).into_owned());
    let rows = live
        .query(
            statements::END,
            &[
                &column(jobs, |end| end.lease.seq),
                &column(jobs, |end| end.lease.token),
                &column(jobs, |end| end.state.number()),
                &column(jobs, |end| seconds(end.after)),
                &column(jobs, |end| end.reason.map(DeadReason::name)),
                &column(jobs, error),
                &marks.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(),
                &marks.iter().map(|(_, mark)| mark.event.cast_signed()).collect::<Vec<_>>(),
                &marks.iter().map(|(_, mark)| mark.is_done).collect::<Vec<_>>(),
                &is_locked,
            ],
        )
        .await?;
    let rows: Vec<(i64, Option<Key>)> = rows.pairs()?;
    let ended = rows.iter().filter(|(_, key)| key.is_none()).map(|(seq, _)| *seq).collect();
    Ok((ended, rows.into_iter().filter_map(|(seq, key)| Some((seq, key?))).collect()))
}

fn column<T>(jobs: &[&End], of: impl Fn(&End) -> T) -> Vec<T> {
    jobs.iter().map(|end| of(end)).collect()
}
