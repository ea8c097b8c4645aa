//! What strangers can make a receiver hold, measured from outside of its process.

use std::{collections::BTreeSet, env, fs, net::SocketAddr, time::Duration};

use hyper::client::conn::http2;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tower_webhook::sender::deliver;

use super::*;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const CONNECTIONS: usize = 200;
const BODY: usize = 512 * KIB;
const BUDGET: usize = 2048 * KIB;
/// What hyper may buffer of an HTTP/1.1 connection.
const BUFFER: usize = 16 * KIB;
/// What each connection may cost besides: that buffer, once more while a frame is held that was cut from it, and the
/// state of a connection and of a request.
const EACH: usize = 64 * KIB;
const ALLOWED: usize = BUDGET + CONNECTIONS * EACH;
/// Of a head, and of a body.
const DEADLINE: Duration = Duration::from_secs(6);
const FORGED: &str = "sha256=0000000000000000000000000000000000000000000000000000000000000000";
static PIECE: [u8; BUFFER] = [b' '; BUFFER];
const MAX_TOTAL_BYTES: &str = "TOWER_WEBHOOK_TEST_BYTES_AT_ONCE";
const MAX_DRAIN_BYTES: &str = "TOWER_WEBHOOK_TEST_DRAIN_LIMIT";

/// Runs in a process of its own, started by the tests here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a receiver, not a test"]
async fn receiver_process() {
    let Ok(max_total_bytes) = env::var(MAX_TOTAL_BYTES) else { return };
    let max_drain_bytes = env::var(MAX_DRAIN_BYTES).map_or(MIB, |limit| limit.parse().unwrap());
    let layer = VerifyLayer::new(learn365())
        .max_body_bytes(BODY)
        .max_total_bytes(max_total_bytes.parse().unwrap())
        .body_timeout(DEADLINE)
        .max_drain_bytes(max_drain_bytes);
    let hook = layer.layer(EventRouter::new());
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).max_buf_size(BUFFER).header_read_timeout(DEADLINE);
    builder.http2().timer(TokioTimer::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Process::ready(&listener);
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let service = TowerToHyperService::new(hook.clone());
        tokio::spawn(builder.serve_connection(TokioIo::new(stream), service).into_owned());
    }
}

fn started(max_total_bytes: usize) -> Process {
    Process::start("memory::receiver_process", &[(MAX_TOTAL_BYTES, &max_total_bytes.to_string())])
}

/// The memory that a process has, `VmRSS`, or had at most, `VmHWM`, in bytes.
fn memory(process: &Process, which: &str) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with(which)).unwrap();
    let kib = line.split_ascii_whitespace().nth(1).unwrap();
    kib.parse::<usize>().unwrap() * KIB
}

/// Has many senders do the same at once. How much the receiver grew by, and what it answered.
async fn attack<F>(max_total_bytes: usize, send: impl Fn(SocketAddr) -> F) -> (usize, Vec<u16>)
where
    F: Future<Output = u16> + Send + 'static,
{
    let process = started(max_total_bytes);
    // What code it takes is in memory then.
    for _ in 0..20 {
        let pieces = vec![Bytes::from_static(&[b' '; 2 * KIB]); 2];
        let head = signed(&format!("content-length: {}", 4 * KIB));
        assert_eq!(sent(process.address, head, pieces).await, 401);
    }
    let before = memory(&process, "VmRSS");
    let senders = (0..CONNECTIONS).map(|_| send(process.address)).collect::<JoinSet<_>>();
    let answers = senders.join_all().await;
    let grown = memory(&process, "VmHWM") - before;
    println!(
        "{CONNECTIONS} connections, {max_total_bytes} bytes at once: {} KiB more",
        grown / KIB
    );
    all_is_given_back(process.address).await;
    (grown, answers)
}

/// As many of the longest bodies as the budget is for are read at once.
async fn all_is_given_back(address: SocketAddr) {
    let body = format!(r#"{{"Notifications":[{}]}}"#, " ".repeat(BODY - 20));
    let genuine = Sender::new(learn365()).to(url(address, "/")).body(body).unwrap();
    let all = (0..BUDGET / BODY).map(|_| deliver(genuine.clone()));
    for answer in all.collect::<JoinSet<_>>().join_all().await {
        assert_eq!(answer.unwrap().status(), 200);
    }
}

/// The answer to `head` and `pieces`, or 0 if the receiver just hangs up.
async fn sent(address: SocketAddr, head: String, pieces: Vec<Bytes>) -> u16 {
    let mut raw = Raw::new(TcpStream::connect(address).await.unwrap());
    raw.send(head).await;
    for piece in pieces {
        raw.send(piece).await;
    }
    raw.answer().await.map_or(0, |told| told.status())
}

fn unsigned() -> String {
    "POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n".to_owned()
}

/// In the right form, by nobody who has the key.
fn signed(rest: &str) -> String {
    format!("{}ms-signature: {FORGED}\r\n{rest}\r\n\r\n", unsigned())
}

/// All but the last of the longest body.
fn most(piece: &'static [u8]) -> Vec<Bytes> {
    vec![Bytes::from_static(piece); BODY / BUFFER - 1]
}

#[tokio::test]
async fn d15_c26_bodies_stay_within_their_budget_over_http1() {
    let length = format!("content-length: {BODY}");
    let chunk = format!("{BUFFER:x}\r\n{}\r\n", " ".repeat(BUFFER));
    let chunks = vec![Bytes::from(chunk); BODY / BUFFER - 1];
    let long = format!("x: {}\r\n", "a".repeat(BUFFER / 2));
    let beginning = most(&PIECE)[..1].to_vec();
    // At once: each has a receiver of its own.
    let mut all = JoinSet::new();
    for (name, head, pieces, expected) in [
        ("all but the last of a body", signed(&length), most(&PIECE), &[408, 503][..]),
        ("chunks without an end", signed("transfer-encoding: chunked"), chunks, &[408, 503]),
        ("the beginning of a body", signed(&length), beginning, &[408, 503]),
        ("no signature", format!("{}{length}\r\n\r\n", unsigned()), most(&PIECE), &[401]),
        ("a head without an end", unsigned() + &long, vec![], &[0]),
    ] {
        all.spawn(async move {
            let send = |address| sent(address, head.clone(), pieces.clone());
            let (grown, answers) = attack(BUDGET, send).await;
            let seen: BTreeSet<_> = answers.into_iter().collect();
            assert_eq!(seen, expected.iter().copied().collect(), "{name}");
            assert!(grown <= ALLOWED, "{name}: {grown}");
        });
    }
    all.join_all().await;
}

/// On a connection of its own for each: it is the budget that is looked at, not the windows of HTTP/2.
async fn streamed(address: SocketAddr) -> u16 {
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let (feeder, body) = fed();
    most(&PIECE).into_iter().for_each(|piece| feeder.send(Ok(piece)).unwrap());
    let request = Request::post("http://a/").header("ms-signature", FORGED);
    let request = request.header("content-type", "application/json").body(body).unwrap();
    let answer = sender.send_request(request).await;
    drop(feeder);
    answer.unwrap().status().as_u16()
}

#[tokio::test]
async fn d15_c26_bodies_stay_within_their_budget_over_http2() {
    let (grown, answers) = attack(BUDGET, streamed).await;
    assert_eq!(answers.into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([408, 503]));
    assert!(grown <= ALLOWED, "{grown}");
}

#[tokio::test]
async fn d15_without_a_budget_they_do_not() {
    let length = format!("content-length: {BODY}");
    let send = |address| sent(address, signed(&length), most(&PIECE));
    let (grown, answers) = attack(usize::MAX, send).await;
    assert_eq!(answers, [408; CONNECTIONS]);
    assert!(grown > ALLOWED, "{grown}");
}

/// `ulimit -n 8192; cargo test --release --test hostile -- --ignored --nocapture what_strangers_cost`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, not a test"]
async fn what_strangers_cost_whose_bodies_are_read_and_dropped() {
    for strangers in [256, 1024] {
        for max_drain_bytes in [0, MIB] {
            let limit = max_drain_bytes.to_string();
            let environment = [(MAX_TOTAL_BYTES, "2097152"), (MAX_DRAIN_BYTES, &limit)];
            let process = Process::start("memory::receiver_process", &environment);
            let (memory_before, busy_before) = (memory(&process, "VmRSS"), busy(&process));
            let start = std::time::Instant::now();
            let head = format!("{}content-length: {MIB}\r\n\r\n", unsigned());
            let pieces = vec![Bytes::from_static(&PIECE); MIB / BUFFER];
            let send = |_| sent(process.address, head.clone(), pieces.clone());
            let told = (0..strangers).map(send).collect::<JoinSet<_>>().join_all().await;
            println!(
                "{strangers} strangers of 1 MiB, {max_drain_bytes} bytes drained: {} saw the status, {:?}, \
                 {:?} of the receiver's processor time, {} KiB more",
                told.iter().filter(|status| **status == 413).count(),
                start.elapsed(),
                busy(&process) - busy_before,
                (memory(&process, "VmHWM") - memory_before) / KIB,
            );
        }
    }
}

/// The processor time that a process has used, in hundredths of a second.
fn busy(process: &Process) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
    let times = stat.rsplit(") ").next().unwrap().split(' ').skip(11).take(2);
    Duration::from_millis(times.map(|ticks| 10 * ticks.parse::<u64>().unwrap()).sum())
}
