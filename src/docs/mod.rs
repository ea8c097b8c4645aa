//! The guide and further pages of documentation. This module holds no code.

#[doc = include_str!("guide.md")]
pub mod guide {}

#[cfg(all(feature = "client-tls", feature = "emulator"))]
#[doc = include_str!("learn365.md")]
pub mod learn365 {}

#[doc = include_str!("senders.md")]
pub mod senders {}

#[doc = include_str!("coming_from.md")]
pub mod coming_from {}

#[doc = include_str!("own_sender.md")]
pub mod own_sender {}

#[doc = include_str!("inbox.md")]
pub mod inbox {}

#[doc = include_str!("deployment.md")]
pub mod deployment {}

#[doc = include_str!("security.md")]
pub mod security {}

#[doc = include_str!("verdicts.md")]
pub mod verdicts {}

#[doc = include_str!("performance.md")]
pub mod performance {}

#[doc = include_str!("changelog.md")]
pub mod changelog {}
