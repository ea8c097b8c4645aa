//! A receiver in a process of its own, which a signal ends, and the journal it leaves.

use std::{
    env, fs,
    io::Write,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    extract::Request,
};
use http_body::Frame;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tower::{Layer, ServiceBuilder};
use tower_webhook::{
    EventRouter, RawEvent, State, VerifyLayer,
    providers::{
        learn365::{CourseCompleted, Learn365},
        loops::{Loops, SessionStarted},
    },
};

use super::unprotected;
use crate::support::*;

const JOURNAL: &str = "TOWER_WEBHOOK_TEST_JOURNAL";
const PROTECTION: &str = "TOWER_WEBHOOK_TEST_PROTECTION";
/// The header that tells the tap which delivery it sees.
pub(super) const ID: &str = "x-delivery";

/// Lines in a file, from several processes.
pub(super) struct Journal(PathBuf);

impl Journal {
    pub(super) fn new(name: &str) -> Self {
        let file = format!("{name}-{}.journal", std::process::id());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(file);
        fs::write(&path, "").unwrap();
        Self(path)
    }

    pub(super) fn lines(&self) -> Vec<String> {
        fs::read_to_string(&self.0).unwrap().lines().map(str::to_owned).collect()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Protection {
    HandOver,
    None,
}

/// The receiver as its parent sees it.
pub(super) fn start(journal: &Journal, protection: Protection) -> Process {
    let protection = if protection == Protection::None { "none" } else { "hand-over" };
    let journal = journal.0.to_str().unwrap();
    let environment = [(JOURNAL, journal), (PROTECTION, protection)];
    Process::start("ledger::receiver_process", &environment)
}

/// Appends to the journal.
#[derive(Clone)]
struct Pen(Arc<fs::File>);

impl Pen {
    fn note(&self, line: &str) {
        (&*self.0).write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

/// The child's side: serves until the signal comes, then shuts down in order.
pub(super) async fn run() {
    let Some(journal) = env::var_os(JOURNAL) else { return };
    let pen = Pen(fs::File::options().append(true).open(journal).unwrap().into());
    let loops_events = EventRouter::with_state(pen.clone()).on(started);
    let learn365_events = EventRouter::with_state(pen.clone()).on(completed);
    let hooks = match env::var(PROTECTION).as_deref() {
        Ok("none") => unprotected_hooks(loops_events.clone(), learn365_events.clone()),
        _ => hooks(loops_events.clone(), learn365_events.clone()),
    };
    let tapped =
        ServiceBuilder::new().map_request(move |request| tap(request, &pen)).service(hooks);

    let mut stop = signal(SignalKind::terminate()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Process::ready(&listener);
    let app = Router::new().fallback_service(tapped);
    let stopped = async move { assert!(stop.recv().await.is_some()) };
    axum::serve(listener, app).with_graceful_shutdown(stopped).await.unwrap();
    loops_events.drain().await;
    learn365_events.drain().await;
}

fn hooks(
    loops_events: EventRouter<Loops, Pen>,
    learn365_events: EventRouter<Learn365, Pen>,
) -> Router {
    Router::new()
        .route_service("/loops/{token}", VerifyLayer::new(loops()).layer(loops_events))
        .route_service("/learn365", VerifyLayer::new(learn365()).layer(learn365_events))
}

fn unprotected_hooks(
    loops_events: EventRouter<Loops, Pen>,
    learn365_events: EventRouter<Learn365, Pen>,
) -> Router {
    Router::new()
        .route("/loops/{token}", unprotected::hook(loops(), loops_events))
        .route("/learn365", unprotected::hook(learn365(), learn365_events))
}

async fn started(e: SessionStarted, State(pen): State<Pen>, raw: RawEvent) {
    handle(&pen, &e.uuid.unwrap(), &raw).await;
}

async fn completed(e: CourseCompleted, State(pen): State<Pen>, raw: RawEvent) {
    handle(&pen, &e.course.unwrap().id.unwrap(), &raw).await;
}

/// Takes a few milliseconds, so that hang-ups meet handlers at work.
async fn handle(pen: &Pen, event: &str, raw: &RawEvent) {
    let milliseconds = 2 + raw.json().iter().map(|byte| u64::from(*byte)).sum::<u64>() % 8;
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    pen.note(&format!("handled {event}"));
}

fn tap(request: Request, pen: &Pen) -> Request {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let id = header(ID).unwrap_or_default().to_owned();
    let missing = header("content-length").and_then(|length| length.parse().ok()).unwrap();
    request.map(|body| Body::new(Tap { body, missing, id, pen: pen.clone() }))
}

/// A body that notes when the last of it has been read.
struct Tap {
    body: Body,
    missing: usize,
    id: String,
    pen: Pen,
}

impl HttpBody for Tap {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            self.missing -= frame.data_ref().map_or(0, Bytes::len);
            if self.missing == 0 {
                self.pen.note(&format!("received {}", self.id));
            }
        }
        Poll::Ready(frame)
    }
}
