//! Several deliveries at once, and what is cut off.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use axum::Router;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, mpsc},
    task::JoinHandle,
    time::timeout,
};
use tower_webhook::{providers::standard_webhooks::StandardWebhooks, sender::deliver};

use super::*;

/// An endpoint that answers 200 at once below `/quick`, and elsewhere once it is let.
struct Slow {
    address: SocketAddr,
    arrived: mpsc::UnboundedReceiver<String>,
    let_through: Arc<Semaphore>,
    most: Arc<AtomicUsize>,
}

impl Slow {
    async fn new() -> Self {
        let (arrives, arrived) = mpsc::unbounded_channel();
        let (let_through, most) = (Arc::new(Semaphore::new(0)), Arc::<AtomicUsize>::default());
        let (gate, counted, inside) = (let_through.clone(), most.clone(), AtomicUsize::new(0));
        let inside = Arc::new(inside);
        let app = Router::new().fallback(async move |request: axum::extract::Request| {
            if request.uri().path().starts_with("/quick") {
                return;
            }
            counted.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
            arrives.send(request.headers()["webhook-id"].to_str().unwrap().into()).unwrap();
            gate.acquire().await.unwrap().forget();
            inside.fetch_sub(1, SeqCst);
        });
        Self { address: crate::support::serve(app).await, arrived, let_through, most }
    }

    async fn next(&mut self) -> String {
        timeout(LONG, self.arrived.recv()).await.expect("a request").unwrap()
    }

    /// All that was sent before has arrived once this is answered: connections are taken in order.
    async fn round_trip(&self) {
        let sender = Sender::new(standard_webhooks()).to(url(self.address, "/quick"));
        deliver(sender.batch(&[event()]).unwrap()).await.unwrap();
    }
}

/// A failure for a test that would not end.
const LONG: Duration = Duration::from_secs(20);

/// Makes what is due in the background.
fn driving(deliveries: &Deliveries<StandardWebhooks>) -> JoinHandle<usize> {
    let deliveries = deliveries.clone();
    tokio::spawn(async move { deliveries.deliver_due(at(START)).await })
}

async fn until(reached: impl Fn() -> bool) {
    let reached = async {
        while !reached() {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, reached).await.expect("it is reached");
}

#[tokio::test]
async fn never_more_than_eight() {
    let mut endpoint = Slow::new().await;
    let deliveries = pushed(&standard_webhooks(), endpoint.address, &["/hook"; 20]);
    let driving = driving(&deliveries);
    for _ in 0..8 {
        endpoint.next().await;
    }
    endpoint.round_trip().await;
    assert!(endpoint.arrived.try_recv().is_err(), "a ninth");
    endpoint.let_through.add_permits(1);
    endpoint.next().await;
    endpoint.round_trip().await;
    assert!(endpoint.arrived.try_recv().is_err(), "a tenth");
    endpoint.let_through.add_permits(19);
    assert_eq!(driving.await.unwrap(), 20);
    assert_eq!(outcomes(&deliveries), [DeliveryStatus::Delivered; 20]);
    assert_eq!(endpoint.most.load(SeqCst), 8);
}

#[tokio::test]
async fn two_callers_make_each_attempt_once() {
    let (address, arrived) = answering([500]).await;
    let deliveries = pushed(&standard_webhooks(), address, &["/hook"; 12]);
    let clone = deliveries.clone();
    for (time, arrivals) in [(START, 12), (START + 5, 24)] {
        let (one, other) =
            tokio::join!(deliveries.deliver_due(at(time)), clone.deliver_due(at(time)));
        assert_eq!((one, other), (12, 0));
        assert_eq!(arrived.all().len(), arrivals);
    }
    for report in deliveries.reports() {
        assert!(report.attempts.iter().map(|attempt| attempt.number).eq(1..=2), "{report}");
    }
}

#[tokio::test]
async fn what_is_cut_off_is_made_again_under_the_same_number() {
    let mut endpoint = Slow::new().await;
    let deliveries = pushed(&standard_webhooks(), endpoint.address, &["/quick", "/hook"]);
    let cut_off = driving(&deliveries);
    let first = endpoint.next().await;
    until(|| outcomes(&deliveries)[0] == DeliveryStatus::Delivered).await;
    cut_off.abort();
    assert!(cut_off.await.unwrap_err().is_cancelled());
    assert_eq!(outcomes(&deliveries), [DeliveryStatus::Delivered, DeliveryStatus::Queued]);

    endpoint.let_through.add_permits(2);
    assert_eq!(deliveries.deliver_due(at(START + 1)).await, 1);
    assert_eq!(endpoint.next().await, first);
    let reports = deliveries.reports();
    let [attempt] = &reports[1].attempts[..] else { panic!("{}", reports[1]) };
    assert_eq!((attempt.number, attempt.at), (1, at(START + 1)));
    assert_eq!((&*reports[1].id, reports[1].status), (&*first, DeliveryStatus::Delivered));
    assert_eq!(reports[0].attempts.len(), 1);
}

#[tokio::test]
async fn who_does_not_answer_holds_up_nobody_and_times_out() {
    let mut endpoint = Slow::new().await;
    let mut paths = ["/quick"; 20];
    paths[0] = "/hook";
    let deliveries = pushed(&standard_webhooks(), endpoint.address, &paths);
    let driving = driving(&deliveries);
    endpoint.next().await;
    until(|| outcomes(&deliveries)[1..] == [DeliveryStatus::Delivered; 19]).await;
    assert_eq!(outcomes(&deliveries)[0], DeliveryStatus::Queued);

    let start = tokio::time::Instant::now();
    tokio::time::pause();
    assert_eq!(driving.await.unwrap(), 20);
    assert!(start.elapsed() > Duration::from_secs(29), "{:?}", start.elapsed());
    assert_eq!(deliveries.reports()[0].attempts[0].answer, Answer::Timeout);
    assert_eq!(outcomes(&deliveries)[0], DeliveryStatus::Retrying(at(START + 30 + 5)));
}

#[tokio::test]
async fn reports_stand_in_the_order_in_which_deliveries_were_taken() {
    let mut endpoint = Slow::new().await;
    let deliveries =
        pushed(&standard_webhooks(), endpoint.address, &["/a", "/quick/b", "/quick/c"]);
    let driving = driving(&deliveries);
    endpoint.next().await;
    until(|| outcomes(&deliveries)[1..] == [DeliveryStatus::Delivered; 2]).await;
    endpoint.let_through.add_permits(1);
    assert_eq!(driving.await.unwrap(), 3);
    push(&deliveries, standard_webhooks(), endpoint.address, "/quick/d");
    let targets = deliveries.reports().into_iter().map(|report| report.target);
    assert_eq!(targets.collect::<Vec<_>>(), ["/a", "/quick/b", "/quick/c", "/quick/d"]);
}

/// How long a delivery by `schedule` waits for an answer that never comes.
async fn waited(schedule: Schedule) -> Duration {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let deliveries = Deliveries::new(schedule);
    push(&deliveries, Own, silent.local_addr().unwrap(), "/hook");
    let start = tokio::time::Instant::now();
    assert_eq!(deliveries.deliver_due(at(START)).await, 1);
    assert_eq!(only(&deliveries).attempts[0].answer, Answer::Timeout);
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn each_sender_has_its_own_patience() {
    let short = Duration::from_millis(50);
    for (schedule, answer_timeout) in [
        (learn365().schedule(), 100_000),
        (synthesis_vr().schedule(), 2_000),
        (standard_webhooks().schedule(), 30_000),
        (Schedule::undocumented(), 30_000),
        (Schedule::once().answer_timeout(short), 50),
    ] {
        // Timers have the granularity of a millisecond.
        let waited = waited(schedule.clone()).await.as_millis();
        assert!(
            (answer_timeout..=answer_timeout + 1).contains(&waited),
            "{schedule:?}: {waited} ms"
        );
    }
}
