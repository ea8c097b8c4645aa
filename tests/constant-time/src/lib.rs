//! What the two checks of this crate share: the comparisons, their leaky controls, and how each is observed.

pub mod controls;
pub mod reports;
pub mod request;
pub mod statistics;
pub mod subjects;
pub mod ticks;
pub mod valgrind;
