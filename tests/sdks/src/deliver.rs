//! The vendors' signers send over HTTP to a server of this crate, and their verifiers judge what this crate sends.

use std::{
    fmt::Debug,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::Router;
use base64::{Engine, engine::general_purpose::STANDARD};
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use tower::Layer;
use tower_webhook::{
    Emit, EventRouter, Payload, Provider, Sender, VerifyLayer,
    clock::ManualClock,
    event,
    providers::{
        cloudevents::CloudEvents,
        github::GitHub,
        livekit::LiveKit,
        meta::Meta,
        shopify::Shopify,
        slack::Slack,
        standard_webhooks::StandardWebhooks,
        stripe::{Snapshot, Stripe},
        twilio::Twilio,
        zoom::Zoom,
    },
    scheme::Origin,
};

use crate::{
    genuine,
    recorded::Recorded,
    vendors::{Language, Vendors},
};

#[derive(Debug, Deserialize, Serialize)]
struct Note {
    title: String,
}

#[derive(Debug, Deserialize, Serialize)]
struct Push {
    r#ref: String,
}

#[derive(Debug, Deserialize, Serialize)]
struct Session {
    id: String,
}

#[derive(Debug, Deserialize, Serialize)]
struct Mention {
    event: Message,
}

#[derive(Debug, Deserialize, Serialize)]
struct Message {
    text: String,
}

#[derive(Debug, Deserialize, Serialize)]
struct Order {
    total_price: String,
}

#[derive(Debug, Deserialize, Serialize)]
struct Meeting {
    account_id: String,
}

#[derive(Debug, Deserialize, Serialize)]
struct Course {
    course: String,
}

#[derive(Debug, Deserialize, Serialize)]
struct Messages {
    messaging_product: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Sms {
    body: String,
}

#[derive(Debug, Deserialize, Serialize)]
struct Started {
    id: String,
}

event!(Note: StandardWebhooks = "note.made");
event!(Push: GitHub = "push");
event!(Mention: Slack = "app_mention");
event!(Order: Shopify = "orders/create");
event!(Meeting: Zoom = "meeting.started");
event!(Course: CloudEvents = "com.example.course.completed");
event!(Messages: Meta = "messages");
event!(Sms: Twilio = "sms");
event!(Started: LiveKit = "room_started");

/// Vendors whose library for Python signs.
const SIGNED_IN_PYTHON: [&str; 6] =
    ["livekit", "slack", "standard-webhooks", "stripe", "svix", "twilio"];

pub(crate) async fn deliver(vendors: &mut Vendors) {
    let made = || Note { title: "Größe 12 ☃".into() };
    let standard = |sender: &str| StandardWebhooks::new(key(sender)).unwrap();
    both_ways(vendors, "standard-webhooks", standard("standard-webhooks"), made()).await;
    both_ways(vendors, "svix", standard("svix").svix_headers(), made()).await;
    let push = Push { r#ref: "refs/heads/größe".into() };
    both_ways(vendors, "github", GitHub::new(key("github")).unwrap(), push).await;
    let session = Snapshot::new(Session { id: "cs_1".into() });
    let stripe = Stripe::new(key("stripe")).unwrap();
    as_type(vendors, "stripe", stripe, "checkout.session.completed", session).await;
    let mention = Mention { event: Message { text: "hello ☃".into() } };
    both_ways(vendors, "slack", Slack::new(key("slack")).unwrap(), mention).await;
    let order = Order { total_price: "12.50".into() };
    both_ways(vendors, "shopify", Shopify::new(key("shopify")).unwrap(), order).await;
    let meeting = Meeting { account_id: "invented".into() };
    both_ways(vendors, "zoom", Zoom::new(key("zoom")).unwrap(), meeting).await;
    let course = Course { course: "c-1".into() };
    both_ways(vendors, "cloudevents", CloudEvents::dangerous_unauthenticated(), course).await;
    let meta = Meta::new(key("meta"), "an-invented-verify-token-of-thirty-two").unwrap();
    both_ways(vendors, "meta", meta, Messages { messaging_product: "whatsapp".into() }).await;
    let origin = Origin::new("https://hooks.example").unwrap();
    let twilio = Twilio::new(key("twilio"), origin).unwrap().always("sms");
    both_ways(vendors, "twilio", twilio, Sms { body: "Hello wörld".into() }).await;
    let [api_key, secret] = ["api_key", "api_secret"].map(|name| text(&request("livekit"), name));
    let livekit = LiveKit::new(api_key, secret).unwrap();
    both_ways(vendors, "livekit", livekit, Started { id: "EV_invented".into() }).await;
}

/// The first request of the sender, as of now.
fn request(sender: &str) -> Recorded {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    Recorded { now, ..genuine()[sender][0].clone() }
}

fn key(sender: &str) -> String {
    text(&request(sender), "secret")
}

fn text(request: &Recorded, name: &str) -> String {
    request.keys[name].as_str().unwrap().to_owned()
}

async fn both_ways<P, E>(vendors: &mut Vendors, sender: &str, provider: P, event: E)
where
    P: Emit + Clone,
    E: tower_webhook::Event<Provider = P> + Serialize + Debug,
{
    let event_type = E::TYPE;
    as_type(vendors, sender, provider, event_type, event).await;
}

/// The signed request reaches the handler with this event, and the library accepts a request with it.
async fn as_type<P, E>(vendors: &mut Vendors, sender: &str, provider: P, event_type: &str, event: E)
where
    P: Emit + Clone,
    E: Payload<Provider = P> + Serialize + Debug,
{
    let request = request(sender);
    let handled = Arc::new(Mutex::new(Vec::new()));
    let address = serve::<P, E>(provider.clone(), event_type, &handled).await;
    let mut languages = vec![Language::JavaScript];
    languages.extend(SIGNED_IN_PYTHON.contains(&sender).then_some(Language::Python));
    for language in &languages {
        let status = vendors.post(*language, &request, &format!("http://{address}"));
        assert_eq!(status, Ok(200), "{sender} {language:?}");
    }
    let expected = vec![format!("{event:?}"); languages.len()];
    assert_eq!(*handled.lock().unwrap(), expected, "{sender}");

    let to = request.target.parse().unwrap();
    let sending = Sender::new(provider).clock(ManualClock::at_unix_seconds(request.now));
    let sent = sending.to(to).event_as(event_type, &event).unwrap();
    let sent = recorded(request, sent).await;
    for verdict in &vendors.verdicts(&[sent])[0] {
        assert!(verdict.accepts, "{sender}: {}: {}", verdict.library, verdict.why);
        println!(
            "{sender}: {} accepts, and {} of {languages:?} are handled",
            verdict.library,
            languages.len()
        );
    }
}

async fn serve<P, E>(provider: P, event_type: &str, handled: &Arc<Mutex<Vec<String>>>) -> SocketAddr
where
    P: Provider,
    E: Payload<Provider = P> + Debug,
{
    let handled = Arc::clone(handled);
    let events = EventRouter::new().on_type(event_type, async move |event: E| {
        handled.lock().unwrap().push(format!("{event:?}"));
    });
    let app = Router::new().fallback_service(VerifyLayer::new(provider).layer(events));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// What this crate sends, with the keys of the request that is its model.
async fn recorded(model: Recorded, sent: http::Request<tower_webhook::Body>) -> Recorded {
    let (head, body) = sent.into_parts();
    let headers = head.headers.iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    Recorded {
        target: head.uri.to_string(),
        headers: headers.collect(),
        body_base64: STANDARD.encode(body.collect().await.unwrap().to_bytes()),
        ..model
    }
}
