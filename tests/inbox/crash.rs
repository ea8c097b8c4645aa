//! A receiver that is killed again and again, and a sender that remembers what was answered 200.
//!
//! The receiver is this test program in a process of its own. By default it is killed for a few seconds;
//! `TOWER_WEBHOOK_CRASH_SECONDS` says for how long. The file of the inbox is carried from one process to the next.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    fs::OpenOptions,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use http::{Request, StatusCode, Uri};
use tokio::{net::TcpListener, time::sleep};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_webhook::{
    Body, BoxError, Delivery, EventRouter, State, VerifyLayer,
    inbox::{Inbox, SqliteStore, Worker},
    router::EventKey,
    sender::deliver,
};

use crate::{
    sqlite::Folder,
    support::{Order, Shop, orders},
};

const FOLDER: &str = "TOWER_WEBHOOK_CRASH_FOLDER";
const ANSWERS_FIRST: &str = "TOWER_WEBHOOK_CRASH_ANSWERS_FIRST";
const SENDERS: usize = 16;
const EVENTS: u64 = 3;

#[test]
#[ignore = "the receiver of the other tests, in a process of its own"]
fn receiver() {
    let folder = PathBuf::from(env::var_os(FOLDER).expect("the folder of the inbox"));
    tokio::runtime::Runtime::new().unwrap().block_on(receive(&folder)).unwrap();
}

async fn receive(folder: &Path) -> Result<(), BoxError> {
    let inbox = Inbox::new(SqliteStore::open(folder.join("webhooks.db"))?);
    let ledger = OpenOptions::new().append(true).create(true).open(folder.join("ledger"))?;
    let process = std::process::id();
    let events = EventRouter::with_state((Arc::new(ledger), process)).on(handle);
    let worker = Worker::new(inbox.clone()).on(Shop("shop"), events).concurrency(32);
    tokio::spawn(worker.run(std::future::pending()));
    let hook = VerifyLayer::new(Shop("shop")).layer(inbox.clone());
    let app = axum::Router::new().route("/stats", axum::routing::get(move || stats(inbox.clone())));
    let app = match env::var_os(ANSWERS_FIRST) {
        None => app.route_service("/hook", hook),
        Some(_) => app.route_service("/hook", answering_first(hook)),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("\nLISTENING {}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

/// The fault that the test must find: a 200 before the delivery is stored.
fn answering_first<S>(
    hook: S,
) -> impl Service<
    Request<axum::body::Body>,
    Response = http::Response<Body>,
    Error = std::convert::Infallible,
    Future: Send,
> + Clone
where
    S: Service<Request<axum::body::Body>, Error = std::convert::Infallible, Future: Send>
        + Clone
        + Send
        + 'static,
    S::Response: Send,
{
    service_fn(move |request: Request<axum::body::Body>| {
        let hook = hook.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            tokio::spawn(async move {
                sleep(Duration::from_millis(50)).await;
                drop(hook.oneshot(Request::from_parts(parts, body.into())).await);
            });
            Ok(http::Response::new(Body::default()))
        }
    })
}

async fn handle(
    _: Order,
    State((ledger, process)): State<(Arc<fs::File>, u32)>,
    key: Option<EventKey>,
    delivery: Delivery,
) -> Result<(), BoxError> {
    sleep(Duration::from_millis(u64::from(delivery.attempt() % 2) * 3)).await;
    let line = format!("{} {} {process}\n", key.unwrap(), delivery.id().unwrap());
    // In one write: two could be torn apart by the kill.
    Ok((&*ledger).write_all(line.as_bytes())?)
}

async fn stats(inbox: Inbox) -> String {
    match inbox.store().stats().await {
        Ok(all) => {
            all.iter().map(|s| format!("{} {} {} {}", s.ready, s.leased, s.done, s.dead)).collect()
        }
        Err(error) => error.to_string(),
    }
}

/// The receiver's process.
struct Receiver {
    process: Child,
    target: Uri,
}

impl Receiver {
    fn start(folder: &Path, answers_first: bool) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["crash::receiver", "--exact", "--ignored", "--nocapture"])
            .env(FOLDER, folder);
        if answers_first {
            command.env(ANSWERS_FIRST, "1");
        }
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut found = lines
            .map_while(Result::ok)
            .filter_map(|line| Some(line.strip_prefix("LISTENING ")?.to_owned()));
        let address = found.next().expect("the receiver starts");
        // What else it prints is not read, but must not block it.
        std::thread::spawn(move || found.count());
        Self { process, target: format!("http://{address}/hook").parse().unwrap() }
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// What the senders share.
struct Senders {
    target: Mutex<Uri>,
    next_id: AtomicU64,
    answered: Mutex<BTreeSet<String>>,
    is_over: AtomicBool,
}

impl Senders {
    /// Sends one delivery after the other, each until it is answered 200.
    async fn send(&self) {
        while !self.is_over.load(Ordering::Relaxed) {
            let number = self.next_id.fetch_add(1, Ordering::Relaxed);
            let id = format!("d{number}");
            while !self.is_answered(&id).await {
                sleep(Duration::from_millis(5)).await;
                // A delivery that was never answered may be stored or not.
                if self.is_over.load(Ordering::Relaxed) {
                    return;
                }
            }
            self.answered.lock().unwrap().insert(id);
        }
    }

    async fn is_answered(&self, id: &str) -> bool {
        let target = self.target.lock().unwrap().clone();
        let body = orders(&(0..EVENTS).collect::<Vec<_>>());
        let request = Request::post(target).header("x-id", id).body(Body::from(body)).unwrap();
        deliver(request).await.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }
}

/// The result of a run.
struct Run {
    kills: usize,
    answered: BTreeSet<String>,
    /// The processes that handled each event of each delivery.
    handled: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    /// Ready, leased, done, dead.
    stats: [u64; 4],
}

async fn run(folder: &Path, seconds: u64, answers_first: bool) -> Run {
    let mut receiver = Receiver::start(folder, answers_first);
    let senders = Arc::new(Senders {
        target: Mutex::new(receiver.target.clone()),
        next_id: AtomicU64::new(0),
        answered: Mutex::default(),
        is_over: AtomicBool::new(false),
    });
    let all: Vec<_> = (0..SENDERS)
        .map(|_| {
            let senders = senders.clone();
            tokio::spawn(async move { senders.send().await })
        })
        .collect();
    let (begun, mut kills) = (Instant::now(), 0);
    let mut random = 88_172_645_463_325_252_u64;
    while begun.elapsed() < Duration::from_secs(seconds) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        sleep(Duration::from_millis(20 + random % 580)).await;
        receiver.kill();
        kills += 1;
        receiver = Receiver::start(folder, answers_first);
        *senders.target.lock().unwrap() = receiver.target.clone();
    }
    senders.is_over.store(true, Ordering::Relaxed);
    for sender in all {
        sender.await.unwrap();
    }
    let stats = drained(&receiver.target).await;
    receiver.kill();
    let answered = std::mem::take(&mut *senders.answered.lock().unwrap());
    Run { kills, answered, handled: ledger(&folder.join("ledger")), stats }
}

/// The numbers of deliveries, when none waits.
async fn drained(target: &Uri) -> [u64; 4] {
    let stats: Uri = target.to_string().replace("/hook", "/stats").parse().unwrap();
    let begun = Instant::now();
    loop {
        let mut request = Request::get(stats.clone()).body(Body::default()).unwrap();
        *request.uri_mut() = stats.clone();
        let answer = deliver(request).await.unwrap();
        let text = String::from_utf8(answer.into_body().to_vec()).unwrap();
        let numbers: Vec<_> = text.split(' ').filter_map(|number| number.parse().ok()).collect();
        if let [0, 0, _, _] = numbers[..] {
            return numbers.try_into().unwrap();
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "still {text}");
        sleep(Duration::from_millis(100)).await;
    }
}

fn ledger(path: &Path) -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
    let mut all: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        let [key, id, process] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let events = all.entry(id.to_owned()).or_default();
        events.entry(key.to_owned()).or_default().push(process.to_owned());
    }
    all
}

impl Run {
    /// The deliveries that were answered 200 and of which not every event was handled.
    fn lost(&self) -> usize {
        let is_handled = |id: &&String| {
            self.handled.get(*id).is_some_and(|events| events.len() as u64 == EVENTS)
        };
        self.answered.len() - self.answered.iter().filter(is_handled).count()
    }
}

fn seconds() -> u64 {
    env::var("TOWER_WEBHOOK_CRASH_SECONDS").map_or(5, |seconds| seconds.parse().expect("seconds"))
}

#[tokio::test(flavor = "multi_thread")]
async fn f4_f5_f6_f9_what_was_answered_200_is_handled_whenever_the_receiver_is_killed() {
    let folder = Folder::new();
    let run = run(&folder.0, seconds(), false).await;
    let events = || run.handled.values().flat_map(BTreeMap::values);
    let twice = events().filter(|processes| processes.len() > 1).count();
    let (answered, stored) = (run.answered.len(), run.stats[2]);
    println!(
        "killed {} times: {answered} answered 200, {stored} stored, {} lost, {} dead, {twice} events handled twice",
        run.kills,
        run.lost(),
        run.stats[3],
    );
    assert!(run.kills > 3 && answered > 100, "too little happened");
    assert_eq!((run.lost(), run.stats[3]), (0, 0));
    // Once in each process at most: those that were under way when it was killed.
    for processes in events() {
        let different: BTreeSet<_> = processes.iter().collect();
        assert_eq!(different.len(), processes.len(), "twice in one process");
    }
    // The events of a delivery are handled one after the other.
    assert!(twice <= run.kills * 32);
    // Every one that is stored, not only those that were answered.
    assert_eq!(run.handled.len() as u64, stored);
}

/// The negative control: this test must be able to find a loss.
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_answers_first_is_found_out() {
    let folder = Folder::new();
    let run = run(&folder.0, 3, true).await;
    assert!(run.lost() > 0, "{} kills, {} answered", run.kills, run.answered.len());
}
