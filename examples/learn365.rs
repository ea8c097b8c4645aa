//! Learn365 from registration to the third attempt, without a tenant: an emulator stands for the sender.
//!
//! `cargo run --example learn365`
//!
//! Real HTTP between the two on free ports of this machine; the minutes between attempts pass on a clock of our own. Fails
//! unless everything goes as expected.

use std::{
    collections::HashSet,
    future::IntoFuture,
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::net::TcpListener;
use tower::Layer;
use tower_webhook::{
    BoxError, Delivery, EventRouter, State, VerifyLayer,
    providers::learn365::emulator::Emulator,
    providers::learn365::{
        Course, CourseCompleted, Filter, Learn365, Registration, RegistrationClient,
    },
    router::EventKey,
    scheme::Token,
    sender::{Answer, DeliveryReport, DeliveryStatus},
};

const API_KEY: &str = "invented; a tenant's administrator has the real one";
const SECRET: &str = "invented, and as typed into the registration";

#[tokio::main]
async fn main() -> Result<ExitCode, BoxError> {
    let emulator = Emulator::new(Token::basic("api", API_KEY)?);
    let api = TcpListener::bind("127.0.0.1:0").await?;
    let registrations = RegistrationClient::new(&format!("http://{}", api.local_addr()?), API_KEY)?;
    tokio::spawn(emulator.clone().serve(api));

    // The endpoint must be up before it is registered: the sender tries it.
    let calls = Calls::default();
    let endpoint = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/webhooks/learn365", endpoint.local_addr()?);
    tokio::spawn(axum::serve(endpoint, receiver(calls.clone())?).into_future());

    let wanted = Registration::new(url, SECRET, [Filter::CourseCompleted])?
        .described_as("example")
        .send_along(r#"{"region": "north"}"#)?;
    let registered = registrations.ensure(&wanted).await?;
    let again = registrations.ensure(&wanted).await?;
    println!("registered as {}", registered.id().unwrap_or_default());

    let mut course = Course::default();
    course.title = Some("Fire safety".into());
    let mut completed = CourseCompleted::default();
    completed.course = Some(course);
    let deliveries = emulator.emit(&completed)?;

    let start = SystemTime::now();
    let mut now = start;
    emulator.deliver_due(now).await;
    while let Some(next) = emulator.next_retry() {
        now = next;
        emulator.deliver_due(now).await;
    }

    let reports = emulator.reports();
    reports.iter().for_each(|report| println!("{report}"));
    let as_expected = again.id() == registered.id()
        && deliveries == 1
        && calls.count.load(Ordering::Relaxed) == 3
        && calls.keys().len() == 1
        && matches!(&reports[..], [report] if third_time_lucky(report, start));
    match as_expected {
        true => println!("All as expected: two failures, and delivered on the third attempt."),
        false => println!("This is not as expected."),
    }
    Ok(if as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How often the handler was called, and for which events.
#[derive(Clone, Default)]
struct Calls {
    count: Arc<AtomicU32>,
    keys: Arc<Mutex<HashSet<EventKey>>>,
}

impl Calls {
    fn keys(&self) -> std::sync::MutexGuard<'_, HashSet<EventKey>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn receiver(calls: Calls) -> Result<axum::Router, BoxError> {
    let events = EventRouter::with_state(calls).on(fails_twice);
    let hook = VerifyLayer::new(Learn365::new(SECRET)?).layer(events);
    Ok(axum::Router::new().route_service("/webhooks/learn365", hook))
}

async fn fails_twice(
    event: CourseCompleted,
    State(calls): State<Calls>,
    delivery: Delivery,
    key: Option<EventKey>,
) -> Result<(), &'static str> {
    // The same in each attempt: a database would keep it with the rest, and refuse it the second time.
    calls.keys().insert(key.ok_or("no id")?);
    let title = event.course.and_then(|course| course.title).unwrap_or_default();
    let attempt = delivery.sender_attempt().unwrap_or_default();
    let properties = delivery.properties().unwrap_or_default().replace(['\r', '\n'], "");
    println!("handler: {title:?} completed, attempt {attempt}, properties {properties}");
    match calls.count.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => Err("the database is down"),
        _ => Ok(()),
    }
}

/// At once, after 1 minute, after 4 more.
fn third_time_lucky(report: &DeliveryReport, start: SystemTime) -> bool {
    let minutes = |minutes: u64| start + Duration::from_secs(60 * minutes);
    let attempts: Vec<_> = report
        .attempts
        .iter()
        .map(|attempt| (attempt.number, attempt.at, &attempt.answer))
        .collect();
    let [failed, handled] =
        [500, 200].map(|code| http::StatusCode::from_u16(code).map(Answer::Status));
    let (Ok(failed), Ok(handled)) = (failed, handled) else { return false };
    report.status == DeliveryStatus::Delivered
        && attempts
            == [(1, minutes(0), &failed), (2, minutes(1), &failed), (3, minutes(5), &handled)]
}
