//! The metrics of an inbox, with feature `metrics`. Without it, nothing is measured.
//!
//! They are described in `src/docs/inbox.md`, and a test compares the two.

#[cfg(feature = "metrics")]
mod on {
    use metrics::{
        Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
    };
    use tokio::time::Instant;

    use crate::{
        error::InboxError,
        inbox::{Enqueued, Finish, State, Stats},
    };

    /// Whether somebody may look at the number of deliveries, so that it is to be counted.
    pub(in crate::inbox) const ARE_ON: bool = true;

    const ACCEPTED: &str = "webhook_inbox_accepted_total";
    const DUPLICATES: &str = "webhook_inbox_duplicates_total";
    const REFUSED: &str = "webhook_inbox_refused_total";
    const ENQUEUE: &str = "webhook_inbox_enqueue_seconds";
    const COMMIT: &str = "webhook_inbox_commit_writes";
    const ATTEMPTS: &str = "webhook_inbox_attempts_total";
    const HANDLING: &str = "webhook_inbox_attempt_seconds";
    const DEAD: &str = "webhook_inbox_dead_total";
    const DELIVERIES: &str = "webhook_inbox_deliveries";
    const OLDEST: &str = "webhook_inbox_oldest_seconds";

    /// A time that is measured.
    pub(in crate::inbox) struct Watch(Instant);

    impl Watch {
        pub(in crate::inbox) fn start() -> Self {
            Self(Instant::now())
        }

        fn seconds(&self) -> f64 {
            self.0.elapsed().as_secs_f64()
        }
    }

    /// Tells the recorder what each of them is.
    pub(in crate::inbox) fn describe() {
        describe_counter!(ACCEPTED, Unit::Count, "Answers 200 to deliveries that are new");
        describe_counter!(DUPLICATES, Unit::Count, "Answers 200 to copies");
        describe_counter!(REFUSED, Unit::Count, "Deliveries that were answered 503");
        describe_histogram!(ENQUEUE, Unit::Seconds, "From the verified body to the answer");
        describe_histogram!(COMMIT, Unit::Count, "Writes that shared one transaction");
        describe_counter!(ATTEMPTS, Unit::Count, "Attempts to handle a delivery, by their end");
        describe_histogram!(HANDLING, Unit::Seconds, "The time of all handlers of one attempt");
        describe_counter!(DEAD, Unit::Count, "Deliveries that were given up");
        describe_gauge!(DELIVERIES, Unit::Count, "Deliveries in each state");
        describe_gauge!(OLDEST, Unit::Seconds, "The age of the oldest that waits or is handled");
    }

    pub(in crate::inbox) fn answered(
        sender: &str,
        answer: &Result<Enqueued, InboxError>,
        watch: &Watch,
    ) {
        let sender = sender.to_owned();
        histogram!(ENQUEUE, "sender" => sender.clone()).record(watch.seconds());
        match answer {
            Ok(Enqueued::New(_)) => counter!(ACCEPTED, "sender" => sender).increment(1),
            Ok(Enqueued::Duplicate { .. }) => {
                counter!(DUPLICATES, "sender" => sender).increment(1);
            }
            Err(error) => {
                counter!(REFUSED, "sender" => sender, "reason" => error.class()).increment(1);
            }
        }
    }

    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(in crate::inbox) fn committed(writes: usize) {
        #[expect(clippy::cast_precision_loss, reason = "there are few")]
        histogram!(COMMIT).record(writes as f64);
    }

    pub(in crate::inbox) fn handled(sender: &str, watch: &Watch) {
        histogram!(HANDLING, "sender" => sender.to_owned()).record(watch.seconds());
    }

    /// `None`: the lease was lost.
    pub(in crate::inbox) fn ended(sender: &str, finish: Option<&Finish>) {
        let end = match finish {
            None => "lost",
            Some(Finish::Done) => "done",
            Some(Finish::Retry { .. }) => "retry",
            Some(Finish::Release) => "released",
            Some(Finish::Dead { reason, .. }) => {
                counter!(DEAD, "sender" => sender.to_owned(), "reason" => reason.name())
                    .increment(1);
                "dead"
            }
        };
        counter!(ATTEMPTS, "sender" => sender.to_owned(), "end" => end).increment(1);
    }

    pub(in crate::inbox) fn counted(mut all: Vec<Stats>) {
        for stats in &mut all {
            let sender = stats.source.to_string();
            for state in State::ALL {
                #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
                gauge!(DELIVERIES, "sender" => sender.clone(), "state" => state.name())
                    .set(*stats.of(state) as f64);
            }
            let oldest = stats.oldest.unwrap_or_default();
            gauge!(OLDEST, "sender" => sender).set(oldest.as_secs_f64());
        }
    }
}

#[cfg(not(feature = "metrics"))]
mod off {
    use crate::{
        error::InboxError,
        inbox::{Enqueued, Finish, Stats},
    };

    pub(in crate::inbox) const ARE_ON: bool = false;

    pub(in crate::inbox) struct Watch;

    impl Watch {
        pub(in crate::inbox) fn start() -> Self {
            Self
        }
    }

    pub(in crate::inbox) fn describe() {}

    pub(in crate::inbox) fn answered(_: &str, _: &Result<Enqueued, InboxError>, _: &Watch) {}

    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(in crate::inbox) fn committed(_: usize) {}

    pub(in crate::inbox) fn handled(_: &str, _: &Watch) {}

    pub(in crate::inbox) fn ended(_: &str, _: Option<&Finish>) {}

    pub(in crate::inbox) fn counted(_: Vec<Stats>) {}
}

#[cfg(not(feature = "metrics"))]
pub(super) use off::*;
#[cfg(feature = "metrics")]
pub(super) use on::*;
