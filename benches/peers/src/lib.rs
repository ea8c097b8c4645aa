//! The crates one would pick instead, on the same work.

#[path = "../../common/mod.rs"]
pub mod common;
pub mod contenders;
pub mod measure;
pub mod picture;
pub mod push;
pub mod rounds;
pub mod table;
