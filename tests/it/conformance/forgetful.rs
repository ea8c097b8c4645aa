//! A provider that forgets one check does not conform; one that forgets none does, whatever it announces.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, request::Parts};
use tower_webhook::{
    Draft, Emit, Outgoing, Provider, Sender,
    clock::ManualClock,
    decode::Envelope,
    error::SendError,
    scheme::{Authentic, Check, Head, HmacSha256, Streaming, Tag, Timestamp, VerifyError},
    sender::{ConformanceReport, Tamper, Verdict, conformance},
};

type Values = Vec<(&'static str, String)>;

/// HMAC-SHA256 in hex in `x-sig`, over what `signed` says.
#[derive(Clone, Copy)]
struct Manner {
    authenticate: fn(&HmacSha256, &Head<'_>) -> Result<Check, VerifyError>,
    /// The signed bytes.
    signed: fn(&Outgoing, &[u8]) -> Vec<u8>,
    announced: fn(&Outgoing, &[Draft]) -> Values,
    /// Set together with the signature.
    proof: fn(&Outgoing) -> Values,
}

const PLAIN: Manner = Manner {
    authenticate: |key, head| tagged(key, head),
    signed: |_, body| body.to_vec(),
    announced: |_, _| vec![],
    proof: |_| vec![],
};

struct Hmaced(HmacSha256, Manner);

impl Provider for Hmaced {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        (self.1.authenticate)(&self.0, head)
    }

    fn envelope(&self) -> Envelope {
        Envelope::adjacent("event", "payload")
    }
}

impl Emit for Hmaced {
    fn encode(&self, events: &[Draft], _: &Outgoing) -> Result<Bytes, SendError> {
        Ok(events[0].adjacent("event", "payload").into())
    }

    fn announce(&self, head: &mut Parts, events: &[Draft], outgoing: &Outgoing) {
        set(head, (self.1.announced)(outgoing, events));
    }

    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing) {
        set(head, (self.1.proof)(outgoing));
        let tag = self.0.sign([(self.1.signed)(outgoing, body)]);
        set(head, vec![("x-sig", tag.to_hex())]);
    }
}

fn set(head: &mut Parts, values: Values) {
    for (name, value) in values {
        let value = HeaderValue::from_str(&value).unwrap();
        head.headers.insert(HeaderName::from_static(name), value);
    }
}

fn tagged(key: &HmacSha256, head: &Head<'_>) -> Result<Check, VerifyError> {
    Ok(key.check(Tag::hex(head.header("x-sig")?)?))
}

fn fresh<'h>(head: &Head<'h>, name: &'static str) -> Result<&'h str, VerifyError> {
    let time = head.public_header(name)?;
    Timestamp::seconds(time)?.within(Duration::from_secs(300), head.now())?;
    Ok(time)
}

fn undotted<'h>(head: &Head<'h>) -> Result<&'h str, VerifyError> {
    let id = head.public_header("x-id")?;
    if id.contains('.') { Err(VerifyError::Other("the id holds a dot".into())) } else { Ok(id) }
}

fn seconds(outgoing: &Outgoing) -> String {
    outgoing.now.duration_since(UNIX_EPOCH).unwrap().as_secs().to_string()
}

fn joined(parts: &[&str], body: &[u8]) -> Vec<u8> {
    [parts.concat().as_bytes(), body].concat()
}

/// All that a request can say without a proof.
fn informational(outgoing: &Outgoing, events: &[Draft]) -> Values {
    let kind = events.first().map(|event| event.event_type.clone()).unwrap_or_default();
    vec![("x-event", kind), ("x-sent-at", seconds(outgoing)), ("x-delivery", outgoing.id.clone())]
}

const STAMP_UNSIGNED: Manner = Manner {
    authenticate: |key, head| {
        fresh(head, "x-ts")?;
        tagged(key, head)
    },
    announced: |outgoing, _| vec![("x-ts", seconds(outgoing))],
    ..PLAIN
};

const STAMPS_UNSIGNED: Manner = Manner {
    authenticate: |key, head| {
        fresh(head, "x-ts")?;
        fresh(head, "x-sent-at")?;
        tagged(key, head)
    },
    announced: |outgoing, events| {
        [informational(outgoing, events), vec![("x-ts", seconds(outgoing))]].concat()
    },
    ..PLAIN
};

const ID_UNSIGNED: Manner = Manner {
    authenticate: |key, head| Ok(tagged(key, head)?.id(head.public_header("x-id")?)),
    announced: |outgoing, _| vec![("x-id", outgoing.id.clone())],
    ..PLAIN
};

/// What names the event is taken for the id of the delivery.
const KIND_FOR_ID: Manner = Manner {
    authenticate: |key, head| Ok(tagged(key, head)?.id(head.public_header("x-event")?)),
    announced: informational,
    ..PLAIN
};

const AGE_UNCHECKED: Manner = Manner {
    authenticate: |key, head| {
        let time = head.public_header("x-ts")?;
        Ok(tagged(key, head)?.prefix(time).prefix("."))
    },
    signed: |outgoing, body| joined(&[&seconds(outgoing), "."], body),
    announced: |outgoing, _| vec![("x-ts", seconds(outgoing))],
    ..PLAIN
};

const DOTTED: Manner = Manner {
    authenticate: |key, head| {
        let id = head.public_header("x-id")?;
        Ok(tagged(key, head)?.prefix(id).prefix(".").id(id))
    },
    signed: |outgoing, body| joined(&[&outgoing.id, "."], body),
    proof: |outgoing| vec![("x-id", outgoing.id.clone())],
    ..PLAIN
};

const RUN_TOGETHER: Manner = Manner {
    authenticate: |key, head| {
        let id = head.public_header("x-id")?;
        Ok(tagged(key, head)?.prefix(id).id(id))
    },
    signed: |outgoing, body| joined(&[&outgoing.id], body),
    ..DOTTED
};

const DOTTED_BEFORE_THE_TIME: Manner = Manner {
    authenticate: |key, head| {
        let (id, time) = (head.public_header("x-id")?, fresh(head, "x-ts")?);
        Ok(tagged(key, head)?.prefix(id).prefix(".").prefix(time).prefix(".").id(id))
    },
    signed: |outgoing, body| joined(&[&outgoing.id, ".", &seconds(outgoing), "."], body),
    announced: |outgoing, _| vec![("x-id", outgoing.id.clone()), ("x-ts", seconds(outgoing))],
    ..PLAIN
};

/// Has id and time in one header, and takes all but the last part for the id.
const DOTTED_IN_ONE: Manner = Manner {
    authenticate: |key, head| {
        let all = head.public_header("x-all")?;
        let (id, time) = all.rsplit_once('.').ok_or(VerifyError::MalformedTimestamp)?;
        Timestamp::seconds(time)?.within(Duration::from_secs(300), head.now())?;
        Ok(tagged(key, head)?.prefix(all).prefix(".").id(id))
    },
    announced: |_, _| vec![],
    ..IN_ONE
};

#[track_caller]
fn report(manner: Manner) -> ConformanceReport {
    let [own, other] = ["our key of 16 bytes", "their key of 16 bytes"];
    let provider = |key| Hmaced(HmacSha256::new(key).unwrap(), manner);
    conformance(&provider(own), &provider(other))
}

#[track_caller]
fn verdict(report: &ConformanceReport, tamper: Tamper) -> &Verdict {
    &report.cases().iter().find(|case| case.name == tamper.name()).unwrap().verdict
}

#[track_caller]
fn assert_fails(report: &ConformanceReport, names: &[&str], told: &str) {
    assert_eq!(report.failures(), names, "{report}");
    assert!(report.to_string().contains(told), "{report}");
}

#[test]
fn a_time_that_is_not_signed_fails() {
    let told =
        "restamped: FAILED: accepted an otherwise refused request with another header `x-ts`\n";
    assert_fails(&report(STAMP_UNSIGNED), &["restamped"], told);
    let told = "restamped: FAILED: accepted an otherwise refused request with another header `x-sent-at`, with another header `x-ts`\n";
    assert_fails(&report(STAMPS_UNSIGNED), &["restamped"], told);
    assert_eq!(*verdict(&report(STAMP_UNSIGNED), Tamper::Stale), Verdict::NotApplicable);
}

#[test]
fn an_id_that_is_not_signed_fails() {
    let told = "replayed: FAILED: took another id from a request with another header `x-id`\n";
    let spoilt = ["empty", "bit-flipped", "truncated", "extended", "garbage", "replayed"];
    assert_fails(&report(ID_UNSIGNED), &spoilt, told);
    let told = "garbage: FAILED: took another id from a request with another header `x-event`\n";
    assert_fails(&report(KIND_FOR_ID), &spoilt[..5], told);
}

#[test]
fn an_announced_time_whose_age_is_not_checked_fails() {
    let told = "stale: FAILED: accepted a request with another header `x-sig`, with another header `x-ts`\n";
    assert_fails(&report(AGE_UNCHECKED), &["stale", "early"], told);
}

#[test]
fn an_id_that_runs_into_what_follows_fails() {
    for (manner, names) in [
        (DOTTED, ["x-id", "x-sig"]),
        (RUN_TOGETHER, ["x-id", "x-sig"]),
        (DOTTED_BEFORE_THE_TIME, ["x-id", "x-sig"]),
        (DOTTED_IN_ONE, ["x-all", "x-sig"]),
    ] {
        let [id, tag] = names.map(|name| format!("with another header `{name}`"));
        let told =
            format!("transplanted: FAILED: accepted a request {id}, {tag}, with another body\n");
        assert_fails(&report(manner), &["transplanted"], &told);
    }
}

/// As the others, and signs id and time, which are announced.
const CAREFUL: Manner = Manner {
    authenticate: |key, head| {
        let (id, time) = (undotted(head)?, fresh(head, "x-ts")?);
        Ok(tagged(key, head)?.prefix(id).prefix(".").prefix(time).prefix(".").id(id))
    },
    announced: |outgoing, events| {
        [
            informational(outgoing, events),
            vec![("x-id", outgoing.id.clone()), ("x-ts", seconds(outgoing))],
        ]
        .concat()
    },
    ..DOTTED_BEFORE_THE_TIME
};

/// Has all in one header, and says it again without a proof.
const IN_ONE: Manner = Manner {
    authenticate: |key, head| {
        let all = head.public_header("x-all")?;
        let (id, time) = all.split_once('.').ok_or(VerifyError::MalformedTimestamp)?;
        Timestamp::seconds(time)?.within(Duration::from_secs(300), head.now())?;
        Ok(tagged(key, head)?.prefix(all).prefix(".").id(id))
    },
    signed: |outgoing, body| joined(&[&outgoing.id, ".", &seconds(outgoing), "."], body),
    announced: informational,
    proof: |outgoing| vec![("x-all", format!("{}.{}", outgoing.id, seconds(outgoing)))],
};

#[test]
fn a_time_and_an_id_that_only_inform_do_not_apply() {
    let informed = report(Manner { announced: informational, ..PLAIN });
    informed.assert_passed();
    for tamper in [Tamper::Stale, Tamper::Early, Tamper::Restamped, Tamper::Replayed] {
        assert_eq!(*verdict(&informed, tamper), Verdict::NotApplicable, "{informed}");
    }
}

#[test]
fn an_announced_time_and_id_that_are_signed_pass() {
    for manner in [CAREFUL, IN_ONE] {
        let careful = report(manner);
        careful.assert_passed();
        for tamper in [Tamper::Stale, Tamper::Early, Tamper::Restamped, Tamper::Replayed] {
            assert_ne!(*verdict(&careful, tamper), Verdict::NotApplicable, "{careful}");
        }
    }
}

#[test]
fn a_sender_announces_the_time_of_what_it_forges() {
    let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let sender = |manner, tamper| {
        let provider = Hmaced(HmacSha256::new("our key of 16 bytes").unwrap(), manner);
        Sender::new(provider).clock(ManualClock::new(now)).tampered(tamper).raw("a", "{}")
    };
    let ten_years = 10 * 365 * 24 * 60 * 60;
    for (tamper, time) in [
        (Tamper::Stale, 1_700_000_000 - ten_years),
        (Tamper::Early, 1_700_000_000 + ten_years),
        (Tamper::Restamped, 1_700_000_000),
    ] {
        let forged = sender(CAREFUL, tamper).unwrap();
        assert_eq!(forged.headers()["x-ts"], time.to_string().as_str(), "{tamper:?}");
        let none = sender(Manner { announced: informational, ..PLAIN }, tamper).unwrap_err();
        assert!(matches!(none, SendError::Tamper(name) if name == tamper.name()), "{none:?}");
    }
}

/// Has its proof in the body, as `{"sig": …, "event": …, "payload": …}`: over a part of it, or in a header.
#[derive(Clone)]
struct Partly {
    key: HmacSha256,
    /// What of `[time, event, payload]` is signed.
    signed: [bool; 3],
    in_header: bool,
}

impl Partly {
    fn tag(&self, time: &str, event: &str, payload: &str) -> Tag {
        let parts = [time, event, payload].into_iter().zip(self.signed);
        let parts: Vec<_> = parts.map(|(part, signed)| if signed { part } else { "" }).collect();
        self.key.sign([parts.join(".")])
    }

    fn parsed(&self, time: &str, body: &[u8]) -> Option<(Tag, Option<String>)> {
        #[derive(serde::Deserialize)]
        struct Parts<'b> {
            sig: Option<String>,
            event: String,
            #[serde(borrow)]
            payload: &'b serde_json::value::RawValue,
        }
        let parts: Parts<'_> = serde_json::from_slice(body).ok()?;
        Some((self.tag(time, &parts.event, parts.payload.get()), parts.sig))
    }
}

struct Reading {
    provider: Partly,
    given: Option<String>,
    time: String,
    body: Vec<u8>,
}

impl Streaming for Reading {
    fn update(&mut self, bytes: &[u8]) {
        self.body.extend_from_slice(bytes);
    }

    fn finish(self: Box<Self>) -> Result<Authentic, VerifyError> {
        let parsed = self.provider.parsed(&self.time, &self.body);
        let (wanted, sig) = parsed.ok_or(VerifyError::MalformedSignature)?;
        match self.given.or(sig) == Some(wanted.to_hex()) {
            true => Ok(Authentic::dangerous_assert()),
            false => Err(VerifyError::SignatureMismatch),
        }
    }
}

impl Provider for Partly {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let given = self.in_header.then(|| head.header("x-sig").map(str::to_owned)).transpose()?;
        let time = if self.signed[0] { fresh(head, "x-ts")?.to_owned() } else { String::new() };
        Ok(Check::streaming(Reading { provider: self.clone(), given, time, body: vec![] }))
    }

    fn envelope(&self) -> Envelope {
        Envelope::adjacent("event", "payload")
    }
}

impl Emit for Partly {
    fn encode(&self, events: &[Draft], outgoing: &Outgoing) -> Result<Bytes, SendError> {
        let Draft { event_type, json, .. } = &events[0];
        if self.in_header {
            return Ok(events[0].adjacent("event", "payload").into());
        }
        let tag = self.tag(&seconds(outgoing), event_type, json).to_hex();
        Ok(format!(r#"{{"sig":"{tag}","event":"{event_type}","payload":{json}}}"#).into())
    }

    fn announce(&self, head: &mut Parts, _: &[Draft], outgoing: &Outgoing) {
        set(head, vec![("x-ts", seconds(outgoing))]);
    }

    fn sign(&self, head: &mut Parts, body: &[u8], outgoing: &Outgoing) {
        if self.in_header {
            let parsed = self.parsed(&seconds(outgoing), body);
            let tag = parsed.map_or_else(String::new, |(tag, _)| tag.to_hex());
            set(head, vec![("x-sig", tag)]);
        }
    }
}

#[test]
fn type_and_payload_are_to_be_signed() {
    let provider =
        |key, signed, in_header| Partly { key: HmacSha256::new(key).unwrap(), signed, in_header };
    for in_header in [false, true] {
        for (signed, failures) in [
            ([false, true, true], &[][..]),
            ([true, true, true], &[]),
            ([false, false, true], &["transplanted"]),
            ([true, false, true], &["transplanted"]),
            ([false, true, false], &["transplanted"]),
            ([true, true, false], &["transplanted"]),
        ] {
            let [own, other] = ["our key of 16 bytes", "their key of 16 bytes"];
            let report =
                conformance(&provider(own, signed, in_header), &provider(other, signed, in_header));
            let mut failed = report.failures();
            // A header over a part of the body lets the rest be altered, too.
            failed.retain(|name| !in_header || *name != "body-altered");
            assert_eq!(failed, failures, "{signed:?}, {in_header}:\n{report}");
            if !in_header && !failures.is_empty() {
                let told = "transplanted: FAILED: accepted a request with another body\n";
                assert!(report.to_string().contains(told), "{report}");
            }
        }
    }
}
