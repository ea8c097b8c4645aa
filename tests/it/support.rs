//! What all themes need: keys, providers, a log of what handlers saw.

use std::{
    env,
    error::Error,
    future::IntoFuture,
    io::{BufRead, BufReader},
    net::SocketAddr,
    pin::Pin,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::BodyExt;
use tokio::{net::TcpListener, sync::mpsc};
use tower_webhook::{
    Body, Rejection,
    providers::learn365::emulator::Emulator,
    providers::{
        learn365::{Learn365, RegistrationClient},
        loops::Loops,
        standard_webhooks::StandardWebhooks,
        synthesis_vr::SynthesisVr,
        teachstack::Teachstack,
    },
    router::{Batch, BatchOutcome},
    scheme::{Timestamp, Token, VerifyError},
};

pub(crate) const TOKEN: &str = "0123456789abcdef0123456789ABC-_f";
pub(crate) const OTHER_TOKEN: &str = "another-token-of-32-characters-0";
pub(crate) const SECRET: &str = "learn365's own secret, 40 characters long";
pub(crate) const OTHER_SECRET: &str = "not learn365's secret, 40 characters long";
pub(crate) const WHSEC: &str = "whsec_b3VyIG93biBzZWNyZXQsIG5vYm9keSBlbHNlJ3M=";
pub(crate) const OTHER_WHSEC: &str = "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCwgbm90IG91cnM=";

/// What is answered to a timestamp so many seconds ago.
pub(crate) fn too_old(skew: u64) -> VerifyError {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(skew);
    Timestamp::seconds("0").unwrap().within(Duration::ZERO, now).unwrap_err()
}

/// What is answered to a timestamp so many seconds ahead.
pub(crate) fn in_future(skew: u64) -> VerifyError {
    let time = Timestamp::seconds(&skew.to_string()).unwrap();
    time.within(Duration::ZERO, SystemTime::UNIX_EPOCH).unwrap_err()
}

pub(crate) fn path_token() -> Token {
    Token::path(TOKEN).unwrap()
}

pub(crate) fn loops() -> Loops {
    Loops::new(path_token())
}

pub(crate) fn synthesis_vr() -> SynthesisVr {
    SynthesisVr::new(path_token())
}

pub(crate) fn teachstack() -> Teachstack {
    Teachstack::new(path_token())
}

pub(crate) fn learn365() -> Learn365 {
    Learn365::new(SECRET).unwrap()
}

pub(crate) fn standard_webhooks() -> StandardWebhooks {
    StandardWebhooks::new(WHSEC).unwrap()
}

/// Serves `app` on a port of this machine until the test ends.
pub(crate) async fn serve(app: axum::Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    address
}

pub(crate) fn url(address: SocketAddr, path: &str) -> Uri {
    format!("http://{address}{path}").parse().unwrap()
}

/// What arrived at an [`endpoint`], in order.
#[derive(Clone, Default)]
pub(crate) struct Arrived(Arc<Mutex<Vec<Request<Bytes>>>>);

impl Arrived {
    pub(crate) fn all(&self) -> Vec<Request<Bytes>> {
        self.0.lock().unwrap().clone()
    }
}

/// Has `answer` told of each request, and of how many came before it, and answers so.
pub(crate) async fn endpoint<A, R>(answer: A) -> (SocketAddr, Arrived)
where
    A: Fn(&Request<Bytes>, usize) -> R + Clone + Send + Sync + 'static,
    R: axum::response::IntoResponse + Send,
{
    let arrived = Arrived::default();
    let seen = arrived.clone();
    let app = axum::Router::new().fallback(async move |request: axum::extract::Request| {
        let (head, body) = request.into_parts();
        let request = Request::from_parts(head, body.collect().await.unwrap().to_bytes());
        let mut seen = seen.0.lock().unwrap();
        let answer = answer(&request, seen.len()).into_response();
        seen.push(request);
        answer
    });
    (serve(app).await, arrived)
}

/// A client of `emulator`, which is served, with `key` as its API key.
pub(crate) async fn client_of(emulator: &Emulator, key: &str) -> RegistrationClient {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(emulator.clone().serve(listener));
    RegistrationClient::new(&base, key).unwrap()
}

/// The last in the chain of causes.
pub(crate) fn root_cause<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    error.source().map_or(error, root_cause)
}

/// An error and its causes, in one line.
pub(crate) fn in_full(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// What handlers saw, in order. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// A POST to the place where a path token stands.
pub(crate) fn post(token: &str, body: impl Into<Bytes>) -> Request<Body> {
    Request::post(format!("/hook/{token}")).body(Body::from(body.into())).unwrap()
}

/// One poll, without a runtime.
pub(crate) fn polled<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// What becomes of a batch whose handlers never wait.
#[track_caller]
pub(crate) fn outcome<S>(batch: &mut Batch<S>) -> BatchOutcome {
    polled_to_its_end(batch).1
}

/// How often a future that never waits, but lets others have their turn, is polled, and its output.
#[track_caller]
pub(crate) fn polled_to_its_end<F: Future + Unpin>(future: &mut F) -> (usize, F::Output) {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    for polls in 1.. {
        if let Poll::Ready(output) = Pin::new(&mut *future).poll(&mut Context::from_waker(&waker)) {
            return (polls, output);
        }
        assert!(woken.0.swap(false, Ordering::Relaxed), "a handler waits");
    }
    unreachable!("no future is polled that often")
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What became of each event.
pub(crate) fn in_words(outcome: &BatchOutcome) -> Vec<String> {
    outcome.outcomes.iter().map(ToString::to_string).collect()
}

/// The whole of an answer's body.
pub(crate) async fn text<B>(response: Response<B>) -> String
where
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.into()).unwrap()
}

/// An answer, and what was traced on the way to it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: http::response::Parts,
    pub(crate) body: String,
    pub(crate) traced: Vec<String>,
}

/// Has `hook` answer one request.
pub(crate) async fn answer<S, B, R>(hook: S, request: Request<B>) -> Answer
where
    S: tower::Service<Request<B>, Response = Response<R>, Error: std::fmt::Debug>,
    R: http_body::Body<Error: std::fmt::Debug>,
{
    let traces = Traces::here();
    let response = tower::ServiceExt::oneshot(hook, request).await.unwrap();
    let traced = traces.seen();
    let (head, body) = response.into_parts();
    let body = text(Response::new(body)).await;
    Answer { head, body, traced }
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    pub(crate) fn rejection(&self) -> Option<&Rejection> {
        self.head.extensions.get()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// All that a refusal is made of: the status, the reason for the operator, and nothing for the stranger.
    #[track_caller]
    pub(crate) fn is_refused(&self, status: u16, reason: &Rejection) {
        assert_eq!(self.rejection(), Some(reason));
        assert_eq!(self.status(), status);
        let title = self.head.status.canonical_reason().unwrap();
        assert_eq!(self.body, format!(r#"{{"title":"{title}","status":{status}}}"#));
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.traced.len(), 1, "{:?}", self.traced);
    }
}

/// What is traced on this thread, while it lives: a line for each event, spans aside.
pub(crate) struct Traces {
    lines: Log,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Traces {
    pub(crate) fn here() -> Self {
        two_at_all_times();
        let lines = Log::default();
        let _guard = tracing::subscriber::set_default(Lines(lines.clone()));
        Self { lines, _guard }
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.lines.seen()
    }
}

/// As long as there is one subscriber only, `tracing` asks the one of the thread that comes by an event first, whether anybody wants
/// that event, and keeps the answer. On another test's thread there is none.
pub(crate) fn two_at_all_times() {
    static KEPT: LazyLock<tracing::Dispatch> =
        LazyLock::new(|| tracing::Dispatch::new(Lines(Log::default())));
    LazyLock::force(&KEPT);
}

struct Lines(Log);

impl tracing::Subscriber for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        // That one has a word for every frame.
        !metadata.target().starts_with("h2")
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = event.metadata().level().to_string();
        event.record(&mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
            line.push_str(&format!(" {field}={value:?}"));
        });
        self.0.note(line);
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// A body of which nothing ever comes: whoever waits for it gets no further.
pub(crate) struct Pending(pub(crate) http_body::SizeHint);

impl http_body::Body for Pending {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
        Poll::Pending
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.0
    }
}

/// A body that arrives as its feeder sends it, and ends when the feeder is dropped.
pub(crate) struct Fed(mpsc::UnboundedReceiver<std::io::Result<Bytes>>);

/// A body, and its feeder.
pub(crate) fn fed() -> (mpsc::UnboundedSender<std::io::Result<Bytes>>, Fed) {
    let (feeder, fed) = mpsc::unbounded_channel();
    (feeder, Fed(fed))
}

impl http_body::Body for Fed {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
        let frame = |data: std::io::Result<Bytes>| data.map(http_body::Frame::data);
        self.0.poll_recv(cx).map(|next| next.map(frame))
    }
}

/// The test program once more, as a receiver in a process of its own. Killed when dropped.
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    child: Child,
    /// Open, so that the child can write to it to its end.
    _output: BufReader<ChildStdout>,
}

impl Process {
    /// Runs `test`, which is ignored otherwise, until it is [`Process::ready`].
    pub(crate) fn start(test: &str, environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", test, "--ignored", "--nocapture"])
            .envs(environment.iter().copied())
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

    /// Tells the parent where the child listens.
    pub(crate) fn ready(listener: &TcpListener) {
        println!("{READY}{}", listener.local_addr().unwrap());
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn terminate(&self) {
        terminate(self.id());
    }

    /// Waits until it has ended of itself, without a failure.
    pub(crate) async fn ended(&mut self) {
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

pub(crate) fn terminate(pid: u32) {
    let status = Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

const READY: &str = "listening on ";

/// An object that is nested so many levels deep.
pub(crate) fn nested(levels: usize) -> String {
    format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1))
}
