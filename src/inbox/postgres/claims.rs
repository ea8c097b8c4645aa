//! `Claims`: hands deliveries to workers.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio_postgres::Row;

use super::{
    link::Link,
    live::Live,
    rows::{count, record, seconds},
    statements,
    trouble::Trouble,
};
use crate::{
    error::InboxError,
    inbox::{Claim, Lease, Leased, Mark, record::without_nul},
};

/// How long a floor is used. Once in this time, a claim looks at everything: for a row that came late.
const FLOORS: Duration = Duration::from_secs(5);
/// About how many rows a claim locks to choose from, if it asks for fewer. With more senders than this leaves room for, one that
/// alone has deliveries does not get all places at once.
const MOST_LOCKED: usize = 512;

/// Hands deliveries to workers.
#[derive(Debug)]
pub(super) struct Claims {
    link: Link,
    floors: Mutex<Floors>,
}

/// For each sender the earliest due time that a claim has to look at.
#[derive(Debug)]
struct Floors {
    found: HashMap<String, SystemTime>,
    at: Instant,
}

impl Floors {
    fn of(&self, source: &str) -> SystemTime {
        self.found.get(source).copied().unwrap_or(UNIX_EPOCH)
    }
}

impl Claims {
    pub(super) fn new(link: Link) -> Self {
        let floors = Floors { found: HashMap::new(), at: Instant::now() };
        Self { link, floors: Mutex::new(floors) }
    }

    /// Claims deliveries, sorted by their numbers.
    pub(super) async fn claim(&self, claim: Claim) -> Result<Vec<Leased>, InboxError> {
        let sources: Vec<_> = claim.sources.iter().map(|source| without_nul(source)).collect();
        if sources.is_empty() || claim.most == 0 {
            return Ok(Vec::new());
        }
        let live = self.link.shared().await?;
        let is_whole = self.is_time_for_all();
        let floors: Vec<_> = match is_whole {
            true => vec![UNIX_EPOCH; sources.len()],
            false => sources.iter().map(|source| self.floors().of(source)).collect(),
        };
        // At least a fair share, so that no place stays empty if all have some.
        let share = claim.most.div_ceil(sources.len());
        let of_each = number(claim.most.min(share.max(MOST_LOCKED / sources.len())));
        let (lease, most) = (seconds(claim.lease), number(claim.most));
        let rows =
            live.query(statements::CLAIM, &[&sources, &of_each, &lease, &floors, &most]).await?;
        let mut claimed = rows.0.iter().map(leased).collect::<Result<Vec<_>, _>>()?;
        add_settled(&live, &mut claimed).await?;
        // Without floors, it is slower and no more. So an error does not cost what was claimed.
        if is_whole && let Ok(found) = live.query(statements::FLOORS, &[&sources]).await {
            self.floors().found.extend(found.pairs()?);
        }
        claimed.sort_unstable_by_key(|leased| leased.lease.seq);
        Ok(claimed)
    }

    /// Whether the floors are old. Then they count as found now.
    fn is_time_for_all(&self) -> bool {
        let mut floors = self.floors();
        let is_old = floors.at.elapsed() >= FLOORS;
        if is_old {
            floors.at = Instant::now();
        }
        is_old
    }

    pub(super) async fn begin(&self, lease: Lease) -> Result<bool, InboxError> {
        let live = self.link.shared().await?;
        let begun = live.query(statements::BEGIN, &[&lease.seq, &lease.token]).await?;
        Ok(!begun.0.is_empty())
    }

    /// Ready if the database takes a write.
    pub(super) async fn ping(&self) -> Result<(), InboxError> {
        self.link.shared().await?.query(statements::PING, &[]).await?;
        Ok(())
    }

    fn floors(&self) -> MutexGuard<'_, Floors> {
        self.floors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn number(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

fn leased(row: &Row) -> Result<Leased, Trouble> {
    let crashes: i16 = row.try_get("crashes")?;
    Ok(Leased {
        lease: Lease { seq: row.try_get("seq")?, token: row.try_get("token")? },
        attempt: count(row, "attempts")?,
        crashes: crashes.try_into().unwrap_or_default(),
        record: record(row)?,
        settled: Vec::new(),
    })
}

async fn add_settled(live: &Live, claimed: &mut [Leased]) -> Result<(), Trouble> {
    let numbers: Vec<_> = claimed.iter().map(|leased| leased.lease.seq).collect();
    if numbers.is_empty() {
        return Ok(());
    }
    for row in live.query(statements::SETTLED, &[&numbers]).await?.0 {
        let (seq, is_done) = (row.try_get::<_, i64>("seq")?, row.try_get("is_done")?);
        let mark = Mark { event: count(&row, "event")?, is_done };
        for leased in claimed.iter_mut().filter(|leased| leased.lease.seq == seq) {
            leased.settled.push(mark);
        }
    }
    Ok(())
}
