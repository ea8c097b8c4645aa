//! Trace events for the operator, with feature `tracing`. They never hold a secret, a signature, a body or a path.

use std::fmt::Display;

/// The fields that every trace event of one delivery has.
#[derive(Clone, Copy)]
#[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "read by trace events only"))]
pub(crate) struct Fields<'a> {
    pub(crate) provider: &'a str,
    pub(crate) delivery_id: Option<&'a str>,
    pub(crate) key_id: Option<&'a str>,
}

/// A refused request.
#[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "read by trace events only"))]
pub(crate) struct Refused<'a> {
    pub(crate) severity: Severity,
    pub(crate) status: u16,
    pub(crate) reason: &'a dyn Display,
    /// A property of the request that may explain the refusal.
    pub(crate) hint: Option<&'a str>,
}

/// The level of the trace event for a refusal.
pub(crate) enum Severity {
    /// Anybody on the network can cause it, so it must not fill a log.
    Debug,
    Warn,
    Error,
}

#[cfg(feature = "tracing")]
mod on {
    use std::{
        collections::HashSet,
        sync::{Arc, Mutex, PoisonError},
        time::{Duration, Instant},
    };

    use tracing::Level;

    use super::{Fields, Refused, Severity};

    macro_rules! event {
        ($level:expr, $($fields:tt)+) => {
            match $level {
                Level::ERROR => tracing::error!(target: "tower_webhook", $($fields)+),
                Level::WARN => tracing::warn!(target: "tower_webhook", $($fields)+),
                Level::INFO => tracing::info!(target: "tower_webhook", $($fields)+),
                _ => tracing::debug!(target: "tower_webhook", $($fields)+),
            }
        };
    }

    fn level(severity: &Severity) -> Level {
        match severity {
            Severity::Debug => Level::DEBUG,
            Severity::Warn => Level::WARN,
            Severity::Error => Level::ERROR,
        }
    }

    pub(crate) fn warn(warning: &str) {
        event!(Level::WARN, "{warning}");
    }

    pub(crate) fn rejected(provider: &str, refused: &Refused<'_>) {
        let Refused { severity, status, reason, hint } = refused;
        event!(level(severity), provider, status, %reason, hint, "webhook refused");
    }

    /// Limits a trace event that anybody on the network can cause to one per minute.
    #[derive(Default)]
    pub(crate) struct Seldom(Mutex<Option<Instant>>);

    impl Seldom {
        const PAUSE: Duration = Duration::from_secs(60);

        /// Whether the event was emitted in the last minute. If not, it counts as emitted now.
        pub(crate) fn say(&self) -> bool {
            let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let recent = last.is_some_and(|last| last.elapsed() < Self::PAUSE);
            if !recent {
                *last = Some(Instant::now());
            }
            recent
        }
    }

    pub(crate) fn event_failed(
        of: Fields<'_>,
        (index, event_type): (usize, Option<&str>),
        reason: impl FnOnce() -> String,
    ) {
        event!(
            Level::ERROR,
            provider = of.provider,
            event_type,
            index,
            delivery_id = of.delivery_id,
            key_id = of.key_id,
            reason = %reason(),
            "webhook event not handled"
        );
    }

    pub(crate) fn dead(provider: &str, delivery: i64, reason: &str, error: &str) {
        event!(Level::ERROR, provider, delivery, reason, error, "webhook delivery dead");
    }

    pub(crate) fn lost(of: Fields<'_>, events: usize) {
        event!(
            Level::ERROR,
            provider = of.provider,
            events,
            delivery_id = of.delivery_id,
            key_id = of.key_id,
            "webhook events lost: their request was dropped, and there is no tokio runtime to handle them"
        );
    }

    /// The event types without a handler that have been reported. A sender chooses them, so their number is limited.
    #[derive(Default)]
    pub(crate) struct Ignored(Mutex<HashSet<Option<Arc<str>>>>);

    impl Ignored {
        const MAX: usize = 32;

        pub(crate) fn tell(&self, of: Fields<'_>, index: usize, event_type: Option<&Arc<str>>) {
            let level = if self.is_new(event_type) { Level::INFO } else { Level::DEBUG };
            let why = match event_type {
                Some(_) => "no handler is registered for its type",
                None => "it has no type",
            };
            event!(
                level,
                provider = of.provider,
                event_type = event_type.map(|name| &**name),
                index,
                delivery_id = of.delivery_id,
                key_id = of.key_id,
                "webhook event ignored: {why}"
            );
        }

        fn is_new(&self, event_type: Option<&Arc<str>>) -> bool {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            known.len() < Self::MAX && known.insert(event_type.cloned())
        }
    }

    /// The span in which a request arrived.
    #[derive(Default)]
    pub(crate) struct Span(Option<tracing::Span>);

    impl Span {
        pub(crate) fn current() -> Self {
            Self(Some(tracing::Span::current()).filter(|span| !span.is_none()))
        }

        pub(crate) fn in_scope<T>(&self, run: impl FnOnce() -> T) -> T {
            match &self.0 {
                Some(span) => span.in_scope(run),
                None => run(),
            }
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use std::sync::Arc;

    use super::{Fields, Refused};

    pub(crate) fn warn(_: &str) {}

    pub(crate) fn rejected(_: &str, _: &Refused<'_>) {}

    #[derive(Default)]
    pub(crate) struct Seldom;

    impl Seldom {
        pub(crate) fn say(&self) -> bool {
            true
        }
    }

    pub(crate) fn event_failed(
        _: Fields<'_>,
        _: (usize, Option<&str>),
        _: impl FnOnce() -> String,
    ) {
    }

    pub(crate) fn dead(_: &str, _: i64, _: &str, _: &str) {}

    pub(crate) fn lost(_: Fields<'_>, _: usize) {}

    #[derive(Default)]
    pub(crate) struct Ignored;

    impl Ignored {
        pub(crate) fn tell(&self, _: Fields<'_>, _: usize, _: Option<&Arc<str>>) {}
    }

    #[derive(Default)]
    pub(crate) struct Span;

    impl Span {
        pub(crate) fn current() -> Self {
            Self
        }

        pub(crate) fn in_scope<T>(&self, run: impl FnOnce() -> T) -> T {
            run()
        }
    }
}

#[cfg(not(feature = "tracing"))]
pub(crate) use off::*;
#[cfg(feature = "tracing")]
pub(crate) use on::*;
