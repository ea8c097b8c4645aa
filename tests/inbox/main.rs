//! The durable inbox: what is stored, and what becomes of it.

// The helpers of tests are tests, too.
#![allow(clippy::unwrap_used)]

mod accept;
mod conformance;
mod crash;
#[cfg(target_os = "linux")]
mod disk;
mod export;
mod faulty;
#[allow(dead_code, reason = "shared with the other tests, which need more of it")]
#[path = "../it/support.rs"]
mod it_support;
mod killed;
mod metrics;
mod postgres;
mod sqlite;
mod support;
mod threaded;
mod worker;
