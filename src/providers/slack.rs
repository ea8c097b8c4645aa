//! Slack: the Events API, slash commands and interactivity of apps.
//!
//! Documented at <https://api.slack.com/docs/verifying-requests-from-slack>. **Run** in the table: Slack's own libraries for Node and
//! Python sign and judge so. **Source**: the code of these libraries. **Second hand**: other pages quote Slack's documentation so.
//!
//! | fact | value | source |
//! |---|---|---|
//! | authentication | `X-Slack-Signature: v0=<hex>`: HMAC-SHA256 over `v0:time:body`. The key is the text of the app's signing secret | run, documented |
//! | replay | `X-Slack-Request-Timestamp` is signed, and must be within 5 minutes of the clock, in both directions | run |
//! | Events API | JSON with `type: "event_callback"`. The type of the event is `event.type` | run |
//! | slash command | a form. Its field `command`, such as `/lesson`, is taken as the type | source, signature run |
//! | interactivity | a form whose field `payload` is JSON. Its `type` is the type, such as `block_actions` | source, signature run |
//! | delivery id | `event_id` of the Events API, signed. It is unknown whether a retry has the same. A form has no id | run, unknown |
//! | challenge | `type: "url_verification"`, signed, answered with `{"challenge": …}` | run |
//! | `ssl_check=1` | a form that is answered 200 and is no event | run |
//! | retries | of the Events API: at once, after 1 minute and after 5 minutes. `X-Slack-Retry-Num` and `X-Slack-Retry-Reason` are not signed | second hand |
//! | answer | 2xx within 3 seconds | documented |
//!
//! # Three kinds of requests
//!
//! One endpoint can take all of them, and an [`EventRouter`](crate::EventRouter) routes them by their type. Whether a body is JSON or a
//! form is decided by the body, which is signed, and not by the media type, which is not.
//!
//! - **Events API**, such as `app_mention`: your type is for the whole body, with the inner event in its field `event`.
//! - **Slash commands**, such as `/lesson`: the fields of the form are the members of the event. Each of them is a text.
//! - **Interactivity**, such as `block_actions`: the JSON in the field `payload` is the event.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use tower::{Layer, ServiceExt};
//! use tower_webhook::{EventRouter, Sender, VerifyLayer, event, providers::slack::Slack};
//!
//! #[derive(Deserialize, Serialize)]
//! struct Mention {
//!     team_id: String,
//!     event: Message,
//! }
//! #[derive(Deserialize, Serialize)]
//! struct Message {
//!     text: String,
//! }
//!
//! #[derive(Deserialize, Serialize)]
//! struct Lesson {
//!     text: String,
//!     response_url: String,
//! }
//!
//! event!(Mention: Slack = "app_mention", Lesson: Slack = "/lesson");
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower_webhook::BoxError> {
//! let provider = Slack::new("the signing secret of the app")?;
//! let events = EventRouter::new()
//!     .on(async |e: Mention| println!("{} in the team {}", e.event.text, e.team_id))
//!     .on(async |e: Lesson| println!("{}, to be answered at {}", e.text, e.response_url));
//! let hook = VerifyLayer::new(provider.clone()).layer(events);
//! let mention = Mention { team_id: "T1".into(), event: Message { text: "hello".into() } };
//! let request = Sender::new(provider.clone()).event(&mention)?;
//! assert_eq!(hook.clone().oneshot(request).await?.status(), 200);
//!
//! let lesson = Lesson { text: "12".into(), response_url: "https://example.com/1".into() };
//! let request = Sender::new(provider.commands()).event(&lesson)?;
//! assert_eq!(hook.oneshot(request).await?.status(), 200);
//! # Ok(()) }
//! ```
//!
//! # A slash command that is answered with a text
//!
//! A slash command or a dialog can be answered in the body of the response. An `EventRouter` answers without a body, so give the
//! command a URL of its own, with an ordinary handler behind the layer:
//!
//! ```
//! use axum::{Router, body::Bytes, http::StatusCode, routing::post};
//! use tower::ServiceExt;
//! use tower_webhook::{Sender, VerifyLayer, decode::Form, providers::slack::Slack};
//!
//! async fn lesson(body: Bytes) -> Result<String, StatusCode> {
//!     let form = Form::parse(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
//!     Ok(format!("Lesson {} is open.", form.get("text").unwrap_or("1")))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower_webhook::BoxError> {
//! let provider = Slack::new("the signing secret of the app")?;
//! let layer = VerifyLayer::new(provider.clone());
//! let app: Router = Router::new().route("/slack/lesson", post(lesson).layer(layer));
//!
//! let sender = Sender::new(provider.commands()).to("/slack/lesson".parse()?);
//! let answer = app.oneshot(sender.raw("/lesson", r#"{"text": "12"}"#)?).await?;
//! assert_eq!(axum::body::to_bytes(answer.into_body(), 64).await?, "Lesson 12 is open.");
//! # Ok(()) }
//! ```
//!
//! # Requests that are no events
//!
//! A signed challenge is answered if it has 1 to 256 letters, digits, `-` and `_`, and is refused with 400 otherwise. A signed
//! `ssl_check=1` is answered 200. Neither reaches a handler. If one of them is not signed, then it is refused like every other
//! request. Slack's own library for Node accepts an unsigned `ssl_check=1`.
//!
//! # Duplicates
//!
//! The id is signed. An [`Inbox`](crate::inbox::Inbox) behind the layer takes a delivery once per id. Without an inbox, take
//! `Option<`[`EventKey`](crate::router::EventKey)`>` as an argument, and skip an event whose key you have stored.
//! [`Delivery::id`](crate::Delivery::id) is for logs.
//!
//! The id is the `event_id`. It is `None` for forms. A slash command has a signed `trigger_id`. Slack waits 3 seconds for an answer,
//! and then sends an event again. If your handlers may take longer, use an inbox.
//!
//! To try it: "Event Subscriptions" in the settings of the app sends the challenge when a request URL is entered, and again with
//! "Retry". Mention the app in a channel for an event.
//!
//! # Open questions
//!
//! Whether a retry has the same `event_id`. Which characters a challenge can have. Whether requests with a form are sent again. Whether
//! `ssl_check=1` is signed.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, request::Parts};
use serde_json::{json, value::RawValue};

use super::{
    challenge_answer, check_v0, form, insert, is_plain, json as json_type, members, only, sign_v0,
    with_id_in,
};
use crate::{
    Draft, Emit, Outgoing, Provider, Schedule, Unpacked,
    decode::{DecodeError, Envelope, Form, Members},
    error::{ConfigError, SendError},
    scheme::{Authentic, Check, Head, HmacSha256, Keys, Timestamp, VerifyError},
    sender::quoted,
};

/// The sender Slack.
#[derive(Clone, Debug)]
pub struct Slack {
    keys: HmacSha256,
    tolerance: Duration,
    sends: Kind,
}

/// The kinds of requests.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Event,
    Command,
    Interaction,
}

impl Slack {
    /// The default tolerance of timestamps: 5 minutes.
    pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

    /// Accepts requests that are signed with any of the keys: the signing secret of the app, as text.
    ///
    /// # Errors
    ///
    /// Those of [`HmacSha256::new`]: an unusable secret, one of fewer than 16 bytes
    /// ([`Secret::dangerous_short`](crate::scheme::Secret::dangerous_short) allows them), or more than
    /// [`MAX_KEYS`](crate::scheme::MAX_KEYS).
    pub fn new(keys: impl Into<Keys>) -> Result<Self, ConfigError> {
        let keys = HmacSha256::new(keys)?;
        Ok(Self { keys, tolerance: Self::TOLERANCE, sends: Kind::Event })
    }

    /// The maximum difference between a timestamp and the clock, in the past and in the future. If it is exceeded, the
    /// request is refused. By default [`Slack::TOLERANCE`], 5 minutes.
    #[must_use]
    pub fn tolerance(self, tolerance: Duration) -> Self {
        Self { tolerance, ..self }
    }

    /// As a [`Sender`](crate::Sender), sends slash commands instead of events. The type of an event is then the command, such
    /// as `/lesson`. A receiver takes all kinds of requests.
    #[must_use]
    pub fn commands(self) -> Self {
        Self { sends: Kind::Command, ..self }
    }

    /// As a [`Sender`](crate::Sender), sends interactions instead of events: JSON in the field `payload` of a form. A receiver
    /// takes all kinds of requests.
    #[must_use]
    pub fn interactions(self) -> Self {
        Self { sends: Kind::Interaction, ..self }
    }
}

impl Provider for Slack {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let time = head.public_header(&TIMESTAMP)?;
        Timestamp::seconds(time)?.within(self.tolerance, head.now())?;
        check_v0(&self.keys, time, head.header(&SIGNATURE)?)
    }

    fn envelope(&self) -> Envelope {
        Envelope::shape(event_type)
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        if is_json(&body) {
            return Ok(with_id_in(body, "event_id"));
        }
        let form = Form::parse(&body)?;
        let has_payload = form.pairs().any(|(name, _)| name == "payload");
        Ok(if has_payload { form.take("payload")? } else { object_of(&form) }.into())
    }

    fn answer(&self, _: &Authentic, body: &[u8]) -> Option<Response<Bytes>> {
        if !is_json(body) {
            let is_check = body.split(|byte| *byte == b'&').any(|field| field == b"ssl_check=1");
            return is_check.then(Response::default);
        }
        if body.len() > MAX_CHALLENGE_BODY {
            return None;
        }
        let all = members(body)?;
        all.text("type").filter(|kind| kind == "url_verification")?;
        let challenge = all.text("challenge").filter(|text| is_plain(text, MAX_CHALLENGE));
        Some(challenge_answer(challenge.map(|text| json!({ "challenge": text }))))
    }

    fn name(&self) -> Cow<'static, str> {
        "slack".into()
    }
}

fn is_json(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"{")
}

/// The type of an event is in the inner object. An interaction has its own. A command has none, and is named by itself.
fn event_type<'b>(all: &Members<'b>) -> Option<Cow<'b, str>> {
    match all.text("type") {
        Some(kind) if kind == CALLBACK => Members::of(all.raw("event")?)?.text("type"),
        None => all.text("command"),
        own => own,
    }
}

/// The fields as the members of an object. A field that occurs twice is a member that occurs twice, which is no member.
fn object_of(form: &Form) -> String {
    let member = |(name, value)| format!("{}:{}", quoted(name), quoted(value));
    let all: Vec<_> = form.pairs().map(member).collect();
    format!("{{{}}}", all.join(","))
}

impl Emit for Slack {
    fn encode(&self, events: &[Draft], outgoing: &Outgoing) -> Result<Bytes, SendError> {
        let event = only(events)?;
        Ok(match self.sends {
            Kind::Event => callback(event, &outgoing.id)?,
            Kind::Command => command(event)?,
            Kind::Interaction => Form::default().with("payload", event.flat("type")?).to_string(),
        }
        .into())
    }

    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing) {
        let (time, signature) = sign_v0(&self.keys, body, outgoing);
        insert(head, &TIMESTAMP, &time);
        insert(head, &SIGNATURE, &signature);
    }

    /// The retries of the Events API. Those of the other kinds are unknown.
    fn schedule(&self) -> Schedule {
        let retries = Schedule::retrying(&PAUSES[..]);
        let schedule =
            if let Kind::Event = self.sends { retries } else { Schedule::undocumented() };
        schedule.answer_timeout(ANSWER_TIMEOUT)
    }

    fn content_type(&self) -> HeaderValue {
        if let Kind::Event = self.sends { json_type() } else { form() }
    }
}

/// The payload is the body, without the types and the id.
fn callback(event: &Draft, id: &str) -> Result<String, SendError> {
    let mut all = members_of(event)?;
    let inner = all.remove("event").map_or_else(|| "{}".into(), |inner| inner.get().to_owned());
    let inner = Draft::new(&event.event_type, inner).flat("type")?;
    all.insert("event".into(), RawValue::from_string(inner).map_err(unencoded)?);
    let body = serde_json::to_string(&all).map_err(unencoded)?;
    Draft::new(CALLBACK, Draft::new(id, body).flat("event_id")?).flat("type")
}

/// The members are the fields of the form. One that is no text is written as JSON.
fn command(event: &Draft) -> Result<String, SendError> {
    let form = Form::default().with("command", &event.event_type);
    let all = members_of(event)?.into_iter().fold(form, |form, (name, value)| {
        let text = serde_json::from_str::<String>(value.get());
        form.with(name, text.unwrap_or_else(|_| value.get().to_owned()))
    });
    Ok(all.to_string())
}

fn members_of(event: &Draft) -> Result<BTreeMap<String, Box<RawValue>>, SendError> {
    serde_json::from_str(&event.json).map_err(unencoded)
}

fn unencoded(error: serde_json::Error) -> SendError {
    SendError::Encode(error.into())
}

static SIGNATURE: HeaderName = HeaderName::from_static("x-slack-signature");
static TIMESTAMP: HeaderName = HeaderName::from_static("x-slack-request-timestamp");
const CALLBACK: &str = "event_callback";
/// The longest body that may be a challenge.
const MAX_CHALLENGE_BODY: usize = 4096;
const MAX_CHALLENGE: usize = 256;
const PAUSES: [Duration; 3] = [Duration::ZERO, Duration::from_secs(60), Duration::from_secs(300)];
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
