//! The durable inbox: what is stored, and what becomes of it.
//! The durable inbox through the public API.
//! The stores of the durable inbox, through the public API.
//! The stores of the inbox, each against its service.

// The helpers of tests are tests, too.
#![allow(clippy::unwrap_used)]

mod support;
mod worker;
mod accept;
mod conformance;
mod faulty;
mod threaded;
mod sqlite;
mod postgres;
