//! Deliveries whose events say what becomes of them, and what the router must make of them.

use std::{
    future::{Future, poll_fn},
    panic,
    sync::{
        LazyLock, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Poll, Waker},
    time::Duration,
};

use serde::Deserialize;
use tower_webhook::{
    EventRouter, Payload, Policy, Provider, RawEvent,
    decode::Envelope,
    router::Outcome,
    scheme::{Authentic, Check, Head, VerifyError},
};

use crate::Input;

/// A sender that needs no credential.
pub struct Scripted {
    /// Whether it wants its answer at once.
    pub hasty: bool,
}

impl Provider for Scripted {
    fn authenticate(&self, _: &Head<'_>) -> Result<Check, VerifyError> {
        Ok(Authentic::dangerous_assert().into())
    }

    fn envelope(&self) -> Envelope {
        Envelope::flat("do")
    }

    fn policy(&self) -> Policy {
        let policy = Policy::default();
        if self.hasty { policy.never_resends(Duration::ZERO) } else { policy }
    }
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Succeed,
    Fail,
    Panic,
    /// Panics when it is dropped.
    Bomb,
    /// Waits until [`open`].
    Hold,
    /// Panics while it is decoded.
    Undecodable,
    /// Does not fit its type.
    Misfit,
    Unknown,
}

/// The events of one delivery.
#[derive(Clone)]
pub struct Script {
    acts: Vec<(Act, u8)>,
    /// The number of the first of them, by which its handler is known in the [`log`].
    first: usize,
    fallback: bool,
}

/// How far a script has got.
#[derive(Clone, Default)]
pub struct Progress {
    /// How many events are settled.
    pub settled: usize,
    /// How often the one under way has yet to be polled.
    turns: Option<u8>,
    /// Whether that one has had its time.
    is_late: bool,
    has_timed_out: bool,
    /// How many are to be left out.
    skipped: usize,
}

impl Progress {
    /// The event under way, if there is one, has had its time.
    pub fn be_late(&mut self) {
        self.is_late = self.turns.is_some();
    }
}

impl Script {
    pub fn new(input: &mut Input<'_>, first: usize, fallback: bool) -> Self {
        let mut act = || (*input.pick(&ACTS), input.byte() % 4);
        let first_act = act();
        let more = usize::from(first_act.1) * 2;
        let acts = std::iter::once(first_act).chain(std::iter::repeat_with(act).take(more));
        Self { acts: acts.collect(), first, fallback }
    }

    pub fn body(&self) -> String {
        let event = |(index, (act, turns)): (usize, &(Act, u8))| {
            let number = self.first + index;
            let name = if *act == Act::Misfit { "Succeed".into() } else { format!("{act:?}") };
            let turns = if *act == Act::Misfit { "null".into() } else { turns.to_string() };
            match number % 2 {
                0 => format!(r#"{{"do":"{name}","number":{number},"turns":{turns}}}"#),
                _ => format!(r#"{{"number":{number},"turns":{turns},"do":"{name}"}}"#),
            }
        };
        format!("[{}]", self.acts.iter().enumerate().map(event).collect::<Vec<_>>().join(","))
    }

    /// Polls once, as far as possible: `true` at the end. Adds what begins meanwhile to `log`.
    pub fn poll(&self, progress: &mut Progress, log: &mut Vec<usize>) -> bool {
        while let Some(&(act, turns)) = self.acts.get(progress.settled) {
            if progress.settled >= progress.skipped && self.is_seen(act) {
                let left = progress.turns.get_or_insert_with(|| {
                    log.push(self.first + progress.settled);
                    if self.is_typed(act) { turns } else { 0 }
                });
                let held = act == Act::Hold && !OPEN.load(Ordering::Relaxed);
                let waits = *left > 0 || held;
                *left = left.saturating_sub(1);
                if waits && !progress.is_late {
                    return false;
                }
                progress.has_timed_out |= waits;
            }
            progress.is_late = false;
            progress.turns = None;
            progress.settled += 1;
        }
        true
    }

    /// Whether it waits for [`open`].
    pub fn is_held(&self, progress: &Progress) -> bool {
        let act = self.acts.get(progress.settled).map(|(act, _)| *act);
        let is_held = progress.turns == Some(0) && !OPEN.load(Ordering::Relaxed);
        act == Some(Act::Hold) && is_held && !progress.is_late
    }

    /// Once more, without what is settled.
    pub fn resumed(&self, progress: &Progress) -> Progress {
        Progress { skipped: progress.settled, ..Progress::default() }
    }

    /// Whether these are the outcomes so far.
    pub fn is_borne_out(&self, progress: &Progress, outcomes: &[Outcome]) -> bool {
        let expected = |index: usize, outcome: &Outcome| match (self.acts[index].0, outcome) {
            _ if index < progress.skipped => matches!(outcome, Outcome::Skipped),
            (Act::Succeed | Act::Hold, Outcome::Handled) => true,
            (Act::Fail, Outcome::Failed(_)) => true,
            (Act::Panic | Act::Bomb | Act::Undecodable, Outcome::Panicked) => true,
            (Act::Misfit | Act::Unknown, Outcome::Handled) => self.fallback,
            (Act::Misfit, Outcome::Misfit(_)) | (Act::Unknown, Outcome::Ignored) => !self.fallback,
            _ => false,
        };
        outcomes.len() == progress.settled
            && outcomes.iter().enumerate().all(|(index, outcome)| expected(index, outcome))
    }

    /// What the sender is told at the end.
    pub fn status(&self, progress: &Progress) -> u16 {
        let fails = |act: &(Act, u8)| match act.0 {
            Act::Succeed | Act::Hold | Act::Unknown => false,
            Act::Misfit => !self.fallback,
            Act::Fail | Act::Panic | Act::Bomb | Act::Undecodable => true,
        };
        if progress.has_timed_out || self.acts.iter().any(fails) { 500 } else { 200 }
    }

    fn is_typed(&self, act: Act) -> bool {
        !matches!(act, Act::Undecodable | Act::Misfit | Act::Unknown)
    }

    /// Whether some handler gets to see it.
    fn is_seen(&self, act: Act) -> bool {
        self.is_typed(act) || self.fallback && act != Act::Undecodable
    }
}

/// How long an event may take.
pub const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

/// A router with a handler for each act, and one with a fallback as well.
pub static ROUTERS: LazyLock<[EventRouter<Scripted>; 2]> = LazyLock::new(|| {
    silence();
    let typed = || {
        EventRouter::new()
            .event_timeout(EVENT_TIMEOUT)
            .on_type("Succeed", async |todo: Todo| act(Act::Succeed, todo).await)
            .on_type("Fail", async |todo: Todo| act(Act::Fail, todo).await)
            .on_type("Panic", async |todo: Todo| act(Act::Panic, todo).await)
            .on_type("Bomb", async |todo: Todo| act(Act::Bomb, todo).await)
            .on_type("Hold", async |todo: Todo| act(Act::Hold, todo).await)
            .on_type("Undecodable", async |_: Undecodable| {})
    };
    let fallback = async |raw: RawEvent| {
        let Numbered { number } = serde_json::from_slice(raw.json()).expect("all have one");
        begin(number);
    };
    [typed(), typed().fallback(fallback)]
});

#[derive(Deserialize)]
struct Todo {
    number: usize,
    turns: u8,
}

#[derive(Deserialize)]
struct Numbered {
    number: usize,
}

struct Undecodable;

impl<'de> Deserialize<'de> for Undecodable {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic::panic_any(Quiet)
    }
}

impl Payload for Todo {
    type Provider = Scripted;
}

impl Payload for Undecodable {
    type Provider = Scripted;
}

async fn act(act: Act, todo: Todo) -> Result<(), &'static str> {
    begin(todo.number);
    let _bomb = (act == Act::Bomb).then(|| Bomb);
    for _ in 0..todo.turns {
        once_more().await;
    }
    match act {
        Act::Hold => opened().await,
        Act::Panic => panic::panic_any(Quiet),
        Act::Fail => return Err("it is told to"),
        _ => {}
    }
    Ok(())
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic::panic_any(Quiet);
    }
}

/// A panic that is meant.
struct Quiet;

/// Keeps panics that are meant from being reported, and from ending a fuzzer.
fn silence() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !info.payload().is::<Quiet>() {
            report(info);
        }
    }));
}

static LOG: Mutex<Vec<usize>> = Mutex::new(Vec::new());
static OPEN: AtomicBool = AtomicBool::new(false);
static HELD: Mutex<Vec<Waker>> = Mutex::new(Vec::new());

/// Begins anew.
pub fn reset() {
    OPEN.store(false, Ordering::Relaxed);
    log();
}

/// The events whose handlers began since it was last asked, in that order.
pub fn log() -> Vec<usize> {
    std::mem::take(&mut LOG.lock().expect("nothing panics under it"))
}

/// Lets go of all that is held.
pub fn open() {
    OPEN.store(true, Ordering::Relaxed);
    let held = std::mem::take(&mut *HELD.lock().expect("nothing panics under it"));
    held.into_iter().for_each(Waker::wake);
}

fn begin(number: usize) {
    LOG.lock().expect("nothing panics under it").push(number);
}

fn once_more() -> impl Future<Output = ()> {
    let mut polled = false;
    poll_fn(move |cx| {
        cx.waker().wake_by_ref();
        if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
    })
}

fn opened() -> impl Future<Output = ()> {
    poll_fn(|cx| {
        if OPEN.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        HELD.lock().expect("nothing panics under it").push(cx.waker().clone());
        Poll::Pending
    })
}

const ACTS: [Act; 8] = [
    Act::Succeed,
    Act::Fail,
    Act::Panic,
    Act::Bomb,
    Act::Hold,
    Act::Undecodable,
    Act::Misfit,
    Act::Unknown,
];
