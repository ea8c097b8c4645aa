//! From the last frame of 1 MiB in 64 frames to the answer of an inner service that ignores the body: what is left to do
//! when all has arrived.

#[path = "common/mod.rs"]
mod common;

use std::{
    cell::Cell,
    convert::Infallible,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use common::{ours, requests, requests::Frames};
use divan::Bencher;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::Empty;
use tower::{Layer, Service, service_fn};
use tower_webhook::{Verified, providers::standard_webhooks::StandardWebhooks};

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    let _inside = runtime.enter();
    divan::main();
}

#[divan::bench]
fn tower_webhook(bencher: Bencher<'_, '_>) {
    let inner = service_fn(|_: Request<Verified<StandardWebhooks>>| async {
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    let mut service = ours::layer(requests::STANDARD_WEBHOOKS.clone()).layer(inner);
    let (head, frames) = requests::signed(vec![b'x'; 1024 * 1024]).into_parts();
    let all_but_last = || {
        let whole = Rc::new(Cell::new(false));
        let body = Held { frames: frames.clone(), whole: whole.clone() };
        let mut answer = Box::pin(service.call(Request::from_parts(head.clone(), body)));
        assert!(answer.as_mut().poll(&mut task()).is_pending());
        whole.set(true);
        answer
    };
    bencher.with_inputs(all_but_last).bench_local_refs(|answer| {
        let Poll::Ready(Ok(answer)) = answer.as_mut().poll(&mut task()) else {
            panic!("all has arrived")
        };
        assert_eq!(answer.status(), 200);
    });
}

fn task() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// A body whose last frame has not arrived until it is `whole`.
struct Held {
    frames: Frames,
    whole: Rc<Cell<bool>>,
}

impl Body for Held {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.frames.at_last() && !self.whole.get() {
            return Poll::Pending;
        }
        pin!(&mut self.frames).poll_frame(cx)
    }
}
