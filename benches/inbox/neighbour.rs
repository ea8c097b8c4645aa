//! Whether many deliveries of one sender hold up few of another.

use std::{sync::Arc, time::Instant};

use tower_webhook::inbox::{Inbox, Store};

use crate::{
    deliveries::of_another,
    load::{Until, median, millis, send},
    worker::Counting,
};

const FEW: u64 = 10;

/// The time in milliseconds from the first of ten deliveries to the end of the last handler, while a worker has handlers for
/// both senders.
pub(crate) async fn few_of_another(store: &Arc<dyn Store>, rounds: usize) -> f64 {
    let inbox = Inbox::shared(store.clone());
    let worker = Counting::start(&inbox, None);
    let (one, mut handled) = (of_another(&inbox), worker.of_another.subscribe());
    let (mut times, mut wanted) = (Vec::new(), 0);
    for _ in 0..rounds {
        wanted += FEW;
        let begun = Instant::now();
        send(FEW as usize, Until::Sent(FEW), &one).await;
        handled.wait_for(|handled| *handled >= wanted).await.expect("the worker runs");
        times.push(millis(begun.elapsed()));
    }
    worker.end().await;
    median(times)
}
