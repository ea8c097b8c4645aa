//! A hyper server on a port of this machine, and clients of it.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, Version, header};
use http_body::{Body, Frame, SizeHint};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tower::{Service, ServiceExt};
use tower_webhook::{BoxError, Rejection};

use crate::{
    over_http2,
    raw::Raw,
    support::{TOKEN, post},
};

/// Longer than a machine under load takes for any single step.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for something that another task is about to bring about.
pub(crate) async fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// What can be served: a hook whose answers have a body of type `R`.
pub(crate) trait Hook<R>:
    Service<Request<Incoming>, Response = Response<R>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static
{
}

impl<S, R> Hook<R> for S where
    S: Service<Request<Incoming>, Response = Response<R>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static
{
}

/// The body of a request, or of an answer.
pub(crate) trait Content:
    Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static
{
}

impl<B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static> Content for B {}

/// Serves until the test ends.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Seen>,
}

/// What the tests ask for, of all that a server sees.
#[derive(Default)]
struct Seen {
    refused: Mutex<Option<Rejection>>,
    opened: AtomicUsize,
    ended: AtomicUsize,
    requests: AtomicUsize,
}

/// Counts a connection whose task is over, even if it panicked.
struct Ended(Arc<Seen>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

impl Server {
    /// As a careful receiver is served: with `half_close`, or hyper drops a request unseen whose sender hangs up right
    /// behind its last byte.
    pub(crate) async fn start<R: Content>(hook: impl Hook<R>) -> Self {
        Self::with_patience(hook, PATIENCE).await
    }

    /// With `head` as the time that each head may take.
    pub(crate) async fn with_patience<R: Content>(hook: impl Hook<R>, head: Duration) -> Self {
        Self::with(hook, builder(head, true)).await
    }

    /// As hyper does unless told otherwise: it drops what is under way as soon as the sender closes its side.
    pub(crate) async fn without_half_close<R: Content>(hook: impl Hook<R>) -> Self {
        Self::with(hook, builder(PATIENCE, false)).await
    }

    async fn with<R: Content>(hook: impl Hook<R>, builder: Builder<TokioExecutor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Self { address, seen: Arc::default() };
        let (seen, ended) = (server.seen.clone(), server.seen.clone());
        let hook = hook.map_future(move |answered| proper(answered, seen.clone()));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let service = TowerToHyperService::new(hook.clone());
                let connection = builder.serve_connection(TokioIo::new(stream), service);
                let connection = connection.into_owned();
                let ended = Ended(ended.clone());
                tokio::spawn(async move {
                    // What goes wrong with a connection, its test sees at the other end.
                    drop(connection.await);
                    drop(ended);
                });
            }
        });
        server
    }

    /// How many requests have come as far as the hook.
    pub(crate) fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::SeqCst)
    }

    /// Waits until the server is done with all connections that there were.
    pub(crate) async fn is_left_alone(&self) {
        let count = |of: &AtomicUsize| of.load(Ordering::SeqCst);
        let done = || count(&self.seen.ended) == count(&self.seen.opened);
        until("the server ends its connections", done).await;
    }

    /// A good request of Loops, over either version of HTTP, is answered as if nothing had happened.
    pub(crate) async fn is_well(&self, after: &str) {
        for request in [post(TOKEN, "[]"), over_http2(post(TOKEN, "[]"))] {
            assert_eq!(self.send(request).await.unwrap().status(), 200, "after {after}");
        }
    }

    /// Sends `request` over a connection of its own, in the version of HTTP that it says.
    ///
    /// The reason of a refusal is in the extensions of the answer, where the hook put it.
    pub(crate) async fn send(
        &self,
        request: Request<impl Content>,
    ) -> hyper::Result<Response<Incoming>> {
        // What others were told is not this one's reason.
        self.seen.refused.lock().unwrap().take();
        let told = timeout(PATIENCE, self.exchange(request)).await;
        let mut response = told.expect("an answer in time")?;
        if let Some(refused) = self.seen.refused.lock().unwrap().take() {
            response.extensions_mut().insert(refused);
        }
        Ok(response)
    }

    async fn exchange(
        &self,
        mut request: Request<impl Content>,
    ) -> hyper::Result<Response<Incoming>> {
        let io = TokioIo::new(self.stream().await);
        let authority = self.address.to_string();
        if request.version() == Version::HTTP_2 {
            let mut uri = request.uri().clone().into_parts();
            uri.scheme = Some(http::uri::Scheme::HTTP);
            uri.authority = Some(authority.parse().unwrap());
            *request.uri_mut() = Uri::from_parts(uri).unwrap();
            let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
            tokio::spawn(connection);
            return sender.send_request(request).await;
        }
        let host = HeaderValue::try_from(authority).unwrap();
        request.headers_mut().entry(header::HOST).or_insert(host);
        let (mut sender, connection) = http1::handshake(io).await?;
        tokio::spawn(connection);
        sender.send_request(request).await
    }

    /// A connection without a client: bytes go as they are given.
    pub(crate) async fn connect(&self) -> Raw {
        Raw::new(self.stream().await)
    }

    async fn stream(&self) -> TcpStream {
        self.seen.opened.fetch_add(1, Ordering::SeqCst);
        TcpStream::connect(self.address).await.unwrap()
    }

    /// What the server says to `bytes`, up to the end of the connection, which only the server ends.
    pub(crate) async fn say(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut raw = self.connect().await;
        raw.send(bytes).await;
        raw.rest().await
    }
}

fn builder(head: Duration, half_close: bool) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head).half_close(half_close);
    builder.http2().timer(TokioTimer::new());
    builder
}

/// D17 and D18, for whatever a hook answers: no redirect, and of a refusal its status and its title. A panic here ends
/// the connection.
async fn proper<F, R>(
    answered: F,
    seen: Arc<Seen>,
) -> Result<Response<impl Body<Data = Bytes, Error = R::Error> + Send>, Infallible>
where
    F: Future<Output = Result<Response<R>, Infallible>>,
    R: Content,
{
    seen.requests.fetch_add(1, Ordering::SeqCst);
    let (head, body) = answered.await?.into_parts();
    assert!(!head.status.is_redirection(), "D17: {}", head.status);
    let title = (!head.status.is_success()).then(|| {
        assert_eq!(head.headers["content-type"], "application/problem+json", "D18");
        let title = head.status.canonical_reason().unwrap();
        format!(r#"{{"title":"{title}","status":{}}}"#, head.status.as_str())
    });
    *seen.refused.lock().unwrap() = head.extensions.get().cloned();
    Ok(Response::from_parts(head, Proper { body, title }))
}

/// A body that is nothing but the title, if there is one, in one frame.
struct Proper<R> {
    body: R,
    title: Option<String>,
}

impl<R: Content> Body for Proper<R> {
    type Data = Bytes;
    type Error = R::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, R::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let (Some(title), Some(Ok(frame))) = (&self.title, &frame) {
            assert_eq!(frame.data_ref().unwrap(), title, "D18");
            assert!(self.body.is_end_stream(), "D18");
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
