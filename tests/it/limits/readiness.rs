//! The inner service is asked whether it is ready once a request is authentic, and called on the clone that said so.

use std::{
    sync::Mutex,
    task::{Waker, ready},
};

use tower_webhook::{Body, BoxError, Verified};

use super::*;

/// Notes what is asked of it. A clone has to be asked for itself.
struct Inner {
    log: Log,
    gate: Arc<Mutex<Gate>>,
    said_ready: bool,
}

#[derive(Default)]
struct Gate {
    open: Option<Result<(), &'static str>>,
    waiting: Option<Waker>,
}

impl Inner {
    fn new() -> Self {
        Self { log: Log::default(), gate: Arc::default(), said_ready: false }
    }

    fn open(&self, how: Result<(), &'static str>) {
        let mut gate = self.gate.lock().unwrap();
        gate.open = Some(how);
        gate.waiting.take().into_iter().for_each(Waker::wake);
    }
}

impl Clone for Inner {
    fn clone(&self) -> Self {
        Self { log: self.log.clone(), gate: self.gate.clone(), said_ready: false }
    }
}

impl Service<Request<Verified<Loops>>> for Inner {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = std::future::Ready<Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.log.note("asked");
        let mut gate = self.gate.lock().unwrap();
        let open = match gate.open {
            Some(open) => Poll::Ready(open),
            None => {
                gate.waiting = Some(cx.waker().clone());
                Poll::Pending
            }
        };
        ready!(open)?;
        self.said_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Verified<Loops>>) -> Self::Future {
        assert!(std::mem::take(&mut self.said_ready), "called without having been ready");
        self.log.note("called");
        std::future::ready(Ok(Response::default()))
    }
}

#[tokio::test]
async fn the_layer_itself_is_always_ready() {
    let inner = Inner::new();
    let mut hook = layer().layer(inner.clone());
    let ready = std::future::poll_fn(|cx| Service::<Request<Fed>>::poll_ready(&mut hook, cx)).await;
    assert!(ready.is_ok());
    assert!(inner.log.seen().is_empty());
}

#[tokio::test]
async fn it_is_not_asked_before_the_request_is_authentic() {
    let inner = Inner::new();
    inner.open(Ok(()));
    let mut hook = layer().layer(inner.clone());
    let refused = hook.call(post(OTHER_TOKEN, "").map(|_| fed().1));
    assert_eq!(refused.await.unwrap().status(), 404);
    let (feeder, request) = slow();
    let mut reading = Box::pin(hook.call(request));
    feeder.send(Ok("[".into())).unwrap();
    assert!(is_pending(reading.as_mut()).await);
    assert!(inner.log.seen().is_empty());
    drop(feeder);
    assert_eq!(reading.await.unwrap().status(), 200);
    assert_eq!(inner.log.seen(), ["asked", "called"]);
}

#[tokio::test]
async fn a_request_waits_until_it_is_ready_and_keeps_its_place() {
    let inner = Inner::new();
    let mut hook = layer().max_bodies(1).layer(inner.clone());
    let mut waiting = Box::pin(hook.call(post(TOKEN, "[]")));
    for _ in 0..3 {
        assert!(is_pending(waiting.as_mut()).await);
    }
    assert_eq!(inner.log.seen(), ["asked"; 3]);
    assert_eq!(hook.call(post(TOKEN, "[]")).await.unwrap().status(), 503);
    let waiting = tokio::spawn(waiting);
    tokio::task::yield_now().await;
    inner.open(Ok(()));
    assert_eq!(waiting.await.unwrap().unwrap().status(), 200);
    assert_eq!(inner.log.seen().last().unwrap(), "called");
    assert_eq!(
        hook.call(post(TOKEN, "[]")).await.unwrap().status(),
        200,
        "the place is free again"
    );
}

#[tokio::test]
async fn its_failure_is_passed_on() {
    let inner = Inner::new();
    inner.open(Err("gone"));
    let mut hook = layer().max_bodies(1).layer(inner.clone());
    for _ in 0..2 {
        assert_eq!(hook.call(post(TOKEN, "[]")).await.unwrap_err().to_string(), "gone");
    }
    assert_eq!(inner.log.seen(), ["asked"; 2]);
}
