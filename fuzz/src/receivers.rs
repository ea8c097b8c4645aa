//! A receiver for each sender: the layer, the router, and handlers that only count.

use std::{
    borrow::Cow,
    collections::VecDeque,
    convert::Infallible,
    future::Future,
    pin::{Pin, pin},
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::SystemTime,
};

use bytes::Bytes;
use http::{Request, Response, request::Parts};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::runtime::Runtime;
use tower::{Layer, Service};
use tower_webhook::{
    Body as Inner, Emit, EventRouter, Outgoing, Provider, RawEvent, Verified, VerifyLayer,
    clock::ManualClock,
    decode,
    error::ConfigError,
    providers::{
        learn365::{self, Learn365},
        loops::{self, Loops},
        standard_webhooks::StandardWebhooks,
        synthesis_vr::{self, SynthesisVr},
        teachstack::{self, Teachstack},
    },
    scheme::Token,
};

/// What one of the receivers does.
pub trait Receive: Send + Sync {
    /// Adds the credential for this body.
    fn sign(&self, head: &mut Parts, body: &[u8]);

    /// The answer. `None`: the body stopped.
    fn answer(&self, request: Request<Frames>) -> Option<Response<Bytes>>;

    /// How many events are in this body.
    fn events(&self, body: &[u8]) -> Option<usize>;

    /// Who sends.
    fn name(&self) -> Cow<'static, str>;
}

/// How often a handler was called.
pub static HANDLED: AtomicUsize = AtomicUsize::new(0);

/// The longest body.
pub const MAX_BODY_BYTES: usize = 600;

/// All of them.
pub static RECEIVERS: LazyLock<Vec<Box<dyn Receive>>> =
    LazyLock::new(|| all().expect("the keys are usable"));

struct Receiver<P> {
    layer: VerifyLayer<P>,
    events: EventRouter<P>,
    provider: P,
}

impl<P: Emit + Clone> Receive for Receiver<P> {
    fn sign(&self, head: &mut Parts, body: &[u8]) {
        self.provider.sign(head, body, &Outgoing::new("id", NOW));
    }

    fn answer(&self, request: Request<Frames>) -> Option<Response<Bytes>> {
        answered(&self.layer, &self.events, request)
    }

    fn events(&self, body: &[u8]) -> Option<usize> {
        decode::events(&self.provider.envelope(), body).ok().map(|events| events.len())
    }

    fn name(&self) -> Cow<'static, str> {
        self.provider.name()
    }
}

/// What the layer around the router answers. `None`: the body stopped.
pub(crate) fn answered<P: Provider, S>(
    layer: &VerifyLayer<P>,
    inner: &S,
    request: Request<Frames>,
) -> Option<Response<Bytes>>
where
    S: Service<Request<Verified<P>>, Response = Response<Inner>, Error = Infallible> + Clone,
{
    let _runtime = RUNTIME.enter();
    let mut service = layer.layer(inner.clone());
    // The answer's body may last as long as the request's.
    let mut answer = pin!(async {
        let answer = service.call(request).await.unwrap_or_else(|never| match never {});
        let (head, body) = answer.into_parts();
        let body = body.collect().await.unwrap_or_else(|never| match never {});
        Response::from_parts(head, body.to_bytes())
    });
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..MAX_POLLS {
        if let Poll::Ready(answer) = answer.as_mut().poll(&mut cx) {
            return Some(answer);
        }
    }
    None
}

fn all() -> Result<Vec<Box<dyn Receive>>, ConfigError> {
    Ok(vec![
        receiver(Learn365::new(TOKEN)?, |router| {
            router.on(async |_: learn365::CourseCompleted| count())
        }),
        receiver(StandardWebhooks::new("whsec_YSBzZWNyZXQgb2YgMjQgYnl0ZXMgb3IgbW9yZQ==")?, |all| {
            all
        }),
        receiver(Loops::new(Token::path(TOKEN)?), |router| {
            router.on(async |_: loops::SessionStarted| count())
        }),
        receiver(SynthesisVr::new(Token::query("token", TOKEN)?), |router| {
            router.on(async |_: synthesis_vr::SessionCreated| count())
        }),
        receiver(Teachstack::new(Token::basic("hook", TOKEN)?), |router| {
            router.on(async |_: teachstack::PeerJoined| count())
        }),
    ])
}

fn receiver<P: Emit + Clone>(
    provider: P,
    handlers: impl FnOnce(EventRouter<P>) -> EventRouter<P>,
) -> Box<dyn Receive> {
    let layer = VerifyLayer::new(provider.clone());
    let layer = layer.clock(ManualClock::new(NOW)).max_body_bytes(MAX_BODY_BYTES);
    let events = handlers(EventRouter::new().fallback(async |_: RawEvent| count()));
    Box::new(Receiver { layer, events, provider })
}

pub(crate) fn count() {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

/// A body as it comes from a connection.
pub struct Frames {
    coming: VecDeque<Piece>,
    /// How long it says that it is at least.
    pub announced: u64,
}

pub enum Piece {
    Data(Bytes),
    Trailers,
    /// Nothing for now.
    Pause,
    BreaksOff,
}

impl Frames {
    /// As many pieces of the body as there are `cuts`, and the rest, with what else can come in between.
    pub fn cut(body: &[u8], cuts: &[u8], announced: u64) -> Self {
        let mut body = Bytes::copy_from_slice(body);
        let mut coming: VecDeque<_> = cuts
            .iter()
            .map(|cut| match cut {
                255 => Piece::Pause,
                254 => Piece::Trailers,
                253 => Piece::BreaksOff,
                cut => Piece::Data(body.split_to(usize::from(*cut).min(body.len()))),
            })
            .collect();
        coming.push_back(Piece::Data(body));
        Self { coming, announced }
    }

    pub fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.coming.iter()
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.coming.pop_front() {
            None => Poll::Ready(None),
            Some(Piece::Data(data)) => Poll::Ready(Some(Ok(Frame::data(data)))),
            Some(Piece::Trailers) => Poll::Ready(Some(Ok(Frame::trailers(Default::default())))),
            Some(Piece::Pause) => Poll::Pending,
            Some(Piece::BreaksOff) => Poll::Ready(Some(Err("it broke off"))),
        }
    }

    fn size_hint(&self) -> http_body::SizeHint {
        let mut hint = http_body::SizeHint::new();
        hint.set_lower(self.announced);
        hint
    }
}

/// For the timers. Nothing is ever run on it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("there are file descriptors")
});

const TOKEN: &str = "0123456789abcdef0123456789ABC-_f";
pub(crate) const NOW: SystemTime = SystemTime::UNIX_EPOCH;
const MAX_POLLS: usize = 300;
