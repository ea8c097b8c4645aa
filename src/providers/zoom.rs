//! Zoom: event subscriptions of apps.
//!
//! Documented at <https://developers.zoom.us/docs/api/webhooks> and
//! <https://devsupport.zoom.us/hc/en-us/articles/360059893812>. **Run** in the table: Zoom's own library, `@zoom/rivet`, judges and
//! answers so.
//!
//! | fact | value | source |
//! |---|---|---|
//! | authentication | `x-zm-signature: v0=<hex>`: HMAC-SHA256 over `v0:time:body`. The key is the text of the app's secret token | run |
//! | signed bytes | those of the body. Zoom's library signs the JSON that it reads and writes again, which is the same for Zoom's own bodies. If white space was added on the way, then the library accepts a body that this crate refuses | run |
//! | replay | `x-zm-request-timestamp` is signed. No tolerance is stated, and Zoom's library does not check the time. See below | run |
//! | type | `event`, such as `meeting.started`, signed | run |
//! | payload | `payload`. Your type is for this member | run |
//! | delivery id | none is known | unknown |
//! | challenge | `event: "endpoint.url_validation"`, signed. Answered with `plainToken` and `encryptedToken`, its HMAC-SHA256 in hex | run |
//! | retries | 5 minutes after the first attempt, 20 minutes after the second, 60 minutes after the third. Then the event is lost | documented |
//! | answer | 200 or 204 within 3 seconds | documented |
//! | media type | JSON is documented, and each is accepted | documented |
//!
//! # The time
//!
//! It is unknown whether a retry is signed with a new time. If it has the time of the first attempt, then the last retry comes 85
//! minutes late, and a tolerance of 5 minutes would refuse each retry. So a request may be [`Zoom::MAX_AGE`] old, 2 hours. That is
//! enough for all documented retries, and somebody who has recorded a request can send it again for no longer. If you find that
//! retries have a new time, then set [`Zoom::max_age`] to 5 minutes. A time in the future may be at most 5 minutes ahead.
//!
//! # The challenge
//!
//! The answer to a challenge is a signature of a text that the request chooses. If the text was `v0:time:body`, then the answer would
//! be the signature of a delivery. So a challenge is answered only if it is signed, and if its `plainToken` has 1 to 64 letters,
//! digits, `-` and `_`. Another one is refused: with 401 if it is not signed, and with 400 otherwise. While the secret is changed, the
//! answer is signed with the key that verified the challenge. A challenge does not reach a handler, unless its body is longer than
//! 4 KiB. Such a body is not answered, and is an ordinary event.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use tower::{Layer, ServiceExt};
//! use tower_webhook::{EventRouter, Sender, VerifyLayer, event, providers::zoom::Zoom};
//!
//! #[derive(Deserialize, Serialize)]
//! struct MeetingStarted {
//!     object: Meeting,
//! }
//! #[derive(Deserialize, Serialize)]
//! struct Meeting {
//!     topic: String,
//! }
//! event!(MeetingStarted: Zoom = "meeting.started");
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower_webhook::BoxError> {
//! let provider = Zoom::new("the secret token of the app")?;
//! let events = EventRouter::new().on(async |e: MeetingStarted| println!("{} began", e.object.topic));
//! let hook = VerifyLayer::new(provider.clone()).layer(events);
//! let request = Sender::new(provider).event(&MeetingStarted { object: Meeting { topic: "Lesson".into() } })?;
//! assert_eq!(hook.oneshot(request).await?.status(), 200);
//! # Ok(()) }
//! ```
//!
//! # Duplicates
//!
//! Zoom waits 3 seconds for an answer, and then sends the event again. No id is known: [`Delivery::id`](crate::Delivery::id) is
//! `None`. So a handler must bear the same event twice. If your handlers may take longer, put an [`Inbox`](crate::inbox::Inbox) behind
//! the layer, and let [`Inbox::id`](crate::inbox::Inbox::id) make an id of members of the body.
//!
//! To try it: "Validate" beside the URL in the settings of the app sends a challenge. Start a meeting for an event.
//!
//! # Open questions
//!
//! Whether a retry is signed with a new time. Whether an event has an id. Which characters a `plainToken` can have.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use http::{HeaderName, Response, request::Parts};
use serde_json::json;

use super::{challenge_answer, check_v0, insert, is_plain, members, only, sign_v0};
use crate::{
    Draft, Emit, Outgoing, Provider, Schedule,
    decode::{Envelope, Members},
    error::{ConfigError, SendError},
    scheme::{Authentic, Check, Head, HmacSha256, Keys, Timestamp, VerifyError},
};

/// The sender Zoom.
#[derive(Clone, Debug)]
pub struct Zoom {
    keys: HmacSha256,
    max_age: Duration,
}

impl Zoom {
    /// The default maximum age of a request: 2 hours. The last documented retry is 85 minutes after the first attempt.
    pub const MAX_AGE: Duration = Duration::from_secs(2 * 60 * 60);

    /// Accepts requests that are signed with any of the keys: the secret token of the app, as text.
    ///
    /// # Errors
    ///
    /// Those of [`HmacSha256::new`]: an unusable secret, one of fewer than 16 bytes
    /// ([`Secret::dangerous_short`](crate::scheme::Secret::dangerous_short) allows them), or more than
    /// [`MAX_KEYS`](crate::scheme::MAX_KEYS).
    pub fn new(keys: impl Into<Keys>) -> Result<Self, ConfigError> {
        Ok(Self { keys: HmacSha256::new(keys)?, max_age: Self::MAX_AGE })
    }

    /// The maximum age of a request by its timestamp. If it is exceeded, the request is refused. By default
    /// [`Zoom::MAX_AGE`], 2 hours: see [the time](self#the-time). A timestamp in the future may be at most 5 minutes ahead.
    #[must_use]
    pub fn max_age(self, max_age: Duration) -> Self {
        Self { max_age, ..self }
    }
}

impl Provider for Zoom {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let time = head.public_header(&TIMESTAMP)?;
        Timestamp::seconds(time)?.between(self.max_age, MAX_AHEAD, head.now())?;
        check_v0(&self.keys, time, head.header(&SIGNATURE)?)
    }

    fn envelope(&self) -> Envelope {
        Envelope::adjacent("event", "payload")
    }

    fn answer(&self, proof: &Authentic, body: &[u8]) -> Option<Response<Bytes>> {
        if body.len() > MAX_CHALLENGE_BODY {
            return None;
        }
        let all = members(body)?;
        all.text("event").filter(|event| event == "endpoint.url_validation")?;
        let payload = all.raw("payload").and_then(Members::of);
        let token = payload.and_then(|payload| payload.text("plainToken"));
        // Every signed message has a colon, so the answer is not the signature of one.
        let token = token.filter(|token| is_plain(token, MAX_TOKEN));
        Some(challenge_answer(token.map(|token| {
            let encrypted = self.keys.sign_as(proof, [&*token]).to_hex();
            json!({ "plainToken": token, "encryptedToken": encrypted })
        })))
    }

    fn name(&self) -> Cow<'static, str> {
        "zoom".into()
    }
}

impl Emit for Zoom {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        Ok(only(events)?.adjacent("event", "payload").into())
    }

    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing) {
        let (time, signature) = sign_v0(&self.keys, body, outgoing);
        insert(head, &TIMESTAMP, &time);
        insert(head, &SIGNATURE, &signature);
    }

    fn schedule(&self) -> Schedule {
        Schedule::retrying(&PAUSES[..]).answer_timeout(ANSWER_TIMEOUT)
    }
}

static SIGNATURE: HeaderName = HeaderName::from_static("x-zm-signature");
static TIMESTAMP: HeaderName = HeaderName::from_static("x-zm-request-timestamp");
const MAX_AHEAD: Duration = Duration::from_secs(5 * 60);
/// The longest body that may be a challenge.
const MAX_CHALLENGE_BODY: usize = 4096;
const MAX_TOKEN: usize = 64;
const PAUSES: [Duration; 3] =
    [Duration::from_secs(5 * 60), Duration::from_secs(20 * 60), Duration::from_secs(60 * 60)];
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
