//! What the operator is told of events: failures with their causes, what nobody takes, what is lost; in which span.

use std::{error::Error, fmt, future::Future, sync::Mutex, time::Duration};

use http::Request;
use tokio::runtime;
use tower::{Layer, ServiceExt};
use tower_webhook::{
    Body, Draft, EventRouter, RawEvent, Sender, VerifyLayer,
    providers::{
        learn365::{CourseCompleted, CourseEnrollment, Learn365},
        loops::{Loops, SessionStarted},
        synthesis_vr::SessionCreated,
    },
    scheme::Keys,
};

use super::{Ping, batch, body, outcomes, pings};
use crate::support::*;

/// What is traced on this thread, with the span it is in and its target.
struct Scribe {
    lines: Log,
    spans: Mutex<Vec<&'static tracing::Metadata<'static>>>,
    entered: Mutex<Vec<u64>>,
}

impl Scribe {
    fn here() -> (Log, tracing::subscriber::DefaultGuard) {
        two_at_all_times();
        let lines = Log::default();
        let scribe =
            Self { lines: lines.clone(), spans: Mutex::default(), entered: Mutex::default() };
        (lines, tracing::subscriber::set_default(scribe))
    }

    fn current(&self) -> Option<(u64, &'static tracing::Metadata<'static>)> {
        let span = *self.entered.lock().unwrap().last()?;
        Some((span, self.spans.lock().unwrap()[usize::try_from(span).unwrap() - 1]))
    }
}

impl tracing::Subscriber for Scribe {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("tower_webhook") || metadata.is_span()
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        let mut spans = self.spans.lock().unwrap();
        spans.push(span.metadata());
        tracing::span::Id::from_u64(spans.len() as u64)
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let span = self.current().map_or("", |(_, span)| span.name());
        let metadata = event.metadata();
        let mut line = format!("{span}|{} {}", metadata.level(), metadata.target());
        event.record(&mut |field: &tracing::field::Field, value: &dyn fmt::Debug| {
            line.push_str(&format!(" {field}={value:?}"));
        });
        self.lines.note(line);
    }

    fn current_span(&self) -> tracing_core::span::Current {
        match self.current() {
            Some((id, span)) => {
                tracing_core::span::Current::new(tracing::span::Id::from_u64(id), span)
            }
            None => tracing_core::span::Current::none(),
        }
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn enter(&self, span: &tracing::span::Id) {
        self.entered.lock().unwrap().push(span.into_u64());
    }

    fn exit(&self, _: &tracing::span::Id) {
        self.entered.lock().unwrap().pop();
    }
}

/// An error with causes.
#[derive(Debug)]
struct Caused(&'static str, Option<Box<Self>>);

impl fmt::Display for Caused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Caused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|cause| cause as _)
    }
}

fn disk_full() -> Caused {
    let full = Caused("disk full", None);
    Caused("could not save the course", Some(Box::new(Caused("write\nfailed", Some(full.into())))))
}

#[tokio::test]
async fn a_failure_is_told_with_its_causes_and_what_it_was() {
    let provider = Learn365::new(Keys::named("sofia", SECRET)).unwrap();
    let router = EventRouter::new()
        .on(async |_: CourseCompleted| {})
        .on(async |_: CourseEnrollment| Err::<(), _>(disk_full()));
    let events = [
        Draft::event(&CourseCompleted::default()).unwrap(),
        Draft::event(&CourseEnrollment::default()).unwrap(),
    ];
    let request = Sender::new(learn365()).id("d-1").batch(&events).unwrap();
    let (lines, _guard) = Scribe::here();
    let hook = VerifyLayer::new(provider).layer(router);
    assert_eq!(hook.oneshot(request).await.unwrap().status(), 500);
    let line = "|ERROR tower_webhook message=webhook event not handled provider=\"learn365\" \
        event_type=\"CourseEnrollment\" index=1 delivery_id=\"d-1\" key_id=\"sofia\" \
        reason=its handler failed: could not save the course: write\\nfailed: disk full";
    assert_eq!(lines.seen(), [line]);
}

/// Its own cause, with text that panics, goes on, or ends.
#[derive(Clone, Copy, Debug)]
enum Odd {
    Panics,
    Long,
    Endless,
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panics => panic!("on purpose"),
            Self::Long => (0..1 << 20).try_for_each(|_| f.write_str("long")),
            Self::Endless => f.write_str("again"),
        }
    }
}

impl Error for Odd {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self)
    }
}

#[tokio::test]
async fn an_error_without_end_is_told_in_one_line_of_bounded_length() {
    let table = [
        (Odd::Panics, "its handler failed: formatting its error panicked".to_owned()),
        (Odd::Long, format!("its handler failed: {}…", "long".repeat(512))),
        (Odd::Endless, format!("its handler failed: again{}", ": again".repeat(16))),
    ];
    for (error, expected) in table {
        let router = EventRouter::new().on(async move |_: SessionStarted| Err::<(), _>(error));
        let told = answer(VerifyLayer::new(loops()).layer(router), started(1)).await;
        let (_, reason) = told.traced[0].split_once(" reason=").unwrap();
        assert_eq!((told.traced.len(), reason), (1, &*expected), "{error:?}");
    }
}

fn started(events: usize) -> Request<Body> {
    let events = vec![Draft::event(&SessionStarted::default()).unwrap(); events];
    Sender::new(loops()).batch(&events).unwrap()
}

#[test]
fn what_nobody_takes_is_counted_and_told_once_a_type() {
    let router = EventRouter::<Loops>::new().on(async |_: Ping| {});
    let (lines, _guard) = Scribe::here();
    let text = body(&[("pong", "1"), ("ping", r#"{"n":1}"#), ("pong", "2")]);
    for _ in 0..2 {
        drop(outcomes(&router.clone(), text.replace(']', r#",{"type":2},7]"#)));
    }
    let line = |level: &str, why: &str, fields: &str| {
        let told = format!("|{level} tower_webhook message=webhook event ignored: ");
        format!(r#"{told}{why} provider="loops"{fields}"#)
    };
    let pong = |level, index: usize| {
        let fields = format!(r#" event_type="pong" index={index}"#);
        line(level, "no handler is registered for its type", &fields)
    };
    let none = |level, index: usize| line(level, "it has no type", &format!(" index={index}"));
    let again = [pong("DEBUG", 0), pong("DEBUG", 2), none("DEBUG", 3), none("DEBUG", 4)];
    let first = [pong("INFO", 0), pong("DEBUG", 2), none("INFO", 3), none("DEBUG", 4)];
    assert_eq!(lines.seen(), [first, again].concat());
    let clone = router.clone().fallback(async |_: RawEvent| {});
    assert_eq!(outcomes(&clone, text), ["handled"; 3]);
    assert_eq!((router.ignored(), clone.ignored()), (8, 8));
}

#[test]
fn a_sender_that_invents_types_is_told_of_at_debug() {
    let router = EventRouter::<Loops>::new();
    let (lines, _guard) = Scribe::here();
    let names: Vec<_> = (0..100).map(|n| format!("type {n}")).collect();
    let events: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
    drop(outcomes(&router, body(&events)));
    let debug = lines.seen().iter().filter(|line| line.contains("|DEBUG ")).count();
    assert_eq!((lines.seen().len(), debug, router.ignored()), (100, 68, 100));
}

#[tokio::test(start_paused = true)]
async fn what_outlives_its_request_is_told_in_its_span() {
    let (lines, _guard) = Scribe::here();
    let slow = async || {
        tracing::info!(target: "tower_webhook_test", "begins");
        tokio::time::sleep(Duration::from_secs(60)).await;
        tracing::info!(target: "tower_webhook_test", "ends");
        Err::<(), _>("no")
    };
    let hung_up = EventRouter::new().on(async move |_: SessionStarted| slow().await);
    let early = EventRouter::new().on(async move |_: SessionCreated| slow().await);
    let span = tracing::info_span!("request");
    let hook = VerifyLayer::new(loops()).layer(hung_up.clone());
    let mut request = Box::pin(hook.oneshot(started(1)));
    assert!(span.in_scope(|| polled(&mut request)).is_pending());
    drop(request);
    hung_up.drain().await;
    let hook = VerifyLayer::new(synthesis_vr()).layer(early.clone());
    let request = Sender::new(synthesis_vr()).raw("create", r#"{"uuid":"u"}"#).unwrap();
    let mut request = Box::pin(hook.oneshot(request));
    let answer = std::future::poll_fn(|cx| span.in_scope(|| request.as_mut().poll(cx))).await;
    assert_eq!(answer.unwrap().status(), 202);
    early.drain().await;
    let told: Vec<_> =
        lines.seen().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    let each = ["request|INFO", "request|INFO", "request|ERROR"];
    assert_eq!(told, [each, each].concat(), "{:#?}", lines.seen());
}

#[test]
fn what_the_end_of_the_runtime_cuts_short_is_told_in_its_span() {
    let (lines, _guard) = Scribe::here();
    let router = EventRouter::new().on(async |e: SessionStarted| {
        if e.name.is_none() {
            std::future::pending::<()>().await;
        }
    });
    let mut quick = SessionStarted::default();
    quick.name = Some("quick".into());
    let events = [&quick, &SessionStarted::default(), &quick].map(|e| Draft::event(e).unwrap());
    let hook = VerifyLayer::new(loops()).layer(router.clone());
    let runtime = runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let request = Sender::new(loops()).batch(&events).unwrap();
        let mut request = Box::pin(hook.oneshot(request));
        let span = tracing::info_span!("request");
        assert!(span.in_scope(|| polled(&mut request)).is_pending());
    });
    assert_eq!(lines.seen(), [""; 0]);
    drop(runtime);
    let line = "request|ERROR tower_webhook message=webhook events lost: their request was dropped, \
        and there is no tokio runtime to handle them provider=\"loops\" events=2";
    assert_eq!(lines.seen(), [line]);
}

#[tokio::test]
async fn a_batch_that_ends_is_not_told_as_lost() {
    let (lines, _guard) = Scribe::here();
    let router = EventRouter::new().on(async |_: SessionStarted| {});
    let hook = VerifyLayer::new(loops()).layer(router.clone());
    assert_eq!(hook.oneshot(started(3)).await.unwrap().status(), 200);
    drop(batch(&router, pings(2)));
    assert_eq!(lines.seen(), [""; 0]);
}

#[tokio::test]
async fn a_refusal_is_told_by_who_caused_it() {
    let hook = || VerifyLayer::new(learn365()).layer(EventRouter::new());
    let sender = Sender::new(learn365());
    let good = || sender.event(&CourseCompleted::default()).unwrap();
    let with = |name: &'static str, value: &'static str| {
        let mut request = good();
        request.headers_mut().insert(name, value.parse().unwrap());
        request
    };
    let forged = with("ms-signature", "sha256=00");
    let mut get = good();
    *get.method_mut() = http::Method::DELETE;
    let broken = sender.body("[").unwrap();
    let busy = VerifyLayer::new(learn365()).layer(EventRouter::new().max_batches(0));
    let small = VerifyLayer::new(learn365()).max_body_bytes(1).layer(EventRouter::new());
    let (feeder, cut) = fed();
    feeder.send(Err(std::io::Error::other("gone"))).unwrap();
    let cut = good().map(|_| http_body_util::Either::<Body, _>::Right(cut));
    let whole = |request: Request<Body>| request.map(http_body_util::Either::Left);
    let table = [
        ("DEBUG", 401, hook(), whole(forged)),
        ("DEBUG", 405, hook(), whole(get)),
        ("DEBUG", 413, small, whole(good())),
        ("DEBUG", 400, hook(), cut),
        ("WARN", 415, hook(), whole(with("content-type", "text/plain"))),
        ("WARN", 415, hook(), whole(with("content-encoding", "gzip"))),
        ("WARN", 400, hook(), whole(broken)),
        ("WARN", 503, busy, whole(good())),
    ];
    for (level, status, hook, request) in table {
        let (lines, _guard) = Scribe::here();
        assert_eq!(hook.oneshot(request).await.unwrap().status(), status);
        let line = format!(
            "|{level} tower_webhook message=webhook refused provider=\"learn365\" status={status} reason="
        );
        let told = lines.seen();
        assert!(told.len() == 1 && told[0].starts_with(&line), "{told:?}: {line}");
    }
}
