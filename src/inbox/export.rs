//! `Stored` as a line of JSON, or as a row of a table.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Serialize, Serializer};

use super::{Record, Stored};
use crate::scheme::Timestamp;

#[derive(Serialize)]
struct Row<'a> {
    seq: i64,
    source: &'a str,
    tenant: Option<&'a str>,
    key_id: Option<&'a str>,
    id: Option<&'a str>,
    event_type: Option<&'a str>,
    received_at: String,
    state: &'static str,
    attempts: u32,
    reason: Option<&'static str>,
    error: Option<&'a str>,
    finished_at: Option<String>,
    digest: String,
    headers: Cow<'a, str>,
    body: Option<&'a str>,
    body_base64: Option<String>,
}

/// The members are those of [`Stored`] and [`Record`], side by side, each a text, a number or null. So [`serde_json`] writes a
/// line of JSON, and the `csv` crate a row:
///
/// ```
/// use tower_webhook::{error::InboxError, inbox::{Filter, Inbox, State}};
///
/// /// The dead deliveries with their bodies, as lines of JSON.
/// async fn dead(inbox: &Inbox) -> Result<Vec<String>, InboxError> {
///     let filter = Filter { state: Some(State::Dead), ..Filter::default() };
///     let mut lines = Vec::new();
///     for stored in inbox.store().list(filter).await? {
///         let whole = inbox.store().get(stored.seq).await?.unwrap_or(stored);
///         lines.push(serde_json::to_string(&whole).expect("nothing in it can fail"));
///     }
///     Ok(lines)
/// }
/// ```
///
/// Times are RFC 3339 in UTC and whole seconds, and the digest is hexadecimal. A body that is not UTF-8 is in `body_base64`
/// instead of `body`. The sender has chosen the id and the body: in a spreadsheet, import them as text, since a value that
/// begins with `=` would be a formula.
impl Serialize for Stored {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Record { source, tenant, key_id, id, event_type, received_at, headers, body, digest } =
            &self.record;
        let text = str::from_utf8(body).ok();
        let row = Row {
            seq: self.seq,
            source,
            tenant: tenant.as_deref(),
            key_id: key_id.as_deref(),
            id: id.as_deref(),
            event_type: event_type.as_deref(),
            received_at: Timestamp::from(*received_at).to_rfc3339(),
            state: self.state.name(),
            attempts: self.attempts,
            reason: self.reason.map(|reason| reason.name()),
            error: self.error.as_deref(),
            finished_at: self.finished_at.map(|at| Timestamp::from(at).to_rfc3339()),
            digest: base16ct::lower::encode_string(digest),
            headers: String::from_utf8_lossy(headers),
            body: text,
            body_base64: text.is_none().then(|| STANDARD.encode(body)),
        };
        row.serialize(serializer)
    }
}
