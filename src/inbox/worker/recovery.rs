//! The pause of a worker after its store has failed.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::time::{Sleep, sleep};

use super::{run::LOOK, troubles::Troubles};
use crate::inbox::{Store, StoreFuture};

/// After a failure of the store, a worker claims nothing until the store has answered, and all workers have had the time to
/// extend their leases. Otherwise it would take their deliveries for those of workers that crashed.
#[derive(Default)]
pub(super) struct Recovery {
    /// The failures that it has recovered from.
    seen: u64,
    step: Step,
}

#[derive(Default)]
enum Step {
    #[default]
    Well,
    Asking(StoreFuture<'static, ()>),
    /// Until the next question, or until the end.
    Waiting(Pin<Box<Sleep>>, bool),
}

impl Recovery {
    /// Ready if the store is well.
    pub(super) fn poll(
        &mut self,
        store: &dyn Store,
        troubles: &Troubles,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        loop {
            self.step = match &mut self.step {
                Step::Well if troubles.count() == self.seen => return Poll::Ready(()),
                Step::Well => Step::Asking(store.ping()),
                Step::Asking(answer) => {
                    let is_well = ready!(answer.as_mut().poll(cx)).is_ok();
                    let pause = if is_well { 2 * LOOK } else { LOOK };
                    Step::Waiting(Box::pin(sleep(pause)), is_well)
                }
                Step::Waiting(pause, is_well) => {
                    ready!(pause.as_mut().poll(cx));
                    if *is_well {
                        // If it has failed again meanwhile, then one claim is made between two recoveries: a single lease
                        // that cannot be ended must not stop all others.
                        self.seen = troubles.count();
                        self.step = Step::Well;
                        return Poll::Ready(());
                    }
                    Step::Asking(store.ping())
                }
            };
        }
    }
}
