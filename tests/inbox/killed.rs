//! For tests that kill processes: the processes, a sender that remembers what was answered 200, and a ledger of what was handled.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    env,
    fs::{self, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::body::Body as AxumBody;
use http::{Request, Response, StatusCode, Uri};
use tokio::{net::TcpListener, task::JoinHandle, time::sleep};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_webhook::{
    Body, BoxError, Delivery, EventRouter, State, VerifyLayer, inbox::Inbox, router::EventKey,
    sender::deliver,
};

use crate::support::{Order, Shop, orders};

/// Where a process finds the folder of its run.
const FOLDER: &str = "TOWER_WEBHOOK_CRASH_FOLDER";
/// Where a receiver finds that it has a fault.
const ANSWERS_FIRST: &str = "TOWER_WEBHOOK_CRASH_ANSWERS_FIRST";
const SENDERS: usize = 16;
/// How many events a delivery has.
pub(crate) const EVENTS: u64 = 3;
/// The time that a run may take beyond its own, until enough has happened.
const PATIENCE: Duration = Duration::from_secs(300);

/// For how long processes are killed.
pub(crate) fn seconds() -> u64 {
    env::var("TOWER_WEBHOOK_CRASH_SECONDS").map_or(5, |seconds| seconds.parse().expect("seconds"))
}

/// The folder of the run that this process is a part of.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env::var_os(FOLDER).expect("the folder of the run"))
}

/// The path at which the receivers of this run are found, and those of no other run: one of these may get the port of a receiver
/// that was killed, and must not answer its senders.
fn hook(folder: &Path) -> String {
    format!("/hook-{}", folder.file_name().unwrap().to_str().unwrap())
}

/// This test program once more, with one of its ignored tests. It is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    /// Of a receiver.
    pub(crate) target: Uri,
}

impl Process {
    /// Starts it, and waits until it [is ready](ready).
    pub(crate) fn start(
        test: &str,
        folder: &Path,
        settings: &[(&str, &str)],
        answers_first: bool,
    ) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args([test, "--exact", "--ignored", "--nocapture"]).envs(settings.iter().copied());
        command.env(FOLDER, folder);
        if answers_first {
            command.env(ANSWERS_FIRST, "1");
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut found = lines
            .map_while(Result::ok)
            .filter_map(|line| Some(line.strip_prefix("READY ")?.to_owned()));
        let address = found.next().expect("the process starts");
        // What else it prints is not read, but must not block it.
        std::thread::spawn(move || found.count());
        Self { child, target: format!("http://{address}{}", hook(folder)).parse().unwrap() }
    }

    /// As if its machine stood still.
    #[cfg(unix)]
    pub(crate) async fn stand_still(&self, time: Duration) {
        let pid = self.child.id().to_string();
        for (signal, then) in [("-STOP", time), ("-CONT", Duration::ZERO)] {
            assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
            sleep(then).await;
        }
    }

    /// With SIGKILL.
    pub(crate) fn kill(&mut self) {
        // An error: it has ended by itself. Then the ledger shows it.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Tells who has started this process that it is ready.
pub(crate) fn ready(address: impl std::fmt::Display) {
    println!("\nREADY {address}");
}

/// Receives the shop's deliveries for this inbox, with the fault that this process was given.
pub(crate) async fn receive(inbox: Inbox, app: axum::Router) -> Result<(), BoxError> {
    let hook = VerifyLayer::new(Shop("shop")).layer(inbox);
    let path = self::hook(&folder());
    let app = match env::var_os(ANSWERS_FIRST) {
        None => app.route_service(&path, hook),
        Some(_) => app.route_service(&path, answering_first(hook)),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    ready(listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

/// The fault that a test must find: a 200 before the delivery is stored.
fn answering_first<S>(
    hook: S,
) -> impl Service<Request<AxumBody>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone
where
    S: Service<Request<AxumBody>, Error = Infallible, Future: Send> + Clone + Send + 'static,
    S::Response: Send,
{
    service_fn(move |request: Request<AxumBody>| {
        let hook = hook.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            tokio::spawn(async move {
                sleep(Duration::from_millis(50)).await;
                drop(hook.oneshot(Request::from_parts(parts, body.into())).await);
            });
            Ok(Response::new(Body::default()))
        }
    })
}

/// Handlers that write what they did into the ledger in this folder, to which all processes append.
pub(crate) fn events(folder: &Path) -> EventRouter<Shop, Arc<fs::File>> {
    let ledger = OpenOptions::new().append(true).create(true).open(folder.join("ledger")).unwrap();
    EventRouter::with_state(Arc::new(ledger)).on(handle)
}

async fn handle(
    _: Order,
    State(ledger): State<Arc<fs::File>>,
    key: Option<EventKey>,
    delivery: Delivery,
) -> Result<(), BoxError> {
    let (process, attempt) = (std::process::id(), delivery.attempt());
    sleep(Duration::from_millis(u64::from(attempt % 2) * 3)).await;
    let line = format!("{} {} {process} {attempt}\n", key.unwrap(), delivery.id().unwrap());
    // In one write: two could be torn apart by the kill.
    Ok((&*ledger).write_all(line.as_bytes())?)
}

/// Sends until it is stopped.
pub(crate) struct Sending {
    shared: Arc<Shared>,
    senders: Vec<JoinHandle<()>>,
}

struct Shared {
    targets: Mutex<Vec<Uri>>,
    next_id: AtomicU64,
    answered: Mutex<BTreeSet<String>>,
    is_over: AtomicBool,
}

impl Sending {
    /// Sends to these receivers in turns.
    pub(crate) fn start(targets: Vec<Uri>) -> Self {
        let shared = Arc::new(Shared {
            targets: Mutex::new(targets),
            next_id: AtomicU64::new(0),
            answered: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let sender = |_| {
            let shared = shared.clone();
            tokio::spawn(async move { shared.send().await })
        };
        Self { senders: (0..SENDERS).map(sender).collect(), shared }
    }

    /// The receiver in this place has another address now.
    pub(crate) fn has_moved(&self, place: usize, target: &Uri) {
        self.shared.targets.lock().unwrap()[place] = target.clone();
    }

    /// Whether a run is over: its seconds are, enough was killed, and enough was answered. On a busy machine, the processes
    /// start slowly.
    pub(crate) fn is_over(&self, begun: Instant, seconds: u64, is_killed: bool) -> bool {
        let (passed, time) = (begun.elapsed(), Duration::from_secs(seconds));
        let answered = self.shared.answered.lock().unwrap().len();
        let is_enough = is_killed && answered > 100;
        assert!(is_enough || passed < time + PATIENCE, "too little happens: {answered} answered");
        is_enough && passed >= time
    }

    /// The ids of those that were answered 200.
    pub(crate) async fn stop(self) -> BTreeSet<String> {
        self.shared.is_over.store(true, Ordering::Relaxed);
        for sender in self.senders {
            sender.await.unwrap();
        }
        std::mem::take(&mut *self.shared.answered.lock().unwrap())
    }
}

impl Shared {
    /// Sends one delivery after the other, each until it is answered 200.
    async fn send(&self) {
        while !self.is_over.load(Ordering::Relaxed) {
            let number = self.next_id.fetch_add(1, Ordering::Relaxed);
            let id = format!("d{number}");
            let mut turn = usize::try_from(number).unwrap();
            while !self.is_answered(&id, turn).await {
                sleep(Duration::from_millis(5)).await;
                turn += 1;
                // A delivery that was never answered may be stored or not.
                if self.is_over.load(Ordering::Relaxed) {
                    return;
                }
            }
            self.answered.lock().unwrap().insert(id);
        }
    }

    async fn is_answered(&self, id: &str, turn: usize) -> bool {
        let target = {
            let targets = self.targets.lock().unwrap();
            targets[turn % targets.len()].clone()
        };
        let body = orders(&(0..EVENTS).collect::<Vec<_>>());
        let request = Request::post(target).header("x-id", id).body(Body::from(body)).unwrap();
        deliver(request).await.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }
}

/// What the handlers have written: of each delivery, each event, with who handled it.
pub(crate) struct Handled(BTreeMap<String, BTreeMap<String, Vec<By>>>);

/// A process, and the number of its attempt.
pub(crate) type By = (String, String);

impl Handled {
    pub(crate) fn read(folder: &Path) -> Self {
        let mut all: BTreeMap<_, BTreeMap<_, Vec<By>>> = BTreeMap::new();
        for line in fs::read_to_string(folder.join("ledger")).unwrap().lines() {
            let [key, id, process, attempt] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            let events = all.entry(id.to_owned()).or_default();
            events
                .entry(key.to_owned())
                .or_default()
                .push((process.to_owned(), attempt.to_owned()));
        }
        Self(all)
    }

    /// The number of deliveries of which something was handled.
    pub(crate) fn deliveries(&self) -> usize {
        self.0.len()
    }

    /// Who handled an event, for each event.
    pub(crate) fn events(&self) -> impl Iterator<Item = &Vec<By>> {
        self.0.values().flat_map(BTreeMap::values)
    }

    /// The number of events that were handled more than once.
    pub(crate) fn twice(&self) -> usize {
        self.events().filter(|by| by.len() > 1).count()
    }

    /// How many of these deliveries were not handled whole.
    pub(crate) fn lost(&self, answered: &BTreeSet<String>) -> usize {
        let is_handled =
            |id: &&String| self.0.get(*id).is_some_and(|events| events.len() as u64 == EVENTS);
        answered.len() - answered.iter().filter(is_handled).count()
    }
}

/// Numbers that look random, the same in each run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new() -> Self {
        Self(88_172_645_463_325_252)
    }

    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}
