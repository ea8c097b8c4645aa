//! Behaviour through the public API: a module for each theme.

// The helpers of tests are tests, too.
#![allow(clippy::unwrap_used)]

mod captures;
mod conformance;
mod decode;
mod diagnostics;
mod emulator;
mod examples;
mod ledger;
mod limits;
mod list;
mod mounts;
mod optional;
mod origin;
mod providers;
mod registration;
mod router;
mod secrecy;
mod sender;
mod senders;
mod status;
mod structure;
mod support;
mod vectors;
