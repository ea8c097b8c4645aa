//! A receiver in a process of its own, which a signal ends, and the journal it leaves.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::PathBuf,
    pin::Pin,
    process::{Child, ChildStdout, Command, Stdio},
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
    time::Instant,
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
const READY: &str = "listening on ";
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

/// The receiver as its parent sees it. Killed when dropped.
pub(super) struct Process {
    pub(super) address: SocketAddr,
    child: Child,
    /// Open, so that the child can write to it to its end.
    _output: BufReader<ChildStdout>,
}

impl Process {
    pub(super) fn start(journal: &Journal, protection: Protection) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "ledger::receiver_process", "--ignored", "--nocapture"])
            .env(JOURNAL, &journal.0)
            .env(PROTECTION, if protection == Protection::None { "none" } else { "hand-over" })
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "the receiver did not start");
            if let Some((_, address)) = line.split_once(READY) {
                break address.trim().parse().unwrap();
            }
        };
        Self { address, child, _output: output }
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn terminate(&self) {
        terminate(self.id());
    }

    /// Waits until it has ended of itself, without a failure.
    pub(super) async fn ended(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "the receiver does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        assert!(status.success(), "{status}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(super) fn terminate(pid: u32) {
    let status = Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap();
    assert!(status.success());
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
    println!("{READY}{}", listener.local_addr().unwrap());
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
