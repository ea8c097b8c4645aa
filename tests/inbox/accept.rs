//! `Inbox` behind the real layer: what it stores, and what it answers.

mod replays;

use std::{
    borrow::Cow,
    convert::Infallible,
    fmt::Debug,
    future::{pending, ready},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::{sync::Semaphore, task::JoinSet};
use tower::{Layer, Service, ServiceExt};
use tower_webhook::{
    Body, Delivery, Described, Emit, Provider, Rejection, Sender, Unpacked, VerifyLayer,
    decode::{DecodeError, Envelope, Members},
    error::InboxError,
    inbox::{
        Claim, Enqueued, Filter, Finish, Inbox, Lease, Leased, Mark, MemoryStore, NewDelivery,
        Pressure, Purged, Replay, Retention, State, Stats, Store, StoreFuture, Stored,
    },
    providers::{
        learn365::Learn365, loops::Loops, standard_webhooks::StandardWebhooks,
        synthesis_vr::SynthesisVr,
    },
    scheme::{Authentic, Check, Head, Keys, Token, VerifyError},
    sender::Tamper,
};

use crate::support::{Shop, as_its};

const SECRET: &str = "learn365's own secret, 40 characters long";
const OTHER_SECRET: &str = "not learn365's secret, 40 characters long";
const WHSEC: &str = "whsec_b3VyIG93biBzZWNyZXQsIG5vYm9keSBlbHNlJ3M=";
const TOKEN: &str = "0123456789abcdef0123456789ABC-_f";
const BODY: &str = r#"{"Id":"d1","Attempt":1,"Properties":{},"Notifications":[{"Action":"A"}]}"#;

fn learn365() -> Learn365 {
    Learn365::new(SECRET).unwrap()
}

fn standard_webhooks() -> StandardWebhooks {
    StandardWebhooks::new(WHSEC).unwrap()
}

fn synthesis_vr() -> SynthesisVr {
    SynthesisVr::dangerous_unauthenticated()
}

/// A request of this sender.
fn signed<P: Emit>(provider: P, body: impl Into<Bytes>) -> Request<Body> {
    Sender::new(provider).id("msg_1").body(body).unwrap()
}

struct Answer {
    status: StatusCode,
    head: http::response::Parts,
    body: Bytes,
}

impl Answer {
    fn enqueued(&self) -> Option<Enqueued> {
        self.head.extensions.get().copied()
    }

    /// The number of a delivery that was new.
    #[track_caller]
    fn number(&self) -> i64 {
        assert_eq!(self.status, 200);
        let Some(Enqueued::New(seq)) = self.enqueued() else { panic!("{:?}", self.enqueued()) };
        seq
    }

    #[track_caller]
    fn is_duplicate_of(&self, first: i64) {
        assert_eq!(self.status, 200);
        let expected = Enqueued::Duplicate { first, body_differs: false };
        assert_eq!(self.enqueued(), Some(expected));
    }

    /// It was not stored, for this reason, and the sender may try again.
    #[track_caller]
    fn is_not_stored(&self, why: InboxError) {
        assert_eq!(self.status, 503);
        let reason = self.head.extensions.get::<Rejection>();
        assert_eq!(reason, Some(&Rejection::NotStored(why)));
        assert_eq!(self.enqueued(), None);
        let after: u64 = self.head.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((5..15).contains(&after), "{after}");
        assert_eq!(self.body, r#"{"title":"Service Unavailable","status":503}"#);
    }
}

async fn answered<S, B>(hook: S, request: Request<Body>) -> Answer
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body<Data = Bytes, Error: Debug>,
{
    let (head, body) = hook.oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: head.status, head, body }
}

async fn posted<P: Provider>(inbox: &Inbox, provider: P, request: Request<Body>) -> Answer {
    answered(VerifyLayer::new(provider).layer(inbox.clone()), request).await
}

async fn all(inbox: &Inbox) -> Vec<Stored> {
    inbox.store().list(Filter::default()).await.unwrap()
}

async fn one(inbox: &Inbox, seq: i64) -> Stored {
    inbox.store().get(seq).await.unwrap().unwrap()
}

fn memory() -> Inbox {
    Inbox::new(MemoryStore::new())
}

/// A store in memory that waits, fails, or says how full it is.
#[derive(Clone, Debug)]
struct Stub {
    inner: MemoryStore,
    used: f64,
    fails: Option<InboxError>,
    /// A write takes one of these.
    writes: Arc<Semaphore>,
}

fn stub() -> Stub {
    let writes = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
    Stub { inner: MemoryStore::new(), used: 0.0, fails: None, writes }
}

impl Stub {
    fn full(used: f64) -> Self {
        Self { used, ..stub() }
    }

    fn failing(error: InboxError) -> Self {
        Self { fails: Some(error), ..stub() }
    }

    /// Its writes wait until they are let go.
    fn waiting() -> Self {
        Self { writes: Arc::new(Semaphore::new(0)), ..stub() }
    }

    async fn stored(&self) -> usize {
        self.inner.list(Filter::default()).await.unwrap().len()
    }

    /// Waits until so many deliveries are stored.
    async fn stores(&self, count: usize) {
        self.writes.add_permits(count);
        while self.stored().await < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Store for Stub {
    fn enqueue(&self, new: NewDelivery) -> StoreFuture<'static, Enqueued> {
        if let Some(error) = self.fails.clone() {
            return Box::pin(ready(Err(error)));
        }
        let (inner, writes) = (self.inner.clone(), self.writes.clone());
        let writing = tokio::spawn(async move {
            writes.acquire().await.unwrap().forget();
            inner.enqueue(new).await
        });
        Box::pin(async { writing.await.unwrap() })
    }

    fn pressure(&self) -> Pressure {
        Pressure { used: self.used }
    }

    fn ping(&self) -> StoreFuture<'static, ()> {
        match self.fails.clone() {
            Some(error) => Box::pin(ready(Err(error))),
            None if self.writes.available_permits() == 0 => Box::pin(pending()),
            None => self.inner.ping(),
        }
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'static, Vec<Leased>> {
        self.inner.claim(claim)
    }

    fn begin(&self, lease: Lease) -> StoreFuture<'static, bool> {
        self.inner.begin(lease)
    }

    fn extend(&self, lease: Lease, by: Duration, ends: Vec<Mark>) -> StoreFuture<'static, bool> {
        self.inner.extend(lease, by, ends)
    }

    fn finish(&self, lease: Lease, ends: Vec<Mark>, finish: Finish) -> StoreFuture<'static, bool> {
        self.inner.finish(lease, ends, finish)
    }

    as_its!(inner);
}

#[tokio::test]
async fn what_is_stored_is_answered_200() {
    let inbox = memory();
    let before = SystemTime::now();
    let answer = posted(&inbox, learn365(), signed(learn365(), BODY)).await;
    let seq = answer.number();
    assert_eq!(answer.body, "");
    assert_eq!(answer.head.headers["cache-control"], "no-store");
    let Stored { record, state, attempts, .. } = one(&inbox, seq).await;
    assert_eq!((state, attempts), (State::Ready, 0));
    assert_eq!(&*record.source, "learn365");
    // It stands in the body.
    assert_eq!(record.id.as_deref(), Some("d1"));
    assert_eq!((record.tenant, record.key_id, record.event_type), (None, None, None));
    assert_eq!(record.body, BODY);
    assert!((before..=SystemTime::now()).contains(&record.received_at));
    let headers = String::from_utf8(record.headers.to_vec()).unwrap();
    assert!(headers.contains("content-type: application/json"), "{headers}");
    assert!(headers.ends_with("\r\n"), "{headers:?}");
}

#[tokio::test]
async fn e10_a_copy_is_answered_200_and_not_stored() {
    let inbox = memory();
    let first = posted(&inbox, learn365(), signed(learn365(), BODY)).await.number();
    posted(&inbox, learn365(), signed(learn365(), BODY)).await.is_duplicate_of(first);
    let other = BODY.replace(r#""Attempt":1"#, r#""Attempt":2"#);
    let answer = posted(&inbox, learn365(), signed(learn365(), other)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.enqueued(), Some(Enqueued::Duplicate { first, body_differs: true }));
    assert_eq!(all(&inbox).await.len(), 1);
}

#[tokio::test]
async fn f1_of_copies_that_come_at_once_one_is_stored() {
    let inbox = memory();
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let inbox = inbox.clone();
        tasks.spawn(async move { posted(&inbox, learn365(), signed(learn365(), BODY)).await });
    }
    let answers = tasks.join_all().await;
    let is_new = |answer: &&Answer| matches!(answer.enqueued(), Some(Enqueued::New(_)));
    assert_eq!(answers.iter().filter(is_new).count(), 1);
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(all(&inbox).await.len(), 1);
}

#[tokio::test]
async fn c2_c3_c33_what_cannot_be_decoded_is_stored_all_the_same() {
    let inbox = memory();
    for body in [&b"{"[..], b"", b"\xff\x00", b"[]", br#"{"Id": 7}"#] {
        let seq = posted(&inbox, learn365(), signed(learn365(), body)).await.number();
        let record = one(&inbox, seq).await.record;
        assert_eq!((record.id, &*record.body), (None, body));
    }
    // Here the id is in the head.
    let broken = || signed(standard_webhooks(), "{");
    let first = posted(&inbox, standard_webhooks(), broken()).await.number();
    posted(&inbox, standard_webhooks(), broken()).await.is_duplicate_of(first);
}

#[tokio::test]
async fn what_has_no_id_is_like_no_other() {
    let inbox = memory();
    let long = BODY.replace("d1", &"x".repeat(257));
    for body in [BODY.replace("d1", ""), BODY.replace(r#""Id":"d1","#, ""), long] {
        let first = posted(&inbox, learn365(), signed(learn365(), body.clone())).await.number();
        let second = posted(&inbox, learn365(), signed(learn365(), body)).await.number();
        assert!(second > first);
    }
}

#[tokio::test]
async fn what_is_not_authentic_is_not_stored() {
    let inbox = memory();
    let forged = Sender::new(learn365()).tampered(Tamper::BodyAltered).body(BODY).unwrap();
    assert_eq!(posted(&inbox, learn365(), forged).await.status, 401);
    let get = Request::get("/").body(Body::default()).unwrap();
    assert_eq!(posted(&inbox, learn365(), get).await.status, 405);
    assert!(all(&inbox).await.is_empty());
}

/// All that a store was given of a delivery.
async fn dumped(inbox: &Inbox, seq: i64) -> String {
    let stored = one(inbox, seq).await;
    let record = &stored.record;
    let texts = [&record.tenant, &record.key_id, &record.id, &record.event_type];
    let texts: Vec<_> = texts.into_iter().flatten().map(|text| &**text).collect();
    let bytes = [&record.headers[..], &record.body[..]].map(String::from_utf8_lossy);
    format!("{} {texts:?} {} {stored:?} {inbox:?}", record.source, bytes.concat())
}

const CANARY: &str = "canary-canary-canary-canary-canary-canary";

/// Stores a delivery, and looks for secrets and the path in what is stored.
async fn keeps_secrets<P: Emit + Clone>(provider: P, secrets: &[&str]) {
    let uri = "http://127.0.0.1/hook-of-us?query-of-us=1".parse().unwrap();
    let mut request =
        Sender::new(provider.clone()).to(uri).body(r#"{"note": "the body"}"#).unwrap();
    for name in ["authorization", "proxy-authorization", "cookie"] {
        if !request.headers().contains_key(name) {
            request.headers_mut().insert(name, CANARY.parse().unwrap());
        }
    }
    request.headers_mut().insert("x-other", "another header".parse().unwrap());
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()));
    let sent = format!("{} {}", request.uri(), headers.collect::<String>());
    for secret in secrets {
        assert!(sent.contains(secret), "{secret} is not in {sent}");
    }
    let inbox = memory().tenant("acme");
    let seq = posted(&inbox, provider, request).await.number();
    let dump = dumped(&inbox, seq).await;
    for kept in ["the body", "x-other: another header", "authorization: [redacted]", "acme"] {
        assert!(dump.contains(kept), "{kept} is not in {dump}");
    }
    for hidden in secrets.iter().chain(&[CANARY, SECRET, WHSEC, TOKEN, "hook-of-us", "query-of-us"])
    {
        assert!(!dump.contains(hidden), "{hidden} is in {dump}");
    }
}

#[tokio::test]
async fn g2_no_credential_and_no_path_is_stored() {
    let loops = |token: Token| Loops::new(token);
    keeps_secrets(loops(Token::path(TOKEN).unwrap()), &[TOKEN]).await;
    keeps_secrets(loops(Token::bearer(TOKEN).unwrap()), &[TOKEN]).await;
    keeps_secrets(loops(Token::header("x-api-key", TOKEN).unwrap()), &[TOKEN]).await;
}

/// Stores a delivery, and looks for the parts of its signature in what is stored.
async fn keeps_signature<P: Emit + Clone>(provider: P, header: &str) {
    let request = signed(provider.clone(), BODY);
    let signature = request.headers()[header].to_str().unwrap().to_owned();
    let inbox = memory();
    let seq = posted(&inbox, provider, request).await.number();
    let dump = dumped(&inbox, seq).await;
    assert!(dump.contains(&format!("{header}: [redacted]")), "{dump}");
    let parts: Vec<_> = signature.split([',', '=', ' ']).filter(|part| part.len() > 8).collect();
    assert!(!parts.is_empty(), "{signature}");
    for part in parts {
        assert!(!dump.contains(part), "{part} is in {dump}");
    }
}

#[tokio::test]
async fn g2_no_signature_is_stored() {
    keeps_signature(learn365(), "ms-signature").await;
    keeps_signature(standard_webhooks(), "webhook-signature").await;
}

/// Proxies repeat the target in headers, and browsers in `referer`.
#[tokio::test]
async fn no_header_repeats_the_target() {
    let inbox = memory();
    let request = Request::post("/hook/s3cr3t?key=t0k3n")
        .header("x-original-uri", "/app/hook/other")
        .header("referer", "https://a.example/elsewhere")
        .header("x-a", "https://a.example/hook/s3cr3t")
        .header("x-b", "a?key=t0k3n&b")
        .header("x-c", "kept")
        .body(Body::default())
        .unwrap();
    let answer =
        VerifyLayer::new(Shop("shop")).layer(inbox.clone()).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let stored = one(&inbox, all(&inbox).await[0].seq).await.record.headers;
    let stored = String::from_utf8(stored.to_vec()).unwrap();
    for secret in ["s3cr3t", "t0k3n", "/hook", "elsewhere"] {
        assert!(!stored.contains(secret), "{secret}: {stored}");
    }
    assert!(stored.contains("x-c: kept\r\n") && stored.contains("x-a: [redacted]\r\n"));
}

#[tokio::test]
async fn e18_ids_of_different_tenants_are_different_ids() {
    let inbox = memory();
    let [a, b, empty] = ["a", "b", ""].map(|name| inbox.clone().tenant(name));
    let mut first = Vec::new();
    for inbox in [&inbox, &a, &b, &empty] {
        first.push(posted(inbox, learn365(), signed(learn365(), BODY)).await.number());
    }
    for (inbox, first) in [&inbox, &a, &b, &empty].into_iter().zip(&first) {
        posted(inbox, learn365(), signed(learn365(), BODY)).await.is_duplicate_of(*first);
    }
    let tenants: Vec<_> =
        all(&inbox).await.into_iter().map(|stored| stored.record.tenant).collect();
    assert_eq!(tenants, [None, Some("a".into()), Some("b".into()), Some("".into())]);
}

#[tokio::test]
async fn ids_under_different_keys_are_different_ids() {
    let inbox = memory();
    let keys = Keys::named("sofia", SECRET).or(Keys::named("varna", OTHER_SECRET));
    let both = Learn365::new(keys).unwrap();
    let request = |secret: &str| signed(Learn365::new(secret).unwrap(), BODY);
    let sofia = posted(&inbox, both.clone(), request(SECRET)).await.number();
    let varna = posted(&inbox, both.clone(), request(OTHER_SECRET)).await.number();
    posted(&inbox, both.clone(), request(SECRET)).await.is_duplicate_of(sofia);
    posted(&inbox, both, request(OTHER_SECRET)).await.is_duplicate_of(varna);
    assert_eq!(one(&inbox, sofia).await.record.key_id.as_deref(), Some("sofia"));
    assert_eq!(one(&inbox, varna).await.record.key_id.as_deref(), Some("varna"));
}

#[tokio::test]
async fn e18_ids_of_different_senders_are_different_ids() {
    let inbox = memory();
    let body = BODY.replace("d1", "msg_1");
    let learn = signed(learn365(), body.clone());
    let standard = signed(standard_webhooks(), body);
    posted(&inbox, learn365(), learn).await.number();
    posted(&inbox, standard_webhooks(), standard).await.number();
    let ids: Vec<_> = all(&inbox).await.into_iter().map(|stored| stored.record.id).collect();
    assert_eq!(ids, [Some("msg_1".into()), Some("msg_1".into())]);
}

/// The session and the action in the body. It panics if they are `panic`.
fn session(_: &Delivery, body: &[u8]) -> Option<Vec<u8>> {
    let members = Members::of(str::from_utf8(body).ok()?)?;
    let session = format!("{} {}", members.text("uuid")?, members.text("action")?);
    assert_ne!(session, "panic panic");
    Some(session.into_bytes())
}

fn of_session(uuid: &str, action: &str) -> Request<Body> {
    let body = format!(r#"{{"uuid": "{uuid}", "action": "{action}"}}"#);
    signed(synthesis_vr(), body)
}

#[tokio::test]
async fn e20_e21_a_closure_can_recognise_copies() {
    let inbox = memory().id(session);
    let first = posted(&inbox, synthesis_vr(), of_session("1", "start")).await.number();
    posted(&inbox, synthesis_vr(), of_session("1", "start")).await.is_duplicate_of(first);
    posted(&inbox, synthesis_vr(), of_session("1", "end")).await.number();
    posted(&inbox, synthesis_vr(), of_session("2", "start")).await.number();
    assert_eq!(one(&inbox, first).await.record.id, None);
    for no_id in [|| signed(synthesis_vr(), "{"), || of_session("panic", "panic")] {
        posted(&inbox, synthesis_vr(), no_id()).await.number();
        posted(&inbox, synthesis_vr(), no_id()).await.number();
    }
}

#[tokio::test]
async fn a_closure_replaces_the_id_of_the_sender() {
    let inbox = memory().id(|delivery, _| Some(delivery.provider().into()));
    let first = posted(&inbox, learn365(), signed(learn365(), BODY)).await.number();
    let other = signed(learn365(), BODY.replace("d1", "d2"));
    let answer = posted(&inbox, learn365(), other).await;
    assert_eq!(answer.enqueued(), Some(Enqueued::Duplicate { first, body_differs: true }));
    let never = memory().id(|_, _| None);
    for _ in 0..2 {
        posted(&never, learn365(), signed(learn365(), BODY)).await.number();
    }
}

async fn claimed(inbox: &Inbox) -> Vec<Leased> {
    let sources = [Arc::from("synthesis_vr")].into();
    let claim = Claim { sources, most: 100, lease: Duration::from_secs(60) };
    inbox.store().claim(claim).await.unwrap()
}

#[tokio::test]
async fn a_closure_can_order_deliveries() {
    let inbox = memory().order_by(session);
    let of_a_tenant = inbox.clone().tenant("a");
    let mut first = Vec::new();
    for (inbox, uuid) in [(&inbox, "1"), (&inbox, "2"), (&of_a_tenant, "1")] {
        first.push(posted(inbox, synthesis_vr(), of_session(uuid, "start")).await.number());
    }
    let second = posted(&inbox, synthesis_vr(), of_session("1", "start")).await.number();
    let leased = claimed(&inbox).await;
    let numbers: Vec<_> = leased.iter().map(|leased| leased.lease.seq).collect();
    assert_eq!(numbers, first);
    inbox.store().finish(leased[0].lease, vec![], Finish::Done).await.unwrap();
    assert_eq!(claimed(&inbox).await[0].lease.seq, second);
}

#[tokio::test]
async fn without_an_order_key_there_is_no_order() {
    for (inbox, uuid) in [(memory(), "1"), (memory().order_by(session), "panic")] {
        for _ in 0..3 {
            posted(&inbox, synthesis_vr(), of_session(uuid, uuid)).await.number();
        }
        assert_eq!(claimed(&inbox).await.len(), 3);
    }
}

#[tokio::test]
async fn the_last_fifth_is_kept_for_those_who_never_send_again() {
    for (used, resends, never_resends) in [
        (0.0, true, true),
        (0.79, true, true),
        (0.8, false, true),
        (0.99, false, true),
        (1.0, false, false),
        (1.5, false, false),
    ] {
        let inbox = Inbox::new(Stub::full(used));
        let answer = posted(&inbox, learn365(), signed(learn365(), BODY)).await;
        match resends {
            true => drop(answer.number()),
            false => answer.is_not_stored(InboxError::Full),
        }
        let answer = posted(&inbox, synthesis_vr(), of_session("1", "start")).await;
        match never_resends {
            true => drop(answer.number()),
            false => answer.is_not_stored(InboxError::Full),
        }
        let stored = usize::from(resends) + usize::from(never_resends);
        assert_eq!(all(&inbox).await.len(), stored, "{used}");
    }
}

#[tokio::test]
async fn bodies_that_wait_have_a_limit_together() {
    let store = Stub::waiting();
    let inbox = Inbox::new(store.clone()).max_total_bytes(BODY.len() * 3 / 2);
    let post = |id: &'static str| {
        let inbox = inbox.clone();
        async move { posted(&inbox, learn365(), signed(learn365(), BODY.replace("d1", id))).await }
    };
    let first = tokio::spawn(post("d1"));
    tokio::task::yield_now().await;
    post("d2").await.is_not_stored(InboxError::Full);
    store.stores(1).await;
    first.await.unwrap().number();
    // A single one may be larger than the limit.
    store.writes.add_permits(1);
    let small = inbox.clone().max_total_bytes(1);
    posted(&small, learn365(), signed(learn365(), BODY.replace("d1", "d3"))).await.number();
}

#[tokio::test]
async fn an_inbox_is_shown_with_its_tenant_and_its_store() {
    let inbox = memory().tenant("north").timeout(Duration::from_secs(7));
    let shown = format!("{inbox:?}");
    for part in ["Inbox {", "MemoryStore", "\"north\"", "7s"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let mut hook = VerifyLayer::new(learn365()).layer(inbox.clone());
    let answering = hook.call(signed(learn365(), BODY));
    assert!(!format!("{answering:?}").contains(SECRET));
}

#[tokio::test(start_paused = true)]
async fn f18_a_write_that_takes_too_long_goes_on() {
    let store = Stub::waiting();
    let inbox = Inbox::new(store.clone()).timeout(Duration::from_secs(3));
    let start = tokio::time::Instant::now();
    let answer = posted(&inbox, learn365(), signed(learn365(), BODY)).await;
    answer.is_not_stored(InboxError::Timeout);
    assert_eq!(start.elapsed().as_secs(), 3);
    assert_eq!(store.stored().await, 0);
    store.stores(1).await;
    // The sender, which was told to try again, does.
    store.writes.add_permits(1);
    let again = posted(&inbox, learn365(), signed(learn365(), BODY)).await;
    again.is_duplicate_of(1);
}

#[tokio::test(start_paused = true)]
async fn the_answer_waits_for_the_write() {
    let store = Stub::waiting();
    let inbox = Inbox::new(store.clone());
    let posting =
        tokio::spawn(async move { posted(&inbox, learn365(), signed(learn365(), BODY)).await });
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert!(!posting.is_finished());
    store.stores(1).await;
    posting.await.unwrap().number();
}

#[tokio::test]
async fn f17_an_error_of_the_store_is_no_fault_of_the_sender() {
    for error in [
        InboxError::Full,
        InboxError::Timeout,
        InboxError::unavailable("no disk"),
        InboxError::Poisoned,
        InboxError::Closed,
    ] {
        let inbox = Inbox::new(Stub::failing(error.clone()));
        let answer = posted(&inbox, learn365(), signed(learn365(), BODY)).await;
        answer.is_not_stored(error);
    }
}

#[tokio::test]
async fn d14_a_delivery_is_stored_if_its_sender_hangs_up() {
    let store = Stub::waiting();
    let inbox = Inbox::new(store.clone());
    for polls in 1..4 {
        let hook = VerifyLayer::new(standard_webhooks()).layer(inbox.clone());
        let id = format!("msg_{polls}");
        let request = Sender::new(standard_webhooks()).id(id).body("{}").unwrap();
        let mut answering = pin!(hook.oneshot(request));
        for _ in 0..polls {
            let polled = answering.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(polled, Poll::Pending), "{polled:?}");
        }
    }
    assert_eq!(store.stored().await, 0);
    store.stores(3).await;
    store.writes.add_permits(1);
    let again = Sender::new(standard_webhooks()).id("msg_1").body("{}").unwrap();
    posted(&inbox, standard_webhooks(), again).await.is_duplicate_of(1);
}

#[tokio::test]
async fn f25_a_closed_inbox_refuses_deliveries() {
    let inbox = memory();
    inbox.close().await.unwrap();
    let answer = posted(&inbox, learn365(), signed(learn365(), BODY)).await;
    answer.is_not_stored(InboxError::Closed);
    let answer = posted(&inbox.tenant("a"), synthesis_vr(), of_session("1", "start")).await;
    answer.is_not_stored(InboxError::Closed);
}

#[tokio::test(start_paused = true)]
async fn health_says_whether_a_delivery_could_be_stored() {
    let health = async |store: Stub| Inbox::new(store).health().await;
    assert_eq!(health(stub()).await, Ok(()));
    assert_eq!(health(Stub::full(0.79)).await, Ok(()));
    // Then most senders are refused.
    assert_eq!(health(Stub::full(0.8)).await, Err(InboxError::Full));
    let failed = InboxError::unavailable("no disk");
    assert_eq!(health(Stub::failing(failed.clone())).await, Err(failed));
    let waiting = Inbox::new(Stub::waiting()).timeout(Duration::from_secs(2));
    let start = tokio::time::Instant::now();
    assert_eq!(waiting.health().await, Err(InboxError::Timeout));
    assert_eq!(start.elapsed().as_secs(), 2);
}

/// Its bodies are packed, and its facts are in them. The head may name the type of the one event.
#[derive(Clone)]
struct Packed;

impl Provider for Packed {
    fn authenticate(&self, head: &Head<'_>) -> Result<Check, VerifyError> {
        let check = Check::from(Authentic::dangerous_assert());
        match head.public_header("x-event") {
            Ok(event_type) => check.named(event_type),
            Err(_) => Ok(check),
        }
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("type").within("events")
    }

    fn unpack(&self, body: Bytes) -> Result<Unpacked, DecodeError> {
        match body.strip_prefix(b"packed ") {
            Some(packed) => Ok(body.slice_ref(packed).into()),
            None => panic!("a provider with a fault"),
        }
    }

    fn describe<'b>(&self, outer: &Members<'b>) -> Described<'b> {
        match outer.text("id") {
            Some(id) => Described::default().id(id),
            None => Described::default(),
        }
    }

    fn name(&self) -> Cow<'static, str> {
        "packed".into()
    }
}

fn packed(body: &'static str) -> Request<Body> {
    Request::post("/").body(body.into()).unwrap()
}

#[tokio::test]
async fn a_body_is_stored_as_it_was_received() {
    let inbox = memory();
    let body = r#"packed {"id": "p1", "events": []}"#;
    let seq = posted(&inbox, Packed, packed(body)).await.number();
    let record = one(&inbox, seq).await.record;
    assert_eq!(record.body, body);
    assert_eq!(record.id.as_deref(), Some("p1"));
    assert_eq!((&*record.source, record.event_type), ("packed", None));
}

#[tokio::test]
async fn the_type_in_the_head_is_stored() {
    let inbox = memory();
    let mut request = packed("packed {}");
    request.headers_mut().insert("x-event", "paid".parse().unwrap());
    let seq = posted(&inbox, Packed, request).await.number();
    assert_eq!(one(&inbox, seq).await.record.event_type.as_deref(), Some("paid"));
}

#[tokio::test]
async fn a_provider_that_panics_loses_no_delivery() {
    let inbox = memory();
    let seq = posted(&inbox, Packed, packed("not so")).await.number();
    assert_eq!(one(&inbox, seq).await.record.body, "not so");
}
