//! How long it may take.

use std::{env, time::Duration};

/// How long it may take.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// To see that it works.
    pub(crate) once: bool,
    pub(crate) rounds: usize,
    /// How long everyone's turn is.
    pub(crate) turn: Duration,
    /// The deliveries to grow to.
    pub(crate) rows: u64,
    /// The deliveries of a turn that is counted and not timed.
    pub(crate) lot: u64,
    /// How long a snapshot is held.
    pub(crate) held: Duration,
}

const ONCE: Effort = Effort {
    once: true,
    rounds: 1,
    turn: Duration::from_millis(40),
    rows: 1_000,
    lot: 200,
    held: Duration::from_millis(300),
};

const FULL: Effort = Effort {
    once: false,
    rounds: 5,
    turn: Duration::from_millis(600),
    rows: 1_000_000,
    lot: 10_000,
    held: Duration::from_secs(60),
};

impl Effort {
    /// The effort and the parts that these arguments ask for.
    pub(crate) fn of<'a>(args: &[&'a str]) -> Option<(Self, Vec<&'a str>)> {
        let is_once = args.is_empty() || args.contains(&"--once");
        let mut effort = if is_once { ONCE } else { FULL };
        let (mut parts, mut args) = (Vec::new(), args.iter());
        while let Some(arg) = args.next() {
            match *arg {
                "--once" => {}
                "--rows" => effort.rows = args.next()?.parse().ok()?,
                part if super::ALL.contains(&part) => parts.push(part),
                _ => return None,
            }
        }
        if parts.is_empty() {
            parts = super::ALL.to_vec();
        }
        Some((effort, parts))
    }
}

/// The name of the disk that is measured: what `INBOX_BENCH_DISK` says, since a shim may make it slower.
pub(crate) fn disk() -> String {
    env::var("INBOX_BENCH_DISK").unwrap_or_else(|_| "disk".to_owned())
}
