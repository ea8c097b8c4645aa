//! Behaviour through the public API: a module for each theme.

mod conformance;
mod support;
