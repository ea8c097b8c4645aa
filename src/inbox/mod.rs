//! The durable inbox: a 200 means that the delivery is on disk, and handlers run later.

mod accept;
mod conformance;
mod header_block;
mod key;
mod lease;
pub mod limits;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod record;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod time;
mod worker;

#[cfg(feature = "sqlite")]
pub use self::sqlite::{SqliteOptions, SqliteStore};
#[cfg(feature = "postgres")]
pub use self::postgres::{PostgresOptions, PostgresStore};
pub use self::{
    accept::{Inbox, ResponseFuture},
    conformance::{Harness, StoreCase, StoreReport, conformance},
    lease::{Claim, Finish, Lease, Leased, Mark},
    memory::MemoryStore,
    record::{DeadReason, Hash, NewDelivery, Record, State, Stored},
    store::{Enqueued, Filter, Pressure, Purged, Replay, Retention, Stats, Store, StoreFuture},
    worker::{Ack, Worker},
};
