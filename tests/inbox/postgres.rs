//! `PostgresStore` against a server: a database for each test.

mod commits;
mod faults;
mod leases;
mod operators;
mod orders;
mod processes;
pub(crate) mod server;
mod storing;
mod upkeep;
