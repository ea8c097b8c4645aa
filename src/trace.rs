//! What the operator is told, where feature `tracing` is on. Never a secret, a signature, a body or a path.

#[cfg(feature = "tracing")]
mod on {
    use std::{
        collections::HashSet,
        sync::{Arc, Mutex, PoisonError},
        time::{Duration, Instant},
    };

    use tracing::Level;

    use crate::{Delivery, error::Rejection};

    macro_rules! event {
        ($level:expr, $($told:tt)+) => {
            match $level {
                Level::ERROR => tracing::error!(target: "tower_webhook", $($told)+),
                Level::WARN => tracing::warn!(target: "tower_webhook", $($told)+),
                Level::INFO => tracing::info!(target: "tower_webhook", $($told)+),
                _ => tracing::debug!(target: "tower_webhook", $($told)+),
            }
        };
    }

    /// By who causes it: strangers must not be able to fill a log.
    fn level(rejection: &Rejection) -> Level {
        match rejection {
            Rejection::MediaType | Rejection::ContentEncoding | Rejection::Undecodable(_) => {
                Level::WARN
            }
            // Genuine requests may be refused, and the limit is ours to raise.
            Rejection::Busy => Level::WARN,
            Rejection::EventsFailed(_) => Level::ERROR,
            _ => Level::DEBUG,
        }
    }

    pub(crate) fn warn(warning: &str) {
        event!(Level::WARN, "{warning}");
    }

    /// `quietly`, if it was said a moment ago.
    pub(crate) fn rejected(
        provider: &str,
        rejection: &Rejection,
        hint: Option<&str>,
        quietly: bool,
    ) {
        let status = rejection.status().as_u16();
        let level = if quietly { Level::DEBUG } else { level(rejection) };
        event!(level, provider, status, reason = %rejection, hint, "webhook refused");
    }

    /// For what a stranger can bring about: notes that it is said, and whether it was in the last minute.
    #[derive(Default)]
    pub(crate) struct Seldom(Mutex<Option<Instant>>);

    impl Seldom {
        const PAUSE: Duration = Duration::from_secs(60);

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
        delivery: &Delivery,
        (index, event_type): (usize, Option<&str>),
        reason: impl FnOnce() -> String,
    ) {
        event!(
            Level::ERROR,
            provider = delivery.provider(),
            event_type,
            index,
            delivery_id = delivery.id(),
            key_id = delivery.key_id(),
            reason = %reason(),
            "webhook event not handled"
        );
    }

    pub(crate) fn lost(delivery: &Delivery, events: usize) {
        event!(
            Level::ERROR,
            provider = delivery.provider(),
            events,
            delivery_id = delivery.id(),
            key_id = delivery.key_id(),
            "webhook events lost: their request was dropped, and no tokio runtime goes on with them"
        );
    }

    /// The types of which it has been told that no handler takes them. A sender chooses them, so there is a limit.
    #[derive(Default)]
    pub(crate) struct Ignored(Mutex<HashSet<Option<Arc<str>>>>);

    impl Ignored {
        const MAX: usize = 32;

        pub(crate) fn tell(
            &self,
            delivery: &Delivery,
            index: usize,
            event_type: Option<&Arc<str>>,
        ) {
            let level = if self.is_new(event_type) { Level::INFO } else { Level::DEBUG };
            let why = match event_type {
                Some(_) => "no handler takes its type",
                None => "it has no type",
            };
            event!(
                level,
                provider = delivery.provider(),
                event_type = event_type.map(|name| &**name),
                index,
                delivery_id = delivery.id(),
                key_id = delivery.key_id(),
                "webhook event ignored: {why}"
            );
        }

        fn is_new(&self, event_type: Option<&Arc<str>>) -> bool {
            let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            told.len() < Self::MAX && told.insert(event_type.cloned())
        }
    }

    /// The span that a request came in.
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

    use crate::{Delivery, error::Rejection};

    pub(crate) fn warn(_: &str) {}

    pub(crate) fn rejected(_: &str, _: &Rejection, _: Option<&str>, _: bool) {}

    #[derive(Default)]
    pub(crate) struct Seldom;

    impl Seldom {
        pub(crate) fn say(&self) -> bool {
            true
        }
    }

    pub(crate) fn event_failed(_: &Delivery, _: (usize, Option<&str>), _: impl FnOnce() -> String) {
    }

    pub(crate) fn lost(_: &Delivery, _: usize) {}

    #[derive(Default)]
    pub(crate) struct Ignored;

    impl Ignored {
        pub(crate) fn tell(&self, _: &Delivery, _: usize, _: Option<&Arc<str>>) {}
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
