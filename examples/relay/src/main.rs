//! A relay: events go from the inbox to a NATS JetStream, for those who outgrow one machine.
//!
//! `cargo run --manifest-path examples/relay/Cargo.toml`, with a server at `NATS_URL` or at `nats://127.0.0.1:4222`
//! (`nats-server --jetstream`)
//!
//! The handler returns after the broker has acknowledged, and the key of the event is the id of the message. So an event that
//! is published twice, as after a crash between the two, is one message: JetStream drops the copy. Here every second event is
//! published twice.

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use async_nats::{
    HeaderMap,
    jetstream::{self, Context, stream},
};
use tokio::time::sleep;
use tower::{Layer, ServiceExt};
use tower_webhook::{
    BoxError, Delivery, Draft, EventRouter, RawEvent, Sender, State, VerifyLayer,
    inbox::{Inbox, SqliteStore, Worker},
    providers::learn365::{CourseCompleted, Learn365},
    router::EventKey,
};

const SECRET: &str = "invented, and as typed into the registration";
const DELIVERIES: usize = 20;
const EVENTS: usize = 3;

/// What the handler publishes to.
#[derive(Clone)]
struct Relay {
    jetstream: Context,
    stream: Arc<str>,
    copies: Arc<AtomicUsize>,
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let url = env::var("NATS_URL").unwrap_or_else(|_| "nats://127.0.0.1:4222".into());
    let jetstream = jetstream::new(async_nats::connect(url).await?);
    let name = format!("webhooks-{}", std::process::id());
    let mut stream = jetstream
        .create_stream(stream::Config {
            name: name.clone(),
            subjects: vec![format!("{name}.>")],
            // At least as long as an event can be tried again: with the defaults of the worker, about six hours.
            duplicate_window: Duration::from_secs(24 * 60 * 60),
            ..stream::Config::default()
        })
        .await?;
    let relay = Relay { jetstream, stream: name.clone().into(), copies: Arc::default() };

    let folder = env::temp_dir().join(format!("tower-webhook-relay-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let inbox = Inbox::new(SqliteStore::open(folder.join("webhooks.db"))?);
    let hook = VerifyLayer::new(Learn365::new(SECRET)?).layer(inbox.clone());
    for _ in 0..DELIVERIES {
        let drafts = vec![Draft::event(&CourseCompleted::default())?; EVENTS];
        let request = Sender::new(Learn365::new(SECRET)?).batch(&drafts)?;
        let answer = hook.clone().oneshot(request).await?;
        assert_eq!(answer.status(), 200);
    }

    let events = EventRouter::with_state(relay.clone()).fallback(publish);
    let worker = Worker::new(inbox.clone()).on(Learn365::new(SECRET)?, events);
    let pause = Duration::from_millis(10);
    worker.backoff(pause, pause).run(all_done(&inbox)).await;
    inbox.close().await?;

    let messages = usize::try_from(stream.info().await?.state.messages)?;
    let copies = relay.copies.load(Relaxed);
    relay.jetstream.delete_stream(&name).await?;
    std::fs::remove_dir_all(folder)?;
    println!("{DELIVERIES} deliveries with {EVENTS} events each were answered 200");
    println!("the stream has {messages} messages, and dropped {copies} copies");
    assert_eq!(messages, DELIVERIES * EVENTS, "each event is one message");
    assert!(copies > 0, "some were published twice");
    Ok(())
}

async fn publish(
    event: RawEvent,
    State(relay): State<Relay>,
    key: Option<EventKey>,
    delivery: Delivery,
) -> Result<(), BoxError> {
    let key = key.ok_or("a delivery without an id")?;
    let subject = format!("{}.{}", relay.stream, event.event_type().unwrap_or("untyped"));
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Msg-Id", key.to_string());
    let json = event.json().clone();
    let published = relay.jetstream.publish_with_headers(subject, headers, json).await?;
    // The first wait was for the connection, and this one is for the broker.
    let acknowledged = published.await?;
    relay.copies.fetch_add(usize::from(acknowledged.duplicate), Relaxed);
    match key.index() % 2 == 1 && delivery.attempt() == 1 {
        true => Err("as if the process had ended here".into()),
        false => Ok(()),
    }
}

/// Waits until nothing is left to do.
async fn all_done(inbox: &Inbox) {
    loop {
        let stats = inbox.store().stats().await;
        if stats.is_ok_and(|all| all.iter().all(|of| of.ready + of.leased == 0 && of.done > 0)) {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
}
