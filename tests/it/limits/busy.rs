//! Deadlines are kept even for what uses up, in each poll, all that tokio lets a task do at once.

use tokio::{spawn, task::consume_budget};
use tower_webhook::providers::synthesis_vr::SessionCreated;

use super::*;

const DEADLINE: Duration = Duration::from_secs(5);
/// Far more turns than it takes until the time is over, so that nothing hangs if it is not seen.
const TURNS: usize = 1_000_000;

async fn busy() {
    for _ in 0..TURNS {
        consume_budget().await;
    }
}

fn time_passes() {
    spawn(async {
        for _ in 0..DEADLINE.as_secs() {
            advance(Duration::from_secs(1)).await;
        }
    });
}

#[tokio::test(start_paused = true)]
async fn a_busy_handler_has_its_deadline() {
    let events = EventRouter::new().on(async |_: SessionStarted| busy().await);
    let hook = layer().layer(events.event_timeout(DEADLINE));
    time_passes();
    let request = post(TOKEN, r#"[{"type":"SESSION_STARTED","data":{}}]"#);
    assert_eq!(status_of(&hook, request).await, 500);
}

#[tokio::test(start_paused = true)]
async fn who_waits_two_seconds_is_answered_though_the_handler_is_busy() {
    let events = EventRouter::new().on(async |_: SessionCreated| busy().await);
    let hook = VerifyLayer::new(synthesis_vr()).layer(events.clone());
    time_passes();
    let request = Sender::new(synthesis_vr()).raw("create", r#"{"uuid":"u"}"#).unwrap();
    assert_eq!(hook.oneshot(request).await.unwrap().status(), 202);
    events.drain().await;
}

/// Empty frames, each of which is one of the things that a task may do at once.
struct Busy(usize);

impl HttpBody for Busy {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0 += 1;
        let frame = (self.0 < TURNS).then(|| Ok(Frame::data(Bytes::new())));
        pin!(consume_budget()).poll(cx).map(|()| frame)
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_body_has_its_deadline() {
    let hook = hook(&layer().body_timeout(DEADLINE));
    time_passes();
    assert_eq!(status_of(&hook, post(TOKEN, "").map(|_| Busy(0))).await, 408);
}
