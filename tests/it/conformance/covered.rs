//! A proof in the body that does not cover the id or all events, and a key's name that nothing proves.

use serde_json::json;
use tower_webhook::{
    Described, Unpacked,
    decode::{DecodeError, Members},
    scheme::Tag,
    sender::ConformanceReport,
};

use super::*;

/// Has its proof in the body.
#[derive(Clone)]
struct Inside {
    key: HmacSha256,
    manner: Manner,
}

#[derive(Clone, Copy)]
struct Manner {
    /// The signed text of a body: its id, and its events.
    signed: fn(&str, &str) -> String,
    /// Where the receiver finds the id.
    id_by: IdBy,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum IdBy {
    Proof,
    Unpack,
    Describe,
    Nothing,
}

/// `{"id": …, "sig": …, "events": […]}`
impl Inside {
    fn judged(&self, body: &[u8]) -> Result<Authentic, VerifyError> {
        let text = str::from_utf8(body).map_err(|_| VerifyError::MalformedSignature)?;
        let all = Members::of(text).ok_or(VerifyError::MalformedSignature)?;
        let (Some(id), Some(tag), Some(events)) =
            (all.text("id"), all.text("sig"), all.raw("events"))
        else {
            return Err(VerifyError::MalformedSignature);
        };
        let check = self.key.check(Tag::hex(&tag)?).prefix((self.manner.signed)(&id, events));
        let proof = check.finish()?;
        Ok(if self.manner.id_by == IdBy::Proof { proof.id(&id) } else { proof })
    }
}

impl Provider for Inside {
    fn authenticate(&self, _: &Head<'_>) -> Result<Check, VerifyError> {
        let judge = self.clone();
        Ok(Check::whole(move |body| judge.judged(body)))
    }

    fn envelope(&self) -> Envelope {
        Envelope::adjacent("event", "payload").within("events")
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        let text = str::from_utf8(&body).map_err(|_| DecodeError::body("is not UTF-8"))?;
        let id = Members::of(text).and_then(|all| Some(all.text("id")?.into_owned()));
        let id = id.filter(|_| self.manner.id_by == IdBy::Unpack);
        let described = id.map(|id| Described::default().id(id)).unwrap_or_default();
        Ok(Unpacked::from(body).described(described))
    }

    fn describe<'b>(&self, outer: &Members<'b>) -> Described<'b> {
        let id = outer.text("id").filter(|_| self.manner.id_by == IdBy::Describe);
        id.map(|id| Described::default().id(id)).unwrap_or_default()
    }
}

impl Emit for Inside {
    fn encode(&self, events: &[Draft], outgoing: &Outgoing) -> Result<Bytes, SendError> {
        let events: Vec<_> = events.iter().map(|one| one.adjacent("event", "payload")).collect();
        let events = format!("[{}]", events.join(","));
        let tag = self.key.sign([(self.manner.signed)(&outgoing.id, &events)]).to_hex();
        let id = json!(outgoing.id);
        Ok(format!(r#"{{"id":{id},"sig":"{tag}","events":{events}}}"#).into())
    }

    fn sign(&self, _: &mut Parts, _: &[u8], _: &Outgoing) {}
}

fn report(manner: Manner) -> ConformanceReport {
    let [own, other] = ["our key of 16 bytes", "their key of 16 bytes"]
        .map(|key| Inside { key: HmacSha256::new(key).unwrap(), manner });
    conformance(&own, &other)
}

#[test]
fn an_id_in_the_body_is_to_be_signed() {
    let events_only: fn(&str, &str) -> String = |_, events| events.into();
    let both: fn(&str, &str) -> String = |id, events| json!([id, events]).to_string();
    for id_by in [IdBy::Proof, IdBy::Unpack, IdBy::Describe] {
        let report = report(Manner { signed: events_only, id_by });
        assert_eq!(report.failures(), ["replayed"], "{id_by:?}: {report}");
        let told = "replayed: FAILED: took another id from a request with another body\n";
        assert!(report.to_string().contains(told), "{report}");
    }
    for (signed, id_by) in [
        (both, IdBy::Proof),
        (both, IdBy::Unpack),
        (both, IdBy::Describe),
        (both, IdBy::Nothing),
        // It is not taken for the id of the delivery.
        (events_only, IdBy::Nothing),
    ] {
        report(Manner { signed, id_by }).assert_passed();
    }
}

#[test]
fn every_event_is_to_be_signed() {
    // The first one only, and all but the last byte of it.
    let signed: fn(&str, &str) -> String = |id, events| {
        let first = events.split("},{").next().unwrap_or_default();
        json!([id, first.trim_end_matches(['}', ']'])]).to_string()
    };
    let report = report(Manner { signed, id_by: IdBy::Nothing });
    assert_eq!(report.failures(), ["transplanted"], "{report}");
}

/// The name of its key comes from a header that proves nothing.
struct Tenant(HmacSha256);

impl Provider for Tenant {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let tag = Tag::hex(head.header("x-sig")?)?;
        let (key, name) = (self.0.clone(), head.public_header("x-tenant")?.to_owned());
        Ok(Check::whole(move |body| {
            let mut check = key.check(tag);
            check.update(body);
            check.finish().map(|_| Authentic::by_key(Some(&name)))
        }))
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("kind")
    }
}

impl Emit for Tenant {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        events[0].flat("kind").map(Into::into)
    }

    fn announce(&self, head: &mut Parts, _: &[Draft], _: &Outgoing) {
        head.headers.insert("x-tenant", HeaderValue::from_static("sofia"));
    }

    fn sign(&self, head: &mut Parts, body: &[u8], _: &Outgoing) {
        head.headers.insert("x-sig", self.0.sign([body]).to_hex().try_into().unwrap());
    }
}

#[test]
fn the_name_of_a_key_is_to_be_proven() {
    let [own, other] = ["our key of 16 bytes", "their key of 16 bytes"]
        .map(|key| Tenant(HmacSha256::new(key).unwrap()));
    let report = conformance(&own, &other);
    assert!(report.failures().contains(&"bit-flipped"), "{report}");
    let told = "bit-flipped: FAILED: took the name of another key from a request with another header `x-tenant`\n";
    assert!(report.to_string().contains(told), "{report}");
}

/// JSON lines, and a first line with the proof of the second one. A receiver handles all lines.
#[derive(Clone)]
struct Lines {
    key: HmacSha256,
    /// Whether a further line is signed, too.
    all: bool,
}

impl Lines {
    fn signed(&self, line: &str) -> Bytes {
        format!("{}\n{line}\n", self.key.sign([line]).to_hex()).into()
    }
}

impl Provider for Lines {
    fn authenticate(&self, _: &Head<'_>) -> Result<Check, VerifyError> {
        let Self { key, all } = self.clone();
        Ok(Check::whole(move |body| {
            let text = str::from_utf8(body).map_err(|_| VerifyError::MalformedSignature)?;
            let (tag, rest) = text.split_once('\n').ok_or(VerifyError::MalformedSignature)?;
            let signed = if all { rest } else { rest.split('\n').next().unwrap_or_default() };
            key.check(Tag::hex(tag)?).prefix(signed.trim_end()).finish()
        }))
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("kind")
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        let text = str::from_utf8(&body).map_err(|_| DecodeError::body("is not UTF-8"))?;
        let events: Vec<_> = text.lines().skip(1).collect();
        Ok(format!("[{}]", events.join(",")).into())
    }
}

impl Emit for Lines {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        let [event] = events else { return Err(SendError::NotOneEvent(events.len())) };
        Ok(self.signed(&event.flat("kind")?))
    }

    fn sign(&self, _: &mut Parts, _: &[u8], _: &Outgoing) {}
}

#[test]
fn the_end_of_the_body_is_to_be_signed() {
    let report = |all| {
        let [own, other] = ["our key of 16 bytes", "their key of 16 bytes"]
            .map(|key| Lines { key: HmacSha256::new(key).unwrap(), all });
        conformance(&own, &other)
    };
    report(true).assert_passed();
    let report = report(false);
    assert_eq!(report.failures(), ["body-altered"], "{report}");
    let told = "body-altered: FAILED: took other events from a request with another body\n";
    assert!(report.to_string().contains(told), "{report}");
}

/// Writes no event that lacks the other member which its envelope needs.
struct Beside(Lines);

impl Provider for Beside {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        self.0.authenticate(head)
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat_beside("kind", "id")
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        self.0.unpack(body)
    }
}

impl Emit for Beside {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        let [event] = events else { return Err(SendError::NotOneEvent(events.len())) };
        Ok(self.0.signed(&event.flat_beside("kind", "id")?))
    }

    fn sign(&self, _: &mut Parts, _: &[u8], _: &Outgoing) {}
}

#[test]
fn an_event_has_the_member_that_all_have_beside_their_type() {
    let [own, other] = ["our key of 16 bytes", "their key of 16 bytes"]
        .map(|key| Beside(Lines { key: HmacSha256::new(key).unwrap(), all: true }));
    conformance(&own, &other).assert_passed();
}
