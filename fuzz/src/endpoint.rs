//! An endpoint under requests that come, wait and hang up, beside what must become of them.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::LazyLock,
    task::{Context, Poll, Waker},
    time::Duration,
};

use http::Request;
use tokio::{
    runtime::{EnterGuard, Runtime},
    task::yield_now,
    time::advance,
};
use tower::{Layer, Service};
use tower_webhook::{
    Body, EventRouter, VerifyLayer,
    verify::{ResponseFuture, Verify},
};

use crate::{
    Input,
    script::{self, EVENT_TIMEOUT, Progress, ROUTERS, Script, Scripted},
};

/// What was sent, and how far it must have got.
pub struct Endpoint {
    service: Verify<Scripted, EventRouter<Scripted>>,
    router: EventRouter<Scripted>,
    most: usize,
    fallback: bool,
    hasty: bool,
    sent: Vec<Sent>,
    log: Vec<usize>,
    _runtime: EnterGuard<'static>,
}

struct Sent {
    script: Script,
    progress: Progress,
    /// Until it is answered, or its sender hangs up.
    answer: Option<Answer>,
    ended: bool,
}

type Answer = Pin<Box<ResponseFuture<Scripted, EventRouter<Scripted>, Body>>>;

impl Endpoint {
    pub fn new(input: &mut Input<'_>) -> Self {
        let most = 1 + usize::from(input.byte() % 3);
        let (fallback, hasty) = (input.flag(), input.flag());
        let router = ROUTERS[usize::from(fallback)].clone().max_batches(most);
        let service = LAYERS[usize::from(hasty)].layer(router.clone());
        let (sent, log, _runtime) = (Vec::new(), Vec::new(), RUNTIME.enter());
        Self { service, router, most, fallback, hasty, sent, log, _runtime }
    }

    /// How many requests were taken.
    pub fn sent(&self) -> usize {
        self.sent.len()
    }

    /// Sends one more request, which is refused if there are enough under way.
    pub fn send(&mut self, input: &mut Input<'_>) {
        let script = Script::new(input, self.sent.len() * 100, self.fallback);
        let request = Request::post("/").body(Body::from(script.body())).expect("it is one");
        let mut answer = Box::pin(self.service.call(request));
        if self.under_way() == self.most {
            let Poll::Ready(Ok(refused)) = poll_once(answer.as_mut()) else {
                panic!("one too many is under way")
            };
            return assert_eq!(refused.status(), 503);
        }
        let progress = Progress::default();
        self.sent.push(Sent { script, progress, answer: Some(answer), ended: false });
        self.poll(self.sent.len() - 1);
    }

    /// Polls the answer to one of them.
    pub fn poll(&mut self, index: usize) {
        let count = self.sent.len().max(1);
        let Some(sent) = self.sent.get_mut(index % count) else { return };
        let Some(answer) = &mut sent.answer else { return };
        sent.ended = sent.script.poll(&mut sent.progress, &mut self.log);
        let status = match poll_once(answer.as_mut()) {
            Poll::Ready(Ok(answer)) => Some(answer.status().as_u16()),
            Poll::Pending => None,
        };
        match status {
            Some(202) => assert!(self.hasty && !sent.ended),
            Some(status) => assert!(sent.ended && status == sent.script.status(&sent.progress)),
            None => assert!(!sent.ended),
        }
        if status.is_some() {
            sent.answer = None;
        }
        self.compare();
    }

    /// The sender of one of them hangs up.
    pub fn hang_up(&mut self, index: usize) {
        let count = self.sent.len().max(1);
        if let Some(sent) = self.sent.get_mut(index % count) {
            sent.answer = None;
        }
    }

    /// Whatever is under way has had its time.
    pub fn let_time_pass(&mut self) {
        RUNTIME.block_on(advance(EVENT_TIMEOUT + Duration::from_millis(2)));
        self.sent.iter_mut().for_each(|sent| sent.progress.be_late());
    }

    /// What no sender waits for goes on by itself. The router is drained when none is under way.
    pub fn go_on(&mut self) {
        let goes_on = |sent: &Sent| sent.answer.is_none() && !sent.ended;
        if self.hasty || self.sent.iter().any(goes_on) {
            RUNTIME.block_on(async {
                for _ in 0..4 {
                    yield_now().await;
                }
            });
        }
        for sent in self.sent.iter_mut().filter(|sent| goes_on(sent)) {
            while !sent.ended && !sent.script.is_held(&sent.progress) {
                sent.ended = sent.script.poll(&mut sent.progress, &mut self.log);
            }
        }
        self.compare();
        let drained = poll_once(pin!(self.router.drain()));
        assert_eq!(drained.is_ready(), self.under_way() == 0);
    }

    /// Each of them began what it must have begun by now, in order.
    #[track_caller]
    fn compare(&mut self) {
        let mut begun = script::log();
        let of_each = |number: &usize| number / 100;
        begun.sort_by_key(of_each);
        self.log.sort_by_key(of_each);
        assert_eq!(begun, std::mem::take(&mut self.log));
    }

    fn under_way(&self) -> usize {
        self.sent.iter().filter(|sent| !sent.ended).count()
    }

    /// All of them come to their end.
    pub fn end(&mut self) {
        script::open();
        self.go_on();
        while let Some(index) = self.sent.iter().position(|sent| sent.answer.is_some()) {
            self.poll(index);
        }
        self.go_on();
        assert_eq!(self.under_way(), 0);
    }
}

/// Polls once. Nobody is woken.
pub fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

static LAYERS: LazyLock<[VerifyLayer<Scripted>; 2]> =
    LazyLock::new(|| [false, true].map(|hasty| VerifyLayer::new(Scripted { hasty })));
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("there are file descriptors")
});
