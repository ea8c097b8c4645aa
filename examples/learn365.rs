//! Learn365 without a tenant: register with an emulator, and be sent an event again until it is handled.
//!
//! `cargo run --example learn365`
//!
//! The emulator and the receiver talk over HTTP, on free ports of this machine. The minutes between the attempts pass on a
//! simulated clock.

use std::{future::IntoFuture, time::SystemTime};

use tokio::net::TcpListener;
use tower::Layer;
use tower_webhook::{
    BoxError, Delivery, EventRouter, VerifyLayer,
    providers::learn365::{
        Course, CourseCompleted, Filter, Learn365, Registration, RegistrationClient,
        emulator::Emulator,
    },
    scheme::Token,
    sender::DeliveryStatus,
};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let api = TcpListener::bind("127.0.0.1:0").await?;
    let registrations = RegistrationClient::new(&format!("http://{}", api.local_addr()?), API_KEY)?;
    let emulator = Emulator::new(Token::basic("api", API_KEY)?);
    tokio::spawn(emulator.clone().serve(api));

    // Start the endpoint before you register it, because Learn365 sends it a test request first.
    let endpoint = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/webhooks/learn365", endpoint.local_addr()?);
    tokio::spawn(axum::serve(endpoint, receiver()?).into_future());
    let wanted = Registration::new(url, SECRET, [Filter::CourseCompleted])?
        .send_along(r#"{"region": "north"}"#)?;
    let registered = registrations.ensure(&wanted).await?;
    println!("registered as {}", registered.id().unwrap_or_default());

    let mut completed = CourseCompleted::default();
    let mut course = Course::default();
    course.title = Some("Fire safety".into());
    completed.course = Some(course);
    emulator.emit(&completed)?;
    emulator.deliver_due(SystemTime::now()).await;
    while let Some(then) = emulator.next_retry() {
        emulator.deliver_due(then).await;
    }

    for report in emulator.reports() {
        println!("{report}");
        assert_eq!((report.status, report.attempts.len()), (DeliveryStatus::Delivered, 3));
    }
    Ok(())
}

fn receiver() -> Result<axum::Router, BoxError> {
    let hook = VerifyLayer::new(Learn365::new(SECRET)?).layer(EventRouter::new().on(completed));
    Ok(axum::Router::new().route_service("/webhooks/learn365", hook))
}

/// Fails twice. The answer is then 500, and Learn365 sends the event again.
async fn completed(event: CourseCompleted, delivery: Delivery) -> Result<(), &'static str> {
    let title = event.course.and_then(|course| course.title).unwrap_or_default();
    let attempt = delivery.sender_attempt().unwrap_or_default();
    let properties = delivery.properties().unwrap_or_default().replace(['\r', '\n'], "");
    println!("handler: {title:?} completed, attempt {attempt}, properties {properties}");
    if attempt < 3 { Err("the database is down") } else { Ok(()) }
}

const API_KEY: &str = "invented; a tenant's administrator has the real one";
const SECRET: &str = "invented, and as typed into the registration";
